"""boto3 against the object store: the calls of programs, and the promises that they rely on."""
import base64
import concurrent.futures
import hashlib
import io
import os
import pathlib
import socket
import sys
import unittest
import urllib.error
import urllib.parse
import urllib.request

import boto3.s3.transfer
import botocore.config
import botocore.exceptions

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.service import Service  # noqa: E402

ODD_KEYS = ["a", "a/", "a/b", "a//b", "/", "//x", "../../etc/passwd", "./x", "a/../b", "...", "with space", "plus+plus", "100%",
            "%2F", "ü/ä/中文/🙂", "tab\tand\nline", "quote\"<&>'", "?question=1&x#y", "~tilde*()!", "back\\slash",
            "k" * 1024, "/".join(["p" * 100] * 10)]


# Resolvers differ in whether they know that every name below localhost is this machine.
REAL_GETADDRINFO = socket.getaddrinfo
socket.getaddrinfo = lambda host, *rest, **more: REAL_GETADDRINFO(
    "127.0.0.1" if str(host).endswith(".localhost") or host == "localhost" else host, *rest, **more)


class S3WithBoto3(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = Service("--slots", "1")

    @classmethod
    def tearDownClass(cls):
        cls.service.close()

    def setUp(self):
        self.s3 = self.service.client("s3")
        self.bucket = "boto-" + self.id().split(".")[-1].replace("_", "-")[:40].rstrip("-")
        self.s3.create_bucket(Bucket=self.bucket)

    def put(self, key, body, **more):
        return self.s3.put_object(Bucket=self.bucket, Key=key, Body=body, **more)

    def body(self, key, **more):
        return self.s3.get_object(Bucket=self.bucket, Key=key, **more)["Body"].read()

    def refused(self, code, call, **arguments):
        with self.assertRaises(botocore.exceptions.ClientError) as refused:
            call(Bucket=self.bucket, **arguments)
        self.assertEqual(refused.exception.response["Error"]["Code"], code)

    def client(self, **s3):
        text = (self.service.data / "credentials").read_text().replace(" ", "")
        keys = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        port = self.service.endpoint.rsplit(":", 1)[1]
        return boto3.client("s3", endpoint_url=f"http://localhost:{port}", region_name="us-east-1",
                            aws_access_key_id=keys["aws_access_key_id"], aws_secret_access_key=keys["aws_secret_access_key"],
                            config=botocore.config.Config(s3=s3, signature_version="s3v4", retries={"max_attempts": 1}))

    def test_any_key_has_a_place_of_its_own(self):
        for key in ODD_KEYS:
            self.put(key, key.encode())
        for key in ODD_KEYS:
            self.assertEqual(self.body(key), key.encode())
        listed = [o["Key"] for o in self.s3.list_objects_v2(Bucket=self.bucket)["Contents"]]
        self.assertEqual(listed, sorted(ODD_KEYS, key=lambda key: key.encode()))
        self.assertEqual([o["Key"] for o in self.s3.list_objects(Bucket=self.bucket)["Contents"]], listed)
        self.refused("KeyTooLongError", self.s3.put_object, Key="k" * 1025, Body=b"")
        done = self.s3.delete_objects(Bucket=self.bucket, Delete={"Objects": [{"Key": key} for key in ODD_KEYS
                                                                              if "\n" not in key]})
        self.assertNotIn("Errors", done)
        self.s3.delete_object(Bucket=self.bucket, Key="tab\tand\nline")
        self.s3.delete_bucket(Bucket=self.bucket)

    def test_lists_come_in_pages_and_by_level(self):
        keys = [f"{a}/{b:02}" for a in "abc" for b in range(7)] + ["top"]
        for key in keys:
            self.put(key, b"")
        for name in ("list_objects", "list_objects_v2"):
            pages = self.s3.get_paginator(name).paginate(Bucket=self.bucket, PaginationConfig={"PageSize": 4})
            self.assertEqual([o["Key"] for page in pages for o in page["Contents"]], sorted(keys))
            pages = self.s3.get_paginator(name).paginate(Bucket=self.bucket, Delimiter="/", PaginationConfig={"PageSize": 2})
            found = [p["Prefix"] for page in pages for p in page.get("CommonPrefixes", [])]
            self.assertEqual(found, ["a/", "b/", "c/"])
        after = self.s3.list_objects_v2(Bucket=self.bucket, Prefix="b/", StartAfter="b/04", FetchOwner=True)
        self.assertEqual([o["Key"] for o in after["Contents"]], ["b/05", "b/06"])
        self.assertEqual(after["Contents"][0]["Owner"]["DisplayName"], "holdfast")

    def test_what_is_put_is_read_at_once_whole_and_in_parts(self):
        contents = os.urandom(100_000)
        put = self.put("k", contents)
        self.assertEqual(put["ETag"], f'"{hashlib.md5(contents).hexdigest()}"')
        for text, expected in (("bytes=0-0", contents[:1]), ("bytes=5-", contents[5:]), ("bytes=-7", contents[-7:]),
                               ("bytes=99990-200000", contents[99990:]), ("characters=1-2", contents)):
            self.assertEqual(self.body("k", Range=text), expected)
        self.refused("InvalidRange", self.s3.get_object, Key="k", Range="bytes=100000-")
        answer = self.s3.get_object(Bucket=self.bucket, Key="k", ResponseContentType="a/b", ResponseContentDisposition="attachment")
        self.assertEqual((answer["ContentType"], answer["ContentDisposition"]), ("a/b", "attachment"))
        self.refused("304", self.s3.get_object, Key="k", IfNoneMatch=put["ETag"])
        self.refused("304", self.s3.head_object, Key="k", IfModifiedSince=answer["LastModified"])
        self.refused("PreconditionFailed", self.s3.get_object, Key="k", IfMatch='"other"')
        self.refused("PreconditionFailed", self.s3.get_object, Key="k", IfUnmodifiedSince="2001-01-01")
        self.refused("NoSuchKey", self.s3.get_object, Key="none")

    def test_checksums_are_verified_kept_and_given_back(self):
        contents = os.urandom(10_000)
        for algorithm in ("CRC32", "SHA1", "SHA256"):  # CRC32C would need the CRT
            put = self.put(algorithm, contents, ChecksumAlgorithm=algorithm)
            got = self.s3.get_object(Bucket=self.bucket, Key=algorithm, ChecksumMode="ENABLED")
            self.assertEqual(got["Checksum" + algorithm], put["Checksum" + algorithm])
            self.assertEqual(got["Body"].read(), contents)
        self.refused("BadDigest", self.s3.put_object, Key="bad", Body=b"x", ChecksumSHA256=base64.b64encode(bytes(32)).decode())
        self.refused("BadDigest", self.s3.put_object, Key="bad", Body=b"x", ContentMD5=base64.b64encode(bytes(16)).decode())
        self.refused("404", self.s3.head_object, Key="bad")

    def test_transfers_in_parts_have_the_etag_of_s3(self):
        contents = os.urandom(12 * 1024 * 1024)
        part = 5 * 1024 * 1024
        config = boto3.s3.transfer.TransferConfig(multipart_threshold=1024 * 1024, multipart_chunksize=part)
        self.s3.upload_fileobj(io.BytesIO(contents), self.bucket, "big", Config=config,
                               ExtraArgs={"Metadata": {"a": "b"}, "ChecksumAlgorithm": "SHA256"})
        head = self.s3.head_object(Bucket=self.bucket, Key="big", ChecksumMode="ENABLED")
        md5s = b"".join(hashlib.md5(contents[at:at + part]).digest() for at in range(0, len(contents), part))
        shas = b"".join(hashlib.sha256(contents[at:at + part]).digest() for at in range(0, len(contents), part))
        self.assertEqual(head["ETag"], f'"{hashlib.md5(md5s).hexdigest()}-3"')
        self.assertEqual(head["ChecksumSHA256"], base64.b64encode(hashlib.sha256(shas).digest()).decode() + "-3")
        self.assertEqual(head["Metadata"], {"a": "b"})
        self.assertEqual(self.body("big", PartNumber=2), contents[part:2 * part])
        target = io.BytesIO()
        self.s3.download_fileobj(self.bucket, "big", target, Config=config)
        self.assertEqual(target.getvalue(), contents)
        self.s3.copy({"Bucket": self.bucket, "Key": "big"}, self.bucket, "copied in parts", Config=config)
        self.assertEqual(self.body("copied in parts"), contents)
        self.s3.copy_object(Bucket=self.bucket, Key="copy", CopySource={"Bucket": self.bucket, "Key": "big"},
                            MetadataDirective="REPLACE", Metadata={"c": "d"})
        self.assertEqual(self.s3.head_object(Bucket=self.bucket, Key="copy")["Metadata"], {"c": "d"})
        self.assertEqual(self.body("copy"), contents)

    def test_parts_may_have_checksums_that_the_upload_did_not_announce(self):
        # As newer SDKs do it: they create without an algorithm, and send a CRC32 with every part.
        def upload(key):
            id = self.s3.create_multipart_upload(Bucket=self.bucket, Key=key)["UploadId"]
            return id, [{"PartNumber": n, **{name: sent[name] for name in ("ETag", "ChecksumCRC32")}} for n in (1, 2)
                        for sent in [self.s3.upload_part(Bucket=self.bucket, Key=key, UploadId=id, PartNumber=n,
                                                         Body=b"part %d" % n, ChecksumAlgorithm="CRC32")]]

        def complete(key, id, parts):
            done = self.s3.complete_multipart_upload(Bucket=self.bucket, Key=key, UploadId=id, MultipartUpload={"Parts": parts})
            self.assertEqual(done["Location"], f"{self.s3.meta.endpoint_url}/{self.bucket}/{urllib.parse.quote(key)}")

        id, parts = upload("etags alone")
        listed = self.s3.list_parts(Bucket=self.bucket, Key="etags alone", UploadId=id)["Parts"]
        self.assertEqual([one["ChecksumCRC32"] for one in listed], [one["ChecksumCRC32"] for one in parts])
        complete("etags alone", id, [{name: one[name] for name in ("PartNumber", "ETag")} for one in parts])
        self.assertEqual(self.body("etags alone"), b"part 1part 2")

        id, parts = upload("with checksums")
        swapped = [{**one, "ChecksumCRC32": other["ChecksumCRC32"]} for one, other in zip(parts, reversed(parts))]
        other_algorithm = [{"PartNumber": one["PartNumber"], "ETag": one["ETag"], "ChecksumCRC32C": one["ChecksumCRC32"]}
                           for one in parts]
        for wrong in (swapped, other_algorithm):
            self.refused("InvalidPart", self.s3.complete_multipart_upload, Key="with checksums", UploadId=id,
                         MultipartUpload={"Parts": wrong})
        complete("with checksums", id, parts)
        self.assertEqual(self.body("with checksums"), b"part 1part 2")

    def test_a_part_is_copied_as_it_was_asked_for_or_not_at_all(self):
        self.put("source", b"0123456789")
        id = self.s3.create_multipart_upload(Bucket=self.bucket, Key="copied")["UploadId"]
        part = {"Key": "copied", "UploadId": id, "PartNumber": 1, "CopySource": f"{self.bucket}/source"}
        for beyond in ("bytes=5-10", "bytes=10-10", "bytes=0-99999999"):
            with self.assertRaisesRegex(botocore.exceptions.ClientError, "InvalidArgument.*Range specified is not valid for "
                                                                         "source object of size: 10"):
                self.s3.upload_part_copy(Bucket=self.bucket, CopySourceRange=beyond, **part)
        for no_range in ("bytes=5-", "bytes=-5", "bytes=6-5", "5-6", "bytes=a-b"):
            self.refused("InvalidArgument", self.s3.upload_part_copy, CopySourceRange=no_range, **part)
        self.assertNotIn("Parts", self.s3.list_parts(Bucket=self.bucket, Key="copied", UploadId=id))
        etag = self.s3.upload_part_copy(Bucket=self.bucket, CopySourceRange="bytes=5-9", **part)["CopyPartResult"]["ETag"]
        self.s3.complete_multipart_upload(Bucket=self.bucket, Key="copied", UploadId=id,
                                          MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})
        self.assertEqual(self.body("copied"), b"56789")

    def test_a_bucket_is_in_the_region_that_its_client_speaks_to(self):
        def speaking_to(region):
            return self.service.new_client("s3", region=region)

        ireland = speaking_to("eu-west-1")
        for constraint, name in ((None, "anywhere"), ("eu-west-1", "ireland"), ("us-east-1", "ours")):
            more = {"CreateBucketConfiguration": {"LocationConstraint": constraint}} if constraint else {}
            ireland.create_bucket(Bucket="region-" + name, **more)
        with self.assertRaisesRegex(botocore.exceptions.ClientError, "IllegalLocationConstraintException.*say eu-west-1"):
            ireland.create_bucket(Bucket="region-other", CreateBucketConfiguration={"LocationConstraint": "eu-west-2"})
        with self.assertRaisesRegex(botocore.exceptions.ClientError, "IllegalLocationConstraintException"):
            self.s3.create_bucket(Bucket="region-other", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        self.assertEqual(ireland.get_bucket_location(Bucket="region-ireland")["LocationConstraint"], "eu-west-1")
        self.assertEqual(ireland.head_bucket(Bucket="region-ireland")["ResponseMetadata"]["HTTPHeaders"]["x-amz-bucket-region"],
                         "eu-west-1")
        self.assertIsNone(self.s3.get_bucket_location(Bucket="region-ireland")["LocationConstraint"])
        ireland.put_object(Bucket="region-ireland", Key="k", Body=b"one store")
        self.assertEqual(self.s3.get_object(Bucket="region-ireland", Key="k")["Body"].read(), b"one store")

    def test_of_many_who_put_if_there_is_none_one_succeeds(self):
        def conditional(client):
            def add(request, **_):
                request.headers["If-None-Match"] = "*"
            client.meta.events.register("before-sign.s3.PutObject", add)
            return client

        def attempt(number):
            try:
                conditional(self.client(addressing_style="path")).put_object(Bucket=self.bucket, Key="once", Body=str(number))
                return number
            except botocore.exceptions.ClientError as refused:
                self.assertEqual(refused.response["Error"]["Code"], "PreconditionFailed")
                return None
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            winners = [number for number in pool.map(attempt, range(16)) if number is not None]
        self.assertEqual(len(winners), 1)
        self.assertEqual(self.body("once"), str(winners[0]).encode())

    def test_the_bucket_may_stand_in_the_host(self):
        client = self.client(addressing_style="virtual")
        hosts = []
        client.meta.events.register("before-send.s3.*", lambda request, **_: hosts.append(request.url.split("/")[2]))
        client.put_object(Bucket=self.bucket, Key="a b/c+", Body=b"virtual")
        self.assertEqual(client.get_object(Bucket=self.bucket, Key="a b/c+")["Body"].read(), b"virtual")
        self.assertEqual([o["Key"] for o in client.list_objects_v2(Bucket=self.bucket)["Contents"]], ["a b/c+"])
        client.delete_objects(Bucket=self.bucket, Delete={"Objects": [{"Key": "a b/c+"}]})
        self.assertTrue(all(host.startswith(self.bucket + ".localhost:") for host in hosts), hosts)

    def test_addresses_for_reading_and_writing_may_be_handed_on(self):
        for style in ("path", "virtual"):
            client = self.client(addressing_style=style)
            put = client.generate_presigned_url("put_object", {"Bucket": self.bucket, "Key": "k +", "ContentType": "text/x"})
            request = urllib.request.Request(put, data=style.encode(), method="PUT", headers={"Content-Type": "text/x"})
            self.assertEqual(urllib.request.urlopen(request).status, 200)
            get = client.generate_presigned_url("get_object", {"Bucket": self.bucket, "Key": "k +", "ResponseContentType": "y/z"})
            with urllib.request.urlopen(get) as answer:
                self.assertEqual((answer.read(), answer.headers["Content-Type"]), (style.encode(), "y/z"))
            for wrong in (get.replace("y%2Fz", "z%2Fy"), put):
                with self.assertRaises(urllib.error.HTTPError) as refused:
                    urllib.request.urlopen(wrong)
                self.assertEqual(refused.exception.code, 403)

    def test_addresses_are_handed_on_as_boto3_signs_them_by_itself(self):
        # Version 2 of the signature, unless somebody asks for another.
        put = self.s3.generate_presigned_url("put_object", {"Bucket": self.bucket, "Key": "k +", "ContentType": "text/x",
                                                            "Metadata": {"a": "b"}})
        self.assertNotIn("X-Amz-Algorithm", put)
        request = urllib.request.Request(put, data=b"bytes", method="PUT", headers={"Content-Type": "text/x"})
        self.assertEqual(urllib.request.urlopen(request).status, 200)
        self.assertEqual(self.s3.head_object(Bucket=self.bucket, Key="k +")["Metadata"], {"a": "b"})
        get = self.s3.generate_presigned_url("get_object", {"Bucket": self.bucket, "Key": "k +", "ResponseContentType": "y/z"})
        with urllib.request.urlopen(get) as answer:
            self.assertEqual((answer.read(), answer.headers["Content-Type"]), (b"bytes", "y/z"))
        for wrong, code in ((get.replace("y%2Fz", "z%2Fy"), 403), (put, 403), (get + "&acl", 403), (get + "&attributes", 403),
                            (get.replace("Expires=1", "Expires=0"), 403)):
            with self.assertRaises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(wrong)
            self.assertEqual(refused.exception.code, code, wrong)

    def test_every_object_is_its_only_version(self):
        for key in ("a/1", "a/2", "b", "c"):
            self.put(key, key.encode())
        pages = self.s3.get_paginator("list_object_versions").paginate(Bucket=self.bucket, PaginationConfig={"PageSize": 1})
        versions = [version for page in pages for version in page.get("Versions", [])]
        self.assertEqual([(one["Key"], one["VersionId"], one["IsLatest"], one["Size"]) for one in versions],
                         [("a/1", "null", True, 3), ("a/2", "null", True, 3), ("b", "null", True, 1), ("c", "null", True, 1)])
        pages = list(self.s3.get_paginator("list_object_versions").paginate(Bucket=self.bucket, Delimiter="/",
                                                                            PaginationConfig={"PageSize": 1}))
        self.assertEqual([page.get("NextVersionIdMarker") for page in pages], [None, "null", None])
        self.assertEqual([prefix["Prefix"] for page in pages for prefix in page.get("CommonPrefixes", [])], ["a/"])
        self.refused("InvalidArgument", self.s3.list_object_versions, VersionIdMarker="null")
        self.assertEqual(self.s3.get_object(Bucket=self.bucket, Key="b", VersionId="null")["VersionId"], "null")
        done = self.s3.delete_objects(Bucket=self.bucket, Delete={"Objects": [
            {"Key": one["Key"], "VersionId": one["VersionId"]} for one in versions]})
        self.assertEqual([one["VersionId"] for one in done["Deleted"]], ["null"] * 4)
        self.assertNotIn("Versions", self.s3.list_object_versions(Bucket=self.bucket))

    def test_attributes_of_an_object_are_told_by_name(self):
        self.put("k", b"text", ChecksumAlgorithm="SHA256")
        everything = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]
        told = self.s3.get_object_attributes(Bucket=self.bucket, Key="k", ObjectAttributes=everything)
        self.assertEqual((told["ETag"], told["ObjectSize"], told["StorageClass"], told["Checksum"]["ChecksumSHA256"]),
                         (hashlib.md5(b"text").hexdigest(), 4, "STANDARD",
                          base64.b64encode(hashlib.sha256(b"text").digest()).decode()))
        self.assertNotIn("ObjectParts", told)
        told = self.s3.get_object_attributes(Bucket=self.bucket, Key="k", ObjectAttributes=["ObjectSize"])
        self.assertEqual({"ETag", "Checksum", "StorageClass", "ObjectSize"} & set(told), {"ObjectSize"})
        upload = self.s3.create_multipart_upload(Bucket=self.bucket, Key="parts")["UploadId"]
        parts = [{"PartNumber": n, "ETag": self.s3.upload_part(Bucket=self.bucket, Key="parts", UploadId=upload, PartNumber=n,
                                                               Body=b"part")["ETag"]} for n in (1, 2)]
        self.s3.complete_multipart_upload(Bucket=self.bucket, Key="parts", UploadId=upload, MultipartUpload={"Parts": parts})
        told = self.s3.get_object_attributes(Bucket=self.bucket, Key="parts", ObjectAttributes=everything)
        self.assertEqual(told["ObjectParts"]["TotalPartsCount"], 2)
        self.refused("InvalidArgument", self.s3.get_object_attributes, Key="k", ObjectAttributes=["Color"])
        self.refused("NoSuchKey", self.s3.get_object_attributes, Key="none", ObjectAttributes=["ETag"])

    def test_everything_is_there_after_the_service_was_killed(self):
        put = self.put("k", b"kept", Metadata={"a": "ü".encode().hex()}, Tagging="t=1", ContentType="text/plain")
        upload = self.s3.create_multipart_upload(Bucket=self.bucket, Key="parts", Metadata={"m": "1"})["UploadId"]
        part = self.s3.upload_part(Bucket=self.bucket, Key="parts", UploadId=upload, PartNumber=1, Body=b"part")
        self.service.kill()
        self.service.start()
        self.s3 = self.service.client("s3")
        got = self.s3.get_object(Bucket=self.bucket, Key="k")
        self.assertEqual((got["ETag"], got["Metadata"], got["TagCount"], got["ContentType"]),
                         (put["ETag"], {"a": "c3bc"}, 1, "text/plain"))
        self.s3.complete_multipart_upload(Bucket=self.bucket, Key="parts", UploadId=upload,
                                          MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
        self.assertEqual(self.s3.get_object(Bucket=self.bucket, Key="parts")["Metadata"], {"m": "1"})


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
