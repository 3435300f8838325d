#!/usr/bin/env python3
"""A channel in FastFile mode beside the same channel in File mode: one object of 1 GiB in the embedded store, and in another S3 (a
second service's endpoint).

From CreateTrainingJob to the program's first byte; reading all of the object in order, dropped, in blocks of 1 MiB; and 4 KiB at 500
places. Beside them a plain download of the same object from the same endpoint, by curl into /dev/null.

Usage: bench/fast_files.py HOLDFAST
"""
import os
import pathlib
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests"))
from support.service import Service  # noqa: E402

MIB = 1024
ROUNDS = 3

PROGRAM = f"""
import os, random, time
path = '/opt/ml/input/data/train/large'
f = os.open(path, os.O_RDONLY)
assert os.fstat(f).st_size == {MIB} << 20
os.pread(f, 1, 0)
print('FIRST', time.time())
block = [bytearray(1 << 20)]
began, total = time.monotonic(), 0
while n := os.readv(f, block):
    total += n
assert total == {MIB} << 20
print('ALL', time.monotonic() - began)
os.posix_fadvise(f, 0, 0, os.POSIX_FADV_DONTNEED)
places = random.Random(3)
began = time.monotonic()
for _ in range(500):
    os.pread(f, 4096, places.randrange(total - 4096))
print('RANDOM', time.monotonic() - began)
"""


def show(name, value):
    print(f"{name:<72} {value}", flush=True)


def measured(service, name, uri, mode):
    channel = {"ChannelName": "train", "InputMode": mode,
               "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}}
    created = time.time()
    service.create(name, PROGRAM, spot=False, checkpoint=False, InputDataConfig=[channel],
                   ResourceConfig={"VolumeSizeInGB": 10})
    job = service.wait_for_end(name)
    lines = service.lines(name)
    assert job["TrainingJobStatus"] == "Completed", lines
    values = {line.split()[0]: float(line.split()[1]) for line in lines if line.split()[0] in ("FIRST", "ALL", "RANDOM")}
    assert not any("are copied" in line for line in lines), lines
    return values["FIRST"] - created, MIB / 1024 / values["ALL"], 1000 * values["RANDOM"] / 500


def download(s3):
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "far", "Key": "data/large"})
    began = time.monotonic()
    subprocess.run(["curl", "--silent", "--fail", "--output", "/dev/null", url], check=True)
    return MIB / 1024 / (time.monotonic() - began)


other = Service("--log-level", "error")
service = Service("--slots", "1", "--log-level", "error")
try:
    path = service.folder / "data.bin"
    with open(path, "wb") as file:
        for _ in range(MIB):
            file.write(os.urandom(1 << 20))
    for owner, bucket in ((service, "tests"), (other, "far")):
        owner.client("s3").create_bucket(Bucket=bucket)
        owner.client("s3").upload_file(str(path), bucket, "data/large")
    path.unlink()
    service.holdfast("buckets", "add", "far", "--s3", other.endpoint, "--credentials", str(other.data / "credentials"))
    for where, uri in (("embedded", "s3://tests/data/"), ("S3", "s3://far/data/")):
        figures = {"File": [], "FastFile": []}
        for round_ in range(ROUNDS):
            for mode in figures:  # in turn, so that what else the machine does meets both
                figures[mode].append(measured(service, f"{where}-{mode}-{round_}", uri, mode))
        for mode, rounds in figures.items():
            first, all_, random_ = (statistics.median(column) for column in zip(*rounds))
            show(f"{where}, {mode}: created to first byte, s", f"{first:.2f}")
            show(f"{where}, {mode}: read in order, GiB/s", f"{all_:.2f}")
            show(f"{where}, {mode}: 4 KiB anywhere, ms each", f"{random_:.2f}")
    show("S3, curl to /dev/null, GiB/s", f"{statistics.median(download(other.client('s3')) for _ in range(ROUNDS)):.2f}")
finally:
    service.close()
    other.close()
