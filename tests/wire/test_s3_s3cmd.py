"""Debian's s3cmd against the object store."""
import os
import pathlib
import subprocess
import sys
import unittest
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.service import Service  # noqa: E402


class S3WithS3cmd(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = Service("--slots", "1")
        text = (cls.service.data / "credentials").read_text().replace(" ", "")
        keys = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        host = cls.service.endpoint.removeprefix("http://")
        cls.configuration = cls.service.folder / "s3cfg"
        cls.configuration.write_text(f"""[default]
access_key = {keys["aws_access_key_id"]}
secret_key = {keys["aws_secret_access_key"]}
host_base = {host}
host_bucket = {host}
use_https = False
multipart_chunk_size_mb = 5
""")

    @classmethod
    def tearDownClass(cls):
        cls.service.close()

    def s3cmd(self, *arguments):
        return subprocess.run(["/usr/bin/s3cmd", "-c", str(self.configuration), "--no-progress", *arguments], text=True,
                              capture_output=True, timeout=120)

    def ok(self, *arguments):
        done = self.s3cmd(*arguments)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_buckets_and_objects(self):
        folder = self.service.folder / "plain"
        folder.mkdir()
        self.ok("mb", "s3://s3cmd-plain")
        self.assertIn("s3://s3cmd-plain", self.ok("ls"))
        contents = os.urandom(11 * 1024 * 1024)
        (folder / "big").write_bytes(contents)
        self.ok("put", str(folder / "big"), "s3://s3cmd-plain/a b/big+%", "--add-header=x-amz-meta-colour:blue")
        self.ok("get", "s3://s3cmd-plain/a b/big+%", str(folder / "back"))
        self.assertEqual((folder / "back").read_bytes(), contents)
        info = self.ok("info", "s3://s3cmd-plain/a b/big+%")
        self.assertIn("colour", info)
        self.assertIn("11534336", info)
        self.assertIn("Location:", self.ok("info", "s3://s3cmd-plain"))
        self.ok("cp", "s3://s3cmd-plain/a b/big+%", "s3://s3cmd-plain/copy")
        self.ok("mv", "s3://s3cmd-plain/copy", "s3://s3cmd-plain/moved")
        self.assertIn("s3://s3cmd-plain/moved", self.ok("ls", "s3://s3cmd-plain"))
        self.ok("modify", "s3://s3cmd-plain/moved", "--add-header=Cache-Control:no-store")
        self.assertEqual(self.service.client("s3").head_object(Bucket="s3cmd-plain", Key="moved")["CacheControl"], "no-store")
        address = self.ok("signurl", "s3://s3cmd-plain/a b/big+%", "+600").strip()
        self.assertEqual(urllib.request.urlopen(address).read(), contents)
        self.assertNotEqual(self.s3cmd("rb", "s3://s3cmd-plain").returncode, 0)
        self.ok("del", "--recursive", "--force", "s3://s3cmd-plain")
        self.ok("rb", "s3://s3cmd-plain")
        self.assertNotEqual(self.s3cmd("ls", "s3://s3cmd-plain").returncode, 0)

    def test_folders_are_synchronised_both_ways(self):
        folder = self.service.folder / "sync"
        names = ["a.txt", "b/c.txt", "b/d e+f%.txt", "ü/ä.bin"]
        for name in names:
            (folder / "up" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "up" / name).write_text(name)
        (folder / "down").mkdir()
        self.ok("mb", "s3://s3cmd-sync")
        self.ok("sync", str(folder / "up") + "/", "s3://s3cmd-sync/data/")
        self.assertNotIn("upload:", self.ok("sync", str(folder / "up") + "/", "s3://s3cmd-sync/data/"))
        self.ok("sync", "s3://s3cmd-sync/data/", str(folder / "down") + "/")
        down = folder / "down"
        self.assertEqual({str(p.relative_to(down)): p.read_text() for p in down.rglob("*") if p.is_file()},
                         {name: name for name in names})
        (folder / "up/a.txt").unlink()
        self.ok("sync", "--delete-removed", str(folder / "up") + "/", "s3://s3cmd-sync/data/")
        self.assertNotIn("a.txt", self.ok("ls", "--recursive", "s3://s3cmd-sync"))
        self.assertIn("DIR", self.ok("ls", "s3://s3cmd-sync/data/"))
        self.ok("multipart", "s3://s3cmd-sync")


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
