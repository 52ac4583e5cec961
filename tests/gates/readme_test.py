"""Runs the lines of examples/gates/README.md as an operator types them, one after the other, against a new server. The line `#> A ... B`
under a command has parts of its output, in order: a program of the examples, which goes on, prints them in time; `scoutctl gate list` is
asked again until it does, for instances tell their counters every second. At the end the programs are ended as by Ctrl-C, and every line
that the feeder has pushed is printed.

Arguments: scoutlightd, scoutctl, the README, and the programs of the examples. They are found in the README as `bazel run
//examples/gates:NAME`. For the port that the README moves the sinks to, 7500, another is taken that is free.
"""

import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

SECONDS_MAX = 60
BEGINNINGS = ("scoutctl ", "bazel run ", "seq ", "sed ")
PROGRAM = re.compile(r"bazel run //examples/gates:(\w+)")
README_PORT = "7500"


def commands(readme):
    """[(command, excerpt of what it prints; None: nothing is said of that)]."""
    found = []
    for line in readme.splitlines():
        text = line.removeprefix("    ")
        if text == line:
            continue
        if text.startswith(BEGINNINGS):
            found.append((text, None))
        elif text.startswith("#> "):
            found[-1] = (found[-1][0], text.removeprefix("#> "))
    return found


def missing(excerpt, output):
    """The first part of the excerpt that is not behind the one before it in the output; None: all are."""
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
        return str(taken.getsockname()[1])


def comes_to(print_it, excerpt, what):
    """Whether what `print_it` answers has the excerpt, now or soon."""
    until = time.monotonic() + SECONDS_MAX
    while True:
        output = print_it()
        part = missing(excerpt, output)
        if part is None:
            return True
        if time.monotonic() > until:
            print(f"FAILED: {what}\n{part} is not there\n{output[-5000:]}")
            return False
        time.sleep(0.05)


class Operator:
    """Types commands."""

    def __init__(self, address, scoutctl, programs, folder):
        self.address = address
        self.programs = {pathlib.Path(program).name: program for program in programs}
        self.port = free_port()
        self.folder = folder
        self.running = {}  # By the program's name.
        self.environment = {
            "PATH": f"{pathlib.Path(scoutctl).resolve().parent}:/usr/bin:/bin",
            "SCOUTLIGHT_ENDPOINT": address,
            "XDG_CONFIG_HOME": folder,
        }

    def _typed(self, command):
        line = command.replace(README_PORT, self.port)
        return PROGRAM.sub(lambda name: f"{self.programs[name[1]]} {self.address}", line)

    def run(self, command):
        """What it prints; RuntimeError: it fails."""
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", self._typed(command)],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{command}: ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def start(self, command):
        """A program, in a terminal of its own; its name."""
        name = PROGRAM.search(command)[1]
        with open(self._path(name), "w", encoding="utf-8") as output:
            self.running[name] = subprocess.Popen(
                ["bash", "-c", self._typed(command)],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        return name

    def _path(self, name):
        return pathlib.Path(self.folder) / f"{name}.out"

    def output(self, name):
        return self._path(name).read_text(encoding="utf-8")

    def press_ctrl_c(self, name):
        """At its terminal; how it ends."""
        os.killpg(self.running[name].pid, signal.SIGINT)
        return self.running[name].wait(timeout=SECONDS_MAX)

    def end_all(self):
        for process in self.running.values():
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def start(program, folder):
    server = subprocess.Popen(
        [program, "--listen=127.0.0.1:0", f"--data-dir={folder}/data"], stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    )
    for line in server.stderr:
        listening = re.search(r"listening on (\S+)", line)
        if listening:
            return server, listening.group(1)
    raise RuntimeError("the server does not listen")


def prints(operator, command, excerpt):
    """Whether the command does, at once; a list of gates, now or soon."""
    if command.startswith("scoutctl gate list"):
        return comes_to(lambda: operator.run(command), excerpt, command)
    output = operator.run(command)
    part = missing(excerpt, output)
    if part is not None:
        print(f"FAILED: {command}\n{part} is not there\n{output}")
    return part is None


def play(operator, found):
    """Types all that; whether each prints what is said."""
    passed = True
    awaited = []  # Of programs: they have nothing to print before all are there.
    for command, excerpt in found:
        expected = excerpt and excerpt.replace(README_PORT, operator.port)
        if PROGRAM.search(command):
            name = operator.start(command)
            if expected:
                awaited.append((name, expected))
            continue
        for name, lines in awaited:
            passed &= comes_to(lambda name=name: operator.output(name), lines, name)
        awaited = []
        passed &= prints(operator, command, expected)
    return passed


def end(operator):
    """Ends the programs, the feeder first; whether every line that it has pushed is printed, and they end well."""
    operator.press_ctrl_c("feeder")
    said = re.fullmatch(r"(\d+) lines, 0 lost\n", operator.output("feeder"))
    if not said:
        print(f"FAILED: the feeder says: {operator.output('feeder')}")
        return False
    pushed = {str(number) for number in range(1, int(said[1]) + 1)}
    until = time.monotonic() + SECONDS_MAX
    while (unprinted := pushed - set(operator.output("emailsink").split())) and time.monotonic() < until:
        time.sleep(0.1)
    if unprinted:
        print(f"FAILED: {len(unprinted)} of {len(pushed)} lines are not printed")
    ends = {name: operator.press_ctrl_c(name) for name in ("encryptor", "emailsink")}
    if any(ends.values()):
        print(f"FAILED: {ends}")
    print(f"{len(pushed)} lines")
    return not unprinted and not any(ends.values())


def main():
    program, scoutctl, readme, *programs = sys.argv[1:]
    found = commands(pathlib.Path(readme).read_text(encoding="utf-8"))
    mute = [command for command, excerpt in found if not excerpt and not PROGRAM.search(command)]
    started = {name for command, _ in found for name in PROGRAM.findall(command)}
    if len(found) < 10 or mute or started != {pathlib.Path(path).name for path in programs}:
        print(f"FAILED: {len(found)} commands, ten are wanted; of these it is not said what they print: {mute}; started are {started}")
        return 1
    with tempfile.TemporaryDirectory() as folder:
        server, address = start(program, folder)
        operator = Operator(address, scoutctl, programs, folder)
        try:
            passed = play(operator, found) and end(operator)
        except RuntimeError as error:
            print(f"FAILED: {error}")
            passed = False
        finally:
            operator.end_all()
            server.terminate()
            server.wait(timeout=SECONDS_MAX)
    print(f"{len(found)} commands")
    return int(not passed)


if __name__ == "__main__":
    sys.exit(main())
