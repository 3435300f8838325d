"""One service, real training programs: from a data channel to model.tar.gz, through interruptions, kills and bad ends."""
import io
import os
import pathlib
import signal
import sys
import tarfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.service import Service, agent_pid, statuses, wait_for  # noqa: E402

# Counts to `steps`, one checkpoint a step, and goes on from the newest one it finds. A checkpoint is committed in a pause
# of half a second.
COUNTER = """
import json, os, signal, sys, time
ck = '/opt/ml/checkpoints'
os.makedirs(ck, exist_ok=True)
hp = json.load(open('/opt/ml/input/config/hyperparameters.json'))
steps, pause = int(hp.get('steps', '5')), float(hp.get('pause', '0.2'))
done = max([int(f.split('-')[1]) for f in os.listdir(ck) if f.startswith('step-')], default=0)
print('resuming from step', done)
for step in range(done + 1, steps + 1):
    time.sleep(pause)
    with open(ck + '/new', 'w') as f:
        f.write('x' * 1000 + str(step))
    os.replace(ck + '/new', f'{ck}/step-{step}')
    print(f'step={step} loss={1.0 / step:.4f};')
open('/opt/ml/model/weights', 'w').write(str(steps))
"""


class Training(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = Service("--slots", "4")
        cls.service.client("s3").create_bucket(Bucket="tests")

    @classmethod
    def tearDownClass(cls):
        # Whatever happened to all these trainings, no promise was broken.
        checked = cls.service.holdfast("check-history", check=False)
        cls.service.close()
        assert checked.returncode == 0, checked.stdout + checked.stderr

    def get(self, uri):
        bucket, key = uri.removeprefix("s3://").split("/", 1)
        return self.service.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()

    def test_a_job_reads_its_channel_and_leaves_its_model_output_metrics_and_log(self):
        s = self.service
        s.client("s3").put_object(Bucket="tests", Key="data/digits/a/b.csv", Body=b"1,2,3\n")
        s.create("whole", """
import json, os
print('rows', open('/opt/ml/input/data/train/a/b.csv').read().strip())
print('channel', json.load(open('/opt/ml/input/config/inputdataconfig.json'))['train']['ContentType'])
print('name', os.environ['TRAINING_JOB_NAME'], os.environ['MINE'])
print('loss=0.5;'); print('loss=2.5e-1;')
open('/opt/ml/model/m', 'w').write('model'); open('/opt/ml/output/data/o', 'w').write('out')
""", spot=False, checkpoint=False, Environment={"MINE": "yes"},
                 InputDataConfig=[{"ChannelName": "train", "ContentType": "text/csv", "DataSource": {
                     "S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://tests/data/digits/"}}}],
                 AlgorithmSpecification={"MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.e-]+)"}]})
        job = s.wait_for_end("whole")
        self.assertEqual(job["TrainingJobStatus"], "Completed", s.lines("whole"))
        self.assertEqual(statuses(job), ["Starting", "Downloading", "Training", "Uploading", "Completed"])
        self.assertEqual(job["FinalMetricDataList"][0]["Value"], 0.25)
        self.assertEqual(job["BillableTimeInSeconds"], job["TrainingTimeInSeconds"])
        lines = s.lines("whole")
        for line in ("rows 1,2,3", "channel text/csv", "name whole yes"):
            self.assertIn(line, lines)
        model = tarfile.open(fileobj=io.BytesIO(self.get(job["ModelArtifacts"]["S3ModelArtifacts"])))
        self.assertEqual(model.extractfile("m").read(), b"model")
        output = tarfile.open(fileobj=io.BytesIO(self.get("s3://tests/output/whole/output/output.tar.gz")))
        self.assertEqual(output.extractfile("o").read(), b"out")

    def test_a_job_that_loses_its_instance_twice_goes_on_from_its_checkpoints(self):
        s = self.service
        # With a link to the newest one, as Lightning makes it.
        program = COUNTER.replace("print('resuming", "print('last is', os.path.islink(ck + '/last') and os.readlink(ck + '/last'))\n"
                                  "print('resuming")
        program = program.replace("    print(f'step", "    if os.path.islink(ck + '/last'): os.unlink(ck + '/last')\n"
                                  "    os.symlink(f'step-{step}', ck + '/last')\n    print(f'step")
        s.create("twice", program, HyperParameters={"steps": "12", "pause": "0.7"})
        s.wait_for_line("twice", "step=3 ")
        s.interrupt("twice", 30)
        s.wait_for_line("twice", "resuming from step", 2)
        resumed = int([line for line in s.lines("twice") if "resuming" in line][1].split()[-1])
        s.wait_for_line("twice", f"step={resumed + 3} ")
        s.interrupt("twice", 0)
        job = s.wait_for_end("twice")
        self.assertEqual(job["TrainingJobStatus"], "Completed", s.lines("twice"))
        once = ["Starting", "Downloading", "Training", "Interrupted"]
        self.assertEqual(statuses(job), once + once + ["Starting", "Downloading", "Training", "Uploading", "Completed"])
        starts = [int(line.split()[-1]) for line in s.lines("twice") if "resuming" in line]
        self.assertEqual(starts[0], 0)
        self.assertGreaterEqual(starts[1], 2)
        self.assertGreaterEqual(starts[2], starts[1])
        links = [line.removeprefix("last is ") for line in s.lines("twice") if line.startswith("last is")]
        self.assertEqual(links[0], "False")
        for link, start in zip(links[1:], starts[1:]):
            self.assertIn(link, (f"step-{start}", f"step-{start - 1}"))  # the second: quiet came between a file and its link
        self.assertTrue(self.get("s3://tests/checkpoints/twice/last").endswith(b"x12"))
        self.assertLess(job["BillableTimeInSeconds"], job["TrainingTimeInSeconds"])
        keys = [o["Key"] for o in s.client("s3").list_objects_v2(Bucket="tests", Prefix="checkpoints/twice/step-")["Contents"]]
        self.assertIn("checkpoints/twice/step-12", keys)

    def test_killing_the_service_kills_no_training(self):
        s = Service("--slots", "2")
        self.addCleanup(s.close)
        s.client("s3").create_bucket(Bucket="tests")
        s.create("survivor", COUNTER.replace("print('resuming", "print('pid', os.stat('/proc/1').st_mtime_ns)\nprint('resuming"),
                 HyperParameters={"steps": "20", "pause": "0.2"})
        s.wait_for_line("survivor", "step=3 ")
        for _ in range(3):
            s.kill()
            s.start()
        s.wait_for_line("survivor", "step=8 ")
        s.kill()
        # Nobody is there while the program goes on and ends; the agent keeps the last word.
        agent = agent_pid(next((s.data / "instances").glob("*/process.json")))
        wait_for("the program's end", lambda: not children(agent))
        s.start()
        job = s.wait_for_end("survivor")
        self.assertEqual(job["TrainingJobStatus"], "Completed")
        self.assertEqual(statuses(job), ["Starting", "Downloading", "Training", "Uploading", "Completed"])
        lines = [line for line in s.lines("survivor") if line.startswith("step=")]
        self.assertEqual([line.split()[0] for line in lines], [f"step={i}" for i in range(1, 21)])
        wait_for("no instance to be left", lambda: not list((s.data / "instances").glob("*/assignment.json")))
        s.holdfast("check-history")

    def test_killing_the_agent_is_an_interruption(self):
        s = self.service
        s.create("bereft", COUNTER, HyperParameters={"steps": "6", "pause": "0.7"})
        s.wait_for_line("bereft", "step=3 ")
        pids = [agent_pid(f) for f in (s.data / "instances").glob("*/process.json")
                if '"bereft"' in (f.parent / "instance.json").read_text()]
        os.kill(pids[0], signal.SIGKILL)
        job = s.wait_for_end("bereft")
        self.assertEqual(job["TrainingJobStatus"], "Completed")
        self.assertEqual(statuses(job).count("Interrupted"), 1)

    def test_a_stopped_program_gets_its_signal_and_its_model_is_kept(self):
        s = self.service
        s.create("halted", """
import signal, sys, time
def end(*_):
    open('/opt/ml/model/last', 'w').write('saved'); print('got the signal'); sys.exit(1)
signal.signal(signal.SIGTERM, end)
print('ready'); time.sleep(600)
""")
        s.wait_for_line("halted", "ready")
        s.client("sagemaker").stop_training_job(TrainingJobName="halted")
        job = s.wait_for_end("halted")
        self.assertEqual((job["TrainingJobStatus"], job["SecondaryStatus"]), ("Stopped", "Stopped"))
        self.assertEqual(statuses(job)[-3:], ["Stopping", "Uploading", "Stopped"])
        self.assertNotIn("FailureReason", job)
        model = tarfile.open(fileobj=io.BytesIO(self.get(job["ModelArtifacts"]["S3ModelArtifacts"])))
        self.assertEqual(model.extractfile("last").read(), b"saved")

    def test_a_program_that_fails_says_why(self):
        s = self.service
        s.create("broken", "open('/opt/ml/output/failure', 'w').write('no such column'); raise SystemExit(3)", checkpoint=False)
        job = s.wait_for_end("broken")
        self.assertEqual(job["TrainingJobStatus"], "Failed")
        self.assertEqual(job["FailureReason"], "AlgorithmError: no such column, exit code: 3")

    def test_a_command_that_does_not_exist_is_the_users_error(self):
        s = self.service
        s.create("nocommand", "", AlgorithmSpecification={"ContainerEntrypoint": ["no-such-program"]})
        job = s.wait_for_end("nocommand")
        self.assertEqual(job["TrainingJobStatus"], "Failed")
        self.assertIn("ClientError", job["FailureReason"])
        self.assertIn("no-such-program", job["FailureReason"])

    def test_max_runtime_ends_a_job(self):
        s = self.service
        s.create("slow", "import time; print('go'); time.sleep(600)", StoppingCondition={"MaxRuntimeInSeconds": 1})
        job = s.wait_for_end("slow")
        self.assertEqual((job["TrainingJobStatus"], job["SecondaryStatus"]), ("Stopped", "MaxRuntimeExceeded"))

    def test_a_program_that_ignores_the_notice_and_forks_leaves_nothing_behind(self):
        s = self.service
        s.create("stubborn", """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
for _ in range(3):
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)
print('ready'); time.sleep(600)
""")
        s.wait_for_line("stubborn", "ready")
        instance = [f for f in (s.data / "instances").glob("*/process.json")
                    if '"stubborn"' in (f.parent / "instance.json").read_text()][0]
        agent = agent_pid(instance)
        s.interrupt("stubborn", 2)
        s.wait_for_line("stubborn", "ready", 2)
        wait_for("the old instance to be gone", lambda: not pathlib.Path(f"/proc/{agent}").exists())
        s.client("sagemaker").stop_training_job(TrainingJobName="stubborn")
        self.assertEqual(s.describe("stubborn")["TrainingJobStatus"], "Stopping")
        s.interrupt("stubborn", 0)
        self.assertEqual(s.wait_for_end("stubborn")["SecondaryStatus"], "Stopped")

    def test_a_line_without_an_end_does_not_stop_the_job(self):
        s = self.service
        s.create("talkative", "import sys\nfor _ in range(20): sys.stdout.write('x' * 1000000)\nprint(); print('over')", checkpoint=False)
        self.assertEqual(s.wait_for_end("talkative")["TrainingJobStatus"], "Completed")
        lines = s.lines("talkative")
        self.assertEqual(lines[-1], "over")
        self.assertEqual(sum(len(line) for line in lines if line.startswith("x")), 20_000_000)


def children(pid):
    path = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
    return path.read_text().split() if path.exists() else []


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
