#!/usr/bin/env python3
"""Checks that every folder of src/ includes only what docs/architecture.md allows: downward, never in a circle."""
import pathlib
import re
import sys

PURE = {"job", "market", "checkpoint", "metrics"}
ALLOWED = {
    "base": set(),
    "job": {"base"},
    "market": {"base", "job"},  # the one sideways step: a placement is a word of job/
    "checkpoint": {"base"},
    "metrics": {"base"},
    "ports": PURE | {"base"},
    "aws": {"base"},
    "http": {"base"},
    "store": PURE | {"ports", "base"},
    "capacity": PURE | {"ports", "aws", "http", "base"},
    "objects": PURE | {"ports", "aws", "http", "base"},
    "fastfile": PURE | {"ports", "base"},
    "runtime": PURE | {"ports", "aws", "http", "base"},
    "telemetry": PURE | {"ports", "aws", "http", "base"},
    "engine": PURE | {"ports", "base"},
    "agent": PURE | {"ports", "base"},
    "api": PURE | {"engine", "ports", "aws", "http", "base"},
    "cli": {"api", "aws", "http", "base"},
    "sim": PURE | {"api", "engine", "agent", "ports", "store", "base"},
}
# Headers so heavy that they stay behind one wall: who may name them.
HEAVY = {r"boost/(?!context/)": ("src/http/server",), r"boost/context/": ("src/sim/process",), r"curl/": ("src/http/client",), r"sqlite3\.h": ("src/store/",),
         r"fuse": ("src/fastfile/mount",),
         r"openssl/": ("src/aws/", "src/http/tls"), r"rapidjson/": ("src/job/codec", "src/api/parse_body"), r"re2/": ("src/telemetry/", "src/api/")}

root = pathlib.Path(__file__).resolve().parent.parent
bad = []
count = 0
for path in sorted((root / "src").rglob("*.[ch]pp")):
    folder = path.relative_to(root / "src").parts[0]
    name = path.relative_to(root).as_posix()
    for number, line in enumerate(path.read_text().splitlines(), 1):
        own = re.match(r'\s*#include "([a-z0-9_]+)/', line)
        if own and folder != "app" and own[1] != folder:
            count += 1
            if folder not in ALLOWED:
                bad.append(f"{name}:{number}: folder '{folder}' is not in the table of tools/check_layers.py")
            elif own[1] not in ALLOWED[folder]:
                bad.append(f"{name}:{number}: {folder} may not include {own[1]}")
        for heavy, walls in HEAVY.items():
            if re.match(rf"\s*#include <{heavy}", line) and not name.startswith(walls):
                bad.append(f"{name}:{number}: <{heavy}...> belongs to {', '.join(walls)} only")
print("\n".join(bad) if bad else f"{count} includes between folders, all downward")
sys.exit(1 if bad or count == 0 else 0)
