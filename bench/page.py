"""Makes one HTML file of a run's figures: targets, plots, tables. It needs nothing from elsewhere, follows the reader's light or dark
setting, and fits a phone. By hand: page.py FIGURES.json [PAGE.html]."""

import html
import json
import math
import pathlib
import statistics
import sys

import discovery
import etcd_store
import gates
import growth
import report
import stores
import targets

SERVERS = ("ours", "etcd", "floor")
NAMES = {"ours": "ScoutLight", "etcd": "etcd", "floor": "empty handler, bare streams"}
# (title, unit, figure, [(load, operation, label)]): one plot each.
CALL_PLOTS = [
    (
        "Throughput",
        "calls/s",
        "calls_per_second",
        [
            ("get 64", "get", "get, 64 in flight"),
            ("get past", "get-past", "get of an old state, 64"),
            ("put 64", "put", "put, 64"),
            ("put 512", "put", "put, 512"),
            ("transact", "transact", "transaction of 10 puts, 64"),
        ],
    ),
    (
        "Server CPU a call",
        "µs",
        "server_cpu_us_per_call",
        [
            ("get 64", "", "get, 64 in flight"),
            ("get past", "", "get of an old state, 64"),
            ("put 64", "", "put, 64"),
            ("put 512", "", "put, 512"),
            ("transact", "", "transaction of 10 puts, 64"),
        ],
    ),
    ("Latency alone, p50", "µs", "p50_us", [("get 1", "get", "get"), ("put 1", "put", "put")]),
    (
        "Latency under load, p99",
        "µs",
        "p99_us",
        [
            ("get 64", "get", "get, 64 in flight"),
            ("put 64", "put", "put, 64"),
            ("mixed", "get", "gets beside puts"),
            ("mixed", "put", "puts beside gets"),
        ],
    ),
]
# (title, unit, part, figure, [(load, label)]).
LOAD_PLOTS = [
    ("Fan-out to 1,000 watchers, time to last, p50", "µs", "watches", "p50_us", [("fan-out", "one put")]),
    ("Server CPU an event", "µs", "watches", "server_cpu_us_per_event", [("fan-out", "fan-out to 1,000")]),
    ("Put to watcher at 1,000 puts/s, p99", "µs", "watches", "p99_us", [("delivery", "one watcher")]),
    (
        "Memory of 10,000 idle watches",
        "KB each",
        "watches",
        "kb_per_watch",
        [("idle streams", "a stream each"), ("idle multiplexed", "all on one stream")],
    ),
    ("Lists", "lists/s", "lists", "lists_per_second", [("children", "1,000 children of a large tree"), ("paged", "10,000 entries, paged")]),
    ("Instances in memory", "MB resident", "footprint", "resident_mb", [("filled", "after compaction"), ("restarted", "after a restart")]),
    ("Instances on disk", "MB", "footprint", "disk_mb", [("filled", "after compaction")]),
    ("Restart until served", "ms", "restart", "ms", [("restart", "all entries on disk")]),
    ("Keepalives", "ms of server CPU a second", "leases", "server_cpu_ms_per_second", [("renew stream", "each lease every 10 s")]),
]
PART_TITLES = {"watches": "Watches", "lists": "Lists", "footprint": "Instances in a store", "restart": "Restart", "leases": "Leases"}
STYLE = """
:root { color-scheme: light dark; --back: #fbfbf9; --text: #1c1e21; --quiet: #667; --line: #d9dad6; --ours: #1f6feb; --etcd: #d0702a;
  --floor: #8a8f98; --good: #1a7f4b; --bad: #c4314b; --band: #1f6feb33; }
@media (prefers-color-scheme: dark) { :root { --back: #15171a; --text: #e6e7e9; --quiet: #9aa0aa; --line: #33373d; --ours: #6ea8fe;
  --etcd: #f0a06a; --floor: #7d838c; --good: #4cc38a; --bad: #ff7b8e; --band: #6ea8fe44; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; background: var(--back); color: var(--text);
  font: 15px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.4rem; margin: .5rem 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
p { color: var(--quiet); margin: .3rem 0; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); gap: 1rem 2rem; }
figure { margin: 0; } figcaption { font-weight: 600; margin-bottom: .2rem; } figcaption span { font-weight: 400; color: var(--quiet); }
svg { display: block; width: 100%; height: auto; } svg text { fill: var(--text); font: 12px system-ui, sans-serif; }
svg .quiet { fill: var(--quiet); } svg .grid { stroke: var(--line); } svg .bound { stroke: var(--bad); stroke-dasharray: 4 3; }
.fill-ours { fill: var(--ours); } .fill-etcd { fill: var(--etcd); } .fill-floor { fill: var(--floor); }
.line-0 { stroke: var(--ours); fill: var(--ours); } .line-1 { stroke: var(--etcd); fill: var(--etcd); }
.line-2 { stroke: var(--good); fill: var(--good); } .whisker { stroke: var(--text); stroke-opacity: .55; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .5rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child, td:first-child { text-align: left; white-space: normal; min-width: 11rem; padding-left: 0; } td.more { padding-left: 1rem; }
th { color: var(--quiet); font-weight: 500; } .pass { color: var(--good); } .short { color: var(--bad); font-weight: 600; }
.targets svg { width: 9rem; } .growth { max-width: 34rem; }
@media (max-width: 30rem) { th, td { padding: .2rem .3rem; } th:first-child, td:first-child { min-width: 8rem; } }
 .key b { display: inline-block; width: .7rem; height: .7rem; margin: 0 .3rem 0 .8rem; border-radius: 2px; }
"""

