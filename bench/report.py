"""How the benchmark's medians are shown, and what they are held against."""

# (load, operation, figure, its name in the table); "server_cpu_us_per_call" belongs to the load, not to the operation.
ROWS = [
    ("get 64", "get", "calls_per_second", "get, 64 in flight: calls/s"),
    ("get 64", "get", "p50_us", "  p50 us"),
    ("get 64", "get", "p99_us", "  p99 us"),
    ("get 64", None, "server_cpu_us_per_call", "  server CPU us/call"),
    ("put 64", "put", "calls_per_second", "synced put, 64 in flight: calls/s"),
    ("put 64", "put", "p50_us", "  p50 us"),
    ("put 64", "put", "p99_us", "  p99 us"),
    ("put 64", "put", "max_us", "  max us"),
    ("put 64", None, "server_cpu_us_per_call", "  server CPU us/call"),
    ("get 1", "get", "p50_us", "get, one at a time: p50 us"),
    ("get 1", "get", "p99_us", "  p99 us"),
    ("put 1", "put", "p50_us", "synced put, one at a time: p50 us"),
    ("put 1", "put", "p99_us", "  p99 us"),
    ("mixed", "get", "calls_per_second", "48 gets beside 16 puts: gets/s"),
    ("mixed", "get", "p50_us", "  gets' p50 us"),
    ("mixed", "get", "p99_us", "  gets' p99 us"),
    ("mixed", "get", "max_us", "  gets' max us"),
    ("mixed", "put", "calls_per_second", "  puts/s"),
    ("mixed", "put", "p50_us", "  puts' p50 us"),
    ("mixed", "put", "p99_us", "  puts' p99 us"),
    ("mixed", "put", "max_us", "  puts' max us"),
]
# (load, figure, its name in the table, decimals).
WATCH_ROWS = [
    ("fan-out", "p50_us", "one put to 1,000 watchers, until the last has it: p50 us", 0),
    ("fan-out", "p99_us", "  p99 us", 0),
    ("fan-out", "server_cpu_us_per_event", "  server CPU us/event", 1),
    ("delivery", "p50_us", "one watcher of 1,000 puts/s, from put to event: p50 us", 0),
    ("delivery", "p99_us", "  p99 us", 0),
    ("delivery", "late_max_us", "  generator behind its pace at most: us", 0),
    ("idle streams", "kb_per_watch", "10,000 idle watches, a stream each: KB/watch", 2),
    ("idle multiplexed", "kb_per_watch", "10,000 idle watches on one stream: KB/watch", 2),
]
# The same of leases; {leases} is how many there were.
LEASE_ROWS = [
    ("renew unary", "server_cpu_ms_per_second", "{leases:,} leases renewed every 10 s, as at a TTL of 30 s, 1,000 a call: CPU ms/s", 1),
    ("renew unary", "server_cpu_us_per_renewal", "  CPU us/renewal", 2),
    ("renew stream", "server_cpu_ms_per_second", "  on streams, 1,000 a message (etcd: 1): CPU ms/s", 1),
    ("renew stream", "server_cpu_us_per_renewal", "  CPU us/renewal", 2),
    ("endings", "idle_p99_us", "500 puts/s beside {leases:,} leases: p99 us", 0),
    ("endings", "busy_p99_us", "  while all of them end: p99 us", 0),
    ("endings", "busy_to_idle", "  that to the one before", 2),
    ("endings", "ends_per_second", "  leases ended per second", 0),
]
# (name, load, operation, figure, bound): ours divided by etcd's is at least, or at most, the bound.
AT_LEAST = [
    ("get throughput at 64 in flight, ours/etcd", "get 64", "get", "calls_per_second", 2.5),
    ("synced put throughput at 64 in flight, ours/etcd", "put 64", "put", "calls_per_second", 1.3),
]
AT_MOST = [
    ("one get at a time, p50, ours/etcd", "get 1", "get", "p50_us", 0.55),
    ("one synced put at a time, p50, ours/etcd", "put 1", "put", "p50_us", 0.55),
]
# Gets stall beside puts if the slowest hundredth takes longer than this many times what it takes without puts, at as many calls in flight.
STALL_RATIO_MAX = 3.0

# Writers do not suffer from leases that end if the slowest hundredth takes at most so many times what it takes before.
ENDINGS_NAME = "p99 of puts while leases end, to that of before"
ENDINGS_RATIO_MAX = 2.0


