#!/usr/bin/python3
"""Counts to `steps` (a hyperparameter, 10), and saves each step in three files with long pauses between them, as ranks
that wait for each other do. To who only watches the directory each pause looks like the end of a checkpoint: so it says
itself when one is whole, and is told when that is safe."""
import json
import os
import shutil
import time

import holdfast_checkpoint

CHECKPOINTS = "/opt/ml/checkpoints"
SHARDS = 3


def save(step, pause):
    folder = os.path.join(CHECKPOINTS, f"step-{step}")
    os.makedirs(folder, exist_ok=True)
    for shard in range(SHARDS):
        with open(os.path.join(folder, f"shard-{shard}"), "w") as file:
            file.write(str(step))
        time.sleep(pause)
    for name in os.listdir(CHECKPOINTS):
        if name.startswith("step-") and name != f"step-{step}":
            shutil.rmtree(os.path.join(CHECKPOINTS, name))
    return holdfast_checkpoint.commit()


def newest():
    """The step to go on from, with a complaint where its checkpoint is not whole."""
    steps = [int(name[5:]) for name in os.listdir(CHECKPOINTS) if name.startswith("step-")]
    if not steps:
        return 0
    folder = os.path.join(CHECKPOINTS, f"step-{max(steps)}")
    if len(os.listdir(folder)) != SHARDS:
        raise SystemExit(f"step {max(steps)} is torn: {os.listdir(folder)}")
    return max(steps)


with open("/opt/ml/input/config/hyperparameters.json") as file:
    given = json.load(file)
steps, pause = int(given.get("steps", 10)), float(given.get("pause", 1))
done = newest()
print(f"resuming from step {done}" if done else "starting", flush=True)
for step in range(done + 1, steps + 1):
    generation = save(step, pause)
    print(f"step={step}; safe as generation {generation}", flush=True)
