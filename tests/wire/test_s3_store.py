"""Our S3 client against real servers: the embedded one, Ceph's radosgw of Debian, both through TLS, and through a proxy that
loses, breaks, cuts and spoils what passes. The checks themselves are C++: tests/s3, tests/conformance."""
import os
import pathlib
import ssl
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support import fault_proxy, radosgw  # noqa: E402
from support.service import BINARY, Service  # noqa: E402

CHECKS = pathlib.Path(BINARY).resolve().parent / "tests" / "test_any_s3"

# Of a hundred requests, so many.
FAULTS = {"late": 0.05, "slow_down": 0.04, "slow_down_early": 0.02, "reset_early": 0.04, "cut_request": 0.04, "lost_answer": 0.05,
          "cut_answer": 0.05, "garbage": 0.02, "refused_with_200": 0.2}
SPOILT = {"flip_request": 0.08, "flip_answer": 0.08, "wrong_checksum": 0.05}


class AnyS3:
    """The checks, on whatever server the class starts."""

    def check(self, case, **variables):
        environment = {**os.environ, **{f"HOLDFAST_TEST_S3_{name}": str(value) for name, value in variables.items()}}
        done = subprocess.run([CHECKS, f"--test-case={case}"], env={**environment, **self.keys}, text=True,
                              capture_output=True, timeout=500)
        self.assertEqual(done.returncode, 0, done.stdout[-6000:] + done.stderr[-2000:])
        self.assertNotIn("test cases: 0", " ".join(done.stdout.split()), "no such check")
        return done.stdout

    def test_it_is_an_object_store(self):
        self.check("*any S3*,*large*,*source*,*dead*,*threads*,*nobody's*", ENDPOINT=self.endpoint)

    def test_it_is_one_through_tls(self):
        with tempfile.TemporaryDirectory() as folder:
            pair, authority = fault_proxy.certificate(pathlib.Path(folder))
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(pair)
            proxy = fault_proxy.FaultProxy(self.endpoint, {}, tls=context)
            try:
                self.check("*large*,*threads*", ENDPOINT=proxy.endpoint, CA=authority)
                with self.assertRaises(AssertionError) as stranger:
                    self.check("*many threads*", ENDPOINT=proxy.endpoint)
                self.assertIn("is not trusted", str(stranger.exception))
            finally:
                proxy.close()

    def test_bad_days_leave_nothing_half(self):
        for seed in (1, 2):
            proxy = fault_proxy.FaultProxy(self.endpoint, self.faults, seed=seed)
            try:
                told = self.check("whatever happens*", ENDPOINT=self.endpoint, FAULTY=proxy.endpoint, SEED=seed)
                print([line for line in told.splitlines() if "calls failed" in line], proxy.requests, proxy.counts)
                self.assertGreater(proxy.requests, 100)
            finally:
                proxy.close()

    def test_lists_copies_and_removals_get_through(self):
        proxy = fault_proxy.FaultProxy(self.endpoint, FAULTS, seed=3)
        try:
            self.check("*get through*", ENDPOINT=self.endpoint, FAULTY=proxy.endpoint)
        finally:
            proxy.close()


class Embedded(AnyS3, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = Service("--slots", "1")
        cls.endpoint = cls.service.endpoint
        text = (cls.service.data / "credentials").read_text().replace(" ", "")
        keys = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        cls.keys = {"HOLDFAST_TEST_S3_ACCESS_KEY": keys["aws_access_key_id"], "HOLDFAST_TEST_S3_SECRET": keys["aws_secret_access_key"]}
        cls.faults = {**FAULTS, **SPOILT}

    @classmethod
    def tearDownClass(cls):
        cls.service.close()


@unittest.skipUnless(radosgw.is_installed(), "radosgw, ceph-mon and ceph-osd are not installed")
class Ceph(AnyS3, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.gateway = radosgw.RadosGateway("memstore")
        cls.endpoint = cls.gateway.endpoint
        cls.keys = {"HOLDFAST_TEST_S3_ACCESS_KEY": radosgw.ACCESS_KEY, "HOLDFAST_TEST_S3_SECRET": radosgw.SECRET_KEY}
        cls.faults = FAULTS  # it looks at no checksum

    @classmethod
    def tearDownClass(cls):
        cls.gateway.close()


if __name__ == "__main__":
    unittest.main()
