"""Every member of every input of the operations of CloudWatch, STS and IAM (support/model_walk.py), in forms as Debian's clients
send them, and what newer clients send."""
import datetime
import pathlib
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.model_walk import ModelWalk, Walk, fresh, in_test  # noqa: E402
from support.service import Service  # noqa: E402

MINUTE_S = time.time() // 60 * 60 - 300
START = datetime.datetime.fromtimestamp(MINUTE_S, datetime.timezone.utc)
END = START + datetime.timedelta(minutes=1)
METRIC = {"Namespace": "walk", "MetricName": "walked"}
STAT = {"Metric": METRIC, "Period": 60, "Stat": "Sum"}
KNOWN = {"Namespace": "walk", "MetricName": "walked", "Period": 60, "Stat": "Sum", "ExtendedStatistic": "p90", "MetricExpression": "m + m",
         "MetricStat": STAT, "Metric": METRIC, "StorageResolution": 1, "GetMetricDataLabelTimezone": "+0130", "MetricId": "walked",
         "AccountId": "000000000000", "StatisticSet": {"SampleCount": 2, "Sum": 3, "Minimum": 1, "Maximum": 2},
         "MetricDatum": {"MetricName": "walked", "Value": 1}, "MetricDataQuery": {"Id": "walked", "MetricStat": STAT}, "roleNameType": "walked"}


def in_tests(*members):
    return in_test("wire/test_cloudwatch.py", *members)


def datum_request():
    return {"Namespace": "walk", "MetricData": [{"MetricName": fresh("m"), "Value": 1, "Timestamp": START}]}


def instead_of_value(request):
    request["MetricData"][0].pop("Value", None)


def value_for_each_count(request):
    instead_of_value(request)
    request["MetricData"][0].setdefault("Values", [1.0])
    request["MetricData"][0].setdefault("Counts", [2.0])


def time_that_is_now(request):
    request["MetricData"][0]["Timestamp"] = START


def statistics_request():
    return {**METRIC, "StartTime": START, "EndTime": END, "Period": 60, "Statistics": ["Sum"]}


def extended(request):
    request.pop("Statistics", None)


def in_order(request):
    request["StartTime"], request["EndTime"] = START, END


def data_request():
    return {"MetricDataQueries": [{"Id": "walked", "MetricStat": STAT}], "StartTime": START, "EndTime": END}


def by_expression(request):
    query = request["MetricDataQueries"][0]
    query.pop("MetricStat", None)
    query.setdefault("Expression", "m + m")
    request["MetricDataQueries"].append({"Id": "m", "MetricStat": STAT})


def minimum_below(request):
    request["MetricData"][0]["StatisticValues"]["Minimum"] = -1


DATUM = "MetricData.[]."
QUERY = "MetricDataQueries.[]."
DIMENSIONS = ("Dimensions", "Dimensions.[]", "Dimensions.[].Name", "Dimensions.[].Value")
WALKS = [
    Walk("cloudwatch", "PutMetricData", datum_request, refused=(),
         needs={DATUM + "StatisticValues": instead_of_value, DATUM + "StatisticValues.Maximum": minimum_below, DATUM + "Values": instead_of_value, DATUM + "Counts": value_for_each_count,
                DATUM + "Timestamp": time_that_is_now},
         honoured=in_tests("Namespace", "MetricData", "MetricData.[]", *(DATUM + member for member in (
             "MetricName", *DIMENSIONS, "Timestamp", "Value", "StatisticValues", "StatisticValues.SampleCount", "StatisticValues.Sum",
             "StatisticValues.Minimum", "StatisticValues.Maximum", "Values", "Values.[]", "Counts", "Counts.[]", "Unit",
             "StorageResolution")))),
    Walk("cloudwatch", "GetMetricStatistics", statistics_request, refused=(),
         needs={"ExtendedStatistics": extended, "StartTime": in_order, "EndTime": in_order},
         honoured=in_tests("Namespace", "MetricName", *DIMENSIONS, "StartTime", "EndTime", "Period", "Statistics", "Statistics.[]",
                           "ExtendedStatistics", "ExtendedStatistics.[]", "Unit")),
    Walk("cloudwatch", "GetMetricData", data_request, refused=("AccountId", "NextToken"), refusal="ValidationError",
         needs={QUERY + "Expression": by_expression, QUERY + "Period": by_expression, "StartTime": in_order, "EndTime": in_order},
         idle={"LabelOptions": "labels with times in them are refused", "LabelOptions.Timezone": "labels with times in them are refused"},
         honoured=in_tests("MetricDataQueries", "MetricDataQueries.[]", "StartTime", "EndTime", "ScanBy", "MaxDatapoints", *(
             QUERY + member for member in (
                 "Id", "MetricStat", "MetricStat.Metric", "MetricStat.Metric.Namespace", "MetricStat.Metric.MetricName",
                 *("MetricStat.Metric." + part for part in DIMENSIONS), "MetricStat.Period", "MetricStat.Stat", "MetricStat.Unit",
                 "Expression", "Label", "ReturnData", "Period")))),
    Walk("cloudwatch", "ListMetrics", dict, refused=("NextToken", "OwningAccount"),
         idle={"IncludeLinkedAccounts": "no account is linked"},
         deviations={"Dimensions.[].Name required": "a form cannot say that there is a filter with nothing in it"},
         honoured=in_tests("Namespace", "MetricName", *DIMENSIONS, "RecentlyActive")),
    Walk("sts", "GetCallerIdentity", dict, refused=()),
    Walk("iam", "GetRole", lambda: {"RoleName": "walked"}, lambda service, request: service.client("iam").get_role(**request)["Role"],
         refused=(), refusal="ValidationError"),
]
# Members that are newer than the installed model, sent as newer clients send them: (operation, member, value, the refusal).
NEWER = [
    ("PutMetricData", "StrictEntityValidation", True, None),
    ("PutMetricData", "EntityMetricData", [{"Entity": {"KeyAttributes": {"Type": "Service", "Name": "n"}},
                                            "MetricData": [{"MetricName": "m", "Value": 1}]}], "'entityMetricData' is not supported: "),
]


class MetricsMembers(ModelWalk, unittest.TestCase):
    WALKS, KNOWN = WALKS, KNOWN
    refusal, missed, mistyped = "InvalidParameterValue", "MissingParameter", "MalformedInput"
    refusals = ("ValidationError", "InvalidNextToken")
    in_forms = True

    @classmethod
    def setUpClass(cls):
        cls.service = Service("--slots", "1")
        cls.clients = {}

    @classmethod
    def tearDownClass(cls):
        cls.service.close()

    def test_members_newer_than_the_model_are_known(self):
        for operation, member, value, refusal in NEWER:
            with self.subTest(operation=operation, member=member):
                walk = next(walk for walk in WALKS if walk.operation == operation)
                request = walk.request()
                for datum in request["MetricData"]:
                    datum["Timestamp"] = MINUTE_S
                refused = self.service.raw(f"GraniteServiceVersion20100801.{operation}", {**request, member: value})
                if refusal is None:
                    self.assertIsNone(refused)
                    continue
                self.assertEqual(refused["__type"], "InvalidParameterValueException")
                self.assertIn(refusal, refused["message"])


if __name__ == "__main__":
    unittest.main(verbosity=1, warnings="ignore")
