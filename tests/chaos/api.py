"""A small client of the service's AWS JSON wire: signed by hand with the standard library, no retries, short timeouts,
so that what was acknowledged and what was not is known for each single request."""
import datetime
import hashlib
import hmac
import http.client
import json
import urllib.parse

REGION = "us-east-1"
TIMEOUT_S = 6


class NoAnswer(Exception):
    """Nobody knows whether the request was carried out."""


class Refused(Exception):
    """Answered with an error."""

    def __init__(self, status, kind, message):
        super().__init__(f"{status} {kind}: {message}")
        self.status, self.kind = status, kind


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class Api:
    """`where` gives the endpoint and the two keys anew for each request: a restarted service may listen elsewhere."""

    def __init__(self, where):
        self.where = where

    def call(self, target, body, timeout_s=TIMEOUT_S):
        try:
            endpoint, access_key, secret = self.where()
        except OSError as problem:
            raise NoAnswer(str(problem)) from problem
        address = urllib.parse.urlsplit(endpoint)
        text = json.dumps(body)
        headers = self._signed(address.netloc, target, text, access_key, secret)
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=timeout_s)
        try:
            connection.request("POST", "/", text, headers)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as problem:
            raise NoAnswer(f"{target}: {problem!r}") from problem
        finally:
            connection.close()
        if answer.status == 200:
            return json.loads(content or b"{}")
        try:
            error = json.loads(content)
        except ValueError:
            error = {"message": content[:200].decode(errors="replace")}
        kind = error.get("__type", "").rpartition("#")[2]
        raise Refused(answer.status, kind, error.get("message", error.get("Message")))

    @staticmethod
    def _signed(host, target, text, access_key, secret):
        now = datetime.datetime.now(datetime.timezone.utc)
        stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
        headers = {"content-type": "application/x-amz-json-1.1", "host": host, "x-amz-date": stamp,
                   "x-amz-target": target}
        names = ";".join(headers)
        lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
        request = f"POST\n/\n\n{lines}\n{names}\n{hashlib.sha256(text.encode()).hexdigest()}"
        scope = f"{day}/{REGION}/sagemaker/aws4_request"
        to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        key = b"AWS4" + secret.encode()
        for part in (day, REGION, "sagemaker", "aws4_request"):
            key = _hmac(key, part)
        signature = _hmac(key, to_sign).hex()
        headers["authorization"] = (f"AWS4-HMAC-SHA256 Credential={access_key}/{scope}, SignedHeaders={names}, "
                                    f"Signature={signature}")
        return headers
