#!/usr/bin/env python3
"""Chaos on real processes: a service, its agents and their programs on this machine, faults from a seed, and at the end
judges that read what everyone saw. See docs/chaos.md.

Usage: chaos.py HOLDFAST [--minutes N] [--seed S] [--data DIR]
"""
import argparse
import collections
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import judge
import processes
from faults import KINDS, Faults
from ledger import Ledgers
from observer import Observer
from place import Place
from service import Service
from story import Story
from users import BUCKET, Users

HERE = pathlib.Path(__file__).resolve().parent
SLOTS = 4
JOBS_AT_A_TIME = 6
TICK_S = 0.05
CALM_S = 240  # for every job to end, once nothing disturbs any more
TIDY_S = 60  # for every process to be gone


def arguments():
    parser = argparse.ArgumentParser(prog="scripts/chaos", description="Faults on real processes, and judges.")
    parser.add_argument("binary", help=argparse.SUPPRESS)
    parser.add_argument("--minutes", type=float, default=10, help="of faults; the calm after them comes on top")
    parser.add_argument("--seed", type=int, default=None, help="what is drawn; a machine's timing adds its own")
    parser.add_argument("--data", default=None, help="a folder to work in, which is kept")
    return parser.parse_args()


class Progress:
    def __init__(self, story, minutes):
        self.story, self.seconds = story, minutes * 60
        self.terminal = sys.stdout.isatty()
        self.next_at = 0.0

    def show(self, phase):
        now = self.story.now()
        if now < self.next_at:
            return
        self.next_at = now + (1 if self.terminal else 60)
        jobs = [job for job in self.story.jobs.values() if job.accepted is not None]
        line = (f"{now:5.0f} s of {self.seconds:.0f}: {phase}, {len(self.story.faults)} faults, {len(jobs)} jobs, "
                f"{sum(job.ended() for job in jobs)} ended, {len(self.story.programs)} attempts, "
                f"{len(self.story.violations)} violations")
        print(f"\r\033[K{line}" if self.terminal else line, end="" if self.terminal else "\n", flush=True)

    def done(self):
        if self.terminal:
            print("\r\033[K", end="", flush=True)


