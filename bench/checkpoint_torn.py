"""What is in the store after a file changed while a client uploaded it: replaced by an atomic rename, or written over in
place. A part of bench/checkpoints.py."""
import json
import re
import threading
import time
import urllib.error
import urllib.request

import checkpoint_clients as clients

MIB = 1 << 20
SIZE = 384 * MIB
TRIES = {"renamed": 6, "overwritten": 3}


def fill(path, byte):
    with open(path, "wb", buffering=0) as out:
        for _ in range(SIZE // (8 * MIB)):
            out.write(byte * (8 * MIB))


def change(path, way):
    if way == "renamed":
        # Out of sight of whoever uploads the folder, on the same file system.
        beside = path.parent.parent / ("next-" + path.name)
        fill(beside, b"n")
        return lambda: beside.replace(path)
    return lambda: fill(path, b"n")


def judge(contents):
    """'old', 'new' or 'torn'."""
    if len(contents) != SIZE:
        return "torn"
    old, new = contents.count(b"o"), contents.count(b"n")
    return "old" if old == SIZE else "new" if new == SIZE else "torn"


def object_at(endpoint, key):
    try:
        with urllib.request.urlopen(f"{endpoint}/bench/{key}", timeout=60) as response:
            return judge(response.read())
    except urllib.error.HTTPError:
        return "nothing"


def received(endpoint):
    with urllib.request.urlopen(f"{endpoint}/?received", timeout=60) as response:
        return int(response.read())


def when_received(endpoint, before, share, still_going):
    """Returns when that share of the file has arrived since there were `before` bytes, or when nothing more will."""
    while still_going() and received(endpoint) - before < share * SIZE:
        time.sleep(0.002)


def one_try(client, endpoint, folder, prefix, way, share):
    """Changes the file when that share of it has arrived. What the store has then; the exit; what a second sync leaves."""
    path = folder / "model.pt"
    fill(path, b"o")
    act = change(path, way)
    code = []

    def upload():
        try:
            client.up(folder, prefix)
            code.append(0)
        except AssertionError:
            code.append(1)

    before = received(endpoint)
    thread = threading.Thread(target=upload)
    thread.start()
    when_received(endpoint, before, share, thread.is_alive)
    act()
    thread.join()
    first = object_at(endpoint, f"{prefix}/model.pt")
    if first == "new":
        return first, code[0], first
    try:
        client.up(folder, prefix)
    except AssertionError:
        pass
    return first, code[0], object_at(endpoint, f"{prefix}/model.pt")


def shares(way):
    """Of the file, that have arrived when it is changed."""
    return [0.1 + 0.7 * number / TRIES[way] for number in range(TRIES[way])]


def peer(bench, name, sink, folder, way):
    client = bench.client(name, sink.endpoint)
    results = []
    for number, share in enumerate(shares(way)):
        bench.progress(f"torn: {name}, {way}, {number + 1} of {TRIES[way]}")
        results.append(one_try(client, sink.endpoint, folder, f"torn-{name}-{way}-{number}", way, share))
    return results


def ours(bench, sink, folder, way):
    """The same with the agent beside the directory: every generation that it commits is read back."""
    results = []
    for number, share in enumerate(shares(way)):
        bench.progress(f"torn: holdfast, {way}, {number + 1} of {TRIES[way]}")
        prefix = f"torn-holdfast-{way}-{number}"
        fill(folder / "model.pt", b"o")
        act = change(folder / "model.pt", way)
        before = received(sink.endpoint)
        follower = clients.Follower(bench.client("holdfast", sink.endpoint), "follow", folder, prefix)
        follower.line()
        deadline = time.monotonic() + 30
        when_received(sink.endpoint, before, share, lambda: time.monotonic() < deadline)
        act()
        while (found := generations(sink.endpoint, prefix))[-1:] != ["new"] and time.monotonic() < deadline:
            time.sleep(0.05)
        follower.close()
        results.append(("torn" if "torn" in found else found[0] if found else "nothing", 0, found[-1] if found else "nothing"))
    return results


def get(endpoint, path):
    with urllib.request.urlopen(f"{endpoint}/bench/{path}", timeout=60) as response:
        return response.read()


def generations(endpoint, prefix):
    """What each generation holds, in order."""
    listing = get(endpoint, f"?list-type=2&prefix={prefix}/.holdfast/ledger/").decode()
    found = []
    for key in sorted(re.findall("<Key>([^<]*)</Key>", listing)):
        files = json.loads(get(endpoint, key).split(b"\n", 1)[1])["files"]
        if files:
            found.append(judge(get(endpoint, f"{prefix}/.holdfast/{files[0]['object']}")))
    return found


def hunt(bench, sink_class):
    folder, keep = bench.folder / "torn", bench.folder / "kept"
    folder.mkdir()
    keep.mkdir()
    sink = sink_class(bench.build, keep)
    results = {}
    try:
        for way in TRIES:
            for name in bench.names:
                if name == "boto3":
                    continue  # it has no sync to be judged
                results[name, way] = ours(bench, sink, folder, way) if name == "holdfast" else peer(bench, name, sink, folder, way)
    finally:
        sink.close()
    return results


def table(results):
    lines = [f"| a file of {SIZE // MIB} MiB, changed while it was uploaded | left in the store | of the torn, said to be well | after "
             "another sync |", "| --- | --- | --- | --- |"]
    for (name, way), tries in results.items():
        first = count([first for first, _, _ in tries])
        well = sum(1 for first, code, _ in tries if code == 0 and first == "torn")
        last = count([last for _, _, last in tries])
        lines.append(f"| {name}, {way} | {first} | {well} | {last} |")
    return "\n".join(lines)


def count(words):
    return ", ".join(f"{words.count(word)} {word}" for word in ("new", "old", "torn", "nothing") if word in words)
