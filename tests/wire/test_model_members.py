"""Every member of every input of SageMaker's operations (support/model_walk.py), and what is newer than the installed model."""
import pathlib
import sys
import unittest

import botocore.exceptions

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.model_walk import ModelWalk, Walk, fresh, in_test  # noqa: E402
from support.service import ROLE, Service  # noqa: E402

ARN = "arn:aws:sagemaker:us-east-1:000000000000:"
S3_SOURCE = {"S3DataType": "S3Prefix", "S3Uri": "s3://walk/data"}
KNOWN = {"S3Uri": "s3://walk/data", "RoleArn": ROLE, "ContainerImage": "local:host", "AlgorithmImage": "local:host",
         "DirectoryPath": "/opt/ml/checkpoints", "ResourceArn": ARN + "training-job/walked", "MetricRegex": "x=([0-9]+)",
         "TrainingInstanceType": "ml.m5.large", "ParameterValue": "1", "TagKey": "team", "ResourcePropertyName": "TrainingJobName",
         "ParameterType": "FreeText", "ArnOrName": "walked",
         "DataSource": {"S3DataSource": S3_SOURCE}, "S3DataSource": S3_SOURCE,
         "Filter": {"Name": "TrainingJobName", "Value": "walked"},
         "NestedFilters": {"NestedPropertyName": "InputDataConfig",
                           "Filters": [{"Name": "InputDataConfig.ChannelName", "Value": "train"}]}}


def job_request():
    return {"TrainingJobName": fresh("job"), "RoleArn": ROLE,
            "AlgorithmSpecification": {"TrainingImage": "local:host", "TrainingInputMode": "File",
                                       "ContainerEntrypoint": ["/bin/true"]},
            "OutputDataConfig": {"S3OutputPath": "s3://walk/out"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600}}


def spot(request):
    request["EnableManagedSpotTraining"] = True
    request["StoppingCondition"].setdefault("MaxWaitTimeInSeconds", 600)
    request["StoppingCondition"]["MaxRuntimeInSeconds"] = request["StoppingCondition"]["MaxWaitTimeInSeconds"]


def place_of_its_own(request):
    request["CheckpointConfig"]["S3Uri"] = f"s3://walk/{fresh('checkpoints')}"


def by_algorithm(request):
    for member in ("TrainingImage", "MetricDefinitions"):
        request["AlgorithmSpecification"].pop(member, None)


def objective(request):
    training = request["TrainingSpecification"]
    training["MetricDefinitions"] = [{"Name": goal["MetricName"], "Regex": "x=([0-9]+)"}
                                     for goal in training["SupportedTuningJobObjectiveMetrics"]]


def range_type(kind):
    def change(request):
        parameter = request["TrainingSpecification"]["SupportedHyperParameters"][0]
        parameter["Type"] = kind
    return change


def algorithm_request():
    return {"AlgorithmName": fresh("algorithm"),
            "TrainingSpecification": {
                "TrainingImage": "local:host", "SupportedTrainingInstanceTypes": ["ml.m5.large"],
                "TrainingChannels": [{"Name": "train", "SupportedContentTypes": ["a"], "SupportedInputModes": ["File"]}]}}


def described_job(service, request):
    return service.describe(request["TrainingJobName"])


def described_algorithm(service, request):
    answer = service.client("sagemaker").describe_algorithm(AlgorithmName=request["AlgorithmName"])
    tags = service.client("sagemaker").list_tags(ResourceArn=answer["AlgorithmArn"])["Tags"]
    return {**answer, "Tags": tags}


def job_with_tags(service, request):
    answer = described_job(service, request)
    return {**answer, "Tags": service.client("sagemaker").list_tags(ResourceArn=answer["TrainingJobArn"])["Tags"]}


def listed_tags(service, request):
    tags = service.client("sagemaker").list_tags(ResourceArn=request["ResourceArn"])["Tags"]
    return {"Tags": [tag for tag in tags if tag["Key"] in [given["Key"] for given in request["Tags"]]]}


def in_tests(*members):
    return in_test("wire/test_sagemaker_operations.py", *members)


LIST_MEMBERS = ("NextToken", "MaxResults", "CreationTimeAfter", "CreationTimeBefore", "NameContains", "SortBy", "SortOrder")
FILTER = ("Filters", "Filters.[]", "Filters.[].Name", "Filters.[].Operator", "Filters.[].Value")
EXPRESSION = ("", *("." + part for part in (
    *FILTER, "NestedFilters", "NestedFilters.[]", "NestedFilters.[].NestedPropertyName", *("NestedFilters.[]." + part for part in FILTER),
    "SubExpressions", "SubExpressions.[]", "Operator")))
RANGE = "TrainingSpecification.SupportedHyperParameters.[].Range"
PROFILE = "ValidationSpecification.ValidationProfiles.[].TrainingJobDefinition."
RESOURCES = {"ResourceConfig.KeepAlivePeriodInSeconds max": "newer models allow 21600",
             "ResourceConfig.VolumeSizeInGB min": "newer models allow 0",
             "ResourceConfig.VolumeSizeInGB required": "newer models do not require it"}
