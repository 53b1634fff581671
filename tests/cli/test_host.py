"""`aforo host`."""

import json

import pytest
import typer
from typer.testing import CliRunner

from profiler.cli.host import host
from profiler.hosts.facts import CpuFacts, HostFacts


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    facts = HostFacts(name="box", fingerprint="0123456789ab", cpu=CpuFacts(model_name="Neoverse-V1"))
    monkeypatch.setattr("profiler.hosts.detect.describe", lambda: facts)
    app = typer.Typer()
    app.command()(host)
    return app


def test_a_table_for_people(app: typer.Typer) -> None:
    shown = CliRunner().invoke(app, [])

    assert shown.exit_code == 0
    assert "Host box" in shown.stdout
    assert "Neoverse-V1" in shown.stdout


def test_json_for_programs(app: typer.Typer) -> None:
    shown = CliRunner().invoke(app, ["--json"])

    assert HostFacts.model_validate(json.loads(shown.stdout)).cpu.model_name == "Neoverse-V1"
