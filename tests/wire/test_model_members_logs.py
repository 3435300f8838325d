"""Every member of every input of the operations of CloudWatch Logs (support/model_walk.py), and what newer clients send."""
import pathlib
import sys
import time
import unittest

import botocore.exceptions

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.model_walk import ModelWalk, Walk, fresh, in_test  # noqa: E402
from support.service import Service  # noqa: E402

ARN = "arn:aws:logs:us-east-1:000000000000:log-group:walked"
KNOWN = {"LogGroupName": "walked", "LogGroupIdentifier": ARN, "LogStreamName": "walked", "AmazonResourceName": ARN,
         "AccountId": "000000000000", "Days": 30, "Timestamp": int(time.time() * 1000) - 60_000, "EventMessage": "x"}
GROUP = ("logGroupName",)
STREAM = ("logGroupName", "logStreamName")


def in_tests(*members):
    return in_test("wire/test_logs.py", *members)


def by_identifier(request):
    request.pop("logGroupName", None)


def group_with_tags(service, request):
    name = request["logGroupName"]
    group = service.client("logs").describe_log_groups(logGroupNamePrefix=name)["logGroups"][0]
    return {**group, "tags": service.client("logs").list_tags_log_group(logGroupName=name)["tags"]}


def tags_of_resource(service, request):
    return service.client("logs").list_tags_for_resource(resourceArn=request["resourceArn"])


def listed_stream(service, request):
    streams = service.client("logs").describe_log_streams(logGroupName=request["logGroupName"],
                                                          logStreamNamePrefix=request["logStreamName"])["logStreams"]
    return {**request, "logStreamName": streams[0]["logStreamName"]}


def last_event(service, request):
    events = service.client("logs").get_log_events(logGroupName=request["logGroupName"], logStreamName=request["logStreamName"],
                                                   limit=1)["events"]
    return {"logEvents": [{"timestamp": event["timestamp"], "message": event["message"]} for event in events]}


def event():
    return {"timestamp": int(time.time() * 1000), "message": fresh("event")}


NOTHING_MASKED = {"unmask": "nothing is masked"}
OF_A_GROUP = in_tests("logGroupName", "logGroupIdentifier")
WALKS = [
    Walk("logs", "CreateLogGroup", lambda: {"logGroupName": fresh("made")}, group_with_tags, kept=GROUP, refused=("kmsKeyId",)),
    Walk("logs", "DeleteLogGroup", lambda: {"logGroupName": "doomed"}, kept=GROUP, honoured=in_tests("logGroupName"), refused=()),
    Walk("logs", "DescribeLogGroups", dict, refused=("nextToken",), honoured=in_tests(
        "accountIdentifiers", "accountIdentifiers.[]", "logGroupNamePrefix", "logGroupNamePattern", "limit"),
        idle={"includeLinkedAccounts": "no account is linked"}),
    Walk("logs", "CreateLogStream", lambda: {"logGroupName": "walked", "logStreamName": fresh("made")}, listed_stream, kept=STREAM,
         refused=()),
    Walk("logs", "DeleteLogStream", lambda: {"logGroupName": "walked", "logStreamName": "doomed"}, kept=STREAM,
         honoured=in_tests(*STREAM), refused=()),
    Walk("logs", "DescribeLogStreams", lambda: {"logGroupName": "walked"}, needs={"logGroupIdentifier": by_identifier},
         refused=("nextToken",),
         honoured={**OF_A_GROUP, **in_tests("logStreamNamePrefix", "orderBy", "descending", "limit")}),
    Walk("logs", "PutLogEvents", lambda: {"logGroupName": "walked", "logStreamName": "walked", "logEvents": [event()]}, last_event,
         kept=STREAM, honoured=in_tests(*STREAM), idle={"sequenceToken": "CloudWatch has not looked at it since 2023"}, refused=()),
    Walk("logs", "GetLogEvents", lambda: {"logGroupName": "walked", "logStreamName": "walked"}, idle=NOTHING_MASKED,
         needs={"logGroupIdentifier": by_identifier}, refused=("nextToken",),
         honoured={**OF_A_GROUP, **in_tests("logStreamName", "startTime", "endTime", "limit", "startFromHead")}),
    Walk("logs", "FilterLogEvents", lambda: {"logGroupName": "walked"}, needs={"logGroupIdentifier": by_identifier},
         refused=("nextToken",), idle={**NOTHING_MASKED, "interleaved": "CloudWatch always does"},
         honoured={**OF_A_GROUP, **in_tests("logStreamNames", "logStreamNames.[]", "logStreamNamePrefix", "startTime", "endTime",
                                            "filterPattern", "limit")}),
    Walk("logs", "PutRetentionPolicy", lambda: {"logGroupName": "walked", "retentionInDays": 30}, group_with_tags, refused=()),
    Walk("logs", "DeleteRetentionPolicy", lambda: {"logGroupName": "walked"}, honoured=in_tests("logGroupName"), refused=()),
    Walk("logs", "ListTagsLogGroup", lambda: {"logGroupName": "walked"}, honoured=in_tests("logGroupName"), refused=()),
    Walk("logs", "TagLogGroup", lambda: {"logGroupName": "walked", "tags": {"a": "b"}}, group_with_tags, refused=()),
    Walk("logs", "UntagLogGroup", lambda: {"logGroupName": "walked", "tags": ["x"]},
         honoured=in_tests("logGroupName", "tags", "tags.[]"), refused=()),
    Walk("logs", "ListTagsForResource", lambda: {"resourceArn": ARN}, honoured=in_tests("resourceArn"), refused=()),
    Walk("logs", "TagResource", lambda: {"resourceArn": ARN, "tags": {"a": "b"}}, tags_of_resource,
         honoured=in_tests("resourceArn"), refused=()),
    Walk("logs", "UntagResource", lambda: {"resourceArn": ARN, "tagKeys": ["x"]},
         honoured=in_tests("resourceArn", "tagKeys", "tagKeys.[]"), refused=()),
]
# Members that are newer than the installed model, sent as newer clients send them: (operation, member, value, whether it is
# accepted).
NEWER = [
    ("CreateLogGroup", "logGroupClass", "STANDARD", True), ("CreateLogGroup", "logGroupClass", "DELIVERY", False),
    ("CreateLogGroup", "deletionProtectionEnabled", False, True), ("CreateLogGroup", "deletionProtectionEnabled", True, False),
    ("DescribeLogGroups", "logGroupClass", "STANDARD", True), ("DescribeLogGroups", "logGroupClass", "NONE", False),
    ("DescribeLogGroups", "logGroupIdentifiers", [ARN], True), ("DescribeLogGroups", "logGroupIdentifiers", [], False),
    ("PutLogEvents", "entity", {"keyAttributes": {"Type": "Service", "Name": "n"}, "attributes": {}}, True),
    ("PutLogEvents", "entity", {"keyAttributes": {"Type": "Service"}}, False),
    ("PutLogEvents", "entity", {"attributes": {f"k{i}": "v" for i in range(11)}}, False),
]


