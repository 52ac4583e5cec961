"""Runs the micro-benchmarks of the parts, each a program over Google Benchmark, prints what they measure and puts it into the file of
figures, beside what else is there. Run by ./dev bench --micro."""

import argparse
import json
import os
import re
import subprocess
import sys

import figures_file

# No program takes longer.
SECONDS_MAX = 300
_REPETITIONS = 3


def measure(programs, minimum_seconds):
    """{program: [{"name", "us", "samples_us"}]}. RuntimeError: one failed."""
    found = {}
    for program in programs:
        name = os.path.basename(program)
        print(f"bench: {name}", file=sys.stderr)
        command = [
            program,
            f"--benchmark_min_time={minimum_seconds}",
            f"--benchmark_repetitions={_REPETITIONS}",
            "--benchmark_enable_random_interleaving=true",
            "--benchmark_format=json",
        ]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{name}: {done.stderr.strip()[-2000:]}")
        found[name] = _rows(json.loads(done.stdout)["benchmarks"])
    return found


_US_OF = {"ns": 1e-3, "us": 1.0, "ms": 1e3, "s": 1e6}


def _in_order(name):
    """So that 10 comes after 9."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name)]


def _rows(benchmarks):
    """Of each benchmark its median by processor time, and each repetition's."""
    samples, medians = {}, {}
    for one in benchmarks:
        if one.get("error_occurred"):
            raise RuntimeError(f"{one['name']}: {one.get('error_message')}")
        us = one["cpu_time"] * _US_OF[one["time_unit"]]
        if one["run_type"] == "iteration":
            samples.setdefault(one["run_name"], []).append(us)
        elif one["aggregate_name"] == "median":
            medians[one["run_name"]] = us
    return [{"name": name, "us": medians[name], "samples_us": samples[name]} for name in sorted(medians, key=_in_order)]


def table(found):
    names = [row["name"] for rows in found.values() for row in rows]
    width = max(len(name) for name in names)
    lines = []
    for program, rows in found.items():
        lines.append(f"{program}: CPU us, median of {_REPETITIONS}")
        lines += [f"  {row['name']:<{width}}  {row['us']:12,.3f}" for row in rows]
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="shorter")
    parser.add_argument("--json", default="bin/bench.json", help="where the figures go (default: %(default)s)")
    parser.add_argument("programs", nargs="+", help="the benchmarks")
    arguments = parser.parse_args()
    try:
        figures = figures_file.read(arguments.json) if os.path.exists(arguments.json) else {"verdicts": []}
        programs = measure(arguments.programs, 0.02 if arguments.quick else 0.2)
    except (RuntimeError, OSError, ValueError, subprocess.TimeoutExpired) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    figures["micro"] = {**figures_file.stamp(), "programs": programs}
    print(table(programs))
    shown = figures_file.write(arguments.json, figures)
    print(f"all figures: {arguments.json}, as a page: {shown}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
