"""CloudWatch Logs as Debian's own clients see it: awscli in processes of its own, and boto3."""
import pathlib
import subprocess
import sys
import time
import unittest

import botocore.exceptions

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.awscli import AwsCli  # noqa: E402
from support.service import Service, wait_for  # noqa: E402

TRAININGS = "/aws/sagemaker/TrainingJobs"
TALK = """
import sys, time
for i in range(100000):
    print("tick", i)
    time.sleep(0.05)
"""


def now_ms():
    return int(time.time() * 1000)


class Logs(AwsCli, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = Service("--slots", "2")
        cls.logs = cls.service.client("logs")
        cls.service.client("s3").create_bucket(Bucket="tests")
        cls.groups = 0

    @classmethod
    def tearDownClass(cls):
        cls.service.close()

    def command(self, *arguments):
        return super().command("logs", *arguments)

    def group(self, *streams):
        """A group of this test's own, with its streams."""
        type(self).groups += 1
        name = f"/tests/{self.id().split('.')[-1]}-{self.groups}"
        self.logs.create_log_group(logGroupName=name)
        for stream in streams:
            self.logs.create_log_stream(logGroupName=name, logStreamName=stream)
        return name

    def put(self, group, stream, messages, begin=None):
        """One event a millisecond; returns the first one's time."""
        at = begin or now_ms() - 60_000
        for first in range(0, len(messages), 5000):
            events = [{"timestamp": at + i, "message": messages[i]} for i in range(first, min(first + 5000, len(messages)))]
            answer = self.logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)
            self.assertNotIn("rejectedLogEventsInfo", answer)
        return at

    # ---- groups and streams

    def test_groups_by_the_cli(self):
        self.ok("create-log-group", "--log-group-name", "cli/one", "--tags", "team=a")
        self.ok("create-log-group", "--log-group-name", "cli/two")
        self.refused("ResourceAlreadyExistsException", "The specified log group already exists",
                     "create-log-group", "--log-group-name", "cli/one")
        listed = self.ok("describe-log-groups", "--log-group-name-prefix", "cli/")["logGroups"]
        self.assertEqual([group["logGroupName"] for group in listed], ["cli/one", "cli/two"])
        self.assertEqual(listed[0]["arn"], "arn:aws:logs:us-east-1:000000000000:log-group:cli/one:*")
        self.ok("put-retention-policy", "--log-group-name", "cli/one", "--retention-in-days", "30")
        self.assertEqual(self.ok("describe-log-groups", "--log-group-name-prefix", "cli/one")["logGroups"][0]["retentionInDays"], 30)
        self.refused("InvalidParameterException", "Member must satisfy enum value set: [1, 3, 5,",
                     "put-retention-policy", "--log-group-name", "cli/one", "--retention-in-days", "31")
        self.ok("delete-retention-policy", "--log-group-name", "cli/one")
        self.assertNotIn("retentionInDays", self.ok("describe-log-groups", "--log-group-name-prefix", "cli/one")["logGroups"][0])
        self.ok("tag-log-group", "--log-group-name", "cli/one", "--tags", "size=5")
        self.ok("untag-log-group", "--log-group-name", "cli/one", "--tags", "team")
        self.assertEqual(self.ok("list-tags-log-group", "--log-group-name", "cli/one")["tags"], {"size": "5"})
        self.ok("create-log-stream", "--log-group-name", "cli/one", "--log-stream-name", "a/b c")
        self.assertEqual(self.ok("describe-log-streams", "--log-group-name", "cli/one")["logStreams"][0]["logStreamName"], "a/b c")
        self.ok("delete-log-stream", "--log-group-name", "cli/one", "--log-stream-name", "a/b c")
        self.refused("ResourceNotFoundException", "The specified log stream does not exist.",
                     "delete-log-stream", "--log-group-name", "cli/one", "--log-stream-name", "a/b c")
        self.ok("delete-log-group", "--log-group-name", "cli/one")
        self.refused("ResourceNotFoundException", "The specified log group does not exist.",
                     "delete-log-group", "--log-group-name", "cli/one")

    def test_paginators_list_everything_once(self):
        group = self.group(*[f"s{i:03}" for i in range(120)])
        for page_size in (7, 50):
            pages = self.logs.get_paginator("describe_log_streams").paginate(
                logGroupName=group, PaginationConfig={"PageSize": page_size})
            names = [stream["logStreamName"] for page in pages for stream in page["logStreams"]]
            self.assertEqual(names, [f"s{i:03}" for i in range(120)])
        self.put(group, "s007", ["x"])
        newest = self.logs.describe_log_streams(logGroupName=group, orderBy="LastEventTime", descending=True, limit=1)
        self.assertEqual(newest["logStreams"][0]["logStreamName"], "s007")
        mine = {self.group() for _ in range(60)}
        pages = self.logs.get_paginator("describe_log_groups").paginate(PaginationConfig={"PageSize": 25})
        names = [found["logGroupName"] for page in pages for found in page["logGroups"]]
        self.assertEqual(len(names), len(set(names)))
        self.assertLessEqual(mine | {group, TRAININGS}, set(names))
        with self.assertRaises(self.logs.exceptions.InvalidParameterException):
            self.logs.describe_log_streams(logGroupName=group, orderBy="LastEventTime", logStreamNamePrefix="s")

    def test_what_was_put_survives_the_service(self):
        group = self.group("s")
        self.put(group, "s", ["one", "two\nlines", "käse ✓", "\\n"])
        self.service.kill()
        self.service.start()
        type(self).logs = self.service.client("logs")
        events = self.logs.get_log_events(logGroupName=group, logStreamName="s")["events"]
        self.assertEqual([event["message"] for event in events], ["one", "two\nlines", "käse ✓", "\\n"])

    # ---- events

    def test_pages_in_both_directions(self):
        group = self.group("s")
        messages = [f"line {i}" for i in range(25_000)]
        begin = self.put(group, "s", messages)
        asked = {"logGroupName": group, "logStreamName": "s"}

        page = self.logs.get_log_events(**asked, startFromHead=True)
        self.assertEqual(len(page["events"]), 10_000)
        seen = []
        while page["events"]:
            seen += [event["message"] for event in page["events"]]
            token = page["nextForwardToken"]
            page = self.logs.get_log_events(**asked, nextToken=token)
        self.assertEqual(seen, messages)
        self.assertEqual(page["nextForwardToken"], token)

        page = self.logs.get_log_events(**asked, limit=9_000)
        seen = []
        while page["events"]:
            seen = [event["message"] for event in page["events"]] + seen
            token = page["nextBackwardToken"]
            page = self.logs.get_log_events(**asked, nextToken=token, limit=9_000)
        self.assertEqual(seen, messages)
        self.assertEqual(page["nextBackwardToken"], token)

        part = self.ok("get-log-events", "--log-group-name", group, "--log-stream-name", "s", "--start-from-head",
                       "--start-time", str(begin + 17_000), "--end-time", str(begin + 17_003))
        self.assertEqual([event["message"] for event in part["events"]], messages[17_000:17_003])
        newest = self.ok("get-log-events", "--log-group-name", group, "--log-stream-name", "s", "--limit", "2")
        self.assertEqual([event["message"] for event in newest["events"]], messages[-2:])
        back = self.ok("get-log-events", "--log-group-name", group, "--log-stream-name", "s", "--limit", "2",
                       "--next-token", newest["nextBackwardToken"])
        self.assertEqual([event["message"] for event in back["events"]], messages[-4:-2])

    def test_a_page_is_at_most_a_mebibyte(self):
        group = self.group("s")
        for _ in range(3):
            self.put(group, "s", ["x" * 250_000] * 4)
        page = self.logs.get_log_events(logGroupName=group, logStreamName="s", startFromHead=True)
        self.assertEqual(len(page["events"]), 4)
        pages = self.logs.get_paginator("filter_log_events").paginate(logGroupName=group)
        self.assertEqual([len(found["events"]) for found in pages], [4, 4, 4])

    def test_newer_names_of_what_is_there(self):
        group = self.group()
        logs = self.service.client("logs")
        arn = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]["arn"].removesuffix(":*")
        logs.tag_resource(resourceArn=arn, tags={"team": "a", "color": "red"})
        logs.untag_resource(resourceArn=arn, tagKeys=["color"])
        self.assertEqual(logs.list_tags_for_resource(resourceArn=arn)["tags"], {"team": "a"})
        logs.create_log_stream(logGroupName=group, logStreamName="s")
        self.put(group, "s", ["x"])

        def by_identifier(operation, **members):  # beside which newer clients need no logGroupName
            return self.service.call(f"Logs_20140328.{operation}", {"logGroupIdentifier": arn, **members})
        self.assertEqual([stream["logStreamName"] for stream in by_identifier("DescribeLogStreams")["logStreams"]], ["s"])
        for found in (by_identifier("GetLogEvents", logStreamName="s"), by_identifier("FilterLogEvents")):
            self.assertEqual([event["message"] for event in found["events"]], ["x"])
        for account, there in (("000000000000", [group]), ("111111111111", [])):
            groups = logs.describe_log_groups(logGroupNamePrefix=group, accountIdentifiers=[account])["logGroups"]
            self.assertEqual([found["logGroupName"] for found in groups], there)
        # Newer than the installed client.
        listed = self.service.call("Logs_20140328.ListLogGroups", {"logGroupNamePattern": "^/tests/test_newer_names"})["logGroups"]
        self.assertEqual(listed, [{"logGroupName": group, "logGroupArn": arn, "logGroupClass": "STANDARD"}])

    def test_filter_by_the_cli(self):
        group = self.group("a", "b")
        begin = self.put(group, "a", ['{"level": "error", "step": 1}', "plain ERROR", '{"level": "info", "step": 2}'])
        self.put(group, "b", ['{"level": "error", "step": 3}', "10.0.0.1 GET 404", "10.0.0.2 GET 200"], begin + 1)

        def found(*arguments):
            events = self.ok("filter-log-events", "--log-group-name", group, *arguments)["events"]
            return [event["message"] for event in events]

        self.assertEqual(found("--filter-pattern", '{ $.level = "err*" && $.step < 5 }'),
                         ['{"level": "error", "step": 1}', '{"level": "error", "step": 3}'])
        self.assertEqual(found("--filter-pattern", "ERROR"), ["plain ERROR"])
        self.assertEqual(found("--filter-pattern", "[ip, verb, status = 4*]"), ["10.0.0.1 GET 404"])
        self.assertEqual(len(found("--filter-pattern", '?ERROR ?GET -"10.0.0.2"')), 2)
        self.assertEqual(found("--filter-pattern", "%GET [45]0.$%"), ["10.0.0.1 GET 404"])
        self.assertEqual(found("--filter-pattern", "{ $.level = %^inf% }"), ['{"level": "info", "step": 2}'])
        self.assertEqual(len(found("--filter-pattern", '""')), 6)
        self.assertEqual(found("--log-stream-names", "b", "--start-time", str(begin + 3)), ["10.0.0.2 GET 200"])
        self.assertEqual(len(found("--log-stream-name-prefix", "a")), 3)
        # Two streams, one order; equal times by stream.
        self.assertEqual([event["logStreamName"] for event in
                          self.ok("filter-log-events", "--log-group-name", group, "--page-size", "1")["events"]],
                         ["a", "a", "b", "a", "b", "b"])
        self.refused("InvalidParameterException", "Invalid filter pattern: ", "filter-log-events", "--log-group-name", group,
                     "--filter-pattern", "{ broken")
        self.refused("ResourceNotFoundException", "The specified log group does not exist.",
                     "filter-log-events", "--log-group-name", "none")

    def test_a_search_through_many_streams_finds_each_event_once(self):
        group = self.group(*[f"s{i}" for i in range(8)])
        begin = now_ms() - 600_000
        for stream in range(8):
            self.put(group, f"s{stream}", [f"{stream} {i} {'needle' if i % 100 == 0 else 'hay'}" for i in range(5_000)], begin)
        pages = list(self.logs.get_paginator("filter_log_events").paginate(
            logGroupName=group, filterPattern="needle", PaginationConfig={"PageSize": 33}))
        events = [event for page in pages for event in page["events"]]
        self.assertEqual(len(events), 8 * 50)
        self.assertEqual(len({event["eventId"] for event in events}), 8 * 50)
        self.assertEqual(events, sorted(events, key=lambda event: event["timestamp"]))

    def test_put_log_events_refusals(self):
        group = self.group("s")
        self.refused("ResourceNotFoundException", "The specified log stream does not exist.", "put-log-events",
                     "--log-group-name", group, "--log-stream-name", "none", "--log-events",
                     f"timestamp={now_ms()},message=x")
        at = now_ms()
        self.refused("InvalidParameterException", "must be in chronological order", "put-log-events", "--log-group-name", group,
                     "--log-stream-name", "s", "--log-events", f"timestamp={at},message=x", f"timestamp={at - 1},message=y")
        done = self.ok("put-log-events", "--log-group-name", group, "--log-stream-name", "s", "--log-events",
                       "timestamp=1,message=ancient")
        self.assertEqual(done["rejectedLogEventsInfo"], {"tooOldLogEventEndIndex": 1})
        self.assertTrue(done["nextSequenceToken"])
        # A mebibyte of characters that JSON writes as six bytes each.
        self.logs.put_log_events(logGroupName=group, logStreamName="s",
                                 logEvents=[{"timestamp": at, "message": "\x01" * 262_000}] * 4)

    # ---- trainings

    def test_tail_follows_a_running_job(self):
        self.service.create("talker", TALK, checkpoint=False)
        tail = subprocess.Popen(self.command("tail", TRAININGS, "--follow", "--format", "short", "--log-stream-name-prefix",
                                             "talker/"), text=True, stdout=subprocess.PIPE, env=self.service.environment())
        try:
            ticks = []
            while len(ticks) < 300:  # more than one poll of the CLI: it asks every 5 s
                line = tail.stdout.readline()
                self.assertTrue(line, "tail ended")
                if "tick" in line:
                    ticks.append(int(line.split("tick")[1]))
            # Every line once, in order, and while the job still runs.
            self.assertEqual(ticks, list(range(ticks[0], ticks[0] + 300)))
            self.assertEqual(self.service.describe("talker")["SecondaryStatus"], "Training")
        finally:
            tail.kill()
            tail.wait()
            tail.stdout.close()

        def stream():
            return self.logs.describe_log_streams(logGroupName=TRAININGS, logStreamNamePrefix="talker/")["logStreams"][0]
        name = stream()["logStreamName"]
        self.assertLessEqual(stream()["firstEventTimestamp"], stream()["lastEventTimestamp"])
        # A printed line is there for whoever asks while the job goes on.
        seen = len(self.service.lines("talker"))
        wait_for("another line", lambda: len(self.service.lines("talker")) > seen)

        for refused in (lambda: self.logs.put_log_events(logGroupName=TRAININGS, logStreamName=name,
                                                         logEvents=[{"timestamp": now_ms(), "message": "x"}]),
                        lambda: self.logs.create_log_stream(logGroupName=TRAININGS, logStreamName="talker/mine"),
                        lambda: self.logs.delete_log_group(logGroupName=TRAININGS)):
            with self.assertRaises(self.logs.exceptions.InvalidParameterException):
                refused()
        with self.assertRaises(botocore.exceptions.ClientError) as raised:
            self.logs.delete_log_stream(logGroupName=TRAININGS, logStreamName=name)
        self.assertEqual(raised.exception.response["Error"]["Code"], "OperationAbortedException")
        self.service.client("sagemaker").stop_training_job(TrainingJobName="talker")
        self.service.wait_for_end("talker")
        self.logs.delete_log_stream(logGroupName=TRAININGS, logStreamName=name)
        self.assertEqual(self.service.lines("talker"), [])

    def test_tail_without_follow_and_without_a_group(self):
        group = self.group("s")
        self.put(group, "s", ["first", "second"])
        self.assertEqual([line.split(" ", 1)[1] for line in self.ok("tail", group, "--format", "short").splitlines()],
                         ["first", "second"])
        self.assertIn("s second", self.ok("tail", group, "--since", "5m").splitlines()[-1])
        self.assertEqual(self.ok("tail", group, "--since", "5s"), "")
        self.refused("ResourceNotFoundException", "The specified log group does not exist.", "tail", "none")


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
