"""What a person sees while several hosts are at work."""

import io

import pytest
from rich.console import Console

from profiler.cli.fleet_progress import _Board, shown_fleet


def drawn(board: _Board) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=60).print(board)
    return [line.rstrip() for line in out.getvalue().splitlines()]


def test_a_table_has_a_row_for_each_host_and_a_count() -> None:
    board = _Board(lambda _: None)
    board.host("b", "is ready")
    board.host("a", "measures chat", "aforo: repeat-1 of 3")
    board.host("b", "collects chat")
    board.count(3, 8)
    assert drawn(board) == [
        "a  measures chat  aforo: repeat-1 of 3",
        "b  collects chat",
        "3 of 8 cells are VALID",
    ]


def test_of_many_hosts_those_are_shown_that_changed_last() -> None:
    board = _Board(lambda _: None)
    for number in range(50):
        board.host(f"h{number:02}", "waits")
    board.host("h00", "measures")
    shown = drawn(board)
    assert len(shown) == 21
    assert shown[0] == "h00  measures"
    assert shown[-1] == "and 30 more hosts"


def test_elsewhere_there_is_a_line_for_each_change(capsys: pytest.CaptureFixture[str]) -> None:
    with shown_fleet(quiet=False) as watch:
        watch.host("a", "measures chat")
        watch.host("a", "measures chat", "aforo: repeat-1 of 3")
        watch.note("A sentence.")
    assert capsys.readouterr().err == "aforo: a measures chat\naforo: A sentence.\n"
