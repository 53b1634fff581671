import io

from rich.console import Console
from support.checkout import ROOT

from profiler.reports.terminal import summary_table
from profiler.results.manifest import Calibration
from profiler.results.records import Outcome
from profiler.wire_audit.audit import Audit, Spread


def printed(run, *, verbose=False, width=80):
    out = io.StringIO()
    Console(file=out, width=width, color_system=None).print(summary_table(run.summary, run.manifest, verbose=verbose))
    return out.getvalue().replace("\u00a0", " ")


def test_a_run_fits_eighty_columns(fake_run):
    text = printed(fake_run(), verbose=True)
    assert max(map(len, text.splitlines())) <= 80
    first, second, *_ = text.splitlines()
    assert (first, second[:44]) == ("VALID with warnings", "SmolLM2-135M Q8_0 on bench-01, quickstart@1 ")
    assert "60 of 60" in text
    rows = {line.split()[0]: line.split() for line in text.splitlines() if line[:4].strip() in {"TTFT", "ITL", "E2E"}}
    assert rows["ITL"][1:3] == ["ms", "3,780"]
    assert rows["TTFT"][5].startswith("~")  # 60 requests, and p90 needs 64
    assert "~ indicative" in text


def test_the_verdict_comes_first_and_five_numbers_follow(fake_run):
    """Nothing but the verdict is read first: above INVALID nothing says that the run is complete."""
    text = printed(fake_run(failures=dict.fromkeys(range(20), Outcome.RESET)))
    assert text.startswith("INVALID\nSmolLM2")
    assert "omplete" not in text
    shown = [line.split("  ")[0] for line in text.splitlines()]
    labels = ["Requests finished", "Output rate", "Time to first token (TTFT)", "Time per output token (TPOT)"]
    assert [label for label in shown if label in {*labels, "Request rate"}] == [*labels, "Request rate"]
    assert "Model load" not in text
    assert "p99" not in text
    assert "checks skipped; -v lists them" in text


def test_failures_are_shown_with_their_counts(fake_run):
    """Two kinds: 18 measured requests were reset, two timed out; the commonest stands in the verdict too."""
    failures = {**dict.fromkeys(range(2, 20), Outcome.RESET), 20: Outcome.TIMEOUT, 21: Outcome.TIMEOUT}
    text = " ".join(printed(fake_run(failures=failures)).split())
    reset, timed_out = (f"{how}: the connection was closed before the stream ended" for how in ("reset", "timeout"))
    assert f"errors: 20 of 60 requests failed: 18 of them {reset}. Limit: at most 5 %." in text
    assert f"Failed requests 18 {reset} 2 {timed_out}" in text


def test_limits_that_were_set_stand_with_the_verdict(fake_run):
    run = fake_run()
    verdict = run.summary.verdict.model_copy(update={"limits": {"coalesced-reads": 0.5}})
    out = io.StringIO()
    summary = run.summary.model_copy(update={"verdict": verdict})
    Console(file=out, width=80, color_system=None).print(summary_table(summary, run.manifest))
    assert "Limits set by --limit: coalesced-reads=0.5" in out.getvalue()


def test_an_interrupted_run_says_so_beside_its_verdict(fake_run):
    run = fake_run()
    run.manifest.status, run.manifest.status_reason = "interrupted", "signal 2"
    assert printed(run).startswith("INVALID, interrupted: signal 2\n")


def test_a_run_in_which_nothing_finished(fake_run):
    text = printed(fake_run(requests=2, failures=dict.fromkeys(range(20), Outcome.RESET)))
    assert "6 failed" in text
    assert "not measured: no request finished" in text
    assert "p99" not in text


def test_a_latency_that_is_missing_alone_gives_its_reason(fake_run):
    text = printed(fake_run(tokens=1), verbose=True)
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
    text = " ".join(printed(run, verbose=True).split())
    assert text.startswith(f"{verdict.level} ")
    for finding in verdict.findings:
        assert f"- {finding.rule}: {finding.sentence} {finding.remedy}" in text
    assert f"{len(verdict.unchecked)} checks skipped" in text
    for item in verdict.unchecked:
        assert f"- {item.rule}: {item.reason}" in text
    assert (
        "Self-calibration Client timestamp error at concurrency 1, against a null server on this host: p50 20" in text
    )
    assert "Wire audit Client timestamps differ from those that the kernel gave" in text


def test_without_a_capture_nothing_is_said_of_the_wire_but_why(fake_run):
    text = " ".join(printed(fake_run(), verbose=True).split())
    assert "Wire audit" not in text
    assert "- wire-audit: the run was made without --wire-audit" in text
    assert "Self-calibration not made" in text


def test_a_run_that_the_wire_does_not_confirm(fake_run):
    run = fake_run()
    run.wire = captured(error_us=250.0)
    text = " ".join(printed(run).split())
    assert text.startswith("INVALID ")
    assert "- wire-audit: Difference between our timestamps and the wire's: 250 µs (limit: at most 100 µs)." in text


def test_twenty_columns_keep_every_label_and_every_number(fake_run):
    """Where no table fits, each of its rows is a line of its own, as long as it needs to be."""
    wide, narrow = (" ".join(printed(fake_run(), verbose=True, width=width).split()) for width in (400, 20))
    for label in ("Requests finished:", "Time to first token (TTFT):", "ITL, ms: n 3,780,", "p99"):
        assert label in narrow
    assert "Requests finished 60 of 60" in wide
    assert "Requests finished: 60 of 60" in narrow


def test_the_sample_of_the_readme_has_the_lines_of_a_run(fake_run):
    """What README shows was measured; its labels and the order of its lines are those that are printed now."""
    sample = (ROOT / "README.md").read_text("utf-8").partition("```text\n")[2].partition("```")[0]
    now = printed(fake_run())
    shown = [line.split("  ")[0] for line in sample.splitlines()[3:] if line[:1].isalpha()]
    assert shown[0] == "Requests finished"
    assert shown == [label for line in now.splitlines() if (label := line.split("  ")[0]) in shown]
    assert max(map(len, sample.splitlines())) <= 80
