"""A score as page, Markdown, CSV, JSON and on a terminal: the same words and numbers in each."""

import csv
import io
import json
from pathlib import Path

import pytest
from rich.console import Console
from support.rented_runs import rented_runs

from profiler.reports.markdown import plain
from profiler.reports.score import data, markdown, page, terminal
from profiler.reports.score.said import Said, chance, ranks, share
from profiler.results.run_set import Refused, StoredRun, read_runs
from profiler.selection.profile import Profile
from profiler.selection.scoring import Options, Scoring, score

EVIL = "</script><script>alert(1)</script>|`*=1+1"
REFUSED = (Refused(Path("gone"), "gone holds no run folder."),)


def profile(at_most: float, **more: object) -> Profile:
    return Profile.model_validate(
        {
            "id": "mine", "version": 1, "title": f"Mine {EVIL}", "description": f"D {EVIL}",
            "constraints": [{"metric": "tpot_ms.p95", "at_most": at_most, "why": f"W {EVIL}"}],
            "criteria": [
                {"metric": "cost_per_1m_output_tokens", "weight": 60, "baseline": 10.0, "why": "money"},
                {"metric": "tpot_ms.p50", "weight": 40, "baseline": 50.0, "why": "pace"},
            ],
            **more,
        }
    )  # fmt: skip


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[StoredRun]:
    """A dearer and faster machine beside a slower and cheaper one: 8.06 USD and 50 ms against 8.81 USD and 44 ms."""
    parent = tmp_path_factory.mktemp("rented")
    rented_runs(parent / "g", "c7g.4xlarge", 20.0, drift_ratio=0.02)
    rented_runs(parent / "i", "c7i.4xlarge", 22.5, drift_ratio=0.02)
    return read_runs([parent])[0]


@pytest.fixture(scope="module", params=["both", "one", "none"])
def found(request: pytest.FixtureRequest, runs: list[StoredRun]) -> Scoring:
    return score(profile({"both": 1000, "one": 48, "none": 10}[request.param]), runs, Options(draws=2_000))


def test_every_form_says_what_wins_and_why_others_are_out(found: Scoring) -> None:
    lead = Said(found).lead
    html, text = page.render(found, REFUSED), markdown.render(found, REFUSED)
    assert lead in html
    assert "gone holds no run folder." in html
    assert plain(lead) in text
    document = json.loads(data.as_json(found, REFUSED))
    assert document["lead"] == lead
    assert len(document["ranked"]) + len(document["not_ranked"]) == 2
    for out in document["not_ranked"]:
        assert out["reasons"][0].startswith("TPOT p95 at most")
        assert out["constraints"][0]["miss_ratio"] > 0
        assert out["reasons"][0] in html
    assert html.count("<script>alert") == 0
    assert "What to know" not in text or Said(found).notes


def test_json_has_what_the_page_shows(found: Scoring) -> None:
    document = json.loads(data.as_json(found))
    for one in document["ranked"]:
        assert sum(one["odds"]["own"]["by_rank"]) == pytest.approx(1.0)
        assert one["score_least"] <= one["score"] <= one["score_most"]
        assert len(one["numbers"]) == len(document["criteria"])
    if len(document["ranked"]) == 2:
        first, second = (one["name"] for one in document["ranked"])
        assert document["beats"][first][second] + document["beats"][second][first] == pytest.approx(1.0)
        assert document["smallest_flip"]["rival"] == second
        assert sum(document["smallest_flip"]["weights"]) == pytest.approx(1.0)
        assert [len(each) for each in document["winners_by_weight"]] == [2, 2]


def test_csv_has_a_row_for_each_candidate_and_as_many_cells_in_each(found: Scoring) -> None:
    head, *rows = csv.reader(io.StringIO(data.as_csv(found)))
    assert len(rows) == 2
    assert {len(row) for row in rows} == {len(head)}
    by_name = [dict(zip(head, row, strict=True)) for row in rows]
    ranked = [row for row in by_name if row["rank"]]
    assert len(ranked) == len(found.ranked)
    assert all(row["reasons"] for row in by_name if not row["rank"])


def test_a_terminal_of_80_columns_shows_the_ranking_and_the_reasons(found: Scoring) -> None:
    console = Console(width=80, file=io.StringIO(), record=True)
    console.print(terminal.summary(found))
    text = " ".join(console.export_text().split())
    assert " ".join(Said(found).lead.split()) in text
    assert ("Not ranked" in text) == bool(found.left_out)


def test_the_same_runs_give_the_same_bytes(runs: list[StoredRun]) -> None:
    pages = [page.render(score(profile(1000), runs, Options(draws=2_000))) for _ in range(2)]
    assert pages[0] == pages[1]


def test_nothing_met_names_the_nearest_and_by_how_much(runs: list[StoredRun]) -> None:
    lead = Said(score(profile(30), runs, Options(draws=2_000))).lead
    assert lead.startswith("No candidate surely meets every constraint. The nearest is c2 · c7i.4xlarge")
    # 1 / 22.5 s = 44.4 ms, a little more at p95: 49 % above 30 ms
    assert lead.endswith("TPOT p95 at most 30.0 ms fails: it is 44.8\u00a0ms, 49 % beyond it.")


def test_shares_never_read_as_certain_where_they_are_not() -> None:
    assert [share(each) for each in (0.0, 0.0003, 0.004, 0.5, 0.994, 0.9997, 1.0)] == [
        "0 %", "< 0.1 %", "0.4 %", "50 %", "99.4 %", "> 99.9 %", "100 %",
    ]  # fmt: skip
    assert chance((0.12, 0.88)) == "12 to 88 %"
    assert ranks((1, 3)) == "1–3"
