import json
import random
import subprocess
import sys
from html import unescape
from html.parser import HTMLParser

import pytest
from plotly.offline import get_plotlyjs
from support.stored_runs import fleet_facts

from profiler.metrics.catalogue import METRICS
from profiler.reports import html
from profiler.reports.run_text import markdown
from profiler.reports.tables import is_left_out
from profiler.results.manifest import Calibration, FleetFacts
from profiler.results.records import Outcome
from profiler.wire_audit.audit import Audit, Spread

EVIL = """</script><script>window.hurt=1</script><img src=x onerror="window.hurt=1">'"&\u2028"""


class Outline(HTMLParser):
    """Tags, attributes and text of a page, with what stands inside each script."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.links, self.scripts, self.text = [], [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in {"src", "href", "action", "srcset"}]
        assert not [name for name, _ in attrs if name.startswith("on")], "a handler in an attribute"
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data):
        if self.lasttag == "script" and self.scripts:
            self.scripts[-1] += data
        if self.lasttag not in {"script", "style"}:
            self.text.append(data)


def text_of(page):
    return " ".join(" ".join(Outline(page).text).split())


def test_a_page_is_one_file_without_links_elsewhere(fake_run):
    outline = Outline(fake_run().page())
    assert [link for link in outline.links if not link.startswith("#")] == ["data:,"]
    assert outline.tags.count("script") == 3
    assert "iframe" not in outline.tags


def test_plotly_is_embedded_once(fake_run):
    assert fake_run().page().count(get_plotlyjs()) == 1


def test_the_same_run_gives_the_same_bytes(fake_run):
    run = fake_run()
    summary, first = run.summary, run.page()
    random.Random(1).shuffle(run.requests)  # noqa: S311 - an order, not a secret
    run.samples.reverse()
    assert html.render(run.manifest, summary, run.requests, run.samples) == first


@pytest.mark.parametrize(
    "expected",
    [
        "bench-01",
        "llama-cpp-python 0.3.36",
        "SmolLM2-135M Q8_0",
        "quickstart@1",
        ", complete",
        "Intel Xeon Platinum 8488C, 2 CPUs, 8.00 GiB",
        "VALID with warnings (too-few-samples)",
        "synthetic weights: speed only",
        "Decode speed, per stream",
        "leaves out sampling and the HTTP server",
        "Showing 60 of 60 measured requests",
        "Intel(R) Xeon(R) Platinum 8488C",
        "AVX512 = 1",
        "python -m llama_cpp.server --model smollm2-135m-q8_0.gguf --n_threads 2",
        "Stamps by SO_TIMESTAMPNS",
        "not measured: this host exposes no energy counter",
        "aforo run quickstart --threads 2 --seed 7",
        "seed 7 · Aforo 0.1.0 · Python 3.11.9 · run format 1",
    ],
)
def test_what_a_reader_looks_for(fake_run, expected):
    assert expected in text_of(fake_run().page())


def test_text_from_files_and_servers_stays_text(fake_run):
    run = fake_run(failures={5: Outcome.SERVER_ERROR})
    run.manifest.model.name = run.manifest.model.architecture = EVIL
    run.manifest.host = run.manifest.host.model_copy(update={"name": EVIL, "kernel": EVIL})
    run.manifest.workload = run.manifest.workload.model_copy(update={"description": EVIL, "id": EVIL, EVIL: EVIL})
    run.manifest.warnings = run.manifest.engine.notes = run.manifest.engine.command = [EVIL]
    run.manifest.status_reason = run.manifest.started_utc = run.manifest.energy.reason = EVIL
    run.manifest.command_line = run.manifest.overrides = [EVIL]
    run.manifest.client.stamp_note = run.manifest.engine.name = run.manifest.engine.build = EVIL
    run.requests[5].detail = EVIL
    _rename_phase(run, "repeat-2", f"repeat-{EVIL}")
    page = html.render(run.manifest, run.summary, run.requests, run.samples)
    outline = Outline(page)
    assert outline.tags.count("script") == 3
    assert "img" not in outline.tags
    assert "window.hurt" in "".join(outline.text)
    assert "<" not in outline.scripts[0]
    json.loads(outline.scripts[0])


def test_a_long_command_has_a_line_for_every_option(fake_run):
    run = fake_run()
    run.manifest.engine.command = ["python", "-m", "server", "--model", "a file.gguf", "--alias", "x" * 60]
    assert f"python -m server \\\n  --model 'a file.gguf' \\\n  --alias {'x' * 60}</pre>" in unescape(run.page())


def _rename_phase(run, old, new):
    for phase in run.manifest.phases:
        phase.name = new if phase.name == old else phase.name
    for request in run.requests:
        request.phase = new if request.phase == old else request.phase


def test_failures_are_listed_with_their_words(fake_run):
    page = text_of(fake_run(failures=dict.fromkeys(range(2, 30), Outcome.TRUNCATED)).page())
    assert "Measured requests by outcome: ok 32, truncated 28. Showing 10 of 28" in page
    assert "truncated : the connection was closed before the stream ended" in page


def test_no_request_finished(fake_run):
    page = text_of(fake_run(failures=dict.fromkeys(range(100), Outcome.RESET)).page())
    assert page.count("Nothing to draw: no request finished.") == 4
    assert "not measured: no request finished" in page


def test_nothing_was_recorded_at_all(fake_run):
    run = fake_run()
    run.requests, run.samples, run.timings, run.manifest.phases = [], [], [], []
    page = text_of(run.page())
    assert "No measured request was sent, so there is no timeline." in page
    assert "No utilisation sample was recorded." in page
    assert "none sent" in page


def test_an_interrupted_run_with_open_phases(fake_run):
    run = fake_run()
    run.manifest.status, run.manifest.status_reason, run.manifest.ended_utc = "interrupted", "signal 2", None
    run.manifest.phases = run.manifest.phases[:3]
    run.manifest.phases[-1].end_ns = run.manifest.phases[-1].client_cpu_ns = None
    page = text_of(run.page())
    assert "INTERRUPTED : signal 2. The numbers below cover the requests that had finished." in page


def test_a_run_that_was_never_closed(fake_run):
    run = fake_run()
    run.manifest.status = "running"
    assert "RUNNING : the run was never closed" in text_of(run.page())


def test_a_host_that_hides_its_processes(fake_run):
    run = fake_run()
    for sample in run.samples:
        sample.server_cpu_cores = sample.client_cpu_cores = sample.server_rss_bytes = None
        sample.host_cpu_ratio = sample.host_steal_ratio = None
    page = text_of(run.page())
    assert "Neither the server's nor the load driver's CPU time could be read." in page
    assert "The memory of the server's processes could not be read." in page
    assert "The CPU time of the whole host could not be read." in page


def test_user_space_stamps_are_said(fake_run):
    run = fake_run()
    run.manifest.client.stamp_source = "user"
    assert "stamped by the load driver itself" in text_of(run.page())


def test_five_thousand_requests_stay_below_ten_megabytes(fake_run):
    page = fake_run(repeats=5, requests=1000, concurrency=32, tokens=32, sample_hz=10).page()
    assert len(page.encode()) < 10_000_000
    assert "Showing 120 of 5,000 measured requests" in text_of(page)


def test_a_page_needs_no_numpy():
    code = (
        "import sys; sys.modules['numpy'] = None; import profiler.reports.html; from profiler.reports.ecdf import ecdf"
    )
    subprocess.run([sys.executable, "-c", f"{code}; ecdf([1.0, 2.0], [], 'TTFT')"], check=True)


def test_the_trust_block_is_shown_whole(fake_run):
    run = fake_run()
    spread = Spread(100, 1.0, 12.34, 20.0)
    run.wire = Audit(200, 0, 100, 100, 0, spread, spread, agrees=True, verdict="")
    run.manifest.calibration = Calibration(
        concurrency=1, tokens=300, arrival_us={"p50": 20.0, "p99": 70.0}, user_space_us={"p50": 100.0, "p99": 900.0}
    )
    verdict = run.summary.verdict
    assert verdict.findings
    assert verdict.unchecked
    text = text_of(run.page())
    assert verdict.level in text
    for finding in verdict.findings:
        said = f"{finding.rule} : {finding.sentence} {finding.why} {finding.remedy}"
        assert "".join(said.split()) in "".join(text.split())  # options stand in elements of their own
    for item in verdict.unchecked:
        assert f"{item.rule} : {item.reason}" in text
    assert (
        "Self-calibration: Client timestamp error at concurrency 1, against a null server on this host: p50 20" in text
    )
    assert (
        "Wire audit: Client timestamps differ from those that the kernel gave the same segments on the wire by" in text
    )
    for name, spec in METRICS.items():
        is_shown = spec.group == "trust" and not is_left_out(name, run.summary.metrics)
        assert not is_shown or spec.formula in text, name


def test_an_option_in_a_remedy_stays_on_one_line(fake_run):
    page = fake_run(requests=3).page()
    assert '<em>Raise <span class="option">--requests</span> or <span class="option">--repeats</span>.</em>' in page


def test_only_an_invalid_run_is_watermarked(fake_run):
    assert '<body class="invalid">' not in fake_run().page()
    assert '<body class="invalid">' in fake_run(requests=3).page()


def test_a_run_of_a_fleet_says_where_it_comes_from(fake_run):
    run = fake_run()
    run.manifest.fleet = FleetFacts.model_validate(fleet_facts("ssh", fleet="lab <b>", labels={"rack": "7"}))
    text = text_of(run.page())
    assert f"measured {run.manifest.started_utc}" in text
    assert "collected 2026-11-30T10:00:00Z by ssh, lab-1 of fleet lab <b>" in text
    assert "ab" * 32 in text
    assert "Labels: rack 7" in text
    assert "Run `" in markdown(run.manifest, run.summary)
    assert "collected 2026-11-30T10:00:00Z by ssh (fleet lab \\<b\\>, m.w.r1)" in markdown(run.manifest, run.summary)
