import json
from pathlib import Path

import pytest
from support.results_of_others import GUIDELLM, read


def test_a_real_file_is_read() -> None:
    imported = read(GUIDELLM)
    assert (imported.tool, imported.tool_version, imported.model) == ("guidellm", "0.8.1", "truth")
    assert imported.measured_utc == "2026-11-21T16:50:14Z"
    (point,) = imported.points
    assert (point.name, point.concurrency, point.rate_rps) == ("c2", 2, None)
    assert (point.requests_ok, point.requests_failed, point.duration_s) == (34, 0, 3.0)
    ttft = point.metrics["ttft_ms"]
    assert ttft.value == pytest.approx(52.710, abs=0.001)
    assert ttft.quantiles.keys() == {"p50", "p90", "p95", "p99"}
    assert (ttft.n, ttft.unit, ttft.called) == (34, "ms", "time_to_first_token_ms.successful.mean")
    assert point.metrics["output_tokens_per_s"].value == pytest.approx(34 * 12 / 3)
    assert point.metrics["requests_per_s"].value == pytest.approx(34 / 3)


def test_seconds_become_milliseconds() -> None:
    assert read(GUIDELLM).points[0].metrics["e2e_ms"].value == pytest.approx(164.016, abs=0.001)


def test_its_inter_token_latency_is_our_time_per_output_token() -> None:
    """The server sends a token every 10 ms; what GuideLLM calls time per output token holds the first one too."""
    metrics = read(GUIDELLM).points[0].metrics
    assert metrics["tpot_ms"].value == pytest.approx(10.03, abs=0.01)
    assert metrics["itl_ms"].value is None
    assert metrics["itl_ms"].reason == "a result of guidellm does not say"


def test_nothing_finished_is_no_number(tmp_path: Path) -> None:
    document = json.loads(GUIDELLM.read_text())
    document["benchmarks"][0]["metrics"]["request_totals"] = {"successful": 0, "errored": 7}
    (tmp_path / "f.json").write_text(json.dumps(document))
    (point,) = read(tmp_path / "f.json").points
    assert point.requests_failed == 7
    assert {metric.value for metric in point.metrics.values()} == {None}
    assert point.metrics["ttft_ms"].reason == "no request finished"


def test_another_version_is_read_with_a_note(tmp_path: Path) -> None:
    text = GUIDELLM.read_text().replace('"0.8.1"', '"0.9.0"')
    (tmp_path / "f.json").write_text(text)
    assert "the file is of version 0.9.0" in read(tmp_path / "f.json").notes[-1]
    assert not any("0.9.0" in note for note in read(GUIDELLM).notes)


def test_a_rate_names_its_load(tmp_path: Path) -> None:
    document = json.loads(GUIDELLM.read_text())
    document["benchmarks"][0]["config"]["strategy"] = {"type_": "constant", "rate": 2.5}
    document["benchmarks"].append(document["benchmarks"][0] | {"config": {"strategy": {"type_": "throughput"}}})
    (tmp_path / "f.json").write_text(json.dumps(document))
    points = read(tmp_path / "f.json").points
    assert [(point.name, point.rate_rps) for point in points] == [("r2.5", 2.5), ("throughput", None)]


def test_a_file_of_version_0_3_has_its_counts_load_and_model_elsewhere(tmp_path: Path) -> None:
    document = json.loads(GUIDELLM.read_text())
    del document["metadata"]
    for benchmark in document["benchmarks"]:
        benchmark["request_totals"] = benchmark["metrics"].pop("request_totals")
        benchmark["args"] = {"strategy": {"type_": "constant", "rate": 2.0}}
        benchmark["worker"] = {"backend_model": "me/model"}
        del benchmark["config"]
    (tmp_path / "f.json").write_text(json.dumps(document))
    imported = read(tmp_path / "f.json")
    (point,) = imported.points
    assert (imported.model, point.name, point.rate_rps, point.requests_ok) == ("me/model", "r2", 2.0, 34)
    assert point.metrics["ttft_ms"].value == pytest.approx(52.710, abs=0.001)
    assert imported.notes[-1] == "Read as version 0.8.1 writes it; the file does not say its version."


def test_counts_that_a_file_lacks_do_not_mean_that_nothing_finished(tmp_path: Path) -> None:
    document = json.loads(GUIDELLM.read_text())
    for benchmark in document["benchmarks"]:
        del benchmark["metrics"]["request_totals"]
    (tmp_path / "f.json").write_text(json.dumps(document))
    (point,) = read(tmp_path / "f.json").points
    assert (point.requests_ok, point.requests_failed) == (None, None)
    assert point.metrics["ttft_ms"].value == pytest.approx(52.710, abs=0.001)
