"""Channels in FastFile mode: only what is read is fetched, whatever dies nothing stays mounted, and where there is no FUSE
the files are copied."""
import hashlib
import os
import pathlib
import random
import re
import shutil
import signal
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support import service as support  # noqa: E402
from support.service import Service, wait_for  # noqa: E402

DATA = "/opt/ml/input/data/train/"
MIB = 1 << 20
SIZE = 160 * MIB
CAN_MOUNT = 1 << 21  # CAP_SYS_ADMIN


def has_fuse():
    try:
        os.close(os.open("/dev/fuse", os.O_RDWR))
    except OSError:
        return False
    status = pathlib.Path("/proc/self/status").read_text()
    capabilities = int(re.search(r"CapEff:\s*([0-9a-f]+)", status)[1], 16)
    return bool(capabilities & CAN_MOUNT) or (os.geteuid() != 0 and shutil.which("fusermount3") is not None)


def channel(uri):
    return {"ChannelName": "train", "InputMode": "FastFile",
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}}


class FastFiles(unittest.TestCase):
    def setUp(self):
        self.service = Service("--slots", "2")
        self.s3 = self.service.client("s3")
        self.s3.create_bucket(Bucket="tests")
        self.bytes = random.Random(1).randbytes(SIZE)

    def tearDown(self):
        checked = self.service.holdfast("check-history", check=False)
        self.service.close()
        wait_for("nothing is mounted any more", lambda: not self.mounts())
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)

    def put_large(self, key):
        self.s3.put_object(Bucket="tests", Key=key, Body=self.bytes)

    def mounts(self):
        text = pathlib.Path("/proc/self/mountinfo").read_text()
        return [line for line in text.splitlines() if str(self.service.folder) in line]

    def processes(self, *words):
        """Of this service's instances, those whose command line has these words."""
        found = []
        for entry in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if str(self.service.data / "instances").encode() in command and all(word.encode() in command for word in words):
                found.append(int(entry.name))
        return found

    def digest(self, begin, length):
        return hashlib.sha256(self.bytes[begin:begin + length]).hexdigest()

    @unittest.skipUnless(has_fuse(), "FUSE cannot be used here: nothing was tested")
    def test_only_what_is_read_is_fetched(self):
        self.put_large("once/large")
        self.s3.put_object(Bucket="tests", Key="once/deep/small", Body=b"small")
        self.service.create("once", f"""
import hashlib, os
print('files', sorted(os.path.join(d, f)[len('{DATA}'):] for d, _, fs in os.walk('{DATA}') for f in fs))
print('sizes', os.path.getsize('{DATA}large'), os.path.getsize('{DATA}deep/small'))
with open('{DATA}large', 'rb') as f:
    f.seek({90 * MIB} + 7)
    print('part', hashlib.sha256(f.read({3 * MIB})).hexdigest())
print('small', open('{DATA}deep/small').read())
print('type', [line.split()[-3] for line in open('/proc/self/mountinfo') if '{DATA[:-1]} ' in line])
try:
    open('{DATA}large', 'r+')
except OSError as e:
    print('refused', e.strerror)
""", spot=False, checkpoint=False, InputDataConfig=[channel("s3://tests/once")])
        job = self.service.wait_for_end("once")
        lines = self.service.lines("once")
        self.assertEqual(job["TrainingJobStatus"], "Completed", lines)
        for line in ("files ['deep/small', 'large']", f"sizes {SIZE} 5", f"part {self.digest(90 * MIB + 7, 3 * MIB)}", "small small",
                     "type ['fuse.fastfile']", "refused Read-only file system"):
            self.assertIn(line, lines)
        said = [re.search(r"channel 'train': ([0-9.]+) MB of its 167.8 MB came from the store", line) for line in lines]
        fetched = [float(match[1]) for match in said if match]
        self.assertEqual(len(fetched), 1, lines)
        self.assertGreaterEqual(fetched[0], 3)
        self.assertLess(fetched[0], 40)
        wait_for("nothing is mounted after the job", lambda: not self.mounts())

    @unittest.skipUnless(has_fuse(), "FUSE cannot be used here: nothing was tested")
    def test_files_come_from_another_s3_and_from_a_directory_too(self):
        other = Service()
        self.addCleanup(other.close)
        far = other.client("s3")
        far.create_bucket(Bucket="far")
        far.put_object(Bucket="far", Key="data/large", Body=self.bytes)
        directory = self.service.folder / "shared"
        directory.mkdir()
        self.s3.create_bucket(Bucket="near")
        self.s3.put_object(Bucket="near", Key="data/large", Body=self.bytes)
        (self.service.data / "objects" / "near").rename(directory / "near")
        self.service.holdfast("buckets", "add", "near", "--directory", str(directory))
        self.service.holdfast("buckets", "add", "far", "--s3", other.endpoint, "--credentials", str(other.data / "credentials"))
        for bucket in ("far", "near"):
            self.service.create(bucket, f"""
import hashlib, os
print('part', hashlib.sha256(os.pread(os.open('{DATA}large', os.O_RDONLY), {MIB}, {70 * MIB} + 3)).hexdigest())
print('whole', hashlib.sha256(open('{DATA}large', 'rb').read()).hexdigest())
""", spot=False, checkpoint=False, InputDataConfig=[channel(f"s3://{bucket}/data/")])
        for bucket in ("far", "near"):
            job = self.service.wait_for_end(bucket)
            lines = self.service.lines(bucket)
            self.assertEqual(job["TrainingJobStatus"], "Completed", lines)
            self.assertIn(f"part {self.digest(70 * MIB + 3, MIB)}", lines)
            self.assertIn(f"whole {self.digest(0, SIZE)}", lines)
            self.assertTrue(any("came from the store" in line for line in lines), lines)
        secret = re.search(r"secret_access_key\s*=\s*(\S+)", (other.data / "credentials").read_text())[1]
        for log in self.service.data.rglob("agent.log"):
            self.assertNotIn(secret, log.read_text(errors="replace"))

    @unittest.skipUnless(has_fuse(), "FUSE cannot be used here: nothing was tested")
    def test_a_program_that_waits_for_a_store_can_still_be_killed(self):
        other = Service()
        self.addCleanup(other.close)
        self.addCleanup(other.process.send_signal, signal.SIGCONT)
        far = other.client("s3")
        far.create_bucket(Bucket="far")
        far.put_object(Bucket="far", Key="data/large", Body=self.bytes)
        self.service.holdfast("buckets", "add", "far", "--s3", other.endpoint, "--credentials", str(other.data / "credentials"))
        self.service.create("hangs", f"""
import os, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
f = os.open('{DATA}large', os.O_RDONLY)
while not os.path.exists('{DATA}go'):
    os.posix_fadvise(f, 0, 0, os.POSIX_FADV_DONTNEED)
    for at in range(0, {SIZE}, {MIB}):
        os.pread(f, 1000, at)
    print('round')
""", InputDataConfig=[channel("s3://far/data/")])
        self.service.wait_for_line("hangs", "round")
        other.process.send_signal(signal.SIGSTOP)
        self.service.interrupt("hangs", 10)
        # Said after its end, by an agent that still has time.
        self.service.wait_for_line("hangs", "the program did not end in time and was killed")
        self.service.wait_for_line("hangs", "came from the store")
        wait_for("its processes are gone", lambda: not self.processes("fast-files"))
        self.assertFalse(self.mounts())
        other.process.send_signal(signal.SIGCONT)
        far.put_object(Bucket="far", Key="data/go", Body=b"")
        self.assertEqual(self.service.wait_for_end("hangs")["TrainingJobStatus"], "Completed")

    # Its first attempt reads a part and waits; the one that finds `go` ends.
    def start_in_two_attempts(self, name, after_the_part):
        self.put_large(f"{name}/large")
        self.service.create(name, f"""
import hashlib, os, signal
f = os.open('{DATA}large', os.O_RDONLY)
print('part', hashlib.sha256(os.pread(f, {MIB}, {20 * MIB})).hexdigest())
if not os.path.exists('{DATA}go'):
    print('waits')
    at = 0
    while True:
        {after_the_part}
os.lseek(f, 0, os.SEEK_SET)
print('whole', hashlib.sha256(open(f, 'rb').read()).hexdigest())
""", InputDataConfig=[channel(f"s3://tests/{name}/")])
        self.service.wait_for_line(name, "waits")
        self.assertEqual(len(self.processes("fast-files")), 1)
        self.assertTrue(self.mounts())
        self.s3.put_object(Bucket="tests", Key=f"{name}/go", Body=b"")

    def check_second_attempt(self, name):
        job = self.service.wait_for_end(name)
        lines = self.service.lines(name)
        self.assertEqual(job["TrainingJobStatus"], "Completed", lines)
        self.assertEqual(lines.count(f"part {self.digest(20 * MIB, MIB)}"), 2, lines)
        self.assertIn(f"whole {self.digest(0, SIZE)}", lines)
        wait_for("nothing is mounted after the job", lambda: not self.mounts())
        wait_for("no process of it is left", lambda: not self.processes("fast-files"))

    @unittest.skipUnless(has_fuse(), "FUSE cannot be used here: nothing was tested")
    def test_killing_the_agent_leaves_nothing_mounted_and_the_job_goes_on(self):
        self.start_in_two_attempts("agent", "signal.pause()")
        os.kill(self.processes("agent", "--directory")[0], signal.SIGKILL)
        self.check_second_attempt("agent")

    @unittest.skipUnless(has_fuse(), "FUSE cannot be used here: nothing was tested")
    def test_a_file_system_that_dies_costs_an_attempt_and_not_the_job(self):
        self.start_in_two_attempts("files", f"os.pread(f, 4096, at % {SIZE}); at += 4096")
        os.kill(self.processes("fast-files")[0], signal.SIGKILL)
        self.check_second_attempt("files")
        self.assertEqual(sum("has ended; this attempt ends" in line for line in self.service.lines("files")), 1)

    @unittest.skipUnless(has_fuse(), "FUSE cannot be used here: nothing was tested")
    def test_what_was_killed_in_every_part_is_unmounted_by_the_next_service(self):
        self.start_in_two_attempts("all", "signal.pause()")
        self.service.kill()
        for pid in self.processes("fast-files") + self.processes("agent", "--directory"):
            os.kill(pid, signal.SIGKILL)
        wait_for("they are dead", lambda: not self.processes("--directory"))
        self.assertTrue(self.mounts())
        self.service.start()
        self.s3 = self.service.client("s3")
        self.check_second_attempt("all")

    @unittest.skipUnless(has_fuse(), "FUSE cannot be used here: nothing was tested")
    def test_an_object_that_is_replaced_is_an_error_and_a_line_that_says_so(self):
        self.put_large("replaced/large")
        self.service.create("replaced", f"""
import os
f = os.open('{DATA}large', os.O_RDONLY)
os.pread(f, 1000, 0)
print('reads')
try:
    while True:  # round and round, as not all of it is kept in memory
        os.posix_fadvise(f, 0, 0, os.POSIX_FADV_DONTNEED)
        for at in range(0, {SIZE}, {MIB}):
            os.pread(f, 1000, at)
except OSError as e:
    print('error', e.strerror)
""", spot=False, checkpoint=False, InputDataConfig=[channel("s3://tests/replaced/")])
        self.service.wait_for_line("replaced", "reads")
        self.s3.put_object(Bucket="tests", Key="replaced/large", Body=self.bytes[::-1])
        job = self.service.wait_for_end("replaced")
        lines = self.service.lines("replaced")
        self.assertEqual(job["TrainingJobStatus"], "Completed", lines)
        self.assertIn("error Input/output error", lines)
        self.assertEqual(sum("s3://tests/replaced/large was replaced" in line for line in lines), 1, lines)

    @unittest.skipUnless(os.geteuid() == 0 and has_fuse(), "only root can take FUSE away from a service: nothing was tested")
    def test_where_there_is_no_fuse_the_files_are_copied_and_the_log_says_why(self):
        without = self.service.folder / "holdfast-without-fuse"
        without.write_text("#!/bin/sh\nexec unshare --mount sh -c 'mount --bind /dev/null /dev/fuse && exec \"$0\" \"$@\"' "
                           f"{support.BINARY} \"$@\"\n")
        without.chmod(0o755)
        self.service.kill()
        real, support.BINARY = support.BINARY, str(without)
        try:
            self.service.start()
        finally:
            support.BINARY = real
        self.s3 = self.service.client("s3")
        self.s3.put_object(Bucket="tests", Key="copied/a", Body=b"one")
        self.service.create("copied", f"print('read', open('{DATA}a').read())\ntry:\n    open('{DATA}a', 'w')\n"
                            "except OSError:\n    print('refused')\n",
                            spot=False, checkpoint=False, InputDataConfig=[channel("s3://tests/copied/")])
        job = self.service.wait_for_end("copied")
        lines = self.service.lines("copied")
        self.assertEqual(job["TrainingJobStatus"], "Completed", lines)
        self.assertIn("read one", lines)
        self.assertIn("refused", lines)
        said = [line for line in lines if "channels in FastFile mode are copied before the start" in line]
        self.assertEqual(len(said), 1, lines)
        self.assertIn("may not be mounted here", said[0])


if __name__ == "__main__":
    unittest.main(verbosity=2)
