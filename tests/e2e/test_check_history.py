"""`holdfast check-history` on a real service's data: held after a life with interruptions, a stop and kills of the service;
broken once somebody tampers with it."""
import json
import pathlib
import shutil
import sqlite3
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.service import BINARY, Service, wait_for  # noqa: E402

SAVER = """
import os, time
ck = '/opt/ml/checkpoints'
done = max([int(f.split('-')[1]) for f in os.listdir(ck) if f.startswith('step-')], default=0)
print('found step', done)
for step in range(done + 1, 10):
    time.sleep(0.7)
    with open(ck + '/new', 'w') as f:
        f.write('x' * 1000 + str(step))
    os.replace(ck + '/new', f'{ck}/step-{step}')
    print('step', step)
"""


def check(data, *options):
    return subprocess.run([BINARY, "check-history", "--data", str(data), *options], text=True, capture_output=True, timeout=60)


class CheckHistory(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = s = Service("--slots", "3")
        s.client("s3").create_bucket(Bucket="tests")
        s.create("whole", SAVER)
        s.create("stopped", "import time; print('go'); time.sleep(600)")
        s.create("patient", SAVER.replace("0.7", "1.5"))
        s.wait_for_line("whole", "step 2")
        s.interrupt("whole", 30)
        s.wait_for_line("stopped", "go")
        s.client("sagemaker").stop_training_job(TrainingJobName="stopped")
        s.wait_for_line("whole", "found step", 2)
        s.kill()
        s.start()
        s.interrupt("whole", 0)
        for job in ("whole", "stopped", "patient"):
            s.wait_for_end(job)
        wait_for("no instance to be left", lambda: not list((s.data / "instances").glob("*/assignment.json")))

    @classmethod
    def tearDownClass(cls):
        cls.service.close()

    def copy_of_data(self):
        """The database and the checkpoints, for tampering. SQLite's own backup: the service writes all the while."""
        there = self.service.folder / self.id()
        shutil.copytree(self.service.data / "objects", there / "objects")
        with sqlite3.connect(self.service.data / "holdfast.db") as source, sqlite3.connect(there / "holdfast.db") as copy:
            source.backup(copy)
        return there

    def assert_broken(self, data, *properties):
        done = check(data, "--json")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        broken = {violation["property"] for violation in json.loads(done.stdout)["violations"]}
        self.assertLessEqual(set(properties), broken, done.stdout)

    def tamper(self, sql, *arguments):
        data = self.copy_of_data()
        database = sqlite3.connect(data / "holdfast.db")
        changed = database.execute(sql, arguments).rowcount
        database.commit()
        database.close()
        self.assertGreater(changed, 0)
        return data

    def test_a_running_services_history_holds(self):
        done = check(self.service.data)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("its service runs", done.stdout)
        self.assertIn("3 jobs (0 live)", done.stdout)
        self.assertIn("2 starts of the service", done.stdout)
        self.assertNotIn("not judged", done.stdout)
        self.assertIn("Every promise that could be judged was kept.", done.stdout)
        report = json.loads(check(self.service.data, "--json").stdout)
        self.assertEqual(len(report["promises"]), 10)
        self.assertGreaterEqual(report["attempts"], 5)
        self.assertEqual(report["instances"], report["attempts"])
        self.assertEqual(report["ledgers"], 3)
        self.assertGreaterEqual(report["generations"], 2)
        self.assertEqual(report["violations"], [])

    def test_a_copy_without_a_service_holds_too(self):
        done = check(self.copy_of_data())
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("no service runs", done.stdout)

    def test_a_folder_without_a_database_cannot_be_read(self):
        done = check(self.service.folder / "nothing")
        self.assertEqual(done.returncode, 2)
        self.assertIn("is not there", done.stderr)

    def test_a_job_whose_state_was_changed_is_noticed(self):
        job, = sqlite3.connect(self.service.data / "holdfast.db").execute("SELECT job FROM jobs WHERE name = 'whole'").fetchone()
        changed = json.loads(job)
        changed["state"]["status"] = changed["transitions"][-1]["status"] = "Stopped"
        self.assert_broken(self.tamper("UPDATE jobs SET job = ? WHERE name = 'whole'", json.dumps(changed)), "P1", "P10")

    def test_a_status_that_is_only_listed_is_noticed(self):
        self.assert_broken(self.tamper("UPDATE jobs SET status = 'Failed' WHERE name = 'whole'"), "P1")

    def test_a_bill_that_was_changed_is_noticed(self):
        job, = sqlite3.connect(self.service.data / "holdfast.db").execute("SELECT job FROM jobs WHERE name = 'whole'").fetchone()
        changed = json.loads(job)
        changed["accounts"]["billable_millionths"] += 60_000_000_000
        self.assert_broken(self.tamper("UPDATE jobs SET job = ? WHERE name = 'whole'", json.dumps(changed)), "P6", "P10")

    def test_an_event_that_was_deleted_is_noticed(self):
        self.assert_broken(self.tamper("DELETE FROM events WHERE job = 'whole' AND version = 4"), "P1", "P10")

    def test_an_event_whose_time_was_changed_is_noticed(self):
        self.assert_broken(self.tamper("UPDATE events SET at_ms = at_ms + 500 WHERE job = 'whole' AND version = 5"), "P10")

    def test_a_job_that_was_deleted_is_noticed(self):
        self.assert_broken(self.tamper("DELETE FROM jobs WHERE name = 'stopped'"), "P1")

    def test_a_fence_that_was_given_out_twice_is_noticed(self):
        self.assert_broken(self.tamper("""UPDATE events SET event = replace(event, '"fence":2', '"fence":1')
            WHERE event LIKE '%Placed%' AND event LIKE '%"fence":2%'"""), "P2")

    def test_an_instance_that_was_there_for_too_long_is_noticed(self):
        self.assert_broken(self.tamper("UPDATE leases SET gone_ms = gone_ms + 3600000 WHERE fence = 1"), "P7")

    def test_a_checkpoint_file_that_is_gone_is_noticed(self):
        data = self.copy_of_data()
        files = [f for f in data.rglob("*") if f.is_file() and "patient" in str(f) and ".holdfast" in str(f) and "data" in f.parts[-2:][0]]
        self.assertTrue(files)
        for file in files:
            file.unlink()
        self.assert_broken(data, "P3")

    def test_a_newest_checkpoint_that_is_gone_is_noticed(self):
        data = self.copy_of_data()
        manifests = sorted(f for f in data.rglob("*.json") if "patient" in str(f) and "ledger" in str(f))
        manifests[-1].unlink()
        self.assert_broken(data, "P4")


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
