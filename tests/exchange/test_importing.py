import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.results_of_others import ALL, GUIDELLM, LLAMA_BENCH, NOW, SGLANG_BENCH, VLLM_BENCH, read

from profiler.errors import RecordError, UsageError
from profiler.exchange.importing import FORMATS, import_result
from profiler.exchange.source import load
from profiler.metrics.catalogue import METRICS


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_a_file_is_told_by_its_content_and_only_one_form_claims_it(path: Path) -> None:
    claims = [form.NAME for form in FORMATS if form.recognises(load(path))]
    assert claims == [read(path).tool]


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_there_is_a_number_or_a_reason_for_every_metric(path: Path) -> None:
    for point in read(path).points:
        assert point.metrics.keys() == METRICS.keys()
        for name, metric in point.metrics.items():
            assert metric.unit == METRICS[name].unit
            assert (metric.value is None) == (metric.reason is not None)
        assert any(metric.value is not None for metric in point.metrics.values())


def test_a_folder_of_its_own_keeps_the_file_and_has_no_verdict(tmp_path: Path) -> None:
    folder, imported = import_result(GUIDELLM, tmp_path / "runs", NOW)
    assert folder.name == "20260102T030405Z-imported-guidellm-truth"
    kept = folder / f"original-{GUIDELLM.name}"
    assert kept.read_bytes() == GUIDELLM.read_bytes()
    assert imported.sha256 == hashlib.sha256(GUIDELLM.read_bytes()).hexdigest()
    assert json.loads((folder / "imported.json").read_text())["verdict"] is None
    assert {path.name for path in folder.iterdir()} == {kept.name, "imported.json"}


def test_the_same_file_twice_makes_two_folders(tmp_path: Path) -> None:
    first, _ = import_result(GUIDELLM, tmp_path, NOW)
    second, imported = import_result(GUIDELLM, tmp_path, NOW)
    assert second.name == imported.import_id == f"{first.name}-2"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "holds no JSON object"),
        (b"[]", "holds no JSON object"),
        (b"[1, 2]", "holds no JSON object"),
        (b'"text"', "holds no JSON object"),
        (b"request_throughput,1", "is not JSON"),
        (b'{"a": 1', "is not JSON"),
        (b"\xff\xff", "is not a text file"),
        (b"\xff\xfe", "holds no JSON object"),
        (b"\xff\xfe{", "is not a text file"),
        (b"[" * 100_000, "is not JSON"),
        (b'{"a": 1, "b": 2}', "a JSON object with the keys a, b, which no known tool writes"),
        (b"{}", "an empty JSON object, which no known tool writes"),
        (b'{"aforo_run_id": "R", "completed": 1}', "was written by 'aforo export' from the run R"),
        (b'{"benchmarks": []}', "no known tool writes"),
        (b'{"benchmarks": [7]}', "no known tool writes"),
    ],
)
def test_what_is_no_result_is_a_sentence(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "f.json"
    path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        import_result(path, tmp_path / "runs", NOW)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "holds no YAML object"),
        ("a: [", "is not YAML"),
        ("a: &a {b: 1}\nc: {<<: [*a, *a]}", r"is not YAML: merges \(<<\) are not read"),
        ("a: 1", "a JSON object with the keys a, which no known tool writes"),
    ],
)
def test_yaml_that_is_no_result_is_a_sentence(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "f.yaml").write_text(content)
    with pytest.raises(UsageError, match=said):
        import_result(tmp_path / "f.yaml", tmp_path / "runs", NOW)


def test_a_folder_or_nothing_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"is a folder\. Pass a result file in it"):
        import_result(tmp_path, tmp_path, NOW)
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        import_result(tmp_path / "nowhere", tmp_path, NOW)


def test_a_place_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is a file"):
        import_result(GUIDELLM, tmp_path / "file", NOW)
    with pytest.raises(RecordError, match="Cannot write"):
        import_result(GUIDELLM, tmp_path / "file" / "below", NOW)


