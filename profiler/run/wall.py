"""Readings of an external meter become part of a run, beside those of its own meters."""

from collections.abc import Sequence
from pathlib import Path

from profiler.energy import wall
from profiler.energy.metered import FULL_COVERAGE
from profiler.errors import UsageError
from profiler.results.folder import RunFolder
from profiler.results.manifest import Manifest
from profiler.results.summary import EnergyAccount, Summary
from profiler.run.recompute import recompute, summaries_of


def import_meter(folder: RunFolder, path: Path, zone: str | None) -> tuple[Manifest, Summary]:
    """Import a CSV file into a run, and recompute its summary and its report.

    Raises `UsageError` where the file cannot be placed on the run's clock or does not cover its steady windows; the
    run is then as it was.
    """
    manifest = folder.read_manifest()
    offset_ns = manifest.wall_offset_ns
    if offset_ns is None:
        raise UsageError(f"{folder.path} does not say how its clock relates to wall time. Repeat the run.")
    meter = wall.read(path, offset_ns, zone)
    energy = manifest.energy.model_copy(
        update={
            "meters": wall.with_wall(manifest.energy.meters, meter.facts),
            "meter_class": "wall",
            "scope": wall.SCOPE,
        }
    )
    manifest = manifest.model_copy(update={"energy": energy})
    _check([point.energy for point in summaries_of(folder, manifest, meter.readings)], meter, manifest, path)
    folder.write_wall(meter.readings)
    folder.write_manifest(manifest)
    return recompute(folder)


def _check(points: Sequence[Sequence[EnergyAccount]], meter: wall.Meter, manifest: Manifest, path: Path) -> None:
    """Refuse readings that say nothing about the steady windows of any load."""
    found = [account for accounts in points for account in accounts if account.meter_class == "wall"]
    if any(account.gross_j is not None for account in found):
        return
    account = max(found, key=lambda account: account.coverage_ratio)
    if account.coverage_ratio >= FULL_COVERAGE:
        raise UsageError(f"{path} cannot be used for this run: {'; '.join(account.notes)}.")
    measured = [phase for phase in manifest.phases if phase.is_measured and phase.end_ns is not None]
    if not measured:
        raise UsageError(f"{manifest.run_id} has no measured phase that ended: there is nothing to meter.")
    offset_ns = manifest.wall_offset_ns or 0
    start, end = (wall.utc_of(t_ns, offset_ns) for t_ns in (measured[0].start_ns, measured[-1].end_ns or 0))
    raise UsageError(
        f"{path}: its {'; '.join(account.notes) or 'readings do not fit'}. The run was measured from {start} to {end}, "
        f"the file reaches from {meter.first_utc.isoformat()} to {meter.last_utc.isoformat()}. Check --timezone and "
        "the meter's clock."
    )
