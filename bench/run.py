"""Measures this server beside etcd and an empty gRPC handler, and gates beside bare nng, and prints tables: of calls, of watches, of
leases, of discovery, of a server over etcd, of gates. Run by ./dev bench.

Lists, footprint, restart and growth are of whole stores (stores.py, growth.py). What the figures are held against stands in targets.py.

All servers run on this machine, with the load generator on the same processors, and get the same calls, keys and values. Their turns are
interleaved, so that what else the machine does meets all alike; a figure is the median over the repetitions.
"""

import argparse
import contextlib
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import compare
import discovery
import disk
import etcd_store
import figures_file
import gates
import generator
import growth
import report
import servers
import stores
import targets

KEYS = 10_000
# What is kept in flight, by name; see report.py for how they are shown.
LOADS = {
    "get 64": "get:64",
    "put 64": "put:64",
    "put 512": "put:512",
    "transact": "transact:64",
    "get past": "get-past:64",
    "get 1": "get:1",
    "put 1": "put:1",
    "mixed": "get:48,put:16",
}
# The empty handler answers a get and a put alike.
FLOOR_LOADS = ("get 64", "put 64", "put 512", "get past", "get 1", "put 1")
# What watches are put to, by name: a subcommand of bench/watchload and its flags beyond those of the plan.
# Bare streams take part in the first alone.
WATCH_LOADS = {"fan-out": ["fan-out", "--watchers=1000", "--connections=5"], "delivery": ["delivery", "--puts-per-second=1000"]}
# These get a fresh server each. Bare streams are not multiplexed.
IDLE_LOADS = {
    "idle streams": ["idle", "--watches=10000", "--connections=50"],
    "idle multiplexed": ["idle", "--watches=10000", "--multiplexed"],
}
# What leases are put to, by name: a subcommand of bench/leaseload and its flags, and who takes part. Each gets a fresh server.
LEASE_LOADS = {
    "renew unary": (["keep-alive", "--unary"], ("ours",)),
    "renew stream": (["keep-alive"], ("ours", "etcd")),
    "endings": (["endings"], ("ours", "etcd")),
}
FULL = {
    "repetitions": 5,
    "warm_up": 0.4,
    "duration": 1.3,
    "changes_ago": 100_000,
    "syncs": 100,
    "rounds": 30,
    "idle_repetitions": 2,
    "lease_repetitions": 1,
    "leases": 100_000,
    "keep_alive_duration": 10,
    "ending_leases": 20_000,
    "ends_ttl": 20,
    "ends_measured": 4,
    "instances": 100_000,
    "services": 1_000,
    "one_by_one": 10_000,
    "change_duration": 1,
    "restarts": 3,
    "gate_messages": 100_000,
    "tree_entries": 100_000,
    "flat_entries": 10_000,
    "footprint_instances": 100_000,
    "restart_entries": 1_000_000,
    "growth_entries": (1_000, 10_000, 100_000, 1_000_000),
    "growth_repetitions": 3,
    "growth_duration": 1.5,
    "growth_rounds": 500,
}
QUICK = {
    "repetitions": 3,
    "warm_up": 0.1,
    "duration": 0.3,
    "changes_ago": 20_000,
    "syncs": 150,
    "rounds": 20,
    "idle_repetitions": 1,
    "lease_repetitions": 1,
    "leases": 10_000,
    "keep_alive_duration": 2,
    "ending_leases": 5_000,
    "ends_ttl": 6,
    "ends_measured": 1.5,
    "instances": 10_000,
    "services": 100,
    "one_by_one": 2_000,
    "gate_messages": 50_000,
    "change_duration": 0.3,
    "restarts": 2,
    "tree_entries": 20_000,
    "flat_entries": 10_000,
    "footprint_instances": 10_000,
    "restart_entries": 100_000,
    "growth_entries": (1_000, 10_000, 100_000),
    "growth_repetitions": 2,
    "growth_duration": 0.3,
    "growth_rounds": 200,
}
STARTED = time.monotonic()
# What a run of the load generator takes at most beyond its own time: connecting, and the calls in flight at the end.
LOADGEN_SECONDS_MORE = 30
# Of one run of watchload or leaseload; they give up on what they await before.
WATCHLOAD_SECONDS_MAX = 150
LEASELOAD_SECONDS_MAX = 300


