#!/usr/bin/env python3
"""The figures of docs/benchmarks.md, measured on this machine: scripts/bench builds and runs it.

Usage: bench/run.py HOLDFAST API_LOAD METRIC_LOAD [control|interruptions|metrics]
"""
import contextlib
import os
import pathlib
import sqlite3
import statistics
import subprocess
import sys
import time

HOLDFAST, LOAD, METRIC_LOAD = sys.argv[1:4]
PARTS = sys.argv[4:]
sys.argv = [sys.argv[0], HOLDFAST]
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests"))
from support.service import Service  # noqa: E402

JOBS = 10_000
CONNECTIONS = 64
FEW = 8
INTERRUPTIONS = 30


def memory_kib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")


def cpu_s(pid):
    """What a process has used so far, user and system."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def load(service, what, count, connections=CONNECTIONS):
    """Requests per second, and the median and the 99th percentile of their time in ms."""
    done = subprocess.run([LOAD, service.endpoint, str(service.data / "credentials"), what, str(count), str(connections)],
                          text=True, capture_output=True, check=True)
    return [float(number) for number in done.stdout.split()]


def in_words(figures):
    return f"{figures[0]:.0f}; p50 {figures[1]:.1f} ms, p99 {figures[2]:.1f} ms"


def load_in_words(service, what, connections):
    """The same, and what a request takes of the service's CPU time: other work on the machine touches that less."""
    before = cpu_s(service.process.pid)
    figures = load(service, what, JOBS, connections)
    return f"{in_words(figures)}; {(cpu_s(service.process.pid) - before) / JOBS * 1e6:.0f} us of CPU"


def percentile(values, p):
    return sorted(values)[min(len(values) - 1, int(len(values) * p))]


def show(name, value):
    print(f"{name:<78} {value}", flush=True)


def control_plane():
    service = Service("--slots", "1", "--log-level", "error")
    try:
        show("memory of an idle service, MiB", f"{memory_kib(service.process.pid) / 1024:.0f}")
        service.client("s3").create_bucket(Bucket="bench")
        # The one slot is taken, so that the others stay live and wait.
        service.client("s3").create_bucket(Bucket="tests")
        service.create("holder", "import time; [print('a line of the log, as long as such lines are', n) for n in range(1000)]\n"
                                 "print('go'); time.sleep(3600)")
        service.wait_for_line("holder", "go")
        before = memory_kib(service.process.pid)
        show(f"durable CreateTrainingJob per second, {CONNECTIONS} connections, {JOBS} jobs", in_words(load(service, "create", JOBS)))
        after = memory_kib(service.process.pid)
        show("memory per live job, KiB (growth of VmRSS / jobs)", f"{(after - before) / JOBS:.1f}")
        stream = service.client("logs").describe_log_streams(logGroupName="/aws/sagemaker/TrainingJobs",
                                                             logStreamNamePrefix="holder/")["logStreams"][0]["logStreamName"]
        for connections in (CONNECTIONS, FEW):
            for name, what in (("GET /health", "health"), ("DescribeTrainingJob, each job once,", "describe"),
                               ("DescribeTrainingJob, a job polled by each connection,", "poll"), ("GetLogEvents (100 lines)", stream)):
                show(f"{name} per second, {connections} connections", load_in_words(service, what, connections))
        service.kill()
        begun = time.monotonic()
        service.start()
        show(f"restart with {JOBS} live jobs after kill -9, s until ready", f"{time.monotonic() - begun:.2f}")
        show("memory after the restart, MiB", f"{memory_kib(service.process.pid) / 1024:.0f}")
    finally:
        service.close()


PROGRAM = """
import os, signal, sys, time
ck = '/opt/ml/checkpoints/state'
n = int(open(ck).read()) if os.path.exists(ck) else 0
def end(*_):
    print('TERM', time.time(), flush=True)
    open(ck + '.new', 'w').write(str(n + 1)); os.replace(ck + '.new', ck)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print('RUNNING', n, flush=True)
while True: time.sleep(60)
"""


