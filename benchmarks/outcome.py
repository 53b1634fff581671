"""Results of `truthfulness.py`: as a Markdown page, as JSON, and against the figures that are to be beaten."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import lineup
import machine as machines
from truth_errors import QUANTITIES, Spread

_OURS = "aforo"
_PEERS = ("guidellm", "aiperf")
_WANTED_RATIO = 100

# (scenario, quantity, largest p99 in µs), all contended
_WANTED_US = (
    ("c1", "ttft", 100.0),
    ("c32", "ttft", 50.0),
    ("c128", "ttft", 50.0),
    *((scenario, "gap", 50.0) for scenario in ("c1", "c32", "c128")),
    *((scenario, "mean_itl", 2.0) for scenario in ("c1", "c32", "c128")),
    ("open50", "lag", 1000.0),
)


@dataclass(frozen=True)
class Outcome:
    """One client in one scenario, once."""

    scenario: str
    condition: str
    repeat: int
    stamps: str  # the client, and its way of stamping where it has several
    scheduler: str  # of the server
    requests_served: int
    requests_counted: int
    errors: Mapping[str, Spread | None]  # per quantity

    def sentence(self) -> str:
        """Return the headline of this run."""
        ttft = self.errors["ttft"]
        shown = "no requests" if ttft is None else f"TTFT error p50 {_us(ttft.p50_us)}, p99 {_us(ttft.p99_us)} µs"
        return f"{self.requests_counted} of {self.requests_served} requests; {shown}"


def show(
    outcomes: Sequence[Outcome],
    meanings: Mapping[str, str],
    machine: dict[str, object],
    versions: Mapping[str, str],
) -> str:
    """Return the page."""
    lines = [
        "# How truthful are the clients?",
        "",
        "Absolute errors in microseconds, against the log of a server that knows when it sent what: p50 · **p99** · "
        "max; of several repeats the worst p50 and max, and the p99 of each. Written by "
        "`benchmarks/truthfulness.py`; `benchmarks/README.md` says what each quantity is compared with.",
        "",
        machines.sentence(machine),
        lineup.sentence(versions)
        + " Server's scheduling: "
        + ", ".join(sorted({outcome.scheduler for outcome in outcomes}))
        + ".",
    ]
    clients = list(dict.fromkeys(outcome.stamps for outcome in outcomes))
    for name, meaning in meanings.items():
        lines += ["", f"## {name}: {meaning}", "", *_table(outcomes, name, clients)]
    lines += ["", "## The figures to beat", "", *_verdicts(outcomes)]
    return "\n".join(lines) + "\n"


def document(outcomes: Sequence[Outcome], machine: dict[str, object], versions: Mapping[str, str]) -> dict[str, object]:
    """Return the data behind the page."""
    return {"machine": machine, "versions": versions, "outcomes": [_plain(outcome) for outcome in outcomes]}


def _plain(outcome: Outcome) -> dict[str, object]:
    errors = {name: error._asdict() if error else None for name, error in outcome.errors.items()}
    return {**asdict(outcome), "errors": errors}


def _table(outcomes: Sequence[Outcome], scenario: str, clients: Sequence[str]) -> Iterator[str]:
    chosen = [outcome for outcome in outcomes if outcome.scenario == scenario]
    yield "| error, µs | " + " | ".join(clients) + " |"
    yield "|---" * (len(clients) + 1) + "|"
    for condition in dict.fromkeys(outcome.condition for outcome in chosen):
        runs = {c: [o for o in chosen if o.condition == condition and o.stamps == c] for c in clients}
        for quantity, label in QUANTITIES.items():
            if any(quantity in outcome.errors for outcome in chosen):
                yield f"| {label}, {condition} | " + " | ".join(_cell(runs[c], quantity) for c in clients) + " |"
        counts = (" / ".join(f"{o.requests_counted} of {o.requests_served}" for o in runs[c]) or "–" for c in clients)
        yield f"| requests counted, {condition} | " + " | ".join(counts) + " |"


def _cell(runs: Sequence[Outcome], quantity: str) -> str:
    spreads = [error for run in runs if (error := run.errors.get(quantity))]
    if not spreads:
        return "not kept" if runs else "–"
    first, *others = spreads
    p99s = " / ".join(_us(one.p99_us) for one in (first, *others))
    return f"{_us(max(one.p50_us for one in spreads))} · **{p99s}** · {_us(max(one.max_us for one in spreads))}"


def _verdicts(outcomes: Sequence[Outcome]) -> Iterator[str]:
    yield "Worst repeat, contended."
    yield ""
    yield "| figure | wanted | seen | |"
    yield "|---|---|---|---|"
    for scenario, quantity, limit_us in _WANTED_US:
        worst_us = _worst_p99_us(outcomes, scenario, _OURS, quantity)
        yield _verdict(f"p99 {QUANTITIES[quantity]} error, {scenario}", f"≤ {limit_us:g} µs", worst_us, limit_us)
    for peer in _PEERS:
        ratio = _least_ratio(outcomes, "c32", peer)
        seen = "not run" if ratio is None else f"{ratio:,.0f} ×"
        met = "" if ratio is None else "met" if ratio >= _WANTED_RATIO else "**not met**"
        yield f"| p99 TTFT error of {peer} / ours, c32 | ≥ {_WANTED_RATIO} × | {seen} | {met} |"


def _verdict(figure: str, wanted: str, seen_us: float | None, limit_us: float) -> str:
    if seen_us is None:
        return f"| {figure} | {wanted} | not run | |"
    return f"| {figure} | {wanted} | {_us(seen_us)} µs | {'met' if seen_us <= limit_us else '**not met**'} |"


def _p99s_us(outcomes: Sequence[Outcome], scenario: str, stamps: str, quantity: str) -> dict[int, float]:
    return {
        outcome.repeat: error.p99_us
        for outcome in outcomes
        if (outcome.scenario, outcome.condition, outcome.stamps) == (scenario, "contended", stamps)
        and (error := outcome.errors.get(quantity))
    }


def _worst_p99_us(outcomes: Sequence[Outcome], scenario: str, stamps: str, quantity: str) -> float | None:
    return max(_p99s_us(outcomes, scenario, stamps, quantity).values(), default=None)


def _least_ratio(outcomes: Sequence[Outcome], scenario: str, peer: str) -> float | None:
    """Return how many times our p99 TTFT error fits into a peer's, in the repeat where it fits worst."""
    ours = _p99s_us(outcomes, scenario, _OURS, "ttft")
    theirs = _p99s_us(outcomes, scenario, peer, "ttft")
    return min((theirs[repeat] / ours[repeat] for repeat in ours.keys() & theirs.keys()), default=None)


def _us(value_us: float) -> str:
    return f"{value_us:,.0f}" if value_us >= 10 else f"{value_us:.1f}"
