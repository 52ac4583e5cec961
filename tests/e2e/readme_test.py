"""Runs the README's lines for grpcurl as a newcomer types them, one after the other, against a new server. Each must succeed.

Arguments: the server's program, the README. SCOUTLIGHT_TOOLS names the folder that `./dev tools` fills.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

CALL_SECONDS_MAX = 20
WATCH_SECONDS = 1


def commands(readme):
    """The indented commands that begin with grpcurl, with the lines that go on in quotes."""
    found = []
    for line in readme.splitlines():
        if line.startswith("    grpcurl "):
            found.append(line.strip())
        elif found and found[-1].count("'") % 2 == 1:
            found[-1] += "\n" + line
    return found


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
    program, readme = sys.argv[1:]
    tools = os.environ["SCOUTLIGHT_TOOLS"]
    lines = commands(pathlib.Path(readme).read_text(encoding="utf-8"))
    if len(lines) < 20:
        print(f"FAILED: only {len(lines)} commands were found")
        return 1
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        server, address = start(program, folder)
        try:
            wait_for_catalog(f"{tools}/grpcurl", address)
            for line in lines:
                is_watch = line.endswith("/Watch")
                seconds = WATCH_SECONDS if is_watch else CALL_SECONDS_MAX
                typed = line.replace("localhost:7400", address).replace("grpcurl ", f"grpcurl -max-time {seconds} ", 1)
                done = subprocess.run(
                    ["bash", "-c", typed], env={"PATH": f"{tools}:/usr/bin:/bin"}, capture_output=True, text=True, check=False
                )
                # A watch goes on until its time is over, and has shown something before.
                well = "DeadlineExceeded" in done.stderr and "kind" in done.stdout if is_watch else done.returncode == 0
                if not well:
                    failed = 1
                    print(f"FAILED with {done.returncode}: {typed}\n{done.stdout}{done.stderr}")
        finally:
            server.terminate()
            if server.wait(timeout=20) != 0:
                print("FAILED: the server did not end well")
                failed = 1
    print(f"{len(lines)} commands")
    return failed


if __name__ == "__main__":
    sys.exit(main())
