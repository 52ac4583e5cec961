"""Runs the load generators."""

import json
import subprocess


def figures_of(command, what, seconds_max):
    """Runs one; its figures. RuntimeError: it failed, or calls did."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=seconds_max, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{what}: {done.stderr.strip()} {done.stdout.strip()}")
    return json.loads(done.stdout)
