#!/usr/bin/env python3
"""The part of scripts/demo after the build: service, data, job, two interruptions, and the checks.

Usage: demo_run.py PROGRAM     PROGRAM is the holdfast binary; Python's standard library is enough.
"""
import json
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
EPOCHS = 14
# Without waiting, all epochs would be done before anyone could interrupt them.
SECONDS_PER_EPOCH = 0.8
# One with a notice, as GCP and Azure give it; one without.
NOTICES = [30, 0]
EPOCHS_BEFORE_AN_INTERRUPTION = 2
LONGEST = 180  # seconds for everything; then something hangs


class Failed(Exception):
    pass


def check(true, what):
    if not true:
        raise Failed(what)


def say(text):
    print(f"\n== {text}", flush=True)


class Service:
    """`holdfast serve` on an empty folder, ended by its process id."""

    def __init__(self, program, data):
        command = [program, "serve", "--data", str(data), "--listen", "127.0.0.1:0", "--slots", "2"]
        self.log = open(data.parent / "service.log", "w+")
        # In a session of its own: Ctrl-C is ours to handle, and it is needed to clean up.
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True,
                                        start_new_session=True)
        print(self.process.stdout.readline().rstrip() or f"no service; its log:\n{self.errors()}", flush=True)
        check(self.process.poll() is None and (data / "endpoint").exists(), "the service did not start")

    def errors(self):
        self.log.flush()
        self.log.seek(0)
        return self.log.read()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Run:
    """`holdfast run`, whose lines we show and watch."""

    def __init__(self, holdfast, options):
        self.holdfast = holdfast
        self.job = ""
        self.resumed_from = []
        self.epochs_since_start = 0
        self.accuracy = None
        self.interrupted = 0
        self.summary = {}
        command = holdfast("run") + options
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, bufsize=1)

    def watch(self):
        for line in self.process.stdout:
            print(line, end="", flush=True)
            self.take(line.rstrip("\n"))
        return self.process.wait()

    def take(self, line):
        if found := re.match(r"Training job (\S+)$", line):
            self.job = found[1]
        elif found := re.match(r"(resuming from epoch|starting:) ?(\d+)", line):
            self.epochs_since_start = 0
            if found[1].startswith("resuming"):
                self.resumed_from.append(int(found[2]))
                say(f"attempt {len(self.resumed_from) + 1} goes on from epoch {found[2]}")
        elif found := re.match(r"epoch=(\d+) .*validation_accuracy=([0-9.]+);", line):
            self.epochs_since_start += 1
            self.accuracy = float(found[2])
            self.perhaps_interrupt()
        elif found := re.match(r"(Training seconds|Billable seconds|Managed Spot Training savings): ([0-9.]+)%?$", line):
            self.summary[found[1]] = float(found[2])

    def perhaps_interrupt(self):
        # Each attempt is interrupted once, and only after it has done something worth keeping.
        wanted = self.interrupted < len(NOTICES) and self.interrupted == len(self.resumed_from)
        if not wanted or self.epochs_since_start < EPOCHS_BEFORE_AN_INTERRUPTION:
            return
        notice = NOTICES[self.interrupted]
        say(f"taking the instance away, {f'with {notice} s of notice' if notice else 'without notice'}")
        subprocess.run(self.holdfast("interrupt", self.job, "--notice", str(notice)), check=True, timeout=30)
        self.interrupted += 1


def check_model(holdfast, folder, uri):
    path = folder / "model.tar.gz"
    subprocess.run(holdfast("cp", uri, str(path)), check=True, stdout=subprocess.DEVNULL, timeout=30)
    with tarfile.open(path) as model:
        names = [member.name for member in model.getmembers() if member.isfile() and model.extractfile(member).read()]
    check(names, f"{uri} is empty")
    return path, names


