"""The calls that the SageMaker Python SDK makes for Estimator(use_spot_instances=True).fit(), in its order and with its
habits, with boto3: Debian has no package of the SDK itself. What it would print must be whole, and its last lines right.
"""
import datetime
import io
import json
import pathlib
import re
import sys
import tarfile
import time
import unittest

import botocore.exceptions
import botocore.parsers

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.service import ROLE, Service, wait_for  # noqa: E402

GROUP = "/aws/sagemaker/TrainingJobs"
ENDED = ("Completed", "Failed", "Stopped")
POLL_S = 0.1  # the SDK takes ten seconds
# Says what it does, many lines at once, and ends when it is told to or has been interrupted once.
PROGRAM = """
import os, sys, time
folder = "/opt/ml/checkpoints"
attempt = len(os.listdir(folder)) + 1
for i in range(300):
    print(f"attempt {attempt} line {i}")
sys.stdout.flush()
with open(f"{folder}/new", "w") as file:
    file.write("x")
os.rename(f"{folder}/new", f"{folder}/attempt-{attempt}")
print(f"attempt {attempt} saved", flush=True)
time.sleep(3600 if attempt == 1 else 1.2)
for i in range(300):
    print(f"attempt {attempt} last line {i}")
print("loss=0.125")
open("/opt/ml/model/model", "w").write("trained")
"""


