import csv
import io

import pytest

from profiler.reports import run_text
from profiler.results.manifest import Point
from profiler.results.points import at_concurrency
from profiler.results.summary import PointSummary
from profiler.search.variants import Variant

EVIL = "a|b <script>alert(1)</script> [x](javascript:y) *z*\nnew line"


def rows_of(run):
    return list(csv.DictReader(io.StringIO(run_text.as_csv(run.manifest, run.summary))))


def test_markdown_begins_with_the_verdict_and_ends_with_the_command(fake_run):
    run = fake_run()
    lines = run_text.markdown(run.manifest, run.summary).splitlines()
    assert lines[0].startswith(
        "## bench-01 · Intel Xeon Platinum 8488C, 2 CPUs, 8.00 GiB · llama-cpp-python 0.3.36 · SmolLM2-135M Q8\\_0"
    )
    assert lines[2].startswith("**VALID")
    assert "aforo run quickstart --threads 2 --seed 7" in lines
    latency = next(line for line in lines if line.startswith("| TTFT, ms |"))
    assert latency.count("|") == 8  # name, mean, four percentiles, n
    assert "% CI" in next(line for line in lines if line.startswith("| Output rate"))
    assert len(lines) < 60  # short enough for a pull request


def test_nothing_from_a_file_is_markup(fake_run):
    run = fake_run(repeats=1, requests=4)
    run.manifest.model.name = EVIL
    run.manifest.host = run.manifest.host.model_copy(update={"name": EVIL})
    run.manifest.warnings = [EVIL]
    text = run_text.markdown(run.manifest, run.summary)
    assert "<script>" not in text.replace("\\<", "")
    assert "](javascript" not in text.replace("\\]", "").replace("\\[", "")
    assert "new line" in text.splitlines()[0]


def test_csv_has_a_row_for_every_metric_with_its_interval(fake_run):
    run = fake_run()
    rows = {row["metric"]: row for row in rows_of(run)}
    assert set(rows) == set(run.summary.metrics)
    ttft, rate = rows["ttft_ms"], rows["output_tokens_per_s"]
    assert (ttft["n"], ttft["unit"]) == ("60", "ms")
    assert float(ttft["low"]) < float(ttft["value"]) < float(ttft["high"])
    assert float(ttft["p50"]) < float(ttft["p99"])
    assert float(rate["low"]) < float(rate["value"]) < float(rate["high"])
    absent = rows["energy_j_per_output_token"]
    assert (absent["value"], absent["not_measured"]) == ("", "this host exposes no energy counter")


@pytest.mark.parametrize("form", [run_text.as_csv, run_text.markdown])
def test_several_loads_are_told_apart(fake_run, form):
    run = fake_run(repeats=2, requests=4)
    summary = run.summary
    parts = {"requests_ok": 8, "requests_failed": 0, "outcomes": {}, "metrics": summary.metrics}
    points = [PointSummary(point=Point(name=f"c{n}", concurrency=n), **parts) for n in (1, 4)]
    text = form(run.manifest, summary.model_copy(update={"points": points, "headline": "c4"}))
    assert ("c1" in text and "c4" in text) or ("1\u00a0in flight" in text or "1 in flight" in text)


def test_markdown_has_the_table_of_a_sweep_over_depths(fake_run):
    run = fake_run()
    points = [
        PointSummary(
            point=Variant(depth, None, "cold").at(at_concurrency(1)),
            requests_ok=9,
            requests_failed=0,
            outcomes={},
            metrics=run.summary.metrics,
        )
        for depth in (0, 4096)
    ]
    text = run_text.markdown(run.manifest, run.summary.model_copy(update={"points": points}))
    head = next(line for line in text.splitlines() if line.startswith("| Speed against depth | TTFT cold p50, ms |"))
    row = next(line for line in text.splitlines() if line.startswith("| depth 4,096 |"))
    assert head.count("|") == row.count("|")
