#!/usr/bin/env python3
"""Throughput of a channel in Pipe mode, from the embedded store to a program that reads and drops, beside `cat FILE > FIFO` in
the same sandbox with the same reader and the same bytes in the page cache.

Usage: bench/pipe.py HOLDFAST
"""
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests"))
from support.service import Service, agent_pid  # noqa: E402

MIB = 512
ROUNDS = 8  # epochs, and cats

PROGRAM = f"""
import os, subprocess, time
block = [bytearray(1 << 20)]
def drain(path):
    fd = os.open(path, os.O_RDONLY)
    total = 0
    while n := os.readv(fd, block):
        total += n
    os.close(fd)
    assert total == {MIB} << 20, total
def timed(what, one):
    print('BEGIN', what, flush=True)
    time.sleep(2)  # for whoever looks at the agent's clock
    began, used = time.monotonic(), os.times()
    for i in range({ROUNDS}):
        one(i)
    took, now = time.monotonic() - began, os.times()
    print('END', what, took, sum(now[:2]) - sum(used[:2]), sum(now[2:4]) - sum(used[2:4]), flush=True)
os.mkfifo('/tmp/fifo')
def cat(i):
    process = subprocess.Popen('cat /opt/ml/input/data/file/data > /tmp/fifo', shell=True)
    drain('/tmp/fifo')
    process.wait()
timed('cat', cat)
timed('pipe', lambda i: drain('/opt/ml/input/data/pipe_%d' % i))
"""


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def show(name, value):
    print(f"{name:<72} {value}", flush=True)


service = Service("--slots", "1", "--log-level", "error")
try:
    s3 = service.client("s3")
    s3.create_bucket(Bucket="tests")
    path = service.folder / "data.bin"
    with open(path, "wb") as file:
        for _ in range(MIB):
            file.write(os.urandom(1 << 20))
    s3.upload_file(str(path), "tests", "data/data")
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://tests/data/"}}
    service.create("pipe", PROGRAM, spot=False, checkpoint=False, InputDataConfig=[
        {"ChannelName": "file", "DataSource": source}, {"ChannelName": "pipe", "DataSource": source, "InputMode": "Pipe"}])
    for what in ("cat", "pipe"):
        service.wait_for_line("pipe", f"BEGIN {what}")
        agent = agent_pid(next((service.data / "instances").glob("*/process.json")))
        before = cpu_seconds(agent)
        service.wait_for_line("pipe", f"END {what}")
        took, reader, writer = map(float, next(line for line in service.lines("pipe") if line.startswith(f"END {what}")).split()[2:])
        gib = MIB * ROUNDS / 1024
        if what == "pipe":
            writer = cpu_seconds(agent) - before
        show(f"{what}: GiB/s; CPU seconds per GiB in the reader / in the writer",
             f"{gib / took:.2f}; {reader / gib:.2f} / {writer / gib:.2f}")
finally:
    service.close()
