"""What is printed, drawn and written of the cheapest candidate."""

import csv
import io
import json
import re

import pytest
from rich.console import Console
from support.loads import price, sweeps, swept

from profiler.reports.cheapest import data, figures, markdown, page, table, terminal, words
from profiler.selection.cheapest import Cheapest, Question, find_cheapest
from profiler.selection.demand import demand
from profiler.selection.targets import target

FAST = {1: (100.0, 100.0), 8: (500.0, 400.0), 16: (520.0, 900.0)}
SLOW = {1: (60.0, 150.0), 8: (380.0, 430.0)}
QUESTION = Question(
    (target("ttft_ms.p95=500", "at most"), target("decode_tokens_per_s.p50=20", "at least")), demand=demand("90")
)


@pytest.fixture(scope="module")
def found() -> Cheapest:
    runs = [
        *sweeps("slow", SLOW, cost=price(1)),
        *sweeps("<b>fast</b>", FAST, cost=price(1)),
        *sweeps("late", {1: (900.0, 700.0)}, cost=price(1)),
    ]
    return find_cheapest(runs, QUESTION)


def test_the_lead_says_who_wins_how_surely_and_where(found: Cheapest) -> None:
    said = words.lead(found)
    assert said.startswith("<b>fast</b> is cheapest with a probability of ")
    assert "0.556" in said  # 1 USD / 3600 / 500 tokens/s · 10⁶
    assert said.endswith("at 8 in flight.")


def test_why_others_are_out_names_target_number_and_by_how_much(found: Cheapest) -> None:
    (late,) = table.out(found)
    assert late.startswith("late at 1 in flight: TTFT p95 at most 500 ms fails: 700")
    assert late.endswith("40% beyond.")


def test_one_run_each_cannot_be_told_and_says_what_to_do() -> None:
    runs = [swept("a", FAST, cost=price(1)), swept("b", SLOW, cost=price(1))]
    said = words.lead(find_cheapest(runs, QUESTION))
    assert said.startswith("Which is cheapest cannot be told: a costs least")
    assert "--drift 3%" in said


def test_where_nothing_meets_the_nearest_miss_is_said() -> None:
    runs = sweeps("a", {1: (1.0, 600.0)}, cost=price(1))
    said = words.lead(find_cheapest(runs, Question((QUESTION.targets[0],))))
    assert said.startswith("No candidate surely meets everything that is asked. Nearest is a at 1 in flight: TTFT p95")
    assert "20% beyond" in said


def test_a_bigger_host_may_be_dearer_by_the_hour_because_hosts_come_whole() -> None:
    runs = [*sweeps("big", {1: (500.0, 100.0)}, cost=price(1)), *sweeps("small", {1: (90.0, 100.0)}, cost=price(0.2))]
    found = find_cheapest(runs, Question((QUESTION.targets[0],), demand=demand("5")))
    assert found.leader is not None
    assert found.leader.candidate.host == "big"
    assert words.fleets_differ(found).startswith("For 5 requests/s an hour costs least with small (1 host")


def test_json_has_everything_unrounded(found: Cheapest) -> None:
    document = json.loads(data.as_json(found))
    first = document["candidates"][0]
    assert document["is_certain"] is True
    assert document["cheapest"] == first["name"]
    assert first["operating_point"] == "c8"
    assert [load["answer"] for load in first["loads"]] == ["meets", "meets", "fails"]
    assert first["loads"][1]["cost"]["value"] == pytest.approx(1 / 3600 / 500 * 1e6, rel=1e-4)
    assert first["hosts"]["hosts"] == 2  # 90 requests/s, 50 from each
    assert first["interpolated"]["is_measured"] is False
    assert document["candidates"][2]["out"][0].startswith("TTFT p95 at most 500 ms fails")


def test_csv_has_a_row_for_each_load(found: Cheapest) -> None:
    rows = list(csv.DictReader(io.StringIO(data.as_csv(found))))
    assert [(row["label"], row["load"], row["is_operating_point"], row["answer"]) for row in rows][:3] == [
        ("<b>fast</b>", "c1", "no", "meets"),
        ("<b>fast</b>", "c8", "yes", "meets"),
        ("<b>fast</b>", "c16", "no", "fails"),
    ]
    assert rows[0]["cost_unit"] == "USD/1M tokens"
    assert float(rows[1]["TTFT p95 at most 500 ms low"]) < 400 < float(rows[1]["TTFT p95 at most 500 ms high"])


def test_markdown_and_terminal_say_the_same(found: Cheapest) -> None:
    text = markdown.render(found)
    assert "\\<b\\>fast" in text
    assert "### Why others are out" in text
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(terminal.summary(found))
    printed = console.export_text()
    assert "is cheapest with a probability" in printed
    assert "interpolated, not measured" in printed


def test_the_page_is_whole_and_escapes_names(found: Cheapest) -> None:
    html = page.render(found)
    assert "<b>fast</b>" not in re.sub(r"<script type=\"application/json\".*?</script>", "", html, flags=re.DOTALL)
    assert "http://" not in html.split("<script")[0]
    assert html.count('class="panel"') == 5  # the costs, and two for each target
    assert page.render(found) == html


def test_the_picture_of_sensitivity_has_the_least_cost_for_each_limit(found: Cheapest) -> None:
    fast = found.considered[0]
    steps = figures.steps_of(fast, 0, QUESTION.targets[0])
    # from the upper end of 100 ms on at 1 in flight, of 400 ms at 8, of 900 ms at 16: each is cheaper than the last
    assert [round(cost, 2) for _, cost in steps] == [2.78, 0.56, 0.53]
    assert [limit > middle for (limit, _), middle in zip(steps, (100, 400, 900), strict=True)] == [True] * 3


def test_without_prices_there_is_nothing_to_draw() -> None:
    html = page.render(find_cheapest(sweeps("a", FAST), QUESTION))
    assert "nothing to draw: no candidate has a price" in html


def test_what_is_invalid_is_marked_wherever_it_is_named() -> None:
    runs = [*sweeps("good", SLOW, cost=price(1)), *sweeps("bad", FAST, cost=price(1), invalid=[8])]
    forced = find_cheapest(runs, QUESTION, allow_invalid=True)
    assert words.lead(forced).startswith("With INVALID runs (--force): bad (INVALID) is cheapest")
    assert "bad (INVALID)" in markdown.render(forced)
    assert [one["is_invalid"] for one in json.loads(data.as_json(forced))["candidates"]] == [True, False]
    assert "INVALID" not in words.lead(find_cheapest(runs, QUESTION))


def test_a_miss_by_many_times_is_told_in_times() -> None:
    said = words.lead(find_cheapest(sweeps("a", {1: (1.0, 6000.0)}, cost=price(1)), Question((QUESTION.targets[0],))))
    assert "12 times the limit" in said


def test_costs_in_two_currencies_are_not_drawn_on_one_axis() -> None:
    runs = [*sweeps("slow", SLOW, cost=price(1)), *sweeps("fast", FAST, cost=price(1, "EUR"))]
    text = page.render(find_cheapest(runs, QUESTION))
    assert "Prices are in EUR and USD" in text
    assert "Cost at the operating point" not in text
    assert "Cost at the operating point" in page.render(find_cheapest(runs[:3], QUESTION))


def test_what_keeps_two_from_being_compared_is_a_sentence_of_its_own() -> None:
    runs = [*sweeps("slow", SLOW, cost=price(1)), *sweeps("fast", FAST, cost=price(1, kind="spot"))]
    said = words.lead(find_cheapest(runs, QUESTION))
    assert " at 8 in flight. Prices are not of one kind: " in said
    assert ".." not in said
