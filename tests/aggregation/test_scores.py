"""Scores of a run folder, worked by hand."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from support.builders import manifest, request
from support.stored_runs import changed

from profiler.aggregation.not_measured import NotMeasuredError
from profiler.aggregation.scores import NO_ANSWERS, RANDOM_WEIGHTS, ScoredAnswer, read_scores, scores_of
from profiler.quality.item import Item
from profiler.results.folder import Journal, RunFolder
from profiler.results.records import CodeRun, KeptResponse, Outcome

ITEMS = [
    Item(id="sum", prompt="2 + 2", references=["4"]),
    Item(id="capital", prompt="Capital of France?", references=["Paris"]),
]


def kept(path: Path, said: Sequence[str], items: Sequence[Item] = ITEMS, **changes: Any) -> RunFolder:
    """A run of real weights that was asked its items in turn and kept what was said; request 0 is the warm-up's."""
    folder = RunFolder(path).create()
    base = changed(manifest(), {"model.is_synthetic": False, **{k.replace("__", "."): v for k, v in changes.items()}})
    folder.write_manifest(base)
    requests, answers, rows = Journal(folder.requests), Journal(folder.answers), Journal(folder.items)
    for item in items:
        rows.append(item)
    for index, text in enumerate(said):
        requests.append(request(index, phase="warmup" if index == 0 else "repeat-1"))
        answers.append(KeptResponse(index=index, item=items[index % len(items)].id, text=text))
    for journal in (requests, answers, rows):
        journal.close()
    return folder


def value(scored: Sequence[ScoredAnswer], index: int, scorer: str) -> float | None:
    (found,) = [one.value for one in scored if (one.index, one.scorer) == (index, scorer)]
    return found


def test_each_answer_is_scored_by_what_suits_its_data_and_warm_up_is_left_out(tmp_path: Path) -> None:
    scored = scores_of(kept(tmp_path / "r", ["4", "Paris", "5", "It is Paris"]))
    assert {one.scorer for one in scored} == {"exact_match", "token_f1", "contains"}
    assert [one.index for one in scored] == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert [value(scored, index, "exact_match") for index in (1, 2, 3)] == [100, 0, 0]
    assert [value(scored, index, "contains") for index in (1, 2, 3)] == [100, 0, 100]
    assert {(one.point, one.repeat) for one in scored} == {("c1", 1)}
    assert [one.is_correct for one in scored if one.scorer == "exact_match"] == [True, False, False]
    assert {one.is_correct for one in scored if one.scorer != "exact_match"} == {None}


def test_an_answer_is_correct_by_what_the_workload_says(tmp_path: Path) -> None:
    workload = {"scorers": ["token_f1"], "correct": {"scorer": "token_f1", "at_least": 50}}
    scored = scores_of(kept(tmp_path / "r", ["4", "Paris", "4 or 5 or so", "It is Paris"], workload=workload))
    assert [(one.value, one.is_correct) for one in scored] == [
        (100, True),
        (pytest.approx(100 * 2 / 6), False),
        (50, True),
    ]


def test_what_cannot_be_scored_says_why_and_costs_no_other_score(tmp_path: Path) -> None:
    items = [ITEMS[0], Item(id="capital"), Item(id="code", tests=["assert f() == 1"])]
    folder = kept(
        tmp_path / "r",
        ["4", "Paris", "def f(): ...", "4", "x", "y"],
        items,
        workload={"scorers": ["exact_match", "pass_at_1"]},
    )
    code = Journal(folder.code)
    code.append(CodeRun(index=2, passed=True))
    code.close()
    failed = Journal(folder.requests)
    failed.append(request(6, outcome=Outcome.TIMEOUT))
    failed.close()
    answers = Journal(folder.answers)
    answers.append(KeptResponse(index=6, item="sum", text="4"))
    answers.close()
    found = {(one.index, one.scorer): (one.value, one.reason) for one in scores_of(folder)}
    assert found[1, "exact_match"] == (None, "its row has no references")
    assert found[2, "pass_at_1"] == (100, None)
    assert found[5, "pass_at_1"] == (None, "code was not run: pass --run-code")
    assert found[3, "exact_match"] == (100, None)
    assert found[6, "exact_match"] == (None, "the request failed: timeout")


def test_an_answer_with_a_number_that_no_float_holds_costs_nothing_else(tmp_path: Path) -> None:
    items = [Item(id=name, schema={"multipleOf": 0.01}) for name in ("a", "b")]
    scored = scores_of(kept(tmp_path / "r", ["1e400", "0.5", "1e400", "0.5"], items))
    assert [one.value for one in scored if one.scorer == "json_schema"] == [100, 0, 100]


def test_random_weights_have_no_quality(tmp_path: Path) -> None:
    folder = kept(tmp_path / "r", ["4", "Paris"], model__is_synthetic=True)
    with pytest.raises(NotMeasuredError, match="random"):
        scores_of(folder)
    assert read_scores(folder, folder.read_manifest()).why_none == RANDOM_WEIGHTS


def test_a_run_without_answers_has_none(tmp_path: Path) -> None:
    folder = kept(tmp_path / "r", [], [])
    assert read_scores(folder, folder.read_manifest()).why_none == NO_ANSWERS


def test_a_run_of_its_own_server_that_kept_none_says_so(tmp_path: Path) -> None:
    folder = kept(tmp_path / "r", [])
    folder.answers.unlink()
    why = read_scores(folder, folder.read_manifest()).why_none
    assert why is not None
    assert why.startswith("responses were not kept: pass --keep-responses")


def test_an_older_folder_says_with_its_answers_what_is_right(tmp_path: Path) -> None:
    folder = kept(tmp_path / "r", [], [])
    requests, answers = Journal(folder.requests), Journal(folder.answers)
    requests.append(request(0))
    answers.append(KeptResponse(index=0, item="sum", reference="4", text="4"))
    requests.close()
    answers.close()
    assert value(scores_of(folder), 0, "exact_match") == 100


def test_each_load_has_scores_of_its_own_and_what_was_cut_off_is_counted(tmp_path: Path) -> None:
    loads = [{"name": "c1", "concurrency": 1}, {"name": "c8", "concurrency": 8}]
    folder = kept(tmp_path / "r", [], ITEMS, points=loads)
    requests, answers = Journal(folder.requests), Journal(folder.answers)
    for index, (point, text) in enumerate([("c1", "4"), ("c1", "4"), ("c8", "4"), ("c8", "4 and on and on")]):
        requests.append(request(index, phase=f"{point}/repeat-{index % 2 + 1}"))
        answers.append(
            KeptResponse(index=index, item="sum", text=text, finish_reason="length" if index == 3 else "stop")
        )
    requests.close()
    answers.close()
    scores = read_scores(folder, folder.read_manifest())
    assert [value(scores.at("c1").answers, index, "exact_match") for index in (0, 1)] == [100, 100]
    assert scores.at("c8").by_item("exact_match") == [{"points": 100, "answers": 2}]
    assert scores.at("c8", 2).by_item("exact_match") == [{"points": 0, "answers": 1}]
    assert scores.at("c1").correct_by_item() == [{"answers": 2, "points": 2}]
    assert scores.at("c1").cut_off("exact_match") is None
    assert scores.cut_off("exact_match") == "1 answer cut off at the workload's output_tokens"
