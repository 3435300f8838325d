"""The service under test: one `holdfast serve`, killed, frozen and started again as the faults will have it."""
import os
import signal
import subprocess
import threading

import processes


class Service:
    def __init__(self, binary, place, story, options):
        self.binary, self.place, self.story, self.options = binary, place, story, options
        self.data = place.data
        self.log = open(place.folder / "serve.log", "ab")
        self.process = None
        self.ready = False
        self.wanted = False  # it should be running
        self.retry_at = 0.0

    # ---- life and death

    def start(self):
        command = [*self.place.enter(), self.binary, "serve", "--data", str(self.data),
                   "--listen", f"{self.place.listen}:0", *self.options]
        self.wanted, self.ready = True, False
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, start_new_session=True)
        threading.Thread(target=self._await_ready, args=(self.process,), daemon=True).start()

    def _await_ready(self, process):
        line = process.stdout.readline()
        if b"ready" in line and process is self.process:
            self.ready = True
            self.story.service_starts += 1
            self.story.say(f"service {process.pid} is ready")

    def kill(self):
        self.wanted = self.ready = False
        if self.process.poll() is None:
            self.process.kill()
        self._collect()

    def end(self, patience_s=20):
        """As Ctrl-C does. The exit status, or None when it had to be killed."""
        self.wanted = self.ready = False
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = None
        self._collect()
        return code

    def freeze(self, yes):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGSTOP if yes else signal.SIGCONT)

    def _collect(self):
        self.process.wait()
        self.process.stdout.close()

    def tend(self):
        """Starts it again where it could not start for want of disk; any other end of its own is a bug."""
        if not self.wanted or self.process is None or self.process.poll() is None:
            return
        now = self.story.now()
        if self.retry_at <= now:
            if self.retry_at == 0.0 or self.ready:
                self._judge_end(now)
            self.ready = False
            self.retry_at = now + 1.0
            self._collect()
            self.start()

    def _judge_end(self, now):
        code = self.process.returncode
        full = self.story.during("disk-full", now, now, slack=2.0)
        if not self.ready and code == 1 and full:
            return self.story.say("service: could not start, the disk is full")
        self.story.violated(f"the service ended by itself with {code} ({'after' if self.ready else 'before'} it was "
                            f"ready{', the disk was full' if full else ''}): {self.last_words()}")

    def last_words(self):
        lines = (self.place.folder / "serve.log").read_text(errors="replace").splitlines()
        return lines[-1] if lines else ""

    # ---- what a client needs

    def where(self):
        endpoint = (self.data / "endpoint").read_text().strip()
        keys = {}
        for line in (self.data / "credentials").read_text().splitlines():
            name, _, value = line.partition("=")
            keys[name.strip()] = value.strip()
        return endpoint, keys["aws_access_key_id"], keys["aws_secret_access_key"]

    def holdfast(self, *arguments, patience_s=20):
        """A command as users type it: (exit status or None, what it printed)."""
        environment = {"PATH": os.environ["PATH"], "HOLDFAST_DATA": str(self.data)}
        try:
            done = subprocess.run([self.binary, *arguments], env=environment, text=True, timeout=patience_s,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=self.place.folder / "code")
        except subprocess.TimeoutExpired:
            return None, "no answer in time"
        return done.returncode, done.stdout.strip()

    # ---- instances

    def agents(self):
        """{fence: pid} of the agents that run."""
        found = {}
        for pid in processes.all_with(str(self.data / "instances")):
            words = processes.words_of(pid)
            if "agent" in words and "--directory" in words:
                found[int(words[-1].rpartition("/i-")[2], 16)] = pid
        return found

    def is_ours(self, pid):
        return any(str(self.place.folder) in word for word in processes.words_of(pid))
