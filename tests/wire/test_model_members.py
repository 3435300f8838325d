"""Every member of every input, as the installed botocore knows it: given a value that keeps the model's rules it must be
shown by Describe, have an effect that another test looks at, or be refused by name; given one that breaks a rule it must be
refused in SageMaker's words. A member that the model gains fails here until it is one of these.

Another operation, or another service, is one more Walk.
"""
import dataclasses
import itertools
import pathlib
import sys
import typing
import unittest

import botocore.config
import botocore.exceptions

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support import model  # noqa: E402
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
# Enumerations so long, and so alike, that their first and last value stand for all.
SAMPLED_FROM = 20
NUMBERS = itertools.count(1)


def fresh(prefix):
    return f"{prefix}-{next(NUMBERS)}"


@dataclasses.dataclass
class Walk:
    service: str
    operation: str
    # A request that is accepted, new each time.
    request: typing.Callable
    # Of a service and an accepted request: an answer that shows its members. None: nothing shows them.
    shown: typing.Optional[typing.Callable] = None
    # Members that nothing shows but that have an effect, and where it is looked at: by their paths from the top.
    honoured: dict = dataclasses.field(default_factory=dict)
    # What a member needs beside it to be meant: path -> change of the request.
    needs: dict = dataclasses.field(default_factory=dict)
    # "path rule" -> why this service draws another line than the model.
    deviations: dict = dataclasses.field(default_factory=dict)
    refusal: str = "ValidationException"


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
    return {member: "tests/wire/test_sagemaker_operations.py" for member in members}


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
    Walk("sagemaker", "CreateTrainingJob", job_request, job_with_tags,
         needs={"StoppingCondition.MaxWaitTimeInSeconds": spot, "EnableManagedSpotTraining": spot,
                "AlgorithmSpecification.AlgorithmName": by_algorithm, "CheckpointConfig.LocalPath": place_of_its_own},
         deviations={**RESOURCES, "AlgorithmSpecification.ContainerEntrypoint max": "newer models allow 100",
                     "Environment max": "newer models allow 100"}),
    Walk("sagemaker", "DescribeTrainingJob", lambda: {"TrainingJobName": "walked"}, described_job),
    Walk("sagemaker", "ListTrainingJobs", dict, honoured=in_tests(
        *LIST_MEMBERS, "LastModifiedTimeAfter", "LastModifiedTimeBefore", "StatusEquals", "WarmPoolStatusEquals")),
    Walk("sagemaker", "StopTrainingJob", lambda: {"TrainingJobName": "stopped"}, honoured=in_tests("TrainingJobName")),
    Walk("sagemaker", "UpdateTrainingJob", lambda: {"TrainingJobName": "updated"}, described_job,
         deviations=KEEP_ALIVE),
    Walk("sagemaker", "CreateAlgorithm", algorithm_request, described_algorithm,
         needs={"TrainingSpecification.SupportedTuningJobObjectiveMetrics": objective,
                RANGE + ".IntegerParameterRangeSpecification": range_type("Integer"),
                RANGE + ".ContinuousParameterRangeSpecification": range_type("Continuous"),
                RANGE + ".CategoricalParameterRangeSpecification": range_type("Categorical")},
         deviations={PROFILE + path: why for path, why in RESOURCES.items()}),
    Walk("sagemaker", "DescribeAlgorithm", lambda: {"AlgorithmName": "walked"}, described_algorithm),
    Walk("sagemaker", "ListAlgorithms", dict, honoured=in_tests(*LIST_MEMBERS)),
    Walk("sagemaker", "DeleteAlgorithm", lambda: {"AlgorithmName": "walked"}, honoured=in_tests("AlgorithmName")),
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


