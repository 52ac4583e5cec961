"""Measures this server beside etcd and an empty gRPC handler, and prints a table. Run by ./dev bench.

All three run on this machine, with the load generator on the same processors, and get the same calls, keys and values. Their turns are
interleaved, so that what else the machine does meets all alike; a figure is the median over the repetitions.
"""

import argparse
import contextlib
import json
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile

import report
import servers

KEYS = 10_000
# What is kept in flight, by name; see report.py for how they are shown.
LOADS = {
    "get 64": "get:64",
    "put 64": "put:64",
    "get 1": "get:1",
    "put 1": "put:1",
    "mixed": "get:48,put:16",
}
# The empty handler answers a get and a put alike.
FLOOR_LOADS = ("get 64", "get 1")
FULL = {"repetitions": 5, "warm_up": 1.0, "duration": 4.0}
QUICK = {"repetitions": 3, "warm_up": 0.5, "duration": 1.5}
# What a run of the load generator takes at most beyond its own time: connecting, and the calls in flight at the end.
LOADGEN_SECONDS_MORE = 30


def loadgen(program, server, load, more):
    """One run of the load generator; its figures. RuntimeError: it failed, or calls did."""
    flags = {"server": server.address, "server-pid": server.pid, "api": server.api, "load": load, "keys": KEYS}
    flags.update({name.replace("_", "-"): value for name, value in more.items()})
    command = [program] + [f"--{name}={value}" for name, value in flags.items()]
    seconds_max = LOADGEN_SECONDS_MORE + more.get("warm_up", 0) + more["duration"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds_max, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{server.name}, {load}: {done.stderr.strip()} {done.stdout.strip()}")
    return json.loads(done.stdout)


def measure(program, running, plan):
    """{server: {load: [figures of each repetition]}}."""
    timing = {"warm_up": plan["warm_up"], "duration": plan["duration"]}
    figures = {server.name: {} for server in running}
    for server in running:
        if server.api != "floor":
            loadgen(program, server, "put:64", {"calls": KEYS, "duration": 60})
    for repetition in range(plan["repetitions"]):
        for load, in_flight in LOADS.items():
            for server in running:
                if server.api == "floor" and load not in FLOOR_LOADS:
                    continue
                print(f"bench: {repetition + 1} of {plan['repetitions']}: {load}, {server.name}", file=sys.stderr)
                figures[server.name].setdefault(load, []).append(loadgen(program, server, in_flight, timing))
    return figures


def medians(figures):
    """{server: {load: {"server_cpu_us_per_call": ..., OPERATION: {"calls_per_second": ..., "p50_us": ...}}}}."""
    result = {}
    for server, loads in figures.items():
        result[server] = {}
        for load, runs in loads.items():
            row = result[server][load] = {"server_cpu_us_per_call": statistics.median(run["server_cpu_us_per_call"] for run in runs)}
            for place, part in enumerate(runs[0]["parts"]):
                names = [name for name, value in part.items() if isinstance(value, float) or name == "calls"]
                row[part["operation"]] = {name: statistics.median(run["parts"][place][name] for run in runs) for name in names}
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="shorter and fewer repetitions: about two minutes in place of six")
    parser.add_argument("--json", default="bin/bench.json", help="where all figures go (default: %(default)s)")
    parser.add_argument("--server", required=True, help="scoutlightd")
    parser.add_argument("--loadgen", required=True, help="bench/loadgen")
    parser.add_argument("--floor-server", required=True, help="bench/floor_server")
    arguments = parser.parse_args()

    # So that the contexts below are left, and with them the servers, on a polite kill too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # Beside the report, not in /tmp: that may be memory, where a sync costs nothing.
    folder = tempfile.mkdtemp(prefix="bench-", dir=pathlib.Path(arguments.json).resolve().parent)
    plan = QUICK if arguments.quick else FULL
    try:
        with contextlib.ExitStack() as stack:
            started = [
                servers.ours(arguments.server, folder),
                servers.etcd(folder),
                servers.floor(arguments.floor_server, folder),
            ]
            running = [stack.enter_context(server) for server in started]
            figures = measure(arguments.loadgen, running, plan)
    except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)

    middle = medians(figures)
    verdicts = report.verdicts(middle)
    print(report.table(middle))
    print(report.verdict_lines(verdicts))
    with open(arguments.json, "w", encoding="utf-8") as out:
        json.dump({"plan": plan, "medians": middle, "verdicts": verdicts, "runs": figures}, out, indent=1)
    print(f"all figures: {arguments.json}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
