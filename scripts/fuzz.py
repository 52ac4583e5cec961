"""Runs one of the fuzzers of tests/fuzz.

Begins with the inputs of tests/fuzz/corpus/TARGET.txt and those that earlier runs found, which are kept in .fuzz/TARGET, so that a long run
can be made in pieces; what a run came to is added to docs/reliability.md. An input that breaks a rule is shown as a line for the corpus
file. An interrupt ends the run, which counts for what it did.
"""

import argparse
import datetime
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys

import reliability

ROOT = pathlib.Path(__file__).resolve().parent.parent
WORK = ROOT / ".fuzz"
INPUT_BYTES_MAX = 4096
# An input that takes longer is a finding.
INPUT_SECONDS_MAX = 5
# The whole process; a target keeps nothing.
MEMORY_MEBIBYTES_MAX = 2048
# With what status libFuzzer ends by itself, besides 0.
TIMED_OUT, INTERRUPTED = 70, 72
ENDINGS = (signal.SIGINT, signal.SIGTERM)
EXECUTIONS = re.compile(r"stat::number_of_executed_units:\s*(\d+)")


def unescaped(line):
    """The bytes that a line of a corpus stands for: the escapes of C, as absl::CEscape writes them."""
    simple = {b"n": b"\n", b"r": b"\r", b"t": b"\t"}

    def byte_of(found):
        escape = found.group(1)
        return bytes([int(escape, 8)]) if escape.isdigit() else simple.get(escape, escape)

    return re.sub(rb"\\([0-7]{3}|.)", byte_of, line)


def escaped(data):
    names = {10: "\\n", 13: "\\r", 9: "\\t", 34: '\\"', 39: "\\'", 92: "\\\\"}
    return "".join(names.get(byte, chr(byte) if 32 <= byte < 127 else f"\\{byte:03o}") for byte in data)


def run_fuzzer(command, environment):
    """Runs it to its end, showing what it says; gives its status and how many inputs it says that it ran. A signal that would end this
    process ends the fuzzer, which then tells what it did."""
    executions = 0
    # None is lost, nor ends this alone, while there is no fuzzer yet to pass it on to.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True, errors="backslashreplace",
                          preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDINGS)) as fuzzer:
        before = {number: signal.signal(number, lambda *_: fuzzer.terminate()) for number in ENDINGS}
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDINGS)
        for line in fuzzer.stderr:
            print(line, end="", file=sys.stderr, flush=True)
            found = EXECUTIONS.match(line)
            executions = int(found.group(1)) if found else executions
    for number, handler in before.items():
        signal.signal(number, handler)
    return fuzzer.returncode, executions


def processor_seconds():
    """What the fuzzers run so far have used. On a busy machine the time that passes says little of what was run."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def keep(target, seconds, executions, broke):
    """Adds a run to the results that docs/reliability.md is made of."""
    known = reliability.fuzz_targets()
    with reliability.results_to_change() as results:
        sums = {name: sum_of for name, sum_of in results.get("fuzz", {}).items() if name in known}
        sum_of = sums.setdefault(target, {"runs": 0, "seconds": 0, "executions": 0, "broken": 0})
        sum_of["runs"] += 1
        sum_of["seconds"] += seconds
        sum_of["executions"] += executions
        sum_of["broken"] += 1 if broke else 0
        sum_of["date"] = f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d}"
        results["fuzz"] = dict(sorted(sums.items()))


def breaks_again(command, environment, inputs):
    """Whether one of the inputs breaks something, each run by itself. One that is interrupted was not seen to."""
    return any(run_fuzzer([*command, str(path)], environment)[0] not in (0, INTERRUPTED) for path in inputs)


def folders_of(target):
    """Where the inputs of the corpus are, as files, those that runs found, and those that broke something."""
    kept, found, broken = (WORK / target / name for name in ("kept", "found", "broken"))
    for folder in (kept, found, broken):
        folder.mkdir(parents=True, exist_ok=True)
    for number, line in enumerate((reliability.FUZZ_CORPORA / f"{target}.txt").read_bytes().split(b"\n")[:-1]):
        (kept / f"{number:04}").write_bytes(unescaped(line))
    return kept, found, broken


def written_in(folder):
    """The files there, each with when it was written: an input that is found again is found, too."""
    return {(path, path.stat().st_mtime_ns) for path in folder.iterdir()}


def fuzz(fuzzer, target, seconds_max):
    """Runs the target and keeps what came of it. 0: nothing broke; 1: something did; 2: the fuzzer did not run, and nothing is kept."""
    kept, found, broken = folders_of(target)
    broken_before = written_in(broken)
    environment = {**os.environ, "SCOUTLIGHT_FUZZ_TARGET": target,
                   "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1", "UBSAN_OPTIONS": "print_stacktrace=1"}
    command = [fuzzer, f"-timeout={INPUT_SECONDS_MAX}", f"-rss_limit_mb={MEMORY_MEBIBYTES_MAX}"]
    before_run = processor_seconds()
    status, executions = run_fuzzer([*command, f"-max_total_time={seconds_max}", f"-max_len={INPUT_BYTES_MAX}", "-print_final_stats=1",
                                     f"-artifact_prefix={broken}/", str(found), str(kept)], environment)
    seconds = round(processor_seconds() - before_run)
    inputs = sorted(path for path, _ in written_in(broken) - broken_before)
    if executions == 0 and not inputs:
        print(f"fuzz {target}: the fuzzer ended with status {status} and does not say what it ran; nothing is kept", file=sys.stderr)
        return 2
    broke = status not in (0, INTERRUPTED)
    if status == TIMED_OUT and inputs and not breaks_again(command, environment, inputs):
        broke = False
        print(f"fuzz {target}: the input that took longer than {INPUT_SECONDS_MAX} s does not do so again, by itself", file=sys.stderr)
    keep(target, seconds, executions, broke)
    for path in inputs:
        print(f"{path}, as a line for tests/fuzz/corpus/{target}.txt:\n{escaped(path.read_bytes())}")
    print(f"fuzz {target}: {'something broke' if broke else 'nothing broke'} in {seconds} s of the processor's, {executions} inputs")
    return 1 if broke else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fuzzer", required=True, help="the program, built with libFuzzer")
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("target")
    arguments = parser.parse_args()
    if arguments.target not in reliability.fuzz_targets():
        print(f"no such target: {arguments.target}; there are {', '.join(reliability.fuzz_targets())}", file=sys.stderr)
        return 2
    return fuzz(arguments.fuzzer, arguments.target, arguments.seconds)


if __name__ == "__main__":
    sys.exit(main())
