"""How the benchmark's medians are shown, and what they are held against."""

import statistics

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
    ("put 512", "put", "calls_per_second", "synced put, 512 in flight: calls/s"),
    ("put 512", "put", "p50_us", "  p50 us"),
    ("put 512", "put", "p99_us", "  p99 us"),
    ("put 512", None, "server_cpu_us_per_call", "  server CPU us/call"),
    ("transact", "transact", "calls_per_second", "synced transaction of 10 puts, 64 in flight: calls/s"),
    ("transact", "transact", "p50_us", "  p50 us"),
    ("transact", None, "server_cpu_us_per_call", "  server CPU us/call"),
    ("get past", "get-past", "calls_per_second", "get of the state {changes_ago:,} changes ago, 64 in flight: calls/s"),
    ("get past", "get-past", "p50_us", "  p50 us"),
    ("get past", None, "server_cpu_us_per_call", "  server CPU us/call"),
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
    ("endings", "idle_p99_us", "500 puts/s beside {ending_leases:,} leases: p99 us", 0),
    ("endings", "busy_p99_us", "  while all of them end: p99 us", 0),
    ("endings", "busy_to_idle", "  that to the one before", 2),
    ("endings", "ends_per_second", "  leases ended per second", 0),
]
# Writers do not suffer from leases that end if the slowest hundredth takes at most so many times what it takes before.
ENDINGS_NAME = "p99 of puts while leases end, to that of before"
ENDINGS_RATIO_MAX = 2.0


def load_medians(figures):
    """{server: {load: {"p50_us": ..., ...}}}, of the figures that are numbers."""
    return {
        server: {
            load: {name: statistics.median(run[name] for run in runs) for name, value in runs[0].items() if not isinstance(value, str)}
            for load, runs in loads.items()
        }
        for server, loads in figures.items()
    }


def figure_of(medians, server, load, operation, figure):
    """None where the server did not take part."""
    row = medians.get(server, {}).get(load)
    if row is None:
        return None
    return row[figure] if operation is None else row[operation][figure]


def lease_verdicts(medians):
    """As targets.verdicts, of the medians of LEASE_ROWS."""
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


def heads(others):
    """Of the columns: a name, ours, the others, and what ours is to each."""
    return ("", "ours", *others, *(f"ours/{other}" for other in others))


def cells(values, decimals):
    """Those columns behind the name, of ours and the others' values; None: it did not take part."""
    ours = values[0]
    shown = [f"{value:,.{decimals}f}" if value is not None else "" for value in values]
    return shown + [f"{ours / other:.2f}" if ours is not None and other else "" for other in values[1:]]


def _lines(rows):
    """Of (name, cells...), all text."""
    width = max(len(name) for name, *_ in rows)
    return "\n".join(f"{name:<{width}}  " + "  ".join(f"{cell:>10}" for cell in shown) for name, *shown in rows) + "\n"


def table(medians, plan):
    others = ("etcd", "floor")
    rows = [heads(others)]
    for load, operation, figure, name in ROWS:
        values = [figure_of(medians, server, load, operation, figure) for server in ("ours", *others)]
        rows.append((name.format(**plan), *cells(values, 0)))
    return _lines(rows)


def load_table(rows, medians, plan):
    """Of WATCH_ROWS and the like, beside the others that were measured; blank where one did not take part in a row."""
    others = [server for server in ("etcd", "floor", "nng") if server in medians]
    lines = [heads(others)]
    for load, figure, name, decimals in rows:
        values = [medians[server].get(load, {}).get(figure) for server in ("ours", *others)]
        lines.append((name.format(**plan), *cells(values, decimals)))
    return _lines(lines)


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
