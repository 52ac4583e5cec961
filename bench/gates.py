"""What gates cost: PUSH and PULL through them, beside bare nng."""


import generator
import report

GATES_TO_NNG_MIN = 0.8

# No run of the generator takes longer.
SECONDS_MAX = 120

# (load, figure, its name in the table, decimals); see report.load_table. Bare nng is the better of the two ways to use it.
ROWS = [
    ("push", "per_second", "{gate_messages:,} messages of 1 KiB, PUSH to PULL on loopback, from thread to thread: messages/s", 0),
    ("calls", "per_second", "  nng_sendmsg and nng_recvmsg", 0),
    ("kept aios", "per_second", "  aios that are kept", 0),
]


def measure(gates_bench, plan, say):
    """{who: {load: [figures of each repetition]}}. `gates_bench` is the program's path."""
    ours, theirs = {"push": []}, {"push": [], "calls": [], "kept aios": []}
    for repetition in range(plan["repetitions"]):
        say(repetition, plan["repetitions"], "gates")
        run = generator.figures_of([gates_bench, f"--messages={plan['gate_messages']}"], "gates", SECONDS_MAX)
        calls, kept = run["nng_calls_per_second"], run["nng_kept_aios_per_second"]
        ours["push"].append({"per_second": run["gates_per_second"], "to_nng": run["gates_per_second"] / max(calls, kept)})
        theirs["push"].append({"per_second": max(calls, kept)})
        theirs["calls"].append({"per_second": calls})
        theirs["kept aios"].append({"per_second": kept})
    return {"ours": ours, "nng": theirs}


def verdicts(middle):
    """As report.verdicts; each repetition's gates are held against its own nng."""
    name = "PUSH/PULL through a gate, to bare nng at 1 KiB"
    return [report.judged({"name": name, "value": middle["ours"]["push"]["to_nng"], "bound": GATES_TO_NNG_MIN, "kind": "at least"})]
