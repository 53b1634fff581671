"""Script injection through every string of run.json and summary.json, in a real browser."""

import pytest
from pydantic import ValidationError
from support.pages import figures_of

from profiler.reports import html
from profiler.reports.compare import page
from profiler.reports.compare.comparison import compare
from profiler.results.folder import RunFolder
from profiler.results.host_facts import CloudFacts
from profiler.results.manifest import CostFacts, GridEstimate, Manifest, MeterFacts, PowerEstimate, PriceFacts, Source
from profiler.results.run_set import StoredRun
from profiler.results.summary import EnergyAccount, Finding, Scalar, Summary, Unchecked, Verdict

pytestmark = pytest.mark.browser

EVIL = (
    """</script><script>window.hurt=1;alert(1)</script><img src="x" onerror="window.hurt=1"><svg onload="hurt=1">"""
    """<a href="javascript:window.hurt=1">%{x}</a>{{7*7}}'"-->"""
)
SOURCE = Source(name="flag", title="t", date="d", licence="l", url="http://127.0.0.1/")
INJECTED = "document.querySelectorAll('img, iframe, svg a, a[href^=javascript], [onerror], [onload]').length"


def poisoned(model):
    """The same document with the attack appended to every string and every key that its schema lets pass."""
    document = model.model_dump(mode="json")
    count = _poison(document, document, type(model))
    return type(model).model_validate(document), count


def _poison(part, whole, kind):
    count = 0
    places = list(part.items()) if isinstance(part, dict) else list(enumerate(part))
    for key, value in places:
        if isinstance(value, dict | list):
            count += _poison(value, whole, kind)
        elif isinstance(value, str):
            part[key] = value + EVIL
            if _is_valid(whole, kind):
                count += 1
            else:
                part[key] = value
    return count


def _is_valid(document, kind):
    try:
        kind.model_validate(document)
    except ValidationError:
        return False
    return True


def full(run):
    """A manifest and a summary in which every part is there, so that no string is left out."""
    manifest, summary = run.manifest.model_copy(deep=True), run.summary
    manifest.warnings, manifest.overrides, manifest.engine.notes = ["w"], ["o"], ["n"]
    manifest.status_reason = "why"
    manifest.workload = manifest.workload.model_copy(update={"free key": {"another": ["text"]}})
    manifest.host = manifest.host.model_copy(update={"cloud": CloudFacts(instance_type="", note="n")})
    price = PriceFacts(per_hour=1.0, currency="USD", kind="spot", region="r", instance_type="i", source=SOURCE)
    grid = GridEstimate(gco2e_per_kwh=300.0, place="p", source=SOURCE)
    manifest.cost = CostFacts(price=price, grid=[grid], pue_source=SOURCE, embodied_reason="e")
    manifest.energy.meters = [MeterFacts(channel="c", meter="m", meter_class="wall", scope="s", provenance="p")]
    estimate = PowerEstimate(name="o", idle_w=(1.0, 2.0), full_w=(3.0, 4.0), method="m", sources=[SOURCE])
    manifest.energy.estimates, manifest.energy.absent = [estimate], {"nvml": "none"}
    account = EnergyAccount(
        meter_class="wall", scope="s", gross_j=(1.0, 1.0), idle_j=None, net_j=None, coverage_ratio=1.0, provenance="p",
        parts={"channel": (1.0, 1.0)}, notes=["n"],
    )  # fmt: skip
    finding = Finding(
        rule="r", level="VALID with warnings", seen=1.0, limit=0.0, unit="u", sentence="s", why="w", remedy="--r"
    )
    verdict = Verdict(level="VALID with warnings", findings=[finding], unchecked=[Unchecked(rule="r", reason="x")])
    joules = Scalar(unit="J/token", value=1.0, per_repeat=[1.0, 1.1, 0.9], note="n")
    metrics = summary.metrics | {"energy_j_per_output_token": joules, "mbu_ratio": joules, "unheard_of": joules}
    changes = {"metrics": metrics, "energy": [account], "verdict": verdict, "warnings": ["w"], "status_reason": "why"}
    return manifest, summary.model_copy(update=changes)


