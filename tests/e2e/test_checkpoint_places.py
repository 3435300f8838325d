"""Buckets in another S3 and in a directory, and `holdfast checkpoints`: real jobs on one service, whose other S3 is a second
service's endpoint."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

import botocore.exceptions

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.service import BINARY, Service, wait_for  # noqa: E402

# Saves LAST steps, each a file of its own beside one that never changes, and tells how good each was.
SAVER = """
import os, time
ck = '/opt/ml/checkpoints'
done = max([int(f.split('-')[1]) for f in os.listdir(ck) if f.startswith('step-')], default=0)
print('found step', done)
for step in range(done + 1, LAST + 1):
    time.sleep(0.9)
    print(f'loss={abs(step - 3) + 0.5}')
    with open(ck + '/new', 'w') as f:
        f.write(f'{step}' * 1000)
    os.replace(ck + '/new', f'{ck}/step-{step}')
    for old in range(1, step):
        if os.path.exists(f'{ck}/step-{old}'):
            os.remove(f'{ck}/step-{old}')
    print('saved step', step)
"""


def holdfast(service, *arguments, code=0, environment=None):
    done = subprocess.run([BINARY, *arguments], env={**service.environment(), **(environment or {})}, text=True,
                          capture_output=True, timeout=120)
    if done.returncode != code:
        raise AssertionError(f"holdfast {' '.join(arguments)}: exit {done.returncode}, not {code}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


class CheckpointPlaces(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.other = Service()
        cls.other.client("s3").create_bucket(Bucket="far")
        cls.service = s = Service("--slots", "4")
        s.client("s3").create_bucket(Bucket="tests")
        cls.mount = pathlib.Path(tempfile.mkdtemp(prefix="holdfast-mount-"))
        cls.added = holdfast(s, "buckets", "add", "shared", "--directory", str(cls.mount))
        cls.added += holdfast(s, "buckets", "add", "far", "--s3", cls.other.endpoint, "--credentials",
                              str(cls.other.data / "credentials"))

    @classmethod
    def tearDownClass(cls):
        cls.service.close()
        cls.other.close()
        subprocess.run(["rm", "-rf", str(cls.mount)], check=True)

    def listed(self, what):
        return json.loads(holdfast(self.service, "checkpoints", what, "--json"))

    def numbers(self, what):
        return [one["number"] for one in self.listed(what)["generations"]]

    def run_interrupted(self, name, uri, last=4, **changes):
        s = self.service
        s.create(name, SAVER.replace("LAST", str(last)), CheckpointConfig={"S3Uri": uri}, **changes)
        s.wait_for_line(name, "saved step 1")
        wait_for("the first generation", lambda: s.run_of(name).get("LastGeneration"))
        s.interrupt(name, 0)
        job = s.wait_for_end(name)
        self.assertEqual(job["TrainingJobStatus"], "Completed", job.get("FailureReason"))
        lines = s.lines(name)
        self.assertTrue(any("goes on from checkpoint generation" in line for line in lines), lines)
        self.assertEqual(sum("found step 0" in line for line in lines), 1, lines)

    def test_a_job_with_its_checkpoints_in_a_directory_goes_on_from_there(self):
        self.run_interrupted("in-directory", "s3://shared/ck/in-directory")
        plain = [p.name for p in (self.mount / "shared").rglob("step-*")]
        self.assertEqual(plain, ["step-4"])
        self.assertFalse((self.service.data / "objects" / "shared").exists())
        self.assertIn("good", holdfast(self.service, "checkpoints", "verify", "in-directory"))

    def test_a_job_with_its_checkpoints_in_another_s3_goes_on_from_there(self):
        s, name = self.service, "in-other-s3"
        self.run_interrupted(name, "s3://far/ck/in-other-s3", OutputDataConfig={"S3OutputPath": "s3://far/output"})
        keys = [o["Key"] for o in self.other.client("s3").list_objects_v2(Bucket="far")["Contents"]]
        self.assertIn("ck/in-other-s3/step-4", keys)
        self.assertIn(f"output/{name}/output/model.tar.gz", keys)
        self.assertFalse((s.data / "objects" / "far").exists())
        # Its credentials are in no log, and not in the program's environment.
        secret = [line.split("=")[1].strip() for line in (self.other.data / "credentials").read_text().splitlines() if "secret" in line][0]
        for log in [s.folder / "serve.log", *s.data.rglob("agent.log")]:
            self.assertNotIn(secret, log.read_text(errors="replace"))
        self.assertNotIn(secret, "\n".join(s.lines(name)) + self.added)

        # list, verify, export, prune
        found = self.listed(name)["generations"]
        self.assertEqual([one["state"] for one in found], ["restorable"] * len(found))
        self.assertEqual(found[0]["number"], 4)
        self.assertIn("restorable", holdfast(s, "checkpoints", name))
        self.assertIn("good", holdfast(s, "checkpoints", "verify", name, "--all"))
        self.assertTrue(all(one["verified_ms"] for one in self.listed(name)["generations"]))
        out = s.folder / "exported"
        self.assertIn("verified", holdfast(s, "checkpoints", "export", name, str(out)))
        self.assertEqual((out / "step-4").read_text(), "4" * 1000)
        self.assertIn("not an empty folder", holdfast(s, "checkpoints", "export", name, str(out), code=2))
        before = self.listed(name)["generations"]
        self.assertIn("would remove", holdfast(s, "checkpoints", "prune", name, "--keep", "2", "--dry-run"))
        self.assertEqual(self.listed(name)["generations"], before)
        # Of the place alone nobody knows whether the job has ended.
        place = f"s3://far/ck/{name}"
        self.assertIn("or say --ended", holdfast(s, "checkpoints", "prune", place, "--keep", "2", "--dry-run"))
        self.assertNotIn("may still be running", holdfast(s, "checkpoints", "prune", place, "--keep", "2", "--dry-run", "--ended"))
        self.assertIn("is asked for", holdfast(s, "checkpoints", "prune", name, "--ended", code=2))
        self.assertIn("a month at $0.5 for a GB", holdfast(s, "checkpoints", "prune", name, "--keep", "2", "--price", "0.5"))
        left = self.listed(name)["generations"]
        self.assertLess(len(left), len(before))
        self.assertEqual(left[0], before[0])
        # A flipped bit is found, and what is damaged is passed over from then on.
        data = self.other.data / "objects" / "far"
        for file in data.rglob("*"):
            if file.is_file() and ".holdfast" in str(file) and file.stat().st_size == 1000 and file.read_text() == "4" * 1000:
                os.unlink(file)  # not into the plain file, which is another name of the same
                file.write_text("4" * 999 + "5")
        self.assertIn("damaged", holdfast(s, "checkpoints", "verify", f"s3://far/ck/{name}", "--quarantine", code=1))
        self.assertEqual(self.listed(name)["generations"][0]["state"], "quarantined")
        # So is a manifest: what goes into quarantine is the generation that it is of.
        next_one = next(one for one in self.listed(name)["generations"] if one["state"] == "restorable")
        key = f"ck/{name}/.holdfast/ledger/{next_one['fence']:016x}-{next_one['sequence']:016x}.json"
        far = self.other.client("s3")
        content = far.get_object(Bucket="far", Key=key)["Body"].read()
        far.put_object(Bucket="far", Key=key, Body=content.replace(b'"job"', b'"Job"', 1))
        said = holdfast(s, "checkpoints", "verify", name, "--quarantine", code=1)
        self.assertIn(f"{next_one['generation']} is in quarantine", said)
        self.assertEqual([one["state"] for one in self.listed(name)["generations"][:2]], ["quarantined"] * 2)
        self.assertIn("Every promise that could be judged was kept", holdfast(s, "check-history"))

    def test_tags_say_how_many_checkpoints_stay(self):
        tags = [{"Key": "holdfast:checkpoint-keep", "Value": "2"}, {"Key": "holdfast:checkpoint-keep-every", "Value": "4"},
                {"Key": "holdfast:checkpoint-keep-best", "Value": "loss:min"}]
        request = self.service.request("kept", SAVER.replace("LAST", "7"))
        self.service.create("kept", SAVER.replace("LAST", "7"), Tags=request["Tags"] + tags,
                            CheckpointConfig={"S3Uri": "s3://shared/kept"},
                            AlgorithmSpecification={"MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+)"}]})
        self.assertEqual(self.service.wait_for_end("kept")["TrainingJobStatus"], "Completed")
        found = self.listed("kept")["generations"]
        # The newest two, each fourth, and the one with the lowest loss; on a slow machine two steps may be one generation.
        numbers = [one["number"] for one in found]
        losses = [one["metrics"]["loss"] for one in found]
        self.assertEqual(losses[0], 4.5)
        self.assertEqual(numbers[1], numbers[0] - 1)
        self.assertGreaterEqual(len(found), 3)
        self.assertTrue(all(n % 4 == 0 or loss == min(losses) for n, loss in list(zip(numbers, losses))[2:]), found)
        self.assertLess(min(losses), 2)
        with self.assertRaises(botocore.exceptions.ClientError) as refused:
            self.service.create("unkept", "pass", CheckpointConfig={"S3Uri": "s3://shared/kept"},
                                Tags=request["Tags"] + [{"Key": "holdfast:checkpoint-keep-best", "Value": "acc:max"}])
        self.assertIn("not among AlgorithmSpecification.MetricDefinitions", str(refused.exception))

    def test_pruning_beside_a_running_job_does_not_disturb_it(self):
        s, name = self.service, "pruned"
        s.create(name, SAVER.replace("LAST", "8"), CheckpointConfig={"S3Uri": "s3://far/pruned"},
                 Tags=s.request(name, "")["Tags"] + [{"Key": "holdfast:checkpoint-keep", "Value": "9"}])
        s.wait_for_line(name, "saved step 4")
        self.assertIn("may still be running", holdfast(s, "checkpoints", "prune", name, "--keep", "2"))
        s.interrupt(name, 0)
        self.assertEqual(s.wait_for_end(name)["TrainingJobStatus"], "Completed")
        self.assertEqual(sum("found step 0" in line for line in s.lines(name)), 1)
        self.assertIn("good", holdfast(s, "checkpoints", "verify", name, "--all"))

    def test_inputs_come_from_where_their_bucket_is(self):
        self.other.client("s3").put_object(Bucket="far", Key="data/a.txt", Body=b"from afar")
        self.service.create("reader", "print(open('/opt/ml/input/data/train/a.txt').read())", checkpoint=False, InputDataConfig=[
            {"ChannelName": "train", "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://far/data/"}}}])
        self.service.wait_for_end("reader")
        self.assertIn("from afar", self.service.lines("reader"))

    def test_the_services_own_endpoint_does_not_take_a_bucket_that_is_elsewhere(self):
        s3 = self.service.client("s3")
        with self.assertRaises(botocore.exceptions.ClientError) as refused:
            s3.create_bucket(Bucket="far")
        self.assertEqual(refused.exception.response["Error"]["Code"], "BucketAlreadyExists")
        self.assertIn(self.other.endpoint, str(refused.exception))
        # `run` makes the bucket of --checkpoint where it is missing, but not this one.
        said = holdfast(self.service, "run", "--detach", "--name", "ran", "--checkpoint", "s3://far/ran", "--output",
                        "s3://tests/output", "--keep", "2", "--", "true")
        self.assertIn("ran", said)
        self.service.wait_for_end("ran")

    def test_what_cannot_be_used_is_said_when_it_is_added_and_when_a_job_is_created(self):
        s = self.service
        wrong = s.folder / "wrong"
        wrong.write_text("[default]\naws_access_key_id = AKIDNOBODY\naws_secret_access_key = SECRETWORD\n")
        said = holdfast(s, "buckets", "add", "team", "--s3", self.other.endpoint, "--credentials", str(wrong), code=4)
        self.assertIn("InvalidAccessKeyId", said)
        self.assertNotIn("SECRETWORD", said)
        said = holdfast(s, "buckets", "add", "team", "--s3", self.other.endpoint, "--credentials",
                        str(self.other.data / "credentials"), code=4)
        self.assertIn("has no bucket team", said)
        said = holdfast(s, "buckets", "add", "team", "--directory", str(s.folder / "not-mounted"), code=4)
        self.assertIn("is it mounted?", said)
        said = holdfast(s, "buckets", "add", "tests", "--directory", str(self.mount), code=4)
        self.assertIn("the service itself has a bucket tests", said)
        holdfast(s, "buckets", "add", "team", "--s3", self.other.endpoint, "--credentials", str(wrong), "--unchecked")
        self.assertIn("team", holdfast(s, "buckets", "list"))
        with self.assertRaises(botocore.exceptions.ClientError) as refused:
            s.create("refused", "pass", CheckpointConfig={"S3Uri": "s3://team/ck"})
        self.assertIn("InvalidAccessKeyId", str(refused.exception))
        # Credentials that are not there are no missing bucket.
        wrong.unlink()
        with self.assertRaises(botocore.exceptions.ClientError) as refused:
            s.create("refused", "pass", CheckpointConfig={"S3Uri": "s3://team/ck"})
        self.assertIn("reading credentials", str(refused.exception))
        self.assertNotIn("does not exist", str(refused.exception))
        said = holdfast(s, "checkpoints", "s3://team/x", code=4)
        self.assertIn("reading credentials", said)
        self.assertNotIn("no such bucket", said)
        nowhere = {"AWS_SHARED_CREDENTIALS_FILE": str(wrong), "AWS_CONFIG_FILE": str(wrong), "AWS_EC2_METADATA_DISABLED": "true",
                   "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
        said = holdfast(s, "buckets", "add", "team", "--s3", self.other.endpoint, code=4, environment=nowhere)
        self.assertIn("there are no credentials for S3: the environment has no AWS_ACCESS_KEY_ID", said)
        holdfast(s, "buckets", "remove", "team")
        with self.assertRaises(botocore.exceptions.ClientError) as refused:
            s.create("refused", "pass", CheckpointConfig={"S3Uri": "s3://team/ck"})
        self.assertIn("does not exist", str(refused.exception))
        self.assertIn("no place is said", holdfast(s, "buckets", "remove", "team", code=4))


if __name__ == "__main__":
    unittest.main()
