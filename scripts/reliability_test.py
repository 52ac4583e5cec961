"""How results of reliability are kept, and what is kept of a run of a fuzzer: a program of the test's stands for it."""

import concurrent.futures
import contextlib
import io
import json
import os
import pathlib
import signal
import tempfile
import unittest
from unittest import mock

import fuzz
import reliability

STATISTICS = "stat::number_of_executed_units: {}\nstat::average_exec_per_sec:     5\n"


class TemporaryTree(unittest.TestCase):
    """A folder with two fuzz targets, `keys` and `store`, no scenarios, and no results yet."""

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        results, scenarios = self.folder / "results.json", self.folder / "scenarios.json"
        results.write_text("{}", encoding="utf-8")
        scenarios.write_text("[]", encoding="utf-8")
        for target in ("keys", "store"):
            (self.folder / f"{target}.txt").write_bytes(b"a\\n\n")
        self.enterContext(mock.patch.multiple(reliability, ROOT=self.folder, SCENARIOS=scenarios, RESULTS=results,
                                              PAGE=self.folder / "page.md", FUZZ_CORPORA=self.folder))
        self.enterContext(mock.patch.object(fuzz, "WORK", self.folder / "work"))

    def row_of(self, target):
        rows = [line for line in reliability.PAGE.read_text(encoding="utf-8").splitlines() if line.startswith(f"| {target} |")]
        self.assertEqual(len(rows), 1)
        return [cell.strip() for cell in rows[0].split("|")[1:-1]]


class ResultsTest(TemporaryTree):
    def test_writers_at_once_lose_nothing_of_each_other(self):
        def add_one(number):
            with reliability.results_to_change() as results:
                results[f"part {number}"] = results.get(f"part {number}", 0) + 1

        with concurrent.futures.ThreadPoolExecutor(8) as writers:
            list(writers.map(add_one, [number % 8 for number in range(200)]))
        self.assertEqual(reliability.load(reliability.RESULTS), {f"part {number}": 25 for number in range(8)})
        self.assertEqual(reliability.PAGE.read_text(encoding="utf-8"), reliability.page())

    def test_an_exception_changes_nothing(self):
        with self.assertRaises(KeyError), reliability.results_to_change() as results:
            results["fuzz"] = {}
            raise KeyError
        self.assertEqual(reliability.load(reliability.RESULTS), {})
        self.assertFalse(reliability.PAGE.exists())

    def test_what_no_run_can_have_left_is_a_problem(self):
        good = {"runs": 1, "seconds": 2, "executions": 3, "broken": 1, "date": "2026-01-31"}
        self.assertEqual(list(reliability.fuzz_problems({"keys": good})), [])
        for sums in ({"gone": good}, {"keys": {**good, "more": 1}}, {"keys": {"runs": 1}}, {"keys": {**good, "broken": 2}}):
            self.assertEqual(len(list(reliability.fuzz_problems(sums))), 1, sums)


