"""Two runs on the same items: pairs, in every form of a comparison."""

import json
from pathlib import Path

import pytest
from support.answered import answered_run

from profiler.aggregation.answers import answers_of_runs
from profiler.reports.compare import data, markdown, page
from profiler.reports.compare.comparison import Comparison, compare
from profiler.results.folder import RunFolder
from profiler.results.run_set import StoredRun

ITEMS = [f"q{number}" for number in range(10)]


def run(path: Path, right: int, *, items: list[str] = ITEMS, prompt: str = "Yes?", **more: object) -> StoredRun:
    """A run that answers the first so many items rightly, in both repeats."""
    said = {item: (prompt, ["yes"], ["yes" if number < right else "no"] * 2) for number, item in enumerate(items)}
    folder = answered_run(path, said, **more)  # type: ignore[arg-type]
    manifest = folder.read_manifest()
    manifest.run_id = path.name
    manifest.engine.threads = int(path.name[1:])
    folder.write_manifest(manifest)
    summary = folder.read_summary()
    return StoredRun(RunFolder(path), manifest, summary.model_copy(update={"run_id": path.name}))


def compared(*runs: StoredRun) -> Comparison:
    return compare(runs, answers=answers_of_runs(runs))


def test_the_same_items_are_paired(tmp_path: Path) -> None:
    found = compared(run(tmp_path / "r1", 2), run(tmp_path / "r2", 8)).quality
    row = next(one for one in found.rows if one.scorer == "exact_match")
    # 6 of 10 items are won: mean 60. With half a pair in each cell (6.5 − 0.5) / 12 = 50 %.
    assert (row.items, row.base, row.new, row.text(), row.outcome) == (10, 20, 80, "+60", "better")
    assert row.difference is not None
    assert row.difference.low + row.difference.high == pytest.approx(100)


def test_what_is_alike_is_inconclusive_and_not_surely_the_same(tmp_path: Path) -> None:
    found = compared(run(tmp_path / "r1", 5), run(tmp_path / "r2", 5)).quality
    row = next(one for one in found.rows if one.scorer == "exact_match")
    assert (row.text(), row.outcome) == ("0", "inconclusive")
    assert row.bounds() == "−18.9 to +18.9"  # t of 9 degrees of freedom, 2.262, times √(1/12 / 12)


def test_a_score_of_all_answers_together_is_told_from_the_mean_of_items(tmp_path: Path) -> None:
    runs = [run(tmp_path / "r1", 2), run(tmp_path / "r2", 8)]
    assert "mean of what single items score" not in compared(*runs).quality.note
    for one in runs:
        one.manifest.workload = one.manifest.workload.model_copy(update={"scorers": ["exact_match", "chrf"]})
        one.folder.write_manifest(one.manifest)
    note = compared(*runs).quality.note
    assert "Here Character F-score (chrF) is the mean of what single items score, not the score of all answers" in note


def test_items_that_were_asked_otherwise_are_left_out(tmp_path: Path) -> None:
    one, other = run(tmp_path / "r1", 5), run(tmp_path / "r2", 5, prompt="No?")
    found = compared(one, other).quality
    assert "10 items left out: the prompt or reference is not the same." in found.note
    assert {row.outcome for row in found.rows} == {"not compared"}
    assert found.rows[0].reason == "0 items in common, 5 are needed"


def test_the_same_row_sent_in_another_form_is_another_prompt(tmp_path: Path) -> None:
    sent = ["0" * 16, "0" * 16, "1" * 16]
    one, same, other = (run(tmp_path / f"r{n}", 5, prompt_id=digest) for n, digest in enumerate(sent, start=1))
    assert compared(one, same).quality.left_out == 0
    assert compared(one, other).quality.left_out == 10


def test_random_weights_are_not_compared(tmp_path: Path) -> None:
    found = compared(run(tmp_path / "r1", 5), run(tmp_path / "r2", 5, is_synthetic=True)).quality
    assert found.rows
    assert all("the weights are random" in row.reason for row in found.rows)


def test_runs_without_answers_have_no_such_part(tmp_path: Path) -> None:
    runs = [run(tmp_path / "r1", 5), run(tmp_path / "r2", 5)]
    for one in runs:
        one.folder.answers.unlink()
    comparison = compared(*runs)
    assert comparison.quality.rows == ()
    assert 'id="quality"' not in page.render(comparison)
    assert "same items" not in markdown.render(comparison)


def test_every_form_says_it(tmp_path: Path) -> None:
    comparison = compared(run(tmp_path / "r1", 2), run(tmp_path / "r2", 8))
    shown = page.render(comparison)
    assert 'id="quality"' in shown
    assert "▲ better" in shown.partition('id="quality"')[2]
    assert "### Answers to the same items" in markdown.render(comparison)
    assert "▲ +60 (" in markdown.render(comparison)
    (row,) = [one for one in json.loads(data.as_json([comparison]))["quality"] if one["scorer"] == "exact_match"]
    assert (row["run"], row["items"], row["difference"]["value"], row["outcome"]) == ("r2", 10, 60, "better")