_text = html.escape


def _number(value):
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _bars(title, unit, groups):
    """A plot of [(label, {server: values of the repetitions})]: a bar to each median, a line from the least to the greatest."""
    groups = [(label, {server: values for server, values in found.items() if values}) for label, found in groups]
    groups = [(label, found) for label, found in groups if found]
    if not groups:
        return ""
    longest = max(max(values) for _, found in groups for values in found.values()) or 1
    parts, y, room = [], 0, 262
    for label, found in groups:
        parts.append(f'<text x="0" y="{y + 13}">{_text(label)}</text>')
        y += 18
        for server, values in found.items():
            middle = statistics.median(values)
            width, low, high = (room * value / longest for value in (middle, min(values), max(values)))
            parts.append(f'<rect class="fill-{server}" x="0" y="{y}" width="{max(width, 1):.1f}" height="12" rx="2"/>')
            if high - low > 1:
                parts.append(f'<line class="whisker" x1="{low:.1f}" x2="{high:.1f}" y1="{y + 6}" y2="{y + 6}"/>')
            parts.append(f'<text class="quiet" x="{max(width, high) + 5:.1f}" y="{y + 10.5}">{_number(middle)}</text>')
            y += 15
        y += 6
    caption = f"<figcaption>{_text(title)} <span>{_text(unit)}</span></figcaption>"
    return f'<figure>{caption}<svg viewBox="0 0 320 {y}" role="img" aria-label="{_text(title)}">{"".join(parts)}</svg></figure>'


