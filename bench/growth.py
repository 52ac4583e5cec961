"""Whether the cost of a change follows the change, or the store: the same work on servers with small and large stores, side by side."""

import contextlib
import os

import generator
import servers

# Half of a store's entries are plain keys, half are of instances, in services of ten: six properties and a record each.
INSTANCES_PER_SERVICE = 10
ENTRIES_PER_SERVICE = 7 * INSTANCES_PER_SERVICE
# (load, figure, what it is): what must not grow.
COSTS = [
    ("put", "server_cpu_us_per_call", "put"),
    ("resolve", "server_cpu_us_per_call", "Resolve"),
    ("delivered", "server_cpu_us_per_event", "put until its watcher has it"),
]
# (load, figure, its name in the table, decimals).
ROWS = [
    ("put", "server_cpu_us_per_call", "put, 64 in flight: server CPU us/call", 1),
    ("put", "p50_us", "  p50 us", 0),
    ("resolve", "server_cpu_us_per_call", "Resolve, 64 in flight: server CPU us/call", 1),
    ("resolve", "p50_us", "  p50 us", 0),
    ("delivered", "server_cpu_us_per_event", "put until its watcher has it, one at a time: server CPU us", 1),
    ("delivered", "p50_us", "  p50 us", 0),
]
# No run of a generator takes longer.
SECONDS_MAX = 300
_FLEET = "grown"


def sizes_of(figures):
    """The sizes in {server: {"LOAD SIZE": ...}}, small ones first."""
    return sorted({int(load.rsplit(" ", 1)[1]) for load in figures["ours"]})


def _shape(entries):
    """(services, plain keys) of a store of so many entries."""
    services = entries // (2 * ENTRIES_PER_SERVICE)
    return services, entries - services * ENTRIES_PER_SERVICE


class _Store:
    """One server and what is in its store."""

    def __init__(self, programs, server, entries):
        self._programs = programs
        self._server = server
        self._services, self._keys = _shape(entries)

    def _run(self, program, *flags):
        command = [program, f"--server={self._server.address}", f"--server-pid={self._server.pid}", *flags]
        return generator.figures_of(command, f"{self._server.name}, {' '.join(flags)}", SECONDS_MAX)

    def _calls(self, load, *flags):
        figures = self._run(self._programs.loadgen, f"--load={load}", *flags)
        (part,) = figures.pop("parts")
        return {**figures, **part}

    def _fleet(self):
        return [f"--service-prefix={_FLEET}", f"--services={self._services}", f"--instances={INSTANCES_PER_SERVICE}"]

    def fill(self):
        self._run(self._programs.storeload, "fill", f"--entries={self._keys}")
        calls = -(-self._services * INSTANCES_PER_SERVICE // 1_000)
        figures = self._calls("register-all:4", f"--calls={calls}", f"--duration={SECONDS_MAX}", *self._fleet())
        if figures["calls"] != calls:
            raise RuntimeError(f"{figures['calls']} of {calls} calls that register instances were made in time")
        servers.settle(self._server)

    def measure(self, load, plan):
        timing = [f"--warm-up={plan['warm_up']}", f"--duration={plan['growth_duration']}"]
        if load == "put":
            return self._calls("put:64", f"--keys={self._keys}", *timing)
        if load == "resolve":
            return self._calls("resolve:64", *self._fleet(), *timing)
        flags = ["fan-out", "--watchers=1", "--connections=1", f"--keys={self._keys}", f"--rounds={plan['growth_rounds']}"]
        return self._run(self._programs.watchload, *flags, "--warm-up-rounds=50")


def measure(programs, start, folder, plan, say):
    """{"ours": {"LOAD SIZE": [figures of each repetition]}}. `start` makes a server that keeps its data in a folder."""
    figures = {}
    with contextlib.ExitStack() as stack:
        stores = {}
        for entries in plan["growth_entries"]:
            say(0, 1, f"growth, filling a store with {entries:,} entries")
            own = os.path.join(folder, str(entries))
            os.mkdir(own)
            stores[entries] = _Store(programs, stack.enter_context(start(own)), entries)
            stores[entries].fill()
        for repetition in range(plan["growth_repetitions"]):
            for load, *_ in COSTS:
                for entries, store in stores.items():
                    say(repetition, plan["growth_repetitions"], f"growth, {load} among {entries:,} entries")
                    figures.setdefault(f"{load} {entries}", []).append(store.measure(load, plan))
    return {"ours": figures}


def table(medians):
    """Of {"ours": {"LOAD SIZE": {figure: median}}}: a column for each size."""
    sizes = sizes_of(medians)
    width = max(len(name) for *_, name, _ in ROWS)
    heads = [f"{size:,}" for size in sizes] + ["last/first"]
    lines = [f"{'entries in the store':<{width}}  " + "  ".join(f"{head:>10}" for head in heads)]
    for load, figure, name, decimals in ROWS:
        values = [medians["ours"][f"{load} {size}"][figure] for size in sizes]
        cells = [f"{value:,.{decimals}f}" for value in values] + [f"{values[-1] / values[0]:.2f}"]
        lines.append(f"{name:<{width}}  " + "  ".join(f"{cell:>10}" for cell in cells))
    return "\n".join(lines) + "\n"
