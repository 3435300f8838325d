"""Clients that lie, stall and hang up: nothing of theirs is kept, and others are served meanwhile."""
import hashlib
import hmac
import http.client
import os
import pathlib
import resource
import socket
import sys
import time
import unittest

import botocore.auth
import botocore.awsrequest
import botocore.credentials

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.service import Service, wait_for  # noqa: E402

STALL_S = 4
CONNECTIONS = 10_000


class SignedAs(botocore.auth.S3SigV4Auth):
    """Signs a word, or a hash, in the body's place."""

    def __init__(self, credentials, in_place):
        super().__init__(credentials, "s3", "us-east-1")
        self.in_place = in_place

    def payload(self, request):
        return self.in_place


class Strangers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # Ours too: a connection has two ends.
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        cls.service = Service("--slots", "1", "--stall-timeout", str(STALL_S))
        text = (cls.service.data / "credentials").read_text().replace(" ", "")
        keys = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        cls.secret = keys["aws_secret_access_key"]
        cls.credentials = botocore.credentials.Credentials(keys["aws_access_key_id"], cls.secret)
        cls.host, cls.port = cls.service.endpoint.removeprefix("http://").split(":")
        cls.s3 = cls.service.client("s3")
        cls.s3.create_bucket(Bucket="bkt")

    @classmethod
    def tearDownClass(cls):
        cls.service.close()

    def signed(self, key, headers, hash_in_place="UNSIGNED-PAYLOAD"):
        """The headers of a PUT, signed as they are."""
        request = botocore.awsrequest.AWSRequest("PUT", f"{self.service.endpoint}/bkt/{key}", headers=headers)
        SignedAs(self.credentials, hash_in_place).add_auth(request)
        return dict(request.headers)

    def connect(self):
        return socket.create_connection((self.host, int(self.port)), timeout=30)

    def begin(self, key, headers, body):
        """Sends a PUT's head and some of its body, and leaves the rest open."""
        connection = self.connect()
        head = "".join(f"{name}: {value}\r\n" for name, value in self.signed(key, headers).items())
        connection.sendall(f"PUT /bkt/{key} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n{head}\r\n".encode() + body)
        return connection

    def answer(self, connection):
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        return answer.status, answer.read().decode()

    def incoming(self):
        return list((self.service.data / "uploads/incoming").iterdir())

    def nothing_is_kept(self, key):
        wait_for("the body's file to go", lambda: not self.incoming())
        self.assertEqual(self.s3.list_objects_v2(Bucket="bkt", Prefix=key).get("Contents", []), [])

    def test_a_body_larger_than_may_be_is_refused_before_it_comes(self):
        for headers in ({"Content-Length": str(6 * 1024 ** 3)},
                        {"Content-Length": "100", "x-amz-decoded-content-length": str(6 * 1024 ** 3)}):
            streaming = "x-amz-decoded-content-length" in headers
            connection = self.connect()
            head = self.signed("large", headers, "STREAMING-UNSIGNED-PAYLOAD-TRAILER" if streaming else "UNSIGNED-PAYLOAD")
            lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
            connection.sendall(f"PUT /bkt/large HTTP/1.1\r\nHost: {self.host}:{self.port}\r\n{lines}\r\n".encode())
            status, text = self.answer(connection)
            self.assertEqual(status, 400)
            self.assertIn("<Code>EntityTooLarge</Code>", text)
        self.nothing_is_kept("large")

    def test_who_hangs_up_in_the_middle_leaves_nothing(self):
        connection = self.begin("hung-up", {"Content-Length": "1000000"}, b"x" * 500_000)
        wait_for("the body to come", self.incoming)
        connection.close()
        self.nothing_is_kept("hung-up")

    def test_who_sends_nothing_more_is_cut_off(self):
        connection = self.begin("stalled", {"Content-Length": "1000"}, b"x" * 10)
        begun = time.monotonic()
        self.assertEqual(connection.recv(100), b"")
        self.assertGreater(time.monotonic() - begun, STALL_S / 2)
        self.nothing_is_kept("stalled")

    def test_who_sends_slowly_but_steadily_is_heard_out(self):
        body = b"slow but steady" * 2
        connection = self.begin("slow", {"Content-Length": str(len(body))}, b"")
        for at in range(0, len(body), 5):
            time.sleep(STALL_S / 4)  # six pauses, longer together than the service waits for one
            connection.sendall(body[at:at + 5])
        self.assertEqual(self.answer(connection)[0], 200)
        self.assertEqual(self.s3.get_object(Bucket="bkt", Key="slow")["Body"].read(), body)

    def test_who_sends_more_than_promised_gets_no_more_stored(self):
        connection = self.begin("more", {"Content-Length": "5"}, b"12345 and more\r\n\r\n")
        self.assertEqual(self.answer(connection)[0], 200)
        self.assertEqual(self.s3.get_object(Bucket="bkt", Key="more")["Body"].read(), b"12345")

    def chunked(self, key, chunks, spoil=None):
        """A PUT in signed chunks; spoil(index, bytes) changes a chunk after it was signed."""
        length = sum(map(len, chunks))
        headers = self.signed(key, {"x-amz-decoded-content-length": str(length)}, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
        date = headers["X-Amz-Date"]
        scope = f"{date[:8]}/us-east-1/s3/aws4_request"
        signing_key = ("AWS4" + self.secret).encode()
        for part in scope.split("/"):
            signing_key = hmac.new(signing_key, part.encode(), hashlib.sha256).digest()
        signature = headers["Authorization"].rsplit("=", 1)[1]
        body = b""
        for index, chunk in enumerate([*chunks, b""]):
            to_sign = "\n".join(["AWS4-HMAC-SHA256-PAYLOAD", date, scope, signature, hashlib.sha256(b"").hexdigest(),
                                 hashlib.sha256(chunk).hexdigest()])
            signature = hmac.new(signing_key, to_sign.encode(), hashlib.sha256).hexdigest()
            sent = spoil(index, chunk) if spoil else chunk
            body += f"{len(chunk):x};chunk-signature={signature}\r\n".encode() + sent + (b"\r\n" if chunk else b"")
        body += b"\r\n"
        connection = http.client.HTTPConnection(self.host, int(self.port), timeout=30)
        connection.request("PUT", f"/bkt/{key}", body, headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def test_chunks_are_taken_if_each_is_signed(self):
        chunks = [os.urandom(65536), os.urandom(65536), os.urandom(100)]
        self.assertEqual(self.chunked("chunks", chunks), (200, ""))
        self.assertEqual(self.s3.get_object(Bucket="bkt", Key="chunks")["Body"].read(), b"".join(chunks))
        status, text = self.chunked("spoilt", chunks, lambda index, chunk: chunk[::-1] if index == 1 else chunk)
        self.assertEqual(status, 403)
        self.assertIn("<Code>SignatureDoesNotMatch</Code>", text)
        self.nothing_is_kept("spoilt")

    def test_thousands_of_idle_connections_keep_nobody_from_being_served(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        count = min(CONNECTIONS, hard - 500)
        self.assertGreater(count, 1000, "ulimit -n is too small for this test")
        idle = [self.connect() for _ in range(count)]
        try:
            contents = os.urandom(1_000_000)
            for number in range(20):
                self.s3.put_object(Bucket="bkt", Key=f"busy-{number}", Body=contents)
                self.assertEqual(self.s3.get_object(Bucket="bkt", Key=f"busy-{number}")["Body"].read(), contents)
            # And those who waited may still ask.
            idle[0].sendall(f"GET /health HTTP/1.1\r\nHost: {self.host}\r\n\r\n".encode())
            self.assertIn(b"200 OK", idle[0].recv(1000))
        finally:
            for connection in idle:
                connection.close()

    def test_a_large_object_passes_through_little_memory(self):
        def peak_kib():
            status = pathlib.Path(f"/proc/{self.service.process.pid}/status").read_text()
            return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))
        before = peak_kib()
        size, block = 256 * 1024 * 1024, os.urandom(1024 * 1024)
        connection = self.begin("large", {"Content-Length": str(size)}, b"")
        for _ in range(size // len(block)):
            connection.sendall(block)
        self.assertEqual(self.answer(connection)[0], 200)
        received = 0
        body = self.s3.get_object(Bucket="bkt", Key="large")["Body"]
        while piece := body.read(1024 * 1024):
            self.assertTrue(piece)
            received += len(piece)
        self.assertEqual(received, size)
        self.assertLess(peak_kib() - before, 64 * 1024)
        self.s3.delete_object(Bucket="bkt", Key="large")


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
