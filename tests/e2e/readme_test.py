"""Runs the README's lines for grpcurl and scoutctl as a newcomer types them, one after the other, against a new server. Each must print
what the README says: the line `#> A ... B` under a command has parts of its output, in order; `#> again: A ... B` those of the same
command sent once more, which fails if they begin with `Code:`. A watch, or `scoutctl run`, goes on while the commands below it run;
`#> later: A ... B` says what it has printed by the end. Every command has such a line. For the port that a command listens at in the
README, 8081, another is taken that is free.

Arguments: the programs scoutlightd and scoutctl, the README. SCOUTLIGHT_TOOLS names the folder that `./dev tools` fills.
"""

import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time

CALL_SECONDS_MAX = 20


class Command:
    """An indented command that begins with grpcurl or scoutctl, and what the README says that it prints."""

    def __init__(self, line):
        self.line = line
        self.shown = []
        self.shown_again = []
        self.shown_later = []

    @property
    def is_watch(self):
        return self.line.endswith("/Watch") or self.line.startswith(("scoutctl service watch", "scoutctl topology watch"))

    @property
    def goes_on(self):
        return self.is_watch or self.line.startswith("scoutctl run ")


def commands(readme):
    """Those of the README, with the lines that go on in quotes."""
    found = []
    for line in readme.splitlines():
        if line.startswith(("    grpcurl ", "    scoutctl ")):
            found.append(Command(line.strip()))
        elif found and found[-1].line.count("'") % 2 == 1:
            found[-1].line += "\n" + line
        elif line.startswith("    #> again: "):
            found[-1].shown_again.append(line.split("again: ", 1)[1])
        elif line.startswith("    #> later: "):
            found[-1].shown_later.append(line.split("later: ", 1)[1])
        elif line.startswith("    #> "):
            found[-1].shown.append(line.split("#> ", 1)[1])
    return found


def missing(excerpt, output):
    """The first part of an excerpt that is not behind the one before it in the output; None: all are."""
    text = " ".join(output.split())
    at = 0
    for part in excerpt.split(" ... "):
        found = text.find(part, at)
        if found < 0:
            return part
        at = found + len(part)
    return None


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


FREE_PORT = str(free_port())


def typed(command, address, seconds):
    """The command as a shell takes it, for this server and so long at most."""
    line = command.line.replace("localhost:7400", address).replace("8081", FREE_PORT)
    return line.replace("grpcurl ", f"grpcurl -max-time {seconds} ", 1)


def environment(tools, address):
    # Contexts are not those of whoever runs the test.
    return {"PATH": f"{tools}:/usr/bin:/bin", "SCOUTLIGHT_ENDPOINT": address, "XDG_CONFIG_HOME": os.environ["TEST_TMPDIR"]}


def run(tools, address, command, excerpts):
    """Whether the command prints that."""
    line = typed(command, address, CALL_SECONDS_MAX)
    done = subprocess.run(["bash", "-c", line], env=environment(tools, address), capture_output=True, text=True, check=False)
    output = done.stdout + done.stderr
    to_fail = excerpts[0].startswith("Code:")
    faults = [] if (done.returncode != 0) == to_fail else [f"it ended with {done.returncode}"]
    faults += [f"{part} is not there" for part in (missing(excerpt, output) for excerpt in excerpts) if part is not None]
    if faults:
        print(f"FAILED: {line}\n{'; '.join(faults)}\n{output}")
    return not faults


class Watch:
    """A watch in a terminal of its own."""

    def __init__(self, tools, address, command, output):
        self.command = command
        self.path = output
        with open(output, "w", encoding="utf-8") as file:
            # exec, so that what ends it ends the program.
            self.process = subprocess.Popen(
                ["bash", "-c", "exec " + typed(command, address, 10 * CALL_SECONDS_MAX)],
                env=environment(tools, address),
                stdout=file,
                stderr=file,
            )

    def output(self):
        return pathlib.Path(self.path).read_text(encoding="utf-8")

    def prints(self, excerpts):
        """Whether it comes to print that, in time."""
        until = time.monotonic() + CALL_SECONDS_MAX
        while True:
            parts = [part for part in (missing(excerpt, self.output()) for excerpt in excerpts) if part is not None]
            if not parts:
                return True
            if time.monotonic() > until or self.process.poll() is not None:
                print(f"FAILED: {self.command.line}\n{'; '.join(f'{part} is not there' for part in parts)}\n{self.output()}")
                return False
            time.sleep(0.01)

    def end(self):
        self.process.kill()
        self.process.wait()


def start(program, folder):
    server = subprocess.Popen(
        [program, "--listen=127.0.0.1:0", f"--data-dir={folder}/data"], stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )
    for line in server.stderr:
        listening = re.search(r"listening on (\S+)", line)
        if listening:
            return server, listening.group(1)
    raise RuntimeError("the server does not listen")


def wait_for_catalog(grpcurl, address):
    """The first line about services may come before the instances have been read."""
    for _ in range(100):
        done = subprocess.run(
            [grpcurl, "-plaintext", "-max-time", "5", address, "scoutlight.discovery.v1.DiscoveryService/ListClusters"],
            capture_output=True,
            check=False,
        )
        if done.returncode == 0:
            return
    raise RuntimeError("the instances are not there")


def main():
    program, scoutctl, readme = sys.argv[1:]
    grpcurl = f"{os.environ['SCOUTLIGHT_TOOLS']}/grpcurl"
    tools = f"{os.environ['SCOUTLIGHT_TOOLS']}:{pathlib.Path(scoutctl).resolve().parent}"
    found = commands(pathlib.Path(readme).read_text(encoding="utf-8"))
    if len(found) < 20:
        print(f"FAILED: only {len(found)} commands were found")
        return 1
    mute = [command.line for command in found if not command.shown]
    if mute:
        print("FAILED: the README does not say what these print:", *mute, sep="\n")
        return 1
    quiet = [command.line for command in found if command.is_watch and not command.shown_later]
    if quiet:
        print("FAILED: the README does not say what these watches are to show:", *quiet, sep="\n")
        return 1
    failed = 0
    watches = []
    with tempfile.TemporaryDirectory() as folder:
        server, address = start(program, folder)
        try:
            wait_for_catalog(grpcurl, address)
            for command in found:
                if command.goes_on:
                    watches.append(Watch(tools, address, command, f"{folder}/watch{len(watches)}"))
                    failed |= not watches[-1].prints(command.shown)
                    continue
                if not run(tools, address, command, command.shown):
                    failed = 1
                if command.shown_again and not run(tools, address, command, command.shown_again):
                    failed = 1
            for watch in watches:
                failed |= not watch.prints(watch.command.shown + watch.command.shown_later)
        finally:
            for watch in watches:
                watch.end()
            server.terminate()
            if server.wait(timeout=20) != 0:
                print("FAILED: the server did not end well")
                failed = 1
    print(f"{len(found)} commands")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
