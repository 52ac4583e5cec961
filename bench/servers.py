"""Starts and stops the servers that the benchmark compares. Each listens on loopback, on a port that was free."""

import ctypes
import os
import re
import signal
import socket
import subprocess
import time

START_SECONDS_MAX = 30
STOP_SECONDS_MAX = 10
# A server counts as settled when it takes less than this share of a processor for so long.
SETTLED_SHARE = 0.05
SETTLED_SECONDS = 0.5
SETTLE_SECONDS_MAX = 20
_PR_SET_PDEATHSIG = 1


def _die_with_parent():
    """Runs in the child: the kernel kills it when this script is gone, however that ended."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _environment():
    """Without what would configure a server behind our back."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("SCOUTLIGHT_", "ETCD_"))}


def free_ports(count):
    """So many different ports that nobody listened on a moment ago."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


class Server:
    """One running server; a context that kills it at the end. `api` is what the load generator is to speak."""

    def __init__(self, name, api, command, log_path, address=None):
        self.name = name
        self.api = api
        self._command = command
        self._log_path = log_path
        self._address = address  # Where it is told to listen; None: it says so itself.
        self._process = None

    @property
    def pid(self):
        return self._process.pid

    @property
    def address(self):
        return self._address

    def __enter__(self):
        with open(self._log_path, "wb") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=_environment(), preexec_fn=_die_with_parent
            )
        try:
            self._await_listening()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_):
        self._stop()

    def _log(self):
        with open(self._log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def _listens(self):
        if self._address is None:
            said = re.search(r"listening on (\S+:\d+)", self._log())
            if not said:
                return False
            self._address = said.group(1)
        host, port = self._address.rsplit(":", 1)
        try:
            socket.create_connection((host, int(port)), timeout=1).close()
            return True
        except OSError:
            return False

    def _await_listening(self):
        deadline = time.monotonic() + START_SECONDS_MAX
        while not self._listens():
            if self._process.poll() is not None:
                raise RuntimeError(f"{self.name} ended at its start:\n{self._log()[-2000:]}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} does not listen after {START_SECONDS_MAX} s:\n{self._log()[-2000:]}")
            time.sleep(0.02)

    def kill(self):
        """At once, as a crash would."""
        self._process.kill()
        self._process.wait()

    def _stop(self):
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def ours(program, folder):
    command = [program, "--listen=127.0.0.1:0", "--store=rocksdb", f"--data-dir={folder}/ours", "--log-level=warn"]
    return Server("ours", "registry", command, f"{folder}/ours.log")


def over_etcd(program, folder, address):
    """This server over an etcd that listens at `address`."""
    command = [program, "--listen=127.0.0.1:0", f"--store=etcd://{address}/bench", "--log-level=warn"]
    return Server("over etcd", "registry", command, f"{folder}/over.log")


def etcd(folder):
    """Debian's etcd with its defaults, alone in its cluster."""
    client, peer = (f"127.0.0.1:{port}" for port in free_ports(2))
    command = [
        "etcd",
        f"--data-dir={folder}/etcd",
        f"--listen-client-urls=http://{client}",
        f"--advertise-client-urls=http://{client}",
        f"--listen-peer-urls=http://{peer}",
        f"--initial-advertise-peer-urls=http://{peer}",
        f"--initial-cluster=default=http://{peer}",
        "--logger=zap",
        "--log-level=error",
    ]
    return Server("etcd", "etcd", command, f"{folder}/etcd.log", address=client)


def floor(program, folder):
    return Server("floor", "floor", [program], f"{folder}/floor.log")


def floor_streams(program, folder):
    """Bare streams in place of an empty handler."""
    return Server("floor", "floor", [program, "--streams"], f"{folder}/floor-streams.log")


def _cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()  # The second field, in brackets, may hold anything.
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def settle(server):
    """Waits until it has worked off what was begun in the background, or for SETTLE_SECONDS_MAX."""
    deadline = time.monotonic() + SETTLE_SECONDS_MAX
    used = _cpu_seconds(server.pid)
    while time.monotonic() < deadline:
        time.sleep(SETTLED_SECONDS)
        before, used = used, _cpu_seconds(server.pid)
        if used - before < SETTLED_SHARE * SETTLED_SECONDS:
            return


def resident_bytes(server):
    with open(f"/proc/{server.pid}/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def disk_bytes(folder):
    """What the files below a folder take of the disk, holes left out."""
    return sum(
        os.lstat(os.path.join(parent, name)).st_blocks * 512 for parent, _, names in os.walk(folder) for name in names
    )
