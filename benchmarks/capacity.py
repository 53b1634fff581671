"""How much load can each client carry, and what does it cost? Against a server that sends as fast as sockets take it.

    python benchmarks/capacity.py                 # about 10 minutes
    python benchmarks/capacity.py --scenarios c32 --clients aforo aiperf --duration 6
    python benchmarks/capacity.py --save          # writes benchmarks/results/capacity.md and .json

Every chunk is a write of its own, taken in turns by the streams. Processor time is that of the client's whole process
tree: for Aforo the load driver and the profiler with its journal, sampling and progress on a terminal. It is read
twice: within the steady window, and from the start of that window to the end of the client, which includes whatever
work it had put off.
"""

import argparse
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median

import lineup
import machine
import truth
from clients import Client, Load, Usage, run, window_usage

from profiler.units import NS_PER_S

_OURS, _RIVAL = "aforo", "aiperf"
_RAMP_RATIO, _DRAIN_RATIO = 0.2, 0.1  # of the time under load: left out of the window


@dataclass(frozen=True)
class Scenario:
    """What the server does and what is asked of it."""

    name: str
    meaning: str
    load: Load
    server_flags: tuple[str, ...]


_LOAD = Load(duration_s=10, output_tokens=64, concurrency=32, most_rps=4000)
_PACED = ("--quiet", "--ttft-ms", "100", "--itl-ms", "10")
SCENARIOS = (
    Scenario("c32", "32 streams without pause", _LOAD, ("--quiet", "--unpaced")),
    Scenario("c128", "128 streams without pause", replace(_LOAD, concurrency=128), ("--quiet", "--unpaced")),
    Scenario("pace50", "50 requests/s of 64 tokens, open loop", replace(_LOAD, rate_rps=50, duration_s=15), _PACED),
)


@dataclass(frozen=True)
class Outcome:
    """One client under one load, once."""

    scenario: str
    client: str
    repeat: int
    window_s: float
    chunks_per_s: float
    requests_per_s: float
    cores: float  # that the client kept busy within the window
    chunks_per_core_s: float
    cpu_s_per_1000_tokens: float  # within the window
    cpu_s_per_1000_tokens_to_end: float  # from the start of the window to the end of the client


def main() -> None:
    options = arguments()
    clients = lineup.make_clients(options)
    scenarios = [scenario for scenario in SCENARIOS if scenario.name in options.scenarios]
    about = machine.describe()
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="aforo-capacity-") as work:
        binary = truth.build(Path(work))
        for scenario in scenarios:
            for repeat in range(1, options.repeats + 1):
                outcomes += [measure(client, scenario, repeat, binary, options) for client in clients]
    versions = lineup.versions_of(clients)
    text = show(outcomes, scenarios, about, versions)
    print(text)
    if options.save:
        document = {"machine": about, "versions": versions, "outcomes": [asdict(outcome) for outcome in outcomes]}
        lineup.save("capacity", text, document)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [scenario.name for scenario in SCENARIOS]
    parser.add_argument("--scenarios", nargs="+", choices=names, default=names)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--duration", type=float, help="seconds of load for each client instead of the scenario's")
    lineup.add_options(parser)
    return parser.parse_args()


def measure(client: Client, scenario: Scenario, repeat: int, binary: Path, options: argparse.Namespace) -> Outcome:
    """Run one client under one load."""
    load = replace(scenario.load, duration_s=options.duration or scenario.load.duration_s)
    folder = binary.parent / f"{scenario.name}-{repeat}-{client.name}"
    print(f"{scenario.name}, repeat {repeat}: {client.name} …", end=" ", flush=True)
    with truth.truth_server(binary, scenario.server_flags) as server:
        usage = run(client, load, server.url, truth.MODEL, folder, detailed=False, weigh=True)
    outcome = weigh(scenario.name, client.name, repeat, server.truth(), usage)
    print(f"{outcome.chunks_per_s:,.0f} chunks/s on {outcome.cores:.2f} cores", flush=True)
    return outcome


def weigh(scenario: str, client: str, repeat: int, log: truth.Truth, usage: Usage) -> Outcome:
    """Relate what the server sent to what the client used up for it."""
    first, last = window(log.buckets["chunks"])
    start_ns, end_ns = (log.start_ns + edge * log.bucket_ns for edge in (first, last))
    chunks, tokens, requests = (sum(log.buckets[name][first:last]) for name in ("chunks", "tokens", "requests"))
    cores, to_end_s = window_usage(usage, start_ns, end_ns)
    window_s = (end_ns - start_ns) / NS_PER_S
    return Outcome(
        scenario=scenario,
        client=client,
        repeat=repeat,
        window_s=window_s,
        chunks_per_s=chunks / window_s,
        requests_per_s=requests / window_s,
        cores=cores,
        chunks_per_core_s=chunks / (cores * window_s),
        cpu_s_per_1000_tokens=1000 * cores * window_s / tokens,
        cpu_s_per_1000_tokens_to_end=1000 * to_end_s / sum(log.buckets["tokens"][first:]),
    )