class Chaos:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.seed = options.seed if options.seed is not None else random.randrange(1 << 31)
        self.story = Story(folder / "story.log")
        self.wall_zero = time.time() - self.story.now()
        self.progress = Progress(self.story, options.minutes)
        self.history = "not read"
        self.place = self.observer = self.service = self.faults = self.users = None

    # ---- the run

    def run(self):
        self.set_up()
        self.users.start()
        end = self.options.minutes * 60
        while self.story.now() < end:
            self.faults.step()
            self.tick("faults")
        self.calm_down()
        self.users.read_all()
        self.tidy_up()
        judge.Judge(self.story, self.wall_zero).judge()
        for bug in self.bugs():
            self.story.violated(f"a log has: {bug}")

    def tick(self, phase):
        if self.users and self.users.broken:
            raise RuntimeError(self.users.broken)
        self.service.tend()
        self.progress.show(phase)
        time.sleep(TICK_S)

    def set_up(self):
        draw = random.Random(self.seed)
        self.place = Place(self.folder)
        for what, why in self.place.missing.items():
            left_out = ", ".join(kind for kind, (_, needs) in KINDS.items() if needs == what)
            print(f"no {what} of our own here ({why}): left out are {left_out}", flush=True)
        code = self.folder / "code"
        code.mkdir()
        shutil.copy(HERE / "program.py", code)
        # A copy: a build during the run must not change what is restarted.
        self.options.binary = shutil.copy(self.options.binary, self.folder / "holdfast")
        self.observer = Observer(self.folder / "code" / "observer.socket", self.story)
        market = f"random:{draw.randrange(1 << 31)},up=0.8,down=0.1,notice={draw.choice([3, 8, 20])}"
        self.service = Service(self.options.binary, self.place, self.story,
                               ["--slots", str(SLOTS), "--market", market, "--log-level", "debug"])
        self.service.start()
        self.wait_for("the service to be ready", lambda: self.service.ready, 30)
        code, said = self.service.holdfast("cp", str(HERE / "program.py"), f"s3://{BUCKET}/program.py")
        if code != 0:
            raise RuntimeError(f"holdfast cp: {said}")
        ledgers = Ledgers(self.place.data, BUCKET, self.story)
        self.users = Users(self.service, self.story, ledgers, random.Random(draw.randrange(1 << 62)),
                           self.observer.path, JOBS_AT_A_TIME)
        self.faults = Faults(self.service, self.place, self.story, random.Random(draw.randrange(1 << 62)))

    def calm_down(self):
        self.story.say("faults are over")
        self.users.creating = False
        self.faults.stop()
        self.place.restore()
        self.wait_for("every job to end", lambda: self.service.ready and not self.story.live_jobs(), CALM_S, "calm")
        self.users.stop()

    def tidy_up(self):
        """Nothing may be left, neither while the service is there nor after it."""
        self.wait_for("every agent and program to be gone",
                      lambda: not self.service.agents() and not self.story.live_programs(), TIDY_S, "calm")
        if self.service.end() != 0:
            self.story.violated("the service did not end well after SIGTERM")
        for pid, words in judge.leftovers(self.folder).items():
            self.story.violated(f"process {pid} was left behind: {words}")
        self.check_history()

    def wait_for(self, what, condition, patience_s, phase="start"):
        deadline = self.story.now() + patience_s
        while not condition():
            if self.story.now() > deadline:
                return self.story.violated(f"did not happen within {patience_s} s: {what}")
            self.tick(phase)

    def check_history(self):
        """The product's own judges, over its database and ledgers."""
        done = subprocess.run([self.options.binary, "check-history", "--data", str(self.place.data)], text=True,
                              capture_output=True, timeout=300)
        self.history = {0: "held", 1: "violated", 2: "unreadable"}.get(done.returncode, f"exit {done.returncode}")
        (self.folder / "check-history.log").write_text(done.stdout + done.stderr)
        if done.returncode != 0:
            self.story.violated(f"holdfast check-history: {self.history}\n{done.stdout}{done.stderr}")

    def bugs(self):
        found = judge.bugs_in(self.folder / "serve.log")
        for log in sorted((self.place.data / "instances").glob("*/agent.log")):
            found += judge.bugs_in(log)
        return found

    # ---- the end

    def summary(self):
        story = self.story
        count = collections.Counter
        restored = sum(program.found_step > 0 for program in story.programs)
        interruptions = sum(job.run["Interruptions"] for job in story.jobs.values() if job.run)
        outcomes = count(job.seen["SecondaryStatus"] if job.seen else "never created" for job in story.jobs.values())
        rows = [("faults", count(fault.kind for fault in story.faults)),
                ("jobs", outcomes),
                ("attempts", {"programs": len(story.programs), "interruptions": interruptions,
                              "from a checkpoint": restored, "generations": len(story.generations)}),
                ("service", {"starts": story.service_starts})]
        for title, numbers in rows:
            print(f"{title:10}" + ", ".join(f"{name} {number}" for name, number in sorted(numbers.items())))
        print(f"{'history':10}check-history {self.history}", flush=True)

    def report(self):
        for at, text in self.story.violations:
            print(f"VIOLATED at {at:.1f} s: {text}")
        if self.story.violations:
            print(f"seed {self.seed} failed; what happened is in {self.folder}/story.log, serve.log and data/", flush=True)

    def close(self, keep):
        """Ends what we started, by process, and takes down what we set up; nobody interrupts that."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        for step in (self.end_processes, lambda: self.observer and self.observer.close(),
                     lambda: self.place and self.place.close(keep)):
            try:
                step()
            except Exception as problem:
                print(f"chaos: cleaning up: {problem!r}", file=sys.stderr)

    def end_processes(self):
        if self.service and self.service.process and self.service.process.poll() is None:
            self.service.kill()
        if self.place is None:
            return
        for _ in range(20):
            left = judge.leftovers(self.folder)
            for pid in left:
                processes.send(pid, signal.SIGKILL, str(self.folder))
            if not left:
                return
            time.sleep(0.1)


def main():
    options = arguments()
    options.binary = str(pathlib.Path(options.binary).resolve())
    folder = pathlib.Path(options.data or tempfile.mkdtemp(prefix="holdfast-chaos-")).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        sys.exit(f"chaos: {folder} is not empty")
    # Whoever ends us, in the foreground or not, the clean-up below comes first.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(f"chaos: ended by {signal.Signals(number).name}"))
    chaos = Chaos(options, folder)
    print(f"seed {chaos.seed}, {options.minutes} minutes, in {folder}", flush=True)
    failed = True
    try:
        chaos.run()
        chaos.progress.done()
        chaos.summary()
        failed = bool(chaos.story.violations)
    except SystemExit:
        failed = bool(chaos.story.violations)  # who ends a run that went well wants nothing of it
        chaos.report()
        raise
    except RuntimeError as problem:
        chaos.story.violated(f"the chaos itself: {problem}")
    finally:
        chaos.close(keep=failed or options.data is not None)
    chaos.report()
    if failed:
        sys.exit(1)
    print("everything held")


if __name__ == "__main__":
    main()
