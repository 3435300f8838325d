#!/usr/bin/env python3
"""Puts and gets of objects: this service beside Ceph's radosgw of Debian, on this machine, in turn, by the same client.

Usage: bench/s3.py HOLDFAST S3_LOAD [ROUNDS]     scripts/bench-s3 builds and runs it
"""
import os
import pathlib
import statistics
import subprocess
import sys
import time

HOLDFAST, LOAD = sys.argv[1], sys.argv[2]
ROUNDS = int(sys.argv[3]) if len(sys.argv) > 3 else 3
sys.argv = [sys.argv[0], HOLDFAST]
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests"))
from support.radosgw import RadosGateway  # noqa: E402
from support.service import Service  # noqa: E402

TICKS = os.sysconf("SC_CLK_TCK")
# Operation, objects, bytes of each, connections.
LOADS = [("put", 1, 1 << 30, 1), ("get", 1, 1 << 30, 1), ("put", 1000, 64 << 10, 16), ("get", 1000, 64 << 10, 16)]


class Ours:
    name = "holdfast"

    def __init__(self):
        self.service = Service("--slots", "1", "--log-level", "error")
        self.endpoint, self.credentials = self.service.endpoint, self.service.data / "credentials"
        self.pids = [self.service.process.pid]

    def close(self):
        self.service.close()


class Theirs(RadosGateway):
    name = "radosgw"


def cpu_seconds(pids):
    total = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def peak_mib(pids):
    total = 0
    for pid in pids:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        total += int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
    return total / 1024


def load(server, operation, bucket, count, size, connections):
    done = subprocess.run([LOAD, server.endpoint, str(server.credentials), operation, bucket, str(count), str(size), str(connections)],
                          text=True, capture_output=True, timeout=600)
    if done.returncode != 0:
        raise AssertionError(f"{server.name}: {operation}: {done.stderr[:500]}")
    return float(done.stdout)


def measure(server, results):
    for index, (operation, count, size, connections) in enumerate(LOADS):
        bucket = f"bench-{count}"
        before = cpu_seconds(server.pids)
        wall = load(server, operation, bucket, count, size, connections)
        results.setdefault((server.name, index), []).append((wall, cpu_seconds(server.pids) - before))


cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
print(f"{time.strftime('%Y-%m-%d')}, {cpu}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {ROUNDS} rounds, medians", flush=True)
servers = [Ours(), Theirs("bluestore")]
results = {}
try:
    for server in servers:
        for bucket in sorted({f"bench-{count}" for _, count, _, _ in LOADS}):
            load(server, "create", bucket, 1, 0, 1)
    for _ in range(ROUNDS):
        for server in servers:
            measure(server, results)
    print("| load | | holdfast | radosgw | holdfast / radosgw |\n| --- | --- | --- | --- | --- |")
    for index, (operation, count, size, connections) in enumerate(LOADS):
        what = f"{operation} of {count:,} x {size >> 10:,} KiB, {connections} connection{'s' if connections > 1 else ''}"
        for column, name in enumerate(("wall s", "CPU s of the server")):
            ours, theirs = (statistics.median(run[column] for run in results[server.name, index]) for server in servers)
            print(f"| {what} | {name} | {ours:.2f} | {theirs:.2f} | {ours / theirs:.2f} |")
    ours, theirs = (peak_mib(server.pids) for server in servers)
    print(f"| all of it | peak resident MiB | {ours:.0f} | {theirs:.0f} | {ours / theirs:.2f} |", flush=True)
finally:
    for server in servers:
        server.close()
