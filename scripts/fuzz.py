"""Runs one of the fuzzers of tests/fuzz.

Begins with the inputs of tests/fuzz/corpus/TARGET.txt and those that earlier runs found, which are kept in .fuzz/TARGET, so that a long run
can be made in pieces. An input that breaks a rule is shown as a line for the corpus file.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
CORPORA = ROOT / "tests/fuzz/corpus"
INPUT_BYTES_MAX = 4096
# An input that takes longer is a finding.
INPUT_SECONDS_MAX = 5
# The whole process; a target keeps nothing.
MEMORY_MEBIBYTES_MAX = 2048


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


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fuzzer", required=True, help="the program, built with libFuzzer")
    parser.add_argument("--seconds", type=int, default=300)
    parser.add_argument("target")
    arguments = parser.parse_args()
    kept = CORPORA / f"{arguments.target}.txt"
    if not kept.is_file():
        targets = ", ".join(sorted(path.stem for path in CORPORA.glob("*.txt")))
        print(f"no such target: {arguments.target}; there are {targets}", file=sys.stderr)
        return 2
    work = ROOT / ".fuzz" / arguments.target
    seeds, found, broken = work / "kept", work / "found", work / "broken"
    for folder in (seeds, found, broken):
        folder.mkdir(parents=True, exist_ok=True)
    for number, line in enumerate(kept.read_bytes().split(b"\n")[:-1]):
        (seeds / f"{number:04}").write_bytes(unescaped(line))
    before = set(broken.iterdir())
    environment = {**os.environ, "SCOUTLIGHT_FUZZ_TARGET": arguments.target,
                   "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1", "UBSAN_OPTIONS": "print_stacktrace=1"}
    status = subprocess.run([arguments.fuzzer, f"-max_total_time={arguments.seconds}", f"-max_len={INPUT_BYTES_MAX}",
                             f"-timeout={INPUT_SECONDS_MAX}", f"-rss_limit_mb={MEMORY_MEBIBYTES_MAX}", "-print_final_stats=1",
                             f"-artifact_prefix={broken}/", str(found), str(seeds)], env=environment, check=False).returncode
    for path in sorted(set(broken.iterdir()) - before):
        print(f"{path}, as a line for {kept.relative_to(ROOT)}:\n{escaped(path.read_bytes())}")
    print(f"fuzz {arguments.target}: {'something broke' if status else 'nothing broke'} in {arguments.seconds} s at most")
    return 1 if status else 0


if __name__ == "__main__":
    sys.exit(main())