def loadgen(program, server, load, more):
    flags = {"server": server.address, "server-pid": server.pid, "api": server.api, "load": load, "keys": KEYS}
    flags.update({name.replace("_", "-"): value for name, value in more.items()})
    command = [program] + [f"--{name}={value}" for name, value in flags.items()]
    return generator.figures_of(command, f"{server.name}, {load}", LOADGEN_SECONDS_MORE + more.get("warm_up", 0) + more["duration"])


def watchload(program, server, load):
    command = [program, f"--server={server.address}", f"--server-pid={server.pid}", f"--api={server.api}"] + load
    return generator.figures_of(command, f"{server.name}, {' '.join(load)}", WATCHLOAD_SECONDS_MAX)


def leaseload(program, server, load):
    command = [program, f"--server={server.address}", f"--server-pid={server.pid}", f"--api={server.api}"] + load
    return generator.figures_of(command, f"{server.name}, {' '.join(load)}", LEASELOAD_SECONDS_MAX)


def say(repetition, repetitions, what):
    print(f"bench: {time.monotonic() - STARTED:4.0f} s: {repetition + 1} of {repetitions}: {what}", file=sys.stderr)


def measure_calls(program, running, folder, plan):
    """{server: {load: [figures of each repetition]}}, [figures of the disk]."""
    timing = {"warm_up": plan["warm_up"], "duration": plan["duration"], "changes_ago": plan["changes_ago"]}
    figures = {server.name: {} for server in running}
    syncs = []
    for server in running:
        if server.api != "floor":
            loadgen(program, server, "put:64", {"calls": KEYS, "duration": 60})
            loadgen(program, server, "put:512", {"calls": plan["changes_ago"], "duration": 120})
    for repetition in range(plan["repetitions"]):
        for load, in_flight in LOADS.items():
            for server in running:
                if server.api == "floor" and load not in FLOOR_LOADS:
                    continue
                say(repetition, plan["repetitions"], f"{load}, {server.name}")
                figures[server.name].setdefault(load, []).append(loadgen(program, server, in_flight, timing))
        syncs.append(disk.measure(folder, plan["syncs"]))
    return figures, syncs


def measure_watches(program, watched, plan):
    """{server: {load: [figures of each repetition]}}."""
    more = {
        "fan-out": [f"--rounds={plan['rounds']}"],
        "delivery": [f"--warm-up={plan['warm_up']}", f"--duration={plan['duration']}"],
    }
    figures = {server.name: {} for server in watched}
    for repetition in range(plan["repetitions"]):
        for load, flags in WATCH_LOADS.items():
            for server in watched:
                if server.api == "floor" and load != "fan-out":
                    continue
                say(repetition, plan["repetitions"], f"{load}, {server.name}")
                figures[server.name].setdefault(load, []).append(watchload(program, server, flags + more[load]))
    return figures


def measure_idle(program, starts, folder, plan):
    """{server: {load: [figures of each repetition]}}. `starts` make a server that keeps its data in a folder."""
    figures = {}
    for repetition in range(plan["idle_repetitions"]):
        for load, flags in IDLE_LOADS.items():
            for start in starts:
                with tempfile.TemporaryDirectory(dir=folder) as own, start(own) as server:
                    if server.api == "floor" and "--multiplexed" in flags:
                        continue
                    say(repetition, plan["idle_repetitions"], f"{load}, {server.name}")
                    figures.setdefault(server.name, {}).setdefault(load, []).append(watchload(program, server, flags))
    return figures


