import pytest
from support.results_of_others import LLAMA_BENCHY, read

from profiler.stats.quantiles import quantile


def test_its_tests_are_read() -> None:
    imported = read(LLAMA_BENCHY)
    assert (imported.tool, imported.tool_version, imported.model) == ("llama-benchy", "0.4.0", "made/up")
    assert imported.measured_utc == "2026-11-30T12:00:00Z"
    assert [point.name for point in imported.points] == ["pp20 tg12 @ d0 c1", "pp20 tg12 @ d0 c2"]


def test_speeds_are_those_of_single_requests() -> None:
    """Three requests: first token after 50, 60 and 50 ms; eleven more, one every 10, 12 and 10 ms."""
    metrics = read(LLAMA_BENCHY).points[0].metrics
    ttft, decode = metrics["ttft_ms"], metrics["decode_tokens_per_s"]
    assert (ttft.value, ttft.n) == (pytest.approx(160 / 3), 3)
    assert ttft.quantiles["p90"] == pytest.approx(58)
    speeds = [1000 / 12, 100, 100]
    assert decode.value == pytest.approx(sum(speeds) / 3)
    assert decode.quantiles["p50"] == pytest.approx(quantile(speeds, 0.5))
    # Its prefill ends with the first response, 2 ms before the first token, and 1 ms of network is taken off.
    assert metrics["prefill_tokens_per_s"].value == pytest.approx((20 / 0.047 + 20 / 0.057 + 20 / 0.047) / 3)


def test_the_speed_of_the_decode_phase_is_no_output_rate() -> None:
    for point in read(LLAMA_BENCHY).points:
        assert point.metrics["output_tokens_per_s"].value is None
