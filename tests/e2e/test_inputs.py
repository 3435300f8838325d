"""What goes into a training and what comes out of it: each way of reading a channel, and what is stored at each end."""
import gzip
import hashlib
import io
import json
import pathlib
import sys
import tarfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from support.service import Service, statuses  # noqa: E402

DATA = "/opt/ml/input/data/"


def channel(name, uri, kind="S3Prefix", distribution=None, attributes=None, **more):
    source = {"S3DataType": kind, "S3Uri": uri}
    if distribution:
        source["S3DataDistributionType"] = distribution
    if attributes:
        source["AttributeNames"] = attributes
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}, **more}


class Inputs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = Service("--slots", "4")
        cls.s3 = cls.service.client("s3")
        cls.s3.create_bucket(Bucket="tests")

    @classmethod
    def tearDownClass(cls):
        checked = cls.service.holdfast("check-history", check=False)
        cls.service.close()
        assert checked.returncode == 0, checked.stdout + checked.stderr

    def put(self, **objects):
        for key, body in objects.items():
            self.s3.put_object(Bucket="tests", Key=key, Body=body)

    def keys(self, prefix):
        return [o["Key"].removeprefix(prefix) for o in self.s3.list_objects_v2(Bucket="tests", Prefix=prefix).get("Contents", [])]

    def get(self, key):
        return self.s3.get_object(Bucket="tests", Key=key)["Body"].read()

    def unpack(self, key):
        archive = tarfile.open(fileobj=io.BytesIO(self.get(key)))
        return {m.name: archive.extractfile(m).read() for m in archive if m.isfile()}

    def run_job(self, name, program, channels, **changes):
        """The lines that the program printed, once it completed."""
        self.service.create(name, program, spot=False, checkpoint=False, InputDataConfig=channels, **changes)
        job = self.service.wait_for_end(name)
        lines = self.service.lines(name)
        self.assertEqual(job["TrainingJobStatus"], "Completed", (job.get("FailureReason"), lines))
        return lines

    def failure_of(self, name):
        job = self.service.wait_for_end(name)
        self.assertEqual(job["TrainingJobStatus"], "Failed", self.service.lines(name))
        return job["FailureReason"]

    # ---- what goes in

    def test_pipes_bring_everything_in_every_epoch(self):
        big = bytes(range(256)) * 10_000
        self.put(**{"pipe/a": b"first ", "pipe/b": big, "pipe/deep/c": b" last", "pipe/deep/": b""})
        lines = self.run_job("pipes", f"""
import hashlib, os
for epoch in range(3):
    print('there', os.path.exists('{DATA}train_%d' % (epoch + 1)))
    print('epoch', epoch, hashlib.sha256(open('{DATA}train_%d' % epoch, 'rb').read()).hexdigest())
print('left', sorted(os.listdir('{DATA}')))
config = open('/opt/ml/input/config/inputdataconfig.json').read()
print('config', config)
""", [channel("train", "s3://tests/pipe/", InputMode="Pipe", ContentType="application/octet-stream")])
        whole = hashlib.sha256(b"first " + big + b" last").hexdigest()
        for epoch in range(3):
            self.assertIn(f"epoch {epoch} {whole}", lines)
        self.assertEqual(lines.count("there True"), 3)
        self.assertIn("left ['train_3', 'train_4']", lines)
        config = json.loads(next(line for line in lines if line.startswith("config "))[7:])
        self.assertEqual(config, {"train": {"TrainingInputMode": "Pipe", "S3DistributionType": "FullyReplicated",
                                            "RecordWrapperType": "None", "ContentType": "application/octet-stream"}})

    def test_pipes_unpack_wrap_and_shuffle(self):
        self.put(**{f"letters/{c}": c.encode() for c in "abcdefghijklmnop"})
        self.put(**{"zip/a": gzip.compress(b"packed ") + gzip.compress(b"twice"), "pictures/1": b"picture", "pictures/2": b""})
        self.put(**{"lists/pictures": b'{"source-ref": "s3://tests/pictures/1", "class": 7}\n'
                                      b'{"class": {"x": "y"}, "source-ref": "s3://tests/pictures/2", "more": 1}\n'})
        lines = self.run_job("forms", f"""
import struct
def records(data):
    while data:
        magic, length = struct.unpack('<II', data[:8])
        assert magic == 0xced7230a
        yield data[8:8 + length]
        data = data[8 + (length + 3) // 4 * 4:]
for channel in ('order', 'shuffled', 'zip'):
    for epoch in range(2):
        print(channel, epoch, open('{DATA}%s_%d' % (channel, epoch)).read())
print('records', list(records(open('{DATA}augmented_0', 'rb').read())))
print('zipped records', list(records(open('{DATA}both_0', 'rb').read())))
""", [channel("order", "s3://tests/letters/", distribution="ShardedByS3Key"),
            channel("shuffled", "s3://tests/letters/", ShuffleConfig={"Seed": 5}),
            channel("zip", "s3://tests/zip/", CompressionType="Gzip"),
            channel("both", "s3://tests/zip/", CompressionType="Gzip", RecordWrapperType="RecordIO"),
            channel("augmented", "s3://tests/lists/pictures", "AugmentedManifestFile",
                    attributes=["source-ref", "class"], RecordWrapperType="RecordIO")],
            AlgorithmSpecification={"TrainingInputMode": "Pipe"})
        self.assertEqual([line for line in lines if line.startswith("order")],
                         ["order 0 abcdefghijklmnop", "order 1 abcdefghijklmnop"])
        shuffled = [line.split()[2] for line in lines if line.startswith("shuffled")]
        self.assertEqual([sorted(order) for order in shuffled], [list("abcdefghijklmnop")] * 2)
        self.assertEqual(len({"abcdefghijklmnop", *shuffled}), 3)
        self.assertIn("zip 1 packed twice", lines)
        self.assertIn("zipped records [b'packed twice']", lines)
        self.assertIn("""records [b'picture', b'7', b'', b'{"x":"y"}']""", lines)

    def test_a_manifest_names_files_and_streams(self):
        self.put(**{"m/a": b"a", "m/deep/b": b"b", "m/other": b"no"})
        self.put(**{"lists/m": b'[{"prefix": "s3://tests/m/"}, "deep/b", "a"]'})
        lines = self.run_job("manifest", f"""
import os
print('files', sorted(os.path.join(d, f)[len('{DATA}files/'):] for d, _, fs in os.walk('{DATA}files') for f in fs))
print('stream', open('{DATA}stream_0').read())
""", [channel("files", "s3://tests/lists/m", "ManifestFile"),
            channel("stream", "s3://tests/lists/m", "ManifestFile", InputMode="Pipe")])
        self.assertIn("files ['a', 'deep/b']", lines)
        self.assertIn("stream ba", lines)

    def test_fast_files_cannot_be_changed(self):
        self.put(**{"fast/a": b"a", "fast/deep/b": b"b", "fast-more/c": b"c"})
        lines = self.run_job("fast", f"""
import os
print('files', sorted(os.path.join(d, f)[len('{DATA}train/'):] for d, _, fs in os.walk('{DATA}train') for f in fs))
def tried(what, act):
    try:
        act()
        print(what, 'works')
    except OSError as e:
        print(what, 'refused')
tried('write', lambda: open('{DATA}train/a', 'w'))
tried('make', lambda: open('{DATA}train/new', 'w'))
tried('remove', lambda: os.remove('{DATA}train/a'))
tried('chmod', lambda: os.chmod('{DATA}train/a', 0o777))
tried('move', lambda: os.rename('{DATA}train', '{DATA}moved'))
tried('read', lambda: open('{DATA}train/deep/b').read())
tried('write elsewhere', lambda: open('{DATA}plain/a', 'w').write('mine'))
""", [channel("train", "s3://tests/fast", InputMode="FastFile"), channel("plain", "s3://tests/fast/")])
        for line in ("files ['a', 'deep/b']", "write refused", "make refused", "remove refused", "chmod refused",
                     "move refused", "read works", "write elsewhere works"):
            self.assertIn(line, lines)
        self.assertEqual(self.get("fast/a"), b"a")

    def test_wrong_input_is_the_users_and_says_what_is_wrong(self):
        s = self.service
        self.put(**{"lists/up": b'[{"prefix": "s3://tests/m/"}, "fine", "../../up"]', "lists/text": b"a\nb\n",
                    "lists/missing": b'[{"prefix": "s3://tests/nowhere/"}, "a"]', "lists/line": b'{"a": 1}\n{"b": 1}\n',
                    "halves/a": gzip.compress(b"x" * 100_000)[:-9]})
        pipe = f"print(len(open('{DATA}c_0', 'rb').read())); open('/opt/ml/output/data/o', 'w').write('never')"
        cases = {
            "up": (channel("c", "s3://tests/lists/up", "ManifestFile"), "its element 3, '../../up', leads out of the prefix"),
            "text": (channel("c", "s3://tests/lists/text", "ManifestFile"), "it is no JSON, at byte 1"),
            "missing": (channel("c", "s3://tests/lists/missing", "ManifestFile"), "s3://tests/nowhere/a: no such object"),
            "line": (channel("c", "s3://tests/lists/line", "AugmentedManifestFile", attributes=["a"], InputMode="Pipe"),
                     "line 2 is wrong: it has no member 'a'"),
            "late": (channel("c", "s3://tests/lists/missing", "ManifestFile", InputMode="Pipe"), "s3://tests/nowhere/a: no such object"),
            "half": (channel("c", "s3://tests/halves/", InputMode="Pipe", CompressionType="Gzip"), "it is no whole gzip file"),
        }
        for name, (wrong, _) in cases.items():
            s.create("wrong-" + name, pipe, spot=False, checkpoint=False, InputDataConfig=[wrong])
        for name, (_, why) in cases.items():
            reason = self.failure_of("wrong-" + name)
            self.assertTrue(reason.startswith("ClientError: "), reason)
            self.assertIn("channel 'c'", reason)
            self.assertIn(why, reason)
            self.assertEqual(self.keys(f"output/wrong-{name}/"), [])

    def test_input_that_is_not_there_is_refused_at_once(self):
        self.put(**{"lists/one": b"[]", "train/a": b"a"})
        for wrong in (channel("c", "s3://tests/lists/on", "ManifestFile"), channel("c", "s3://tests/tra", InputMode="FastFile"),
                      channel("c", "s3://tests/train/a", InputMode="FastFile"),
                      channel("c", "s3://tests/lists/on", "AugmentedManifestFile", attributes=["a"], InputMode="Pipe"),
                      channel("c", "s3://tests/none/", InputMode="Pipe")):
            with self.assertRaisesRegex(self.service.client("sagemaker").exceptions.ClientError, "No S3 objects found under"):
                self.service.create("not-there", "", InputDataConfig=[wrong])

    def test_a_pipe_that_nobody_reads_to_its_end_ends_with_its_program(self):
        self.put(**{"much/a": b"line\n" * 2_000_000})
        head = self.run_job("head", f"""
import subprocess
print('head', subprocess.run(['head', '-n1', '{DATA}train_0'], capture_output=True, text=True).stdout)
print('head', subprocess.run(['head', '-n1', '{DATA}train_1'], capture_output=True, text=True).stdout)
stays_open = open('{DATA}train_2', 'rb').read(10)
keep = open('{DATA}train_3', 'rb'); keep.read(10)
print('over')
""", [channel("train", "s3://tests/much/", InputMode="Pipe"), channel("never", "s3://tests/much/", InputMode="Pipe")])
        self.assertEqual([line for line in head if line.startswith("head")], ["head line"] * 2)
        self.assertIn("over", head)

    def test_a_stream_begins_anew_after_an_interruption(self):
        s = self.service
        self.put(**{f"again/{i}": b"%d;" % i for i in range(9)})
        s.create("again", f"""
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
for epoch in range(2):
    print('epoch', epoch, open('{DATA}train_%d' % epoch).read())
if not os.path.exists('/opt/ml/checkpoints/seen'):
    open('/opt/ml/checkpoints/seen', 'w').write('x')
    open('/opt/ml/model/early', 'w').write('x')
    open('/opt/ml/output/data/early', 'w').write('x')
    print('ready')
    time.sleep(600)
""", InputDataConfig=[channel("train", "s3://tests/again/", InputMode="Pipe", ShuffleConfig={"Seed": 1})])
        s.wait_for_line("again", "ready")
        s.interrupt("again", 30)
        job = s.wait_for_end("again")
        self.assertEqual(job["TrainingJobStatus"], "Completed", s.lines("again"))
        epochs = [line for line in s.lines("again") if line.startswith("epoch")]
        self.assertEqual(len(epochs), 4)
        self.assertEqual(epochs[:2], epochs[2:])
        # What the first attempt had in model/ and output/ went with its instance.
        self.assertEqual(self.unpack("output/again/output/model.tar.gz"), {})
        self.assertEqual(self.keys("output/again/output/"), ["model.tar.gz"])

    # ---- what comes out

    SAVES = """
import sys, time
open('/opt/ml/model/m', 'w').write('model'); open('/opt/ml/output/data/o', 'w').write('output')
print('ready'); sys.stdout.flush()
"""

    def test_every_wall_stores_the_model_and_the_output(self):
        s = self.service
        limits = {"stopped": {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 600},
                  "runtime": {"MaxRuntimeInSeconds": 8, "MaxWaitTimeInSeconds": 600},
                  "wait": {"MaxRuntimeInSeconds": 8, "MaxWaitTimeInSeconds": 8}}
        for name, limit in limits.items():
            s.create("wall-" + name, self.SAVES + "time.sleep(600)", checkpoint=False, StoppingCondition=limit)
        s.wait_for_line("wall-stopped", "ready")
        s.client("sagemaker").stop_training_job(TrainingJobName="wall-stopped")
        for name, ending in (("stopped", "Stopped"), ("runtime", "MaxRuntimeExceeded"), ("wait", "MaxWaitTimeExceeded")):
            job = s.wait_for_end("wall-" + name)
            self.assertEqual((job["TrainingJobStatus"], job["SecondaryStatus"]), ("Stopped", ending))
            self.assertNotIn("FailureReason", job)
            self.assertEqual(job["ModelArtifacts"]["S3ModelArtifacts"], f"s3://tests/output/wall-{name}/output/model.tar.gz")
            self.assertEqual(self.unpack(f"output/wall-{name}/output/model.tar.gz"), {"m": b"model"})
            self.assertEqual(self.unpack(f"output/wall-{name}/output/output.tar.gz"), {"o": b"output"})

    def test_a_program_that_fails_leaves_its_output_but_no_model(self):
        self.service.create("fails", self.SAVES + "sys.exit(3)", checkpoint=False)
        self.assertEqual(self.failure_of("fails"), "AlgorithmError: , exit code: 3")
        self.assertEqual(self.keys("output/fails/output/"), ["output.tar.gz"])

    def test_a_model_can_be_stored_file_by_file(self):
        s = self.service
        program = """
import os
os.makedirs('/opt/ml/model/deep'); open('/opt/ml/model/deep/w', 'w').write('w')
os.symlink('deep/w', '/opt/ml/model/link'); os.symlink('/etc/passwd', '/opt/ml/model/out')""" + self.SAVES
        for name, end, ending in (("files-done", "", "Completed"), ("files-stopped", "time.sleep(600)", "Stopped")):
            # Debian's botocore does not know CompressionType yet.
            s.call("SageMaker.CreateTrainingJob", s.request(name, program + end, checkpoint=False, OutputDataConfig={
                "CompressionType": "NONE", "KmsKeyId": "alias/mine"}))
            if end:
                s.wait_for_line(name, "ready")
                s.client("sagemaker").stop_training_job(TrainingJobName=name)
            job = s.wait_for_end(name)
            self.assertEqual(job["SecondaryStatus"], ending)
            self.assertEqual(job["OutputDataConfig"]["KmsKeyId"], "alias/mine")
            self.assertEqual(job["ModelArtifacts"]["S3ModelArtifacts"], f"s3://tests/output/{name}/output/model/")
            self.assertEqual(self.keys(f"output/{name}/output/"), ["model/deep/w", "model/link", "model/m", "output.tar.gz"])
            self.assertEqual(self.get(f"output/{name}/output/model/link"), b"w")
            self.assertIn("[holdfast] not stored with the model: out: a link that leads out of the model", s.lines(name))

    # ---- what a program finds

    def test_a_program_finds_its_configuration_and_its_host(self):
        self.put(**{"some/a": b"a"})
        lines = self.run_job("finds", """
import json, os, socket
for name in sorted(os.listdir('/opt/ml/input/config')):
    print(name, open('/opt/ml/input/config/' + name).read())
for name in ('TRAINING_JOB_NAME', 'TRAINING_JOB_ARN', 'AWS_REGION', 'CURRENT_HOST', 'SM_CHANNEL_TRAIN', 'MINE'):
    print(name, os.environ[name])
for host in json.load(open('/opt/ml/input/config/resourceconfig.json'))['hosts']:
    print('host', host, socket.gethostbyname(host), socket.gethostname())
print('credentials', sorted(name for name in os.environ if 'SECRET' in name or 'ACCESS_KEY' in name))
""", [channel("train", "s3://tests/some/")], HyperParameters={"epochs": "3"}, Environment={"MINE": "yes"})
        group = {"instance_group_name": "homogeneousCluster", "instance_type": "ml.m5.large", "hosts": ["algo-1"]}
        files = dict(line.split(" ", 1) for line in lines if ".json " in line)
        self.assertEqual({name: json.loads(text) for name, text in files.items()}, {
            "hyperparameters.json": {"epochs": "3"},
            "inputdataconfig.json": {"train": {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated",
                                               "RecordWrapperType": "None"}},
            "resourceconfig.json": {"current_host": "algo-1", "current_instance_type": "ml.m5.large",
                                    "current_group_name": "homogeneousCluster", "hosts": ["algo-1"],
                                    "instance_groups": [group], "network_interface_name": "eth0"}})
        arn = self.service.describe("finds")["TrainingJobArn"]
        for line in ("TRAINING_JOB_NAME finds", f"TRAINING_JOB_ARN {arn}", "AWS_REGION us-east-1", "CURRENT_HOST algo-1",
                     "SM_CHANNEL_TRAIN /opt/ml/input/data/train", "MINE yes", "host algo-1 127.0.0.1 algo-1", "credentials ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']"):
            self.assertIn(line, lines)


if __name__ == "__main__":
    unittest.main(verbosity=2, warnings="ignore")
