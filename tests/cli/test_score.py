"""`aforo score` as it is called."""

import json
from pathlib import Path

import jsonschema
import pytest
from support.loads import swept
from support.rented_runs import rented_runs
from typer.testing import CliRunner

from profiler.cli import app
from profiler.errors import AforoError, UsageError
from profiler.results.manifest import CostFacts, PriceFacts, Source

PROFILE = """id: mine
version: 1
title: Mine
description: For a test.
constraints:
  - {metric: tpot_ms.p95, at_most: LIMIT, why: pace}
criteria:
  - {metric: cost_per_1m_output_tokens, weight: 1, baseline: 10, why: money}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    rented_runs(tmp_path / "runs" / "g", "c7g.4xlarge", 20.0)
    rented_runs(tmp_path / "runs" / "i", "c7i.4xlarge", 30.0)
    (tmp_path / "met.yaml").write_text(PROFILE.replace("LIMIT", "1000"), "utf-8")
    (tmp_path / "unmet.yaml").write_text(PROFILE.replace("LIMIT", "1"), "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def called(*words: str) -> tuple[int, str]:
    outcome = CliRunner().invoke(app, ["score", *words, "-q"])
    if isinstance(outcome.exception, AforoError):
        raise outcome.exception
    return outcome.exit_code, outcome.stdout


def test_a_page_is_written_and_json_is_printed(folder: Path) -> None:
    code, text = called("met.yaml", "runs", "--draws", "1000")
    assert (code, text) == (0, "Score  score.html\n")
    assert "c7i.4xlarge" in (folder / "score.html").read_text("utf-8")
    code, text = called("met.yaml", "runs", "--json", "--draws", "1000")
    assert (code, json.loads(text)["winner"]) == (0, "c2")


def test_a_profile_that_nothing_meets_ends_with_1(folder: Path) -> None:
    code, text = called("unmet.yaml", "runs", "--format", "markdown")
    assert code == 1
    assert "No candidate surely meets every constraint." in text


def test_profiles_are_listed() -> None:
    code, text = called("--list")
    assert code == 0
    assert "cheapest-under-slo  The cheapest that keeps the SLO" in text
    assert len(json.loads(called("--list", "--json")[1])) == 6


def test_every_shipped_profile_keeps_the_schema_that_is_printed() -> None:
    schema = json.loads(called("--schema")[1])
    for profile in json.loads(called("--list", "--json")[1]):
        jsonschema.validate(profile, schema)


def test_what_is_missing_is_said(folder: Path) -> None:
    with pytest.raises(UsageError, match="Expected a profile and run folders"):
        called("met.yaml")
    with pytest.raises(UsageError, match="Did you mean 'cheapest-under-slo'"):
        called("cheapest-under-sol", "runs")
    with pytest.raises(UsageError, match=r"No run is left to score\.\n.*holds no run folder"):
        (folder / "empty").mkdir()
        called("met.yaml", "empty")


def test_a_price_that_is_old_is_named(tmp_path: Path) -> None:
    listed = Source(name="aws", title="AWS Price List", date="2020-01-31")
    paid = PriceFacts(per_hour=1, currency="USD", kind="on-demand", instance_type="c7g.4xlarge", source=listed)
    for host, rate in (("a", 100.0), ("b", 90.0)):
        at, folder = {8: (rate, 400.0)}, tmp_path / "runs" / host
        swept(host, at, cost=CostFacts(price=paid), folder=folder)
    (tmp_path / "mine.yaml").write_text(PROFILE.replace("LIMIT", "1000"), "utf-8")
    runs = str(tmp_path / "runs")
    _, text = called(str(tmp_path / "mine.yaml"), runs, "--json", "--draws", "1000")
    assert any("The price of c7g.4xlarge is of 2020-01-31" in one for one in json.loads(text)["warnings"])
    done = CliRunner().invoke(app, ["cheapest", runs, "--ttft-p95", "500", "--json", "-q"])
    assert any("The price of c7g.4xlarge is of 2020-01-31" in one for one in json.loads(done.stdout)["notes"])


def test_the_baseline_is_named_as_runs_are_named_elsewhere(folder: Path) -> None:
    for said in ("latest", "runs/latest", "c1"):
        _, text = called("met.yaml", "runs", "--baseline", said, "--json", "--draws", "1000")
        assert any(one["score"] == pytest.approx(1.0) for one in json.loads(text)["ranked"]), said
    with pytest.raises(UsageError, match="--baseline nobody: none of the scored runs"):
        called("met.yaml", "runs", "--baseline", "nobody")
