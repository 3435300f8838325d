"""Judges a run by what the programs, the users and the fault maker saw, not by what the product holds inside."""
import datetime
import re

import processes

# A death or a signal is somebody's doing if it comes this soon after; the machine may be busy.
SOON_S = 4.0
# The kernel, the observer and the product see one moment at slightly different times.
BLUR_S = 1.0
# What a program writes with longer pauses looks complete in between, as docs/checkpoints.md says.
QUIET_MS = 450


class Judge:
    def __init__(self, story, wall_zero):
        self.story, self.wall_zero = story, wall_zero

    def violated(self, text):
        self.story.violated(text)

    def judge(self):
        for job in self.story.jobs.values():
            if job.refused is None or job.seen:
                self._one_job(job)
        for program in self.story.programs:
            self._one_program(program)

    def programs_of(self, job):
        return [program for program in self.story.programs if program.job == job.name]

    # ---- a job

    def _one_job(self, job):
        if job.seen is None:
            if job.accepted is not None:
                self.violated(f"{job.name} was accepted and is not there")
            return
        if not job.ended():
            return self.violated(f"{job.name} did not end: {job.seen['SecondaryStatus']}")
        self._outcome(job)
        self._stop(job)
        self._bill(job)
        self._one_at_a_time(job)
        self._never_given_up_alive(job)
        self._log(job)

    def _outcome(self, job):
        end, why = job.status(), job.seen.get("FailureReason", "")
        secondary = job.seen["SecondaryStatus"]
        programs = self.programs_of(job)
        span = (job.created, self.story.now())
        said = f"{job.name} ended as {end} {secondary} {why}"
        hurt = [fault for kind in ("program-kill", "sandbox-kill") for fault in self.story.during(kind, *span)
                if fault.job == job.name]
        if end == "Completed":
            if not any(self._ended_by_itself(program, "finished") for program in programs):
                self.violated(f"{said}, and its program never finished")
        elif end == "Stopped" and secondary == "MaxRuntimeExceeded":
            if job.max_runtime_s > 600:
                self.violated(f"{said} after far less than {job.max_runtime_s} s")
        elif end == "Stopped" and secondary == "Stopped":
            if job.stop_asked is None:
                self.violated(f"{said}, and nobody had asked for it")
        elif end == "Failed" and re.search(r"exit code: 3$", why):
            if not any(self._ended_by_itself(program, "failed") for program in programs):
                self.violated(f"{said}, and its program did not")
        elif end == "Failed" and re.search(r"exit code: 137$", why):
            if not hurt:
                self.violated(f"{said}, and nobody killed its program")
        elif end == "Failed" and why.startswith("InternalServerError"):
            # Only on demand: a spot job that loses its instance for whatever reason gets another one.
            causes = ("agent-kill", "interrupt", "disk-full")
            if job.spot or not any(self.story.during(kind, *span) for kind in causes):
                self.violated(f"{said}, without a cause")
        else:
            self.violated(f"{said}, which nothing here leads to")

    @staticmethod
    def _ended_by_itself(program, why):
        bye = program.first("bye")
        return bye is not None and bye[1]["why"] == why

    def _stop(self, job):
        if job.stop_acked is not None and job.status() != "Stopped":
            self.violated(f"{job.name}: a stop was acknowledged, and it ended as {job.status()}")

    def _bill(self, job):
        training, billable = job.seen.get("TrainingTimeInSeconds"), job.seen.get("BillableTimeInSeconds")
        if training is None or billable is None:
            trained = [program for program in self.programs_of(job) if program.first("saved")]
            if trained and not (job.stop_asked is not None and all(self._unheard(program) for program in trained)):
                self.violated(f"{job.name} trained and has no training time")
            return
        if billable > training or (not job.spot and billable != training):
            self.violated(f"{job.name}: billed {billable} s of {training} s of training")

    def _one_at_a_time(self, job):
        programs = sorted(self.programs_of(job), key=lambda program: program.began)
        for before, after in zip(programs, programs[1:]):
            if after.fence <= before.fence:
                self.violated(f"{job.name}: fence {after.fence} came after {before.fence}")
            if before.ended is None or before.ended > after.began + BLUR_S:
                self.violated(f"{job.name}: its programs of the fences {before.fence} and {after.fence} ran at once")

    def _never_given_up_alive(self, job):
        """The service may come and go: an attempt whose program lives is never said to be interrupted."""
        for visit in job.seen["SecondaryStatusTransitions"]:
            at = as_epoch(visit["StartTime"]) - self.wall_zero
            if visit["Status"] not in ("Interrupted", "Starting"):
                continue
            for program in self.programs_of(job):
                if program.began + BLUR_S < at < (program.ended or self.story.now()) - BLUR_S:
                    self.violated(f"{job.name}: {visit['Status']} at {at:.1f}, while its program of fence "
                                  f"{program.fence} ran from {program.began:.1f} to {program.ended:.1f}")

    def _log(self, job):
        """What the last attempt of a job that completed printed is there: every line, in order, once."""
        if job.status() != "Completed" or job.lines is None:
            return
        program = self.programs_of(job)[-1]
        if self.story.during("disk-full", program.began, program.ended, slack=5.0):
            return
        told = [f"chaos: {what} " + " ".join(f"{key}={value}" for key, value in facts.items())
                for _, what, facts in program.told]
        begin = max((i for i, line in enumerate(job.lines) if line.startswith("chaos: found")), default=0)
        printed = [line for line in job.lines[begin:] if line.startswith("chaos:")]
        if printed != told:
            difference = next((i for i, pair in enumerate(zip(printed, told)) if pair[0] != pair[1]),
                              min(len(printed), len(told)))
            self.violated(f"{job.name}: the log of its last attempt differs from line {difference}: "
                          f"{printed[difference:difference + 2]} instead of {told[difference:difference + 2]}")

    # ---- a program

    def _one_program(self, program):
        self._found(program)
        self._death(program)
        self._signal(program)

    def _found(self, program):
        name = f"{program.job} fence {program.fence}"
        if program.torn:
            pauses = [facts["gap_ms"] for before in self.story.programs if before.job == program.job
                      for _, what, facts in before.told if what == "saved"]
            self.violated(f"{name} found a torn checkpoint: {program.torn} (longest pause within a save: "
                          f"{max(pauses, default=0)} ms, allowed is {QUIET_MS})")
            return
        before = [each for each in self.story.programs if each.job == program.job and each.fence < program.fence]
        most = max([each.newest_saved() for each in before], default=0)
        # A program killed right after a save has not said so yet.
        most = max([most] + [facts["step"] for each in before for _, what, facts in each.told if what == "saving"])
        if program.found_step > most:
            self.violated(f"{name} found step {program.found_step}, and nobody had saved more than {most}")
        opened = self.story.openings.get((program.job, program.fence), program.began)
        committed = [each for each in self.story.generations if each.job == program.job and
                     each.fence < program.fence and each.seen < opened]
        newest = max(committed, key=lambda each: (each.fence, each.sequence), default=None)
        if newest and program.found_step < newest.step:
            self.violated(f"{name} found step {program.found_step}, although generation {newest.fence}-"
                          f"{newest.sequence} with step {newest.step} had been committed")

    def _death(self, program):
        """Nobody but the program itself, the market, the user or a fault of ours ends a program."""
        if program.ended is None:
            return self.violated(f"{program.job} fence {program.fence}: its program still runs")
        if program.first("bye") or program.had_notice:
            return
        for kind in ("agent-kill", "sandbox-kill", "program-kill"):
            if any(fault.fence == program.fence for fault in
                   self.story.during(kind, program.ended - SOON_S, program.ended)):
                return
        # A notice is a file: on a full disk there is none, and the instance goes all the same.
        if any(fault.fence == program.fence and fault.began < program.ended + BLUR_S
               for fault in self.story.faults if fault.kind == "interrupt"):
            return
        # Told to stop and too slow to obey; or the service had not heard from its agent yet, and ended what it took for
        # a launch.
        job = self.story.jobs[program.job]
        stop_asked = job.stop_asked is not None and job.stop_asked <= program.ended + BLUR_S
        stopped = stop_asked or job.max_runtime_s < 600
        if stopped and (program.first("asked") or self._unheard(program)):
            return
        self.violated(f"{program.job} fence {program.fence}: its program was killed at {program.ended:.1f}, and nobody "
                      "should have")

    def _unheard(self, program):
        deaf = ("cut-agents", "service-kill", "service-end", "service-freeze", "agent-freeze", "disk-full")
        return any(self.story.during(kind, program.began - BLUR_S, program.ended, slack=5.0) for kind in deaf)

    def _signal(self, program):
        asked = program.first("asked")
        if asked is None or program.had_notice:
            return
        if self.story.during("disk-full", asked[0], asked[0], slack=BLUR_S):
            return  # its notice could not be written, and it was told by a signal
        job = self.story.jobs[program.job]
        if (job.stop_asked is None or job.stop_asked > asked[0] + BLUR_S) and job.max_runtime_s > 600:
            self.violated(f"{program.job} fence {program.fence}: its program was sent SIGTERM at {asked[0]:.1f}, and "
                          "nobody should have")


def as_epoch(time):
    """The wire has seconds since 1970; awscli's output has ISO 8601."""
    return float(time) if isinstance(time, (int, float)) else datetime.datetime.fromisoformat(time).timestamp()


def leftovers(folder):
    return {pid: " ".join(processes.words_of(pid))[:200] for pid in processes.all_with(str(folder))}


def bugs_in(path):
    """Lines of a log that no run should have: a broken invariant, or a sanitizer's finding."""
    if not path.exists():
        return []
    pattern = re.compile(r"holdfast: bug:|terminate called|AddressSanitizer|ThreadSanitizer|runtime error:")
    return [line for line in path.read_text(errors="replace").splitlines() if pattern.search(line)]