def measure_leases(program, starts, folder, plan):
    """{server: {load: [figures of each repetition]}}. `starts` make a server that keeps its data in a folder."""
    more = {
        "keep-alive": [f"--leases={plan['leases']}", f"--warm-up={plan['warm_up']}", f"--duration={plan['keep_alive_duration']}"],
        "endings": [
            f"--leases={plan['ending_leases']}",
            f"--ttl={plan['ends_ttl']}",
            f"--idle={plan['ends_measured']}",
            f"--busy={plan['ends_measured']}",
        ],
    }
    figures = {}
    for repetition in range(plan["lease_repetitions"]):
        for load, (flags, names) in LEASE_LOADS.items():
            for start in starts:
                with tempfile.TemporaryDirectory(dir=folder) as own:
                    server = start(own)
                    if server.name not in names:
                        continue
                    with server:
                        say(repetition, plan["lease_repetitions"], f"{load}, {server.name}")
                        measured = leaseload(program, server, flags + more[flags[0]])
                    figures.setdefault(server.name, {}).setdefault(load, []).append(measured)
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


PARTS = ("calls", "watches", "leases", "discovery", "etcd", "gates")
# Of whole stores.
STORE_PARTS = (*stores.MEASURES, "growth")
# How the parts are shown that have a table of loads.
LOAD_ROWS = {"watches": report.WATCH_ROWS, "leases": report.LEASE_ROWS, **stores.ROWS}


def measure(arguments, folder, plan):
    """{part: {server: {load: [figures of each repetition]}}}, of the parts wanted, and of the disk with the calls."""
    runs = {}
    starts = [lambda own: servers.ours(arguments.server, own), servers.etcd]
    wanted = arguments.only or PARTS + STORE_PARTS
    if "calls" in wanted or "watches" in wanted:
        with contextlib.ExitStack() as stack:
            started = [start(folder) for start in starts] + [servers.floor(arguments.floor_server, folder)]
            running = [stack.enter_context(server) for server in started]
            if "calls" in wanted:
                runs["calls"], runs["syncs"] = measure_calls(arguments.loadgen, running, folder, plan)
            if "watches" in wanted:
                bare = stack.enter_context(servers.floor_streams(arguments.floor_server, folder))
                runs["watches"] = measure_watches(arguments.watchload, [*running[:2], bare], plan)
    if "watches" in wanted:
        idle_starts = [*starts, lambda own: servers.floor_streams(arguments.floor_server, own)]
        for server, loads in measure_idle(arguments.watchload, idle_starts, folder, plan).items():
            runs["watches"][server].update(loads)
    for part in stores.MEASURES:
        if part in wanted:
            runs[part] = stores.measure(part, arguments, starts, folder, plan, say)
    if "growth" in wanted:
        with tempfile.TemporaryDirectory(dir=folder) as own:
            runs["growth"] = growth.measure(arguments, starts[0], own, plan, say)
    if "leases" in wanted:
        runs["leases"] = measure_leases(arguments.leaseload, starts, folder, plan)
    if "discovery" in wanted:
        with tempfile.TemporaryDirectory(dir=folder) as own:
            floor = servers.floor(arguments.floor_server, own)
            runs["discovery"] = discovery.measure(arguments, starts[0], floor, own, plan, say)
    if "etcd" in wanted:
        with tempfile.TemporaryDirectory(dir=folder) as own:
            runs["etcd"] = etcd_store.measure(arguments, own, plan, say)
    if "gates" in wanted:
        runs["gates"] = gates.measure(arguments.gates_bench, plan, say)
    return runs


