#!/usr/bin/env python3
"""Checkpoints to an S3 and back: ours beside awscli, rclone, s3cmd and boto3, each against the same very fast stand-in
for an S3 (bench/s3_sink.cpp) on loopback, so that what differs is the client. All files lie in /dev/shm: no disk is
measured. Medians of interleaved runs; a run that took long is not repeated as often, and clients that take minutes with
20,000 files are measured with 5,000 of them and their figures multiplied ("~").

Usage: bench/checkpoints.py BUILD [--rounds N] [--only LIST] [--sets LIST] [--parts LIST] [--json FILE]
  BUILD     the folder of s3_sink, checkpoint_transfer and training_loop; scripts/bench-checkpoints builds and runs it
  --only    holdfast,awscli,rclone,s3cmd,boto3     --sets A,B,C,D
  --parts   transfer,torn,memory,overhead"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import checkpoint_clients as clients  # noqa: E402
import checkpoint_torn as torn  # noqa: E402

MIB = 1 << 20
SETS = {"A": "one file of 2 GiB", "B": "64 files of 32 MiB", "C": "20,000 files of 8 KiB", "D": "B with 3 files changed"}
FEW = 5000  # of the 20,000 files, for clients that would take minutes
LONG_S = 15  # a run that took longer is not repeated
CLASSES = {"awscli": clients.AwsCli, "rclone": clients.Rclone, "s3cmd": clients.S3cmd, "boto3": clients.Boto3}


class Sink:
    """One s3_sink. With `keep` it can be read from."""

    def __init__(self, build, keep=None):
        command = [str(build / "s3_sink")] + (["--keep", str(keep)] if keep else [])
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.endpoint = f"http://127.0.0.1:{int(self.process.stdout.readline())}"

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=30)
        self.process.stdout.close()


def write_file(path, size, seed):
    """Bytes that no other file has, quickly."""
    block = bytearray(os.urandom(min(size, MIB)))
    with open(path, "wb", buffering=0) as out:
        for index in range(0, size, MIB):
            block[0:16] = (seed << 64 | index).to_bytes(16, "big")
            out.write(block[:min(MIB, size - index)])


def make_set(folder, which, count=None):
    folder.mkdir(parents=True)
    if which == "A":
        write_file(folder / "model.pt", 2048 * MIB, 1)
    elif which in "BD":
        for index in range(64):
            write_file(folder / f"shard-{index:02}.bin", 32 * MIB, index)
    else:
        for index in range(count or 20000):
            if index % 200 == 0:
                (folder / f"d{index // 200:03}").mkdir()
            write_file(folder / f"d{index // 200:03}/{index:05}", 8 << 10, index)


class Bench:
    def __init__(self, options):
        self.build, self.rounds = pathlib.Path(options.build), options.rounds
        self.names = [name for name in ["holdfast", *CLASSES] if name in options.only.split(",")]
        self.sets = [name for name in SETS if name in options.sets.split(",")]
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="holdfast-bench-", dir="/dev/shm"))
        self.begun, self.cells, self.scaled, self.notes = time.monotonic(), {}, set(), []

    def progress(self, text):
        print(f"\r[{time.monotonic() - self.begun:4.0f} s] {text:<70}", end="", file=sys.stderr, flush=True)

    def client(self, name, endpoint):
        workshop = self.folder / f"home-{name}"
        workshop.mkdir(exist_ok=True)
        if name == "holdfast":
            return clients.Ours(workshop, endpoint, str(self.build / "checkpoint_transfer"))
        return CLASSES[name](workshop, endpoint)

    def record(self, name, column, run, factor):
        self.cells.setdefault((name, column), []).append((run.wall * factor, run.cpu * factor, run.mib))
        if factor != 1:
            self.scaled.add((name, column))

    def wanted(self, name, column, round_number):
        """Long runs are not repeated, or the whole would take an hour."""
        runs = self.cells.get((name, column), [])
        return round_number == 0 or (runs and runs[-1][0] < LONG_S)

    def transfer(self, which):
        full = self.folder / "set"
        self.progress(f"{which}: making {SETS[which]}")
        make_set(full, which)
        few = None
        if which == "C" and any(CLASSES[name].slow_with_small_files for name in self.names if name != "holdfast"):
            few = self.folder / "few"
            make_set(few, "C", FEW)

        def folder_for(name):
            slow = few and name != "holdfast" and CLASSES[name].slow_with_small_files
            return (few, 20000 / FEW, "few") if slow else (full, 1, "full")

        sink = Sink(self.build)
        try:
            for number in range(self.rounds):
                for name in self.names:
                    if not self.wanted(name, which + " up", number):
                        continue
                    self.progress(f"{which} up, round {number + 1}, {name}")
                    folder, factor, _ = folder_for(name)
                    run = self.client(name, sink.endpoint).up(folder, f"{name}-{number}")
                    self.record(name, which + " up", run, factor)
                    if name == "holdfast":
                        self.note_committed(which + " up", run)
        finally:
            sink.close()
        keep = self.folder / "kept"
        keep.mkdir()
        sink = Sink(self.build, keep)
        try:
            self.downloads(which, sink, folder_for)
        finally:
            sink.close()
            for path in (keep, full, self.folder / "few"):
                shutil.rmtree(path, ignore_errors=True)

    def downloads(self, which, sink, folder_for):
        self.progress(f"{which}: filling the store")
        sources = {}
        for name in self.names:
            folder, _, label = folder_for(name)
            kind = "holdfast" if name == "holdfast" else label
            if kind not in sources:
                sources[kind] = kind
                self.client("holdfast" if kind == "holdfast" else "rclone", sink.endpoint).up(folder, kind)
        for number in range(self.rounds):
            for name in self.names:
                if not self.wanted(name, which + " down", number):
                    continue
                self.progress(f"{which} down, round {number + 1}, {name}")
                folder, factor, label = folder_for(name)
                target = self.folder / "target"
                target.mkdir()
                kind = "holdfast" if name == "holdfast" else label
                client = self.client(name, sink.endpoint)
                if name == "holdfast":
                    client.fence += 10 * number
                self.touch_memory()
                self.record(name, which + " down", client.down(target, kind), factor)
                if number == 0:
                    self.compare(folder, target, name)
                shutil.rmtree(target)

    def touch_memory(self, gib=2.25):
        """A virtual machine may get its memory only when it first writes there, and give back what it has freed: who comes
        first would pay for it, several seconds for 2 GiB. So everyone finds memory that was in use a moment ago."""
        with open(self.folder / "touched", "wb", buffering=0) as out:
            for _ in range(int(gib * 1024)):
                out.write(bytes(MIB))
        (self.folder / "touched").unlink()

    def compare(self, folder, target, name):
        done = subprocess.run(["diff", "-rq", str(folder), str(target)], text=True, capture_output=True)
        if done.returncode != 0:
            raise AssertionError(f"{name} brought back something else: {done.stdout[:500]}")

    def note_committed(self, column, run):
        self.cells.setdefault(("committed", column), []).append((json.loads(run.output)["committed"], 0, 0))

    def changed(self):
        """D: what a second sync costs after 3 of 64 files were written anew."""
        folder = self.folder / "set"
        self.progress("D: making " + SETS["D"])
        make_set(folder, "D")
        keep = self.folder / "kept"
        keep.mkdir()
        sink = Sink(self.build)
        follower = None
        try:
            for name in self.names:
                if name == "holdfast":
                    follower = clients.Follower(self.client(name, sink.endpoint), "again", folder, "holdfast")
                    follower.line()
                elif CLASSES[name].syncs:
                    self.progress(f"D, the first time, {name}")
                    self.client(name, sink.endpoint).up(folder, name)
            for number in range(self.rounds):
                for index in range(3):
                    write_file(folder / f"shard-{(number * 3 + index) * 7 % 64:02}.bin", 32 * MIB, 1000 + number * 3 + index)
                for name in self.names:
                    self.progress(f"D, round {number + 1}, {name}")
                    if name == "holdfast":
                        figures = json.loads(follower.again())
                        self.cells.setdefault((name, "D"), []).append((figures["wall"], figures["cpu"], figures["peak_mib"]))
                    elif CLASSES[name].syncs:
                        self.record(name, "D", self.client(name, sink.endpoint).up(folder, name), 1)
        finally:
            if follower:
                follower.close()
            sink.close()
            for path in (keep, folder):
                shutil.rmtree(path, ignore_errors=True)

    def memory(self, gib):
        """A file that is all hole, so that it needs no memory of its own: 100 GiB where there is time."""
        folder = self.folder / "large"
        folder.mkdir()
        with open(folder / "model.pt", "wb") as out:
            out.truncate(gib << 30)
        self.progress(f"memory: one file of {gib} GiB")
        sink = Sink(self.build)
        try:
            run = self.client("holdfast", sink.endpoint).up(folder, "large")
        finally:
            sink.close()
            shutil.rmtree(folder)
        self.notes.append(f"One file of {gib} GiB (all hole): up in {run.wall:.1f} s, {run.cpu:.1f} CPU s, {run.mib:.0f} MiB of memory at most.")

    def overhead(self, rounds=4, seconds_of_work=6.0, mib=100):
        """500 MB every 30 s, in small: the same share of the time, with and without us, in turn."""
        loop, folder = str(self.build / "training_loop"), self.folder / "training"
        folder.mkdir()
        rate = float(subprocess.run([loop, "calibrate"], text=True, capture_output=True, check=True).stdout)
        work = str(int(rate * seconds_of_work))
        sink = Sink(self.build)
        took, agent_cpu = {False: [], True: []}, 0.0
        try:
            for turn in range(4):
                with_us = turn % 2 == 1
                self.progress(f"overhead, turn {turn + 1} of 4, {'with' if with_us else 'without'} the agent")
                follower = None
                if with_us:
                    follower = clients.Follower(self.client("holdfast", sink.endpoint), "follow", folder, f"training-{turn}")
                    follower.line()
                done = subprocess.run([loop, str(folder), str(rounds), work, str(mib)], text=True, capture_output=True, check=True)
                took[with_us] += [float(line) for line in done.stdout.split()]
                if follower:
                    _, cpu = follower.close()
                    agent_cpu += cpu
                (folder / "model.pt").unlink()
        finally:
            sink.close()
            shutil.rmtree(folder)
        without, with_us = statistics.median(took[False]), statistics.median(took[True])
        cpu = agent_cpu / len(took[True])
        self.notes.append(f"A training that keeps every core busy and writes {mib} MiB every {without:.1f} s: {without:.2f} s a round "
                          f"without us, {with_us:.2f} s with us ({(with_us / without - 1) * 100:+.1f} %); the agent took "
                          f"{cpu:.2f} CPU s a round, {cpu / without / os.cpu_count() * 100:.1f} % of the machine.")

    # ---- what is printed

    def columns(self):
        names = [f"{which} {way}" for which in self.sets if which != "D" for way in ("up", "down")]
        return names + (["D"] if "D" in self.sets else [])

    def cell(self, name, column):
        runs = self.cells.get((name, column))
        if not runs:
            return "-"
        wall, cpu, mib = (statistics.median(run[i] for run in runs) for i in range(3))
        return f"{'~' if (name, column) in self.scaled else ''}{wall:.2f} / {cpu:.2f} / {mib:.0f}"

    def table(self):
        columns = self.columns()
        lines = ["| wall s / CPU s / peak MiB | " + " | ".join(columns) + " |", "| --- |" + " --- |" * len(columns)]
        for name in self.names:
            lines.append(f"| {name} | " + " | ".join(self.cell(name, column) for column in columns) + " |")
        committed = [column for column in columns if ("committed", column) in self.cells]
        if committed:
            lines.append("| of that, until the checkpoint is safe (wall s) | " + " | ".join(
                f"{statistics.median(run[0] for run in self.cells['committed', column]):.2f}" if column in committed else ""
                for column in columns) + " |")
        return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="holdfast,awscli,rclone,s3cmd,boto3")
    parser.add_argument("--sets", default="A,B,C,D")
    parser.add_argument("--parts", default="transfer,torn,memory,overhead")
    parser.add_argument("--gib", type=int, default=24, help="of the one large file")
    parser.add_argument("--json")
    options = parser.parse_args()
    parts = options.parts.split(",")
    bench = Bench(options)
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
    print(f"{time.strftime('%Y-%m-%d')}, {cpu}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {options.rounds} rounds, medians; "
          f"{clients.versions()}\n", flush=True)
    try:
        if "transfer" in parts:
            for which in bench.sets:
                bench.changed() if which == "D" else bench.transfer(which)
            bench.progress("")
            print("\r" + bench.table() + "\n", flush=True)
        if "torn" in parts:
            results = torn.hunt(bench, Sink)
            bench.progress("")
            print("\r" + torn.table(results) + "\n", flush=True)
        if "memory" in parts:
            bench.memory(options.gib)
        if "overhead" in parts:
            bench.overhead()
        bench.progress("done")
        print("\n" + "\n".join(bench.notes))
        if options.json:
            pathlib.Path(options.json).write_text(json.dumps([[*key, runs] for key, runs in bench.cells.items()], indent=1))
    finally:
        shutil.rmtree(bench.folder, ignore_errors=True)


if __name__ == "__main__":
    main()