def _growth_plot(figures):
    """What each change costs in stores of each size, to the smallest store."""
    sizes = growth.sizes_of(figures)
    left, right, top, bottom, high = 34, 330, 12, 190, 2.0
    lines = []
    for load, figure, name in growth.COSTS:
        of_sizes = [[run[figure] for run in figures["ours"][f"{load} {size}"]] for size in sizes]
        first = statistics.median(of_sizes[0])
        lines.append((name, [[value / first for value in values] for values in of_sizes]))
        high = max(high, *(max(values) for values in lines[-1][1]))

    def x_of(place):
        return left + (right - left) * place / max(len(sizes) - 1, 1)

    def y_of(value):
        return bottom - (bottom - top) * value / high

    parts = []
    for value in range(0, math.ceil(high) + 1):
        if value <= high:
            parts.append(f'<line class="grid" x1="{left}" x2="{right}" y1="{y_of(value):.1f}" y2="{y_of(value):.1f}"/>')
            parts.append(f'<text class="quiet" x="{left - 6}" y="{y_of(value) + 4:.1f}" text-anchor="end">{value}</text>')
    bound = y_of(targets.GROWTH_MAX)
    parts.append(f'<line class="bound" x1="{left}" x2="{right}" y1="{bound:.1f}" y2="{bound:.1f}"/>')
    parts.append(f'<text class="quiet" x="{left + 4}" y="{bound - 4:.1f}">at most {targets.GROWTH_MAX}</text>')
    for place, size in enumerate(sizes):
        anchor = "start" if place == 0 else "end" if place == len(sizes) - 1 else "middle"
        parts.append(f'<text class="quiet" x="{x_of(place):.1f}" y="{bottom + 16}" text-anchor="{anchor}">{size:,}</text>')
    for number, (name, of_sizes) in enumerate(lines):
        points = " ".join(f"{x_of(place):.1f},{y_of(statistics.median(values)):.1f}" for place, values in enumerate(of_sizes))
        parts.append(f'<polyline class="line-{number}" style="fill: none" stroke-width="2" points="{points}"/>')
        for place, values in enumerate(of_sizes):
            x, low, high_end = x_of(place) + 3 * (number - 1), y_of(min(values)), y_of(max(values))
            parts.append(f'<line class="line-{number}" x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high_end:.1f}"/>')
        y = bottom + 38 + 16 * number
        parts.append(f'<line class="line-{number}" stroke-width="3" x1="{left}" x2="{left + 18}" y1="{y - 4}" y2="{y - 4}"/>')
        parts.append(f'<text x="{left + 24}" y="{y}">{_text(name)}</text>')
    height = bottom + 46 + 16 * (len(lines) - 1)
    caption = "<figcaption>Server CPU of one change <span>to that in the smallest store, by entries in the store</span></figcaption>"
    plot = f'<svg viewBox="0 0 340 {height}" role="img" aria-label="cost by size of the store">{"".join(parts)}</svg>'
    return f'<figure class="growth">{caption}{plot}</figure>'


def _place(verdict, value):
    """Where a value lies between a quarter of its bound, at 0, and four times, at 1, by logarithm; better ones are on the left."""
    ratio = value / verdict["bound"] if verdict["kind"] == "at most" else verdict["bound"] / value if value > 0 else 4
    return min(1, max(0, (math.log2(ratio) + 2) / 4)) if ratio > 0 else 0


def _target_row(verdict):
    places = [_place(verdict, value) for value in verdict.get("samples") or [verdict["value"]]]
    low, high, middle = (2 + 116 * place for place in (min(places), max(places), _place(verdict, verdict["value"])))
    state = "pass" if verdict["passed"] else "short"
    plot = (
        '<svg viewBox="0 0 120 14"><line class="grid" x1="2" x2="118" y1="7" y2="7"/><line class="bound" x1="60" x2="60" y1="0" y2="14"/>'
        f'<rect x="{low:.1f}" y="3" width="{max(high - low, 1):.1f}" height="8" style="fill: var(--band)"/>'
        f'<circle cx="{middle:.1f}" cy="7" r="4" style="fill: var(--{"good" if verdict["passed"] else "bad"})"/></svg>'
    )
    return (
        f'<tr><td>{_text(verdict["name"])}</td><td class="{state}">{"pass" if verdict["passed"] else "SHORT"}</td>'
        f'<td>{verdict["value"]:.2f}</td><td>{"≤" if verdict["kind"] == "at most" else "≥"} {verdict["bound"]:g}</td><td>{plot}</td></tr>'
    )


def _targets(verdicts):
    passed = sum(verdict["passed"] for verdict in verdicts)
    rows = "".join(map(_target_row, verdicts))
    return (
        f"<h2>Targets: {passed} of {len(verdicts)} reached</h2>"
        "<p>The dashed line is the target, better is left of it; the ends are a quarter of it and four times. The band is what single"
        " repetitions gave.</p>"
        f'<div class="scroll targets"><table><tr><th></th><th></th><th>value</th><th>target</th><th></th></tr>{rows}</table></div>'
    )


def _table(heads, rows):
    """Of text; a name that begins with a space belongs to the one above."""
    lines = ["<tr>" + "".join(f"<th>{_text(head)}</th>" for head in heads) + "</tr>"]
    for name, *cells in rows:
        mark = ' class="more"' if name.startswith(" ") else ""
        lines.append(f"<tr><td{mark}>{_text(name.strip())}</td>" + "".join(f"<td>{_text(cell)}</td>" for cell in cells) + "</tr>")
    return f'<div class="scroll"><table>{"".join(lines)}</table></div>'


