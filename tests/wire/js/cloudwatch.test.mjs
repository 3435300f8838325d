// CloudWatch as the SDK speaks to it: AWS JSON 1.0, long requests compressed; and its logs.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as logs from "@aws-sdk/client-cloudwatch-logs";
import * as aws from "@aws-sdk/client-cloudwatch";

const client = new aws.CloudWatchClient({});
const Namespace = "Js";
const from = new Date(Date.now() - 3_600_000), to = new Date(Date.now() + 60_000);

test("values are put, listed and read", async () => {
  const metric = { MetricName: "few", Dimensions: [{ Name: "d", Value: "x" }] };
  await client.send(new aws.PutMetricDataCommand({ Namespace, MetricData: [{ ...metric, Value: 3.5, Timestamp: new Date() }] }));
  const listed = await client.send(new aws.ListMetricsCommand({ Namespace, MetricName: "few" }));
  assert.deepEqual(listed.Metrics[0].Dimensions, metric.Dimensions);
  const read = await client.send(new aws.GetMetricStatisticsCommand(
    { Namespace, ...metric, StartTime: from, EndTime: to, Period: 3600, Statistics: ["Average", "SampleCount"] }));
  assert.equal(read.Datapoints[0].Average, 3.5);
  assert.ok(read.Datapoints[0].Timestamp instanceof Date);
});

test("a long request arrives compressed", async () => {
  let encoding;
  const watched = new aws.CloudWatchClient({});
  watched.middlewareStack.add((next) => (call) => {
    encoding = call.request.headers["content-encoding"] ?? call.request.headers["Content-Encoding"];
    return next(call);
  }, { step: "finalizeRequest", priority: "low" });
  const Dimensions = [{ Name: "dimension", Value: "always the same" }];
  await watched.send(new aws.PutMetricDataCommand({ Namespace, MetricData: Array.from({ length: 500 }, (_, i) => (
    { MetricName: "many", Value: i, Dimensions, Timestamp: new Date() })) }));
  assert.equal(encoding, "gzip");
  const read = await client.send(new aws.GetMetricStatisticsCommand({ Namespace, MetricName: "many", Dimensions,
    StartTime: from, EndTime: to, Period: 7200, Statistics: ["Sum", "SampleCount"] }));
  const sum = (member) => read.Datapoints.reduce((total, point) => total + point[member], 0);
  assert.equal(sum("SampleCount"), 500);
  assert.equal(sum("Sum"), 499 * 250);
});

test("what is wrong comes as the SDK's errors", async () => {
  await assert.rejects(client.send(new aws.GetMetricStatisticsCommand(
    { Namespace, MetricName: "m", StartTime: to, EndTime: from, Period: 60, Statistics: ["Sum"] })),
  (error) => error instanceof aws.InvalidParameterValueException);
});

test("log events of one's own", async () => {
  const own = new logs.CloudWatchLogsClient({});
  const stream = { logGroupName: "js-group", logStreamName: "s" };
  await own.send(new logs.CreateLogGroupCommand({ logGroupName: "js-group" }));
  await own.send(new logs.CreateLogStreamCommand(stream));
  await own.send(new logs.PutLogEventsCommand({ ...stream, logEvents: [{ timestamp: Date.now(), message: "a line" }] }));
  const page = await own.send(new logs.GetLogEventsCommand({ ...stream, startFromHead: true }));
  assert.deepEqual(page.events.map((event) => event.message), ["a line"]);
  await assert.rejects(own.send(new logs.CreateLogGroupCommand({ logGroupName: "js-group" })),
    (error) => error instanceof logs.ResourceAlreadyExistsException);
});
