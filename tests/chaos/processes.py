"""Processes by their id and start time, never by name alone: a signal must not hit a stranger who got the number."""
import os
import pathlib
import signal


def stat_fields(pid):
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return text.rpartition(")")[2].split()


def parent_of(pid):
    fields = stat_fields(pid)
    return int(fields[1]) if fields else None


def is_alive(pid):
    fields = stat_fields(pid)
    return fields is not None and fields[0] not in "ZX"


def words_of(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")[:-1]
    except OSError:
        return []


def children_of(pid):
    try:
        return [int(word) for word in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def descendants_of(pid):
    found = []
    for child in children_of(pid):
        found += [child, *descendants_of(child)]
    return found


def all_with(word):
    """Every process that has `word` somewhere in its command line, but this one and those it descends from."""
    ours, pid = set(), os.getpid()
    while pid:
        ours.add(pid)
        pid = parent_of(pid)
    found = {int(entry.name) for entry in pathlib.Path("/proc").iterdir() if entry.name.isdigit()} - ours
    return sorted(pid for pid in found if is_alive(pid) and any(word in each for each in words_of(pid)))


class Process:
    """A handle on a process that is there now; signals through it reach that one or nobody."""

    def __init__(self, pid):
        self.pid = pid
        self.fd = os.pidfd_open(pid)

    def send(self, number):
        try:
            signal.pidfd_send_signal(self.fd, number)
        except ProcessLookupError:
            pass

    def close(self):
        os.close(self.fd)


def send(pid, number, must_have):
    """To that process, if `must_have` is in its command line. True: sent."""
    try:
        process = Process(pid)
    except OSError:
        return False
    try:
        if not any(must_have in word for word in words_of(pid)):
            return False
        process.send(number)
        return True
    finally:
        process.close()
