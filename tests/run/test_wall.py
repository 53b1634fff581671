"""Readings of an external meter, imported into a run that was made here once."""

import json
import shutil
from pathlib import Path

import pytest

from profiler.errors import UsageError
from profiler.results.folder import RunFolder
from profiler.results.summary import Scalar
from profiler.run.recompute import summary_of
from profiler.run.wall import import_meter

GOLDEN = Path(__file__).parents[1] / "golden" / "v1-smoke"
OFFSET_NS = 1_700_000_000_000_000_000


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    path = tmp_path / "run"
    shutil.copytree(GOLDEN, path)
    document = json.loads((path / "run.json").read_text())
    document["wall_offset_ns"] = OFFSET_NS
    (path / "run.json").write_text(json.dumps(document))
    return RunFolder(path)


def meter_file(folder: RunFolder, watts: float, from_s: float = -5, to_s: float = 5) -> Path:
    """Readings every half second, from before the measured phase until after it."""
    (phase,) = [phase for phase in folder.read_manifest().phases if phase.is_measured]
    assert phase.end_ns is not None
    start_s, end_s = ((t_ns + OFFSET_NS) / 1e9 for t_ns in (phase.start_ns, phase.end_ns))
    moments, t_s = [], start_s + from_s
    while t_s < end_s + to_s:
        moments.append(t_s)
        t_s += 0.5
    path = folder.path.parent / "meter.csv"
    path.write_text("timestamp,watts\n" + "".join(f"{t:.3f},{watts}\n" for t in moments))
    return path


def value(metric: object) -> float:
    assert isinstance(metric, Scalar)
    assert metric.value is not None, metric.reason
    return metric.value


def test_wall_readings_stand_for_the_run_beside_its_other_meters(folder: RunFolder) -> None:
    manifest, summary = import_meter(folder, meter_file(folder, 40.0), None)
    assert (manifest.energy.meter_class, manifest.energy.scope) == ("wall", "whole machine")
    assert value(summary.metrics["mean_power_w"]) == pytest.approx(40)
    rate = value(summary.metrics["output_tokens_per_s"])
    assert value(summary.metrics["energy_j_per_output_token"]) == pytest.approx(40 / rate)
    assert summary.energy[0].meter_class == "wall"
    assert "wall, whole machine" in folder.report.read_text("utf-8")
    assert summary_of(folder)[1] == summary


def test_a_second_import_replaces_the_first(folder: RunFolder) -> None:
    import_meter(folder, meter_file(folder, 40.0), None)
    manifest, summary = import_meter(folder, meter_file(folder, 50.0), None)
    assert [meter.channel for meter in manifest.energy.meters] == ["wall"]
    assert value(summary.metrics["mean_power_w"]) == pytest.approx(50)


def test_a_file_from_another_hour_is_refused_and_changes_nothing(folder: RunFolder) -> None:
    before = (folder.path / "run.json").read_bytes()
    late = meter_file(folder, 40.0, from_s=3600, to_s=3700)
    with pytest.raises(UsageError, match=r"cover 0% of the steady windows.*Check --timezone"):
        import_meter(folder, late, None)
    assert (folder.path / "run.json").read_bytes() == before
    assert not folder.wall.exists()


def test_a_meter_too_coarse_for_the_run_is_refused_and_changes_nothing(folder: RunFolder) -> None:
    (phase,) = [phase for phase in folder.read_manifest().phases if phase.is_measured]
    start_s = (phase.start_ns + OFFSET_NS) / 1e9
    path = folder.path.parent / "meter.csv"
    path.write_text("timestamp,kwh\n" + "".join(f"{start_s + 60 * i:.3f},7.{30 + i // 3}\n" for i in range(-3, 6)))
    before = (folder.path / "run.json").read_bytes()
    with pytest.raises(UsageError, match=r"cannot be used for this run: .*0\.01 kWh \(36,000 J\)"):
        import_meter(folder, path, None)
    assert (folder.path / "run.json").read_bytes() == before


def test_a_run_that_does_not_know_its_wall_time(tmp_path: Path) -> None:
    shutil.copytree(GOLDEN, tmp_path / "run")
    with pytest.raises(UsageError, match="does not say how its clock relates to wall time"):
        import_meter(RunFolder(tmp_path / "run"), tmp_path / "meter.csv", None)
