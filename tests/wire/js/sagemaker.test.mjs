// A training job from its creation to its last line, with the SDK's waiters, pages and errors.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as logs from "@aws-sdk/client-cloudwatch-logs";
import * as monitoring from "@aws-sdk/client-cloudwatch";
import * as iam from "@aws-sdk/client-iam";
import * as s3 from "@aws-sdk/client-s3";
import * as aws from "@aws-sdk/client-sagemaker";
import * as sts from "@aws-sdk/client-sts";

const client = new aws.SageMakerClient({});
const logsClient = new logs.CloudWatchLogsClient({});
const GROUP = "/aws/sagemaker/TrainingJobs";
const RoleArn = "arn:aws:iam::000000000000:role/trainer";
const PROGRAM = "import os; print('loss=0.5'); print('loss=0.25'); open('/opt/ml/model/model', 'w').write('trained')";
const refused = (promise) => promise.then(() => assert.fail("it was not refused"), (error) => error);

function request(TrainingJobName, program) {
  return {
    TrainingJobName, RoleArn,
    AlgorithmSpecification: {
      TrainingImage: "local:host", TrainingInputMode: "File", ContainerEntrypoint: ["/usr/bin/python3", "-u", "-c", program],
      MetricDefinitions: [{ Name: "loss", Regex: "loss=([0-9.]+)" }],
    },
    OutputDataConfig: { S3OutputPath: "s3://js-jobs/output" },
    ResourceConfig: { InstanceType: "ml.m5.large", InstanceCount: 1, VolumeSizeInGB: 1 },
    StoppingCondition: { MaxRuntimeInSeconds: 600, MaxWaitTimeInSeconds: 1200 },
    EnableManagedSpotTraining: true, CheckpointConfig: { S3Uri: `s3://js-jobs/checkpoints/${TrainingJobName}` },
    Tags: [{ Key: "team", Value: "js" }],
  };
}

test("who one is", async () => {
  assert.equal((await new sts.STSClient({}).send(new sts.GetCallerIdentityCommand({}))).Account, "000000000000");
  assert.equal((await new iam.IAMClient({}).send(new iam.GetRoleCommand({ RoleName: "trainer" }))).Role.Arn, RoleArn);
});

test("a spot job is created, waited for, found again, and read", async () => {
  const TrainingJobName = "js-1";
  await new s3.S3Client({ forcePathStyle: true }).send(new s3.CreateBucketCommand({ Bucket: "js-jobs" }));
  const { TrainingJobArn } = await client.send(new aws.CreateTrainingJobCommand(request(TrainingJobName, PROGRAM)));
  const ended = await aws.waitUntilTrainingJobCompletedOrStopped(
    { client, maxWaitTime: 60, minDelay: 1, maxDelay: 1 }, { TrainingJobName });
  assert.equal(ended.state, "SUCCESS");
  const job = await client.send(new aws.DescribeTrainingJobCommand({ TrainingJobName }));
  assert.equal(job.TrainingJobStatus, "Completed", job.FailureReason);
  assert.ok(job.CreationTime instanceof Date && job.TrainingEndTime >= job.TrainingStartTime);
  assert.equal(job.FinalMetricDataList[0].Value, 0.25);
  assert.equal(job.ModelArtifacts.S3ModelArtifacts, "s3://js-jobs/output/js-1/output/model.tar.gz");

  const listed = [];
  for await (const page of aws.paginateListTrainingJobs({ client, pageSize: 1 }, { StatusEquals: "Completed" }))
    listed.push(...page.TrainingJobSummaries.map((each) => each.TrainingJobName));
  assert.deepEqual(listed, [TrainingJobName]);
  const found = await client.send(new aws.SearchCommand({
    Resource: "TrainingJob", SearchExpression: { Filters: [{ Name: "Tags.team", Operator: "Equals", Value: "js" }] } }));
  assert.equal(found.Results[0].TrainingJob.TrainingJobName, TrainingJobName);
  const tags = await client.send(new aws.ListTagsCommand({ ResourceArn: TrainingJobArn }));
  assert.deepEqual(tags.Tags, [{ Key: "team", Value: "js" }]);

  const streams = await logsClient.send(new logs.DescribeLogStreamsCommand({ logGroupName: GROUP, logStreamNamePrefix: "js-1/" }));
  assert.equal(streams.logStreams.length, 1);
  const lines = [];
  for await (const page of logs.paginateFilterLogEvents({ client: logsClient },
    { logGroupName: GROUP, logStreamNamePrefix: "js-1/", filterPattern: "loss" }))
    lines.push(...page.events.map((event) => event.message));
  assert.deepEqual(lines, ["loss=0.5", "loss=0.25"]);

  const values = await new monitoring.CloudWatchClient({}).send(new monitoring.GetMetricDataCommand({
    StartTime: new Date(Date.now() - 3_600_000), EndTime: new Date(Date.now() + 60_000),
    MetricDataQueries: [{ Id: "loss", MetricStat: { Period: 3600, Stat: "Minimum", Metric: {
      Namespace: GROUP, MetricName: "loss", Dimensions: [{ Name: "TrainingJobName", Value: TrainingJobName }] } } }] }));
  assert.equal(Math.min(...values.MetricDataResults[0].Values), 0.25);
});

test("a job is stopped", async () => {
  const TrainingJobName = "js-2";
  await client.send(new aws.CreateTrainingJobCommand(request(TrainingJobName, "import time; time.sleep(600)")));
  const twice = await refused(client.send(new aws.CreateTrainingJobCommand(request(TrainingJobName, "1"))));
  assert.ok(twice instanceof aws.ResourceInUse);
  await client.send(new aws.StopTrainingJobCommand({ TrainingJobName }));
  await aws.waitUntilTrainingJobCompletedOrStopped({ client, maxWaitTime: 60, minDelay: 1, maxDelay: 1 }, { TrainingJobName });
  const job = await client.send(new aws.DescribeTrainingJobCommand({ TrainingJobName }));
  assert.equal(job.TrainingJobStatus, "Stopped");
  // "The instance of the training job is still being released. Repeat the request later."
  for (let deleted = false; !deleted;) {
    deleted = await client.send(new aws.DeleteTrainingJobCommand({ TrainingJobName })).then(() => true, (error) => {
      assert.match(error.message, /still being released/);
      return false;
    });
  }
});

test("what is wrong comes as the SDK's errors", async () => {
  const missing = await refused(client.send(new aws.DescribeTrainingJobCommand({ TrainingJobName: "none" })));
  assert.equal(missing.name, "ValidationException");
  assert.equal(missing.message, "Requested resource not found.");
  const wait = request("js-3", PROGRAM);
  wait.StoppingCondition.MaxWaitTimeInSeconds = 60;
  const invalid = await refused(client.send(new aws.CreateTrainingJobCommand(wait)));
  assert.match(invalid.message, /MaxWaitTimeInSeconds/);
});
