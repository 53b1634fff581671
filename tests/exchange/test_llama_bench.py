import json
from pathlib import Path

import pytest
from support.results_of_others import LLAMA_BENCH, LLAMA_BENCH_LINES, read


def test_a_real_file_is_read() -> None:
    imported = read(LLAMA_BENCH)
    assert imported.tool == "llama-bench"
    assert imported.model == "Tiny-1M-synthetic-v1.1-Q8_0.gguf (llama ?B Q8_0)"
    assert (imported.engine, imported.host) == ("llama.cpp (CPU, 2 threads)", "AMD EPYC")
    assert imported.measured_utc == "2026-11-21T16:51:31Z"
    seen = {
        point.name: {name: metric.value for name, metric in point.metrics.items() if metric.value is not None}
        for point in imported.points
    }
    assert seen == {
        "pp32": {"prefill_tokens_per_s": 58573.596514},
        "pp64": {"prefill_tokens_per_s": pytest.approx(71260.29, abs=0.01)},
        "tg16": {"decode_tokens_per_s": pytest.approx(495.15, abs=0.01)},
    }
    assert imported.points[0].metrics["prefill_tokens_per_s"].n == 3


def test_json_lines_are_read_alike() -> None:
    assert [point.name for point in read(LLAMA_BENCH_LINES).points] == ["pp32", "tg16"]


def test_tests_that_differ_in_a_setting_are_told_apart(tmp_path: Path) -> None:
    one = json.loads(LLAMA_BENCH.read_text())[0]
    other = one | {"n_threads": 4, "model_filename": "C:\\models\\other.gguf", "n_depth": 512, "avg_ns": 1}
    (tmp_path / "f.json").write_text(json.dumps([one, other]))
    assert [point.name for point in read(tmp_path / "f.json").points] == [
        "pp32 model_filename=Tiny-1M-synthetic-v1.1-Q8_0.gguf n_threads=2",
        "pp32 d512 model_filename=other.gguf n_threads=4",
    ]


def test_prompt_and_generation_together_are_neither(tmp_path: Path) -> None:
    both = json.loads(LLAMA_BENCH.read_text())[0] | {"n_prompt": 32, "n_gen": 16}
    (tmp_path / "f.json").write_text(json.dumps([both]))
    (point,) = read(tmp_path / "f.json").points
    assert point.name == "pp32+tg16"
    assert {metric.value for metric in point.metrics.values()} == {None}


def test_what_is_not_the_same_in_all_tests_is_not_said_of_all(tmp_path: Path) -> None:
    first, *_ = json.loads(LLAMA_BENCH.read_text())
    other = {**first, "n_threads": 4, "model_filename": "/models/other.gguf"}
    (tmp_path / "f.json").write_text(json.dumps([first, other]))
    imported = read(tmp_path / "f.json")
    kind = first["model_type"]
    assert imported.engine == "llama.cpp (CPU)"
    assert imported.model == f"Tiny-1M-synthetic-v1.1-Q8_0.gguf ({kind}), other.gguf ({kind})"
