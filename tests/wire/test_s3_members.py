"""What single members of S3's requests do, as boto3 sends them: those that no other test looks at. test_model_members_s3 sees to
it that none is left out."""
import base64
import datetime
import hashlib
import pathlib
import sys
import unittest
import zlib

import botocore.exceptions

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.service import Service  # noqa: E402

LONG_AGO, LONG_AHEAD = datetime.datetime(2020, 1, 1), datetime.datetime(2040, 1, 1)
OURS, OTHERS = "000000000000", "111111111111"


class S3Members(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = Service("--slots", "1")
        cls.s3 = cls.service.client("s3")

    @classmethod
    def tearDownClass(cls):
        cls.service.close()

    def setUp(self):
        self.bucket = self.id().split(".")[-1].replace("_", "-")[:50]
        self.s3.create_bucket(Bucket=self.bucket)

    def put(self, key, body=b"x", **more):
        return self.s3.put_object(Bucket=self.bucket, Key=key, Body=body, **more)

    def refused(self, code, call, **arguments):
        with self.assertRaises(botocore.exceptions.ClientError) as refused:
            call(**{"Bucket": self.bucket, **arguments})
        self.assertEqual(refused.exception.response["Error"]["Code"], code)
        return refused.exception.response["Error"]["Message"]

    def test_owners(self):
        source = {"CopySource": f"{self.bucket}/k", "Key": "copy"}
        self.put("k", ExpectedBucketOwner=OURS)
        self.s3.copy_object(Bucket=self.bucket, ExpectedBucketOwner=OURS, ExpectedSourceBucketOwner=OURS, **source)
        for call, arguments in ((self.s3.put_object, {"Key": "k", "Body": b"y"}), (self.s3.get_object, {"Key": "k"}),
                                (self.s3.delete_object, {"Key": "k"}), (self.s3.list_objects_v2, {}), (self.s3.copy_object, source),
                                (self.s3.create_multipart_upload, {"Key": "k"}), (self.s3.delete_bucket, {})):
            self.refused("AccessDenied", call, ExpectedBucketOwner=OTHERS, **arguments)
        self.refused("AccessDenied", self.s3.copy_object, ExpectedSourceBucketOwner=OTHERS, **source)
        self.assertEqual(self.s3.get_object(Bucket=self.bucket, Key="k")["Body"].read(), b"x")

    def test_conditions_of_a_copy(self):
        etag = self.put("k")["ETag"]
        upload = self.s3.create_multipart_upload(Bucket=self.bucket, Key="parts")["UploadId"]
        source = {"CopySource": f"{self.bucket}/k"}
        for held, failed in (({"CopySourceIfMatch": etag}, {"CopySourceIfMatch": '"other"'}),
                             ({"CopySourceIfNoneMatch": '"other"'}, {"CopySourceIfNoneMatch": etag}),
                             ({"CopySourceIfModifiedSince": LONG_AGO}, {"CopySourceIfModifiedSince": LONG_AHEAD}),
                             ({"CopySourceIfUnmodifiedSince": LONG_AHEAD}, {"CopySourceIfUnmodifiedSince": LONG_AGO})):
            for call, more in ((self.s3.copy_object, {"Key": "copy"}),
                               (self.s3.upload_part_copy, {"Key": "parts", "UploadId": upload, "PartNumber": 1})):
                call(Bucket=self.bucket, **source, **more, **held)
                self.refused("PreconditionFailed", call, **source, **more, **failed)

    def test_tags_of_a_copy(self):
        self.put("k", Tagging="a=b")
        for directive, expected in (("COPY", "b"), ("REPLACE", "c")):
            self.s3.copy_object(Bucket=self.bucket, Key="copy", CopySource=f"{self.bucket}/k", TaggingDirective=directive, Tagging="a=c")
            self.assertEqual(self.s3.get_object_tagging(Bucket=self.bucket, Key="copy")["TagSet"], [{"Key": "a", "Value": expected}])

    def test_a_copy_has_the_checksum_that_it_is_asked_for(self):
        contents = b"0123456789" * 100_000
        crc = base64.b64encode(zlib.crc32(contents).to_bytes(4, "big")).decode()
        sha = base64.b64encode(hashlib.sha256(contents).digest()).decode()
        self.put("plain", contents)
        self.put("summed", contents, ChecksumAlgorithm="SHA1", ContentType="a/b")
        upload = self.s3.create_multipart_upload(Bucket=self.bucket, Key="parts", ChecksumAlgorithm="SHA256")["UploadId"]
        part = self.s3.upload_part(Bucket=self.bucket, Key="parts", UploadId=upload, PartNumber=1, Body=contents, ChecksumAlgorithm="SHA256")
        self.s3.complete_multipart_upload(Bucket=self.bucket, Key="parts", UploadId=upload, MultipartUpload={
            "Parts": [{"PartNumber": 1, "ETag": part["ETag"], "ChecksumSHA256": part["ChecksumSHA256"]}]})
        for source in ("plain", "summed", "parts"):
            for algorithm, expected in (("CRC32", crc), ("SHA256", sha)):
                copied = self.s3.copy_object(Bucket=self.bucket, Key="copy", CopySource=f"{self.bucket}/{source}",
                                             ChecksumAlgorithm=algorithm)["CopyObjectResult"]
                head = self.s3.head_object(Bucket=self.bucket, Key="copy", ChecksumMode="ENABLED")
                for told in (copied, head):
                    self.assertEqual({name: value for name, value in told.items() if name.startswith("ChecksumC")
                                      or name.startswith("ChecksumS")}, {"Checksum" + algorithm: expected})
                self.assertEqual(self.s3.get_object(Bucket=self.bucket, Key="copy")["Body"].read(), contents)
        self.assertEqual(self.s3.head_object(Bucket=self.bucket, Key="summed")["ContentType"], "a/b")
        # Onto itself it is a change.
        self.s3.copy_object(Bucket=self.bucket, Key="plain", CopySource=f"{self.bucket}/plain", ChecksumAlgorithm="SHA256")
        self.assertEqual(self.s3.head_object(Bucket=self.bucket, Key="plain", ChecksumMode="ENABLED")["ChecksumSHA256"], sha)
        self.refused("InvalidRequest", self.s3.copy_object, Key="copy", CopySource=f"{self.bucket}/plain", ChecksumAlgorithm="MD4")

    def test_pages_of_lists(self):
        for key in ("a", "b c", "d"):
            self.put(key)
        first = self.s3.list_objects(Bucket=self.bucket, MaxKeys=1)
        self.assertEqual(first["NextMarker"] if "NextMarker" in first else first["Contents"][0]["Key"], "a")
        second = self.s3.list_objects(Bucket=self.bucket, MaxKeys=1, Marker="a", EncodingType="url")
        self.assertEqual((second["Contents"][0]["Key"], second["EncodingType"], second["IsTruncated"]), ("b%20c", "url", True))
        first = self.s3.list_objects_v2(Bucket=self.bucket, MaxKeys=2)
        rest = self.s3.list_objects_v2(Bucket=self.bucket, ContinuationToken=first["NextContinuationToken"], EncodingType="url")
        self.assertEqual([one["Key"] for one in rest["Contents"]], ["d"])
        versions = self.s3.list_object_versions(Bucket=self.bucket, MaxKeys=1, KeyMarker="a", VersionIdMarker="null", EncodingType="url")
        self.assertEqual(versions["Versions"][0]["Key"], "b%20c")
        for call in (self.s3.list_objects, self.s3.list_objects_v2, self.s3.list_object_versions, self.s3.list_multipart_uploads):
            self.refused("InvalidArgument", call, EncodingType="base64")

    def test_pages_of_uploads_and_of_their_parts(self):
        ids = {}
        for key in ("a/1", "a/2", "b", "b", "c/1", "d/1"):
            ids.setdefault(key, []).append(self.s3.create_multipart_upload(Bucket=self.bucket, Key=key)["UploadId"])

        def shown(page):
            return ([upload["Key"] for upload in page.get("Uploads", [])], [prefix["Prefix"] for prefix in page.get("CommonPrefixes", [])])

        everything = self.s3.list_multipart_uploads(Bucket=self.bucket, Delimiter="/")
        self.assertEqual((shown(everything), everything["Delimiter"]), ((["b", "b"], ["a/", "c/", "d/"]), "/"))
        below = self.s3.list_multipart_uploads(Bucket=self.bucket, Delimiter="/", Prefix="a/", EncodingType="url")
        self.assertEqual((shown(below), below["Prefix"]), ((["a/1", "a/2"], []), "a/"))
        for size in (1, 2, 3, 4):
            pages, marker = [], {}
            while True:
                page = self.s3.list_multipart_uploads(Bucket=self.bucket, Delimiter="/", MaxUploads=size, **marker)
                pages.append(shown(page))
                self.assertLessEqual(len(pages[-1][0]) + len(pages[-1][1]), size)
                if not page["IsTruncated"]:
                    break
                marker = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}
            self.assertEqual(sum((page[0] for page in pages), []), ["b", "b"])
            self.assertEqual(sum((page[1] for page in pages), []), ["a/", "c/", "d/"])
        pages = self.s3.get_paginator("list_multipart_uploads").paginate(Bucket=self.bucket, PaginationConfig={"PageSize": 2})
        self.assertEqual(sum((shown(page)[0] for page in pages), []), ["a/1", "a/2", "b", "b", "c/1", "d/1"])

        upload = {"Bucket": self.bucket, "Key": "d/1", "UploadId": ids["d/1"][0]}
        for number in (1, 2, 3):
            self.s3.upload_part(**upload, PartNumber=number, Body=b"x")
        page = self.s3.list_parts(**upload, MaxParts=2)
        self.assertEqual(([part["PartNumber"] for part in page["Parts"]], page["IsTruncated"]), ([1, 2], True))
        page = self.s3.list_parts(**upload, PartNumberMarker=page["NextPartNumberMarker"])
        self.assertEqual([part["PartNumber"] for part in page["Parts"]], [3])

    def test_a_checksum_of_the_whole_that_nobody_could_verify_is_refused(self):
        upload = {"Bucket": self.bucket, "Key": "k", "UploadId": self.s3.create_multipart_upload(Bucket=self.bucket, Key="k")["UploadId"]}
        part = self.s3.upload_part(**upload, PartNumber=1, Body=b"x")
        parts = {"MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}}
        message = self.refused("InvalidRequest", self.s3.complete_multipart_upload, **upload, **parts, ChecksumCRC32="AAAAAA==")
        self.assertIn("expected checksum Type: null, actual checksum Type: crc32", message)
        self.s3.complete_multipart_upload(**upload, **parts)

    def test_who_may_do_what_is_the_owner_everything(self):
        self.put("k", ACL="bucket-owner-full-control")
        acl = {name: self.s3.get_object_acl(Bucket=self.bucket, Key="k")[name] for name in ("Owner", "Grants")}
        self.s3.put_object_acl(Bucket=self.bucket, Key="k", AccessControlPolicy=acl)
        self.s3.put_bucket_acl(Bucket=self.bucket, ACL="private")
        acl["Grants"].append({"Grantee": {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"}, "Permission": "READ"})
        self.refused("AccessControlListNotSupported", self.s3.put_object_acl, Key="k", AccessControlPolicy=acl)
        self.refused("AccessControlListNotSupported", self.s3.put_bucket_acl, ACL="public-read")
        self.refused("NotImplemented", self.s3.put_bucket_acl, GrantRead="id=someone")
        self.s3.create_bucket(Bucket="owned", ObjectOwnership="BucketOwnerEnforced")
        self.refused("NotImplemented", self.s3.create_bucket, Bucket="not-owned", ObjectOwnership="ObjectWriter")

    def test_how_it_would_be_encrypted_is_repeated(self):
        said = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "key", "SSEKMSEncryptionContext": base64.b64encode(b"{}").decode(),
                "BucketKeyEnabled": True}
        put = self.put("k", **said)
        self.assertEqual({name: put[name] for name in said}, said)
        copied = self.s3.copy_object(Bucket=self.bucket, Key="copy", CopySource=f"{self.bucket}/k")
        self.assertEqual({name: copied[name] for name in said}, said)

    def test_a_readers_key_opens_nothing(self):
        self.put("k")
        for call, more in ((self.s3.get_object, {}), (self.s3.list_parts, {"UploadId": "u"}),
                           (self.s3.upload_part, {"UploadId": "u", "PartNumber": 1, "Body": b"x"}),
                           (self.s3.upload_part_copy, {"UploadId": "u", "PartNumber": 1, "CopySource": f"{self.bucket}/k"})):
            message = self.refused("NotImplemented", call, Key="k", SSECustomerAlgorithm="AES256", SSECustomerKey="k" * 32, **more)
            self.assertIn("x-amz-server-side-encryption-customer-algorithm", message)


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
