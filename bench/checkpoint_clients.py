"""The clients that bench/checkpoints.py measures: how each moves a directory to an S3 and back, tuned for these two cores
as its own manual advises. Each command is a process of its own, with nothing known from before, but for ours in `again`."""
import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
KEYS = {"AWS_ACCESS_KEY_ID": "BENCHMARKACCESSKEY00", "AWS_SECRET_ACCESS_KEY": "benchmark-secret"}


class Run:
    """A process's wall clock, processor seconds and peak memory, its children's included."""

    def __init__(self, command, environment, stdin=None):
        begun = time.monotonic()
        self.process = subprocess.Popen(command, env=environment, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        # Both are short: no pipe fills up.
        self.output, self.errors = self.process.stdout.read(), self.process.stderr.read()
        _, status, usage = os.wait4(self.process.pid, 0)
        self.wall = time.monotonic() - begun
        self.process.returncode = os.waitstatus_to_exitcode(status)
        self.code = self.process.returncode
        self.cpu = usage.ru_utime + usage.ru_stime
        self.mib = usage.ru_maxrss / 1024
        self.process.stdout.close()
        self.process.stderr.close()


class Client:
    """One way to move directories. `workshop` is a folder for its configuration."""
    name = version = ""
    slow_with_small_files = False
    syncs = True

    def __init__(self, workshop, endpoint):
        self.workshop, self.endpoint = workshop, endpoint
        self.environment = {**os.environ, **KEYS, "HOME": str(workshop), "AWS_DEFAULT_REGION": "us-east-1",
                            "AWS_EC2_METADATA_DISABLED": "true", "AWS_PAGER": ""}
        self.environment.pop("AWS_CA_BUNDLE", None)

    def run(self, *command):
        done = Run([str(word) for word in command], self.environment)
        if done.code != 0:
            raise AssertionError(f"{self.name}: {' '.join(map(str, command))}: exit {done.code}\n{done.output}{done.errors}"[:3000])
        return done


class AwsCli(Client):
    name, slow_with_small_files = "awscli", True

    def __init__(self, workshop, endpoint):
        super().__init__(workshop, endpoint)
        # Twice its default of parts of 8 MB and no hash of a payload that goes to loopback; more requests at once than its
        # default of 10 were no faster on two cores.
        (workshop / "aws-config").write_text("[default]\nregion = us-east-1\ns3 =\n  max_concurrent_requests = 10\n"
                                             "  multipart_threshold = 64MB\n  multipart_chunksize = 16MB\n"
                                             "  payload_signing_enabled = false\n  addressing_style = path\n")
        self.environment["AWS_CONFIG_FILE"] = str(workshop / "aws-config")
        self.command = ["/usr/bin/aws", "--endpoint-url", endpoint, "s3", "sync", "--only-show-errors"]

    def up(self, folder, prefix):
        return self.run(*self.command, folder, f"s3://bench/{prefix}")

    def down(self, folder, prefix):
        return self.run(*self.command, f"s3://bench/{prefix}", folder)


class Rclone(Client):
    name = "rclone"

    def __init__(self, workshop, endpoint):
        super().__init__(workshop, endpoint)
        (workshop / "rclone.conf").write_text(
            f"[s]\ntype = s3\nprovider = Other\nendpoint = {endpoint}\nregion = us-east-1\nforce_path_style = true\n"
            f"access_key_id = {KEYS['AWS_ACCESS_KEY_ID']}\nsecret_access_key = {KEYS['AWS_SECRET_ACCESS_KEY']}\n"
            "no_check_bucket = true\nno_head = true\ndisable_checksum = true\nchunk_size = 16M\nupload_concurrency = 8\n")
        self.command = ["/usr/bin/rclone", "--config", workshop / "rclone.conf", "--transfers", "8", "--checkers", "8", "--fast-list",
                        "--multi-thread-streams", "4", "--retries", "1", "sync"]

    def up(self, folder, prefix):
        return self.run(*self.command, folder, f"s:bench/{prefix}")

    def down(self, folder, prefix):
        return self.run(*self.command, f"s:bench/{prefix}", folder)


class S3cmd(Client):
    name, slow_with_small_files = "s3cmd", True

    def __init__(self, workshop, endpoint):
        super().__init__(workshop, endpoint)
        host = endpoint.removeprefix("http://")
        (workshop / "s3cfg").write_text(
            f"[default]\naccess_key = {KEYS['AWS_ACCESS_KEY_ID']}\nsecret_key = {KEYS['AWS_SECRET_ACCESS_KEY']}\nhost_base = {host}\n"
            f"host_bucket = {host}\nuse_https = False\nguess_mime_type = False\nmultipart_chunk_size_mb = 64\n"
            "send_chunk = 1048576\nrecv_chunk = 1048576\n")
        self.command = ["/usr/bin/s3cmd", "-c", workshop / "s3cfg", "--no-progress", "-q", "sync"]

    def up(self, folder, prefix):
        return self.run(*self.command, f"{folder}/", f"s3://bench/{prefix}/")

    def down(self, folder, prefix):
        return self.run(*self.command, "--no-check-md5", f"s3://bench/{prefix}/", f"{folder}/")


class Boto3(Client):
    name, syncs = "boto3", False

    def up(self, folder, prefix):
        return self.run("/usr/bin/python3", HERE / "boto3_transfer.py", "up", self.endpoint, "bench", prefix, folder)

    def down(self, folder, prefix):
        return self.run("/usr/bin/python3", HERE / "boto3_transfer.py", "down", self.endpoint, "bench", prefix, folder)


class Ours(Client):
    name = "holdfast"

    def __init__(self, workshop, endpoint, program):
        super().__init__(workshop, endpoint)
        self.program = program
        self.fence = 100  # every restore is another attempt

    def place(self, prefix):
        return f"{self.endpoint}/bench/{prefix}" if self.endpoint.startswith("http") else f"{self.endpoint}/{prefix}"

    def up(self, folder, prefix):
        return self.run(self.program, "up", self.place(prefix), folder)

    def down(self, folder, prefix):
        self.fence += 1
        return self.run(self.program, "down", self.place(prefix), folder, self.fence)


class Follower:
    """Our agent beside a directory, as a process: `again` or `follow` of checkpoint_transfer."""

    def __init__(self, ours, command, folder, prefix):
        self.process = subprocess.Popen([ours.program, command, ours.place(prefix), str(folder)], env=ours.environment,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)

    def line(self):
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError("checkpoint_transfer ended early")
        return line

    def again(self):
        self.process.stdin.write("again\n")
        self.process.stdin.flush()
        return self.line()

    def close(self):
        """All that it still says, and its processor seconds."""
        self.process.stdin.close()
        rest = self.process.stdout.read()
        _, _, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = 0
        self.process.stdout.close()
        return rest, usage.ru_utime + usage.ru_stime


def versions():
    done = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version}\n", "awscli", "rclone", "s3cmd", "python3-boto3"],
                          text=True, capture_output=True)
    return ", ".join(" ".join(line.split()[:2]) for line in done.stdout.splitlines())


if __name__ == "__main__":
    sys.exit("this is a part of bench/checkpoints.py")
