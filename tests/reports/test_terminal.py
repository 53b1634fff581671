import io

from rich.console import Console

from profiler.reports.terminal import summary_table
from profiler.results.manifest import Calibration
from profiler.results.records import Outcome
from profiler.timing.audit import Audit, Spread


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


def captured(error_us=12.34):
    spread = Spread(100, 1.0, error_us, error_us)
    return Audit(200, 0, 100, 100, 0, spread, spread, agrees=error_us <= 100, verdict="")


def test_the_trust_block_is_shown_whole(fake_run):
    """Verdict, findings with their remedy, what could not be checked and why, calibration and audit."""
    run = fake_run()
    run.wire = captured()
    run.manifest.calibration = Calibration(
        concurrency=1, tokens=300, arrival_us={"p50": 20.0, "p99": 70.0}, user_space_us={"p50": 100.0, "p99": 900.0}
    )
    verdict = run.summary.verdict
    assert verdict.findings
    assert verdict.unchecked
    text = " ".join(printed(run).split())
    assert f" {verdict.level} " in text
    for finding in verdict.findings:
        assert f"- {finding.rule}: {finding.sentence} {finding.remedy}" in text
    assert f"{len(verdict.unchecked)} checks could not be made" in text
    for item in verdict.unchecked:
        assert f"- {item.rule}: {item.reason}" in text
    assert "Self-calibration With 1 in flight, stamps lay 20 µs (p50) and 70 µs (p99) behind" in text
    assert "Wire audit 99 % of our stamps of arrival, and of those of sending, lay within 12.3 µs" in text


def test_without_a_capture_nothing_is_said_of_the_wire_but_why(fake_run):
    text = " ".join(printed(fake_run()).split())
    assert "Wire audit" not in text
    assert "- wire-audit: the run was made without --wire-audit" in text
    assert "Self-calibration not made" in text


def test_a_run_that_the_wire_does_not_confirm(fake_run):
    run = fake_run()
    run.wire = captured(error_us=250.0)
    text = " ".join(printed(run).split())
    assert " INVALID " in text
    assert "- wire-audit: Difference between our timestamps and the wire's: 250 µs (limit: at most 100 µs)." in text
