"""Debian's own awscli, unchanged, against the real service."""
import json
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.awscli import AwsCli  # noqa: E402
from support.service import ROLE, Service, wait_for  # noqa: E402


class DebiansAwsCli(AwsCli, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = Service("--slots", "2")

    @classmethod
    def tearDownClass(cls):
        cls.service.close()

    def request(self, name, **changes):
        return {"TrainingJobName": name, "RoleArn": ROLE,
                "AlgorithmSpecification": {"TrainingImage": "local:host", "TrainingInputMode": "File",
                                           "ContainerEntrypoint": ["/bin/sh", "-c", "echo hello > /opt/ml/model/m; sleep ${S:-0}"]},
                "OutputDataConfig": {"S3OutputPath": "s3://cli/out/"},
                "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
                "StoppingCondition": {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 600},
                "EnableManagedSpotTraining": True, **changes}

    def create(self, name, **changes):
        return self.ok("sagemaker", "create-training-job", "--cli-input-json", json.dumps(self.request(name, **changes)))

    def test_from_upload_to_model(self):
        self.ok("s3", "mb", "s3://cli")
        big = self.service.folder / "big"
        big.write_bytes(bytes(range(256)) * 65536)  # 16 MiB: a multipart upload
        self.ok("s3", "cp", str(big), "s3://cli/data/big")
        self.ok("s3", "cp", "s3://cli/data/big", str(big) + ".back")
        self.assertEqual(pathlib.Path(str(big) + ".back").read_bytes(), big.read_bytes())
        self.assertIn("16777216 big", self.ok("s3", "ls", "s3://cli/data/"))

        arn = self.create("first")["TrainingJobArn"]
        self.assertEqual(arn, "arn:aws:sagemaker:us-east-1:000000000000:training-job/first")
        wait_for("the end", lambda: self.ok("sagemaker", "describe-training-job", "--training-job-name", "first")
                 ["TrainingJobStatus"] == "Completed")
        self.ok("sagemaker", "wait", "training-job-completed-or-stopped", "--training-job-name", "first")
        job = self.ok("sagemaker", "describe-training-job", "--training-job-name", "first")
        self.assertEqual(job["ModelArtifacts"]["S3ModelArtifacts"], "s3://cli/out/first/output/model.tar.gz")
        self.assertEqual(job["OutputDataConfig"]["S3OutputPath"], "s3://cli/out/")
        self.assertGreaterEqual(job["TrainingTimeInSeconds"], 1)
        self.ok("s3", "cp", job["ModelArtifacts"]["S3ModelArtifacts"], str(big) + ".tgz")

        self.create("second", Environment={"S": "600"})
        self.refused("ResourceInUse", "Training job names must be unique within an AWS account and region, and a training job "
                     f"with this name already exists ({arn})", "sagemaker", "create-training-job", "--cli-input-json",
                     json.dumps(self.request("first")))
        wait_for("it to run", lambda: self.ok("sagemaker", "describe-training-job", "--training-job-name", "second")
                 ["SecondaryStatus"] == "Training")
        self.ok("sagemaker", "stop-training-job", "--training-job-name", "second")
        wait_for("the stop", lambda: self.ok("sagemaker", "describe-training-job", "--training-job-name", "second")
                 ["TrainingJobStatus"] == "Stopped")
        self.refused("ValidationException", "The request was rejected because the training job is in status Stopped.",
                     "sagemaker", "stop-training-job", "--training-job-name", "second")
        names = [s["TrainingJobName"] for s in self.ok("sagemaker", "list-training-jobs", "--page-size", "1")["TrainingJobSummaries"]]
        self.assertEqual([name for name in names if name in ("first", "second")], ["second", "first"])
        stopped = self.ok("sagemaker", "list-training-jobs", "--status-equals", "Stopped")["TrainingJobSummaries"]
        self.assertEqual([s["TrainingJobName"] for s in stopped], ["second"])

    def test_refusals_in_the_services_own_words(self):
        self.ok("s3", "mb", "s3://cli2")
        self.refused("ValidationException", "Requested resource not found.",
                     "sagemaker", "describe-training-job", "--training-job-name", "nobody")
        self.refused("ValidationException",
                     "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds",
                     "sagemaker", "create-training-job", "--cli-input-json",
                     json.dumps(self.request("x", StoppingCondition={"MaxRuntimeInSeconds": 600})))
        self.refused("ValidationException", "Member must satisfy regular expression pattern",
                     "sagemaker", "create-training-job", "--cli-input-json", json.dumps(self.request("under_score")))
        self.refused("ValidationException", "No S3 objects found under S3 URL \"s3://cli2/nothing\"",
                     "sagemaker", "create-training-job", "--cli-input-json",
                     json.dumps(self.request("x", OutputDataConfig={"S3OutputPath": "s3://cli2/o"}, InputDataConfig=[
                         {"ChannelName": "train", "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://cli2/nothing"}}}])))

    def test_a_wrong_key_and_a_wrong_secret_are_told_apart(self):
        credentials = (self.service.data / "credentials").read_text()
        key = next(line.split("=")[1].strip() for line in credentials.splitlines() if "access_key_id" in line)
        for access_key, code in ((key, "InvalidSignatureException"), ("HFAKNOBODYNOBODYNOBO", "UnrecognizedClientException")):
            environment = {**self.service.environment(), "AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": "wrong"}
            done = self.aws("sagemaker", "list-training-jobs", environment=environment)
            self.assertIn(f"({code})", done.stderr)

    def test_algorithms_tags_and_search(self):
        self.ok("s3", "mb", "s3://cli3")
        training = {"TrainingImage": "local:host", "SupportedTrainingInstanceTypes": ["ml.m5.large"], "TrainingChannels": [
            {"Name": "train", "SupportedContentTypes": ["text/csv"], "SupportedInputModes": ["File"]}]}
        arn = self.ok("sagemaker", "create-algorithm", "--algorithm-name", "cli", "--training-specification", json.dumps(training),
                      "--tags", "Key=team,Value=blue")["AlgorithmArn"]
        described = self.ok("sagemaker", "describe-algorithm", "--algorithm-name", arn)
        self.assertEqual((described["AlgorithmStatus"], described["TrainingSpecification"]), ("Completed", training))
        listed = self.ok("sagemaker", "list-algorithms", "--page-size", "1")["AlgorithmSummaryList"]
        self.assertEqual([summary["AlgorithmName"] for summary in listed], ["cli"])
        self.create("by-algorithm", OutputDataConfig={"S3OutputPath": "s3://cli3/out"}, AlgorithmSpecification={
            "AlgorithmName": "cli", "TrainingInputMode": "File", "ContainerEntrypoint": ["/bin/true"]})
        wait_for("the end", lambda: self.ok("sagemaker", "describe-training-job", "--training-job-name", "by-algorithm")
                 ["TrainingJobStatus"] == "Completed")
        self.ok("sagemaker", "wait", "training-job-completed-or-stopped", "--training-job-name", "by-algorithm")
        job = "arn:aws:sagemaker:us-east-1:000000000000:training-job/by-algorithm"
        self.ok("sagemaker", "add-tags", "--resource-arn", job, "--tags", "Key=team,Value=blue", "Key=cost centre,Value=4/2")
        self.ok("sagemaker", "delete-tags", "--resource-arn", job, "--tag-keys", "team")
        self.assertEqual(self.ok("sagemaker", "list-tags", "--resource-arn", job)["Tags"], [{"Key": "cost centre", "Value": "4/2"}])
        found = self.ok("sagemaker", "search", "--resource", "TrainingJob", "--search-expression", json.dumps(
            {"Filters": [{"Name": "Tags.cost centre", "Value": "4/2"}, {"Name": "AlgorithmSpecification.AlgorithmName", "Value": "cli"}]}))
        self.assertEqual([result["TrainingJob"]["TrainingJobName"] for result in found["Results"]], ["by-algorithm"])
        self.assertEqual(self.ok("sagemaker", "delete-algorithm", "--algorithm-name", "cli"), "")
        self.refused("ValidationException", f"Algorithm {arn} does not exist.",
                     "sagemaker", "describe-algorithm", "--algorithm-name", "cli")


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
