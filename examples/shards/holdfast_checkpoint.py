"""Asks Holdfast to save what is in the checkpoint directory now, and waits until it is safe. Elsewhere it does nothing."""
import json
import os
import socket


def commit():
    path = os.environ.get("HOLDFAST_CHECKPOINT_SOCKET")
    if not path:
        return None
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(path)
        line.sendall(b"POST / HTTP/1.0\r\n\r\n")
        head, _, body = line.makefile("rb").read().partition(b"\r\n\r\n")
    if head.split()[1] != b"200":
        raise RuntimeError(json.loads(body)["message"])
    return json.loads(body)["Generation"]