@pytest.mark.parametrize("strange", ["NaN", "Infinity", "1e999", '"12"', "true", "null", "{}", "1" * 400])
def test_what_is_no_finite_number_is_not_measured(tmp_path: Path, strange: str) -> None:
    text = GUIDELLM.read_text().replace('"mean": 52.71002825568704', f'"mean": {strange}')
    (tmp_path / "f.json").write_text(text)
    assert strange in text
    ttft = read(tmp_path / "f.json").points[0].metrics["ttft_ms"]
    assert ttft.value is None
    assert ttft.reason == "the file has no number under time_to_first_token_ms.successful.mean"


def keys_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from value
        for each in value.values():
            yield from keys_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from keys_in(each)


def without(value: Any, key: str) -> Any:
    """The same with nothing under this key, wherever it stands."""
    if isinstance(value, dict):
        return {name: None if name == key else without(each, key) for name, each in value.items()}
    return [without(each, key) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_what_a_damaged_file_lacks_is_in_no_name_of_a_load(path: Path) -> None:
    parts = load(path)
    form = next(form for form in FORMATS if form.recognises(parts))
    for key in dict.fromkeys(keys_in(parts)):
        damaged = without(parts, key)
        if form.recognises(damaged):
            names = [point.name for point in form.read(damaged).points]
            assert all(name.strip() and "None" not in name for name in names), (key, names)


def test_tests_that_differ_in_what_a_damaged_file_lacks_say_so() -> None:
    first, *others = load(LLAMA_BENCH)
    names = [point.name for point in FORMATS[4].read([first, *({**each, "n_batch": None} for each in others)]).points]
    assert names[0].endswith("n_batch=2048")
    assert all(name.endswith("n_batch not given") for name in names[1:])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_a_file_that_powershell_or_a_windows_editor_wrote_is_read(tmp_path: Path, encoding: str) -> None:
    bom = "\ufeff" if encoding.endswith("e") else ""
    (tmp_path / "f.json").write_bytes((bom + LLAMA_BENCH.read_text()).encode(encoding))
    assert read(tmp_path / "f.json").points == read(LLAMA_BENCH).points


@pytest.mark.parametrize(("path", "model"), [(VLLM_BENCH, "model_id"), (SGLANG_BENCH, "server_info")])
def test_models_and_settings_of_appended_results_are_told_apart(tmp_path: Path, path: Path, model: str) -> None:
    first = json.loads(path.read_text().splitlines()[0] if path.suffix == ".jsonl" else path.read_text())
    other: object = "other" if model == "model_id" else {"served_model_name": "other"}
    parts = [first, first, {**first, model: other}]
    (tmp_path / "f.json").write_text("\n".join(map(json.dumps, parts)))
    imported, own = read(tmp_path / "f.json"), read(path).model
    called = "model_id" if model == "model_id" else "model"
    assert imported.model == f"{own}, other"
    assert [point.name for point in imported.points] == [
        f"c2 {called}={own}",
        f"c2 {called}={own} #2",
        f"c2 {called}=other",
    ]


def test_lengths_of_appended_results_are_told_apart(tmp_path: Path) -> None:
    first = json.loads(SGLANG_BENCH.read_text().splitlines()[0])
    parts = [first, {**first, "random_input_len": 2048}, {**first, "max_concurrency": 16}]
    (tmp_path / "f.jsonl").write_text("\n".join(map(json.dumps, parts)))
    names = [point.name for point in read(tmp_path / "f.jsonl").points]
    assert names == ["c2 random_input_len=20", "c2 random_input_len=2048", "c16"]


def test_the_latencies_of_answers_of_one_token_are_not_0(tmp_path: Path) -> None:
    """vLLM and SGLang write the mean of none as 0."""
    for path in (VLLM_BENCH, SGLANG_BENCH):
        document = json.loads(path.read_text().splitlines()[0] if path.suffix == ".jsonl" else path.read_text())
        none = {key: 0.0 for key in document if "_tpot_" in key or "_itl_" in key}
        (tmp_path / "f.json").write_text(json.dumps(document | none))
        (point,) = read(tmp_path / "f.json").points
        for metric in ("tpot_ms", "itl_ms"):
            seen = point.metrics[metric]
            assert (seen.value, seen.quantiles) == (None, {})
            assert "there was none to measure" in (seen.reason or "")
        assert point.metrics["ttft_ms"].value == document["mean_ttft_ms"]
