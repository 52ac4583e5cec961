"""What the benchmark's figures are held against: each target's value, the values of single repetitions, and whether it is reached."""

import statistics
from typing import NamedTuple, Optional

import growth

GET, PUT = "/get", "/put"


class Ratio(NamedTuple):
    """One of our figures divided by another server's, or as it is where `other` is None. `load` is "LOAD" or, where a load has several
    operations, "LOAD/OPERATION"."""

    name: str
    part: str
    load: str
    figure: str
    other: Optional[str]
    kind: str
    bound: float


_RATE, _CPU, _P50, _P99 = "calls_per_second", "server_cpu_us_per_call", "p50_us", "p99_us"
RATIOS = [
    Ratio("get, one at a time, p50, ours/etcd", "calls", "get 1" + GET, _P50, "etcd", "at most", 0.4),
    Ratio("get, one at a time, p50, ours/floor", "calls", "get 1" + GET, _P50, "floor", "at most", 1.25),
    Ratio("get, 64 in flight, throughput, ours/etcd", "calls", "get 64" + GET, _RATE, "etcd", "at least", 2.5),
    Ratio("get, 64 in flight, throughput, ours/floor", "calls", "get 64" + GET, _RATE, "floor", "at least", 0.85),
    Ratio("get, 64 in flight, server CPU, ours/etcd", "calls", "get 64", _CPU, "etcd", "at most", 0.3),
    Ratio("get, 64 in flight, server CPU, ours/floor", "calls", "get 64", _CPU, "floor", "at most", 1.25),
    Ratio("put, one at a time, p50, ours/etcd", "calls", "put 1" + PUT, _P50, "etcd", "at most", 0.5),
    Ratio("put, 64 in flight, throughput, ours/etcd", "calls", "put 64" + PUT, _RATE, "etcd", "at least", 1.8),
    Ratio("put, 64 in flight, server CPU, ours/etcd", "calls", "put 64", _CPU, "etcd", "at most", 0.55),
    Ratio("put, 64 in flight, server CPU, ours/floor", "calls", "put 64", _CPU, "floor", "at most", 1.6),
    Ratio("put, 512 in flight, throughput, ours/etcd", "calls", "put 512" + PUT, _RATE, "etcd", "at least", 1.2),
    Ratio("put, 512 in flight, server CPU, ours/etcd", "calls", "put 512", _CPU, "etcd", "at most", 0.55),
    Ratio("put, 512 in flight, server CPU, ours/floor", "calls", "put 512", _CPU, "floor", "at most", 1.6),
    Ratio("put, 64 in flight, p99, ours/etcd", "calls", "put 64" + PUT, _P99, "etcd", "at most", 0.6),
    Ratio("48 gets beside 16 puts, gets' p99, ours/etcd", "calls", "mixed" + GET, _P99, "etcd", "at most", 0.4),
    Ratio("transaction of 10 puts, 64 in flight, throughput, ours/etcd", "calls", "transact/transact", _RATE, "etcd", "at least", 2.5),
    Ratio("get of an old state, 64 in flight, throughput, ours/etcd", "calls", "get past/get-past", _RATE, "etcd", "at least", 2.5),
    Ratio("get of an old state, 64 in flight, server CPU, ours/floor", "calls", "get past", _CPU, "floor", "at most", 1.4),
    Ratio("1,000 children of a large tree, lists a second, ours/etcd", "lists", "children", "lists_per_second", "etcd", "at least", 20),
    Ratio("10,000 entries, paged, lists a second, ours/etcd", "lists", "paged", "lists_per_second", "etcd", "at least", 3),
    Ratio("fan-out to 1,000, time to last, p50, ours/etcd", "watches", "fan-out", _P50, "etcd", "at most", 0.25),
    Ratio("fan-out to 1,000, CPU an event, ours/bare streams", "watches", "fan-out", "server_cpu_us_per_event", "floor", "at most", 1.5),
    Ratio("put to watcher at 1,000 a second, p99, ours/etcd", "watches", "delivery", _P99, "etcd", "at most", 0.5),
    Ratio("10,000 idle watches, memory, ours/etcd", "watches", "idle streams", "kb_per_watch", "etcd", "at most", 0.6),
    Ratio("10,000 idle watches, memory, ours/bare streams", "watches", "idle streams", "kb_per_watch", "floor", "at most", 1.3),
    Ratio("10,000 watches on one stream, memory, ours/etcd", "watches", "idle multiplexed", "kb_per_watch", "etcd", "at most", 0.5),
    Ratio("10,000 watches on one stream: KB each", "watches", "idle multiplexed", "kb_per_watch", None, "at most", 2),
    Ratio("keepalives, server CPU, ours/etcd", "leases", "renew stream", "server_cpu_ms_per_second", "etcd", "at most", 0.1),
    Ratio("instances of 6 properties, memory, ours/etcd", "footprint", "filled", "resident_mb", "etcd", "at most", 0.7),
    Ratio("instances of 6 properties, disk after compaction, ours/etcd", "footprint", "filled", "disk_mb", "etcd", "at most", 0.6),
    Ratio("restart until served, ours/etcd", "restart", "restart", "ms", "etcd", "at most", 0.3),
]
# Gets stall beside puts if the slowest hundredth takes longer than this many times what it takes without puts, at as many calls in flight.
STALL_RATIO_MAX = 3.0
# A put waits for one sync and goes on as a call that costs so much more than an empty one.
PUT_TO_EMPTY_MAX = 1.5
# What a change costs in the largest store, to the smallest.
GROWTH_MAX = 1.3


