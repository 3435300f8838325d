#!/usr/bin/env python3
"""Runs the hunt for torn checkpoints (torn_hunt.cpp) on a store, in a folder on a RAM disk, and kills the store's server
meanwhile, where it has one.

Usage: torn_hunt.py TORN_HUNT [--kills N] [--seed S] [--store files|radosgw|HOLDFAST]
  files       objects in a directory, as the embedded store and the agents of one machine use it (default)
  HOLDFAST    the program: the S3 endpoint of its `serve`, killed with SIGKILL and started again, over and over
  radosgw     Ceph's gateway of Debian in front of its own monitor and OSD; the gateway is killed in the same way"""
import argparse
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))


class Files:
    def __init__(self, folder):
        self.place, self.environment = str(folder / "objects"), dict(os.environ)

    def kill_and_start(self):
        pass

    def close(self):
        pass


class Embedded:
    """`holdfast serve` on a port that stays the same."""
    pauses_s = (0.1, 1.0)  # between two kills

    def __init__(self, folder, binary):
        self.binary, self.data = binary, folder / "data"
        self.process = None
        self.listen = "127.0.0.1:0"
        self.start()
        self.place = (self.data / "endpoint").read_text().strip()
        self.listen = self.place.removeprefix("http://")
        keys = dict(line.split("=", 1) for line in (self.data / "credentials").read_text().replace(" ", "").splitlines() if "=" in line)
        self.environment = {**os.environ, "AWS_ACCESS_KEY_ID": keys["aws_access_key_id"],
                            "AWS_SECRET_ACCESS_KEY": keys["aws_secret_access_key"]}

    def start(self):
        self.process = subprocess.Popen([self.binary, "serve", "--data", str(self.data), "--listen", self.listen, "--log-level", "error"],
                                        stdout=subprocess.PIPE, text=True)
        if "ready" not in self.process.stdout.readline():
            raise AssertionError("the service did not start")

    def kill_and_start(self):
        self.close()
        self.start()

    def close(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()


class Rados:
    pauses_s = (1.0, 4.0)

    def __init__(self):
        from support import radosgw
        self.gateway = radosgw.RadosGateway("memstore")
        self.place = self.gateway.endpoint
        self.environment = {**os.environ, "AWS_ACCESS_KEY_ID": radosgw.ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": radosgw.SECRET_KEY}

    def kill_and_start(self):
        gateway = self.gateway.processes.pop()
        gateway.kill()
        gateway.wait()
        self.gateway.begin("radosgw", "-f", "-n", "client.rgw")
        self.gateway.until("the gateway's return", self.gateway.answers)

    def close(self):
        self.gateway.close()


def store_of(name, folder):
    if name == "files":
        return Files(folder)
    return Rados() if name == "radosgw" else Embedded(folder, name)


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
    killed = 0
    try:
        print(f"{options.kills} kills on {options.store}, seed {seed}", flush=True)
        (folder / "instances").mkdir()
        store = store_of(options.store, folder)
        try:
            hunt = subprocess.Popen([options.program, store.place, str(folder / "instances"), str(options.kills), str(seed)],
                                    env=store.environment)
            dice = random.Random(seed)
            while options.store != "files" and hunt.poll() is None:
                time.sleep(dice.uniform(*store.pauses_s))
                if hunt.poll() is None:
                    store.kill_and_start()
                    killed += 1
            code = hunt.wait()
        finally:
            store.close()
        if killed:
            print(f"  {killed:7} kills of the server meanwhile")
        sys.exit(code)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
