"""References: what is kept of a run, that nothing of its machine is in it, and that those that ship can be read."""

from pathlib import Path

import pytest
from support.loads import swept

from profiler.errors import RunFolderError, UsageError
from profiler.exchange.references import folder, read_references, reference_of
from profiler.results.fleet_facts import FleetFacts
from profiler.results.naming import reference_id
from profiler.verdict.references import beside


def test_those_that_ship_are_valid_and_name_no_machine() -> None:
    found = read_references(folder())
    assert found
    for one in found:
        verdict = one.summary.verdict
        assert verdict is not None
        assert {finding.rule for finding in verdict.findings} <= {"emulated-host"}
        assert (one.manifest.host.name, one.manifest.command_line, one.manifest.engine.command) == (None, [], [])
    text = "".join(file.read_text("utf-8") for file in folder().glob("*.json"))
    assert "/root" not in text
    assert "/home" not in text


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    run = swept("secret-host", {1: (100.0, 50.0)})
    run.manifest.command_line = ["aforo", "run", "--out", "/home/me"]
    run.manifest.engine = run.manifest.engine.model_copy(update={"options": {"--file": "/home/me/x", "--yes": "1"}})
    run.manifest.fleet = FleetFacts.model_construct(fleet="f", host="secret-host")
    kept = reference_of(run.manifest, run.summary)
    (tmp_path / "one.json").write_text(kept.model_dump_json(exclude_defaults=True), "utf-8")
    (again,) = read_references(tmp_path)
    assert again.name == reference_id(run.name)
    assert beside(run, [again]) == beside(run, [])
    assert again.summary.metrics["output_tokens_per_s"] == run.summary.metrics["output_tokens_per_s"]
    assert "cost_per_1m_output_tokens" not in again.summary.metrics
    assert again.manifest.workload == run.manifest.workload
    assert again.manifest.engine.options == {"--yes": "1"}
    assert "/home/me" not in kept.model_dump_json()
    assert "secret-host" not in kept.model_dump_json()
    assert again.manifest.host.name is None


def test_a_run_of_several_loads_is_none() -> None:
    run = swept("host", {1: (100.0, 50.0), 2: (180.0, 60.0)})
    with pytest.raises(UsageError, match="is a run of one load, and this one has 2"):
        reference_of(run.manifest, run.summary)


@pytest.mark.parametrize("text", ["", "{", "{}", "[1]", '{"manifest": 3}'])
def test_a_damaged_one_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "one.json").write_text(text, "utf-8")
    with pytest.raises(RunFolderError, match=r"one\.json cannot be read"):
        read_references(tmp_path)
