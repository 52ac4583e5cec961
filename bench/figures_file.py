"""The file of all figures of a run, and the page beside it."""

import datetime
import json
import os
import pathlib
import platform
import subprocess

import page


def _machine():
    model = "unknown processor"
    with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
        for line in cpuinfo:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return f"{os.cpu_count()} x {model}, Linux {platform.release()}"


def _commit():
    """With "+" if the sources differ from it; empty: this is no checkout."""
    command = ["git", "describe", "--always", "--abbrev=12", "--exclude=*", "--dirty=+"]
    done = subprocess.run(command, cwd=pathlib.Path(__file__).parent, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def read(path):
    """What write() has written. ValueError: the file is something else."""
    with open(path, encoding="utf-8") as file:
        try:
            figures = json.load(file)
        except ValueError as error:
            raise ValueError(f"{path}: no figures of ./dev bench: {error}") from error
    if not isinstance(figures, dict) or not isinstance(figures.get("verdicts"), list):
        raise ValueError(f"{path}: no figures of ./dev bench")
    return figures


def stamp():
    """When, of what and where figures are."""
    measured = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC")
    return {"measured": measured, "commit": _commit(), "machine": _machine()}


def write(path, figures):
    """And the page beside it, whose path is returned."""
    path = pathlib.Path(path)
    text = json.dumps(figures, indent=1)
    path.write_text(text + "\n", encoding="utf-8")
    shown = path.with_suffix(".html")
    # Of what the file says: numbers and lists are what they are after reading it.
    shown.write_text(page.page(json.loads(text)), encoding="utf-8")
    return shown
