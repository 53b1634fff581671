"""The comparison as Markdown, CSV, JSON and on a terminal."""

import csv
import io
import json

import pytest
from rich.console import Console

from profiler.reports.compare import data, markdown, terminal
from profiler.reports.compare.comparison import compare
from profiler.results.host_facts import HostFacts


def printed(comparison):
    console = Console(width=100, record=True, file=io.StringIO())
    console.print(terminal.summary(comparison))
    return console.export_text()


def test_markdown_has_a_row_for_every_run_and_every_difference(six):
    text = markdown.render(six())
    rows = [line for line in text.splitlines() if line.startswith("| r") and " host-" in line]
    assert len(rows) == 6
    assert rows[3].replace("\N{NO-BREAK SPACE}", " ").startswith("| r4 host-4 | VALID | 400.0 (397.5–402.5) |")
    assert "| r4 | ▲ +300 %" in text.replace("\N{NO-BREAK SPACE}", " ")
    assert "**VALID**: r1–r6" in text
    widths = {line.count(" | ") for line in rows}
    assert len(widths) == 1


def test_markdown_leaves_names_as_they_are(a_run):
    def renamed(manifest, _):
        manifest.host = HostFacts(name="a|b<script>*x*\n# title")

    text = markdown.render(compare([a_run(1, change=renamed), a_run(2)]))
    assert "a\\|b\\<script\\>\\*x\\* \\# title" in text
    assert "<script>" not in text


def test_csv_has_a_row_for_every_run_and_full_numbers(six):
    rows = list(csv.DictReader(io.StringIO(data.as_csv(six()))))
    assert [row["name"] for row in rows] == ["r1", "r2", "r3", "r4", "r5", "r6"]
    assert rows[0]["output_tokens_per_s_value"] == "100.0"
    assert rows[0]["output_tokens_per_s_unit"] == "tokens/s"
    # of a model only the interval is known
    modelled = [rows[0][f"energy_j_per_output_token_{part}"] for part in ("value", "low", "high", "kind")]
    assert modelled == ["", "1.0", "3.0", "model, whole machine"]


def test_csv_holds_no_formulas(a_run):
    def renamed(manifest, _):
        manifest.host = HostFacts(name="=cmd|' /C calc'!A0")

    rows = list(csv.DictReader(io.StringIO(data.as_csv(compare([a_run(1, change=renamed), a_run(2)])))))
    assert rows[0]["label"].startswith("'=cmd")


def test_json_says_everything_unrounded(six):
    document = json.loads(data.as_json([six()]))
    assert document["baseline"] == "r1"
    rate = document["runs"][3]["metrics"]["output_tokens_per_s"]
    assert rate["value"] == 400.0
    assert rate["high"] - rate["value"] == pytest.approx(2.484, abs=0.001)  # t 4.303 × 1 / √3
    r4 = next(row for row in document["differences"] if row["run"] == "r4")
    assert r4["output_tokens_per_s"]["ratio"]["value"] == pytest.approx(4.0)
    assert r4["energy_j_per_output_token"] == {
        "outcome": "undecidable",
        "ratio": None,
        "ratio_without_interval": None,
        # the sentence of the trap's owner, the same as in a claim and in a gate
        "reason": "Energy was not metered alike: counter, GPU boards against model, whole machine. Energies of "
        "different class or scope are not comparable.",
    }
    assert document["conclusion"].startswith("Output rate against r1, of 5 settings: better: ")


def test_a_terminal_gets_runs_differences_and_warnings(six):
    text = printed(six())
    assert "r4 host-4" in text
    assert "Against r1 · host-1" in text
    assert "▲ +300" in text
    assert "Inconclusive for r3, r4, r5" not in text  # of different classes, so with different reasons
    assert "Inconclusive for r3 (Carbon (SCI), Energy)" in text


def test_a_terminal_gets_the_first_of_very_many_runs(a_run):
    text = printed(compare([a_run(number) for number in range(45)]))
    assert "… and 5 more runs, on the page" in text
