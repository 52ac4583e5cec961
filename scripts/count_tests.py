"""Prints `N passed, N failed` for one run of `bazel test`, counted in test cases.

Reads Bazel's build event file, which names exactly the tests of that run and where each left its JUnit XML. A target that failed
without a failed case (it crashed, timed out or did not build) counts as one failed case, and a check made outside Bazel as one case.
Exits 1 when a case failed or none ran.
"""

import argparse
import json
import sys
import urllib.parse
import xml.etree.ElementTree as xml


def cases_of(path):
    """The (passed, failed, skipped) cases of a JUnit XML file; none of a file that cannot be read."""
    passed = failed = skipped = 0
    try:
        root = xml.parse(path).getroot()
    except (OSError, xml.ParseError):
        return 0, 0, 0
    for case in root.iter("testcase"):
        if case.get("status") == "notrun":  # Disabled, or outside the filter.
            continue
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is not None or case.get("result") == "skipped":
            skipped += 1
        else:
            passed += 1
    return passed, failed, skipped


def read_events(path):
    """The last result of each test run, {(label, run, shard): result}, and the labels that did not build."""
    results, unbuilt = {}, set()
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            event = json.loads(line)
            identity = event["id"]
            if "testResult" in identity and "testResult" in event:
                run = identity["testResult"]
                results[run["label"], run.get("run", 1), run.get("shard", 1)] = event["testResult"]
            elif "targetCompleted" in identity and not event.get("completed", {}).get("success"):
                unbuilt.add(identity["targetCompleted"]["label"])
    return results, unbuilt


def count(events_path):
    results, unbuilt = read_events(events_path)
    passed = failed = skipped = 0
    for (label, _, _), result in sorted(results.items()):
        files = [output["uri"] for output in result.get("testActionOutput", []) if output["name"] == "test.xml"]
        counted = cases_of(urllib.parse.unquote(urllib.parse.urlparse(files[0]).path)) if files else (0, 0, 0)
        if result.get("status") != "PASSED" and counted[1] == 0:
            print(f"{label}: {result.get('status', 'no status')}", file=sys.stderr)
            failed += 1
        passed, failed, skipped = passed + counted[0], failed + counted[1], skipped + counted[2]
    for label in sorted(unbuilt - {label for label, _, _ in results}):
        print(f"{label}: did not build", file=sys.stderr)
        failed += 1
    return passed, failed, skipped


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bazel-status", type=int, required=True, help="the exit status of `bazel test`")
    parser.add_argument("--check", action="append", default=[], metavar="NAME=STATUS", help="the exit status of a check made outside Bazel")
    parser.add_argument("events")
    arguments = parser.parse_args()
    try:
        passed, failed, skipped = count(arguments.events)
    except (OSError, ValueError) as error:
        print(f"Bazel's event file is unreadable: {error}", file=sys.stderr)
        passed, failed, skipped = 0, 0, 0
    if arguments.bazel_status != 0 and failed == 0:
        print(f"bazel test ended with status {arguments.bazel_status}", file=sys.stderr)
        failed = 1
    for check in arguments.check:
        name, _, status = check.rpartition("=")
        if status == "0":
            passed += 1
        else:
            print(f"the check of {name} failed; what it complains of stands before the tests", file=sys.stderr)
            failed += 1
    if skipped:
        print(f"skipped: {skipped}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
