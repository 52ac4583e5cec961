"""What a server over an etcd costs beside one with its own store, and beside that etcd alone: embedded, over etcd, bare etcd."""


import generator
import report
import servers

SERVICES = 50
INSTANCES_PER_SERVICE = 20
KEYS = 10_000
# What is kept in flight, by name, and who takes part.
LOADS = {
    "put 1": ("put:1", ("embedded", "over etcd", "etcd", "floor")),
    "get 1": ("get:1", ("embedded", "over etcd", "etcd", "floor")),
    "put 64": ("put:64", ("embedded", "over etcd", "etcd")),
    "resolve": ("resolve:64", ("embedded", "over etcd")),
}
# (load, figure, its name in the table, decimals).
ROWS = [
    ("put 1", "p50_us", "synced put, one at a time: p50 us", 0),
    ("put 1", "p99_us", "  p99 us", 0),
    ("get 1", "p50_us", "get of a key, one at a time: p50 us", 0),
    ("put 64", "calls_per_second", "synced put, 64 in flight: calls/s", 0),
    ("put 64", "server_cpu_us_per_call", "  server CPU us/call", 1),
    ("resolve", "calls_per_second", "Resolve, 64 in flight: calls/s", 0),
    ("resolve", "p50_us", "  p50 us", 0),
    ("resolve", "server_cpu_us_per_call", "  server CPU us/call", 1),
]
COLUMNS = ("embedded", "over etcd", "etcd", "floor")

# A put over etcd takes what etcd takes, and so many empty calls.
CALLS_MORE_MAX = 2.5
# Discovery answers from memory either way.
RESOLVE_RATIO_MIN = 0.9

SECONDS_MAX = 120
REGISTER_SECONDS_MAX = 60


def _load(program, server, in_flight, more):
    flags = {"server": server.address, "server-pid": server.pid, "api": server.api, "load": in_flight, **more}
    command = [program] + [f"--{name}={value}" for name, value in flags.items()]
    figures = generator.figures_of(command, f"{server.name}, {in_flight}", SECONDS_MAX)
    (part,) = figures.pop("parts")
    return {**figures, **part}


def measure(arguments, folder, plan, say):
    """{server: {load: [figures of each repetition]}}."""
    fleet = {"service-prefix": "fleet", "services": SERVICES, "instances": INSTANCES_PER_SERVICE}
    timing = {"warm-up": plan["warm_up"], "duration": plan["duration"]}
    figures = {name: {} for name in COLUMNS}
    with servers.etcd(folder) as etcd, servers.floor(arguments.floor_server, folder) as floor:
        with servers.ours(arguments.server, folder) as embedded, servers.over_etcd(arguments.server, folder, etcd.address) as over:
            running = {"embedded": embedded, "over etcd": over, "etcd": etcd, "floor": floor}
            for name in ("embedded", "over etcd"):
                calls = SERVICES * INSTANCES_PER_SERVICE
                _load(arguments.loadgen, running[name], "register:16", {**fleet, "calls": calls, "duration": REGISTER_SECONDS_MAX})
            for name in ("embedded", "over etcd", "etcd"):
                _load(arguments.loadgen, running[name], "put:64", {"keys": KEYS, "calls": KEYS, "duration": REGISTER_SECONDS_MAX})
            for repetition in range(plan["repetitions"]):
                for load, (in_flight, names) in LOADS.items():
                    for name in names:
                        say(repetition, plan["repetitions"], f"{load}, {name}")
                        more = fleet if load == "resolve" else {"keys": KEYS}
                        run = _load(arguments.loadgen, running[name], in_flight, {**more, **timing})
                        figures[name].setdefault(load, []).append(run)
    return figures


def table_rows(middle):
    """(name, a cell for each of COLUMNS), all text."""
    rows = []
    for load, figure, name, decimals in ROWS:
        values = [middle[server].get(load, {}).get(figure) for server in COLUMNS]
        rows.append((name, *("" if value is None else f"{value:,.{decimals}f}" for value in values)))
    return rows


def table(middle):
    rows = [("", *COLUMNS), *table_rows(middle)]
    width = max(len(name) for name, *_ in rows)
    return "\n".join(f"{name:<{width}}  " + "  ".join(f"{cell:>10}" for cell in cells) for name, *cells in rows) + "\n"


def verdicts(middle):
    """As report.verdicts."""
    puts = {server: middle[server]["put 1"]["p50_us"] for server in COLUMNS}
    more = (puts["over etcd"] - puts["etcd"]) / puts["floor"]
    resolves = middle["over etcd"]["resolve"]["calls_per_second"] / middle["embedded"]["resolve"]["calls_per_second"]
    found = [
        {"name": "put over etcd, p50, empty calls more than etcd's own", "value": more, "bound": CALLS_MORE_MAX, "kind": "at most"},
        {"name": "Resolve over etcd, calls/s, to embedded", "value": resolves, "bound": RESOLVE_RATIO_MIN, "kind": "at least"},
    ]
    return [report.judged(verdict) for verdict in found]
