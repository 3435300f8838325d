"""Access keys of `holdfast keys`: what each may do, asked with boto3 under its profile."""
import json
import pathlib
import subprocess
import sys
import threading
import unittest

import boto3
import botocore.config
import botocore.exceptions

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.service import Service, wait_for  # noqa: E402

TELL = """
import os, json
print("KEY", json.dumps({name: os.environ.get(name) for name in
      ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "AWS_REGION")}))
import sys, time
while not os.path.exists("/opt/ml/checkpoints/go"): time.sleep(0.05)
"""


class Keys(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = Service("--slots", "2")
        for bucket in ("tests", "team-a", "datasets"):
            cls.service.client("s3").create_bucket(Bucket=bucket)
        cls.service.client("s3").put_object(Bucket="datasets", Key="public/1", Body=b"1")
        cls.service.client("s3").put_object(Bucket="datasets", Key="private/1", Body=b"1")
        cls.keys = {}
        for name, *policy in (("team-a", "--jobs", "team-a-", "--s3", "s3://team-a", "--s3-read", "s3://datasets/public/"),
                              ("eyes", "--read-only"), ("boss", "--admin"), ("objects", "--s3", "s3://team-a")):
            profile = cls.service.holdfast("keys", "add", name, *policy).stdout
            cls.keys[name] = dict(line.split(" = ") for line in profile.splitlines() if " = " in line)

    @classmethod
    def tearDownClass(cls):
        cls.service.close()

    def client(self, service, key):
        return self.client_of(service, self.keys[key])

    def client_of(self, service, keys):
        return boto3.client(service, endpoint_url=self.service.endpoint, region_name="us-east-1", **keys,
                            config=botocore.config.Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}))

    def denied(self, call, *arguments, **members):
        with self.assertRaises(botocore.exceptions.ClientError) as refusal:
            call(*arguments, **members)
        self.assertIn(refusal.exception.response["Error"]["Code"], ("AccessDeniedException", "AccessDenied", "403"))
        return refusal.exception.response["Error"]["Message"]

    def request(self, name, output="s3://team-a/out", command="echo hello"):
        return {"TrainingJobName": name, "RoleArn": "arn:aws:iam::000000000000:role/tests",
                "AlgorithmSpecification": {"TrainingImage": "local:host", "TrainingInputMode": "File",
                                           "ContainerEntrypoint": ["/bin/sh", "-c", command]},
                "OutputDataConfig": {"S3OutputPath": output},
                "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
                "StoppingCondition": {"MaxRuntimeInSeconds": 600}}

    def test_a_team_has_its_own_jobs_and_no_others(self):
        team, eyes = self.client("sagemaker", "team-a"), self.client("sagemaker", "eyes")
        team.create_training_job(**self.request("team-a-1"))
        self.client("sagemaker", "boss").create_training_job(**self.request("other-1", "s3://tests/out"))
        message = self.denied(team.create_training_job, **self.request("other-2"))
        self.assertIn("team-a is not authorized to perform: sagemaker:CreateTrainingJob", message)
        self.denied(team.create_training_job, **self.request("team-a-2", "s3://tests/out"))
        self.denied(team.describe_training_job, TrainingJobName="other-1")
        self.denied(team.stop_training_job, TrainingJobName="other-1")
        self.assertEqual([job["TrainingJobName"] for job in team.list_training_jobs()["TrainingJobSummaries"]], ["team-a-1"])
        self.assertIn("other-1", [job["TrainingJobName"] for job in eyes.list_training_jobs()["TrainingJobSummaries"]])
        self.denied(eyes.stop_training_job, TrainingJobName="other-1")
        self.service.wait_for_end("team-a-1")
        logs = self.client("logs", "team-a")
        group = "/aws/sagemaker/TrainingJobs"
        streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix="team-a-1/")["logStreams"]
        events = logs.get_log_events(logGroupName=group, logStreamName=streams[0]["logStreamName"], startFromHead=True)
        self.assertIn("hello", [event["message"] for event in events["events"]])
        self.denied(logs.describe_log_streams, logGroupName=group, logStreamNamePrefix="other-1/")
        self.denied(logs.filter_log_events, logGroupName=group, logStreamNames=[streams[0]["logStreamName"], "other-1/algo-1"])
        # Where no stream is named, its own are meant.
        self.service.wait_for_end("other-1")
        for key, sees, does_not in (("team-a", {"team-a-1"}, {"other-1"}), ("eyes", {"team-a-1", "other-1"}, set()),
                                    ("objects", set(), {"team-a-1", "other-1"})):
            logs = self.client("logs", key)
            listed = [logs.describe_log_streams(logGroupName=group, orderBy=order)["logStreams"]
                      for order in ("LogStreamName", "LastEventTime")]
            for found in (*listed, logs.filter_log_events(logGroupName=group)["events"]):
                jobs = {one["logStreamName"].split("/")[0] for one in found}
                self.assertLessEqual(sees, jobs)
                self.assertFalse(jobs & does_not)
        self.denied(self.client("logs", "team-a").describe_log_streams, logGroupName="/other/group")
        message = self.denied(self.client("cloudwatch", "team-a").put_metric_data, Namespace="mine",
                              MetricData=[{"MetricName": "m", "Value": 1}])
        self.assertIn("team-a is not authorized to perform: cloudwatch:PutMetricData on resource: *", message)

    def test_a_teams_logs_are_tailed(self):
        self.client("sagemaker", "boss").create_training_job(**self.request("loud-1", "s3://tests/out"))
        self.service.wait_for_line("loud-1", "hello")
        tail = subprocess.Popen(["/usr/bin/aws", "--endpoint-url", self.service.endpoint, "logs", "tail", "/aws/sagemaker/TrainingJobs",
                                 "--follow"], text=True, stdout=subprocess.PIPE,
                                env={**self.service.environment(), **{name.upper(): value for name, value in self.keys["team-a"].items()}})
        self.addCleanup(tail.stdout.close)
        self.addCleanup(tail.wait)
        self.addCleanup(tail.kill)
        self.client("sagemaker", "team-a").create_training_job(
            **self.request("team-a-tailed", command="while :; do echo tick; sleep 0.1; done"))
        # Nothing to see must not be waited for for ever.
        limit = threading.Timer(120, tail.kill)
        limit.start()
        self.addCleanup(limit.cancel)
        lines = []
        while sum("tick" in line for line in lines) < 100:  # more than one poll of the CLI
            line = tail.stdout.readline()
            self.assertTrue(line, "tail ended")
            lines.append(line)
        self.client("sagemaker", "team-a").stop_training_job(TrainingJobName="team-a-tailed")
        # When, which stream, what.
        self.assertEqual({line.split()[1].split("/")[0] for line in lines} - {"team-a-1"}, {"team-a-tailed"})

    def test_objects_are_reached_by_prefix(self):
        s3 = self.client("s3", "team-a")
        s3.put_object(Bucket="team-a", Key="x", Body=b"x")
        self.assertEqual(s3.get_object(Bucket="datasets", Key="public/1")["Body"].read(), b"1")
        message = self.denied(s3.get_object, Bucket="datasets", Key="private/1")
        self.assertIn("team-a is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::datasets/private/1", message)
        self.denied(s3.put_object, Bucket="datasets", Key="public/2", Body=b"2")
        self.denied(s3.list_objects_v2, Bucket="datasets")
        self.denied(s3.list_object_versions, Bucket="datasets")
        self.denied(s3.get_object_attributes, Bucket="datasets", Key="private/1", ObjectAttributes=["ObjectSize"])
        self.assertEqual(len(s3.list_object_versions(Bucket="datasets", Prefix="public/")["Versions"]), 1)
        self.assertEqual(s3.list_objects_v2(Bucket="datasets", Prefix="public/")["KeyCount"], 1)
        message = self.denied(s3.copy_object, Bucket="team-a", Key="y", CopySource="datasets/private/1")
        self.assertIn("s3:GetObject on resource: arn:aws:s3:::datasets/private/1", message)
        s3.copy_object(Bucket="team-a", Key="y", CopySource="datasets/public/1")
        refused = s3.delete_objects(Bucket="datasets", Delete={"Objects": [{"Key": "public/1"}]})
        self.assertEqual([error["Code"] for error in refused["Errors"]], ["AccessDenied"])
        self.assertIn("s3:DeleteObject on resource: arn:aws:s3:::datasets/public/1", refused["Errors"][0]["Message"])
        self.assertIn("s3:CreateBucket on resource: arn:aws:s3:::elsewhere ", self.denied(s3.create_bucket, Bucket="elsewhere"))
        self.assertEqual(sorted(bucket["Name"] for bucket in s3.list_buckets()["Buckets"]), ["datasets", "team-a"])
        eyes = self.client("s3", "eyes")
        self.assertEqual(eyes.get_object(Bucket="datasets", Key="private/1")["Body"].read(), b"1")
        self.denied(eyes.put_object, Bucket="team-a", Key="z", Body=b"z")
        self.denied(eyes.delete_object, Bucket="team-a", Key="x")

    def test_a_key_that_is_taken_away_is_unknown(self):
        profile = self.service.holdfast("keys", "add", "guest", "--read-only").stdout
        guest = self.client_of("sagemaker", dict(line.split(" = ") for line in profile.splitlines() if " = " in line))
        guest.list_training_jobs()
        self.service.holdfast("keys", "remove", "guest")
        with self.assertRaisesRegex(botocore.exceptions.ClientError, "UnrecognizedClientException"):
            guest.list_training_jobs()

    def test_a_program_reaches_its_own_places_while_it_runs(self):
        self.service.create("reach", TELL, spot=False, InputDataConfig=[
            {"ChannelName": "train", "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://datasets/public/"}}}])
        line = wait_for("the program's key", lambda: next((line for line in self.service.lines("reach") if line.startswith("KEY")), None))
        told = json.loads(line[4:])
        self.assertEqual(told["AWS_ENDPOINT_URL"], self.service.endpoint)
        self.assertEqual(told["AWS_REGION"], "us-east-1")
        self.assertTrue(told["AWS_ACCESS_KEY_ID"].endswith(".reach"))
        keys = {"aws_access_key_id": told["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": told["AWS_SECRET_ACCESS_KEY"]}
        s3 = self.client_of("s3", keys)
        self.assertEqual(s3.get_object(Bucket="datasets", Key="public/1")["Body"].read(), b"1")
        s3.put_object(Bucket="tests", Key="checkpoints/reach/extra", Body=b"x")
        s3.put_object(Bucket="tests", Key="output/reach/note", Body=b"x")
        self.denied(s3.put_object, Bucket="tests", Key="output/other/note", Body=b"x")
        self.denied(s3.get_object, Bucket="datasets", Key="private/1")
        self.denied(self.client_of("sagemaker", keys).describe_training_job, TrainingJobName="reach")
        self.service.client("sagemaker").stop_training_job(TrainingJobName="reach")
        self.service.wait_for_end("reach")
        with self.assertRaisesRegex(botocore.exceptions.ClientError, "InvalidAccessKeyId"):
            s3.get_object(Bucket="datasets", Key="public/1")


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