def series(runs, part, server, load, figure):
    """The figure in each repetition; None where that was not measured."""
    load, _, operation = load.partition("/")
    found = runs.get(part, {}).get(server, {}).get(load)
    if found is None:
        return None
    if operation:
        found = [next(one for one in run["parts"] if one["operation"] == operation) for run in found]
    return [run[figure] for run in found]


def verdict(name, ours, other, kind, bound):
    """{"name", "value", "samples", "kind", "bound", "passed"}: the medians' ratio, and that of each repetition, which interleave."""
    if other is None:
        other = [1] * len(ours)
    value = statistics.median(ours) / statistics.median(other)
    samples = [mine / theirs for mine, theirs in zip(ours, other)]
    passed = value >= bound if kind == "at least" else value <= bound
    return {"name": name, "value": value, "samples": samples, "kind": kind, "bound": bound, "passed": passed}


def _of_ratios(runs):
    for target in RATIOS:
        ours = series(runs, target.part, "ours", target.load, target.figure)
        other = target.other and series(runs, target.part, target.other, target.load, target.figure)
        if ours is not None and (target.other is None or other is not None):
            yield verdict(target.name, ours, other, target.kind, target.bound)


def _of_calls(runs):
    ours = series(runs, "calls", "ours", "put 1" + PUT, _P50)
    empty = series(runs, "calls", "floor", "put 1" + PUT, _P50)
    syncs = [run["prepared_us"] for run in runs["syncs"]]
    least = [sync + PUT_TO_EMPTY_MAX * call for sync, call in zip(syncs, empty)]
    yield verdict(f"put, one at a time, p50, to a sync and {PUT_TO_EMPTY_MAX} empty calls", ours, least, "at most", 1.0)
    beside = series(runs, "calls", "ours", "mixed" + GET, _P99)
    alone = series(runs, "calls", "ours", "get 64" + GET, _P99)
    yield verdict("p99 of gets beside puts, to that of gets alone", beside, alone, "at most", STALL_RATIO_MAX)


def _of_growth(runs):
    of_sizes = runs["growth"]["ours"]
    sizes = growth.sizes_of(runs["growth"])
    for load, figure, name in growth.COSTS:
        small, large = ([run[figure] for run in of_sizes[f"{load} {size}"]] for size in (sizes[0], sizes[-1]))
        name = f"{name}, server CPU at {sizes[-1]:,} entries, to that at {sizes[0]:,}"
        yield verdict(name, large, small, "at most", GROWTH_MAX)


def verdicts(runs):
    """Of what was measured, in the order of the tables."""
    found = list(_of_ratios(runs))
    if "calls" in runs:
        found += _of_calls(runs)
    if "growth" in runs:
        found += _of_growth(runs)
    return found
