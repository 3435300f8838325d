"""Every operation that the installed botocore knows of S3, and every member of those that are served: shown by an answer, honoured
as another test sees, idle for a reason, or refused with an error that names it. Nothing is passed over in silence."""
import base64
import datetime
import hashlib
import pathlib
import re
import sys
import unittest
import zlib

import botocore.exceptions

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support import model  # noqa: E402
from support.model_walk import fresh, mentions  # noqa: E402
from support.service import Service  # noqa: E402

S3 = model.service_model("s3")
BODY = b"x"
LONG_AGO, LONG_AHEAD = datetime.datetime(2020, 1, 1), datetime.datetime(2040, 1, 1)


def base64_of(digest):
    return base64.b64encode(digest).decode()


def crc32c(contents):
    crc = 0xFFFFFFFF
    for byte in contents:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return (crc ^ 0xFFFFFFFF).to_bytes(4, "big")


DIGESTS = {"ChecksumCRC32": lambda contents: zlib.crc32(contents).to_bytes(4, "big"), "ChecksumCRC32C": crc32c,
           "ChecksumSHA1": lambda contents: hashlib.sha1(contents).digest(),
           "ChecksumSHA256": lambda contents: hashlib.sha256(contents).digest()}
CHECKSUMS = {member: base64_of(digest(BODY)) for member, digest in DIGESTS.items()}
ETAG = hashlib.md5(BODY).hexdigest()
KNOWN = {"Body": BODY, "ContentMD5": base64_of(hashlib.md5(BODY).digest()), **CHECKSUMS, "CopySource": "walk/walked",
         "ObjectVersionId": "null", "VersionIdMarker": "null", "PartNumber": 1, "Range": "bytes=0-0", "CopySourceRange": "bytes=0-0",
         "AccountId": "000000000000", "TaggingHeader": "a=b", "Metadata": {"a": "b"}, "ObjectKey": "walked", "Token": "00",
         "ObjectAttributesList": ["ETag"], "BucketName": "walk", "PartNumberMarker": 0, "CopySourceIfMatch": ETAG, "IfMatch": ETAG,
         "BucketLocationConstraint": "us-east-1", "CopySourceIfNoneMatch": "other", "IfNoneMatch": "other",
         "IfModifiedSince": LONG_AGO, "CopySourceIfModifiedSince": LONG_AGO, "IfUnmodifiedSince": LONG_AHEAD,
         "CopySourceIfUnmodifiedSince": LONG_AHEAD, "ContentLength": 1, "ETag": ETAG, "Expires": LONG_AHEAD,
         "ResponseExpires": LONG_AHEAD, "SSEKMSEncryptionContext": base64_of(b"{}"), "MultipartUploadId": "",
         "SSECustomerKey": "k" * 32, "CopySourceSSECustomerKey": "k" * 32, "Grantee": {"Type": "CanonicalUser", "ID": "walked"}}

# Of members, whatever the operation.
IDLE = {"RequestPayer": "nobody pays for requests here", "MFA": "there are no versions that it could guard",
        "BypassGovernanceRetention": "nothing is locked", "ContentLength": "HTTP needs it anyway",
        "MaxParts of GetObjectAttributes": "parts are counted and not listed",
        "PartNumberMarker of GetObjectAttributes": "parts are counted and not listed",
        "ChecksumAlgorithm of DeleteObjects": "the body is verified by its signature"}
SHOWN = {"CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentType", "Expires", "Metadata", *CHECKSUMS,
         "ServerSideEncryption", "SSEKMSKeyId", "BucketKeyEnabled", "StorageClass", "Tagging"}
REFUSED = {"SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5", "CopySourceSSECustomerAlgorithm", "CopySourceSSECustomerKey",
           "CopySourceSSECustomerKeyMD5", "GrantFullControl", "GrantRead", "GrantReadACP", "GrantWrite", "GrantWriteACP",
           "WebsiteRedirectLocation", "ObjectLockMode", "ObjectLockRetainUntilDate", "ObjectLockLegalHoldStatus",
           "ObjectLockEnabledForBucket"}
