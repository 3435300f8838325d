#!/usr/bin/env python3
"""Checks that time, randomness, the environment and sleeping enter only at the edges, so that the rest can be simulated."""
import pathlib
import re
import sys

BANNED = [r"system_clock", r"steady_clock", r"\brand\(", r"random_device", r"\bgetenv\b", r"sleep_for", r"sleep_until",
          r"\busleep\(", r"\bsleep\(", r"\btime\(nullptr\)", r"clock_gettime", r"gettimeofday"]
# The edges, each with its reason.
ALLOWED = {
    "src/base/time.cpp": "the real Clock",
    "src/app/": "mains read the environment",
    "src/cli/": "commands wait for people and read the environment",
    "src/http/": "sockets have real timeouts",
}

root = pathlib.Path(__file__).resolve().parent.parent
bad = []
files = 0
for path in sorted((root / "src").rglob("*.[ch]pp")):
    name = path.relative_to(root).as_posix()
    files += 1
    if any(name.startswith(edge) for edge in ALLOWED):
        continue
    for number, line in enumerate(path.read_text().splitlines(), 1):
        code = line.split("//")[0]
        for pattern in BANNED:
            if re.search(pattern, code):
                bad.append(f"{name}:{number}: {pattern} belongs at an edge: take a Clock, a Random or a parameter")
print("\n".join(bad) if bad else f"{files} files, no banned call")
sys.exit(1 if bad or files == 0 else 0)
