"""CloudWatch's metrics and STS as real clients ask for them: Debian's awscli and boto3 in forms, newer ones in JSON 1.0 and
CBOR (signed here by botocore's own signer)."""
import datetime
import json
import math
import pathlib
import struct
import sys
import time
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.awscli import AwsCli  # noqa: E402
from support.service import Service, wait_for  # noqa: E402
import botocore.auth  # noqa: E402
import botocore.awsrequest  # noqa: E402
import botocore.exceptions  # noqa: E402

TRAININGS = "/aws/sagemaker/TrainingJobs"
PREFIX = "GraniteServiceVersion20100801"
UTC = datetime.timezone.utc


def cbor(value):
    """As much of CBOR as a request needs."""
    def head(major, number):
        for info, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
            if number < 24:
                return bytes([major << 5 | number])
            if number < 1 << (8 * size):
                return bytes([major << 5 | info]) + number.to_bytes(size, "big")
    if isinstance(value, datetime.datetime):
        return head(6, 1) + cbor(value.timestamp())
    if isinstance(value, bool):
        return bytes([0xf5 if value else 0xf4])
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, float):
        return b"\xfb" + struct.pack(">d", value)
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(cbor, value))
    return head(5, len(value)) + b"".join(cbor(k) + cbor(v) for k, v in value.items())


def read_cbor(data):
    """An answer, with its instants as datetimes."""
    at = 0

    def item():
        nonlocal at
        major, info = data[at] >> 5, data[at] & 31
        at += 1
        number = info
        if info >= 24:
            size = 1 << (info - 24)
            raw = data[at:at + size]
            at += size
            if major == 7:
                return struct.unpack({2: ">e", 4: ">f", 8: ">d"}[size], raw)[0]
            number = int.from_bytes(raw, "big")
        if major == 0:
            return number
        if major == 1:
            return -1 - number
        if major == 3:
            at += number
            return data[at - number:at].decode()
        if major == 4:
            return [item() for _ in range(number)]
        if major == 5:
            return {item(): item() for _ in range(number)}
        if major == 6:
            assert number == 1, "only instants have tags"
            return datetime.datetime.fromtimestamp(item(), UTC)
        return {20: False, 21: True, 22: None}[info]
    value = item()
    assert at == len(data)
    return value


