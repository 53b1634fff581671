"""What is said of a plan, from its journal and from what came back."""

import os
from pathlib import Path

import pytest
from support.made_fleet import Made, of_speed

from profiler.errors import UsageError
from profiler.fleet import ending
from profiler.fleet.overview import overview
from profiler.fleet.state import Begun, HostGone, HostSeen, Stopped, read
from profiler.fleet.status import status_of
from profiler.progress import Silent
from profiler.reports.fleet.data import Fleet
from profiler.results.folder import RunFolder


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path / "out")


def seen(made: Made) -> Fleet:
    """What its page says."""
    return overview(status_of(made.folder), read(made.folder), made.folder)


def test_cells_have_verdict_report_and_rate_of_their_runs(made: Made) -> None:
    made.attempt("one", 1, "VALID", **of_speed(100))
    made.attempt("one", 2, "INVALID", level="INVALID", **of_speed(1))
    made.attempt("one", 2, "VALID", 2, level="VALID with warnings", **of_speed(110))
    made.attempt("two", 1, "failed")
    made.file.write(Stopped(at="2026-11-30T10:00:00Z"))
    fleet = seen(made)
    assert [each.status for each in fleet.cells] == ["VALID", "VALID with warnings", "failed", "waiting"]
    first, second, third, _ = fleet.cells
    assert first.attempts[0].report == "one/one.r1.1/run-one-1-1/report.html"
    assert [each.status for each in second.attempts] == ["INVALID", "VALID with warnings"]
    assert (third.sentence, third.attempts[0].report) == ("It failed.", None)
    assert (fleet.rounds, fleet.columns[0].words) == (2, "m, w, threads=4")
    # 110 / 100 − 1; of the other host nothing was measured twice.
    assert fleet.drift(fleet.hosts[0]) == pytest.approx(0.10)
    assert fleet.drift(fleet.hosts[1]) is None


def test_an_attempt_is_under_way_only_while_somebody_follows_it(made: Made) -> None:
    made.file.write(Begun(at="2026-11-30T08:10:00Z", cell="one.r1", host="one", attempt=1, plan="ab" * 32))
    assert [each.status for each in (seen(made).cells[0], seen(made).cells[0].attempts[0])] == ["under way"] * 2
    made.file.write(HostGone(at="t", host="one", sentence="Nothing came."))
    assert [each.status for each in (seen(made).cells[0], seen(made).cells[0].attempts[0])] == ["lost"] * 2


def test_money_is_price_by_the_time_that_cells_held_their_host(made: Made) -> None:
    made.attempt("one", 1, "VALID", **of_speed(100))
    made.attempt("one", 2, "INVALID", **of_speed(100))
    fleet = seen(made)
    # Two attempts of half an hour at 2 EUR an hour.
    assert [(host.money, host.currency) for host in fleet.hosts] == [(2.0, "EUR"), (None, "USD")]
    assert (fleet.limits.money, fleet.limits.currency) == (9.0, "EUR")


def test_a_lost_host_a_changed_plan_and_two_names_of_one_machine_are_said(made: Made) -> None:
    for host in ("one", "two"):
        made.file.write(HostSeen(at="t", host=host, node="vm", boot_id="b", architecture="aarch64"))
    made.attempt("one", 1, "VALID", **of_speed(100))
    planned = read(made.folder).planned
    assert planned is not None
    planned.sha256, planned.cells = "cd" * 32, planned.cells[1:]
    made.file.write(planned)
    made.file.write(HostGone(at="t", host="two", sentence="Nothing came for 60 s."))
    fleet = seen(made)
    assert fleet.plan_sha256 == "cd" * 32
    assert fleet.hosts[0].about == "vm, aarch64"
    assert fleet.hosts[1].lost == "Nothing came for 60 s."
    assert [each.status for each in fleet.cells if each.host == "two"] == ["lost", "lost"]
    told = " ".join(fleet.notes)
    assert "before this one it was abababababababab." in told
    assert "1 cells of an earlier plan" in told
    assert "one, two are one machine" in told
    assert "1 by ssh, 1 by local" in told


