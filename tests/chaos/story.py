"""What happened, as seen from outside the product: by the programs, by the users, and by whoever made the faults.
All times are this process's monotonic clock, in seconds since the beginning."""
import dataclasses
import threading
import time

TERMINAL = ("Completed", "Failed", "Stopped")


@dataclasses.dataclass
class ProgramLife:
    """One run of the training program, as it told it itself; its end is the end of its connection to us."""
    job: str
    fence: int
    agent: int
    pid: int
    began: float
    found_step: int
    torn: str
    told: list = dataclasses.field(default_factory=list)  # (time, what, facts)
    ended: float = None
    had_notice: bool = False  # its instance had been told that it would be taken away
    instance_log: str = ""

    def first(self, what):
        return next(((at, facts) for at, each, facts in list(self.told) if each == what), None)

    def newest_saved(self):
        return max([facts["step"] for _, what, facts in list(self.told) if what == "saved"], default=self.found_step)


@dataclasses.dataclass
class Job:
    name: str
    spot: bool
    behaviour: dict
    max_runtime_s: int
    retries: int
    stop_after: float = None  # a user stops it then
    created: float = None  # when we asked
    accepted: float = None  # when the answer was yes
    refused: str = None
    stop_asked: float = None
    stop_acked: float = None
    seen: dict = None  # the newest DescribeTrainingJob
    run: dict = None  # DescribeTrainingRun, at the end
    lines: list = None  # its log, at the end

    def status(self):
        return self.seen["TrainingJobStatus"] if self.seen else None

    def ended(self):
        return self.status() in TERMINAL


@dataclasses.dataclass
class Fault:
    kind: str
    began: float
    what: str = ""
    fence: int = None
    job: str = None
    until: float = None


@dataclasses.dataclass
class Generation:
    job: str
    fence: int
    sequence: int
    step: int
    seen: float


class Story:
    def __init__(self, log_path):
        self.zero = time.monotonic()
        self.lock = threading.RLock()
        self.log = open(log_path, "a", buffering=1)
        self.jobs = {}
        self.programs = []
        self.faults = []
        self.generations = []
        self.openings = {}  # (job, fence): when its opening entry was first seen
        self.violations = []
        self.service_starts = 0

    def now(self):
        return time.monotonic() - self.zero

    def say(self, text):
        self.log.write(f"{self.now():9.3f} {text}\n")

    def violated(self, text):
        with self.lock:
            self.violations.append((self.now(), text))
        self.say(f"VIOLATED {text}")

    def fault(self, kind, what="", **where):
        fault = Fault(kind, self.now(), what, **where)
        with self.lock:
            self.faults.append(fault)
        self.say(f"fault {kind} {what}")
        return fault

    def over(self, fault):
        fault.until = self.now()
        self.say(f"fault {fault.kind} {fault.what} is over after {fault.until - fault.began:.1f} s")

    def live_programs(self):
        with self.lock:
            return [program for program in self.programs if program.ended is None]

    def live_jobs(self):
        with self.lock:
            return [job for job in self.jobs.values() if job.refused is None and not job.ended()]

    def during(self, kind, begin, end, slack=0.0):
        """Faults of that kind that overlap the time."""
        with self.lock:
            return [fault for fault in self.faults if fault.kind == kind and fault.began <= end + slack and
                    (fault.until if fault.until is not None else self.now()) >= begin - slack]