# By the test that sees what they do.
HONOURED = {
    "wire/test_s3_boto3.py": (
        "Bucket", "Key", "Body", "UploadId", "PartNumber", "MultipartUpload", "ContentMD5", "ChecksumMode", "MetadataDirective",
        "CopySource", "CopySourceRange", "IfMatch", "IfNoneMatch", "IfModifiedSince", "IfUnmodifiedSince", "Range",
        "VersionId", "ObjectAttributes", "Prefix", "Delimiter", "FetchOwner",
        "StartAfter", "Delete", "CreateBucketConfiguration"),
    "wire/test_s3_members.py": (
        "ExpectedBucketOwner", "ExpectedSourceBucketOwner", "ChecksumAlgorithm", "SSEKMSEncryptionContext", "TaggingDirective",
        "CopySourceIfMatch", "CopySourceIfNoneMatch", "CopySourceIfModifiedSince", "CopySourceIfUnmodifiedSince", "EncodingType",
        "MaxKeys", "Marker", "ContinuationToken", "KeyMarker", "VersionIdMarker", "MaxUploads", "UploadIdMarker", "MaxParts",
        "PartNumberMarker", "ACL", "AccessControlPolicy", "ObjectOwnership"),
    "wire/test_s3_awscli.py": ("Tagging",)}

SERVED = {
    "AbortMultipartUpload": ("Key", "UploadId"), "CompleteMultipartUpload": ("Key", "UploadId", "MultipartUpload"),
    "CopyObject": ("Key", "CopySource"), "CreateBucket": (), "CreateMultipartUpload": ("Key",), "DeleteBucket": (),
    "DeleteObject": ("Key",), "DeleteObjectTagging": ("Key",), "DeleteObjects": ("Delete",), "GetObject": ("Key",),
    "GetObjectAcl": ("Key",), "GetObjectAttributes": ("Key", "ObjectAttributes"), "GetObjectTagging": ("Key",), "HeadBucket": (),
    "HeadObject": ("Key",), "ListBuckets": (), "ListMultipartUploads": (), "ListObjectVersions": (), "ListObjects": (),
    "ListObjectsV2": (), "ListParts": ("Key", "UploadId"), "PutBucketAcl": ("ACL",), "PutObject": ("Key", "Body"),
    "PutObjectAcl": ("Key", "ACL"), "PutObjectTagging": ("Key", "Tagging"), "UploadPart": ("Key", "UploadId", "PartNumber", "Body"),
    "UploadPartCopy": ("Key", "UploadId", "PartNumber", "CopySource")}
# Of a bucket, or an object, for which nothing is set.
NOT_SET = {"NoSuchCORSConfiguration", "ServerSideEncryptionConfigurationNotFoundError", "NoSuchLifecycleConfiguration",
           "ObjectLockConfigurationNotFoundError", "OwnershipControlsNotFoundError", "NoSuchBucketPolicy",
           "NoSuchPublicAccessBlockConfiguration", "ReplicationConfigurationNotFoundError", "NoSuchTagSet", "NoSuchWebsiteConfiguration",
           "NoSuchObjectLockConfiguration"}
ELSEWHERE = {"WriteGetObjectResponse": "it goes to a host of its own"}
# "member rule" or "member rule of operation" -> why a value that breaks the model's rule is not refused.
DEVIATIONS = {"RequestPayer enum": IDLE["RequestPayer"]}


class Missing(Exception):
    """The installed client cannot send this."""


