import json
from pathlib import Path

import pytest
from support.results_of_others import AIPERF, read


def test_a_real_file_is_read() -> None:
    imported = read(AIPERF)
    assert (imported.tool, imported.tool_version, imported.model) == ("aiperf", "0.13.0", "truth")
    (point,) = imported.points
    assert (point.name, point.concurrency) == ("c2", 2)
    assert (point.requests_ok, point.requests_failed) == (36, 0)
    assert point.duration_s == pytest.approx(3.11, abs=0.01)
    values = {name: metric.value for name, metric in point.metrics.items() if metric.value is not None}
    assert values == {
        "ttft_ms": pytest.approx(53.678, abs=0.001),
        "itl_ms": pytest.approx(10.028, abs=0.001),
        "tpot_ms": pytest.approx(10.028, abs=0.001),
        "e2e_ms": pytest.approx(163.986, abs=0.001),
        "decode_tokens_per_s": pytest.approx(99.798, abs=0.001),
        "prefill_tokens_per_s": pytest.approx(598.743, abs=0.001),
        "output_tokens_per_s": pytest.approx(138.351, abs=0.001),
        "total_tokens_per_s": pytest.approx(507.286, abs=0.001),
        "requests_per_s": pytest.approx(11.529, abs=0.001),
    }
    assert point.metrics["itl_ms"].n == 396  # 36 requests of 12 tokens: 11 gaps each
    assert point.metrics["goodput_rps"].reason == "the file has no number under goodput.avg"


def test_another_unit_is_not_taken_for_milliseconds(tmp_path: Path) -> None:
    document = json.loads(AIPERF.read_text())
    document["time_to_first_token"]["unit"] = "sec"
    (tmp_path / "f.json").write_text(json.dumps(document))
    ttft = read(tmp_path / "f.json").points[0].metrics["ttft_ms"]
    assert (ttft.value, ttft.reason) == (None, "the file has no number under time_to_first_token.avg in ms")


def test_what_was_cancelled_says_so(tmp_path: Path) -> None:
    document = json.loads(AIPERF.read_text()) | {"was_cancelled": True, "aiperf_version": "0.14.0"}
    (tmp_path / "f.json").write_text(json.dumps(document))
    assert read(tmp_path / "f.json").notes[-2:] == [
        "Read as version 0.13.0 writes it; the file is of version 0.14.0.",
        "The benchmark was cancelled before its end.",
    ]


def test_a_file_without_its_parts_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    (tmp_path / "f.json").write_text('{"aiperf_version": null, "input_config": {"phases": [7], "models": []}}')
    imported = read(tmp_path / "f.json")
    assert (imported.model, imported.tool_version, imported.points[0].name) == (None, None, "benchmark")
    assert {metric.value for metric in imported.points[0].metrics.values()} == {None}


def test_an_older_version_says_load_and_model_elsewhere(tmp_path: Path) -> None:
    document = json.loads(AIPERF.read_text()) | {"aiperf_version": "0.5.0"}
    load: dict[str, object] = {"concurrency": 8, "request_rate": None}
    document["input_config"] = {"endpoint": {"model_names": ["me/model"]}, "loadgen": load}
    (tmp_path / "f.json").write_text(json.dumps(document))
    imported = read(tmp_path / "f.json")
    assert (imported.model, imported.points[0].name, imported.points[0].concurrency) == ("me/model", "c8", 8)
    load["request_rate"] = 2.5
    (tmp_path / "f.json").write_text(json.dumps(document))
    assert (read(tmp_path / "f.json").points[0].name, read(tmp_path / "f.json").points[0].rate_rps) == ("r2.5", 2.5)
