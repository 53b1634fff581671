"""Comparisons of made-up runs: several hosts, prices and classes of energy, every number known."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.builders import manifest, request

from profiler.reports.compare.comparison import Comparison, compare
from profiler.results.folder import RunFolder
from profiler.results.host_facts import HostFacts
from profiler.results.manifest import CostFacts, Manifest, Point, PriceFacts, Source
from profiler.results.run_set import StoredRun
from profiler.results.summary import Distribution, EnergyAccount, Metric, PointSummary, Scalar, Summary, Verdict
from profiler.summaries.summarize import summarize

QUANTILES = ("p50", "p90", "p95", "p99")


def price(per_hour: float, currency: str = "USD", kind: Any = "on-demand") -> CostFacts:
    """What an hour costs."""
    source = Source(name="flag", title="made up")
    return CostFacts(price=PriceFacts(per_hour=per_hour, currency=currency, kind=kind, source=source))


def scalar(unit: str, *repeats: float) -> Scalar:
    """A metric with these values in its repeats."""
    return Scalar(unit=unit, value=sum(repeats) / len(repeats), per_repeat=list(repeats))


def latency(value: float, n: int = 1000) -> Distribution:
    """A latency whose quantiles lie 10 % apart."""
    return Distribution(
        unit="ms",
        n=n,
        mean=value,
        min=value / 2,
        max=value * 2,
        quantiles={name: value * (1 + 0.1 * number) for number, name in enumerate(QUANTILES)},
        indicative=[] if n > 700 else ["p99"],
        mean_half_width=value / 50,
    )


def account(meter_class: Any, scope: str = "whole machine") -> EnergyAccount:
    """An account of energy of this class and scope."""
    return EnergyAccount(
        meter_class=meter_class,
        scope=scope,
        gross_j=(100.0, 100.0),
        idle_j=None,
        net_j=None,
        coverage_ratio=1.0,
        provenance="made up",
        parts={},
    )


def energy(meter_class: Any, low: float, high: float | None = None, scope: str = "whole machine") -> dict[str, Any]:
    """Metrics and accounts of an energy per token, J; an interval where `high` is given."""
    if high is None:
        per_token = scalar("J/token", low * 0.99, low, low * 1.01)
        per_joule = scalar("tokens/J", 1 / (low * 0.99), 1 / low, 1 / (low * 1.01))
        carbon = scalar("gCO2e/1M tokens", low * 99, low * 100, low * 101)
    else:
        per_token = Scalar(unit="J/token", value=None, low=low, high=high)
        per_joule = Scalar(unit="tokens/J", value=None, low=1 / high, high=1 / low)
        carbon = Scalar(unit="gCO2e/1M tokens", value=None, low=low * 100, high=high * 100)
    metrics = {
        "energy_j_per_output_token": per_token,
        "output_tokens_per_j": per_joule,
        "gco2e_per_1m_output_tokens": carbon,
    }
    return {"metrics": metrics, "energy": [account(meter_class, scope)]}


def costs(facts: CostFacts, rate: tuple[float, ...]) -> dict[str, Metric]:
    """What the summary has of money: per repeat, the price of an hour by the tokens of an hour."""
    if facts.price is None:
        return {}
    currency = facts.price.currency
    per_s = facts.price.per_hour / 3600
    own = [per_s / each * 1e6 for each in rate]
    return {
        "cost_per_1m_output_tokens": Scalar(
            unit=f"{currency}/1M tokens", value=per_s / (sum(rate) / len(rate)) * 1e6, per_repeat=own
        ),
        "output_tokens_per_currency": scalar(f"tokens/{currency}", *(each / per_s for each in rate)),
    }


def several(number: int, *rates: float, **more: Any) -> list[StoredRun]:
    """Runs on host-`number`, one for each of these output rates."""
    return [make(number, (0.99 * rate, rate, 1.01 * rate), of_host=i, **more) for i, rate in enumerate(rates)]


def make(
    number: int,
    rate: tuple[float, ...] = (99.0, 100.0, 101.0),
    *,
    cost: CostFacts | None = None,
    level: Any = "VALID",
    used: dict[str, Any] | None = None,
    metrics: dict[str, Metric] | None = None,
    change: Callable[[Manifest, Summary], None] | None = None,
    of_host: int | None = None,
) -> StoredRun:
    """A run on host-`number` with this output rate in its repeats; of several on one host, the one of this number."""
    run = manifest(repeats=3)
    run.run_id = f"run-{number}" if of_host is None else f"run-{number}-{of_host}"
    run.host = HostFacts(name=f"host-{number}")
    run.cost = cost or CostFacts(price_reason="pass --price")
    summary = summarize(run, [request(0), request(1, sent_ms=40)], [], [])
    summary.verdict = Verdict(level=level)
    used = used or energy("model", 1.0, 3.0)
    mean = sum(rate) / len(rate)
    summary.metrics |= {
        "output_tokens_per_s": scalar("tokens/s", *rate),
        "ttft_ms": latency(20_000 / mean),
        "tpot_ms": latency(1000 / mean),
        "e2e_ms": latency(100_000 / mean),
        "mbu_ratio": scalar("ratio", 0.6, 0.61, 0.62),
        **used["metrics"],
        **costs(run.cost, rate),
        **(metrics or {}),
    }
    summary.energy = used["energy"]
    if change:
        change(run, summary)
    return StoredRun(RunFolder(Path(f"/runs/run-{number}")), run, summary)


@pytest.fixture(scope="session")
def a_run() -> Callable[..., StoredRun]:
    """The builder of runs."""
    return make


@pytest.fixture(scope="session")
def some_runs() -> Callable[..., list[StoredRun]]:
    """The builder of several runs of one host."""
    return several


@pytest.fixture(scope="session")
def six() -> Callable[[], Comparison]:
    """Six runs on six hosts that drift by 1 %, with every class of energy, priced in dollars."""

    def built() -> Comparison:
        return compare(
            [
                make(1, (99, 100, 101), cost=price(0.36), used=energy("model", 1.0, 3.0)),
                make(2, (119, 120, 121), cost=price(0.29), used=energy("model", 2.0, 4.0)),
                make(3, (79, 80, 81), cost=price(0.41), used=energy("wall", 2.5)),
                make(4, (399, 400, 401), cost=price(0.80), used=energy("counter", 0.5, scope="GPU boards")),
                make(5, (299, 300, 301), cost=price(1.01), used=energy("counter", 0.7, scope="GPU boards")),
                make(6, (249, 250, 251), cost=price(0.90), used=energy("polled", 0.6, scope="GPU boards")),
            ],
            drift_ratio=0.01,
        )

    return built


@pytest.fixture(scope="session")
def parts() -> Any:
    """Prices and energies for runs of a test's own."""

    class Parts:
        price = staticmethod(price)
        energy = staticmethod(energy)
        account = staticmethod(account)
        scalar = staticmethod(scalar)
        latency = staticmethod(latency)

    return Parts


@pytest.fixture(scope="session")
def swept() -> Callable[[Manifest, Summary], None]:
    """Make a run one of three loads, of which the highest is INVALID."""

    def change(run: Manifest, summary: Summary) -> None:
        for concurrency, level in ((4, "INVALID"), (2, "VALID"), (1, "VALID")):
            rate = 100.0 * concurrency
            metrics = summary.metrics | {"output_tokens_per_s": scalar("tokens/s", rate)} | costs(run.cost, (rate,))
            summary.points.append(
                PointSummary(
                    point=Point(name=f"c{concurrency}", concurrency=concurrency),
                    requests_ok=1,
                    requests_failed=0,
                    outcomes={},
                    metrics=metrics,
                    verdict=Verdict.model_validate({"level": level}),
                )
            )

    return change
