import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.builders import request
from support.results_of_others import VLLM_BENCH, read
from support.stored_runs import stored

from profiler.exchange.runs import open_run
from profiler.exchange.vllm_bench import LATENCIES, results
from profiler.results.records import Outcome


@pytest.fixture
def changed(tmp_path: Path) -> Callable[..., Path]:
    """The file with some keys changed."""

    def change(**keys: Any) -> Path:
        (tmp_path / "f.json").write_text(json.dumps(json.loads(VLLM_BENCH.read_text()) | keys))
        return tmp_path / "f.json"

    return change


def test_a_real_file_is_read() -> None:
    document = json.loads(VLLM_BENCH.read_text())
    imported = read(VLLM_BENCH)
    assert (imported.tool, imported.model) == ("vllm bench", document["model_id"])
    (point,) = imported.points
    assert (point.name, point.concurrency, point.rate_rps) == ("c2", 2, None)
    assert (point.requests_ok, point.requests_failed) == (24, 0)
    for metric, key in {"ttft_ms": "ttft", "itl_ms": "itl", "tpot_ms": "tpot", "e2e_ms": "e2el"}.items():
        seen = point.metrics[metric]
        assert seen.value == document[f"mean_{key}_ms"]
        assert seen.quantiles["p50"] == document[f"median_{key}_ms"]
        assert seen.quantiles["p99"] == document[f"p99_{key}_ms"]
    assert point.metrics["output_tokens_per_s"].value == document["output_throughput"]
    assert point.metrics["requests_per_s"].value == document["request_throughput"]


def test_the_numbers_are_those_of_the_server_that_was_measured() -> None:
    """It sent the first token after 50 ms and the others every 10 ms."""
    metrics = read(VLLM_BENCH).points[0].metrics
    # Its ITL has a gap of nearly 0 at the end of each answer: 12 gaps in 11 times 10 ms.
    assert metrics["itl_ms"].value == pytest.approx(10 * 11 / 12, abs=0.2)
    assert metrics["ttft_ms"].quantiles["p50"] == pytest.approx(50, abs=15)
    assert metrics["tpot_ms"].quantiles["p50"] == pytest.approx(10, abs=1)


def test_results_that_were_appended_are_loads_of_one_import(changed: Callable[..., Path]) -> None:
    path = changed(max_concurrency=8)
    second = json.loads(path.read_text()) | {"max_concurrency": None, "request_rate": 2.5}
    path.write_text(f"{path.read_text()}\n{json.dumps(second)}")
    assert [point.name for point in read(path).points] == ["c8", "r2.5"]


def test_nothing_finished_is_no_number(changed: Callable[..., Path]) -> None:
    (point,) = read(changed(completed=0, failed=9, mean_ttft_ms=0.0)).points
    assert point.requests_failed == 9
    assert {metric.value for metric in point.metrics.values()} == {None}


def test_a_date_that_is_none_is_left_out(changed: Callable[..., Path]) -> None:
    assert read(changed(date="20260102-030405")).measured_utc == "2026-01-02T03:04:05"
    assert read(changed(date="yesterday")).measured_utc is None
    assert read(changed(date=7)).measured_utc is None


def test_a_run_is_exported_under_the_keys_of_vllm(tmp_path: Path) -> None:
    """Tokens at 10, 20, 30 ms and at 20, 40, 60 ms: TTFT 10 and 20 ms, TPOT 10 and 20 ms, E2E 30 and 60 ms."""
    requests = [
        request(0, arrivals_ms=(10, 20, 30)),
        request(1, sent_ms=100, arrivals_ms=(20, 40, 60)),
        request(2, sent_ms=200, arrivals_ms=(), outcome=Outcome.RESET),
        request(3, phase="warmup", sent_ms=300, arrivals_ms=(500, 900)),
    ]
    stored(tmp_path / "run", requests=requests, model__name="M", level="VALID with warnings")
    (result,) = results(open_run(tmp_path / "run"))
    expected = {
        "date": "20260101-000000",
        "backend": "llama-cpp-python",
        "model_id": "M",
        "num_prompts": 3,
        "completed": 2,
        "failed": 1,
        "total_input_tokens": 16,
        "total_output_tokens": 6,
        "duration": 1.0,
        "request_rate": "inf",
        "mean_ttft_ms": 15.0,
        "median_ttft_ms": 15.0,
        "std_ttft_ms": 5.0,  # of 10 and 20, as numpy's std
        "p99_ttft_ms": pytest.approx(19.9),
        "mean_tpot_ms": 15.0,
        "mean_itl_ms": 15.0,  # gaps of 10, 10, 20 and 20
        "std_itl_ms": 5.0,
        "mean_e2el_ms": 45.0,
        "request_goodput": None,
        "aforo_run_id": "run",
        "aforo_verdict": "VALID with warnings",
    }
    assert {key: result[key] for key in expected} == expected


def test_it_has_every_key_that_vllm_writes(tmp_path: Path) -> None:
    stored(tmp_path / "run")
    (result,) = results(open_run(tmp_path / "run"))
    # What it counts second by second, with seconds that begin with the benchmark, and a ratio for speech.
    not_ours = {"max_output_tokens_per_s", "max_concurrent_requests", "rtfx"}
    assert json.loads(VLLM_BENCH.read_text()).keys() - result.keys() == not_ours


def test_what_was_not_measured_is_null(tmp_path: Path) -> None:
    stored(tmp_path / "run", requests=[request(0, arrivals_ms=(), outcome=Outcome.STALLED)])
    (result,) = results(open_run(tmp_path / "run"))
    assert result["completed"] == 0
    for key in ("ttft", "tpot", "itl", "e2el"):
        assert {result[f"{name}_{key}_ms"] for name in ("mean", "median", "std", "p99")} == {None}
    assert len(LATENCIES) == 4
