#!/usr/bin/env python3
"""Writes data/botocore_vectors.txt: requests as the real botocore (Debian's python3-botocore) signs them, at a fixed time.

Nothing is sent: the request is caught just before. Run by hand when another botocore is to be tested."""
import datetime
import hashlib
import io
import os
import pathlib
import urllib.parse

os.environ["BOTO_DISABLE_CRT"] = "true"  # its own signer asks another clock
import botocore.auth
import botocore.session
from botocore.config import Config

NOW = datetime.datetime(2026, 11, 23, 9, 35, 6)
KEY = "HFAKABCDEFGHIJKLMNOP"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"


class FixedTime(datetime.datetime):
    @classmethod
    def utcnow(cls):
        return NOW


class FixedModule:
    datetime = FixedTime


class Caught(Exception):
    pass


botocore.auth.datetime = FixedModule
cases = []


def text(value):
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)


def keep(name, method, url, headers, body):
    if hasattr(body, "read"):
        body.seek(0)
        body = body.read()
    body = body or b""
    body = body.encode() if isinstance(body, str) else bytes(body)
    parts = urllib.parse.urlsplit(url)
    lines = [f"case={name}", f"method={method}", f"path={parts.path or '/'}", f"query={parts.query}",
             f"body_sha256={hashlib.sha256(body).hexdigest()}"]
    # Random, and not signed.
    fields = [(key, text(value)) for key, value in headers.items() if not key.startswith("amz-sdk-")]
    if not any(key.lower() == "host" for key, _ in fields):
        fields.append(("Host", parts.netloc))
    lines += [f"header={key}: {value}" for key, value in fields]
    cases.append("\n".join(lines))


def client(service, endpoint="http://127.0.0.1:8080", token=None):
    made = botocore.session.Session().create_client(
        service, region_name="us-east-1", endpoint_url=endpoint, aws_access_key_id=KEY, aws_secret_access_key=SECRET,
        aws_session_token=token, config=Config(user_agent="Botocore", s3={"addressing_style": "path"}))
    return made


def call(name, service, operation, endpoint="http://127.0.0.1:8080", token=None, **parameters):
    made = client(service, endpoint, token)

    def catch(request, **_):
        keep(name, request.method, request.url, request.headers, request.body)
        raise Caught

    made.meta.events.register("before-send", catch)
    try:
        getattr(made, operation)(**parameters)
    except Caught:
        return
    raise AssertionError(f"{name}: nothing was sent")


call("json", "sagemaker", "list_training_jobs", NameContains="a", MaxResults=5)
call("json without arguments", "sagemaker", "list_training_jobs")
call("json with a session token", "sagemaker", "describe_training_job", token="token/with+signs==", TrainingJobName="j")
call("json with text beyond ASCII", "sagemaker", "add_tags", ResourceArn="arn:aws:sagemaker:x", Tags=[{"Key": "k", "Value": "ü日"}])
call("logs", "logs", "get_log_events", logGroupName="/aws/sagemaker/TrainingJobs", logStreamName="j/algo-1-1")
call("query", "cloudwatch", "list_metrics", Namespace="/aws/sagemaker/TrainingJobs")
call("sts", "sts", "get_caller_identity")
call("s3 list of buckets", "s3", "list_buckets")
call("s3 list", "s3", "list_objects_v2", Bucket="bucket", Prefix="a b/ü+~", Delimiter="/", StartAfter="a=b&c")
call("s3 put", "s3", "put_object", Bucket="bucket", Key="dir/a b+c~d!(e)'ü.bin", Body=b"hello", ServerSideEncryption="aws:kms")
call("s3 put with metadata and spaces", "s3", "put_object", Bucket="bucket", Key="k", Body=b"hello", Metadata={"note": "a   b  c"})
call("s3 put over https, unsigned body", "s3", "put_object", endpoint="https://127.0.0.1:8080", Bucket="bucket", Key="k", Body=io.BytesIO(b"hello"))
call("s3 get with a range", "s3", "get_object", Bucket="bucket", Key="a//b/../c", Range="bytes=0-3")
call("s3 start of a multipart upload", "s3", "create_multipart_upload", Bucket="bucket", Key="k")
call("s3 part", "s3", "upload_part", Bucket="bucket", Key="k", UploadId="u/1+2=", PartNumber=7, Body=b"part")
call("s3 copy", "s3", "copy_object", Bucket="bucket", Key="k2", CopySource={"Bucket": "bucket", "Key": "k 1"})
call("s3 delete of many", "s3", "delete_objects", Bucket="bucket", Delete={"Objects": [{"Key": "a"}, {"Key": "b"}]})

for method, operation, extra in (("GET", "get_object", {}), ("PUT", "put_object", {"ContentType": "a/b"}),
                                 ("GET", "get_object", {"ResponseContentType": "text/plain; a=b"})):
    s3 = client("s3", token="t/+=" if extra else None)
    s3 = botocore.session.Session().create_client(
        "s3", region_name="us-east-1", endpoint_url="http://127.0.0.1:8080", aws_access_key_id=KEY,
        aws_secret_access_key=SECRET, config=Config(signature_version="s3v4", s3={"addressing_style": "path"}))
    url = s3.generate_presigned_url(operation, {"Bucket": "bucket", "Key": "a b/ü", **extra}, ExpiresIn=600)
    headers = {"Content-Type": "a/b"} if method == "PUT" else {}
    keep(f"presigned {method} {' '.join(extra)}".strip(), method, url, headers, b"anything" if method == "PUT" else b"")

out = pathlib.Path(__file__).parent / "data" / "botocore_vectors.txt"
out.write_text("\n\n".join(cases) + "\n")
print(len(cases), "cases")
