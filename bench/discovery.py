"""What discovery costs: many instances in memory, registered, resolved, changed, watched, and there again after a restart."""

import time

import generator
import report

INSTANCES_PER_SERVICE = 100
# Services of these sizes are changed, one instance at a time.
SMALL, LARGE = 10, 10_000
SIZES = (SMALL, INSTANCES_PER_SERVICE, LARGE)

RESOLVE_TO_EMPTY_MAX = 1.3
# What one change costs counts as flat if a LARGE service adds at most so much server CPU to it over a SMALL one: 15 ns an instance for an
# Update, whose own cost is some hundreds of us and moves with the machine, and 3 ns for the Resolve behind it.
UPDATE_MORE_US_MAX = 150
RESOLVE_MORE_US_MAX = 30

# No run of a generator takes longer.
SECONDS_MAX = 120
REGISTER_SECONDS_MAX = 100

# (load, figure, its name in the table, decimals); see report.load_table.
ROWS = (
    [
        ("register-all", "instances_per_second", "{instances:,} instances in {services:,} services, RegisterAll of 1,000: instances/s", 0),
        ("register-all", "server_cpu_us_per_instance", "  server CPU us/instance", 1),
        ("memory", "empty_mb", "  resident without any: MB", 0),
        ("memory", "full_mb", "  resident with all of them: MB", 0),
        ("memory", "kb_per_instance", "  KB/instance", 2),
        ("register", "calls_per_second", "{one_by_one:,} more by Register, 64 in flight: calls/s", 0),
        ("register", "p50_us", "  p50 us", 0),
        ("register", "p99_us", "  p99 us", 0),
        ("register", "server_cpu_us_per_call", "  server CPU us/call", 1),
        ("resolve", "calls_per_second", "Resolve of one service after the other, 64 in flight: calls/s", 0),
        ("resolve", "p50_us", "  p50 us", 0),
        ("resolve", "p99_us", "  p99 us", 0),
        ("resolve", "server_cpu_us_per_call", "  server CPU us/call", 1),
    ]
    + [
        (f"change {size}", figure, name, decimals)
        for size in SIZES
        for figure, name, decimals in (
            ("seen_p50_us", f"Update, one at a time, of a service of {size:,}, until its watcher has it: p50 us", 0),
            ("seen_p99_us", "  p99 us", 0),
            ("answered_p50_us", "  until it is answered: p50 us", 0),
            ("server_cpu_us_per_change", "  server CPU us/change", 1),
            ("server_cpu_us_per_resolve", "  a Resolve right after it: server CPU us more", 1),
            ("resolved_p50_us", "    p50 us", 0),
        )
    ]
    + [
        ("restart after kill", "ms", "process killed, from its new start to the first Resolve: ms", 0),
        ("restart", "ms", "process stopped, likewise: ms", 0),
        ("restart", "resident_mb", "  resident then: MB", 0),
    ]
)


def _fleet_flags(prefix, services, instances):
    return {"service-prefix": prefix, "services": services, "instances": instances}


def _prefix(size):
    return f"flat{size}"


