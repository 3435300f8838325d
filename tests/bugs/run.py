#!/usr/bin/env python3
"""Puts each bug of bugs.toml into a copy of the source, one at a time, and lets the simulation search for it.

Usage: run.py [--check] [--seeds N] [--table FILE] [NAME ...]

--check only makes sure that every edit still applies: its text stands exactly once in its file. Otherwise each bug is
built in build/bugs, and `holdfast-sim --count N` (default 500) must break a promise. A table of what caught what goes to
FILE. Exit status: 0 when at least 95 % of the bugs were caught (with --check: all edits apply), else 1.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import time
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TREE = ROOT / "build" / "bugs" / "tree"
BUILD = ROOT / "build" / "bugs" / "out"
WANTED = 0.95
LONGEST_SEARCH = 600  # seconds: a run that does not end is a bug that was noticed, too


def load_bugs():
    with open(pathlib.Path(__file__).with_name("bugs.toml"), "rb") as file:
        return tomllib.load(file)["bug"]


def edits_of(bug):
    return bug.get("edits", [bug])


def changed_files(bug, root):
    """The text of each file that the bug changes; ValueError where an edit does not apply."""
    texts = {}
    for edit in edits_of(bug):
        path = root / edit["file"]
        text = texts.get(path) or path.read_text()
        if text.count(edit["find"]) != 1:
            raise ValueError(f"{bug['name']}: its text stands {text.count(edit['find'])} times in {edit['file']}")
        texts[path] = text.replace(edit["find"], edit["replace"])
    return texts


def check(bugs):
    bad = []
    names = [bug["name"] for bug in bugs]
    bad += [f"{name} stands twice" for name in sorted({name for name in names if names.count(name) > 1})]
    for bug in bugs:
        try:
            changed_files(bug, ROOT)
        except ValueError as problem:
            bad.append(str(problem))
    print("\n".join(bad) if bad else f"{len(bugs)} seeded bugs, every edit applies")
    return 1 if bad else 0


def bring_up_to_date(relative):
    """Copies what has changed only, so that little is built again."""
    source, target = ROOT / relative, TREE / relative
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists() or target.read_bytes() != source.read_bytes():
        target.write_bytes(source.read_bytes())


def make_tree():
    wanted = {"CMakeLists.txt", "CMakePresets.json"}
    wanted |= {path.relative_to(ROOT).as_posix() for path in (ROOT / "src").rglob("*.[ch]pp")}
    for relative in sorted(wanted):
        bring_up_to_date(relative)
    for path in (TREE / "src").rglob("*.[ch]pp"):
        if path.relative_to(TREE).as_posix() not in wanted:
            path.unlink()
    run(["cmake", "-S", str(TREE), "-B", str(BUILD), "-G", "Ninja", "-DBUILD_TESTING=OFF",
         "-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=-O1"])


def run(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-3000:]}")


def build():
    run(["cmake", "--build", str(BUILD), "--target", "holdfast-sim"])


def search(seeds):
    """(seed, how) of the first seed that showed the bug, or None."""
    command = [str(BUILD / "holdfast-sim"), "--count", str(seeds), "--stop"]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=LONGEST_SEARCH)
    except subprocess.TimeoutExpired:
        return None, "does not end"
    if done.returncode == 0:
        return None
    died = re.findall(r"--seed (\d+) --trace +# died", done.stderr)
    broken = re.findall(r"^seed (\d+):\n(P\d+) broken", done.stdout, re.MULTILINE)
    found = [(int(seed), promise) for seed, promise in broken]
    found += [(int(seed), "an invariant in the service") for seed in died]
    return min(found) if found else (None, f"ended with {done.returncode}")


def line_of(bug, found):
    caught = "**not caught**" if not found else f"{found[1]}, seed {found[0]}" if found[0] else found[1]
    return f"| {bug['name']} | {bug['what']} | {caught} |"


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--check", action="store_true")
    arguments.add_argument("--seeds", type=int, default=500)
    arguments.add_argument("--table", type=pathlib.Path)
    arguments.add_argument("names", nargs="*")
    given = arguments.parse_args()
    bugs = load_bugs()
    if given.check:
        return check(bugs)
    if given.names:
        bugs = [bug for bug in bugs if bug["name"] in given.names]
    os.environ.setdefault("CCACHE_BASEDIR", str(TREE))
    print("building without any bug")
    make_tree()
    build()
    if search(given.seeds):
        sys.exit("a promise is broken already, without any seeded bug")
    lines, caught = [], 0
    for number, bug in enumerate(bugs, 1):
        began = time.monotonic()
        texts = changed_files(bug, TREE)
        for path, text in texts.items():
            path.write_text(text)
        try:
            build()
            found = search(given.seeds)
        finally:
            for path in texts:
                bring_up_to_date(path.relative_to(TREE))
        caught += 1 if found else 0
        lines.append(line_of(bug, found))
        print(f"[{number}/{len(bugs)}] {lines[-1]} {time.monotonic() - began:.0f} s", flush=True)
    share = caught / len(bugs)
    print(f"{caught} of {len(bugs)} caught ({share:.0%})")
    if given.table:
        given.table.write_text("\n".join(["| bug | what it does | what caught it first |", "| --- | --- | --- |"] + lines) + "\n")
    return 0 if share >= WANTED else 1


if __name__ == "__main__":
    sys.exit(main())
