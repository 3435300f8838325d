"""Debian's rclone against the object store."""
import json
import os
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.service import Service  # noqa: E402


class S3WithRclone(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = Service("--slots", "1")
        text = (cls.service.data / "credentials").read_text().replace(" ", "")
        keys = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        (cls.service.folder / "rclone.conf").write_text(f"""[h]
type = s3
provider = Other
endpoint = {cls.service.endpoint}
access_key_id = {keys["aws_access_key_id"]}
secret_access_key = {keys["aws_secret_access_key"]}
region = us-east-1
upload_cutoff = 1M
chunk_size = 5M
""")

        cls.command = ["/usr/bin/rclone", "--config", str(cls.service.folder / "rclone.conf"), "--retries", "1"]
        # It cannot use a bundle of certificates from the environment, and needs none here.
        cls.environment = {name: value for name, value in os.environ.items() if name != "AWS_CA_BUNDLE"}

    @classmethod
    def tearDownClass(cls):
        cls.service.close()

    def rclone(self, *arguments):
        return subprocess.run([*self.command, *arguments], text=True, capture_output=True, timeout=120, env=self.environment)

    def ok(self, *arguments):
        done = self.rclone(*arguments)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_trees_are_synchronised_checked_and_removed(self):
        folder = self.service.folder / "tree"
        names = ["a.txt", "b/c.txt", "b/d e+f%.txt", "ü/ä.bin", "big"]
        for name in names:
            (folder / "up" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "up" / name).write_bytes(os.urandom(11 * 1024 * 1024 if name == "big" else 100))
        up, down = str(folder / "up"), str(folder / "down")
        self.ok("mkdir", "h:rclone-tree")
        self.ok("sync", up, "h:rclone-tree/data")
        self.ok("check", up, "h:rclone-tree/data")
        self.assertEqual(sorted(self.ok("lsf", "-R", "--files-only", "h:rclone-tree/data").splitlines()), sorted(names))
        self.assertEqual(sorted(self.ok("lsf", "-R", "--files-only", "--s3-versions", "h:rclone-tree/data").splitlines()), sorted(names))
        self.ok("sync", "h:rclone-tree/data", down)
        self.ok("check", up, down)
        # Times of files are metadata of objects: nothing is sent a second time.
        listed = {entry["Path"]: entry for entry in json.loads(self.ok("lsjson", "-R", "--files-only", "h:rclone-tree/data"))}
        self.assertEqual(listed["a.txt"]["ModTime"][:19], json.loads(self.ok("lsjson", up + "/a.txt"))[0]["ModTime"][:19])
        again = self.rclone("sync", "-v", up, "h:rclone-tree/data")
        self.assertNotIn("Copied", again.stderr)

        self.ok("copyto", "h:rclone-tree/data/big", "h:rclone-tree/copy")
        self.ok("moveto", "h:rclone-tree/copy", "h:rclone-tree/moved")
        self.assertEqual(json.loads(self.ok("size", "--json", "h:rclone-tree/moved"))["bytes"], 11 * 1024 * 1024)
        self.ok("touch", "h:rclone-tree/data/a.txt")
        (folder / "up/a.txt").unlink()
        self.ok("sync", up, "h:rclone-tree/data")
        self.assertNotIn("a.txt", self.ok("lsf", "h:rclone-tree/data"))
        self.ok("purge", "h:rclone-tree")
        self.assertNotEqual(self.rclone("lsf", "h:rclone-tree").returncode, 0)

    def test_a_stream_of_unknown_length_is_an_object(self):
        self.ok("mkdir", "h:rclone-stream")
        done = subprocess.run([*self.command, "rcat", "h:rclone-stream/s"], input=b"s" * 3_000_000, capture_output=True,
                              timeout=120, env=self.environment)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(self.ok("size", "--json", "h:rclone-stream/s"))["bytes"], 3_000_000)

    def test_addresses_that_it_presigns_for_itself_are_good_for_a_put(self):
        # It says the length of such a body twice, and signs it once.
        (self.service.folder / "small").write_bytes(b"presigned")
        self.ok("mkdir", "h:rclone-presigned")
        self.ok("copy", str(self.service.folder / "small"), "h:rclone-presigned/x", "--s3-use-presigned-request")
        self.assertEqual(self.ok("cat", "h:rclone-presigned/x/small"), "presigned")


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
