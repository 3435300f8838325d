"""Reads the checkpoint ledgers where the file store keeps them, while everything runs: each generation is judged by its
content as soon as it appears, whether anybody ever restores it or not."""
import json
import re
import time

import program as training_program
from story import Generation

NAME = re.compile(r"([0-9a-f]{16})-([0-9a-f]{16})\.json$")


def contents_of(path, file):
    """Of one that may lie with others in its object."""
    whole = path.read_bytes()
    return whole[file["offset"]:file["offset"] + file["size"]] if "offset" in file else whole


class Ledgers:
    def __init__(self, data, bucket, story):
        self.root = data / "objects" / bucket / "checkpoints+"
        self.story = story
        self.known = set()

    def look(self, job):
        home = self.root / f"{job}+" / ".holdfast+"
        try:
            names = sorted(path.name for path in (home / "ledger+").iterdir())
        except OSError:
            return
        now = self.story.now()
        for name in names:
            found = NAME.match(name)
            if not found or (job, name) in self.known:
                continue
            fence, sequence = int(found[1], 16), int(found[2], 16)
            if sequence == 0:
                self.known.add((job, name))
                self.story.openings.setdefault((job, fence), now)
            elif self._judge(job, home, name, fence, sequence, now):
                self.known.add((job, name))

    def _judge(self, job, home, name, fence, sequence, now):
        """False: gone again before it could be read."""
        for _ in range(5):
            try:
                text = (home / "ledger+" / name).read_text()
            except FileNotFoundError:
                return False
            manifest = json.loads(text.partition("\n")[2])
            try:
                files = {file["path"]: contents_of(home / (file["object"].replace("/", "+/", 1)), file)
                         for file in manifest["files"]}
                break
            except FileNotFoundError as problem:
                missing = problem.filename  # either it was tidied away meanwhile, and its manifest first; or it is lost
                time.sleep(0.02)
        else:
            self.story.violated(f"{job}: generation {fence}-{sequence} names {missing}, which is not there")
            return True
        step, torn = training_program.judge_set(files)
        if torn:
            self.story.violated(f"{job}: generation {fence}-{sequence} was committed torn: {torn}")
        with self.story.lock:
            self.story.generations.append(Generation(job, fence, sequence, step, now))
        self.story.say(f"{job}: generation {fence}-{sequence} holds step {step}, {len(files)} files")
        return True
