"""The pages of a fleet from the command line: at its end, when it is interrupted, and on demand."""

import json
from pathlib import Path

import pytest
from support.command import Aforo
from support.made_fleet import Made, of_speed

from profiler.cli.fleet_pages import kept_page
from profiler.errors import InterruptedRunError


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """Both hosts have measured both rounds."""
    found = Made(tmp_path / "out")
    for host in ("one", "two"):
        for number in (1, 2):
            found.attempt(host, number, "VALID", **of_speed(100))
    return found


def test_report_compares_and_draws_from_the_folder_alone(aforo: Aforo, made: Made) -> None:
    made.file.__exit__()
    done = aforo("fleet", "report", str(made.folder), "--quiet")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"Comparison of 4 runs  {made.folder / 'comparison.html'}",
        f"Fleet  {made.folder / 'fleet.html'}",
    ]
    fleet = json.loads((made.folder / "fleet.json").read_text("utf-8"))
    assert fleet["counts"] == {"VALID": 4}
    assert fleet["comparisons"] == [{"file": "comparison.html", "text": "Comparison of 4 runs"}]


def test_status_draws_the_page_and_prints_json_alone(aforo: Aforo, made: Made) -> None:
    made.file.__exit__()
    done = aforo("fleet", "status", str(made.folder), "--json")
    assert json.loads(done.stdout)["fleet"] == "lab"
    assert (made.folder / "fleet.html").exists()
    assert not (made.folder / "comparison.html").exists()


def test_a_folder_without_a_plan_is_refused(aforo: Aforo, tmp_path: Path) -> None:
    done = aforo("fleet", "report", str(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert "There is no plan in" in done.stderr


def test_a_fleet_that_is_interrupted_has_its_page(made: Made) -> None:
    with pytest.raises(InterruptedRunError), kept_page(made.folder):
        raise InterruptedRunError(2)
    assert "lab: 2 hosts" in (made.folder / "fleet.html").read_text("utf-8")


def test_what_ended_a_fleet_is_told_even_where_its_page_cannot_be_drawn(tmp_path: Path) -> None:
    (tmp_path / "fleet.jsonl").write_text("damaged\n")
    with pytest.raises(InterruptedRunError), kept_page(tmp_path):
        raise InterruptedRunError(2)
    assert not (tmp_path / "fleet.html").exists()
