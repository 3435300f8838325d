#!/usr/bin/env python3
"""A training program that can tell whether what it is given back is whole.

Its checkpoint is a set of files. Each carries the step, how many files the set has, and a hash of its own content, so
that a set of files from two steps, or one with a file cut short or missing, shows. It says what it does twice: on
stdout, as a training does, and through a socket to the observer, which no fault of the product can touch.

Usage: program.py SOCKET     how it behaves is in its hyperparameters
"""
import errno
import hashlib
import json
import os
import pathlib
import random
import signal
import socket
import sys
import time

CHECKPOINTS = pathlib.Path("/opt/ml/checkpoints")
MODEL = pathlib.Path("/opt/ml/model")
HYPERPARAMETERS = pathlib.Path("/opt/ml/input/config/hyperparameters.json")
GUARD = "guard"  # held open for writing while a set is half written for long: no generation is made meanwhile
PATTERNS = ("in-place", "rename", "many", "delete-first", "write-first")
NO_SPACE = (errno.ENOSPC, errno.EDQUOT)
RETRY_S = 0.25


# ---- one file of a set, and what a set is


def make_file(step, number, count, size):
    body = random.Random(f"{step}/{number}").randbytes(size)
    head = {"step": step, "file": number, "files": count, "size": size, "hash": hashlib.sha256(body).hexdigest()}
    return json.dumps(head).encode() + b"\n" + body


def read_header(content):
    """The header of a whole file, or None."""
    head, _, body = content.partition(b"\n")
    try:
        header = json.loads(head)
        whole = header["size"] == len(body) and header["hash"] == hashlib.sha256(body).hexdigest()
    except (ValueError, KeyError, TypeError):
        return None
    return header if whole else None


def judge_set(files):
    """The step of {path: content}, and why it is torn, or None. A program that keeps each step in a folder of its own
    goes on from the newest, and every one of them has to be whole."""
    sets = {}
    for path, content in files.items():
        if path == GUARD or path.endswith(".tmp"):
            continue
        folder = path.rpartition("/")[0]
        sets.setdefault(folder, {})[path] = read_header(content)
    step = 0
    for folder, headers in sorted(sets.items()):
        cut = sorted(path for path, header in headers.items() if header is None)
        if cut:
            return 0, f"{cut[0]} is cut short or spoilt"
        steps = sorted({header["step"] for header in headers.values()})
        if len(steps) > 1:
            return 0, f"'{folder}' has files of the steps {steps}"
        counts = {header["files"] for header in headers.values()}
        if counts != {len(headers)}:
            return 0, f"'{folder}' of step {steps[0]} has {len(headers)} files of {sorted(counts)}"
        step = max(step, steps[0])
    return step, None


