"""Debian's awscli against the object store: what people type to bring data in and results out."""
import base64
import hashlib
import os
import pathlib
import sys
import unittest
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.awscli import AwsCli  # noqa: E402
from support.service import Service  # noqa: E402

MIB = 1024 * 1024


class S3WithAwsCli(AwsCli, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = Service("--slots", "1")
        # So that a few MiB are a multipart upload and a download in ranges.
        (cls.service.folder / "config").write_text(
            "[default]\ns3 =\n  multipart_threshold = 1MB\n  multipart_chunksize = 5MB\n")
        cls.variables = {"AWS_CONFIG_FILE": str(cls.service.folder / "config")}

    @classmethod
    def tearDownClass(cls):
        cls.service.close()

    def setUp(self):
        self.bucket = "cli-" + self.id().split(".")[-1].replace("_", "-")[:40].rstrip("-")
        self.folder = self.service.folder / self.bucket
        self.folder.mkdir()
        self.ok("s3", "mb", f"s3://{self.bucket}")

    def file(self, name, contents):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(contents)
        return path

    def test_large_files_go_up_and_down_whole_and_are_copied(self):
        contents = os.urandom(11 * MIB)
        there = f"s3://{self.bucket}/big"
        self.ok("s3", "cp", str(self.file("big", contents)), there)
        head = self.ok("s3api", "head-object", "--bucket", self.bucket, "--key", "big")
        self.assertEqual(head["ContentLength"], len(contents))
        self.assertTrue(head["ETag"].endswith('-3"'), head["ETag"])
        self.ok("s3", "cp", there, str(self.folder / "back"))
        self.assertEqual((self.folder / "back").read_bytes(), contents)
        self.ok("s3", "cp", there, f"s3://{self.bucket}/copy")
        self.ok("s3", "mv", f"s3://{self.bucket}/copy", str(self.folder / "moved"))
        self.assertEqual((self.folder / "moved").read_bytes(), contents)
        self.refused("404", "", "s3api", "head-object", "--bucket", self.bucket, "--key", "copy")
        self.ok("s3api", "get-object", "--bucket", self.bucket, "--key", "big", "--range", "bytes=7-1000",
                str(self.folder / "part"))
        self.assertEqual((self.folder / "part").read_bytes(), contents[7:1001])

    def test_folders_are_synchronised_both_ways(self):
        names = ["a.txt", "b/c.txt", "b/d e+f%.txt", "ü/ä.bin"]
        for name in names:
            self.file("up/" + name, name.encode())
        up, down, there = str(self.folder / "up"), self.folder / "down", f"s3://{self.bucket}/data"
        self.ok("s3", "sync", up, there)
        self.assertEqual(self.ok("s3", "sync", up, there), "")
        self.ok("s3", "sync", there, str(down))
        self.assertEqual({str(p.relative_to(down)): p.read_text() for p in down.rglob("*") if p.is_file()},
                         {name: name for name in names})
        self.assertIn("PRE b/", self.ok("s3", "ls", there + "/"))
        self.assertEqual(len(self.ok("s3", "ls", there, "--recursive").splitlines()), len(names))
        (self.folder / "up/a.txt").unlink()
        self.assertIn("a.txt", self.ok("s3", "sync", up, there, "--delete"))
        self.ok("s3", "rm", there, "--recursive", "--exclude", "*", "--include", "*.bin")
        self.assertEqual(len(self.ok("s3", "ls", there, "--recursive").splitlines()), len(names) - 2)
        self.refused("BucketNotEmpty", "", "s3", "rb", f"s3://{self.bucket}")
        self.ok("s3", "rb", f"s3://{self.bucket}", "--force")
        self.refused("NoSuchBucket", "", "s3", "ls", f"s3://{self.bucket}")

    def test_what_is_said_of_an_object_comes_back(self):
        path = str(self.file("f.txt", b"text"))
        self.ok("s3", "cp", path, f"s3://{self.bucket}/f.txt", "--metadata", "colour=blue", "--cache-control", "max-age=1",
                "--content-type", "text/plain", "--storage-class", "STANDARD_IA", "--sse", "AES256")
        self.service.terminate()
        self.service.start()
        head = self.ok("s3api", "head-object", "--bucket", self.bucket, "--key", "f.txt")
        self.assertEqual(head["Metadata"], {"colour": "blue"})
        self.assertEqual((head["ContentType"], head["CacheControl"]), ("text/plain", "max-age=1"))
        self.assertEqual((head["StorageClass"], head["ServerSideEncryption"]), ("STANDARD_IA", "AES256"))
        self.assertEqual(head["ETag"], '"1cb251ec0d568de6a929b520c4aed8d1"')
        self.ok("s3api", "put-object", "--bucket", self.bucket, "--key", "sum", "--body", path, "--checksum-algorithm", "SHA256")
        head = self.ok("s3api", "head-object", "--bucket", self.bucket, "--key", "sum", "--checksum-mode", "ENABLED")
        self.assertEqual(head["ChecksumSHA256"], base64.b64encode(hashlib.sha256(b"text").digest()).decode())
        self.ok("s3api", "put-object-tagging", "--bucket", self.bucket, "--key", "f.txt", "--tagging", "TagSet=[{Key=a,Value=b}]")
        self.assertEqual(self.ok("s3api", "get-object-tagging", "--bucket", self.bucket, "--key", "f.txt")["TagSet"],
                         [{"Key": "a", "Value": "b"}])

    def test_what_is_asked_of_a_bucket(self):
        here = ("--bucket", self.bucket)
        self.assertIsNone(self.ok("s3api", "get-bucket-location", *here)["LocationConstraint"])
        self.assertEqual(self.ok("s3api", "get-bucket-versioning", *here), "")
        self.assertEqual(self.ok("s3api", "get-bucket-acl", *here)["Grants"][0]["Permission"], "FULL_CONTROL")
        for operation, code in (("get-bucket-policy", "NoSuchBucketPolicy"), ("get-bucket-cors", "NoSuchCORSConfiguration"),
                                ("get-bucket-lifecycle-configuration", "NoSuchLifecycleConfiguration"),
                                ("get-bucket-tagging", "NoSuchTagSet"),
                                ("get-bucket-encryption", "ServerSideEncryptionConfigurationNotFoundError"),
                                ("get-object-lock-configuration", "ObjectLockConfigurationNotFoundError")):
            self.refused(code, "", "s3api", operation, *here)
        self.refused("NotImplemented", "", "s3api", "put-bucket-versioning", *here, "--versioning-configuration", "Status=Enabled")
        self.ok("s3api", "head-bucket", *here, "--expected-bucket-owner", "000000000000")
        self.refused("403", "", "s3api", "head-bucket", *here, "--expected-bucket-owner", "111111111111")
        self.ok("s3api", "delete-bucket-policy", *here)

    def test_an_address_may_be_handed_on(self):
        self.ok("s3", "cp", str(self.file("f", b"handed on")), f"s3://{self.bucket}/a b/ü+%")
        url = self.ok("s3", "presign", f"s3://{self.bucket}/a b/ü+%", "--expires-in", "60").strip()
        self.assertEqual(urllib.request.urlopen(url).read(), b"handed on")
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(url.replace("a%20b", "other"))
        self.assertEqual(refused.exception.code, 403)

    def test_uploads_in_parts_are_listed_and_given_up(self):
        here = ("--bucket", self.bucket, "--key", "k")
        upload = self.ok("s3api", "create-multipart-upload", *here)["UploadId"]
        self.ok("s3api", "upload-part", *here, "--upload-id", upload, "--part-number", "7", "--body", str(self.file("p", b"part")))
        parts = self.ok("s3api", "list-parts", *here, "--upload-id", upload)["Parts"]
        self.assertEqual([(part["PartNumber"], part["Size"]) for part in parts], [(7, 4)])
        self.assertEqual([one["UploadId"] for one in self.ok("s3api", "list-multipart-uploads", *here[:2])["Uploads"]], [upload])
        self.ok("s3api", "abort-multipart-upload", *here, "--upload-id", upload)
        self.refused("NoSuchUpload", "", "s3api", "list-parts", *here, "--upload-id", upload)


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
