"""A real service on an empty folder, driven by a real client: for the whole-program tests."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.config

BINARY = os.environ.get("HOLDFAST_BINARY") or (sys.argv.pop(1) if len(sys.argv) > 1 and os.path.exists(sys.argv[1]) else "")
ROLE = "arn:aws:iam::000000000000:role/tests"
PATIENCE_S = 60  # for what should take a second: only a broken test waits so long


def wait_for(what, condition, patience_s=PATIENCE_S):
    """Polls until condition() is true and returns its value; fails with the name of what did not happen."""
    deadline = time.monotonic() + patience_s
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"did not happen within {patience_s} s: {what}")
        time.sleep(0.02)


class Service:
    """One `holdfast serve` and its folder. close() ends it and every instance that it started."""

    def __init__(self, *options):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="holdfast-e2e-"))
        self.data = self.folder / "data"
        self.options = options
        self.process = None
        self.clients = {}
        self.start()

    def start(self):
        log = open(self.folder / "serve.log", "ab")
        self.process = subprocess.Popen(
            [BINARY, "serve", "--data", str(self.data), "--listen", "127.0.0.1:0", *self.options],
            stdout=subprocess.PIPE, stderr=log, text=True)
        self.ready_line = self.process.stdout.readline()
        if "ready" not in self.ready_line:
            raise AssertionError("the service did not start:\n" + (self.folder / "serve.log").read_text())
        self.endpoint = (self.data / "endpoint").read_text().strip()

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def terminate(self):
        self.process.terminate()
        code = self.process.wait(timeout=PATIENCE_S)
        self.process.stdout.close()
        return code

    def close(self):
        if self.process.poll() is None:
            self.kill()
        for process_file in (self.data / "instances").glob("*/process.json"):
            pid = agent_pid(process_file)
            if pid and pathlib.Path(f"/proc/{pid}/cmdline").exists() and b"holdfast" in pathlib.Path(
                    f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def environment(self):
        return {**os.environ, "AWS_SHARED_CREDENTIALS_FILE": str(self.data / "credentials"), "AWS_DEFAULT_REGION": "us-east-1",
                "AWS_PAGER": "", "AWS_EC2_METADATA_DISABLED": "true", "HOLDFAST_DATA": str(self.data)}

    def client(self, name):
        if (self.endpoint, name) not in self.clients:
            self.clients[self.endpoint, name] = self.new_client(name)
        return self.clients[self.endpoint, name]

    def new_client(self, name, region="us-east-1", **config):
        text = (self.data / "credentials").read_text()
        keys = dict(line.split("=", 1) for line in text.replace(" ", "").splitlines() if "=" in line)
        return boto3.client(name, endpoint_url=self.endpoint, region_name=region,
                            aws_access_key_id=keys["aws_access_key_id"],
                            aws_secret_access_key=keys["aws_secret_access_key"],
                            config=botocore.config.Config(retries={"max_attempts": 1}, s3={"addressing_style": "path"}, **config))

    def holdfast(self, *arguments, check=True):
        done = subprocess.run([BINARY, *arguments], env=self.environment(), text=True, capture_output=True, timeout=120)
        if check and done.returncode != 0:
            raise AssertionError(f"holdfast {' '.join(arguments)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    # ---- jobs

    def create(self, name, program, spot=True, checkpoint=True, **changes):
        return self.client("sagemaker").create_training_job(**self.request(name, program, spot, checkpoint, **changes))

    def request(self, name, program, spot=True, checkpoint=True, **changes):
        """For a job that runs `program`, Python source, as /usr/bin/python3 FILE on this machine."""
        code = self.folder / "code"
        code.mkdir(exist_ok=True)
        (code / f"{name}.py").write_text(program)
        request = {
            "TrainingJobName": name,
            "RoleArn": ROLE,
            "AlgorithmSpecification": {"TrainingImage": "local:host", "TrainingInputMode": "File",
                                       "ContainerEntrypoint": ["/usr/bin/python3", "-u", str(code / f"{name}.py")]},
            "OutputDataConfig": {"S3OutputPath": "s3://tests/output"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": 600},
            "Tags": [{"Key": "holdfast:working-directory", "Value": str(code)}],
        }
        if spot:
            request["EnableManagedSpotTraining"] = True
            request["StoppingCondition"]["MaxWaitTimeInSeconds"] = 1200
        if checkpoint:
            request["CheckpointConfig"] = {"S3Uri": f"s3://tests/checkpoints/{name}"}
        for key, value in changes.items():
            if isinstance(value, dict) and isinstance(request.get(key), dict):
                request[key].update(value)
            else:
                request[key] = value
        return request

    def describe(self, name):
        return self.client("sagemaker").describe_training_job(TrainingJobName=name)

    def signed(self, target, body):
        client = self.client("sagemaker")
        request = botocore.awsrequest.AWSRequest("POST", self.endpoint + "/", data=json.dumps(body), headers={
            "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": target})
        service = {"Logs_20140328": "logs", "GraniteServiceVersion20100801": "monitoring"}.get(target.split(".")[0], "sagemaker")
        botocore.auth.SigV4Auth(client._request_signer._credentials, service, "us-east-1").add_auth(request)
        return urllib.request.Request(self.endpoint + "/", request.data.encode(), dict(request.headers))

    def call(self, target, body):
        """An operation that botocore does not know, signed as botocore would; its answer, or None where that is empty."""
        with urllib.request.urlopen(self.signed(target, body)) as answer:
            text = answer.read()
            return json.loads(text) if text else None

    def raw(self, target, body):
        """None, or the body of the refusal."""
        try:
            self.call(target, body)
        except urllib.error.HTTPError as error:
            return json.loads(error.read())
        return None

    def run_of(self, name):
        return self.call("Holdfast.DescribeTrainingRun", {"TrainingJobName": name})

    def lines(self, name):
        logs = self.client("logs")
        group = "/aws/sagemaker/TrainingJobs"
        found = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=name + "/")["logStreams"]
        lines = []
        for stream in found:
            token = {}
            while True:
                page = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True, **token)
                if not page["events"]:
                    break
                lines += [event["message"] for event in page["events"]]
                token = {"nextToken": page["nextForwardToken"]}
        return lines

    def wait_for_line(self, name, text, count=1):
        return wait_for(f"'{text}' {count} times in the log of {name}",
                        lambda: sum(text in line for line in self.lines(name)) >= count)

    def wait_for_end(self, name):
        def ended():
            job = self.describe(name)
            return job if job["TrainingJobStatus"] in ("Completed", "Failed", "Stopped") else None
        return wait_for(f"the end of {name}", ended)

    def interrupt(self, name, notice):
        self.holdfast("interrupt", name, "--notice", str(notice))


def agent_pid(process_file):
    try:
        return json.loads(process_file.read_text()).get("pid")
    except (OSError, ValueError):
        return None


def statuses(job):
    return [transition["Status"] for transition in job["SecondaryStatusTransitions"]]