def figure_of(medians, server, load, operation, figure):
    """None where the server did not take part."""
    row = medians.get(server, {}).get(load)
    if row is None:
        return None
    return row[figure] if operation is None else row[operation][figure]


def verdicts(medians):
    """[{"name", "value", "bound", "kind": "at least" | "at most", "passed"}] for each target."""
    found = []
    for kind, targets in (("at least", AT_LEAST), ("at most", AT_MOST)):
        for name, load, operation, figure, bound in targets:
            value = figure_of(medians, "ours", load, operation, figure) / figure_of(medians, "etcd", load, operation, figure)
            found.append({"name": name, "value": value, "bound": bound, "kind": kind})
    stall = figure_of(medians, "ours", "mixed", "get", "p99_us") / figure_of(medians, "ours", "get 64", "get", "p99_us")
    found.append({"name": "p99 of gets beside puts, to that of gets alone", "value": stall, "bound": STALL_RATIO_MAX, "kind": "at most"})
    return [judged(verdict) for verdict in found]


def lease_verdicts(medians):
    """As verdicts, of the medians of LEASE_ROWS."""
    value = medians["ours"]["endings"]["busy_to_idle"]
    return [judged({"name": ENDINGS_NAME, "value": value, "bound": ENDINGS_RATIO_MAX, "kind": "at most"})]


def judged(verdict):
    """With "passed"."""
    value, bound = verdict["value"], verdict["bound"]
    return {**verdict, "passed": value >= bound if verdict["kind"] == "at least" else value <= bound}


def verdict_lines(found):
    width = max(len(verdict["name"]) for verdict in found)
    return "\n".join(
        f"{verdict['name']:<{width}}  {verdict['value']:5.2f}  {verdict['kind']} {verdict['bound']:.2f}: "
        + ("pass" if verdict["passed"] else "SHORT")
        for verdict in found
    )


def table(medians):
    width = max(len(name) for *_, name in ROWS)
    lines = [f"{'':<{width}}  {'ours':>10}  {'etcd':>10}  {'floor':>10}  {'ours/etcd':>10}  {'ours/floor':>10}"]
    for load, operation, figure, name in ROWS:
        ours, etcd, floor = (figure_of(medians, server, load, operation, figure) for server in ("ours", "etcd", "floor"))
        cells = [f"{value:,.0f}" if value is not None else "" for value in (ours, etcd, floor)]
        cells += [f"{ours / other:.2f}" if ours is not None and other else "" for other in (etcd, floor)]
        lines.append(f"{name:<{width}}  " + "  ".join(f"{cell:>10}" for cell in cells))
    return "\n".join(lines) + "\n"


def load_table(rows, medians, plan, other="etcd"):
    """Of WATCH_ROWS, LEASE_ROWS, discovery.ROWS or gates.ROWS, beside another; blank where one did not take part."""
    names = [name.format(**plan) for _, _, name, _ in rows]
    width = max(len(name) for name in names)
    lines = [f"{'':<{width}}  {'ours':>10}  {other:>10}  {'ours/' + other:>10}"]
    for (load, figure, _, decimals), name in zip(rows, names):
        ours, theirs = (medians[server].get(load, {}).get(figure) for server in ("ours", other))
        cells = [f"{value:,.{decimals}f}" if value is not None else "" for value in (ours, theirs)]
        cells.append(f"{ours / theirs:.2f}" if ours is not None and theirs else "")
        lines.append(f"{name:<{width}}  " + "  ".join(f"{cell:>10}" for cell in cells))
    return "\n".join(lines) + "\n"


def sync_lines(medians, syncs):
    """What this machine's disk allows a synced put."""
    least = figure_of(medians, "floor", "put 1", "put", "p50_us") + syncs["prepared_us"]
    etcd = figure_of(medians, "etcd", "put 1", "put", "p50_us")
    return (
        f"sync of 600 bytes at the end of a growing file: p50 {syncs['growing_us']:,.0f} us\n"
        f"sync of 600 bytes in a file grown ahead: p50 {syncs['prepared_us']:,.0f} us\n"
        f"least that one synced put can take here: empty call p50 + sync of a file grown ahead: {least:,.0f} us,"
        f" {least / etcd:.2f} of etcd's one-at-a-time put\n"
    )
