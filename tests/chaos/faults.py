"""What goes wrong: faults drawn from a seed, each of some length, several at a time."""
import heapq
import itertools
import signal
import threading

import processes

MEAN_GAP_S = 2.0
NOTICES_S = [120, 30, 5, 0]
# kind: (weight, what the machine must allow)
KINDS = {
    "service-kill": (4, None),
    "service-freeze": (2, None),
    "service-end": (1, None),
    "agent-kill": (2, None),
    "agent-freeze": (4, None),
    "sandbox-kill": (1, None),
    "program-kill": (1, None),
    "interrupt": (6, None),
    "disk-full": (2, "disk"),
    "cut-agents": (2, "network"),
    "cut-users": (1, "network"),
}


class Faults:
    def __init__(self, service, place, story, random):
        self.service, self.place, self.story, self.random = service, place, story, random
        self.kinds = [kind for kind, (_, needs) in KINDS.items() if needs not in place.missing]
        self.weights = [KINDS[kind][0] for kind in self.kinds]
        self.ends = []  # (when, number, what to do)
        self.numbers = itertools.count()
        self.active = set()  # kinds of which there can be one at a time
        self.next_at = story.now() + 2.0
        self.commands = []

    # ---- time

    def step(self):
        """Does what is due."""
        now = self.story.now()
        while self.ends and self.ends[0][0] <= now:
            heapq.heappop(self.ends)[2]()
        if now >= self.next_at:
            self.next_at = now + self.random.expovariate(1 / MEAN_GAP_S)
            kind = self.random.choices(self.kinds, self.weights)[0]
            getattr(self, "_" + kind.replace("-", "_"))()

    def stop(self):
        while self.ends:
            heapq.heappop(self.ends)[2]()
        for command in self.commands:
            command.join()

    def _for(self, fault, seconds, undo, exclusive=None):
        if exclusive:
            self.active.add(exclusive)

        def over():
            undo()
            self.active.discard(exclusive)
            self.story.over(fault)
        heapq.heappush(self.ends, (self.story.now() + seconds, next(self.numbers), over))

    # ---- the service

    def _service_kill(self):
        self._service_away("service-kill", self.service.kill)

    def _service_end(self):
        def end():
            if self.service.end() != 0:
                self.story.violated("the service did not end well after SIGTERM")
        self._service_away("service-end", end)

    def _service_away(self, kind, how):
        if "service" in self.active or not self.service.ready:
            return
        fault = self.story.fault(kind, f"pid {self.service.process.pid}")
        how()
        self._for(fault, self.random.choice([0, 0.3, 2, 6, 12]), self.service.start, "service")

    def _service_freeze(self):
        if "service" in self.active or not self.service.ready:
            return
        fault = self.story.fault("service-freeze")
        self.service.freeze(True)
        self._for(fault, self.random.uniform(0.5, 9), lambda: self.service.freeze(False), "service")

    # ---- an instance

    def _one_instance(self):
        programs = self.story.live_programs()
        return self.random.choice(programs) if programs else None

    def _agent_kill(self):
        if program := self._one_instance():
            self._kill("agent-kill", program, program.agent)

    def _sandbox_kill(self):
        program = self._one_instance()
        if program and (children := processes.children_of(program.agent)):
            self._kill("sandbox-kill", program, children[0])

    def _program_kill(self):
        if program := self._one_instance():
            self._kill("program-kill", program, program.pid)

    def _kill(self, kind, program, pid):
        fault = self.story.fault(kind, f"pid {pid} of {program.job}", fence=program.fence, job=program.job)
        # Every one of the three has our folder in its command line, or is bwrap, whose last words are the program's.
        processes.send(pid, signal.SIGKILL, str(self.place.folder))
        self.story.over(fault)

    def _agent_freeze(self):
        program = self._one_instance()
        if not program or ("agent", program.agent) in self.active:
            return
        try:
            agent = processes.Process(program.agent)
        except OSError:
            return
        if not self.service.is_ours(program.agent):
            return agent.close()
        fault = self.story.fault("agent-freeze", f"pid {program.agent} of {program.job}", fence=program.fence,
                                 job=program.job)
        agent.send(signal.SIGSTOP)

        def thaw():
            agent.send(signal.SIGCONT)
            agent.close()
        self._for(fault, self.random.choice([0.5, 2, 8, 20]), thaw, ("agent", program.agent))

    def _interrupt(self):
        program = self._one_instance()
        if not program:
            return
        notice = self.random.choice(NOTICES_S)
        fault = self.story.fault("interrupt", f"{program.job} with {notice} s", fence=program.fence, job=program.job)

        def interrupt():
            code, said = self.service.holdfast("interrupt", program.job, "--notice", str(notice))
            self.story.say(f"interrupt of {program.job}: {code} {said}")
            self.story.over(fault)
        thread = threading.Thread(target=interrupt, daemon=True)
        thread.start()
        self.commands = [each for each in self.commands if each.is_alive()] + [thread]

    # ---- the machine

    def _disk_full(self):
        if "disk" in self.active:
            return
        fault = self.story.fault("disk-full")
        self.place.fill()
        self._for(fault, self.random.uniform(1, 12), self.place.free, "disk")

    def _cut_agents(self):
        self._cut("agents", self.random.uniform(1, 20))

    def _cut_users(self):
        self._cut("users", self.random.uniform(1, 6))

    def _cut(self, whom, seconds):
        if whom in self.active:
            return
        fault = self.story.fault(f"cut-{whom}")
        self.place.cut(whom)
        self._for(fault, seconds, lambda: self.place.cut(whom, down=False), whom)
