"""The page of a fleet and its JSON."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

from support.fleets import fleet

from profiler.reports.fleet import data, page
from profiler.reports.fleet.data import Host, Link

EVIL = "</script><img src=x onerror=alert(1)>'\"&"


def links(text: str) -> list[str]:
    """Every address on a page."""
    found: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.extend(value or "" for name, value in attrs if name in {"href", "src"})
            assert not [name for name, _ in attrs if name.startswith("on")]

    Reader().feed(text)
    return found


def test_fifty_hosts_by_twenty_workloads_are_a_small_page_without_scripts() -> None:
    text = page.render(fleet(50, 20, 1, seed=3))
    assert len(text) < 600_000
    assert "<script" not in text
    assert "script-src 'none'" in text
    assert text.count('<th scope="row">host-50') == 2  # of cells and of the timeline


def test_it_links_to_reports_and_comparisons_only() -> None:
    made = replace(fleet(1, 1, 1), comparisons=(Link("comparison.html", "Comparison"),))
    outside = {link for link in links(page.render(made)) if not link.startswith("#")}
    assert outside == {"data:,", "a/report.html", "comparison.html"}


def test_words_of_plans_and_hosts_are_never_markup() -> None:
    made = fleet(1, 1, 1)
    cells = tuple(replace(cell, host=EVIL, status="failed", sentence=EVIL) for cell in made.cells)
    columns = tuple(replace(column, workload=EVIL, model=EVIL, setting=EVIL) for column in made.columns)
    evil = replace(
        made,
        id=EVIL,
        description=EVIL,
        stopped=EVIL,
        notes=(EVIL,),
        hosts=(Host(EVIL, EVIL, EVIL, lost=EVIL),),
        cells=cells,
        columns=columns,
    )
    text = page.render(evil)
    assert "<img" not in text
    assert "</script>" not in text
    links(text)


def test_it_says_why_it_stopped_what_was_lost_and_under_which_plan() -> None:
    made = fleet(1, 1, 1)
    gone = replace(made.cells[0], status="lost", sentence="Nothing came for 60 s.")
    text = page.render(replace(made, cells=(gone,), stopped="stopped by Ctrl-C"))
    plain = " ".join(re.sub(r"<[^>]+>", " ", text).split())
    assert "Stopped : stopped by Ctrl-C" in plain
    assert "host-01 , 1 lost: Nothing came for 60 s." in plain
    assert "ab" * 32 in plain


def test_it_says_whether_it_goes_on() -> None:
    made = replace(fleet(1, 1, 1), stopped_utc=None)
    assert "Its controller was killed" in page.render(made)
    assert "It is under way." in page.render(replace(made, is_active=True))


def test_the_same_state_gives_the_same_bytes() -> None:
    assert page.render(fleet(3, 4, 2, 2, seed=1)) == page.render(fleet(3, 4, 2, 2, seed=1))


def test_json_holds_everything_unrounded() -> None:
    made = fleet(2, 2, 1, rounds=2)
    document = json.loads(data.as_json(made))
    assert document["counts"] == {"VALID": 8}
    assert document["format_version"] == data.FORMAT_VERSION
    assert document["hosts"][0]["drift_ratio"] == 0
    assert document["cells"][0]["attempts"][0]["rate"] == 100.0
    assert document["plan_sha256"] == "ab" * 32