def check_everything(run, code, holdfast, folder):
    check(code == 0, f"the job did not complete: holdfast run ended with {code}")
    described = subprocess.run(holdfast("describe", run.job, "--json"), check=True, stdout=subprocess.PIPE, timeout=30)
    job = json.loads(described.stdout)
    check(job["TrainingJobStatus"] == "Completed", f"the job is {job['TrainingJobStatus']}")
    visits = [visit["Status"] for visit in job["SecondaryStatusTransitions"]]
    check(visits.count("Interrupted") == len(NOTICES), f"{visits.count('Interrupted')} interruptions, not {len(NOTICES)}")
    check(len(run.resumed_from) == len(NOTICES), f"resumed {len(run.resumed_from)} times, not {len(NOTICES)}")
    check(run.resumed_from[0] > 0, "the second attempt began from nothing")
    check(run.resumed_from == sorted(run.resumed_from), f"progress went back: {run.resumed_from}")
    check(run.accuracy is not None and run.accuracy > 0.85, f"the accuracy is {run.accuracy}, not above 0.85")
    metrics = {metric["MetricName"]: metric["Value"] for metric in job.get("FinalMetricDataList", [])}
    check(abs(metrics.get("validation:accuracy", -1) - run.accuracy) < 1e-4, f"the final metrics are {metrics}")
    check("Managed Spot Training savings" in run.summary, "no savings were printed")
    training, billable = job["TrainingTimeInSeconds"], job["BillableTimeInSeconds"]
    savings = (1 - billable / training) * 100
    check(abs(run.summary["Managed Spot Training savings"] - savings) < 0.06, "the savings printed are not the job's")
    path, names = check_model(holdfast, folder, job["ModelArtifacts"]["S3ModelArtifacts"])

    say("all as it should be")
    print(f"statuses       {' -> '.join(visits)}")
    print(f"went on from   epoch {', then epoch '.join(map(str, run.resumed_from))}")
    print(f"accuracy       {run.accuracy:.4f}")
    print(f"model          {job['ModelArtifacts']['S3ModelArtifacts']} ({path.stat().st_size} bytes: {', '.join(names)})")
    print(f"TrainingTimeInSeconds {training}, BillableTimeInSeconds {billable}, savings {savings:.1f}%", flush=True)


def end_job(run, holdfast):
    """A service that ends leaves its trainings running, so after a demonstration cut short the job must end first."""
    if run.process.poll() is None:
        run.process.kill()
        run.process.wait()
    if not run.job:
        return
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "timeout": 30}
    if subprocess.run(holdfast("stop", run.job), **quiet).returncode == 0:
        subprocess.run(holdfast("logs", "-f", run.job), **quiet)


def demonstrate(program, folder):
    data = folder / "data"
    data.mkdir()

    def holdfast(command, *arguments):
        return [program, command, "--data", str(data), *arguments]

    say("starting the service on an empty folder")
    service = Service(program, data)
    try:
        say("uploading the handwritten digits")
        digits = folder / "digits"
        subprocess.run(["/usr/bin/python3", "examples/digits/prepare_data.py", str(digits)], cwd=ROOT, check=True)
        subprocess.run(holdfast("cp", str(digits), "s3://holdfast/digits"), check=True)
        say("a managed spot training job")
        run = Run(holdfast, [
            "--spot", "--checkpoint", "s3://holdfast/checkpoints/digits", "--input", "train=s3://holdfast/digits/",
            "--max-run", "10m", "--max-wait", "20m",
            "--hyperparameter", f"epochs={EPOCHS}", "--hyperparameter", f"seconds-per-epoch={SECONDS_PER_EPOCH}",
            "--metric", "validation:accuracy=validation_accuracy=([0-9.]+)",
            "--", "/usr/bin/python3", "examples/digits/train.py"])
        try:
            check_everything(run, run.watch(), holdfast, folder)
        finally:
            end_job(run, holdfast)
    except Failed:
        print(f"the service's log:\n{service.errors()}", file=sys.stderr)
        raise
    finally:
        service.stop()


def main():
    program = str(pathlib.Path(sys.argv[1]).resolve())
    folder = pathlib.Path(tempfile.mkdtemp(prefix="holdfast-demo-"))
    # Ctrl-C, SIGTERM and a demonstration that hangs all leave through the same clean-up.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGALRM, lambda *_: sys.exit(f"demo: not done after {LONGEST} s"))
    signal.alarm(LONGEST)
    try:
        demonstrate(program, folder)
    except (Failed, subprocess.SubprocessError) as problem:
        sys.exit(f"demo: {problem}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