KEEP_ALIVE = {"ResourceConfig.KeepAlivePeriodInSeconds max": RESOURCES["ResourceConfig.KeepAlivePeriodInSeconds max"]}

WALKS = [
    Walk("sagemaker", "CreateTrainingJob", job_request, job_with_tags, kept=("TrainingJobName",),
         needs={"StoppingCondition.MaxWaitTimeInSeconds": spot, "EnableManagedSpotTraining": spot,
                "AlgorithmSpecification.AlgorithmName": by_algorithm, "CheckpointConfig.LocalPath": place_of_its_own},
         deviations={**RESOURCES, "AlgorithmSpecification.ContainerEntrypoint max": "newer models allow 100",
                     "Environment max": "newer models allow 100"}),
    Walk("sagemaker", "DescribeTrainingJob", lambda: {"TrainingJobName": "walked"}, kept=("TrainingJobName",), shown=described_job),
    Walk("sagemaker", "ListTrainingJobs", dict, honoured=in_tests(
        *LIST_MEMBERS, "LastModifiedTimeAfter", "LastModifiedTimeBefore", "StatusEquals", "WarmPoolStatusEquals")),
    Walk("sagemaker", "StopTrainingJob", lambda: {"TrainingJobName": "stopped"}, kept=("TrainingJobName",), honoured=in_tests("TrainingJobName")),
    Walk("sagemaker", "UpdateTrainingJob", lambda: {"TrainingJobName": "updated"}, kept=("TrainingJobName",), shown=described_job,
         deviations=KEEP_ALIVE),
    Walk("sagemaker", "CreateAlgorithm", algorithm_request, described_algorithm, kept=("AlgorithmName",),
         needs={"TrainingSpecification.SupportedTuningJobObjectiveMetrics": objective,
                RANGE + ".IntegerParameterRangeSpecification": range_type("Integer"),
                RANGE + ".ContinuousParameterRangeSpecification": range_type("Continuous"),
                RANGE + ".CategoricalParameterRangeSpecification": range_type("Categorical")},
         deviations={PROFILE + path: why for path, why in RESOURCES.items()}),
    Walk("sagemaker", "DescribeAlgorithm", lambda: {"AlgorithmName": "walked"}, kept=("AlgorithmName",), shown=described_algorithm),
    Walk("sagemaker", "ListAlgorithms", dict, honoured=in_tests(*LIST_MEMBERS)),
    Walk("sagemaker", "DeleteAlgorithm", lambda: {"AlgorithmName": "walked"}, kept=("AlgorithmName",), honoured=in_tests("AlgorithmName")),
    Walk("sagemaker", "AddTags", lambda: {"ResourceArn": KNOWN["ResourceArn"], "Tags": [{"Key": "a", "Value": "b"}]}, listed_tags,
         honoured=in_tests("ResourceArn")),
    Walk("sagemaker", "ListTags", lambda: {"ResourceArn": KNOWN["ResourceArn"]},
         honoured=in_tests("ResourceArn", "NextToken", "MaxResults")),
    Walk("sagemaker", "DeleteTags", lambda: {"ResourceArn": KNOWN["ResourceArn"], "TagKeys": ["x"]},
         honoured=in_tests("ResourceArn", "TagKeys", "TagKeys.[]")),
    Walk("sagemaker", "Search", lambda: {"Resource": "TrainingJob"}, honoured=in_tests(
        "Resource", *("SearchExpression" + part for part in EXPRESSION), "SortBy", "SortOrder", "NextToken", "MaxResults")),
    Walk("sagemaker", "GetSearchSuggestions", lambda: {"Resource": "TrainingJob"}, honoured=in_tests(
        "Resource", "SuggestionQuery", "SuggestionQuery.PropertyNameQuery", "SuggestionQuery.PropertyNameQuery.PropertyNameHint")),
]
# Members that are newer than the installed model, sent as newer clients send them.
NEWER = {
    "CreateTrainingJob": {
        "AlgorithmSpecification": {"TrainingImageConfig": {"TrainingRepositoryAccessMode": "Vpc"}},
        "OutputDataConfig": {"CompressionType": "NONE"},
        "StoppingCondition": {"MaxPendingTimeInSeconds": 7200},
        "ResourceConfig": {"TrainingPlanArn": ARN + "training-plan/p", "InstancePlacementConfig": {"EnableMultipleJobs": True},
                           "InstancePreferences": [{"InstanceType": "ml.m5.large"}]},
        "": {"RemoteDebugConfig": {"EnableRemoteDebug": True}, "InfraCheckConfig": {"EnableInfraCheck": True},
             "SessionChainingConfig": {"EnableSessionTagChaining": True}, "ServerlessJobConfig": {"JobType": "FineTuning"},
             "MlflowConfig": {"MlflowResourceArn": ARN + "mlflow-app/a"}, "ModelPackageConfig": {"ModelPackageGroupArn": "g"}}},
    "ListTrainingJobs": {"": {"TrainingPlanArnEquals": ARN + "training-plan/p"}},
    "UpdateTrainingJob": {"": {"RemoteDebugConfig": {"EnableRemoteDebug": True}}},
    "Search": {"": {"CrossAccountFilterOption": "CrossAccount", "VisibilityConditions": [{"Key": "a", "Value": "b"}]}},
}
# What newer clients may send, or leave out (None), and what is then shown as it was sent.
ACCEPTED = [
    ("ResourceConfig", "VolumeSizeInGB", 0),
    ("ResourceConfig", "VolumeSizeInGB", None),
    ("AlgorithmSpecification", "TrainingImageConfig", {"TrainingRepositoryAccessMode": "Platform"}),
    ("", "RemoteDebugConfig", {"EnableRemoteDebug": False}),
    ("", "RemoteDebugConfig", {}),
]