class _Loads:
    """What is put to one server, whose instances are counted."""

    def __init__(self, loadgen, discoveryload, plan):
        self._loadgen = loadgen
        self._discoveryload = discoveryload
        self._plan = plan
        self._instances = 0

    def _calls(self, server, load, flags):
        flags = {"server": server.address, "server-pid": server.pid, "api": server.api, "load": load, **flags}
        command = [self._loadgen] + [f"--{name}={value}" for name, value in flags.items()]
        figures = generator.figures_of(command, f"{server.name}, {load}", SECONDS_MAX)
        (part,) = figures.pop("parts")
        return {**figures, **part}

    def _discovery(self, server, *flags):
        command = [self._discoveryload, f"--server={server.address}", f"--server-pid={server.pid}", *flags]
        return generator.figures_of(command, f"{server.name}, {' '.join(flags)}", SECONDS_MAX)

    def register(self, server, load, prefix, services, instances):
        """All of them, each once."""
        count = services * instances
        calls = count if load.startswith("register:") else -(-count // 1_000)
        flags = {**_fleet_flags(prefix, services, instances), "calls": calls, "duration": REGISTER_SECONDS_MAX}
        figures = self._calls(server, load, flags)
        if figures["calls"] != calls:
            raise RuntimeError(f"{load}: {figures['calls']} of {calls} calls were made in time")
        self._instances += count
        figures["instances_per_second"] = count / figures["seconds"]
        figures["server_cpu_us_per_instance"] = figures["server_cpu_us_per_call"] * calls / count
        return figures

    def resolve(self, server, prefix, services):
        flags = _fleet_flags(prefix, services, INSTANCES_PER_SERVICE)
        flags.update({"warm-up": self._plan["warm_up"], "duration": self._plan["duration"]})
        return self._calls(server, "resolve:64", flags)

    def change(self, server, size):
        flags = ["changes", f"--service-prefix={_prefix(size)}", f"--instances={size}"]
        flags += ["--warm-up=0.5", f"--duration={self._plan['change_duration']}"]
        return self._discovery(server, *flags)

    def await_all(self, server, *flags):
        """When the server has every instance, and that it has no other."""
        return self._discovery(server, "await", f"--instances={self._instances}", *flags)


def measure(programs, start, floor, folder, plan, say):
    """{server: {load: [figures of each repetition]}}. `programs` has the paths of loadgen and discoveryload; `start` makes a server that
    keeps its data in `folder`; `floor` is an empty one."""
    ours, theirs = {}, {}
    loads = _Loads(programs.loadgen, programs.discoveryload, plan)
    with start(folder) as server, floor:
        say(0, 1, "discovery, registering")
        empty = loads.await_all(server)["resident_bytes"]
        ours["register-all"] = [loads.register(server, "register-all:4", "fleet", plan["services"], INSTANCES_PER_SERVICE)]
        full = loads.await_all(server)["resident_bytes"]
        grown = (full - empty) / 1e3 / plan["instances"]
        ours["memory"] = [{"empty_mb": empty / 1e6, "full_mb": full / 1e6, "kb_per_instance": grown}]
        one_by_one = plan["one_by_one"] // INSTANCES_PER_SERVICE
        ours["register"] = [loads.register(server, "register:64", "single", one_by_one, INSTANCES_PER_SERVICE)]
        for size in SIZES:
            loads.register(server, "register-all:1", _prefix(size), 1, size)
        for repetition in range(plan["repetitions"]):
            say(repetition, plan["repetitions"], "discovery, resolving and changing")
            ours.setdefault("resolve", []).append(loads.resolve(server, "fleet", plan["services"]))
            theirs.setdefault("resolve", []).append(loads.resolve(floor, "fleet", plan["services"]))
            for size in SIZES:
                ours.setdefault(f"change {size}", []).append(loads.change(server, size))
        server.kill()
    say(0, 1, "discovery, restarting")
    ours["restart after kill"] = [_restart(loads, start, folder)]
    ours["restart"] = [_restart(loads, start, folder) for _ in range(plan["restarts"])]
    return {"ours": ours, "floor": theirs}


def _restart(loads, start, folder):
    """Is stopped politely at the end."""
    started = time.monotonic()
    with start(folder) as server:
        there = loads.await_all(server, "--service=fleet-00000")
    return {"ms": (there["resolved_at"] - started) * 1e3, "resident_mb": there["resident_bytes"] / 1e6}


def _values(ours, floor):
    """[(name, value, bound)] of the targets, each of which is a most, in {load: figures}."""
    small, large = ours[f"change {SMALL}"], ours[f"change {LARGE}"]
    sizes = f"in a service of {LARGE:,} more than of {SMALL}: us"
    cpu = "server_cpu_us_per_call"
    update, resolve = (large[figure] - small[figure] for figure in ("server_cpu_us_per_change", "server_cpu_us_per_resolve"))
    return [
        ("Resolve, server CPU, ours/empty handler", ours["resolve"][cpu] / floor["resolve"][cpu], RESOLVE_TO_EMPTY_MAX),
        (f"one Update, watched, server CPU {sizes}", update, UPDATE_MORE_US_MAX),
        (f"the Resolve right after it, server CPU {sizes}", resolve, RESOLVE_MORE_US_MAX),
    ]


def verdicts(middle):
    """As targets.verdicts, of the medians."""
    values = _values(middle["ours"], middle["floor"])
    return [report.judged({"name": name, "value": value, "bound": bound, "kind": "at most"}) for name, value, bound in values]


def samples(figures):
    """{name of a target: its value in each repetition}, of what measure() returns."""
    ours, floor = figures["ours"], figures["floor"]
    loads = ["resolve"] + [f"change {size}" for size in (SMALL, LARGE)]
    found = {}
    for repetition, empty in enumerate(floor["resolve"]):
        for name, value, _ in _values({load: ours[load][repetition] for load in loads}, {"resolve": empty}):
            found.setdefault(name, []).append(value)
    return found
