"""What is said of figures: which targets are reached, what has regressed, and that the page shows it with nothing from elsewhere."""

import re
import unittest

import compare
import growth
import page
import report
import targets


def _calls(operations, rate, cpu):
    parts = [{"operation": operation, "calls_per_second": rate, "p50_us": 100.0, "p99_us": 300.0} for operation in operations]
    return {"server_cpu_us_per_call": cpu, "parts": parts}


def _runs():
    """Of calls alone, with only what the targets of single gets and puts need."""
    loads = {"get 1": ["get"], "get 64": ["get"], "put 1": ["put"], "mixed": ["get", "put"]}
    calls = {
        server: {load: [_calls(operations, rate, 10.0) for rate in rates] for load, operations in loads.items()}
        for server, rates in (("ours", (300.0, 320.0)), ("etcd", (100.0, 100.0)), ("floor", (400.0, 400.0)))
    }
    return {"calls": calls, "syncs": [{"prepared_us": 60.0}, {"prepared_us": 60.0}]}


def _verdict(value, samples, kind="at most", name="a"):
    return {"name": name, "value": value, "samples": samples, "kind": kind, "bound": 1.0, "passed": value <= 1.0}


class MediansTest(unittest.TestCase):
    def test_of_an_even_count_leave_out_what_is_no_number(self):
        runs = [{"p50_us": 10.0, "service": "a"}, {"p50_us": 20.0, "service": "b"}]
        self.assertEqual(report.load_medians({"ours": {"put": runs}}), {"ours": {"put": {"p50_us": 15.0}}})


class TargetsTest(unittest.TestCase):
    def test_ratio_of_medians_and_of_each_repetition(self):
        found = {verdict["name"]: verdict for verdict in targets.verdicts(_runs())}
        throughput = found["get, 64 in flight, throughput, ours/etcd"]
        self.assertEqual(throughput["value"], 3.1)
        self.assertEqual(throughput["samples"], [3.0, 3.2])
        self.assertTrue(throughput["passed"])
        self.assertFalse(found["get, 64 in flight, throughput, ours/floor"]["passed"])

    def test_put_is_held_against_a_sync_and_empty_calls(self):
        found = {verdict["name"]: verdict for verdict in targets.verdicts(_runs())}
        self.assertAlmostEqual(found["put, one at a time, p50, to a sync and 1.5 empty calls"]["value"], 100 / (60 + 1.5 * 100))

    def test_what_was_not_measured_is_not_judged(self):
        self.assertEqual(targets.verdicts({}), [])

    def test_growth_is_of_largest_to_smallest(self):
        of_sizes = {
            f"{load} {size}": [{figure: cost}]
            for load, figure, _ in growth.COSTS
            for size, cost in ((1_000, 10.0), (10_000, 12.0), (100_000, 14.0))
        }
        found = targets.verdicts({"growth": {"ours": of_sizes}})
        self.assertEqual([verdict["value"] for verdict in found], [1.4] * 3)
        self.assertEqual([verdict["passed"] for verdict in found], [False] * 3)


class CompareTest(unittest.TestCase):
    def _state(self, old, new):
        (row,) = compare.compare({"verdicts": [old]}, {"verdicts": [new]})
        return row["state"]

    def test_worse_within_noise_of_both_is_the_same(self):
        self.assertEqual(self._state(_verdict(1.0, [0.9, 1.1]), _verdict(1.19, [1.09, 1.29])), "same")

    def test_worse_beyond_noise_is_a_regression(self):
        self.assertEqual(self._state(_verdict(1.0, [0.9, 1.1]), _verdict(1.21, [1.11, 1.31])), "regressed")

    def test_more_is_better_where_a_target_is_a_least(self):
        self.assertEqual(self._state(_verdict(2.0, [2.0, 2.0], "at least"), _verdict(3.0, [3.0, 3.0], "at least")), "improved")
        self.assertEqual(self._state(_verdict(3.0, [3.0, 3.0], "at least"), _verdict(2.0, [2.0, 2.0], "at least")), "regressed")

    def test_repetitions_that_agree_leave_a_twentieth(self):
        self.assertEqual(self._state(_verdict(1.0, [1.0, 1.0]), _verdict(1.04, [1.04, 1.04])), "same")
        self.assertEqual(self._state(_verdict(1.0, [1.0, 1.0]), _verdict(1.06, [1.06, 1.06])), "regressed")

    def test_single_measurement_is_given_more_room(self):
        self.assertEqual(self._state(_verdict(1.0, [1.0]), _verdict(1.14, [1.14])), "same")
        self.assertEqual(self._state(_verdict(1.0, [1.0]), _verdict(1.16, [1.16])), "regressed")

    def test_target_of_one_run_alone_is_left_out(self):
        self.assertEqual(compare.compare({"verdicts": []}, {"verdicts": [_verdict(1.0, [1.0])]}), [])


class PageTest(unittest.TestCase):
    def test_page_shows_targets_and_plots_with_nothing_from_elsewhere(self):
        runs = _runs()
        shown = page.page({"verdicts": targets.verdicts(runs), "runs": runs, "medians": {}, "plan": {}})
        self.assertIn("get, 64 in flight, throughput, ours/etcd", shown)
        self.assertIn("<svg", shown)
        self.assertIsNone(re.search(r"https?://|src=|<link|@import|url\(", shown))

    def test_names_are_text(self):
        self.assertIn("&lt;b&gt;", page.page({"verdicts": [_verdict(1.0, [1.0], name="<b>")]}))


if __name__ == "__main__":
    unittest.main()
