#!/usr/bin/env python3
"""Runs the hunt for torn checkpoints (torn_hunt.cpp) on a store, in a folder on a RAM disk, and kills servers meanwhile.

Usage: torn_hunt.py TORN_HUNT [--kills N] [--seed S] [--store files|radosgw|HOLDFAST_BINARY]
  files              objects in a directory, as the embedded store and the agents of one machine use it (default)
  HOLDFAST_BINARY    the S3 endpoint of a `holdfast serve`, which is killed and started again all the time
  radosgw            Ceph's gateway of Debian, which is killed and started again all the time"""
import argparse
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--kills", type=int, default=400)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--store", default="files")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1 << 31)
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = pathlib.Path(tempfile.mkdtemp(prefix="holdfast-hunt-", dir=memory))
    try:
        print(f"{options.kills} kills on {options.store}, seed {seed}", flush=True)
        (folder / "instances").mkdir()
        command = [options.program, str(folder / "objects"), str(folder / "instances"), str(options.kills), str(seed)]
        sys.exit(subprocess.run(command).returncode)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