def test_the_end_is_a_comparison_and_a_page_linked_both_ways(made: Made) -> None:
    for host in ("one", "two"):
        for number in (1, 2):
            made.attempt(host, number, "VALID", **of_speed(100))
    made.attempt("two", 2, "INVALID", 2, level="INVALID", **of_speed(1))
    (made.folder / "comparison-7.html").write_text("of an end that had more sets")
    pages = ending.finish(made.folder, Silent())
    assert [link.file for link in pages.comparisons] == ["comparison.html"]
    comparison = (made.folder / "comparison.html").read_text("utf-8")
    assert '<a href="fleet.html">fleet lab</a>' in comparison
    assert "4 runs side by side" in comparison
    assert "run-two-2-2" not in comparison  # the INVALID attempt of a cell that is VALID
    assert 'href="comparison.html"' in (made.folder / "fleet.html").read_text("utf-8")
    assert (made.folder / "fleet.json").exists()
    assert not (made.folder / "comparison-7.html").exists()
    again = ending.write_page(made.folder)
    assert [link.file for link in again.comparisons] == ["comparison.html"]


def test_runs_of_one_name_are_compared_by_what_the_plan_calls_their_hosts(made: Made) -> None:
    for host in ("one", "two"):
        for number in (1, 2):
            made.attempt(host, number, "VALID", host={"name": "localhost"}, **of_speed(100))
    ending.finish(made.folder, Silent())
    comparison = (made.folder / "comparison.html").read_text("utf-8")
    assert "r3, r4 · two: no difference from r1, r2 beyond chance" in comparison


def test_one_run_is_compared_with_nothing_and_the_page_says_so(made: Made) -> None:
    made.attempt("one", 1, "VALID", **of_speed(100))
    pages = ending.finish(made.folder, Silent())
    assert pages.comparisons == []
    assert pages.not_compared.startswith("Nothing is compared: ")
    assert pages.not_compared in pages.fleet.notes


def test_sets_that_measure_something_else_have_a_page_each(made: Made) -> None:
    other = {"model__name": "another", "model__sha256": "1", "model__is_synthetic": False}
    for host in ("one", "two"):
        made.attempt(host, 1, "VALID", **of_speed(100))
        made.attempt(host, 2, "VALID", **of_speed(50), **other)
    pages = ending.finish(made.folder, Silent())
    assert [link.file for link in pages.comparisons] == ["comparison.html", "comparison-2.html"]
    assert [link.text.partition(",")[0] for link in pages.comparisons] == ["Comparison 1: w@1", "Comparison 2: w@1"]
    assert "another" in pages.comparisons[1].text


def test_of_a_cell_that_never_was_valid_the_last_attempt_is_named_once(made: Made) -> None:
    for host in ("one", "two"):
        made.attempt(host, 1, "VALID", **of_speed(100))
    made.attempt("one", 2, "INVALID", 1, level="INVALID", **of_speed(1))
    made.attempt("one", 2, "INVALID", 2, level="INVALID", **of_speed(1))
    ending.finish(made.folder, Silent())
    comparison = (made.folder / "comparison.html").read_text("utf-8")
    assert "Not compared: 1 folder" in comparison
    assert "run-one-2-2" in comparison


def test_a_report_that_was_drawn_on_its_host_is_drawn_anew_once(made: Made) -> None:
    place = made.attempt("one", 1, "VALID", **of_speed(100))
    folder = RunFolder(place / "run-one-1-1")
    folder.report.write_text("drawn before it was known where the run comes from")
    os.utime(folder.report, (1, 1))
    ending.finish(made.folder, Silent())
    page = folder.report.read_text("utf-8")
    assert "of fleet all" in page
    folder.report.write_text("mine")
    ending.finish(made.folder, Silent())
    assert folder.report.read_text("utf-8") == "mine"


def test_where_no_plan_was_begun_there_is_nothing_to_draw(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no plan in"):
        ending.finish(tmp_path, Silent())