def keys_too(manifest, summary):
    """Keys that a file chooses freely carry the attack as well."""
    manifest.host = manifest.host.model_copy(update={EVIL: EVIL})
    manifest.workload = manifest.workload.model_copy(update={EVIL: {EVIL: [EVIL]}})
    manifest.energy.absent[EVIL] = EVIL
    summary.metrics[EVIL] = summary.metrics["unheard_of"]
    summary.outcomes[EVIL] = 1
    summary.energy[0].parts[EVIL] = (1.0, 1.0)


@pytest.fixture(params=["every string", "all but the units"])
def attack(request, fake_run):
    """Manifest and summary that attack, and the run they were made from."""
    run = fake_run()
    manifest, summary = full(run)
    units = {name: metric.unit for name, metric in summary.metrics.items()}
    (manifest, in_manifest), (summary, in_summary) = poisoned(manifest), poisoned(summary)
    assert in_manifest > 60
    assert in_summary > 40
    if request.param != "every string":
        for name, unit in units.items():
            summary.metrics[name].unit = unit
    keys_too(manifest, summary)
    return manifest, summary, run


def check(opened, scripts):
    assert opened.evaluate("window.hurt") is None
    assert opened.evaluate(INJECTED) == 0
    assert opened.evaluate("document.scripts.length") == scripts
    assert opened.evaluate("document.body.textContent.includes('window.hurt=1')")  # it is shown, as text
    opened.evaluate("for (const folded of document.querySelectorAll('details')) folded.open = true")
    figures_of(opened)


def test_the_page_of_a_run(show, attack):
    manifest, summary, run = attack
    with show(html.render(manifest, summary, run.requests, run.samples)) as opened:
        check(opened, scripts=3)  # the figures as JSON, plotly, ours


def test_the_page_of_a_comparison(show, attack, tmp_path):
    manifest, summary, _ = attack
    runs = []
    for number in range(3):
        own = manifest.model_copy(deep=True, update={"run_id": f"{EVIL}{number}"})
        cloud = own.host.cloud.model_copy(update={"instance_type": f"{own.host.cloud.instance_type}{number}"})
        own.host = own.host.model_copy(update={"cloud": cloud})  # so that labels carry the attack
        runs.append(StoredRun(RunFolder(tmp_path / f"{EVIL.replace('/', '')}{number}"), own, summary))
    with show(page.render(compare(runs))) as opened:
        check(opened, scripts=4)
        opened.fill("#filter", "window.hurt")
        opened.locator("#shown", has_text="3 of 3 runs").wait_for()
        opened.locator("#table-runs .pick").first.click()
        check(opened, scripts=4)


def test_the_attack_works_where_it_is_not_escaped(chromium, tmp_path):
    """The check itself: the same strings do hurt on a page without policy and escaping."""
    file = tmp_path / "open.html"
    file.write_text(f"<body><script>'{EVIL}", encoding="utf-8")
    opened = chromium.new_page()
    opened.on("dialog", lambda dialog: dialog.dismiss())
    opened.goto(file.as_uri())
    assert opened.evaluate("window.hurt") == 1
    assert opened.evaluate(INJECTED) > 0
    opened.close()


def test_every_string_was_tried(fake_run):
    """Strings that the schema lets pass all carry the attack; what is left is a choice among fixed words."""
    manifest, summary = full(fake_run())
    for model, kind in ((manifest, Manifest), (summary, Summary)):
        changed, _ = poisoned(model)
        left = {text for text in _strings(changed.model_dump(mode="json")) if EVIL not in text}
        words = {"kernel", "complete", "wall", "model", "none", "counter", "spot", "scalar", "distribution"}
        words |= {"not-measured", "VALID with warnings", "cold", "warm"}
        words |= {"quickstart", "completions", "synthetic", "closed-loop", "length", "features", "unified"}
        assert left <= words, (kind, left - words)


def _strings(part):
    if isinstance(part, str):
        yield part
    elif isinstance(part, dict):
        for value in part.values():
            yield from _strings(value)
    elif isinstance(part, list):
        for value in part:
            yield from _strings(value)