class LogsMembers(ModelWalk, unittest.TestCase):
    WALKS, KNOWN = WALKS, KNOWN
    refusal = missed = "InvalidParameterException"

    @classmethod
    def setUpClass(cls):
        cls.service = Service("--slots", "1")
        cls.clients = {}
        logs = cls.service.client("logs")
        for group in ("walked", "doomed"):
            logs.create_log_group(logGroupName=group)
        for stream in ("walked", "doomed"):
            logs.create_log_stream(logGroupName="walked", logStreamName=stream)

    @classmethod
    def tearDownClass(cls):
        cls.service.close()

    def restore(self, walk):
        logs = self.service.client("logs")
        again = {"DeleteLogGroup": lambda: logs.create_log_group(logGroupName="doomed"),
                 "DeleteLogStream": lambda: logs.create_log_stream(logGroupName="walked", logStreamName="doomed")}
        try:
            again.get(walk.operation, lambda: None)()
        except botocore.exceptions.ClientError:
            pass  # it is still there

    def test_members_newer_than_the_model_are_known(self):
        for operation, member, value, accepted in NEWER:
            with self.subTest(operation=operation, member=member, value=value):
                walk = next(walk for walk in WALKS if walk.operation == operation)
                refused = self.service.raw(f"Logs_20140328.{operation}", {**walk.request(), member: value})
                if accepted:
                    self.assertIsNone(refused)
                    continue
                self.assertEqual(refused["__type"], "InvalidParameterException")
                self.assertNotIn("Unknown member", refused["message"])
                self.assertIn(member, refused["message"])

    def test_whose_events_these_are_is_not_kept_and_said_so(self):
        request = {"logGroupName": "walked", "logStreamName": "walked", "logEvents": [event()],
                   "entity": {"keyAttributes": {"Type": "Service", "Name": "n"}}}
        answer = self.service.call("Logs_20140328.PutLogEvents", request)
        self.assertEqual(answer["rejectedEntityInfo"], {"errorType": "UnsupportedLogGroupType"})
        self.assertEqual(last_event(self.service, request)["logEvents"], request["logEvents"])


if __name__ == "__main__":
    unittest.main(verbosity=1, warnings="ignore")