class ModelMembers(unittest.TestCase):
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

    def client(self, service):
        if service not in self.clients:
            self.clients[service] = self.service.new_client(service, parameter_validation=False)
        return self.clients[service]

    def send(self, walk, request):
        """None when it is accepted; otherwise (code, message). No answer but those two may come."""
        try:
            self.client(walk.service)._make_api_call(walk.operation, request)
        except botocore.exceptions.ClientError as error:
            self.assertLess(error.response["ResponseMetadata"]["HTTPStatusCode"], 500, error)
            return error.response["Error"]["Code"], error.response["Error"]["Message"]
        return None

    def restore(self, walk):
        """What the walked operations end or remove is there again."""
        sagemaker = self.service.client("sagemaker")
        if walk.operation == "DeleteAlgorithm":
            try:
                sagemaker.create_algorithm(**{**algorithm_request(), "AlgorithmName": "walked"})
            except botocore.exceptions.ClientError:
                pass  # it is still there

    def test_members_are_shown_or_honoured_or_refused_by_name(self):
        for walk in WALKS:
            outcomes = {"shown": 0, "honoured": 0, "refused": []}
            for path, shape, _ in model.places(model.service_model(walk.service).operation_model(walk.operation).input_shape):
                for value in self.values(shape, path):
                    with self.subTest(operation=walk.operation, member=".".join(path), value=str(value)[:60]):
                        self.one_member(walk, path, value, outcomes)
            refused = sorted(set(outcomes["refused"]))
            print(f"{walk.operation}: {outcomes['shown']} values shown, {outcomes['honoured']} honoured, refused by name: {refused}")

    def values(self, shape, path):
        enum = getattr(shape, "enum", None)
        if not enum:
            if path[-1] in ("TrainingJobName", "AlgorithmName") and len(path) == 1:
                return [None]  # the name that the request has
            return [model.Examples(KNOWN).of(shape)]
        return enum if len(enum) < SAMPLED_FROM else [enum[0], enum[-1]]

    def one_member(self, walk, path, value, outcomes):
        dotted = ".".join(path)
        top = model.service_model(walk.service).operation_model(walk.operation).input_shape
        request = walk.request()
        if value is None:
            value = request[path[0]]
        else:
            request = model.Examples(KNOWN).put(request, top, path, value)
        for needed, change in walk.needs.items():
            if dotted == needed or dotted.startswith(needed + "."):
                change(request)
        refused = self.send(walk, request)
        self.restore(walk)
        if refused:
            code, message = refused
            self.assertEqual(code, walk.refusal, message)
            self.assertNotIn("Unknown member", message, "a member that this service has never heard of")
            named = [step for step in path if step not in (model.ELEMENT, model.ENTRY) and step.lower() in message.lower()]
            self.assertTrue(named, f"the refusal does not name the member: {message}")
            outcomes["refused"].append(named[-1])
        elif dotted in walk.honoured:
            outcomes["honoured"] += 1
        else:
            self.assertIsNotNone(walk.shown, "accepted, but nobody says what becomes of it")
            shown = model.value_at(walk.shown(self.service, request), path)
            self.assertTrue(any(model.holds(one, value) for one in shown), f"not shown: {value!r} among {shown!r}")
            outcomes["shown"] += 1

    def test_values_that_break_a_rule_are_refused_in_sagemakers_words(self):
        for walk in WALKS:
            top = model.service_model(walk.service).operation_model(walk.operation).input_shape
            examples = model.Examples(KNOWN)
            used = {deviation for deviation in walk.deviations if deviation.endswith(" required")}  # those of the next test
            broken = 0
            for path, shape, _ in model.places(top):
                for rule, value, words in examples.breakings(shape):
                    dotted = f"{'.'.join(path)} {rule}"
                    with self.subTest(operation=walk.operation, member=dotted):
                        refused = self.send(walk, examples.put(walk.request(), top, path, value))
                        if dotted in walk.deviations:
                            used.add(dotted)
                            continue
                        broken += 1
                        self.check_words(walk, path, rule, words, refused)
            self.assertEqual(used, set(walk.deviations), "deviations that are none any more")
            print(f"{walk.operation}: {broken} broken rules refused")

    def check_words(self, walk, path, rule, words, refused):
        self.assertIsNotNone(refused, "it was accepted")
        code, message = refused
        if rule == "type":
            self.assertEqual(code, "SerializationException", message)
            self.assertIn(model.wire_path([step for step in path if step != model.ENTRY]), message)
            return
        self.assertEqual(code, walk.refusal, message)
        self.assertRegex(message, r"^(1 validation error|[0-9]+ validation errors) detected: ")
        if path[-1] == model.ENTRY:  # a map speaks of all its values at once
            path, words = path[:-1], "Map value must satisfy constraint: ["
        if not self.refused_as_a_whole(message, path):
            self.assertIn(words, message)
            self.assertIn(f"at '{model.wire_path(path)}' failed to satisfy constraint: ", message)

    def refused_as_a_whole(self, message, path):
        """The member, or what it is a part of, is not supported at all, and is named."""
        above = [model.wire_path(path[:length]) for length in range(1, len(path) + 1)]
        return any(f"'{place}' is not supported: " in message for place in above)

    def test_members_that_must_be_there_are_missed_by_name(self):
        for walk in WALKS:
            top = model.service_model(walk.service).operation_model(walk.operation).input_shape
            examples = model.Examples(KNOWN)
            for path, shape, required in model.places(top):
                if not required:
                    continue
                with self.subTest(operation=walk.operation, member=".".join(path)):
                    request = examples.put(walk.request(), top, path, examples.of(shape))
                    for holder in model.value_at(request, path[:-1]):
                        holder.pop(path[-1], None)
                    refused = self.send(walk, request)
                    if f"{'.'.join(path)} required" in walk.deviations:
                        self.assertIsNone(refused, "a deviation that is none any more")
                        continue
                    self.assertIsNotNone(refused, "it was accepted")
                    self.assertEqual(refused[0], walk.refusal)
                    if not self.refused_as_a_whole(refused[1], path):
                        self.assertIn(f"Value null at '{model.wire_path(path)}' failed to satisfy constraint: Member must not be null",
                                      refused[1])

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
