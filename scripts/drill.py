"""Plants faults, one by one, and holds the tests to finding them.

Each tests/drill/NAME.patch begins with the lines `Fault: what it does.` and `Caught-by: TARGET SUITE.NAME`; the rest is a patch for
`git apply`. It is applied to a copy of the last commit in a temporary folder; there the test is built and must fail.

  run [--bazel-flag=FLAG]... [NAME...]   the faults named, or all; keeps what came of them for docs/reliability.md
  check                                  every patch applies to the sources as they are, every test named is there
"""

import argparse
import contextlib
import datetime
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import build_files
import count_tests
import reliability

ROOT = pathlib.Path(__file__).resolve().parent.parent
FOLDER = ROOT / "tests/drill"
FAULT = re.compile(r"Fault: (?P<what>.+)\.\nCaught-by: (?P<target>//\S+) (?P<test>\w+\.\w+)\n\n")


class Drill:
    def __init__(self, path):
        self.name, self.path = path.stem, path
        head = FAULT.match(path.read_text(encoding="utf-8"))
        if head is None:
            raise ValueError(f"{path.relative_to(ROOT)} does not begin with `Fault: ....` and `Caught-by: TARGET SUITE.NAME`")
        self.what, self.target, self.test = head["what"], head["target"], head["test"]


def all_drills():
    return [Drill(path) for path in sorted(FOLDER.glob("*.patch"))]


def git(*arguments, **options):
    return subprocess.run(["git", "-C", str(ROOT), *arguments], check=True, **options)


@contextlib.contextmanager
def copy_of_the_tree():
    """A folder with `tree`, the last commit, and `base`, where Bazel builds it."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="scoutlight-drill-"))
    tree = folder / "tree"
    git("worktree", "add", "--quiet", "--detach", str(tree), "HEAD")
    try:
        yield folder
    finally:
        subprocess.run(["bazel", f"--output_base={folder}/base", "shutdown"], cwd=tree, stderr=subprocess.DEVNULL, check=False)
        git("worktree", "remove", "--force", str(tree))
        # Bazel's outputs are read-only.
        subprocess.run(["chmod", "-R", "u+w", str(folder)], check=False)
        shutil.rmtree(folder)


def outcome_of(events, drill):
    """`caught`, or what came instead."""
    results, unbuilt = count_tests.read_events(events)
    if drill.target in unbuilt and not results:
        return "does not build"
    cases = [case for result in results.values() for case in reliability.cases_in(result)]
    mine = [case for case in cases if reliability.name_of(case) == drill.test]
    if any(case.find("failure") is not None for case in mine):
        return "caught"
    # A crash leaves no list of cases, or one that names the case as not over.
    if results and any(result.get("status") in ("FAILED", "TIMEOUT") for result in results.values()):
        return "caught"
    return "not caught" if mine else "the test did not run"


def run_drill(drill, folder, bazel_flags):
    tree, events = folder / "tree", folder / "events.json"
    subprocess.run(["git", "-C", str(tree), "checkout", "--quiet", "--", "."], check=True)
    applied = subprocess.run(["git", "-C", str(tree), "apply", str(drill.path)], check=False)
    if applied.returncode != 0:
        return "does not apply"
    events.unlink(missing_ok=True)
    command = ["bazel", f"--output_base={folder}/base", "test", *bazel_flags, "--nocache_test_results", "--test_output=summary",
               f"--test_filter=*{drill.test}*", f"--build_event_json_file={events}", drill.target]
    subprocess.run(command, cwd=tree, stdout=sys.stderr, check=False)
    return outcome_of(events, drill) if events.is_file() else "Bazel did not run"


def keep(outcomes):
    """Puts {name: outcome} into the results that docs/reliability.md is made of."""
    known = {drill.name for drill in all_drills()}
    with reliability.results_to_change() as results:
        kept = {name: result for name, result in results.get("drill", {}).items() if name in known}
        for name, outcome in outcomes.items():
            kept[name] = {"outcome": outcome, "date": f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d}"}
        results["drill"] = dict(sorted(kept.items()))


def run(names, bazel_flags):
    drills = {drill.name: drill for drill in all_drills()}
    unknown = [name for name in names if name not in drills]
    if unknown:
        print(f"no such faults: {', '.join(unknown)}; there are {', '.join(drills)}", file=sys.stderr)
        return 2
    outcomes = {}
    with copy_of_the_tree() as folder:
        for name in names or drills:
            outcomes[name] = run_drill(drills[name], folder, bazel_flags)
            print(f"{name}: {outcomes[name]} ({drills[name].target} {drills[name].test})", flush=True)
            keep(outcomes)
    missed = sum(outcome != "caught" for outcome in outcomes.values())
    print(f"{len(outcomes) - missed} faults caught, {missed} not")
    return 1 if missed else 0


def check():
    problems = []
    for drill in all_drills():
        applies = subprocess.run(["git", "-C", str(ROOT), "apply", "--check", str(drill.path)], capture_output=True, text=True, check=False)
        if applies.returncode != 0:
            problems.append(f"{drill.path.relative_to(ROOT)} does not apply: {applies.stderr.strip()}")
        problems += [f"{drill.path.relative_to(ROOT)}: {problem}" for problem in build_files.test_problems(ROOT, drill.target, drill.test)]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("verb", choices=("run", "check"))
    parser.add_argument("--bazel-flag", action="append", default=[])
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_intermixed_args()
    return check() if arguments.verb == "check" else run(arguments.names, arguments.bazel_flag)


if __name__ == "__main__":
    sys.exit(main())