def interruptions():
    service = Service("--slots", "1", "--log-level", "error")
    try:
        service.client("s3").create_bucket(Bucket="tests")
        service.create("patient", PROGRAM)
        asked = []
        for i in range(INTERRUPTIONS):
            service.wait_for_line("patient", "RUNNING", i + 1)
            asked.append(time.time())
            service.interrupt("patient", 30)
        service.wait_for_line("patient", "RUNNING", INTERRUPTIONS + 1)
        heard = [float(line.split()[1]) for line in service.lines("patient") if line.startswith("TERM")]
        counts = [int(line.split()[1]) for line in service.lines("patient") if line.startswith("RUNNING")]
        assert counts == list(range(INTERRUPTIONS + 1)), counts
        delays = [(b - a) * 1000 for a, b in zip(asked, heard)]
        show("`holdfast interrupt` typed to SIGTERM in the program, ms p50 / p99",
             f"{statistics.median(delays):.0f} / {percentile(delays, 0.99):.0f}")
        history = service.run_of("patient")["History"]
        notices = [e["Time"] for e in history if e["Event"]["is"] == "NoticeReceived"]
        to_signal = [(b - a) * 1000 for a, b in zip(notices, heard)]
        show("notice to SIGTERM in the program, ms p50 / p99",
             f"{statistics.median(to_signal):.0f} / {percentile(to_signal, 0.99):.0f}")
        placed = [e["Time"] for e in history if e["Event"]["is"] == "Placed"][1:]
        running = [e["Time"] for e in history if e["Event"]["is"] == "ProgramStarted"][1:]
        back = [(b - a) * 1000 for a, b in zip(placed, running)]
        show("instance's return to the program running, restore included, ms p50 / p99",
             f"{statistics.median(back):.0f} / {percentile(back, 0.99):.0f}")
    finally:
        service.close()


def metric_values():
    service = Service("--slots", "1", "--log-level", "error")

    def load(*arguments):
        done = subprocess.run([METRIC_LOAD, service.endpoint, str(service.data / "credentials"), *map(str, arguments)],
                              text=True, capture_output=True, check=True)
        return done.stdout.strip()

    def stored():
        """Bytes of pages in use, wherever they are."""
        with contextlib.closing(sqlite3.connect(service.data / "metrics.db")) as database:
            ask = lambda what: database.execute(f"PRAGMA {what}").fetchone()[0]
            return (ask("page_count") - ask("freelist_count")) * ask("page_size")
    try:
        before = memory_kib(service.process.pid)
        show("PutMetricData values per second, 1,000 in a request, 40 series, 4 connections", load("put", 40, 1000, 200, 4))
        show("PutMetricData values per second, 40 in a request (a second of 40 series), 4 connections", load("put", 40, 40, 2000, 4))
        show("growth of resident memory meanwhile, MiB", f"{(memory_kib(service.process.pid) - before) / 1024:.0f}")
        size = stored()
        begun = time.monotonic()
        load("day")
        show("a day of one value a second put on one connection, s", f"{time.monotonic() - begun:.1f}")
        show("what it takes on the disk, MiB", f"{(stored() - size) / 2**20:.1f}")
        show("GetMetricData of that day, Period 60 (1,440 datapoints), ms", load("ask", 60, 86400, 50))
        show("GetMetricData of that day, Period 3600, ms", load("ask", 3600, 86400, 50))
        show("GetMetricData of its last 3 hours, Period 1 (10,800 datapoints), ms", load("ask", 1, 10800, 20))
    finally:
        service.close()


cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "?")
print(f"{time.strftime('%Y-%m-%d')}, {cpu}, {len(list(pathlib.Path('/sys/devices/system/cpu').glob('cpu[0-9]*')))} cores", flush=True)
for name, part in (("control", control_plane), ("interruptions", interruptions), ("metrics", metric_values)):
    if not PARTS or name in PARTS:
        part()
