#!/usr/bin/env python3
"""What a careful program does with boto3: its own transfers for large files, threads for small ones.
Usage: boto3_transfer.py up|down ENDPOINT BUCKET PREFIX DIR"""
import concurrent.futures
import pathlib
import sys

import boto3
import boto3.s3.transfer
import botocore.config

THREADS = 8
command, endpoint, bucket, prefix, folder = sys.argv[1:6]
folder = pathlib.Path(folder)
client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1", config=botocore.config.Config(
    max_pool_connections=2 * THREADS, s3={"addressing_style": "path", "payload_signing_enabled": False}))
transfer = boto3.s3.transfer.TransferConfig(max_concurrency=THREADS, multipart_threshold=64 << 20, multipart_chunksize=32 << 20)
small = 8 << 20


def up(path):
    key = f"{prefix}/{path.relative_to(folder)}"
    if path.stat().st_size <= small:
        client.put_object(Bucket=bucket, Key=key, Body=path.read_bytes())
    else:
        client.upload_file(str(path), bucket, key, Config=transfer)


def down(item):
    key, size = item
    path = folder / key[len(prefix) + 1:]
    path.parent.mkdir(parents=True, exist_ok=True)
    if size <= small:
        path.write_bytes(client.get_object(Bucket=bucket, Key=key)["Body"].read())
    else:
        client.download_file(bucket, key, str(path), Config=transfer)


if command == "up":
    work = [(up, path) for path in sorted(folder.rglob("*")) if path.is_file()]
else:
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix + "/")
    work = [(down, (entry["Key"], entry["Size"])) for page in pages for entry in page.get("Contents", [])]
with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
    for done in [pool.submit(call, item) for call, item in work]:
        done.result()
