"""Uploads by HTML forms: boto3 makes the policy and signs it, curl and requests send the form as a browser would."""
import os
import pathlib
import subprocess
import sys
import unittest

import boto3
import botocore.config
import botocore.exceptions
import requests

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.service import Service, wait_for  # noqa: E402

SIGNATURES = ("s3", "s3v4")  # version 2, which boto3 makes unasked, and version 4


class Forms(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = Service("--slots", "1")
        cls.s3 = cls.service.client("s3")
        for bucket in ("forms", "team-a"):
            cls.s3.create_bucket(Bucket=bucket)
        cls.signers = {version: cls.service.new_client("s3", signature_version=version) for version in SIGNATURES}

    @classmethod
    def tearDownClass(cls):
        cls.service.close()

    def form(self, key, fields=None, conditions=None, version="s3v4", bucket="forms", **options):
        fields = fields or {}
        conditions = [{name: value} for name, value in fields.items()] if conditions is None else conditions
        return self.signers[version].generate_presigned_post(bucket, key, Fields=fields, Conditions=conditions, **options)

    def post(self, form, contents, name="f.bin", changes=None, **options):
        return requests.post(form["url"], data={**form["fields"], **(changes or {})}, files={"file": (name, contents)}, **options)

    def body(self, key):
        return self.s3.get_object(Bucket="forms", Key=key)["Body"].read()

    def refused(self, answer, code, text=""):
        self.assertGreaterEqual(answer.status_code, 400)
        self.assertIn(f"<Code>{code}</Code>", answer.text)
        self.assertIn(text, answer.text)

    def test_what_the_policy_allows_is_stored(self):
        contents = os.urandom(3_000_000)
        for version in SIGNATURES:
            form = self.form(version + "/${filename}", {"Content-Type": "image/png", "x-amz-meta-a": "b", "acl": "private"},
                             version=version)
            answer = self.post(form, contents, "dir/käse \"1\".png")
            self.assertEqual(answer.status_code, 204, answer.text)
            key = next(found["Key"] for found in self.s3.list_objects_v2(Bucket="forms", Prefix=version)["Contents"])
            self.assertTrue(key.endswith(".png") and "dir" not in key, key)
            self.assertEqual(self.body(key), contents)
            head = self.s3.head_object(Bucket="forms", Key=key)
            self.assertEqual((head["ContentType"], head["Metadata"], head["ETag"]), ("image/png", {"a": "b"}, answer.headers["ETag"]))

    def test_a_form_of_curl(self):
        file = self.service.folder / "from curl.bin"
        file.write_bytes(os.urandom(20_000_000))
        for version in SIGNATURES:
            form = self.form("curl-" + version, version=version)
            fields = [argument for name, value in form["fields"].items() for argument in ("-F", f"{name}={value}")]
            done = subprocess.run(["curl", "-sS", "-w", "%{http_code}", *fields, "-F", f"file=@{file}", form["url"]], text=True,
                                  capture_output=True, timeout=120)
            self.assertEqual(done.stdout, "204", done.stderr)
            self.assertEqual(self.body("curl-" + version), file.read_bytes())

    def test_how_success_is_told(self):
        form = self.form("told", {"success_action_status": "201"})
        answer = self.post(form, b"x")
        self.assertEqual(answer.status_code, 201)
        self.assertEqual(answer.headers["Location"], form["url"].rstrip("/") + "/told")
        self.assertIn("<Bucket>forms</Bucket><Key>told</Key><ETag>&quot;9dd4e461268c8034f5c8564e155c67a6&quot;</ETag>",
                      answer.text.replace('"', "&quot;").replace("\n", "").replace("  ", ""))
        self.assertEqual(self.post(self.form("told", {"success_action_status": "200"}), b"x").status_code, 200)
        self.assertEqual(self.post(self.form("told", {"success_action_status": "404"}), b"x").status_code, 204)
        for field in ("success_action_redirect", "redirect"):
            answer = self.post(self.form("a b", {field: "https://example.com/done?x=1"}), b"x", allow_redirects=False)
            self.assertEqual(answer.status_code, 303)
            self.assertEqual(answer.headers["Location"], "https://example.com/done?x=1&bucket=forms&key=a%20b"
                                                         "&etag=%229dd4e461268c8034f5c8564e155c67a6%22")
        self.assertEqual(self.post(self.form("told", {"success_action_redirect": "javascript:alert(1)"}), b"x").status_code, 204)

    def test_what_the_policy_does_not_allow_is_not_stored(self):
        for version in SIGNATURES:
            form = self.form("no", {"acl": "private"}, version=version)
            self.refused(self.post(form, b"x", changes={"acl": "public-read"}), "AccessDenied", "Policy Condition failed")
            self.refused(self.post(form, b"x", changes={"key": "other"}), "AccessDenied", "Policy Condition failed")
            self.refused(self.post(form, b"x", changes={"x-amz-meta-a": "b"}), "AccessDenied", "Extra input fields: x-amz-meta-a")
            self.refused(self.post({**form, "url": form["url"].replace("forms", "team-a")}, b"x"), "AccessDenied", "$bucket")
            length = self.form("no", conditions=[["content-length-range", 2, 4]], version=version)
            self.refused(self.post(length, b"x"), "EntityTooSmall")
            self.refused(self.post(length, b"x" * 5), "EntityTooLarge")
            self.refused(self.post(self.form("no", version=version, ExpiresIn=-60), b"x"), "AccessDenied", "Policy expired")
            wrong = {name: value for name, value in form["fields"].items() if not name.lower().endswith("signature")}
            self.refused(self.post({**form, "fields": wrong}, b"x"), "AccessDenied")
            signature = next(name for name in form["fields"] if name.lower().endswith("signature"))
            self.refused(self.post(form, b"x", changes={signature: "0" * 64}), "SignatureDoesNotMatch")
        self.refused(self.post(self.form("no", {"success_action_status": "201", "x-amz-object-lock-mode": "COMPLIANCE"}), b"x"),
                     "NotImplemented", "x-amz-object-lock-mode")
        self.refused(self.post(self.form("no", {"x-amz-expected-bucket-owner": "111111111111"}), b"x"), "AccessDenied")
        self.refused(self.post(self.form("no", {"x-amz-copy-source": "forms/told"}), b"x"), "InvalidArgument", "x-amz-copy-source")
        self.refused(requests.post(self.service.endpoint + "/forms", data={"key": "no"}), "AccessDenied")
        self.refused(requests.post(self.service.endpoint + "/forms", files={"key": (None, "no"), "file": b"x"}), "AccessDenied")
        with self.assertRaises(botocore.exceptions.ClientError):
            self.s3.head_object(Bucket="forms", Key="no")
        wait_for("the bodies' files to go", lambda: not list((self.service.data / "uploads/incoming").iterdir()))

    def test_a_file_that_is_too_long_is_not_kept_while_it_comes(self):
        form = self.form("long", conditions=[["content-length-range", 0, 1000]])
        incoming = self.service.data / "uploads/incoming"
        seen, largest = 0, 0

        def contents():
            nonlocal seen, largest
            for _ in range(100):
                sizes = [file.stat().st_size for file in incoming.iterdir()]
                seen, largest = seen + len(sizes), max([largest, *sizes])
                yield os.urandom(100_000)

        boundary = "xYz"
        head = "".join(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
                       for name, value in form["fields"].items())
        head += f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'

        def whole():
            yield head.encode()
            yield from contents()
            yield f"\r\n--{boundary}--\r\n".encode()
        answer = requests.post(form["url"], data=whole(), headers={"Content-Type": f"multipart/form-data; boundary={boundary}"})
        self.refused(answer, "EntityTooLarge")
        self.assertGreater(seen, 0)
        self.assertLessEqual(largest, 1000)

    def test_a_key_signs_for_what_it_may_reach(self):
        profile = self.service.holdfast("keys", "add", "team-a", "--s3", "s3://team-a/in/").stdout
        keys = dict(line.split(" = ") for line in profile.splitlines() if " = " in line)
        for version in SIGNATURES:
            signer = boto3.client("s3", endpoint_url=self.service.endpoint, region_name="us-east-1", **keys,
                                  config=botocore.config.Config(signature_version=version, s3={"addressing_style": "path"}))
            self.assertEqual(self.post(signer.generate_presigned_post("team-a", "in/a"), b"x").status_code, 204)
            self.refused(self.post(signer.generate_presigned_post("team-a", "out/a"), b"x"), "AccessDenied",
                         "team-a is not authorized to perform: s3:PutObject on resource: arn:aws:s3:::team-a/out/a")

    def test_the_bucket_may_stand_in_the_host(self):
        form = self.form("in-the-host")
        host = form["url"].removeprefix("http://").split("/")[0]
        answer = requests.post(f"http://{host}/", data=form["fields"], files={"file": b"y"},
                               headers={"Host": "forms.localhost:" + host.split(":")[1]})
        self.assertEqual(answer.status_code, 204, answer.text)
        self.assertEqual(self.body("in-the-host"), b"y")


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