def files_below(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# ---- saving


class Saver:
    """Writes sets in one of PATTERNS, as programs do that know nothing of Holdfast: none of them is atomic."""

    def __init__(self, pattern, files, size):
        self.pattern, self.count, self.size = pattern, files, size
        self.longest_gap = 0.0
        self.touched = None

    def folder(self, step):
        return CHECKPOINTS / f"step-{step:06}" if self.pattern in ("delete-first", "write-first") else CHECKPOINTS

    def touch(self):
        now = time.monotonic()
        if self.touched is not None:
            self.longest_gap = max(self.longest_gap, now - self.touched)
        self.touched = now

    def save(self, step):
        """Returns the longest pause between two writes, in milliseconds: half a second would be taken for the end."""
        self.longest_gap, self.touched = 0.0, None
        folder = self.folder(step)
        if self.pattern == "delete-first":
            self.remove_others(folder)
        folder.mkdir(exist_ok=True)
        for number in range(self.count):
            self.write(folder / f"part-{number}", make_file(step, number, self.count, self.size + 97 * number))
        if self.pattern == "write-first":
            self.remove_others(folder)
        return int(self.longest_gap * 1000)

    def write(self, path, content):
        place = path.with_name(path.name + ".tmp") if self.pattern == "rename" else path
        with open(place, "wb", buffering=0) as file:
            for begin in range(0, len(content), 65536):
                block = content[begin:begin + 65536]
                if file.write(block) != len(block):
                    raise OSError(errno.ENOSPC, "a short write")
                self.touch()
        if place != path:
            os.replace(place, path)
        self.touch()

    def remove_others(self, keep):
        for folder in CHECKPOINTS.glob("step-*"):
            if folder == keep:
                continue
            for path in sorted(folder.iterdir()):
                path.unlink()
            folder.rmdir()
            self.touch()


# ---- the program


class Observer:
    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        try:
            self.socket.connect(path)
            self.socket.recv(1)  # it has seen who we are: a moment later we may be gone
        except OSError:
            self.socket = None  # the observer is gone: go on as any program would

    def tell(self, what, **facts):
        print(f"chaos: {what} " + " ".join(f"{key}={value}" for key, value in facts.items()), flush=True)
        try:
            if self.socket:
                self.socket.sendall(json.dumps({"what": what, **facts}).encode() + b"\n")
        except OSError:
            self.socket = None


class Training:
    def __init__(self, observer):
        given = json.loads(HYPERPARAMETERS.read_text())
        self.observer = observer
        self.steps = int(given["steps"])
        self.pause = float(given["pause"])
        self.ending = given["ending"]  # finish, fail
        self.on_term = given["on-term"]  # exit, save, ignore
        self.asked = False
        self.saver = Saver(given["pattern"], int(given["files"]), int(given["size"]))
        signal.signal(signal.SIGTERM, self.take_signal)

    def take_signal(self, *_):
        if not self.asked:
            self.observer.tell("asked")
        self.asked = True

    def must_end(self):
        return self.asked and self.on_term != "ignore"

    def run(self):
        step, torn = judge_set(files_below(CHECKPOINTS)) if CHECKPOINTS.exists() else (0, None)
        self.observer.tell("found", job=os.environ["TRAINING_JOB_NAME"], step=step, torn=torn or 0)
        self.insist_on_guard()
        while step < self.steps:
            self.work()
            if self.must_end():
                break
            step += 1
            self.save(step)
        if self.must_end():
            if self.on_term == "save" and step < self.steps:
                step += 1
                self.save(step)
            self.end("asked", step, 0)
        if self.ending == "fail":
            self.end("failed", step, 3)
        self.insist(lambda: (MODEL / "weights").write_text(str(step)))
        self.end("finished", step, 0)

    def work(self):
        until = time.monotonic() + self.pause
        while not self.must_end() and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, 0.05))

    def save(self, step):
        self.observer.tell("saving", step=step)
        gap = self.insist(lambda: self.saver.save(step))
        self.observer.tell("saved", step=step, gap_ms=gap)

    def insist_on_guard(self):
        """Made before anything is written: later a full disk may have no room for one more file."""
        while not self.must_end():
            try:
                CHECKPOINTS.mkdir(exist_ok=True)
                return (CHECKPOINTS / GUARD).touch()
            except OSError as problem:
                if problem.errno not in NO_SPACE:
                    raise
                time.sleep(RETRY_S)

    def insist(self, action):
        """Tries again while the disk is full, with a file held open for writing: what is there is half a set."""
        guard = None
        while True:
            try:
                result = action()
            except OSError as problem:
                if problem.errno not in NO_SPACE:
                    raise
            else:
                if guard is not None:
                    os.close(guard)
                return result
            if guard is None:
                guard = os.open(CHECKPOINTS / GUARD, os.O_WRONLY)
                self.observer.tell("no-space")
            if self.must_end():
                self.die()
            time.sleep(RETRY_S)

    def die(self):
        """As a program without a handler does: in the middle, by the signal."""
        self.observer.tell("bye", why="no-space", code=143)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)

    def end(self, why, step, code):
        self.observer.tell("bye", why=why, step=step, code=code)
        sys.exit(code)


def main():
    observer = Observer(sys.argv[1])
    training = Training(observer)
    training.run()


if __name__ == "__main__":
    main()
