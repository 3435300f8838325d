"""An HTTP proxy with bad days, between an S3 client and a server: what happens to a request is drawn from a seed. With a
certificate it speaks TLS to the client."""
import asyncio
import contextlib
import random
import socket
import struct
import subprocess
import threading

SLOW_DOWN = (b'<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message>'
             b"<RequestId>PROXY</RequestId></Error>")
INTERNAL = b'  \n<?xml version="1.0"?><Error><Code>InternalError</Code><Message>We are sorry.</Message></Error>'

# What may happen, and to which requests.
FAULTS = {
    "late": lambda request: True,
    "slow_down": lambda request: True,
    "slow_down_early": lambda request: True,
    "reset_early": lambda request: True,
    "cut_request": lambda request: request.length > 1,
    "lost_answer": lambda request: True,
    "cut_answer": lambda request: True,
    "garbage": lambda request: True,
    "refused_with_200": lambda request: request.method == "POST" and b"uploadId" in request.target,
    # What only a checksum finds. A flipped bit in a document would be another document: nobody but TLS finds that.
    "flip_request": lambda request: request.method == "PUT" and b"x-amz-checksum" in request.head.lower() and request.length > 0,
    "flip_answer": lambda request: request.method == "GET" and b"x-amz-checksum-mode" in request.head.lower(),
    "wrong_checksum": lambda request: request.method == "PUT" and b"x-amz-checksum" in request.head.lower(),
}


class Hangup(Exception):
    pass


class Message:
    def __init__(self, head):
        self.head = head
        lines = head.split(b"\r\n")
        self.start = lines[0]
        self.method = lines[0].split(b" ")[0].decode("latin-1")
        self.target = lines[0].split(b" ")[1]
        self.headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(b":")
            self.headers[name.strip().lower()] = value.strip()
        self.length = int(self.headers.get(b"content-length", b"0"))


async def read_head(reader):
    try:
        return Message(await reader.readuntil(b"\r\n\r\n"))
    except (asyncio.IncompleteReadError, ConnectionError):
        raise Hangup from None


async def read_body(reader, message):
    if b"chunked" not in message.headers.get(b"transfer-encoding", b""):
        return await reader.readexactly(message.length)
    whole = b""
    while True:
        line = await reader.readuntil(b"\r\n")
        whole += line + await reader.readexactly(int(line, 16) + 2)
        if int(line, 16) == 0:
            return whole


def reset(writer):
    """With a reset, so that bytes already sent may be lost with it."""
    sock = writer.get_extra_info("socket")
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def answer(status, reason, body):
    return f"HTTP/1.1 {status} {reason}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def flipped(body, draw):
    if not body:
        return body
    at = draw.randrange(len(body))
    return body[:at] + bytes([body[at] ^ (1 << draw.randrange(8))]) + body[at + 1:]


class FaultProxy:
    """close() ends it. `rates`: how often each fault happens to a request that it can happen to."""

    def __init__(self, upstream, rates, seed=1, tls=None):
        self.upstream = upstream.removeprefix("http://").split(":")
        self.rates = rates
        self.draw = random.Random(seed)
        self.counts = dict.fromkeys(FAULTS, 0)
        self.requests = 0
        self.loop = asyncio.new_event_loop()
        started = threading.Event()

        async def begin():
            self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0, ssl=tls, limit=1 << 20)
            port = self.server.sockets[0].getsockname()[1]
            self.endpoint = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
            started.set()

        self.loop.create_task(begin())
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        started.wait(30)

    def close(self):
        async def end():
            self.server.close()
            tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self.loop).result(30)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(30)

    def fault_for(self, request):
        self.requests += 1
        for name, possible in FAULTS.items():
            if possible(request) and self.draw.random() < self.rates.get(name, 0):
                self.counts[name] += 1
                return name
        return None

    async def serve(self, reader, writer):
        up = None
        try:
            while True:
                request = await read_head(reader)
                up = await self.pass_on(request, reader, writer, up)
        except (Hangup, ConnectionError, asyncio.IncompleteReadError, OSError):
            pass
        except asyncio.CancelledError:
            pass
        finally:
            for one in (writer, up[1] if up else None):
                if one:
                    one.close()

    async def pass_on(self, request, reader, writer, up):
        fault = self.fault_for(request)
        if fault == "late":
            await asyncio.sleep(self.draw.uniform(0.005, 0.05))
        if fault == "reset_early":
            if request.length:
                await reader.readexactly(self.draw.randrange(request.length + 1))
            reset(writer)
            raise Hangup
        if fault == "slow_down_early":
            writer.write(answer(503, "Slow Down", SLOW_DOWN))
            await writer.drain()
            raise Hangup
        body = await reader.readexactly(request.length)
        if fault == "slow_down":
            writer.write(answer(503, "Slow Down", b"" if request.method == "HEAD" else SLOW_DOWN))
            return up
        if fault == "garbage":
            writer.write(b"\x16\x03\x01 this is not HTTP\r\n\r\n")
            await writer.drain()
            raise Hangup
        if fault == "refused_with_200" and self.draw.random() < 0.5:
            writer.write(answer(200, "OK", INTERNAL))
            return up
        if fault == "flip_request":
            body = flipped(body, self.draw)
        if up is None:
            up = await asyncio.open_connection(*self.upstream, limit=1 << 20)
        up_reader, up_writer = up
        up_writer.write(request.head)
        if fault == "cut_request":
            up_writer.write(body[:self.draw.randrange(len(body))])
            with contextlib.suppress(ConnectionError):
                await up_writer.drain()
            up_writer.close()
            reset(writer)
            raise Hangup
        up_writer.write(body)
        await up_writer.drain()
        got = Message((await read_head(up_reader)).head)
        got_body = b"" if request.method == "HEAD" else await read_body(up_reader, got)
        if fault == "lost_answer":
            reset(writer)
            raise Hangup
        if fault == "refused_with_200":
            writer.write(answer(200, "OK", INTERNAL))
            return up
        head = got.head
        if fault == "wrong_checksum" and b"x-amz-checksum-crc32c" in head.lower():
            at = head.lower().index(b"x-amz-checksum-crc32c: ") + len(b"x-amz-checksum-crc32c: ")
            head = head[:at] + (b"B" if head[at:at + 1] == b"A" else b"A") + head[at + 1:]
        # The checksum of an object in parts is one of checksums: nobody can hold the whole against it.
        if fault == "flip_answer" and b"-" not in got.headers.get(b"x-amz-checksum-crc32c", b"-"):
            got_body = flipped(got_body, self.draw)
        if fault == "cut_answer":
            whole = head + got_body
            writer.write(whole[:self.draw.randrange(len(whole))])
            with contextlib.suppress(ConnectionError):
                await writer.drain()
            if self.draw.random() < 0.5:
                reset(writer)
            raise Hangup
        writer.write(head + got_body)
        await writer.drain()
        return up


def certificate(folder):
    """A self-signed certificate for this machine, in folder/tls.pem with its key; and nothing but the certificate in
    folder/ca.pem."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
                    "2", "-subj", "/CN=holdfast-test", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", "-keyout",
                    str(folder / "key.pem"), "-out", str(folder / "ca.pem")], check=True, capture_output=True)
    (folder / "tls.pem").write_text((folder / "key.pem").read_text() + (folder / "ca.pem").read_text())
    return folder / "tls.pem", folder / "ca.pem"