def _load_table(rows, medians, plan):
    others = [server for server in (*SERVERS[1:], "nng") if server in medians]
    found = []
    for load, figure, name, decimals in rows:
        values = [medians[server].get(load, {}).get(figure) for server in ("ours", *others)]
        if any(value is not None for value in values):
            found.append((name.format(**plan), *report.cells(values, decimals)))
    return _table(report.heads(others), found)


def _plots(figures):
    runs, plots = figures["runs"], []
    for title, unit, figure, loads in CALL_PLOTS:
        groups = [
            (label, {server: targets.series(runs, "calls", server, f"{load}/{operation}", figure) for server in SERVERS})
            for load, operation, label in loads
        ]
        plots.append(_bars(title, unit, groups))
    for title, unit, part, figure, loads in LOAD_PLOTS:
        groups = [(label, {server: targets.series(runs, part, server, load, figure) for server in SERVERS}) for load, label in loads]
        plots.append(_bars(title, unit, groups))
    key = "".join(f'<b class="fill-{server}" style="background: var(--{server})"></b>{NAMES[server]}' for server in SERVERS)
    shown = "".join(plots)
    note = "Bars are medians, lines what single repetitions gave."
    return f'<h2>Side by side</h2><p class="key">{key}</p><p>{note}</p><div class="plots">{shown}</div>' if shown else ""


def _tables(figures):
    medians, plan, parts = figures["medians"], figures["plan"], []
    if "calls" in medians:
        rows = []
        for load, operation, figure, name in report.ROWS:
            values = [report.figure_of(medians["calls"], server, load, operation, figure) for server in SERVERS]
            rows.append((name.format(**plan), *report.cells(values, 0)))
        parts.append("<h2>Calls</h2>" + _table(report.heads(SERVERS[1:]), rows))
    of_loads = {"watches": report.WATCH_ROWS, "leases": report.LEASE_ROWS, "discovery": discovery.ROWS, "gates": gates.ROWS, **stores.ROWS}
    for part, rows in of_loads.items():
        if part in medians:
            parts.append(f"<h2>{PART_TITLES.get(part, part.capitalize())}</h2>" + _load_table(rows, medians[part], plan))
    if "etcd" in medians:
        parts.append("<h2>Over etcd</h2>" + _table(("", *etcd_store.COLUMNS), etcd_store.table_rows(medians["etcd"])))
    return "".join(parts)


def _stamp(figures):
    return f"<p>{_text(' · '.join(figures[name] for name in ('measured', 'commit', 'machine')))}</p>"


def _micro(micro):
    rows = []
    for program, benchmarks in micro["programs"].items():
        rows.append((program, "", ""))
        for row in benchmarks:
            spread = f"{min(row['samples_us']):,.3f} to {max(row['samples_us']):,.3f}"
            rows.append((f" {row['name']}", f"{row['us']:,.3f}", spread))
    return "<h2>Parts</h2>" + _stamp(micro) + _table(("", "CPU µs", "repetitions"), rows)


def page(figures):
    """The whole file, of what run.py has written."""
    parts = [_stamp(figures)] if "measured" in figures else []
    if figures.get("verdicts"):
        parts.append(_targets(figures["verdicts"]))
    if "growth" in figures.get("runs", {}):
        parts.append("<h2>Cost follows the change</h2>" + _growth_plot(figures["runs"]["growth"]))
    if figures.get("runs"):
        parts += [_plots(figures), _tables(figures)]
    if figures.get("micro"):
        parts.append(_micro(figures["micro"]))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>ScoutLight, performance</title><style>{STYLE}</style></head><body><h1>ScoutLight, performance</h1>"
        + "".join(parts)
        + "</body></html>\n"
    )


def main(arguments):
    if len(arguments) not in (1, 2):
        print("usage: page.py FIGURES.json [PAGE.html]", file=sys.stderr)
        return 2
    source = pathlib.Path(arguments[0])
    target = pathlib.Path(arguments[1]) if len(arguments) == 2 else source.with_suffix(".html")
    target.write_text(page(json.loads(source.read_text(encoding="utf-8"))), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