def window(chunks: Sequence[int]) -> tuple[int, int]:
    """Return the buckets of the steady part: first, and one after the last."""
    used = [index for index, count in enumerate(chunks) if count]
    if len(used) < 10:
        raise SystemExit(f"The client streamed for {len(used)} tenths of a second only; give it a longer --duration.")
    span = used[-1] - used[0]
    return used[0] + round(_RAMP_RATIO * span), used[-1] - round(_DRAIN_RATIO * span)


def show(
    outcomes: Sequence[Outcome],
    scenarios: Sequence[Scenario],
    about: dict[str, object],
    versions: Mapping[str, str],
) -> str:
    """Return the page."""
    lines = [
        "# What can the clients carry?",
        "",
        "Medians over the repeats. Written by `benchmarks/capacity.py`.",
        "",
        machine.sentence(about),
        lineup.sentence(versions),
    ]
    for scenario in scenarios:
        lines += ["", f"## {scenario.name}: {scenario.meaning}", "", *_table(outcomes, scenario.name, list(versions))]
    lines += ["", "## The figures to beat", "", *_verdicts(outcomes)]
    return "\n".join(lines) + "\n"


_COLUMNS = {
    "chunks_per_s": ("chunks/s", ",.0f"),
    "requests_per_s": ("requests/s", ",.0f"),
    "cores": ("client cores", ".2f"),
    "chunks_per_core_s": ("chunks/s per client core", ",.0f"),
    "cpu_s_per_1000_tokens": ("CPU s / 1,000 tokens", ".4f"),
    "cpu_s_per_1000_tokens_to_end": ("the same, to the client's end", ".4f"),
}


def _table(outcomes: Sequence[Outcome], scenario: str, clients: Sequence[str]) -> Iterator[str]:
    yield "| client | " + " | ".join(title for title, _ in _COLUMNS.values()) + " |"
    yield "|---" * (len(_COLUMNS) + 1) + "|"
    rows = {client: _medians(outcomes, scenario, client) for client in clients}
    for client, row in rows.items():
        cells = (format(row[name], form) for name, (_, form) in _COLUMNS.items())
        yield f"| {client} | " + " | ".join(cells) + " |"
    if _OURS in rows:
        for peer in (client for client in clients if client != _OURS):
            cells = (f"{rows[_OURS][name] / rows[peer][name]:.3g} ×" for name in _COLUMNS)
            yield f"| {_OURS} / {peer} | " + " | ".join(cells) + " |"


def _verdicts(outcomes: Sequence[Outcome]) -> Iterator[str]:
    yield "| figure | wanted | seen | |"
    yield "|---|---|---|---|"
    run_here = {(outcome.scenario, outcome.client) for outcome in outcomes}
    for scenario in ("c32", "c128"):
        if {(scenario, _OURS), (scenario, _RIVAL)} <= run_here:
            ours, theirs = (_medians(outcomes, scenario, client) for client in (_OURS, _RIVAL))
            ratio = ours["chunks_per_core_s"] / theirs["chunks_per_core_s"]
            yield _verdict(f"chunks/s per core / {_RIVAL}'s, {scenario}", "≥ 5 ×", f"{ratio:.1f} ×", met=ratio >= 5)
            for name in ("cpu_s_per_1000_tokens", "cpu_s_per_1000_tokens_to_end"):
                ratio = ours[name] / theirs[name]
                figure = f"{_COLUMNS[name][0]} / {_RIVAL}'s, {scenario}"
                yield _verdict(figure, "≤ 0.2 ×", f"{ratio:.2f} ×", met=ratio <= 0.2)
    if ("pace50", _OURS) in run_here:
        cost_s = _medians(outcomes, "pace50", _OURS)["cpu_s_per_1000_tokens"]
        yield _verdict("CPU s / 1,000 tokens, pace50", "≤ 0.015", f"{cost_s:.4f}", met=cost_s <= 0.015)


def _verdict(figure: str, wanted: str, seen: str, *, met: bool) -> str:
    return f"| {figure} | {wanted} | {seen} | {'met' if met else '**not met**'} |"


def _medians(outcomes: Sequence[Outcome], scenario: str, client: str) -> dict[str, float]:
    chosen = [asdict(outcome) for outcome in outcomes if (outcome.scenario, outcome.client) == (scenario, client)]
    return {name: median(outcome[name] for outcome in chosen) for name in _COLUMNS}


if __name__ == "__main__":
    main()
