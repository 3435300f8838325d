"""The users: they create jobs, stop some of them, and look at all of them all the time."""
import threading

from api import Api, NoAnswer, Refused
from program import PATTERNS
from story import Job

BUCKET = "chaos"
ORDER = {"InProgress": 0, "Stopping": 1, "Completed": 2, "Failed": 2, "Stopped": 2}
LONG_RUN_S = 3600


def draw_job(name, random):
    """Most are as they should be; some fail, are slow to obey, or have too little time."""
    pattern = random.choice(PATTERNS)
    behaviour = {
        "pattern": pattern,
        "files": random.randint(20, 40) if pattern == "many" else random.randint(2, 6),
        "size": random.choice([10, 2000, 60000]) if pattern != "many" else 300,
        "steps": random.randint(4, 16),
        "pause": random.choice([0.3, 0.7, 0.9, 1.2]),
        "ending": "fail" if random.random() < 0.1 else "finish",
        "on-term": random.choices(["exit", "save", "ignore"], [3, 3, 1])[0],
    }
    spot = random.random() < 0.88
    return Job(name, spot, behaviour,
               max_runtime_s=random.randint(5, 12) if random.random() < 0.07 else LONG_RUN_S,
               retries=random.choice([0, 0, 2]),
               stop_after=random.uniform(1, 25) if random.random() < 0.15 else None)


