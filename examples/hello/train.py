#!/usr/bin/python3
"""Counts to `steps` (a hyperparameter, 30), one step a second, and goes on from its checkpoint after an interruption."""
import json
import os
import time

with open("/opt/ml/input/config/hyperparameters.json") as file:
    steps = int(json.load(file).get("steps", 30))

checkpoint = "/opt/ml/checkpoints/step"
done = int(open(checkpoint).read()) if os.path.exists(checkpoint) else 0
print(f"resuming from step {done}" if done else "starting", flush=True)
for step in range(done + 1, steps + 1):
    time.sleep(1)
    with open(checkpoint + ".part", "w") as file:
        file.write(str(step))
    os.replace(checkpoint + ".part", checkpoint)
    print(f"step={step};", flush=True)
with open("/opt/ml/model/answer.txt", "w") as file:
    file.write(f"counted to {steps}\n")