class Sdk:
    """The SDK's session, as far as fit() uses it."""

    def __init__(self, service):
        self.service = service
        self.s3 = service.client("s3")
        self.sagemaker = service.client("sagemaker")
        self.logs = service.client("logs")
        self.printed = []

    def account(self):
        try:
            return self.service.client("sts").get_caller_identity()["Account"]
        except (botocore.exceptions.ClientError, botocore.parsers.ResponseParserError):
            return "000000000000"

    def default_bucket(self):
        bucket = f"sagemaker-us-east-1-{self.account()}"
        try:
            if bucket in [each["Name"] for each in self.s3.list_buckets()["Buckets"]]:
                return bucket
        except botocore.exceptions.ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
                raise
        try:
            self.s3.head_bucket(Bucket=bucket)
        except botocore.exceptions.ClientError as error:
            # Exactly these two are looked at before a bucket is made.
            if (error.response["Error"]["Code"], error.response["Error"]["Message"]) != ("404", "Not Found"):
                raise
            self.s3.create_bucket(Bucket=bucket)
        return bucket

    def upload_source(self, bucket, job, program):
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            entry = tarfile.TarInfo("train.py")
            entry.size = len(program)
            archive.addfile(entry, io.BytesIO(program.encode()))
        key = f"{job}/source/sourcedir.tar.gz"
        packed.seek(0)
        self.s3.upload_fileobj(packed, bucket, key, ExtraArgs={"ServerSideEncryption": "aws:kms"})
        return f"s3://{bucket}/{key}"

    def request(self, job, bucket, source, inputs, image):
        output = f"s3://{bucket}/"
        return {"TrainingJobName": job, "RoleArn": ROLE,
                "AlgorithmSpecification": {"TrainingInputMode": "File", **image,
                                           "MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+)"}]},
                "OutputDataConfig": {"S3OutputPath": output},
                "StoppingCondition": {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 1200},
                "ResourceConfig": {"VolumeSizeInGB": 30, "InstanceCount": 1, "InstanceType": "ml.m5.large"},
                "InputDataConfig": [{"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": inputs,
                                                                     "S3DataDistributionType": "FullyReplicated"}},
                                     "ChannelName": "training"}],
                "HyperParameters": {"sagemaker_submit_directory": json.dumps(source), "sagemaker_program": json.dumps("train.py"),
                                    "sagemaker_container_log_level": "20", "sagemaker_job_name": json.dumps(job),
                                    "sagemaker_region": json.dumps("us-east-1"), "epochs": "2"},
                "EnableManagedSpotTraining": True,
                "CheckpointConfig": {"S3Uri": f"s3://{bucket}/{job}/checkpoints"},
                "DebugHookConfig": {"S3OutputPath": output, "CollectionConfigurations": []},
                "ProfilerConfig": {"S3OutputPath": output, "DisableProfiler": False}}

    def streams(self, job, count):
        """As the SDK lists them: again, and without the token, for as long as there is one."""
        try:
            page = self.logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=job + "/", orderBy="LogStreamName",
                                                  limit=min(count, 50))
        except self.logs.exceptions.ResourceNotFoundException:
            return []
        names = [stream["logStreamName"] for stream in page["logStreams"]]
        while "nextToken" in page:
            page = self.logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=job + "/", orderBy="LogStreamName",
                                                  limit=50)
            names += [stream["logStreamName"] for stream in page["logStreams"]]
        return names

    def events(self, stream, start, skip):
        token = {}
        while True:
            page = self.logs.get_log_events(logGroupName=GROUP, logStreamName=stream, startTime=start, startFromHead=True, **token)
            token = {"nextToken": page["nextForwardToken"]}
            events, skip = page["events"][skip:], max(skip - len(page["events"]), 0)
            if not page["events"]:
                return
            yield from events

    def flush(self, job, positions):
        for stream in self.streams(job, 1):
            start, skip = positions.get(stream, (0, 0))
            for event in self.events(stream, start, skip):
                self.printed.append(event["message"])
                start, skip = (start, skip + 1) if event["timestamp"] == start else (event["timestamp"], 1)
                positions[stream] = (start, skip)

    def status_lines(self, description, before):
        """New transitions, and the last one again when its message has changed."""
        now = description.get("SecondaryStatusTransitions") or []
        known = len(before.get("SecondaryStatusTransitions") or []) if before else 0
        unchanged = known == len(now) and now and before["SecondaryStatusTransitions"][-1]["StatusMessage"] == now[-1]["StatusMessage"]
        new = [] if unchanged else now[-1:] if known == len(now) else now[known:]
        at = description["LastModifiedTime"].astimezone(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
        return [f"{at} {each['Status']} - {each['StatusMessage']}" for each in new]

    def logs_for_job(self, job, meanwhile):
        """Prints until the job has ended, and once more after that; then the last lines."""
        positions, statuses, before, ended = {}, [], None, False
        while True:
            description = self.sagemaker.describe_training_job(TrainingJobName=job)
            statuses += self.status_lines(description, before)
            before = description
            last_time = ended
            ended = description["TrainingJobStatus"] in ENDED
            self.flush(job, positions)
            meanwhile(self)
            if last_time:
                return description, statuses
            time.sleep(POLL_S)

    def last_lines(self, description):
        count = description["ResourceConfig"]["InstanceCount"]
        training, billable = description.get("TrainingTimeInSeconds"), description.get("BillableTimeInSeconds")
        lines = []
        if training is not None:
            lines.append(f"Training seconds: {training * count}")
        if billable is not None:
            lines.append(f"Billable seconds: {billable * count}")
            if description.get("EnableManagedSpotTraining"):
                lines.append(f"Managed Spot Training savings: {(1 - float(billable) / float(training)) * 100:.1f}%")
        return lines


class EstimatorCalls(unittest.TestCase):
    def setUp(self):
        self.service = Service("--slots", "1")
        self.addCleanup(self.service.close)
        self.sdk = Sdk(self.service)

    def fit(self, job, program, meanwhile=lambda sdk: None):
        code = self.service.folder / "code"
        code.mkdir(exist_ok=True)
        (code / "train.py").write_text(program)
        bucket = self.sdk.default_bucket()
        self.assertEqual(bucket, self.sdk.default_bucket())
        source = self.sdk.upload_source(bucket, job, program)
        self.service.client("s3").put_object(Bucket=bucket, Key="data/part", Body=b"1")
        request = self.sdk.request(job, bucket, source, f"s3://{bucket}/data", {
            "TrainingImage": "local:host", "ContainerEntrypoint": ["/usr/bin/python3", "-u", str(code / "train.py")]})
        request["Tags"] = [{"Key": "holdfast:working-directory", "Value": str(code)}]
        self.sdk.sagemaker.create_training_job(**request)
        return self.sdk.logs_for_job(job, meanwhile)

    def check_last_lines(self, description):
        lines = self.sdk.last_lines(description)
        print("\n".join(["", *lines]))
        for line, form in zip(lines, (r"Training seconds: [1-9]\d*", r"Billable seconds: [1-9]\d*",
                                      r"Managed Spot Training savings: \d{1,3}\.\d%"), strict=True):
            self.assertRegex(line, f"^{form}$")
        self.assertLessEqual(0.0, float(re.findall(r"[\d.]+", lines[2])[0]))

    def test_fit_prints_every_line_once_though_the_instance_was_taken_away(self):
        interrupted = []

        def interrupt(sdk):
            if not interrupted and "attempt 1 saved" in sdk.printed:
                wait_for("the checkpoint", lambda: self.service.run_of("fit-1").get("LastGeneration"))
                self.service.interrupt("fit-1", 0)
                interrupted.append(True)

        description, statuses = self.fit("fit-1", PROGRAM, interrupt)
        self.assertEqual(description["TrainingJobStatus"], "Completed", description.get("FailureReason"))
        expected = [f"attempt {attempt} line {i}" for attempt in (1, 2) for i in range(300)]
        expected += [f"attempt 2 last line {i}" for i in range(300)]
        ours = [line for line in self.sdk.printed if line.startswith("attempt") and "saved" not in line]
        self.assertEqual(ours, expected)
        self.assertEqual(self.sdk.printed, self.service.lines("fit-1"))
        self.assertEqual(len(self.sdk.streams("fit-1", 1)), 1)
        names = [line.split(" - ")[0].split()[-1] for line in statuses]
        self.assertEqual(names[-1], "Completed")
        self.assertEqual(len({line for line in statuses if " Completed - " in line}), 1)
        for status in ("Starting", "Training", "Interrupted", "Completed"):
            self.assertIn(status, names)
        self.check_last_lines(description)
        self.assertEqual([metric["MetricName"] for metric in description["FinalMetricDataList"]], ["loss"])
        # estimator.model_data, and what is in it
        model = self.sdk.sagemaker.describe_training_job(TrainingJobName="fit-1")["ModelArtifacts"]["S3ModelArtifacts"]
        bucket, key = model.removeprefix("s3://").split("/", 1)
        self.assertEqual(key, "fit-1/output/model.tar.gz")
        packed = self.sdk.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        self.assertIn("model", tarfile.open(fileobj=io.BytesIO(packed)).getnames())

    def test_fit_of_a_failing_program_tells_why(self):
        description, _ = self.fit("fit-2", "import sys; print('on the way down'); sys.exit(3)")
        self.assertEqual(description["TrainingJobStatus"], "Failed")
        self.assertRegex(description["FailureReason"], "^AlgorithmError: .*exit code: 3$")
        self.assertIn("on the way down", self.sdk.printed)
        self.check_last_lines(description)


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
