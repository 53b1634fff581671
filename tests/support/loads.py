"""Runs of several loads with chosen numbers: rate, latencies, price; on disk only where a path is given."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from support.builders import manifest, request

from profiler.results.folder import Journal, RunFolder
from profiler.results.host_facts import HostFacts
from profiler.results.manifest import CostFacts, Point, PriceFacts, Source
from profiler.results.run_set import StoredRun
from profiler.results.summary import Distribution, Metric, PointSummary, Scalar, Summary, Verdict
from profiler.summaries.summarize import summarize

At = tuple[float, float]  # output rate in tokens/s, TTFT p95 in ms
QUANTILES = ("p1", "p5", "p50", "p90", "p95", "p99")


def price(per_hour: float, currency: str = "USD", kind: Any = "on-demand") -> CostFacts:
    """What an hour costs."""
    return CostFacts(
        price=PriceFacts(
            per_hour=per_hour, currency=currency, kind=kind, source=Source(name="flag", title="made up", date="2026-11")
        )
    )


def scalar(unit: str, value: float, half_width_ratio: float = 0.01) -> Scalar:
    """A number with this interval within its run."""
    return Scalar(unit=unit, value=value, interval=(value * (1 - half_width_ratio), value * (1 + half_width_ratio)))


def latency(value: float, unit: str = "ms", half_width_ratio: float = 0.02) -> Distribution:
    """A distribution all of whose quantiles are alike, each with an interval this wide."""
    ends = value * (1 - half_width_ratio), value * (1 + half_width_ratio)
    return Distribution(
        unit=unit,
        n=1000,
        mean=value,
        min=value,
        max=value,
        quantiles=dict.fromkeys(QUANTILES, value),
        quantile_intervals=dict.fromkeys(QUANTILES, ends),
        mean_half_width=value * half_width_ratio,
    )


def metrics_of(rate: float, ttft_ms: float, concurrency: int, cost: CostFacts) -> dict[str, Metric]:
    """What a load's summary says; each stream has its even share of the rate, a request has ten tokens."""
    found: dict[str, Metric] = {
        "output_tokens_per_s": scalar("tokens/s", rate),
        "requests_per_s": scalar("requests/s", rate / 10),
        "prompt_tokens_per_request": latency(40, "tokens", 0.0),
        "output_tokens_per_request": latency(10, "tokens", 0.0),
        "ttft_ms": latency(ttft_ms),
        "tpot_ms": latency(1000 * concurrency / rate),
        "decode_tokens_per_s": latency(rate / concurrency, "tokens/s"),
        "energy_j_per_output_token": scalar("J/token", 50 / rate),
        "gco2e_per_1m_output_tokens": scalar("gCO2e/1M tokens", 5000 / rate),
    }
    if cost.price is not None:
        per_s = cost.price.per_hour / 3600
        found["cost_per_1m_output_tokens"] = scalar(f"{cost.price.currency}/1M tokens", per_s / rate * 1e6)
        found["cost_per_request"] = scalar(cost.price.currency, per_s / rate * 10)
    return found


def swept(
    host: str,
    loads: Mapping[int, At],
    *,
    cost: CostFacts | None = None,
    number: int = 1,
    folder: Path | None = None,
    invalid: Sequence[int] = (),
    model: Mapping[str, Any] | None = None,
    workload: Mapping[str, Any] | None = None,
) -> StoredRun:
    """A run of a host over these requests in flight: rate and TTFT at each; `number` tells runs of one host apart."""
    run = manifest(repeats=1)
    run.run_id = f"{host}-{number}"
    run.host = HostFacts(name=host)
    run.cost = cost or CostFacts(price_reason="pass --price")
    run.points = [Point(name=f"c{c}", concurrency=c) for c in loads]
    run.model = run.model.model_copy(update=dict(model or {}))
    changes = {"load": {"shape": "closed-loop", "concurrency": list(loads)}, **(workload or {})}
    run.workload = type(run.workload).model_validate({**run.workload.model_dump(), **changes})
    summary = summarize(run.model_copy(update={"points": []}), [request(0), request(1, sent_ms=40)], [], [])
    summary.points = [_point(c, at, run.cost, c in invalid) for c, at in loads.items()]
    summary.metrics |= summary.points[-1].metrics
    summary.headline, summary.verdict = f"c{max(loads)}", Verdict(level="VALID")
    stored = StoredRun(RunFolder(folder or Path("/runs") / run.run_id), run, summary)
    if folder is not None:
        _write(stored, summary)
    return stored


def sweeps(host: str, loads: Mapping[int, At], *, drift_ratio: float = 0.01, **more: Any) -> list[StoredRun]:
    """Three runs of a host: slower, as given and faster, each by this share."""
    factors = [1 - drift_ratio, 1.0, 1 + drift_ratio]
    return [
        swept(host, {c: (rate * f, ttft / f) for c, (rate, ttft) in loads.items()}, number=n, **more)
        for n, f in enumerate(factors, start=1)
    ]


def _point(concurrency: int, at: At, cost: CostFacts, is_invalid: bool) -> PointSummary:
    return PointSummary(
        point=Point(name=f"c{concurrency}", concurrency=concurrency),
        requests_ok=2,
        requests_failed=0,
        outcomes={"ok": 2},
        metrics=metrics_of(*at, concurrency, cost),
        verdict=Verdict(level="INVALID" if is_invalid else "VALID"),
    )


def _write(stored: StoredRun, summary: Summary) -> None:
    stored.folder.path.parent.mkdir(parents=True, exist_ok=True)
    stored.folder.create()
    Journal(stored.folder.requests).close()
    stored.folder.write_manifest(stored.manifest)
    stored.folder.write_summary(summary)
