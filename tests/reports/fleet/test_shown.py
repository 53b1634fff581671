"""What a fleet's page says, worked out by hand."""

from dataclasses import replace

import pytest
from support.fleets import at, fleet

from profiler.number_format import duration
from profiler.reports.fleet import shown
from profiler.reports.fleet.data import Attempt, Cell, Host


def test_the_lead_counts_cells_by_what_became_of_them() -> None:
    made = fleet(1, 2, 2)
    assert shown.lead(made) == "4 of 4 cells are VALID."
    first, second, third, last = made.cells
    changed = (
        replace(first, status="VALID with warnings"),
        replace(second, status="INVALID"),
        replace(third, status="lost"),
        replace(last, status="waiting"),
    )
    assert shown.lead(replace(made, cells=changed)) == (
        "1 of 4 cells is VALID (1 with warnings); 1 INVALID; 1 lost; 1 waiting."
    )


def test_time_and_money_stand_against_their_limits() -> None:
    # Two hosts × 2 cells × 60 s: 120 s each, at 0.714 and 0.58 an hour: (0.714 + 0.58) × 120 / 3,600 = 0.043.
    # Cells begin at 0 s and at 62 s, so the last one ends after 122 s.
    rows = shown.spent(fleet(2, 1, 2))
    assert rows == [
        ("Time, from the first cell to the last", "2 min", "2 h"),
        ("Time of cells, all hosts together", "4 min", ""),
        ("Money: price × time of all attempts", "0.04 USD", "50.00 USD"),
        ("Longest that a cell may take", "", "10 min"),
    ]


def test_a_host_without_a_price_is_said_and_currencies_stay_apart() -> None:
    made = fleet(3, 1, 1)
    euro = replace(made.hosts[1], currency="EUR", money=1.5)
    free = replace(made.hosts[2], price_per_hour=None, money=None)
    rows = shown.spent(replace(made, hosts=(made.hosts[0], euro, free)))
    assert [much for what, much, _ in rows if what.startswith("Money")] == ["0.01 USD", "1.50 EUR"]
    assert "1 host without a price not counted" in [much for _, much, _ in rows]


@pytest.mark.parametrize(
    ("length_s", "text"), [(45, "45 s"), (119.6, "120 s"), (121, "2 min"), (7_199, "2 h"), (12_000, "3 h 20 min")]
)
def test_times_are_written_as_people_say_them(length_s: float, text: str) -> None:
    assert duration(length_s) == text


def test_marks_stand_by_column_and_round_and_say_why() -> None:
    made = fleet(1, 1, 2, rounds=2)
    broken = replace(made.cells[2], status="failed", sentence="No memory.", attempts=made.cells[2].attempts * 2)
    (row,) = shown.grid(replace(made, cells=(*made.cells[:2], broken, made.cells[3])))
    assert row.done == "3 of 4"
    assert [[mark.text for mark in marks] for marks in row.marks] == [["✓", "F"], ["✓", "✓"]]
    assert row.marks[0][1].title == (
        "synthetic:smollm2-135m/Q8_0, workload-0, threads=2, round 2: failed, attempt 1 of 2. No memory."
    )
    assert row.marks[0][0].link == "a/report.html"


def test_headings_leave_out_what_all_columns_have() -> None:
    by_workload, by_setting = shown.headings(fleet(1, 2, 2))
    assert [(one.text, one.columns) for one in by_workload] == [("workload-0", 2), ("workload-1", 2)]
    assert [one.text for one in by_setting] == ["threads=2", "threads=4"] * 2
    assert shown.common(fleet(1, 2, 2)) == ["synthetic:smollm2-135m/Q8_0"]
    assert len(shown.headings(fleet(1, 2, 1))) == 1


def test_bars_stand_where_attempts_were_in_time() -> None:
    # Two cells from 0 s and from 62 s on, 60 s each, of 122 s: 0 … 491.8 and 508.2 … 1,000 thousandths.
    drawn = shown.timeline(fleet(1, 2, 1))
    assert drawn is not None
    ((_, (first, second)),) = drawn.rows
    assert (first.x, first.width, second.x, second.width) == (0, 491.8, 508.2, 491.8)
    # At most six ticks: every 30 s, from 08:00:00 on.
    assert drawn.ticks[:2] == ((0, "08:00:00"), (245.9, "08:00:30"))
    assert first.title.replace("\u00a0", " ").endswith("workload-0: VALID, 100 tokens/s")
    assert shown.timeline(replace(fleet(1, 1, 1), cells=())) is None


def test_an_attempt_that_is_under_way_has_a_bar_that_can_be_seen() -> None:
    made = fleet(1, 2, 1)
    going_on = Attempt(1, "under way", at(122))
    cells = (made.cells[0], replace(made.cells[1], status="under way", attempts=(going_on,)))
    drawn = shown.timeline(replace(made, cells=cells))
    assert drawn is not None
    (bar,) = [bar for _, bars in drawn.rows for bar in bars if "under way" in bar.title]
    assert (bar.x, bar.width) == (998, 2)


def test_what_is_missing_is_told_by_host_and_reason() -> None:
    made = fleet(2, 8, 1)
    lost = tuple(replace(cell, status="lost", sentence="Its power failed.") for cell in made.cells[:8])
    waiting = tuple(replace(cell, status="waiting") for cell in made.cells[8:])
    (one,) = shown.missing(replace(made, cells=lost + waiting))
    assert (one.host, one.status, one.why, one.number) == ("host-01", "lost", "Its power failed.", 8)
    assert one.cells == "workload-0; workload-1; workload-2; workload-3; workload-4; workload-5 and 2 more"


def test_drift_is_the_last_round_against_the_first() -> None:
    # 100 → 110 and 50 → 49: ratios 1.10 and 0.98, √1.078 = 1.0383; what failed in one round does not count.
    def cell(column: int, number: int, rate: float | None) -> Cell:
        status = "VALID" if rate else "failed"
        attempt = Attempt(1, status, at(0), 1.0, rate=rate)
        return Cell("k", "h", column, number, 1, status, attempts=(attempt,))

    cells = (cell(0, 1, 100), cell(0, 2, 110), cell(1, 1, 50), cell(1, 2, 49), cell(2, 1, 10), cell(2, 2, None))
    host = Host("h", "ssh")
    made = replace(fleet(1, 3, 1, rounds=2), hosts=(host,), cells=cells)
    assert made.drift(host) == pytest.approx(0.0383, abs=1e-4)
    assert [row.drift for row in shown.hosts(made)] == ["+3.8 %"]
    assert replace(made, rounds=1).drift(host) is None


@pytest.mark.parametrize(
    ("rate", "text"), [(110.0, "+10.0 %"), (90.0, "−10.0 %"), (99.99, "0.0 %"), (100.0, "0.0 %"), (120.0, "+20.0 %")]
)
def test_a_change_has_its_sign_and_none_is_nought(rate: float, text: str) -> None:
    cells = [
        Cell("k", "h", 0, number, 1, "VALID", attempts=(Attempt(1, "VALID", at(0), 1.0, rate=value),))
        for number, value in ((1, 100.0), (2, rate))
    ]
    made = replace(fleet(1, 1, 1, rounds=2), hosts=(Host("h", "ssh"),), cells=tuple(cells))
    assert [row.drift for row in shown.hosts(made)] == [text]