class Users:
    def __init__(self, service, story, ledgers, random, socket_path, at_a_time):
        self.service, self.story, self.ledgers, self.random = service, story, ledgers, random
        self.api = Api(service.where)
        self.socket_path, self.at_a_time = str(socket_path), at_a_time
        self.creating = True
        self.stopping = threading.Event()
        self.broken = None
        self.count = 0
        self.threads = [threading.Thread(target=self._guard, args=(work,), daemon=True)
                        for work in (self._create_jobs, self._watch_jobs)]

    def start(self):
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join()

    def _guard(self, work):
        try:
            work()
        except Exception as problem:  # a thread that dies unheard would see nothing any more
            self.broken = f"{work.__name__}: {problem!r}"
            raise

    # ---- creating

    def _create_jobs(self):
        while not self.stopping.wait(self.random.uniform(0.2, 1.0)):
            if not self.creating or len(self.story.live_jobs()) >= self.at_a_time:
                continue
            self.count += 1
            job = draw_job(f"job-{self.count:04}", self.random)
            job.created = self.story.now()
            with self.story.lock:
                self.story.jobs[job.name] = job
            self._create(job)

    def _create(self, job):
        by_command = job.retries == 0 and self.random.random() < 0.5
        tries = 0
        while True:
            tries += 1
            answer = self._create_by_command(job) if by_command else self._create_by_api(job)
            if answer == "accepted" or (answer == "exists" and tries > 1):
                job.accepted = self.story.now()
                self.story.say(f"{job.name}: accepted at try {tries}: {job}")
                return
            if answer != "unknown":
                job.refused = answer
                self.story.violated(f"{job.name}: creating it was refused: {answer}")
                return
            if self.stopping.wait(1.0):
                return

    def _create_by_command(self, job):
        words = ["run", "--detach", "--name", job.name, "--checkpoint", f"s3://{BUCKET}/checkpoints/{job.name}",
                 "--output", f"s3://{BUCKET}/output", "--max-run", f"{job.max_runtime_s}s"]
        if job.spot:
            words += ["--spot", "--max-wait", f"{job.max_runtime_s + LONG_RUN_S}s"]
        for name, value in job.behaviour.items():
            words += ["--hyperparameter", f"{name}={value}"]
        code, said = self.service.holdfast(*words, "--", *self._program())
        if code == 0:
            return "accepted"
        self.story.say(f"{job.name}: holdfast run: {code}: {said}")
        if "exists already" in said:
            return "exists"
        return said if code == 2 else "unknown"

    def _create_by_api(self, job):
        request = {
            "TrainingJobName": job.name,
            "RoleArn": "arn:aws:iam::000000000000:role/chaos",
            "AlgorithmSpecification": {"TrainingImage": "local:host", "TrainingInputMode": "File",
                                       "ContainerEntrypoint": self._program()},
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/output"},
            "CheckpointConfig": {"S3Uri": f"s3://{BUCKET}/checkpoints/{job.name}"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            "StoppingCondition": {"MaxRuntimeInSeconds": job.max_runtime_s},
            "HyperParameters": {name: str(value) for name, value in job.behaviour.items()},
            "Tags": [{"Key": "holdfast:working-directory", "Value": str(self.service.place.folder / "code")}],
        }
        if job.spot:
            request["EnableManagedSpotTraining"] = True
            request["StoppingCondition"]["MaxWaitTimeInSeconds"] = job.max_runtime_s + LONG_RUN_S
        if job.retries:
            request["RetryStrategy"] = {"MaximumRetryAttempts": job.retries}
        try:
            self.api.call("SageMaker.CreateTrainingJob", request)
            return "accepted"
        except NoAnswer as problem:
            self.story.say(f"{job.name}: {problem}")
            return "unknown"
        except Refused as problem:
            self.story.say(f"{job.name}: {problem}")
            if problem.kind == "ResourceInUse":
                return "exists"
            return "unknown" if problem.status >= 500 else str(problem)

    def _program(self):
        return ["/usr/bin/python3", "-u", str(self.service.place.folder / "code" / "program.py"), self.socket_path]

    # ---- watching

    def _watch_jobs(self):
        while not self.stopping.wait(0.25):
            for job in self.story.live_jobs():
                self.ledgers.look(job.name)
                self._look_at(job)
                self._perhaps_stop(job)

    def _look_at(self, job):
        accepted = job.accepted is not None  # before we ask
        try:
            seen = self.api.call("SageMaker.DescribeTrainingJob", {"TrainingJobName": job.name})
        except NoAnswer:
            return
        except Refused as problem:
            if problem.status < 500 and accepted:
                self.story.violated(f"{job.name} was accepted and is not there any more: {problem}")
            return
        self.take(job, seen)

    def take(self, job, seen):
        if job.seen:
            why = went_back(job.seen, seen)
            if why:
                self.story.violated(f"{job.name}: {why}")
        if job.seen is None or job.seen["SecondaryStatus"] != seen["SecondaryStatus"]:
            words = (seen.get(key, "") for key in ("TrainingJobStatus", "SecondaryStatus", "FailureReason"))
            self.story.say(f"{job.name}: {' '.join(words)}")
        job.seen = seen

    def _perhaps_stop(self, job):
        if job.stop_after is None or job.accepted is None or job.stop_acked is not None:
            return
        if job.ended() or self.story.now() < job.accepted + job.stop_after:
            return
        job.stop_asked = job.stop_asked or self.story.now()
        if self.random.random() < 0.5:
            code, said = self.service.holdfast("stop", job.name)
            acknowledged = code == 0
        else:
            try:
                self.api.call("SageMaker.StopTrainingJob", {"TrainingJobName": job.name})
                acknowledged, said = True, ""
            except (NoAnswer, Refused) as problem:
                acknowledged, said = False, str(problem)
        self.story.say(f"{job.name}: stop {'acknowledged' if acknowledged else 'not acknowledged: ' + said}")
        if acknowledged:
            job.stop_acked = self.story.now()

    # ---- at the end

    def read_all(self):
        """Everything that the product says about each job, now that all is over."""
        for job in self.story.jobs.values():
            self.ledgers.look(job.name)
            name = {"TrainingJobName": job.name}
            try:
                self.take(job, self.api.call("SageMaker.DescribeTrainingJob", name))
                job.run = self.api.call("Holdfast.DescribeTrainingRun", name)
                job.lines = self._lines(job.name)
            except Refused as problem:
                job.refused = str(problem)
            except NoAnswer as problem:
                self.story.violated(f"{job.name}: no answer from a service that nothing disturbs: {problem}")

    def _lines(self, job):
        group = "/aws/sagemaker/TrainingJobs"
        found = self.api.call("Logs_20140328.DescribeLogStreams",
                              {"logGroupName": group, "logStreamNamePrefix": job + "/"})["logStreams"]
        lines = []
        for stream in found:
            token = {}
            while True:
                page = self.api.call("Logs_20140328.GetLogEvents", {
                    "logGroupName": group, "logStreamName": stream["logStreamName"], "startFromHead": True, **token})
                if not page["events"]:
                    break
                lines += [event["message"] for event in page["events"]]
                token = {"nextToken": page["nextForwardToken"]}
        return lines


def went_back(before, after):
    """Why the later answer cannot follow the earlier one, or None. What was once said stays said."""
    old, new = before["TrainingJobStatus"], after["TrainingJobStatus"]
    if ORDER[new] < ORDER[old] or (ORDER[old] == 2 and new != old):
        return f"its status went from {old} to {new}"
    visits = [[(visit["Status"], visit["StartTime"]) for visit in each["SecondaryStatusTransitions"]]
              for each in (before, after)]
    if visits[1][:len(visits[0])] != visits[0]:
        return f"its history was rewritten: {visits[0]} became {visits[1]}"
    return None
