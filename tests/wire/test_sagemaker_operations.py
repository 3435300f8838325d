"""SageMaker's operations beside the plain life of a job, with boto3: algorithms, tags, search, changes and deletion."""
import datetime
import pathlib
import sys
import unittest

import botocore.exceptions

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.service import ROLE, Service, wait_for  # noqa: E402

ARN = "arn:aws:sagemaker:us-east-1:000000000000:"
TRAINING = {"TrainingImage": "local:host", "SupportedTrainingInstanceTypes": ["ml.m5.large"],
            "SupportedHyperParameters": [{"Name": "depth", "Type": "Integer", "DefaultValue": "3", "Range": {
                "IntegerParameterRangeSpecification": {"MinValue": "1", "MaxValue": "9"}}}],
            "MetricDefinitions": [{"Name": "loss", "Regex": "loss=([0-9.]+)"}],
            "TrainingChannels": [{"Name": "train", "SupportedContentTypes": [], "SupportedInputModes": ["File"]}]}


class SageMakerOperations(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = Service("--slots", "2")
        cls.sagemaker = cls.service.client("sagemaker")
        cls.service.client("s3").create_bucket(Bucket="tests")

    @classmethod
    def tearDownClass(cls):
        cls.service.close()

    def refused(self, code, text, call, **request):
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            call(**request)
        self.assertEqual(caught.exception.response["Error"]["Code"], code)
        self.assertIn(text, caught.exception.response["Error"]["Message"])

    def run_job(self, name, program="print('loss=0.5')", **changes):
        """A job that has ended; its ARN."""
        arn = self.service.create(name, program, **changes)["TrainingJobArn"]
        self.service.wait_for_end(name)
        return arn

    def found(self, *filters, **request):
        """Names of the jobs that a search finds, in its order."""
        expression = {"SearchExpression": {"Filters": list(filters)}} if filters else {}
        pages = self.sagemaker.get_paginator("search").paginate(Resource="TrainingJob", **expression, **request)
        return [result["TrainingJob"]["TrainingJobName"] for page in pages for result in page["Results"]]

    def test_a_job_runs_from_an_algorithm_by_name(self):
        arn = self.sagemaker.create_algorithm(AlgorithmName="trees", AlgorithmDescription="of ours",
                                              TrainingSpecification=TRAINING)["AlgorithmArn"]
        self.assertEqual(arn, ARN + "algorithm/trees")
        described = self.sagemaker.describe_algorithm(AlgorithmName=arn)
        self.assertEqual(described["AlgorithmStatus"], "Completed")
        self.assertEqual(described["TrainingSpecification"], TRAINING)
        code = self.service.folder / "code"
        code.mkdir(exist_ok=True)
        (code / "trees.py").write_text("import json; print('depth', json.load(open('/opt/ml/input/config/hyperparameters.json'))"
                                       "['depth']); print('loss=0.25')")
        request = {"AlgorithmName": "trees", "TrainingInputMode": "File",
                   "ContainerEntrypoint": ["/usr/bin/python3", "-u", str(code / "trees.py")]}
        job = {"RoleArn": ROLE, "AlgorithmSpecification": request, "OutputDataConfig": {"S3OutputPath": "s3://tests/o"},
               "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
               "Tags": [{"Key": "holdfast:working-directory", "Value": str(code)}]}
        limits = {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 3601}
        self.refused("ValidationException", "MaxWaitTimeInSeconds above 3600 is not supported for the given algorithm.",
                     self.sagemaker.create_training_job, **job, TrainingJobName="by-trees", EnableManagedSpotTraining=True,
                     StoppingCondition=limits)
        self.refused("ValidationException", "must be an integer from 1 to 9", self.sagemaker.create_training_job, **job,
                     TrainingJobName="by-trees", StoppingCondition={}, HyperParameters={"depth": "10"})
        self.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "holdfast:checkpoints", "Value": "true"}])
        self.sagemaker.create_training_job(**job, TrainingJobName="by-trees", EnableManagedSpotTraining=True,
                                           StoppingCondition=limits)
        ended = self.service.wait_for_end("by-trees")
        self.assertEqual(ended["TrainingJobStatus"], "Completed", ended)
        self.assertIn("depth 3", self.service.lines("by-trees"))
        self.assertEqual(ended["HyperParameters"], {"depth": "3"})
        self.assertEqual(ended["AlgorithmSpecification"]["AlgorithmName"], "trees")
        self.assertEqual([(metric["MetricName"], metric["Value"]) for metric in ended["FinalMetricDataList"]], [("loss", 0.25)])

    def test_algorithms_are_listed_in_pages_and_deleted(self):
        for name in ("list-c", "list-a", "list-b"):
            self.sagemaker.create_algorithm(AlgorithmName=name, TrainingSpecification=TRAINING)

        def listed(**request):
            pages = self.sagemaker.get_paginator("list_algorithms").paginate(
                NameContains="list-", PaginationConfig={"PageSize": 2}, **request)
            return [summary["AlgorithmName"] for page in pages for summary in page["AlgorithmSummaryList"]]
        self.assertEqual(listed(), ["list-c", "list-a", "list-b"])
        self.assertEqual(listed(SortBy="Name", SortOrder="Descending"), ["list-c", "list-b", "list-a"])
        long_ago = datetime.datetime(2020, 1, 1)
        self.assertEqual(listed(CreationTimeBefore=long_ago), [])
        self.assertEqual(len(listed(CreationTimeAfter=long_ago)), 3)
        self.sagemaker.delete_algorithm(AlgorithmName="list-a")
        self.refused("ValidationException", f"Algorithm {ARN}algorithm/list-a does not exist.",
                     self.sagemaker.describe_algorithm, AlgorithmName="list-a")

    def test_tags_survive_the_service_and_can_be_changed(self):
        arn = self.run_job("tagged")
        self.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": f"k{i}", "Value": "é" if i else ""} for i in range(3)])
        self.sagemaker.delete_tags(ResourceArn=arn, TagKeys=["k1", "nobody"])
        self.service.kill()
        self.service.start()
        type(self).sagemaker = self.service.client("sagemaker")
        pages = self.sagemaker.get_paginator("list_tags").paginate(ResourceArn=arn, PaginationConfig={"PageSize": 50})
        tags = {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}
        self.assertEqual({key: value for key, value in tags.items() if key[0] == "k"}, {"k0": "", "k2": "é"})
        self.refused("ValidationException", "it cannot be changed afterwards", self.sagemaker.delete_tags, ResourceArn=arn,
                     TagKeys=["holdfast:working-directory"])
        self.refused("ValidationException", "It must have 50 at most", self.sagemaker.add_tags, ResourceArn=arn,
                     Tags=[{"Key": f"m{i}", "Value": ""} for i in range(50)])

    def test_search_finds_jobs_by_anything_that_is_shown_of_them(self):
        for depth, loss in (("2", "0.5"), ("10", "0.25")):
            self.run_job(f"search-{depth}", f"print('loss={loss}')", HyperParameters={"depth": depth},
                         AlgorithmSpecification={"MetricDefinitions": TRAINING["MetricDefinitions"]},
                         Environment={"TEAM": "search"})
        mine = {"Name": "Environment.TEAM", "Value": "search"}
        self.assertEqual(self.found(mine, SortBy="CreationTime", SortOrder="Ascending"), ["search-2", "search-10"])
        self.assertEqual(self.found(mine, SortBy="Metrics.loss", SortOrder="Ascending", MaxResults=1), ["search-10", "search-2"])
        for name, operator, value, expected in (
                ("HyperParameters.depth", "GreaterThan", "9", ["search-10"]),
                ("Metrics.loss", "LessThanOrEqualTo", "0.25", ["search-10"]),
                ("TrainingJobName", "In", "search-2,other", ["search-2"]),
                ("TrainingJobStatus", "NotEquals", "Completed", []),
                ("CheckpointConfig.S3Uri", "Contains", "search-2", ["search-2"]),
                ("CreationTime", "LessThan", "2020-01-01T00:00:00", [])):
            with self.subTest(name=name):
                self.assertEqual(self.found(mine, {"Name": name, "Operator": operator, "Value": value}), expected)
        self.assertEqual(self.found(mine, {"Name": "FailureReason", "Operator": "Exists"}), [])
        nested = {"NestedFilters": [{"NestedPropertyName": "Tags", "Filters": [
            {"Name": "Tags.Key", "Value": "holdfast:working-directory"}, {"Name": "Tags.Value", "Operator": "Contains", "Value": "/code"}]}],
            "SubExpressions": [{"Filters": [mine]}]}
        record = self.sagemaker.search(Resource="TrainingJob", SearchExpression=nested, MaxResults=1)["Results"][0]["TrainingJob"]
        self.assertEqual(record["Tags"][0]["Key"], "holdfast:working-directory")
        self.assertEqual(record["TrainingJobStatus"], "Completed")
        twice = {"Filters": [{"Name": name, "Operator": "Contains", "Value": "a"} for name in ("TrainingJobName", "RoleArn")]}
        self.refused("ValidationException", "'CONTAINS' operator usage limit of 1 exceeded.", self.sagemaker.search,
                     Resource="TrainingJob", SearchExpression=twice)
        hints = self.sagemaker.get_search_suggestions(
            Resource="TrainingJob", SuggestionQuery={"PropertyNameQuery": {"PropertyNameHint": "Wait"}})
        self.assertEqual(hints["PropertyNameSuggestions"], [{"PropertyName": "StoppingCondition.MaxWaitTimeInSeconds"}])

    def test_a_running_jobs_profiling_is_updated(self):
        self.service.create("profiled", "import time; time.sleep(600)", spot=False,
                            ProfilerConfig={"S3OutputPath": "s3://tests/p", "DisableProfiler": False})
        answer = self.sagemaker.update_training_job(TrainingJobName="profiled", ProfilerConfig={"DisableProfiler": True})
        self.assertEqual(answer["TrainingJobArn"], ARN + "training-job/profiled")
        self.assertEqual(self.service.describe("profiled")["ProfilerConfig"],
                         {"S3OutputPath": "s3://tests/p", "DisableProfiler": True})
        self.refused("ValidationException", "no warm pools", self.sagemaker.update_training_job, TrainingJobName="profiled",
                     ResourceConfig={"KeepAlivePeriodInSeconds": 60})
        self.sagemaker.stop_training_job(TrainingJobName="profiled")
        self.service.wait_for_end("profiled")
        self.refused("ValidationException", "The request was rejected because the training job is in status Stopped.",
                     self.sagemaker.update_training_job, TrainingJobName="profiled", ProfilerConfig={"DisableProfiler": False})

    def delete(self, name):
        """DeleteTrainingJob is newer than the installed botocore."""
        return self.service.raw("SageMaker.DeleteTrainingJob", {"TrainingJobName": name})

    def test_an_ended_job_is_deleted_and_its_name_used_again(self):
        self.service.create("again", """
import time
open("/opt/ml/checkpoints/half", "w").write("half way")
print("first", flush=True)
time.sleep(600)
""")
        wait_for("a checkpoint", lambda: self.service.run_of("again").get("LastGeneration"))
        self.assertEqual(self.delete("again")["__type"], "ResourceInUse")
        self.sagemaker.stop_training_job(TrainingJobName="again")
        self.service.wait_for_end("again")
        wait_for("the deletion", lambda: self.delete("again") is None)
        self.refused("ValidationException", "Requested resource not found.", self.sagemaker.describe_training_job,
                     TrainingJobName="again")
        self.assertEqual(self.delete("again"), {"__type": "ResourceNotFound", "message": "Requested resource not found."})
        self.assertEqual(self.found({"Name": "TrainingJobName", "Value": "again"}), [])
        # The same name and the same place of checkpoints: a new job that goes on from there, as SageMaker has it.
        self.run_job("again", """
print(open("/opt/ml/checkpoints/half").read())
open("/opt/ml/checkpoints/whole", "w").write("all the way")
""")
        self.assertIn("half way", self.service.lines("again"))
        self.assertNotIn("first", self.service.lines("again"))
        judged = self.service.holdfast("check-history").stdout
        self.assertIn("Every promise that could be judged was kept.", judged)
        self.assertIn("which this database does not know, are left out: its job was deleted since", judged)

    def test_lists_are_filtered_and_waiters_end(self):
        self.run_job("listed")
        self.sagemaker.get_waiter("training_job_completed_or_stopped").wait(
            TrainingJobName="listed", WaiterConfig={"Delay": 1, "MaxAttempts": 2})
        pages = self.sagemaker.get_paginator("list_training_jobs").paginate(
            NameContains="liste", StatusEquals="Completed", SortBy="Name", SortOrder="Ascending",
            LastModifiedTimeAfter=datetime.datetime(2020, 1, 1))
        summaries = [summary for page in pages for summary in page["TrainingJobSummaries"]]
        self.assertEqual([summary["TrainingJobName"] for summary in summaries], ["listed"])
        for nobody in ({"LastModifiedTimeBefore": datetime.datetime(2020, 1, 1)}, {"WarmPoolStatusEquals": "Available"}):
            self.assertEqual(self.sagemaker.list_training_jobs(NameContains="listed", **nobody)["TrainingJobSummaries"], [])
        newer = self.service.call("SageMaker.ListTrainingJobs", {"NameContains": "listed"})["TrainingJobSummaries"][0]
        self.assertEqual(newer["SecondaryStatus"], "Completed")
        refusal = self.service.raw("SageMaker.ListTrainingJobs", {"TrainingPlanArnEquals": ARN + "training-plan/p"})
        self.assertIn("'trainingPlanArnEquals' is not supported: ", refusal["message"])
        with self.assertRaises(botocore.exceptions.WaiterError):
            self.sagemaker.get_waiter("training_job_completed_or_stopped").wait(
                TrainingJobName="nobody", WaiterConfig={"Delay": 1, "MaxAttempts": 2})


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
