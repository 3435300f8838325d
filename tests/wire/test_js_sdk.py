"""The AWS SDK for JavaScript, unchanged, with AWS_ENDPOINT_URL alone: newer than Debian's boto3 by three years, with checksums
in trailers, AWS JSON for CloudWatch and compressed requests. The tests themselves are in js/*.test.mjs."""
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.service import Service  # noqa: E402

JS = pathlib.Path(__file__).resolve().parent / "js"


class JsSdk(unittest.TestCase):
    def test_every_client(self):
        self.assertTrue((JS / "node_modules").is_dir(), "run scripts/setup test first")
        service = Service("--slots", "2")
        self.addCleanup(service.close)
        tests = sorted(str(path) for path in JS.glob("*.test.mjs"))
        self.assertGreaterEqual(len(tests), 3)
        done = subprocess.run(["node", "--test", "--test-reporter=tap", *tests], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=300, env={**service.environment(), "AWS_ENDPOINT_URL": service.endpoint,
                                                "AWS_REGION": "us-east-1"})
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertRegex(done.stdout, r"(?m)^# pass [1-9]\d+$")
        self.assertRegex(done.stdout, r"(?m)^# skipped 0$")


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
