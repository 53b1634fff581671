from pathlib import Path

import pytest
from support.answered import CAPITALS, answered_run

from profiler.aggregation.answers import answers_of, shown_point, texts_of
from profiler.aggregation.not_measured import NotMeasuredError
from profiler.aggregation.scores import RANDOM_WEIGHTS


def test_items_are_listed_worst_first_by_the_mean_of_their_repeats(tmp_path: Path) -> None:
    found = answers_of(answered_run(tmp_path / "run"))
    assert found.points == ("c1",)
    worst = found.worst_first("c1", "exact_match")
    assert [(one.name, one.score("exact_match")) for one in worst] == [("de", 0), ("es", 50), ("fr", 100)]
    # Requests 0 to 2 are the first repeat, 3 to 5 the second, in which the answer on Spain is wrong.
    assert worst[1].worst_first("exact_match") == [4, 1]
    assert worst[1].repeats == {1: 1, 4: 2}


def test_each_load_has_its_own_answers(tmp_path: Path) -> None:
    found = answers_of(answered_run(tmp_path / "run", points=["c1", "c4"]))
    assert found.points == ("c1", "c4")
    assert [list(one.repeats) for one in found.at("c4")] == [[6, 9], [7, 10], [8, 11]]
    assert [shown_point(found, name) for name in ("c4", None)] == ["c4", "c1"]


def test_a_failed_request_has_no_score_and_says_why(tmp_path: Path) -> None:
    found = answers_of(answered_run(tmp_path / "run", failed=[2, 5]))
    last = found.worst_first("c1", "exact_match")[-1]
    assert (last.name, last.score("exact_match")) == ("de", None)
    assert last.reason("exact_match") == "the request failed: truncated"


def test_random_weights_answer_and_have_no_score(tmp_path: Path) -> None:
    found = answers_of(answered_run(tmp_path / "run", is_synthetic=True))
    assert (found.scorers, found.leading, found.not_scored) == ((), None, RANDOM_WEIGHTS)
    assert [one.name for one in found.worst_first("c1", None)] == list(CAPITALS)


def test_prompts_that_are_in_no_file_are_items_of_their_own(tmp_path: Path) -> None:
    folder = answered_run(tmp_path / "run")
    text = folder.answers.read_text("utf-8")
    for item in CAPITALS:
        text = text.replace(f'"item":"{item}",', "")
    folder.answers.write_text(text, "utf-8")
    folder.items.unlink()
    found = answers_of(folder)
    assert [one.name for one in found.at("c1")] == [f"request {index}" for index in range(6)]
    assert found.not_scored is not None


def test_a_run_that_kept_nothing_says_so(tmp_path: Path) -> None:
    folder = answered_run(tmp_path / "run")
    folder.answers.unlink()
    with pytest.raises(NotMeasuredError, match="kept no texts"):
        answers_of(folder)


def test_only_the_texts_that_are_wanted_are_held(tmp_path: Path) -> None:
    assert {index: row.text for index, row in texts_of(answered_run(tmp_path / "run"), {4}).items()} == {4: "Barcelona"}