class CloudWatch(AwsCli, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = Service("--slots", "2")
        cls.boto = cls.service.client("cloudwatch")

    @classmethod
    def tearDownClass(cls):
        cls.service.close()

    def signed(self, path, body, headers, service="monitoring"):
        credentials = self.boto._request_signer._credentials
        request = botocore.awsrequest.AWSRequest("POST", self.service.endpoint + path, data=body, headers=headers)
        botocore.auth.SigV4Auth(credentials, service, "us-east-1").add_auth(request)
        try:
            answer = urllib.request.urlopen(urllib.request.Request(self.service.endpoint + path, body, dict(request.headers)))
        except urllib.error.HTTPError as error:
            answer = error
        return answer.status if hasattr(answer, "status") else answer.code, answer.headers, answer.read()

    def json_1_0(self, operation, request):
        status, headers, body = self.signed("/", json.dumps(request).encode(), {
            "Content-Type": "application/x-amz-json-1.0", "X-Amz-Target": f"{PREFIX}.{operation}", "x-amzn-query-mode": "true"})
        self.assertEqual(headers["Content-Type"], "application/x-amz-json-1.0")
        return status, headers, json.loads(body) if body else None

    def cbor(self, operation, request):
        status, headers, body = self.signed(f"/service/{PREFIX}/operation/{operation}", cbor(request), {
            "Content-Type": "application/cbor", "Accept": "application/cbor", "smithy-protocol": "rpc-v2-cbor"})
        self.assertEqual(headers["smithy-protocol"], "rpc-v2-cbor")
        if body:
            self.assertEqual(headers["Content-Type"], "application/cbor")
        return status, headers, read_cbor(body) if body else None

    # ---- users' own metrics

    def put_four(self, space):
        """Four values, ten minutes ago and in the two minutes behind."""
        self.minute = datetime.datetime.fromtimestamp(time.time() // 60 * 60 - 600, UTC)
        self.boto.put_metric_data(Namespace=space, MetricData=[
            {"MetricName": "speed", "Dimensions": [{"Name": "gpu", "Value": "0"}], "Value": value, "Unit": "Count/Second",
             "Timestamp": self.minute + datetime.timedelta(seconds=second), "StorageResolution": 1}
            for second, value in ((0, 1.0), (30, 3.0), (61, 5.5), (179, -7.0))])

    def test_statistics_with_boto3(self):
        self.put_four("boto")
        answer = self.boto.get_metric_statistics(
            Namespace="boto", MetricName="speed", Dimensions=[{"Name": "gpu", "Value": "0"}], StartTime=self.minute,
            EndTime=self.minute + datetime.timedelta(minutes=5), Period=60,
            Statistics=["SampleCount", "Average", "Sum", "Minimum", "Maximum"])
        self.assertEqual(answer["Label"], "speed")
        points = sorted(answer["Datapoints"], key=lambda p: p["Timestamp"])
        self.assertEqual([p["Timestamp"] for p in points], [self.minute + datetime.timedelta(minutes=m) for m in range(3)])
        self.assertEqual({k: points[0][k] for k in ("SampleCount", "Average", "Sum", "Minimum", "Maximum", "Unit")},
                         {"SampleCount": 2, "Average": 2, "Sum": 4, "Minimum": 1, "Maximum": 3, "Unit": "Count/Second"})
        extended = self.boto.get_metric_statistics(
            Namespace="boto", MetricName="speed", Dimensions=[{"Name": "gpu", "Value": "0"}], StartTime=self.minute,
            EndTime=self.minute + datetime.timedelta(minutes=5), Period=300, ExtendedStatistics=["p50", "p100"])
        self.assertEqual(extended["Datapoints"][0]["ExtendedStatistics"], {"p50": 1.0, "p100": 5.5})
        # Of -7, 1, 3 and 5.5.
        parts = {"tm75": -1, "IQM": 2, "TM(25%:)": 9.5 / 3, "wm75": 0, "ts75": -3, "tc75": 3, "TC(1:)": 2, "PR(:1)": 50}
        extended = self.boto.get_metric_statistics(
            Namespace="boto", MetricName="speed", Dimensions=[{"Name": "gpu", "Value": "0"}], StartTime=self.minute,
            EndTime=self.minute + datetime.timedelta(minutes=5), Period=300, ExtendedStatistics=list(parts))
        self.assertEqual(extended["Datapoints"][0]["ExtendedStatistics"], parts)
        data = self.boto.get_metric_data(
            StartTime=self.minute, EndTime=self.minute + datetime.timedelta(minutes=5), MetricDataQueries=[
                {"Id": f"q{i}", "MetricStat": {"Metric": {"Namespace": "boto", "MetricName": "speed", "Dimensions": [
                    {"Name": "gpu", "Value": "0"}]}, "Period": 300, "Stat": name}} for i, name in enumerate(parts)])
        self.assertEqual([result["Values"] for result in data["MetricDataResults"]], [[value] for value in parts.values()])
        # Without its dimension it is another metric.
        self.assertEqual(self.boto.get_metric_statistics(
            Namespace="boto", MetricName="speed", Dimensions=[], StartTime=self.minute, EndTime=self.minute +
            datetime.timedelta(minutes=5), Period=60, Statistics=["Sum"])["Datapoints"], [])

    def test_put_get_and_list_with_the_cli(self):
        now = datetime.datetime.now(UTC)
        self.ok("cloudwatch", "put-metric-data", "--namespace", "cli", "--metric-name", "m", "--value", "2.5",
                 "--dimensions", "a=b,c=d & e", "--unit", "Percent")
        self.ok("cloudwatch", "put-metric-data", "--namespace", "cli", "--metric-data", json.dumps([
            {"MetricName": "n", "Values": [1, 2], "Counts": [3, 1]},
            {"MetricName": "s", "StatisticValues": {"SampleCount": 2, "Sum": 9, "Minimum": 4, "Maximum": 5}}]))
        start, end = (now - datetime.timedelta(minutes=5)).isoformat(), (now + datetime.timedelta(minutes=5)).isoformat()
        found = self.ok("cloudwatch", "get-metric-statistics", "--namespace", "cli", "--metric-name", "m", "--dimensions",
                         "Name=c,Value=d & e", "Name=a,Value=b", "--start-time", start, "--end-time", end, "--period", "60",
                         "--statistics", "Average")
        self.assertEqual([(p["Average"], p["Unit"]) for p in found["Datapoints"]], [(2.5, "Percent")])
        query = [{"Id": "n", "MetricStat": {"Metric": {"Namespace": "cli", "MetricName": "n"}, "Period": 60, "Stat": "Sum"}},
                 {"Id": "s", "MetricStat": {"Metric": {"Namespace": "cli", "MetricName": "s"}, "Period": 60, "Stat": "Maximum"},
                  "ReturnData": False},
                 {"Id": "e", "Expression": "(n + s) * 10", "Label": "both"}]
        data = self.ok("cloudwatch", "get-metric-data", "--metric-data-queries", json.dumps(query), "--start-time", start,
                        "--end-time", end)
        self.assertEqual([(r["Id"], r["Label"], r["Values"], r["StatusCode"]) for r in data["MetricDataResults"]],
                         [("n", "n", [5.0], "Complete"), ("e", "both", [100.0], "Complete")])
        metrics = self.ok("cloudwatch", "list-metrics", "--namespace", "cli", "--dimensions", "Name=a", "--recently-active", "PT3H")
        self.assertEqual(metrics["Metrics"], [{"Namespace": "cli", "MetricName": "m", "Dimensions": [
            {"Name": "a", "Value": "b"}, {"Name": "c", "Value": "d & e"}]}])

    def test_pages(self):
        self.put_four("pages")
        query = [{"Id": "m", "MetricStat": {"Metric": {"Namespace": "pages", "MetricName": "speed",
                                                       "Dimensions": [{"Name": "gpu", "Value": "0"}]}, "Period": 60, "Stat": "Sum"}},
                 {"Id": "twice", "Expression": "m + m"}]
        for order, expected in (("TimestampAscending", [4.0, 5.5, -7.0]), ("TimestampDescending", [-7.0, 5.5, 4.0])):
            pages = list(self.boto.get_paginator("get_metric_data").paginate(
                MetricDataQueries=query, StartTime=self.minute, EndTime=self.minute + datetime.timedelta(minutes=5),
                ScanBy=order, MaxDatapoints=2))
            self.assertEqual(len(pages), 3)
            values = {"m": [], "twice": []}
            for page in pages:
                for result in page["MetricDataResults"]:
                    values[result["Id"]] += result["Values"]
            self.assertEqual(values, {"m": expected, "twice": [2 * v for v in expected]})
        for space in range(510):
            if space % 102 == 0:
                self.boto.put_metric_data(Namespace="many", MetricData=[
                    {"MetricName": f"m{i:03}", "Value": i} for i in range(space, space + 102)])
        listed = list(self.boto.get_paginator("list_metrics").paginate(Namespace="many"))
        self.assertEqual([len(page["Metrics"]) for page in listed], [500, 10])

    def test_refusals(self):
        def code_of(call, **arguments):
            with self.assertRaises(botocore.exceptions.ClientError) as caught:
                call(**arguments)
            return caught.exception.response["Error"]["Code"]
        now = datetime.datetime.now(UTC)
        put = self.boto.put_metric_data
        data = lambda **datum: {"Namespace": "n", "MetricData": [{"MetricName": "m", **datum}]}
        self.assertEqual(code_of(put, **data()), "MissingParameter")
        self.assertEqual(code_of(put, **data(Value=math.nan)), "InvalidParameterValue")
        self.assertEqual(code_of(put, **data(Value=math.inf)), "InvalidParameterValue")
        self.assertEqual(code_of(put, **data(Value=2.0 ** 361)), "InvalidParameterValue")
        self.assertEqual(code_of(put, **data(Value=1, Values=[1.0])), "InvalidParameterCombination")
        self.assertEqual(code_of(put, **data(Value=1, Timestamp=now - datetime.timedelta(days=15))), "InvalidParameterValue")
        self.assertEqual(code_of(put, **data(Value=1, Timestamp=now + datetime.timedelta(hours=3))), "InvalidParameterValue")
        self.assertEqual(code_of(put, **data(Value=1, Unit="Pound")), "InvalidParameterValue")
        self.assertEqual(code_of(put, Namespace="AWS/EC2", MetricData=[{"MetricName": "m", "Value": 1}]), "InvalidParameterValue")
        self.assertEqual(code_of(put, Namespace=TRAININGS, MetricData=[{"MetricName": "m", "Value": 1}]), "InvalidParameterValue")
        self.assertEqual(code_of(put, Namespace="n", MetricData=[{"MetricName": "m", "Value": 1}] * 1001), "InvalidParameterValue")
        ask = self.boto.get_metric_statistics
        question = {"Namespace": "n", "MetricName": "m", "StartTime": now - datetime.timedelta(days=2), "EndTime": now, "Period": 60}
        self.assertEqual(code_of(ask, **question), "MissingParameter")
        self.assertEqual(code_of(ask, **question, Statistics=["Sum"]), "InvalidParameterCombination")
        self.assertEqual(code_of(ask, **{**question, "Period": 61}, Statistics=["Sum"]), "InvalidParameterValue")
        self.assertEqual(code_of(ask, **{**question, "StartTime": now}, Statistics=["Sum"]), "InvalidParameterValue")
        for expression in ("SUM(METRICS())", "m1 + nobody", "e"):
            self.assertEqual(code_of(self.boto.get_metric_data, StartTime=now, EndTime=now + datetime.timedelta(hours=1),
                                     MetricDataQueries=[{"Id": "e", "Expression": expression}]), "ValidationError")
        # The signature's refusals are in the protocol's words as well.
        self.assertEqual(self.signed("/", b"Action=ListMetrics&Version=2010-08-01", {
            "Content-Type": "application/x-www-form-urlencoded"}, service="sagemaker")[0], 403)
        unsigned = urllib.request.Request(self.service.endpoint + "/", b"Action=ListMetrics&Version=2010-08-01")
        with self.assertRaises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(unsigned)
        self.assertIn(b"<Code>MissingAuthenticationToken</Code>", caught.exception.read())

    # ---- the protocols of newer clients

    def test_json_1_0(self):
        minute = int(time.time() // 60 * 60) - 300
        status, headers, body = self.json_1_0("PutMetricData", {"Namespace": "json", "MetricData": [
            {"MetricName": "m", "Value": 4, "Timestamp": minute + 1.5}]})
        self.assertEqual((status, body), (200, None))
        status, _, body = self.json_1_0("GetMetricStatistics", {
            "Namespace": "json", "MetricName": "m", "StartTime": minute, "EndTime": minute + 60, "Period": 60, "Statistics": ["Sum"]})
        self.assertEqual(body, {"Label": "m", "Datapoints": [{"Timestamp": minute, "Sum": 4, "Unit": "None"}]})
        # As newer clients write what JSON has no number for.
        for text in ("NaN", "Infinity", "-Infinity"):
            for datum in ({"Value": text}, {"Values": [1, text]},
                          {"StatisticValues": {"SampleCount": 1, "Sum": text, "Minimum": 1, "Maximum": 1}}):
                status, headers, body = self.json_1_0("PutMetricData", {"Namespace": "json", "MetricData": [{"MetricName": "m", **datum}]})
                self.assertEqual((status, headers["x-amzn-ErrorType"]), (400, "InvalidParameterValueException"), body)
                self.assertIn(f"The value {text} for parameter MetricData.member.1.{list(datum)[0]}", str(body))
        status, headers, body = self.json_1_0("PutMetricData", {"Namespace": "json", "MetricData": [{"MetricName": "m", "Value": "1"}]})
        self.assertEqual((status, headers["x-amzn-ErrorType"]), (400, "SerializationException"), body)
        status, headers, body = self.json_1_0("PutMetricData", {"Namespace": "json", "MetricData": [{"MetricName": "m"}]})
        self.assertEqual((status, headers["x-amzn-query-error"], body["__type"]),
                         (400, "MissingParameter;Sender", "MissingRequiredParameterException"))

    def test_cbor(self):
        minute = datetime.datetime.fromtimestamp(time.time() // 60 * 60 - 300, UTC)
        status, _, body = self.cbor("PutMetricData", {"Namespace": "cbor", "MetricData": [
            {"MetricName": "m", "Value": 4.5, "Timestamp": minute, "Unit": "Count"}, {"MetricName": "m", "Value": 1, "Timestamp": minute}]})
        self.assertEqual((status, body), (200, None))
        status, _, body = self.cbor("GetMetricData", {
            "StartTime": minute, "EndTime": minute + datetime.timedelta(minutes=1), "MetricDataQueries": [
                {"Id": "a", "MetricStat": {"Metric": {"Namespace": "cbor", "MetricName": "m"}, "Period": 60, "Stat": "Sum"}}]})
        self.assertEqual(status, 200)
        self.assertEqual(body["MetricDataResults"], [
            {"Id": "a", "Label": "m", "StatusCode": "Complete", "Timestamps": [minute], "Values": [5.5]}])
        status, headers, body = self.cbor("ListMetrics", {"RecentlyActive": "PT4H"})
        self.assertEqual((status, headers["x-amzn-query-error"], body["__type"]),
                         (400, "InvalidParameterValue;Sender", "InvalidParameterValueException"))
        status, headers, body = self.cbor("DescribeAlarms", {})
        self.assertEqual((status, body["__type"]), (400, "UnknownOperationException"))

    # ---- trainings

    def test_a_trainings_metrics(self):
        try:
            self.service.client("s3").create_bucket(Bucket="tests")
        except botocore.exceptions.ClientError:
            pass
        definitions = [{"Name": "train:loss", "Regex": "loss=([0-9.]+)"}, {"Name": "acc", "Regex": "acc=([0-9.]+)"}]
        self.service.create("metrics", "for i in range(1, 5): print(f'loss={1 / i} acc={i}')\n",
                            AlgorithmSpecification={"MetricDefinitions": definitions})
        job = self.service.wait_for_end("metrics")
        self.assertEqual(job["TrainingJobStatus"], "Completed")
        final = {m["MetricName"]: m["Value"] for m in job["FinalMetricDataList"]}
        self.assertEqual(final, {"train:loss": 0.25, "acc": 4})
        # As SageMaker's SDK asks for a job's metrics.
        for name, total in (("train:loss", 1 + 1 / 2 + 1 / 3 + 1 / 4), ("acc", 10)):
            points = self.boto.get_metric_statistics(
                Namespace=TRAININGS, MetricName=name, Dimensions=[{"Name": "TrainingJobName", "Value": "metrics"}],
                StartTime=job["TrainingStartTime"], EndTime=job["TrainingEndTime"] + datetime.timedelta(minutes=1), Period=60,
                Statistics=["Average", "SampleCount", "Sum"])["Datapoints"]
            self.assertEqual(sum(p["SampleCount"] for p in points), 4)
            self.assertAlmostEqual(sum(p["Sum"] for p in points), total)
            self.assertAlmostEqual(sum(p["Average"] * p["SampleCount"] for p in points) / 4, total / 4)
        query = [{"Id": "a", "MetricStat": {"Metric": {"Namespace": TRAININGS, "MetricName": "acc", "Dimensions": [
            {"Name": "TrainingJobName", "Value": "metrics"}]}, "Period": 1, "Stat": "p100"}}]
        data = self.ok("cloudwatch", "get-metric-data", "--metric-data-queries", json.dumps(query), "--start-time",
                        job["TrainingStartTime"].isoformat(), "--end-time", datetime.datetime.now(UTC).isoformat())
        self.assertEqual(max(data["MetricDataResults"][0]["Values"]), 4)
        named = self.boto.list_metrics(Namespace=TRAININGS, Dimensions=[{"Name": "TrainingJobName", "Value": "metrics"}])
        self.assertEqual([m["MetricName"] for m in named["Metrics"]], ["acc", "train:loss"])

        figures = urllib.request.urlopen(self.service.endpoint + "/metrics")
        self.assertEqual(figures.headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
        text = figures.read().decode()
        self.assertIn('holdfast_jobs{status="Completed"} 1\n', text)
        self.assertIn("holdfast_attempts_total 1\n", text)
        self.assertIn('holdfast_requests_total{operation="SageMaker.CreateTrainingJob",outcome="success"} 1\n', text)
        self.assertRegex(text, r"holdfast_log_lines_total [4-9]\n")
        self.assertNotIn("metrics/", text)

    def test_an_instances_use(self):
        try:
            self.service.client("s3").create_bucket(Bucket="tests")
        except botocore.exceptions.ClientError:
            pass
        # Busy on one processor, with a child that is too, until somebody has seen it.
        self.service.create("busy", "import os, time\nos.fork()\nblock = bytearray(200 << 20)\nend = time.time() + 60\n"
                            "while time.time() < end: pass\n")
        host = [{"Name": "Host", "Value": "busy/algo-1"}]
        # Beside those of its checkpoints.
        def sampled():
            listed = self.boto.list_metrics(Namespace=TRAININGS, Dimensions=host)["Metrics"]
            return [metric for metric in listed if metric["MetricName"].endswith("Utilization")]

        listed = wait_for("the first sample", sampled)
        self.assertEqual([m["MetricName"] for m in listed], ["CPUUtilization", "DiskUtilization", "MemoryUtilization"])
        now = datetime.datetime.now(UTC)
        values = {}
        for metric in listed:
            points = self.boto.get_metric_statistics(
                Namespace=TRAININGS, MetricName=metric["MetricName"], Dimensions=host, StartTime=now - datetime.timedelta(minutes=5),
                EndTime=now + datetime.timedelta(minutes=1), Period=60, Statistics=["Maximum"], Unit="Percent")["Datapoints"]
            values[metric["MetricName"]] = points[0]["Maximum"]
        self.service.client("sagemaker").stop_training_job(TrainingJobName="busy")
        # This machine may be busy with other things: what is sure is that it is something, and no more than two processors.
        self.assertTrue(0 < values["CPUUtilization"] < 220, values)
        self.assertTrue(0 < values["DiskUtilization"] <= 100, values)
        self.assertTrue(0 < values["MemoryUtilization"] < 100, values)

    # ---- who asks

    def test_caller_and_role(self):
        identity = self.ok("sts", "get-caller-identity")
        self.assertEqual(identity["Account"], "000000000000")
        self.assertEqual(identity["Arn"], "arn:aws:iam::000000000000:root")
        self.assertEqual(self.service.client("sts").get_caller_identity()["Arn"], identity["Arn"])
        role = self.service.client("iam").get_role(RoleName="SageMakerRole")["Role"]
        self.assertEqual(role["Arn"], "arn:aws:iam::000000000000:role/SageMakerRole")
        self.assertEqual(role["Path"], "/")


class Once(unittest.TestCase):
    def test_every_value_counts_once_though_the_service_is_killed(self):
        service = Service("--slots", "1")
        self.addCleanup(service.close)
        service.client("s3").create_bucket(Bucket="tests")
        lines = 300
        service.create("counted", f"import time\nfor i in range({lines}): print(f'step={{i}}'); time.sleep(0.01)\n",
                       AlgorithmSpecification={"MetricDefinitions": [{"Name": "step", "Regex": "step=([0-9]+)"}]})
        for step in (50, 120, 200):
            service.wait_for_line("counted", f"step={step}")
            service.kill()
            service.start()
        job = service.wait_for_end("counted")
        points = service.client("cloudwatch").get_metric_statistics(
            Namespace=TRAININGS, MetricName="step", Dimensions=[{"Name": "TrainingJobName", "Value": "counted"}],
            StartTime=job["TrainingStartTime"], EndTime=job["TrainingEndTime"] + datetime.timedelta(minutes=1), Period=60,
            Statistics=["SampleCount", "Sum"])["Datapoints"]
        self.assertEqual((sum(p["SampleCount"] for p in points), sum(p["Sum"] for p in points)),
                         (lines, lines * (lines - 1) / 2))


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
