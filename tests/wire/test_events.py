"""Status changes, as a receiver of webhooks hears them: signed, in order, over a restart of the service."""
import base64
import hashlib
import hmac
import http.server
import json
import pathlib
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.service import Service, wait_for  # noqa: E402


class Receiver(http.server.ThreadingHTTPServer):
    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.heard, self.deaf = [], False
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def details(self, job):
        return [event["detail"] for _, event in self.heard if event["detail"]["TrainingJobName"] == job]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self.server.deaf:
            self.server.heard.append(((dict(self.headers.items()), body), json.loads(body)))
        self.send_response(503 if self.server.deaf else 204)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Events(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.receiver = Receiver()
        cls.service = Service("--slots", "2", "--events-to", f"http://127.0.0.1:{cls.receiver.server_port}/hook")
        cls.service.client("s3").create_bucket(Bucket="tests")

    @classmethod
    def tearDownClass(cls):
        cls.service.close()
        cls.receiver.shutdown()
        cls.receiver.server_close()

    def test_each_status_of_a_job_is_told_in_order(self):
        self.service.create("told", "print('hello')", Tags=[
            {"Key": "holdfast:working-directory", "Value": str(self.service.folder / "code")}, {"Key": "team", "Value": "x"}])
        job = self.service.wait_for_end("told")
        wait_for("the last event", lambda: self.receiver.details("told")[-1:] and
                 self.receiver.details("told")[-1]["TrainingJobStatus"] == "Completed")
        details = self.receiver.details("told")
        self.assertEqual([detail["SecondaryStatus"] for detail in details],
                         [transition["Status"] for transition in job["SecondaryStatusTransitions"]])
        last = details[-1]
        self.assertEqual(last["Tags"]["team"], "x")
        self.assertEqual(last["CreationTime"], round(job["CreationTime"].timestamp() * 1000))
        self.assertEqual(last["BillableTimeInSeconds"], job["BillableTimeInSeconds"])
        self.assertNotIn("TrainingEndTime", details[0])

    def test_an_event_is_signed_with_the_secret_in_the_data_folder(self):
        self.service.create("signed", "print('hello')")
        wait_for("an event", lambda: self.receiver.details("signed"))
        (headers, body), event = next(entry for entry in self.receiver.heard
                                      if entry[1]["detail"]["TrainingJobName"] == "signed")
        secret = (self.service.data / "webhook-secret").read_text().strip()
        self.assertEqual((self.service.data / "webhook-secret").stat().st_mode & 0o777, 0o600)
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        self.assertEqual(headers["webhook-signature"],
                         "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode())
        self.assertEqual(event["id"], headers["webhook-id"])
        self.assertEqual(event["source"], "aws.sagemaker")
        self.assertEqual(event["detail-type"], "SageMaker Training Job State Change")
        self.assertEqual(event["resources"], ["arn:aws:sagemaker:us-east-1:000000000000:training-job/signed"])

    def test_what_is_not_heard_is_told_after_a_restart(self):
        self.receiver.deaf = True
        self.service.create("unheard", "print('hello')")
        self.service.wait_for_end("unheard")
        self.service.kill()
        self.receiver.deaf = False
        self.service.start()
        wait_for("the end to be told", lambda: self.receiver.details("unheard")[-1:] and
                 self.receiver.details("unheard")[-1]["TrainingJobStatus"] == "Completed")
        self.assertEqual(self.receiver.details("unheard")[0]["SecondaryStatus"], "Starting")


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