class S3Members(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = Service("--slots", "1")
        cls.s3 = cls.service.client("s3")
        cls.raw = cls.service.new_client("s3", parameter_validation=False)
        cls.s3.create_bucket(Bucket="walk")

    @classmethod
    def tearDownClass(cls):
        cls.service.close()

    def call(self, operation, request):
        """(answer, None) or (None, (code, message))."""
        try:
            return self.raw._make_api_call(operation, request), None
        except (botocore.exceptions.MissingDependencyException, botocore.exceptions.FlexibleChecksumError) as missing:
            raise Missing from missing
        except botocore.exceptions.ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            self.assertTrue(status < 500 or status == 501, error)
            return None, (error.response["Error"]["Code"], error.response["Error"].get("Message", ""))

    def request(self, operation):
        """One that is accepted, of things that are there."""
        self.s3.put_object(Bucket="walk", Key="walked", Body=BODY)
        request = {"Bucket": "walk"}
        for member in SERVED[operation]:
            request[member] = model.Examples(KNOWN).of(S3.operation_model(operation).input_shape.members[member])
        if operation == "ListBuckets":
            return {}
        if operation in ("CreateBucket", "DeleteBucket"):
            request["Bucket"] = fresh("made")
        if operation == "DeleteBucket":
            self.s3.create_bucket(Bucket=request["Bucket"])
        if "UploadId" in request:
            request["UploadId"] = self.s3.create_multipart_upload(Bucket="walk", Key="walked")["UploadId"]
        if operation == "CompleteMultipartUpload":
            part = self.s3.upload_part(Bucket="walk", Key="walked", UploadId=request["UploadId"], PartNumber=1, Body=BODY)
            request["MultipartUpload"] = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
        if operation == "CopyObject":
            request["Key"] = "copy"
        if operation == "DeleteObjects":
            request["Delete"] = {"Objects": [{"Key": "walked"}]}
        if operation in ("PutBucketAcl", "PutObjectAcl"):
            request["ACL"] = "private"
        return request

    def test_every_operation_is_served_or_refused(self):
        for operation in S3.operation_names:
            with self.subTest(operation=operation):
                if operation in ELSEWHERE:
                    continue
                if operation in SERVED:
                    self.assertIsNone(self.call(operation, self.request(operation))[1])
                    continue
                request = {**model.Examples(KNOWN).of(S3.operation_model(operation).input_shape), "Bucket": "walk"}
                _, refused = self.call(operation, request)
                method = S3.operation_model(operation).http["method"]
                if method == "GET" or (method == "DELETE" and "Id" not in request):
                    self.assertTrue(refused is None or refused[0] in NOT_SET or refused[0] == "NotImplemented", refused)
                    self.assertFalse(refused and method == "DELETE", refused)
                else:
                    self.assertIn(refused and refused[0], ("NotImplemented", "InvalidRequest"), refused)

    def members(self, operation):
        shape = S3.operation_model(operation).input_shape
        return shape.members.items() if shape else ()

    def values(self, shape, member):
        return getattr(shape, "enum", None) or [model.Examples(KNOWN).of(shape)]

    def test_members_are_shown_or_honoured_or_refused_by_name(self):
        for operation in SERVED:
            counts = {"shown": 0, "honoured": 0, "idle": 0}
            refused = set()
            for member, shape in self.members(operation):
                for value in self.values(shape, member):
                    with self.subTest(operation=operation, member=member, value=str(value)[:40]):
                        try:
                            outcome = self.one_member(operation, member, shape, value)
                        except Missing:
                            continue
                        if outcome == "refused":
                            refused.add(member)
                        else:
                            counts[outcome] += 1
            print(f"{operation}: {counts}, refused by name: {sorted(refused)}")

    def one_member(self, operation, member, shape, value):
        request = self.request(operation)
        if member not in request:
            request[member] = value
        if member in ("UploadIdMarker", "VersionIdMarker"):
            request["KeyMarker"] = "a"
        if operation == "CompleteMultipartUpload" and member in CHECKSUMS:
            value = self.of_one_part(request, member)
        if member == "Tagging" and "TaggingDirective" in S3.operation_model(operation).input_shape.members:
            request["TaggingDirective"] = "REPLACE"
        if operation == "CopyObject" and member in SHOWN:
            request["MetadataDirective"] = "REPLACE"
        if member in ("AccessControlPolicy",):
            request.pop("ACL")
            request[member] = {key: value for key, value in self.s3.get_bucket_acl(Bucket="walk").items() if key != "ResponseMetadata"}
        answer, refused = self.call(operation, request)
        if refused and refused[0] == "BadDigest" and member == "ContentMD5":
            return "honoured"  # of another body: it was looked at
        if refused:
            self.assertTrue(member in REFUSED or getattr(shape, "enum", None), f"refused: {refused}")
            if S3.operation_model(operation).http["method"] != "HEAD":  # there the answer has no body
                self.assertTrue(self.names(refused[1], member, shape), f"{refused} does not name {member}")
            return "refused"
        self.assertNotIn(member, REFUSED, "it was passed over")
        if member in IDLE or f"{member} of {operation}" in IDLE:
            return "idle"
        if member in SHOWN and operation in ("PutObject", "CopyObject", "CreateMultipartUpload"):
            self.shows(operation, member, value, request, answer)
            return "shown"
        if operation == "GetObject" and member.startswith("Response"):
            shown = answer[member.removeprefix("Response")]
            self.assertEqual(shown.replace(tzinfo=None) if member == "ResponseExpires" else shown, value)
            return "shown"
        for path, members in HONOURED.items():
            if member in members:
                self.assertTrue(mentions(path, member), f"{path} does not speak of {member}")
                return "honoured"
        if member in CHECKSUMS and member in answer:
            self.assertEqual(answer[member], value)
            return "shown"
        self.fail("accepted, but nobody says what becomes of it")

    def of_one_part(self, request, member):
        """Makes the request one of an upload that was begun with that checksum, and returns what the whole must have."""
        target = {"Bucket": "walk", "Key": request["Key"]}
        request["UploadId"] = self.s3.create_multipart_upload(ChecksumAlgorithm=member.removeprefix("Checksum"), **target)["UploadId"]
        part = self.s3.upload_part(UploadId=request["UploadId"], PartNumber=1, Body=BODY, **target)
        request["MultipartUpload"] = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"], member: part[member]}]}
        request[member] = base64_of(DIGESTS[member](base64.b64decode(part[member]))) + "-1"
        return request[member]

    def names(self, message, member, shape):
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", member).lower()
        wire = shape.serialization.get("name", member).lower()
        return any(name in message.lower() for name in (wire, words, member.lower()))

    def shows(self, operation, member, value, request, answer):
        key = request["Key"]
        if operation == "CreateMultipartUpload":
            part = self.s3.upload_part(Bucket="walk", Key=key, UploadId=answer["UploadId"], PartNumber=1, Body=BODY)
            self.s3.complete_multipart_upload(Bucket="walk", Key=key, UploadId=answer["UploadId"],
                                              MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
        if member == "Tagging":
            self.assertEqual(self.s3.get_object_tagging(Bucket="walk", Key=key)["TagSet"], [{"Key": "a", "Value": "b"}])
            return
        shown = self.s3.head_object(Bucket="walk", Key=key, ChecksumMode="ENABLED").get(member)
        if member == "StorageClass" and value == "STANDARD":  # as S3 does
            self.assertIsNone(shown)
        elif isinstance(value, datetime.datetime):
            self.assertEqual(shown.replace(tzinfo=None), value)
        else:
            self.assertEqual(shown, value)

    def test_values_that_break_a_rule_are_refused(self):
        used = set()
        for operation in SERVED:
            broken = 0
            for member, shape in self.members(operation):
                if shape.serialization.get("location") not in ("header", "querystring"):
                    continue
                for rule, value in self.broken(shape):
                    with self.subTest(operation=operation, member=member, rule=rule):
                        known = {f"{member} {rule}", f"{member} {rule} of {operation}"} & set(DEVIATIONS)
                        request = {**self.request(operation), member: value}
                        try:
                            _, refused = self.call(operation, request)
                        except Missing:
                            continue
                        if known:
                            used |= known
                            continue
                        self.assertIsNotNone(refused, "it was accepted")
                        broken += 1
            print(f"{operation}: {broken} broken rules refused")
        self.assertEqual(used, set(DEVIATIONS), "deviations that are none any more")

    def broken(self, shape):
        if getattr(shape, "enum", None):
            yield "enum", "Nonsense"
        if shape.type_name in ("integer", "long") and shape.name != "ContentLength":
            yield "type", "many"
            yield "sign", -1


if __name__ == "__main__":
    unittest.main(verbosity=1, warnings="ignore")
