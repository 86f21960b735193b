"""An S3 bucket for one test, for as long as the test's process lives.

Without an argument: starts an S3 server on a free port. With one: uses the server at that
endpoint. Prints `endpoint bucket` when the bucket answers, and ends when standard input closes,
which the kernel sees to even when the test is killed.
"""

import logging
import os
import sys
import uuid

import boto3
from botocore.config import Config

ours = len(sys.argv) < 2
if ours:
    from moto.moto_server.threaded_moto_server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    endpoint = "http://%s:%d" % server.get_host_and_port()
else:
    endpoint = sys.argv[1]

# Credentials and region come from the environment. A proxy is never asked for this address.
s3 = boto3.client(
    "s3",
    endpoint_url=endpoint,
    config=Config(proxies={}, s3={"addressing_style": "path"}),
)
bucket = "lazaret-test-" + uuid.uuid4().hex
s3.create_bucket(Bucket=bucket)
s3.head_bucket(Bucket=bucket)
print(endpoint, bucket, flush=True)

sys.stdin.buffer.read()
if not ours:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for found in page.get("Contents", []):
            s3.delete_object(Bucket=bucket, Key=found["Key"])
    s3.delete_bucket(Bucket=bucket)
os._exit(0)
