"""Results of several tools about the same three requests: whatever their units and keys, the numbers are the same."""

import re
from pathlib import Path

import pytest
from support.results_of_others import (
    GENAI_BENCH,
    GENAI_BENCH_IN_MS,
    INFERENCE_PERF,
    INFERENCE_PERF_STAGE,
    LLMD_01,
    LLMD_02,
    OF_THREE_REQUESTS,
    SGLANG_BENCH,
    read,
)

RATES = {  # in 0.32 s
    "output_tokens_per_s": 36 / 0.32,
    "input_tokens_per_s": 60 / 0.32,
    "total_tokens_per_s": 96 / 0.32,
    "requests_per_s": 3 / 0.32,
}
LATENCIES = {  # mean; the middle of three; p90 lies eight tenths of the way from the second to the third
    "ttft_ms": ((50 + 60 + 50) / 3, 50, 58),
    "tpot_ms": ((10 + 12 + 10) / 3, 10, 11.6),
    "e2e_ms": ((160 + 192 + 160) / 3, 160, 185.6),
}


@pytest.mark.parametrize("path", OF_THREE_REQUESTS, ids=lambda path: path.name)
def test_the_numbers_are_those_of_the_requests(path: Path) -> None:
    point = read(path).points[0]
    assert (point.requests_ok, point.requests_failed or 0) == (3, 0)
    assert point.duration_s == (None if path == LLMD_02 else pytest.approx(0.32))
    for metric, value in RATES.items():
        assert point.metrics[metric].value == pytest.approx(value), metric
    for metric, (mean, median, p90) in LATENCIES.items():
        found = point.metrics[metric]
        assert found.value == pytest.approx(mean), metric
        assert found.quantiles["p50"] == pytest.approx(median), metric
        assert found.quantiles["p90"] == pytest.approx(p90), metric


@pytest.mark.parametrize(
    ("path", "tool", "names", "model", "engine"),
    [
        (GENAI_BENCH, "genai-bench", ["c2 D(20,12)"], None, None),
        (GENAI_BENCH_IN_MS, "genai-bench", ["c2 D(20,12)"], None, None),
        (INFERENCE_PERF, "inference-perf", ["summary"], None, None),
        (INFERENCE_PERF_STAGE, "inference-perf", ["c2"], None, None),
        (SGLANG_BENCH, "sglang bench", ["c2", "r10"], "made/up", "sglang"),
        (LLMD_01, "llm-d benchmark", ["report"], "made/up", "vllm"),
        (LLMD_02, "llm-d benchmark", ["r10 stage 3"], "made/up", "vllm"),
    ],
    ids=lambda value: value.name if isinstance(value, Path) else "",
)
def test_each_is_recognised_and_says_what_it_is_about(
    path: Path, tool: str, names: list[str], model: str | None, engine: str | None
) -> None:
    imported = read(path)
    assert imported.tool == tool
    assert [point.name for point in imported.points] == names
    assert (imported.model, imported.engine) == (model, engine)


def test_a_latency_in_a_unit_that_is_not_known_is_not_measured(tmp_path: Path) -> None:
    (tmp_path / "report.yaml").write_text(LLMD_02.read_text().replace("units: s\n", "units: min\n"))
    metrics = read(tmp_path / "report.yaml").points[0].metrics
    assert metrics["ttft_ms"].value is None
    assert metrics["ttft_ms"].reason == "the file has no number under latency.time_to_first_token in a known unit"
    assert metrics["tpot_ms"].value == pytest.approx(32 / 3)


def test_a_report_names_the_tool_that_measured_and_the_cards() -> None:
    imported = read(LLMD_02)
    assert imported.host == "8 × NVIDIA-H100-80GB-HBM3"
    assert imported.notes == ["Measured by inference-perf 0.7.0: its numbers mean what they mean there."]


def test_requests_that_did_not_end_have_not_finished_and_a_rate_of_nothing_is_a_number(tmp_path: Path) -> None:
    text = LLMD_01.read_text().replace("total: 3", "total: 7").replace("failures: 0", "failures: 1")
    text = re.sub(r"(requests_per_sec): .*", r"\1: 0", text.replace("incomplete: 0", "incomplete: 2"))
    (tmp_path / "report.yaml").write_text(text)
    (point,) = read(tmp_path / "report.yaml").points
    assert (point.requests_ok, point.requests_failed, point.metrics["requests_per_s"].value) == (4, 1, 0.0)


def test_itl_is_read_where_a_tool_has_it() -> None:
    for path in (INFERENCE_PERF, SGLANG_BENCH, LLMD_01, LLMD_02):
        assert read(path).points[0].metrics["itl_ms"].value == pytest.approx(32 / 3)  # eleven gaps of each
    assert read(GENAI_BENCH).points[0].metrics["itl_ms"].value is None
