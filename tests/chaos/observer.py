"""Hears what the programs say, over a socket that lies where no fault reaches; and the kernel tells it who they are."""
import json
import os
import pathlib
import socket
import struct
import threading

import processes
from story import ProgramLife


def agent_of(pid):
    """(agent's pid, its instance's directory) above that program."""
    while pid and pid > 1:
        pid = processes.parent_of(pid)
        words = processes.words_of(pid) if pid else []
        if "agent" in words and "--directory" in words:
            return pid, pathlib.Path(words[words.index("--directory") + 1])
    return None, None


class Observer:
    def __init__(self, path, story):
        self.path, self.story = str(path), story
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(self.path)
        os.chmod(self.path, 0o777)
        self.socket.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.socket.close()
        pathlib.Path(self.path).unlink(missing_ok=True)

    def _accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self._listen, args=(connection,), daemon=True).start()

    def _listen(self, connection):
        pid, _, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        agent, instance = agent_of(pid)
        program = None
        try:
            connection.sendall(b"!")
            with connection, connection.makefile("r", encoding="utf-8") as lines:
                for line in lines:
                    program = self._hear(program, pid, agent, instance, json.loads(line))
        except (OSError, ValueError) as problem:
            self.story.say(f"program {pid}: {problem!r}")
        if program:
            self._end(program, instance)

    def _hear(self, program, pid, agent, instance, facts):
        story, what = self.story, facts.pop("what")
        if what == "asked" and program is None:
            return None  # before it looked at its checkpoint
        if what == "found":
            fence = int(instance.name.removeprefix("i-"), 16) if instance else 0
            program = ProgramLife(facts["job"], fence, agent, pid, story.now(), facts["step"], facts["torn"] or "")
            if instance is None:
                story.say(f"program {pid} of {facts['job']} has no agent above it any more")
            with story.lock:
                story.programs.append(program)
        program.told.append((story.now(), what, facts))
        story.say(f"{program.job} fence {program.fence}: {what} {facts}")
        return program

    def _end(self, program, instance):
        # Before the instance is tidied: its notice stays, as does its log.
        if instance:
            program.had_notice = (instance / "notice.json").exists()
        program.ended = self.story.now()
        self.story.say(f"{program.job} fence {program.fence}: the program is gone" +
                       (", there was a notice" if program.had_notice else ""))