class ModelMembers(ModelWalk, unittest.TestCase):
    WALKS, KNOWN = WALKS, KNOWN

    @classmethod
    def setUpClass(cls):
        cls.service = Service("--slots", "1")
        cls.service.client("s3").create_bucket(Bucket="walk")
        for key in ("data", "data/one"):
            cls.service.client("s3").put_object(Bucket="walk", Key=key, Body=b"x")
        sagemaker = cls.service.client("sagemaker")
        # Whoever holds the only places keeps all that follow waiting: this is a test of what is accepted, not of running.
        for name, change in (("walked", {}), ("spot", {"EnableManagedSpotTraining": True, "StoppingCondition": {
                "MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 3600}})):
            request = {**job_request(), "TrainingJobName": name, **change}
            request["AlgorithmSpecification"]["ContainerEntrypoint"] = ["/bin/sleep", "3600"]
            sagemaker.create_training_job(**request)
        for name in ("updated", "stopped"):
            sagemaker.create_training_job(**{**job_request(), "TrainingJobName": name})
        sagemaker.create_algorithm(**{**algorithm_request(), "AlgorithmName": "walked"})
        cls.clients = {}

    @classmethod
    def tearDownClass(cls):
        cls.service.close()

    def restore(self, walk):
        """What the walked operations end or remove is there again."""
        sagemaker = self.service.client("sagemaker")
        if walk.operation == "DeleteAlgorithm":
            try:
                sagemaker.create_algorithm(**{**algorithm_request(), "AlgorithmName": "walked"})
            except botocore.exceptions.ClientError:
                pass  # it is still there

    def test_members_newer_than_the_model_are_known(self):
        for operation, groups in NEWER.items():
            walk = next(walk for walk in WALKS if walk.operation == operation)
            for group, members in groups.items():
                for member, value in members.items():
                    with self.subTest(operation=operation, member=member):
                        request = walk.request()
                        holder = request.setdefault(group, {}) if group else request
                        holder[member] = value
                        refused = self.service.raw(f"SageMaker.{operation}", request)
                        if refused:
                            self.assertEqual(refused["__type"], "ValidationException")
                            self.assertNotIn("Unknown member", refused["message"])
                            self.assertIn(member.lower(), refused["message"].lower())
                        else:
                            answer = self.service.call("SageMaker.DescribeTrainingJob", {"TrainingJobName": request["TrainingJobName"]})
                            shown = answer.get(group, {}) if group else answer
                            self.assertEqual(shown.get(member), value)
        for group, member, value in ACCEPTED:
            with self.subTest(member=member, value=value):
                request = job_request()
                holder = request[group] if group else request
                holder.pop(member, None)
                if value is not None:
                    holder[member] = value
                self.service.call("SageMaker.CreateTrainingJob", request)
                answer = self.service.call("SageMaker.DescribeTrainingJob", {"TrainingJobName": request["TrainingJobName"]})
                self.assertEqual((answer[group] if group else answer).get(member), value)
        self.service.call("SageMaker.UpdateTrainingJob", {"TrainingJobName": "updated", "RemoteDebugConfig": {"EnableRemoteDebug": False}})
        updated = self.service.call("SageMaker.DescribeTrainingJob", {"TrainingJobName": "updated"})
        self.assertEqual(updated["RemoteDebugConfig"], {"EnableRemoteDebug": False})
        self.assertTrue(self.service.call("SageMaker.Search", {"Resource": "TrainingJob", "CrossAccountFilterOption": "SameAccount"})["Results"])
        unknown = self.service.raw("SageMaker.CreateTrainingJob", {**job_request(), "CheckpointConfg": {}})
        self.assertIn("did you mean 'CheckpointConfig'?", unknown["message"])


if __name__ == "__main__":
    unittest.main(verbosity=1, warnings="ignore")
