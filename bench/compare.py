"""Holds the targets' values of one run of the benchmark against those of another. A value has regressed if it is worse by more than noise:
half of what its repetitions spread over, in the one run and in the other, added up, and never less than a twentieth of the old value."""

# Of the old value. Of what was measured once the spread is not known.
NOISE_LEAST = 0.05
NOISE_OF_ONE = 0.15


def _spread(verdict, old_value):
    samples = verdict.get("samples", [])
    if len(samples) < 2:
        return NOISE_OF_ONE / 2 * abs(old_value)
    return (max(samples) - min(samples)) / 2


def compare(old, new):
    """[{"name", "old", "new", "noise", "state": "regressed" | "improved" | "same"}] of the targets that both files have."""
    before = {verdict["name"]: verdict for verdict in old["verdicts"]}
    rows = []
    for verdict in new["verdicts"]:
        was = before.get(verdict["name"])
        if was is None:
            continue
        noise = max(_spread(was, was["value"]) + _spread(verdict, was["value"]), NOISE_LEAST * abs(was["value"]))
        worse = verdict["value"] - was["value"] if verdict["kind"] == "at most" else was["value"] - verdict["value"]
        state = "regressed" if worse > noise else "improved" if -worse > noise else "same"
        rows.append({"name": verdict["name"], "old": was["value"], "new": verdict["value"], "noise": noise, "state": state})
    return rows


def lines(rows):
    width = max((len(row["name"]) for row in rows), default=0)
    heads = f"{'':<{width}}  {'before':>9}  {'now':>9}  {'noise':>9}"
    return "\n".join(
        [heads] + [f"{row['name']:<{width}}  {row['old']:9.3f}  {row['new']:9.3f}  {row['noise']:9.3f}  {row['state']}" for row in rows]
    )


def caveats(old, new):
    """What makes the two hard to compare, one a line."""
    found = []
    if old.get("plan") != new.get("plan"):
        found.append("the two runs had different plans: loads, sizes or times differ")
    if old.get("machine") != new.get("machine"):
        found.append(f"the two runs were on different machines: {old.get('machine')}, {new.get('machine')}")
    return found
