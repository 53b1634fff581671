"""Pairs of hosts whose true rates, latencies and prices are known, and runs of them that drift: no server, no clock.

A host's rate grows with the requests in flight c as R · c / (c + c₀), its TTFT p95 as t₀ · (1 + c / c₁). Each run of it
has a rate and a TTFT that are off by one factor each, log-normal: the machine of that day. The price of the second host
is set so that its true cheapest cost is that of the first times a log-normal ratio.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from math import exp, inf, log
from random import Random

from support.loads import latency, price, scalar, swept

from profiler.results.host_facts import HostFacts
from profiler.results.manifest import Manifest
from profiler.results.run_set import StoredRun
from profiler.results.summary import Metric
from profiler.selection.cheapest import Cheapest, Question, find_cheapest
from profiler.selection.targets import target

LOADS = (1, 2, 4, 8, 16)


@dataclass(frozen=True)
class Setting:
    """How pairs are drawn: spread of the true cost ratio, runs of each host, and how much runs differ (all of logs)."""

    spread: float
    runs: int
    drift: float


@dataclass(frozen=True)
class Host:
    """The truth about a host: by load its rate, tokens/s, and its TTFT p95, ms; and its price by the hour."""

    name: str
    at: dict[int, tuple[float, float]]
    per_hour: float

    def cost(self, load: int) -> float:
        """The true cost of a million tokens."""
        return self.per_hour / 3600 / self.at[load][0] * 1e6

    def cheapest(self, limit_ms: float) -> float:
        """The true cost at the cheapest load that truly meets the target; infinite where none does."""
        return min((self.cost(load) for load in LOADS if self.at[load][1] <= limit_ms), default=inf)


@dataclass(frozen=True)
class Outcome:
    """What was said of one pair: whether one is cheapest, and whether that is true."""

    is_said: bool
    is_right: bool
    certainty: float | None


def simulate(setting: Setting, pairs: int, seed: int) -> Iterator[Outcome]:
    """Yield what is said of so many pairs, and whether it is true."""
    random = Random(seed)  # noqa: S311 - chance that can be repeated
    for _ in range(pairs):
        limit_ms, hosts = _pair(random, setting)
        runs = [run for host in hosts for run in _runs(random, host, setting)]
        yield _judged(find_cheapest(runs, Question((target(f"ttft_ms.p95={limit_ms!r}", "at most"),))), hosts, limit_ms)


def _pair(random: Random, setting: Setting) -> tuple[float, tuple[Host, Host]]:
    first, second = (_host(random, name, 1.0) for name in ("a", "b"))
    limit_ms = exp(random.uniform(log(first.at[1][1] * 1.1), log(first.at[16][1] * 1.1)))
    wanted = first.cheapest(limit_ms) * exp(random.gauss(0.0, setting.spread))
    found = second.cheapest(limit_ms)
    per_hour = 1.0 if found == inf else wanted / found
    return limit_ms, (first, Host(second.name, second.at, per_hour))


def _host(random: Random, name: str, per_hour: float) -> Host:
    most, half = 500 * exp(random.gauss(0.0, 0.3)), random.uniform(2, 12)
    least_ms, twice = 100 * exp(random.gauss(0.0, 0.3)), random.uniform(2, 12)
    return Host(name, {c: (most * c / (c + half), least_ms * (1 + c / twice)) for c in LOADS}, per_hour)


@cache
def _template() -> StoredRun:
    """A run over the loads, whose numbers are replaced."""
    return swept("template", dict.fromkeys(LOADS, (1.0, 1.0)))


def _runs(random: Random, host: Host, setting: Setting) -> Sequence[StoredRun]:
    cost = price(host.per_hour)
    manifest = _template().manifest.model_copy(update={"host": HostFacts(name=host.name), "cost": cost})
    return [_run(random, manifest, host, number, setting.drift) for number in range(setting.runs)]


def _run(random: Random, manifest: Manifest, host: Host, number: int, drift: float) -> StoredRun:
    """One run: the same day for all its loads, and a little of its own for each."""
    template, run_id = _template(), f"{host.name}-{number}"
    rate, ttft = (exp(random.gauss(0.0, drift)) for _ in range(2))
    points = []
    for point in template.summary.points:
        load = point.point.concurrency or 1
        own = exp(random.gauss(0.0, drift / 3))
        metrics = _metrics(host.at[load][0] * rate * own, host.at[load][1] * ttft * own, host.per_hour)
        points.append(point.model_copy(update={"metrics": metrics}))
    summary = template.summary.model_copy(update={"run_id": run_id, "points": points})
    return StoredRun(template.folder, manifest.model_copy(update={"run_id": run_id}), summary)


def _metrics(rate: float, ttft_ms: float, per_hour: float) -> dict[str, Metric]:
    cost = scalar("USD/1M tokens", per_hour / 3600 / rate * 1e6)
    return {
        "output_tokens_per_s": scalar("tokens/s", rate),
        "ttft_ms": latency(ttft_ms),
        "cost_per_1m_output_tokens": cost,
    }


def _judged(found: Cheapest, hosts: Sequence[Host], limit_ms: float) -> Outcome:
    if found.leader is None or found.leader.at is None:
        return Outcome(False, False, None)
    own = next(host for host in hosts if host.name == found.leader.candidate.host)
    other = next(host for host in hosts if host is not own)
    load = int(found.leader.at.load.amount)
    is_right = own.at[load][1] <= limit_ms and own.cost(load) <= other.cheapest(limit_ms)
    return Outcome(found.is_certain, is_right, found.certainty)
