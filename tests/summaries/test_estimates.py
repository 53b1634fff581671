from pathlib import Path

import pytest
from support.builders import request
from support.stored_runs import GOLDEN, rate, stored

from profiler.errors import UsageError
from profiler.metrics.catalogue import METRICS
from profiler.results.folder import RunFolder
from profiler.results.summary import Distribution, Scalar, Summary
from profiler.stats.estimates import Estimate
from profiler.summaries.estimates import Unknown, estimate, parse_metric


def summary_with(tmp_path: Path, **metrics: Scalar | Distribution) -> Summary:
    return stored(tmp_path / "run", metrics=metrics).summary


def test_over_repeats(tmp_path: Path) -> None:
    # 9, 10, 11: standard deviation 1, /√3 = 0.577350, times t = 4.302653 with 2 degrees of freedom: ±2.484
    found = estimate(summary_with(tmp_path, output_tokens_per_s=rate(9, 10, 11)), "output_tokens_per_s")
    assert isinstance(found, Estimate)
    assert (found.value, found.freedom) == (10, 2)
    assert (found.low, found.high) == (pytest.approx(7.516, abs=1e-3), pytest.approx(12.484, abs=1e-3))


def test_a_metric_of_another_version_is_unknown(tmp_path: Path) -> None:
    found = estimate(summary_with(tmp_path, words_per_s=rate(9, 10, 11)), "words_per_s")
    assert found == Unknown("this version knows no metric words_per_s")


def test_repeats_go_before_the_requests_within_them(tmp_path: Path) -> None:
    # requests alike within each repeat, repeats far apart: only the repeats say how sure the mean is
    requests = [request(i, phase=f"repeat-{i // 20 + 1}", arrivals_ms=(10 + i // 20,)) for i in range(60)]
    found = estimate(stored(tmp_path / "run", requests=requests, repeats=3).summary, "ttft_ms")
    assert isinstance(found, Estimate)
    assert (found.value, found.freedom) == (pytest.approx(11), 2)
    assert found.high == pytest.approx(11 + 2.484, abs=1e-3)


def test_a_single_repeat_has_batches(tmp_path: Path) -> None:
    requests = [request(i, arrivals_ms=(10 + i % 2,)) for i in range(40)]
    found = estimate(stored(tmp_path / "run", requests=requests).summary, "ttft_ms")
    assert found == Estimate(10.5, 10.5, 10.5, 9)  # every batch of four has the same mean


def test_an_interval_without_a_value(tmp_path: Path) -> None:
    energy = Scalar(unit="J/token", value=None, reason="an interval, not a number", low=1, high=2)
    found = estimate(summary_with(tmp_path, energy_j_per_output_token=energy), "energy_j_per_output_token")
    assert found == Estimate(None, 1, 2)


def test_what_has_no_interval_says_why_and_keeps_its_value(tmp_path: Path) -> None:
    # three requests: too few for batches, and a load time is measured once
    found = stored(tmp_path / "run", requests=[request(i, arrivals_ms=(i + 1,)) for i in range(3)]).summary
    few = estimate(found, "ttft_ms")
    assert isinstance(few, Unknown)
    assert few.value == 2
    assert "3 values are too few" in few.reason
    once = estimate(found, "model_load_s")
    assert isinstance(once, Unknown)
    assert once.value == 2
    assert "measured once" in once.reason


def test_what_was_not_measured_has_the_reason(tmp_path: Path) -> None:
    found = stored(tmp_path / "run").summary
    assert estimate(found, "usd_per_1m_output_tokens") == Unknown("pass --price")
    nothing = stored(tmp_path / "none", requests=[]).summary
    assert estimate(nothing, "ttft_ms", "p95") == Unknown("no request finished")


def test_another_unit_or_a_missing_metric_is_said(tmp_path: Path) -> None:
    found = summary_with(tmp_path, output_tokens_per_s=Scalar(unit="tokens/min", value=1))
    other = estimate(found, "output_tokens_per_s")
    assert isinstance(other, Unknown)
    assert "tokens/min, not in tokens/s" in other.reason
    del found.metrics["ttft_ms"]
    missing = estimate(found, "ttft_ms")
    assert isinstance(missing, Unknown)
    assert "aforo summarize" in missing.reason


def test_an_old_summary_has_what_its_records_allow() -> None:
    summary = RunFolder(GOLDEN).read_summary()
    rate_found = estimate(summary, "output_tokens_per_s")
    assert isinstance(rate_found, Unknown)
    assert rate_found.value == pytest.approx(842.923, abs=1e-3)
    p95 = estimate(summary, "ttft_ms", "p95")
    assert isinstance(p95, Unknown)
    assert p95.value is not None


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("output_tokens_per_s", ("output_tokens_per_s", None)),
        ("ttft_ms.p95", ("ttft_ms", "p95")),
        ("ttft_ms", ("ttft_ms", None)),
        ("ttft_ms.mean", ("ttft_ms", None)),
    ],
)
def test_names_of_metrics(text: str, parsed: tuple[str, str | None]) -> None:
    assert parse_metric(text) == parsed


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("output_token_per_s", "Did you mean 'output_tokens_per_s'"),
        ("tfft_ms.p95", r"Did you mean 'ttft_ms\.p95'"),
        ("xyz", "aforo metrics"),
        ("ttft_ms.p96", "mean, p50, p90, p95, p99"),
        ("requests_per_s.p95", "one value for a run"),
    ],
)
def test_a_wrong_name_is_a_sentence(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        parse_metric(text)


def test_intervals_of_a_single_repeat(tmp_path: Path) -> None:
    requests = [request(i, sent_ms=40 * i, arrivals_ms=(10 + i % 7, 30)) for i in range(60)]
    found = stored(tmp_path / "run", requests=requests).summary
    for metric, quantile in (("output_tokens_per_s", None), ("ttft_ms", "p50")):
        known = estimate(found, metric, quantile)
        assert isinstance(known, Estimate)
        assert known.freedom == 9
    p99 = estimate(found, "ttft_ms", "p99")
    assert isinstance(p99, Unknown)
    assert "too few for an interval of p99" in p99.reason


def test_names_that_say_usd_stand_for_those_of_any_currency() -> None:
    assert parse_metric("usd_per_1m_output_tokens") == ("cost_per_1m_output_tokens", None)
    replaced = {name: spec.instead for name, spec in METRICS.items() if spec.instead}
    old = dict.fromkeys(replaced, Scalar(unit="USD", value=1.0))
    found = Summary.model_validate(
        {
            "format_version": 1,
            "run_id": "r",
            "status": "complete",
            "status_reason": None,
            "workload": "w",
            "requests_ok": 1,
            "requests_failed": 0,
            "outcomes": {},
            "warnings": [],
            "metrics": old,
        }
    )
    assert set(replaced.values()) <= set(found.metrics)  # a summary of an earlier version is read by the new names
