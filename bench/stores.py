"""What whole stores cost, ours beside etcd: long lists, what instances take in memory and on disk, a restart with many entries."""

import os
import tempfile
import time

import generator
import servers

CHILDREN = 1_000
PAGE_SIZE = 1_000
INSTANCES_PER_SERVICE = 100
# (load, figure, its name in the table, decimals).
LIST_ROWS = [
    ("children", "lists_per_second", "1,000 children of a tree with {tree_entries:,} entries below: lists/s", 1),
    ("children", "p50_us", "  p50 us", 0),
    ("children", "server_cpu_us_per_list", "  server CPU us/list", 0),
    ("paged", "lists_per_second", "{flat_entries:,} entries, keys and values, 1,000 a page: lists/s", 1),
    ("paged", "p50_us", "  p50 us", 0),
    ("paged", "server_cpu_us_per_list", "  server CPU us/list", 0),
]
FOOTPRINT_ROWS = [
    ("filled", "resident_mb", "{footprint_instances:,} instances of 6 properties (etcd: 7 keys each), history compacted: resident MB", 0),
    ("filled", "disk_mb", "  data directory: MB", 0),
    ("restarted", "resident_mb", "  after a restart: resident MB", 0),
]
RESTART_ROWS = [
    ("restart", "ms", "{restart_entries:,} entries, from starting the process until a get is answered: ms", 0),
    ("restart", "resident_mb", "  resident then: MB", 0),
]
# No run of a generator takes longer.
SECONDS_MAX = 300


class _Loads:
    def __init__(self, programs):
        self._programs = programs

    def _run(self, program, server, *flags):
        command = [program, f"--server={server.address}", f"--server-pid={server.pid}", f"--api={server.api}", *flags]
        return generator.figures_of(command, f"{server.name}, {' '.join(flags)}", SECONDS_MAX)

    def store(self, server, *flags):
        return self._run(self._programs.storeload, server, *flags)

    def register(self, server, services):
        calls = -(-services * INSTANCES_PER_SERVICE // 1_000)
        flags = [f"--services={services}", f"--instances={INSTANCES_PER_SERVICE}", f"--calls={calls}", f"--duration={SECONDS_MAX}"]
        (part,) = self._run(self._programs.loadgen, server, "--load=register-all:4", *flags)["parts"]
        if part["calls"] != calls:
            raise RuntimeError(f"{part['calls']} of {calls} calls that register instances were made in time")


def measure_lists(programs, starts, folder, plan, say):
    """{server: {load: [figures of each repetition]}}. `starts` make a server that keeps its data in a folder."""
    loads, figures = _Loads(programs), {}
    lists = {
        "children": {"ours": CHILDREN, "etcd": plan["tree_entries"]},  # How many entries come.
        "paged": {"ours": plan["flat_entries"], "etcd": plan["flat_entries"]},
    }
    ours, etcd = (start(folder) for start in starts)
    with ours, etcd:
        for server in (ours, etcd):
            say(0, 1, f"lists, filling, {server.name}")
            loads.store(server, "fill", "--filling=tree", f"--entries={plan['tree_entries']}")
            loads.store(server, "fill", "--filling=flat", f"--entries={plan['flat_entries']}")
            servers.settle(server)
        for repetition in range(plan["repetitions"]):
            for load, entries in lists.items():
                for server in (ours, etcd):
                    say(repetition, plan["repetitions"], f"lists, {load}, {server.name}")
                    flags = [f"--what={'children' if load == 'children' else 'flat'}", f"--entries={entries[server.name]}"]
                    flags += [f"--page-size={PAGE_SIZE}", f"--warm-up={plan['warm_up']}", f"--duration={plan['duration']}"]
                    figures.setdefault(server.name, {}).setdefault(load, []).append(loads.store(server, "lists", *flags))
    return figures


def _taken(server, folder):
    return {"resident_mb": servers.resident_bytes(server) / 1e6, "disk_mb": servers.disk_bytes(folder) / 1e6}


def measure_footprint(programs, starts, folder, plan, say):
    """As measure_lists. etcd gets every key and value that ours stores for the instances, without the leases that ours keeps for them."""
    loads = _Loads(programs)
    services = plan["footprint_instances"] // INSTANCES_PER_SERVICE
    key = "/default/services/fleet-00000/000000000000/hostname"
    figures = {"ours": {}, "etcd": {}}
    with starts[0](folder) as ours, starts[1](folder) as etcd:
        def compact(server):
            loads.store(server, "compact", f"--key={key}")
            servers.settle(server)
            figures[server.name]["filled"] = [_taken(server, os.path.join(folder, server.name))]

        say(0, 1, "footprint, registering, ours")
        loads.register(ours, services)
        # Before all of it is read to be copied.
        compact(ours)
        say(0, 1, "footprint, copying, etcd")
        copied = sum(
            loads.store(ours, "copy", f"--parent={parent}", f"--to={etcd.address}")["entries"]
            for parent in ("/default", "/.scoutlight/instances")
        )
        if copied != 7 * services * INSTANCES_PER_SERVICE:
            raise RuntimeError(f"{copied} entries of {services * INSTANCES_PER_SERVICE} instances were copied")
        compact(etcd)
    for start in starts:
        with start(folder) as server:
            loads.store(server, "await", f"--key={key}")
            servers.settle(server)
            figures[server.name]["restarted"] = [_taken(server, os.path.join(folder, server.name))]
    return figures


def measure_restart(programs, starts, folder, plan, say):
    """As measure_lists."""
    loads, figures = _Loads(programs), {}
    for start in starts:
        with start(folder) as server:
            say(0, 1, f"restart, filling with {plan['restart_entries']:,} entries, {server.name}")
            loads.store(server, "fill", f"--entries={plan['restart_entries']}")
            servers.settle(server)
    for repetition in range(plan["restarts"]):
        for start in starts:
            server = start(folder)
            say(repetition, plan["restarts"], f"restart, {server.name}")
            started = time.monotonic()
            with server:
                served = loads.store(server, "await")["served_at"]
                resident = servers.resident_bytes(server) / 1e6
            figures.setdefault(server.name, {}).setdefault("restart", []).append({"ms": (served - started) * 1e3, "resident_mb": resident})
    return figures


MEASURES = {"lists": measure_lists, "footprint": measure_footprint, "restart": measure_restart}
ROWS = {"lists": LIST_ROWS, "footprint": FOOTPRINT_ROWS, "restart": RESTART_ROWS}


def measure(part, programs, starts, folder, plan, say):
    """One of MEASURES, in a folder of its own."""
    with tempfile.TemporaryDirectory(dir=folder) as own:
        return MEASURES[part](programs, starts, own, plan, say)
