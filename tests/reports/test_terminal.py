import io

from rich.console import Console

from profiler.reports.terminal import summary_table
from profiler.results.records import Outcome


def printed(run):
    out = io.StringIO()
    Console(file=out, width=80, color_system=None).print(summary_table(run.summary, run.manifest))
    return out.getvalue().replace("\u00a0", " ")


def test_a_run_fits_eighty_columns(fake_run):
    text = printed(fake_run())
    assert max(map(len, text.splitlines())) <= 80
    assert text.startswith("Complete\nSmolLM2-135M Q8_0 on bench-01, quickstart@1 (synthetic weights: speed only)")
    assert "60 of 60" in text
    rows = {line.split()[0]: line.split() for line in text.splitlines() if line[:4].strip() in {"TTFT", "ITL", "E2E"}}
    assert rows["ITL"][1:3] == ["ms", "3,780"]
    assert rows["TTFT"][5].startswith("~")  # 60 requests, and p90 needs 64
    assert "~ indicative" in text


def test_an_interrupted_run_says_so_first(fake_run):
    run = fake_run()
    run.manifest.status, run.manifest.status_reason = "interrupted", "signal 2"
    assert printed(run).startswith("INTERRUPTED: signal 2\n")


def test_a_run_in_which_nothing_finished(fake_run):
    text = printed(fake_run(requests=2, failures=dict.fromkeys(range(20), Outcome.RESET)))
    assert "6 failed" in text
    assert "not measured: no request finished" in text
    assert "p99" not in text


def test_a_latency_that_is_missing_alone_gives_its_reason(fake_run):
    text = printed(fake_run(tokens=1))
    assert "TPOT not measured: no finished request has a value for it" in text


def test_names_and_warnings_are_not_taken_for_markup(fake_run):
    run = fake_run()
    run.manifest.model.name = "[red]model[/red]"
    run.manifest.warnings = ["the governor is [bold]powersave[/bold]", "[/nothing]"]
    text = printed(run)
    assert "[red]model[/red] on bench-01" in text
    assert "- the governor is [bold]powersave[/bold]" in text
    assert "- [/nothing]" in text
