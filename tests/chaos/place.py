"""Where it all happens: a small file system of our own that can be filled, and a network namespace of our own that can
be cut. Both need root and a kernel that allows them; where they cannot be had, `missing` says so, and the faults that
need them are left out."""
import ipaddress
import os
import pathlib
import shutil
import subprocess
import time

DISK_MIB = 256
# For benchmarks by RFC 2544: no machine on any real network has such an address.
NETWORKS = ipaddress.ip_network("198.18.0.0/16").subnets(new_prefix=30)


def command(*words, check=True):
    return subprocess.run(words, check=check, text=True, capture_output=True, timeout=60)


def why(problem):
    said = (getattr(problem, "stderr", None) or str(problem)).strip()
    return said.splitlines()[-1] if said else str(problem)


class Place:
    def __init__(self, folder, with_disk=True, with_network=True):
        self.folder = pathlib.Path(folder)
        self.data = self.folder / "data"
        self.data.mkdir()
        self.missing = {}
        self.mounted = False
        self.namespace = None
        self.listen = "127.0.0.1"
        name = f"hfchaos{os.getpid()}"
        if with_disk:
            self._try("disk", self._make_disk)
        if with_network:
            self._try("network", lambda: self._make_network(name))

    def _try(self, what, make):
        try:
            if os.geteuid() != 0:
                raise PermissionError("it needs root")
            make()
        except (OSError, subprocess.SubprocessError, StopIteration) as problem:
            self.missing[what] = why(problem)
            if what == "network":
                self._remove_network()

    # ---- the disk

    def _make_disk(self):
        image = self.folder / "disk.img"
        with open(image, "wb") as file:
            file.truncate(DISK_MIB << 20)
        command("mkfs.ext4", "-q", "-F", "-m", "0", str(image))
        command("mount", "-o", "loop", str(image), str(self.data))
        self.mounted = True

    def fill(self):
        """Not a byte is left."""
        ballast = os.open(self.folder / "data" / "ballast", os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            for size in (1 << 20, 4096, 1):
                try:
                    while True:
                        os.write(ballast, b"x" * size)
                except OSError:
                    continue
        finally:
            os.close(ballast)

    def free(self):
        (self.folder / "data" / "ballast").unlink(missing_ok=True)

    # ---- the network

    def _make_network(self, name):
        command("ip", "netns", "add", name)
        self.namespace = name
        self.inside, outside = name[2:] + "i", name[2:] + "o"
        command("ip", "link", "add", outside, "type", "veth", "peer", "name", self.inside, "netns", name)
        used = command("ip", "-4", "route", "show", "table", "all").stdout
        network = next(each for each in NETWORKS if str(each) not in used)
        ours, theirs = list(network.hosts())
        command("ip", "addr", "add", f"{ours}/30", "dev", outside)
        command("ip", "link", "set", outside, "up")
        self._within("ip", "addr", "add", f"{theirs}/30", "dev", self.inside)
        self._within("ip", "link", "set", self.inside, "up")
        self._within("ip", "link", "set", "lo", "up")
        self.listen = str(theirs)

    def enter(self):
        """What to put before a command so that it runs in the namespace, as the very same process."""
        return ["nsenter", f"--net=/run/netns/{self.namespace}"] if self.namespace else []

    def _within(self, *words):
        command(*self.enter(), *words)

    def cut(self, what, down=True):
        """From the service: "agents", which reach it through the namespace's loopback; or "users", which reach it
        through the pair of devices that joins the namespace to us."""
        self._within("ip", "link", "set", "lo" if what == "agents" else self.inside, "down" if down else "up")

    # ---- the end

    def restore(self):
        self.free()
        if self.namespace:
            self.cut("agents", down=False)
            self.cut("users", down=False)

    def close(self, keep):
        """Leaves nothing behind but, when asked, the data."""
        self._remove_network()
        if self.mounted:
            self.free()
            if keep:
                shutil.copytree(self.data, self.folder / "kept", symlinks=True, ignore_dangling_symlinks=True)
            self._unmount()
            (self.folder / "disk.img").unlink()
            self.data.rmdir()
            if keep:
                (self.folder / "kept").rename(self.data)
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _remove_network(self):
        if self.namespace:
            command("ip", "netns", "del", self.namespace, check=False)  # the pair of devices goes with it
        self.namespace = None
        self.listen = "127.0.0.1"

    def _unmount(self):
        deadline = time.monotonic() + 10
        while command("umount", str(self.data), check=False).returncode != 0:
            if time.monotonic() > deadline:  # somebody is still there: it goes when they do
                command("umount", "-l", str(self.data), check=False)
                break
            time.sleep(0.1)
        self.mounted = False
