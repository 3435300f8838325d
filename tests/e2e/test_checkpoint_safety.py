"""How safe checkpoints are, said and done: explicit commits, marker files, figures, a limited link. Real programs on one service."""
import pathlib
import re
import sys
import unittest
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from support.service import Service, wait_for  # noqa: E402

SHARDS = (ROOT / "examples/shards/train.py").read_text()

WAITS_FOR_MARKER = """
import os, time
ck = '/opt/ml/checkpoints'
open(ck + '/model', 'w').write('x' * 100000)
deadline = time.monotonic() + 30
while not os.path.exists(ck + '/model.sagemaker-uploaded') and time.monotonic() < deadline: time.sleep(0.05)
print('markers', sorted(os.listdir(ck)))
"""

ASKS_BY_FILE = """
import os, time
ck = '/opt/ml/checkpoints'
held = open(ck + '/log', 'w')
held.write('held open, so never quiet'); held.flush()
open(ck + '/.holdfast-commit', 'w').close()
deadline = time.monotonic() + 30
while os.path.exists(ck + '/.holdfast-commit') and time.monotonic() < deadline: time.sleep(0.05)
print('asked:', 'safe' if not os.path.exists(ck + '/.holdfast-commit') else 'never answered')
time.sleep(600)
"""

SAVES_ONCE = """
import time
open('/opt/ml/checkpoints/model', 'w').write('x' * 3000000)
print('written')
time.sleep(600)
"""


class CheckpointSafety(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # Open for a year on average: what is taken away is taken away by these tests.
        cls.service = Service("--slots", "4", "--market", "random:7,up=500000,down=1,notice=0")
        cls.service.client("s3").create_bucket(Bucket="tests")

    @classmethod
    def tearDownClass(cls):
        checked = cls.service.holdfast("check-history", check=False)
        cls.service.close()
        assert checked.returncode == 0, checked.stdout + checked.stderr

    def create(self, name, program, tags=(), **changes):
        s = self.service
        request = s.request(name, program, **changes)
        request["Tags"] += [{"Key": key, "Value": value} for key, value in tags]
        helper = (ROOT / "examples/shards/holdfast_checkpoint.py").read_text()
        (s.folder / "code/holdfast_checkpoint.py").write_text(helper)
        s.client("sagemaker").create_training_job(**request)

    def run_of(self, name):
        return self.service.call("Holdfast.DescribeTrainingRun", {"TrainingJobName": name})

    def test_a_program_that_says_when_its_checkpoint_is_whole_never_finds_half_of_one(self):
        s = self.service
        self.create("shards", SHARDS, HyperParameters={"steps": "4", "pause": "1.2"})
        s.wait_for_line("shards", "step=1; safe as generation")
        # In the middle of the next one, of which each pause looks like the end.
        wait_for("a shard of step 2", lambda: list((s.data / "instances").glob("*/ml/ml/checkpoints/step-2/shard-1"))
                 or list((s.data / "instances").glob("*/**/checkpoints/step-2/shard-1")))
        s.holdfast("interrupt", "shards", "--notice", "0")
        job = s.wait_for_end("shards")
        lines = s.lines("shards")
        self.assertEqual(job["TrainingJobStatus"], "Completed", lines)
        self.assertIn("resuming from step 1", lines)
        self.assertFalse([line for line in lines if "torn" in line], lines)
        generations = [re.search(r"generation (\d+)-(\d+)", line) for line in lines if line.startswith("step=")]
        self.assertTrue(all(generations) and len(generations) >= 4, lines)

    def test_a_commit_is_asked_for_by_a_file_too_and_needs_no_quiet(self):
        s = self.service
        self.create("by-file", ASKS_BY_FILE)
        s.wait_for_line("by-file", "asked: ")
        self.assertIn("asked: safe", s.lines("by-file"))
        self.assertEqual(self.run_of("by-file")["LastGeneration"]["Sequence"], 1)
        s.holdfast("stop", "by-file")
        s.wait_for_end("by-file")

    def test_markers_are_there_when_they_are_asked_for(self):
        s = self.service
        self.create("markers", WAITS_FOR_MARKER, tags=[("holdfast:checkpoint-markers", "on")])
        s.wait_for_end("markers")
        self.assertIn("markers ['model', 'model.sagemaker-uploaded']", s.lines("markers"))
        keys = [o["Key"] for o in s.client("s3").list_objects_v2(Bucket="tests", Prefix="checkpoints/markers/")["Contents"]]
        self.assertFalse([key for key in keys if "sagemaker" in key], keys)

    def test_figures_are_shown_kept_and_said(self):
        s = self.service
        self.create("figures", SAVES_ONCE, tags=[("holdfast:checkpoint-bandwidth", "0.2")])
        s.wait_for_line("figures", "written")
        safety = wait_for("a checkpoint on its way", lambda: (
            lambda told: told if told and told["BytesAtRisk"] == 3000000 else None)(self.run_of("figures").get("CheckpointSafety")))
        self.assertGreaterEqual(safety["AgeInSeconds"], 0)
        line = wait_for("the verdict", lambda: [x for x in s.lines("figures") if "[holdfast] checkpoints:" in x])
        self.assertIn("goes without notice", line[0])
        committed = wait_for("the commit", lambda: self.run_of("figures").get("LastGeneration"))
        self.assertEqual(committed["Sequence"], 1)
        text = s.holdfast("describe", "figures").stdout
        self.assertRegex(text, r"\d+s old")
        with urllib.request.urlopen(s.endpoint + "/metrics") as answer:
            self.assertIn("holdfast_checkpoint_jobs ", answer.read().decode())
        listed = s.client("cloudwatch").list_metrics(Namespace="/aws/sagemaker/TrainingJobs", MetricName="CheckpointBytesAtRisk")
        self.assertIn([{"Name": "Host", "Value": "figures/algo-1"}], [m["Dimensions"] for m in listed["Metrics"]])
        s.holdfast("stop", "figures")
        s.wait_for_end("figures")


if __name__ == "__main__":
    unittest.main(verbosity=2)
