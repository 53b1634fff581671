"""`aforo host`, `aforo host check` and `aforo host roofline`."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from profiler.cli import app
from profiler.hosts.check import KNOBS
from profiler.results.host_facts import CpuFacts, HostFacts, PeakFacts, RooflineFacts

ROOFLINE = RooflineFacts(
    fingerprint="0123456789ab",
    measured_utc="2026-01-01T00:00:00Z",
    tool_version="0",
    threads=2,
    memory_bytes_per_s=12.5e9,
    peaks={
        "f32": PeakFacts(operations_per_s=9e10, how="avx2-fma"),
        "bf16": PeakFacts(operations_per_s=None, reason="no"),
    },
)


@pytest.fixture(autouse=True)
def box(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> HostFacts:
    """A host of which little is known, with an empty cache folder and nobody to ask."""
    facts = HostFacts(name="box", fingerprint="0123456789ab", cpu=CpuFacts(model_name="Neoverse-V1"))
    monkeypatch.setattr("profiler.hosts.detect.describe", lambda: facts)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return facts


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A roofline that takes no time to measure; what was measured."""
    hosts: list[str] = []

    def measure(host: HostFacts, *_: object) -> RooflineFacts:
        hosts.append(host.fingerprint)
        return ROOFLINE

    monkeypatch.setattr("profiler.hosts.roofline.measure", measure)
    return hosts


def printed(*arguments: str) -> str:
    shown = CliRunner().invoke(app, ["host", *arguments])
    assert shown.exit_code == 0, shown.output
    return shown.stdout


def test_a_table_for_people() -> None:
    shown = printed()

    assert "Host box" in shown
    assert "Neoverse-V1" in shown
    assert "run aforo host roofline" in shown


def test_json_for_programs() -> None:
    assert HostFacts.model_validate(json.loads(printed("--json"))).cpu.model_name == "Neoverse-V1"


@pytest.mark.parametrize(
    ("options", "asked"), [([], (None, False)), (["--cloud"], (None, True)), (["--no-cloud"], None)]
)
def test_who_is_asked_for_the_cloud(
    options: list[str], asked: tuple[str | None, bool] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def ask(known: object, *, everyone: bool) -> object:
        seen.append((known.provider, everyone))
        return known

    monkeypatch.setattr("profiler.hosts.cloud.ask", ask)
    printed(*options, "--json")

    assert seen == ([] if asked is None else [asked])


def test_check_looks_at_every_knob_and_always_exits_with_0(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("profiler.hosts.check._LOOK_S", 0.0)
    reports = json.loads(printed("check", "--json"))

    assert [report["knob"] for report in reports] == [knob.name for knob in KNOBS]
    assert set(reports[0]) == {"knob", "seen", "advice", "why"}
    assert "memory pressure" in printed("check")


def test_roofline_is_measured_once(measured: list[str]) -> None:
    first, again = printed("roofline", "--json"), printed("roofline", "--json")

    assert measured == ["0123456789ab"]
    assert RooflineFacts.model_validate_json(first) == ROOFLINE == RooflineFacts.model_validate_json(again)
    printed("roofline", "--refresh", "--quiet")
    assert len(measured) == 2


def test_roofline_says_what_was_not_measured_and_the_host_shows_it(measured: list[str]) -> None:
    shown = printed("roofline", "--quiet")

    assert "12.5 GB/s" in shown
    assert "90.0 Gop/s" in shown
    assert "not measured" in shown
    assert "12.5 GB/s" in printed()
