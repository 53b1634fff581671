"""Is "A is cheapest, with at least 95 %" right in 95 % of the cases in which it is said? Pairs of hosts of known truth.

    .venv/bin/python benchmarks/cheapest.py --save       # ten minutes, no server
    .venv/bin/python benchmarks/cheapest.py --pairs 50   # does it work?

The hosts are those of `tests/support/simulated_hosts.py`. A statement is right where the load that is named truly meets
the target and truly costs no more than the cheapest load of the other host that truly meets it.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from profiler.stats.proportions import proportion_interval

ROOT = Path(__file__).parents[1]
RESULTS = Path(__file__).parent / "results" / "cheapest.md"
# Standard deviation of the logarithm of the true cost ratio, runs of each host, and how much runs differ.
SETTINGS = (
    (0.1, 3, 0.03),
    (0.1, 3, 0.01),
    (0.3, 3, 0.03),
    (0.02, 3, 0.03),
    (0.1, 5, 0.03),
    (0.3, 2, 0.03),
)
SEED = 20261130
_HEAD = """\
# Is the cheapest host the cheapest?

`benchmarks/cheapest.py` writes this page: {pairs:,} pairs of simulated hosts of known truth for each row, five loads
each, and a TTFT target anywhere between what their lowest and their highest load take. *True costs differ by* and
*runs differ by* are standard deviations of logarithms: of the ratio of the two hosts' true cheapest costs, and of one
run from the next. *Said*: "cheapest with a probability of at least 95 %". *Right*: the load that is named truly meets
the target, and truly costs no more than the other host's cheapest load that does.
"""
_TAIL = """\
Where the true costs of most pairs differ by less than the runs of one host do, few statements are made, and more
than one in twenty of them is wrong: among many near ties, chance parts some. A wrong one then costs little, since
the other host is as good but for a percent or two. More runs help: of the same hosts, five instead of three say
more, and more rightly.
"""


def measure(pairs: int) -> list[list[str]]:
    """Return a row of the table for each setting."""
    sys.path.insert(0, str(ROOT / "tests"))
    from support.simulated_hosts import Setting, simulate  # noqa: PLC0415 - on the path only now

    rows = []
    for spread, runs, drift in SETTINGS:
        found = list(simulate(Setting(spread, runs, drift), pairs, SEED))
        said = [one for one in found if one.is_said]
        rows.append(
            [f"{spread:.0%}", str(runs), f"{drift:.0%}", *shares(len(said), sum(o.is_right for o in said), pairs)]
        )
        print(" | ".join(rows[-1]), flush=True)
    return rows


def shares(said: int, right: int, pairs: int) -> list[str]:
    """Return how often it was said, how often that was right, and with which 95 % interval."""
    if not said:
        return [f"0 of {pairs}", "–", "–"]
    low, high = proportion_interval(right, said)
    return [f"{said} of {pairs}", f"{right / said:.1%}", f"{low:.1%} to {high:.1%}"]


def page(rows: Sequence[Sequence[str]], pairs: int) -> str:
    """Return the page of results."""
    head = ["true costs differ by", "runs of each", "runs differ by", "said", "right where said", "95 % interval"]
    table = "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))
    return f"{_HEAD.format(pairs=pairs)}\n{table}\n\n{_TAIL}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--save", action="store_true", help=f"Write {RESULTS.name}.")
    options = parser.parse_args()
    rows = measure(options.pairs)
    if options.save:
        RESULTS.write_text(page(rows, options.pairs), "utf-8")


if __name__ == "__main__":
    main()
