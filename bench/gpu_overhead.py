#!/usr/bin/env python3
"""What a training on a GPU loses to Holdfast: the same loop (gpu_loop.py) alone and as a job, in turn.

Usage: gpu_overhead.py HOLDFAST [--rounds N] [--python PYTHON_WITH_PYTORCH]
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path

LOOP = Path(__file__).resolve().parent / "gpu_loop.py"


def last_json(text):
    lines = [line for line in text.splitlines() if line.startswith("{")]
    if not lines:
        raise SystemExit(f"the loop said nothing:\n{text}")
    return json.loads(lines[-1])


def alone(python, folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    done = subprocess.run([python, str(LOOP)], env={**os.environ, "CHECKPOINTS": str(folder)}, capture_output=True, text=True)
    return last_json(done.stdout + done.stderr)


def as_a_job(holdfast, python, data, number):
    command = [holdfast, "run", "--spot", "--name", f"overhead-{number}", "--instance-type", "ml.g5.xlarge",
               "--checkpoint", f"s3://holdfast/overhead-{number}", "--max-run", "10m"]
    for name in ("LD_LIBRARY_PATH", "SECONDS", "SAVE_EVERY", "SAVE_MB"):
        if name in os.environ:
            command += ["--env", f"{name}={os.environ[name]}"]
    done = subprocess.run(command + ["--", python, str(LOOP)], env={**os.environ, "HOLDFAST_DATA": str(data)},
                          cwd=LOOP.parent, capture_output=True, text=True)
    return last_json(done.stdout + done.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("holdfast")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--python", default=shutil.which("python3"))
    options = parser.parse_args()
    options.holdfast = str(Path(options.holdfast).resolve())  # the job runs in another folder
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="holdfast-gpu-") as folder:
        data = Path(folder) / "data"
        service = subprocess.Popen([options.holdfast, "serve", "--data", str(data), "--listen", "127.0.0.1:0",
                                    "--log-level", "warn"], stdout=subprocess.PIPE, text=True)
        try:
            service.stdout.readline()  # it is ready
            rates = {"alone": [], "as a job": []}
            ways = {"alone": lambda _: alone(options.python, Path(folder) / "plain"),
                    "as a job": lambda number: as_a_job(options.holdfast, options.python, data, number)}
            for number in range(options.rounds):
                for name, run in ways.items():
                    result = run(number)
                    rates[name].append(result["steps_per_second"])
                    print(name, json.dumps(result), flush=True)
            plain, job = (statistics.mean(rates[name]) for name in ("alone", "as a job"))
            print(f"steps per second: {plain:.1f} alone, {job:.1f} as a job: {100 * (1 - job / plain):+.1f} % lost")
        finally:
            service.terminate()
            service.wait()


if __name__ == "__main__":
    main()