class FuzzTest(TemporaryTree):
    def run_fuzzer(self, *script, target="keys", times=(0, 900)):
        """Runs the target with a program of these lines of sh, in $OUT the folder for what breaks; it has used the times in turn."""
        program = self.folder / "fuzzer"
        program.write_text('#!/bin/sh\nfor word; do case $word in -artifact_prefix=*) OUT=${word#*=} ;; esac; done\n' + "\n".join(script),
                           encoding="utf-8")
        program.chmod(0o700)
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said), \
                mock.patch.object(fuzz, "processor_seconds", side_effect=times):
            status = fuzz.fuzz(str(program), target, 900)
        return status, said.getvalue()

    def says(self, executions):
        (self.folder / "statistics").write_text(STATISTICS.format(executions), encoding="utf-8")
        return f"cat {self.folder}/statistics >&2"

    def test_runs_add_up_and_the_page_shows_how_much_of_what_is_asked_for(self):
        self.assertEqual(self.run_fuzzer(self.says(1_000_000), times=(0, 900.4))[0], 0)
        self.assertEqual(self.run_fuzzer(self.says(234_567), times=(50, 950))[0], 0)
        self.assertEqual(self.row_of("keys")[:6], ["keys", "2", "0", "1,800", "50 %", "1,234,567"])
        self.assertEqual(self.row_of("store")[:3], ["store", "not run", ""])
        self.assertEqual(list(reliability.fuzz_problems(reliability.load(reliability.RESULTS)["fuzz"])), [])

    def test_what_others_keep_stays_and_a_target_that_is_gone_goes(self):
        reliability.RESULTS.write_text(json.dumps({"short": {"a": 1}, "fuzz": {"gone": {}}}), encoding="utf-8")
        self.run_fuzzer(self.says(1))
        results = reliability.load(reliability.RESULTS)
        self.assertEqual(results["short"], {"a": 1})
        self.assertEqual(list(results["fuzz"]), ["keys"])

    def test_corpus_is_there_as_bytes(self):
        self.assertEqual(self.run_fuzzer('for word; do last=$word; done; [ "$(od -An -tx1 "$last"/0000)" = " 61 0a" ] || exit 1',
                                         self.says(1))[0], 0)

    def test_a_run_that_broke_something_is_counted_as_one_and_shows_the_input(self):
        status, said = self.run_fuzzer("printf 'b\\n' >${OUT}crash-1", self.says(7), "exit 77", times=(0, 12))
        self.assertEqual(status, 1)
        self.assertIn("tests/fuzz/corpus/keys.txt:\nb\\n\n", said)
        self.assertEqual(self.row_of("keys")[:6], ["keys", "1", "1", "12", "0 %", "7"])
        self.assertIn("tests/fuzz/corpus/keys.txt:\nb\\n\n", self.run_fuzzer("printf 'b\\n' >${OUT}crash-1", self.says(7), "exit 77")[1])
        self.run_fuzzer(self.says(1))
        self.assertEqual(self.row_of("keys")[:3], ["keys", "3", "2"])

    def test_an_input_that_breaks_something_counts_without_statistics(self):
        self.assertEqual(self.run_fuzzer("echo >${OUT}crash-1", "kill -9 $$")[0], 1)
        self.assertEqual(self.row_of("keys")[:3], ["keys", "1", "1"])

    def test_of_a_fuzzer_that_did_not_run_nothing_is_kept(self):
        for script in (["exit 2"], ["exit 0"], [self.says(0), "exit 1"], ["kill -9 $$"]):
            status, said = self.run_fuzzer(*script)
            self.assertEqual(status, 2, script)
            self.assertIn("nothing is kept", said)
        self.assertEqual(reliability.load(reliability.RESULTS), {})

    def test_an_interrupt_counts_what_was_done(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            before = signal.getsignal(number)
            status, _ = self.run_fuzzer("sleep 60 2>/dev/null &", f"trap '{self.says(5)}; kill $!; exit 72' TERM",
                                        f"kill -{int(number)} {os.getpid()}", "wait; exit 3", times=(0, 3))
            self.assertEqual(status, 0)
            self.assertEqual(signal.getsignal(number), before)
        self.assertEqual(self.row_of("keys")[:6], ["keys", "2", "0", "6", "0 %", "10"])

    def test_too_long_an_input_is_a_finding_if_it_is_too_long_alone(self):
        first_run = ['[ -n "$OUT" ] && {', "echo >${OUT}timeout-$$", self.says(5), "exit 70", "}"]
        status, said = self.run_fuzzer(*first_run, "exit 0")
        self.assertEqual(status, 0)
        self.assertIn("does not do so again", said)
        self.assertEqual(self.run_fuzzer(*first_run, "exit 70")[0], 1)
        self.assertEqual(self.row_of("keys")[:3], ["keys", "2", "1"])


if __name__ == "__main__":
    unittest.main()