def show(runs, plan):
    """Prints the tables. ({part: medians}, verdicts)."""
    middle, verdicts = {}, targets.verdicts(runs)
    if "calls" in runs:
        calls = middle["calls"] = medians(runs["calls"])
        syncs = middle["syncs"] = {name: statistics.median(run[name] for run in runs["syncs"]) for name in runs["syncs"][0]}
        print(report.table(calls, plan))
        print(report.sync_lines(calls, syncs))
    for part, rows in LOAD_ROWS.items():
        if part in runs:
            middle[part] = report.load_medians(runs[part])
            print(report.load_table(rows, middle[part], plan))
    if "growth" in runs:
        middle["growth"] = report.load_medians(runs["growth"])
        print(growth.table(middle["growth"]))
    if "leases" in runs:
        verdicts += report.lease_verdicts(middle["leases"])
    if "discovery" in runs:
        middle["discovery"] = report.load_medians(runs["discovery"])
        print(report.load_table(discovery.ROWS, middle["discovery"], plan))
        verdicts += discovery.verdicts(middle["discovery"])
    if "etcd" in runs:
        middle["etcd"] = report.load_medians(runs["etcd"])
        print(etcd_store.table(middle["etcd"]))
        verdicts += etcd_store.verdicts(middle["etcd"])
    if "gates" in runs:
        middle["gates"] = report.load_medians(runs["gates"])
        print(report.load_table(gates.ROWS, middle["gates"], plan))
        verdicts += gates.verdicts(middle["gates"])
    if verdicts:
        print(report.verdict_lines(verdicts))
    return middle, verdicts


def show_changes(old, new):
    """Prints them. The exit status: 1 if a target has regressed."""
    rows = compare.compare(old, new)
    for caveat in compare.caveats(old, new):
        print(f"bench: {caveat}", file=sys.stderr)
    print(compare.lines(rows))
    return 1 if any(row["state"] == "regressed" for row in rows) else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="less of all: under three minutes in place of under fifteen")
    parser.add_argument("--only", action="append", choices=PARTS + STORE_PARTS, help="this part alone; may be repeated")
    parser.add_argument("--json", default="bin/bench.json", help="where all figures go (default: %(default)s)")
    parser.add_argument("--server", required=True, help="scoutlightd")
    parser.add_argument("--loadgen", required=True, help="bench/loadgen")
    parser.add_argument("--watchload", required=True, help="bench/watchload")
    parser.add_argument("--leaseload", required=True, help="bench/leaseload")
    parser.add_argument("--discoveryload", required=True, help="bench/discoveryload")
    parser.add_argument("--gates-bench", required=True, help="bench/gates_bench")
    parser.add_argument("--storeload", required=True, help="bench/storeload")
    parser.add_argument("--floor-server", required=True, help="bench/floor_server")
    parser.add_argument("--compare", metavar="OLD.json", help="say what has changed since that run; exit with 1 if a target has regressed")
    arguments = parser.parse_args()
    try:
        old = figures_file.read(arguments.compare) if arguments.compare else None
    except (OSError, ValueError) as error:
        parser.error(str(error))

    # So that the contexts below are left, and with them the servers, on a polite kill too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    # Beside the report, not in /tmp: that may be memory, where a sync costs nothing.
    folder = tempfile.mkdtemp(prefix="bench-", dir=pathlib.Path(arguments.json).resolve().parent)
    plan = QUICK if arguments.quick else FULL
    try:
        runs = measure(arguments, folder, plan)
    except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)

    middle, verdicts = show(runs, plan)
    samples = discovery.samples(runs["discovery"]) if "discovery" in runs else {}
    for verdict in verdicts:
        verdict.setdefault("samples", samples.get(verdict["name"], [verdict["value"]]))
    measured = {**figures_file.stamp(), "plan": plan, "medians": middle, "verdicts": verdicts, "runs": runs}
    shown = figures_file.write(arguments.json, measured)
    print(f"all figures: {arguments.json}, as a page: {shown}", file=sys.stderr)
    return show_changes(old, figures_file.read(arguments.json)) if old else 0


if __name__ == "__main__":
    sys.exit(main())
