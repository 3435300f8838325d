"""Ceph's S3 gateway of Debian (packages radosgw, ceph-mon, ceph-osd) on loopback, in a folder of its own: one monitor, one
OSD on a file, one gateway; no authentication between the three, since nobody else can reach them."""
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time
import uuid

ACCESS_KEY, SECRET_KEY = "HOLDFASTTESTKEY00000", "holdfast-test-secret"

# The two intervals of paxos are for a quick start; "ms mon client mode" is what a gateway without cephx needs.
CONFIGURATION = """
[global]
fsid = {fsid}
mon host = [v2:127.0.0.1:{monitor},v1:127.0.0.1:{monitor_v1}]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
auth cluster required = none
auth service required = none
auth client required = none
run dir = {folder}/run
admin socket = {folder}/run/$name.asok
log file = {folder}/log/$name.log
pid file = {folder}/run/$name.pid
keyring = {folder}/keyring
mon allow pool size one = true
mon warn on pool no redundancy = false
mon max pg per osd = 1000
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
osd objectstore = {store}
memstore device bytes = 8589934592
bluestore block size = 12884901888
bluestore block create = true
osd memory target = 1073741824
paxos propose interval = 0.02
paxos min wait = 0.01
[mon.a]
mon data = {folder}/mon
[osd.0]
osd data = {folder}/osd
[client.rgw]
rgw data = {folder}/rgw
ms mon client mode = crc
rgw frontends = beast endpoint=127.0.0.1:{port}
rgw enable usage log = false
rgw gc obj min wait = 5
rgw gc processor period = 5
rgw enable quota threads = false
rgw enable lc threads = false
rgw run sync thread = false
"""

KEYRING = """
[mon.]
\tkey = {key}
\tcaps mon = "allow *"
[client.admin]
\tkey = {key}
\tcaps mon = "allow *"
"""


def is_installed():
    return all(shutil.which(name) for name in ("radosgw", "ceph-mon", "ceph-osd"))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class RadosGateway:
    """close() ends all three processes and removes the folder."""

    def __init__(self, store):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="holdfast-radosgw-"))
        self.processes = []
        for name in ("mon", "osd", "rgw", "run", "log"):
            (self.folder / name).mkdir()
        port = free_port()
        self.endpoint = f"http://127.0.0.1:{port}"
        self.environment = {**os.environ, "CEPH_CONF": str(self.folder / "ceph.conf")}
        fsid = str(uuid.uuid4())
        (self.folder / "ceph.conf").write_text(CONFIGURATION.format(
            fsid=fsid, folder=self.folder, store=store, port=port, monitor=free_port(), monitor_v1=free_port()))
        try:
            self.start(fsid)
        except BaseException:
            self.close()
            raise

    def run(self, *command):
        return subprocess.run(command, env=self.environment, text=True, capture_output=True, check=True, timeout=120).stdout

    def begin(self, *command):
        with open(self.folder / "log" / (command[0] + ".out"), "wb") as out:
            self.processes.append(subprocess.Popen(command, env=self.environment, stdout=out, stderr=subprocess.STDOUT))

    def until(self, what, condition):
        deadline = time.monotonic() + 120
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"radosgw: {what} did not happen; see {self.folder}/log")
            time.sleep(0.1)

    def answers(self):
        try:
            socket.create_connection(("127.0.0.1", int(self.endpoint.rsplit(":", 1)[1])), timeout=1).close()
            return True
        except OSError:
            return False

    def start(self, fsid):
        monitors = str(self.folder / "monmap")
        (self.folder / "keyring").write_text(KEYRING.format(key=self.run("ceph-authtool", "--gen-print-key").strip()))
        text = (self.folder / "ceph.conf").read_text()
        host = next(line.split("= ", 1)[1] for line in text.splitlines() if line.startswith("mon host"))
        self.run("monmaptool", "--create", "--clobber", "--fsid", fsid, "--addv", "a", host, monitors)
        self.run("ceph-mon", "--mkfs", "-i", "a", "--monmap", monitors, "--keyring", str(self.folder / "keyring"))
        self.begin("ceph-mon", "-i", "a", "-f")
        self.until("the monitor's start", lambda: subprocess.run(
            ["ceph", "--connect-timeout", "5", "-s"], env=self.environment, capture_output=True).returncode == 0)
        osd = str(uuid.uuid4())
        self.run("ceph", "osd", "new", osd)
        self.run("ceph-osd", "-i", "0", "--mkfs", "--osd-uuid", osd)
        self.begin("ceph-osd", "-i", "0", "-f")
        self.until("the OSD's start", lambda: "1 up" in self.run("ceph", "osd", "stat"))
        self.begin("radosgw", "-f", "-n", "client.rgw")
        self.until("the gateway's start", self.answers)
        self.run("radosgw-admin", "user", "create", "--uid=bench", "--display-name=bench",
                 f"--access-key={ACCESS_KEY}", f"--secret={SECRET_KEY}")
        self.credentials = self.folder / "credentials"
        self.credentials.write_text(f"[default]\naws_access_key_id = {ACCESS_KEY}\naws_secret_access_key = {SECRET_KEY}\n")
        self.pids = [process.pid for process in self.processes]

    def close(self):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
