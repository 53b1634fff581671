"""Reference runs: what this project measured itself, by kind of host, in files that ship with it.

A file holds of a run what says how it was made and how fast it was, and nothing of whose machine it was: no names, no
paths, no command lines.
"""

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from profiler.content import content
from profiler.errors import RunFolderError, UsageError
from profiler.files import parse_json, read_bytes
from profiler.metrics.catalogue import METRICS
from profiler.results.folder import RunFolder
from profiler.results.manifest import CostFacts, EnergyFacts, Manifest
from profiler.results.naming import reference_id
from profiler.results.part import Part
from profiler.results.run_set import StoredRun
from profiler.results.summary import Summary

FORMAT_VERSION = 1
_GROUPS = {"latency", "throughput"}


class Reference(Part):
    """The whole of a file below `reports/reference/`."""

    format_version: int = FORMAT_VERSION
    manifest: Manifest
    summary: Summary


def folder() -> Path:
    """Return where the references that ship are."""
    return content("reports") / "reference"


def reference_of(manifest: Manifest, summary: Summary) -> Reference:
    """Return what a reference keeps of a run. Raises `UsageError` for one of several loads.

    The numbers of such a run are those of its knee, which lies elsewhere on another host.
    """
    if len(summary.points) > 1:
        raise UsageError(
            f"A reference is a run of one load, and this one has {len(summary.points)}. Measure one, such as "
            "aforo run quickstart --concurrency 4, and export that."
        )
    host = manifest.host.model_copy(update={"name": None, "fingerprint": "", "kernel": None, "roofline": None})
    hidden: dict[str, object] = {
        "path": None,
        "command": [],
        "url": "",
        "notes": [],
        "options": _plain(manifest.engine.options),
    }
    engine = manifest.engine.model_copy(update=hidden)
    run_id = reference_id(manifest.run_id)
    about = {
        "run_id": run_id,
        "host": host,
        "engine": engine,
        "model": manifest.model.model_copy(update={"path": None, "changed_from": None}),
        "command_line": [],
        "phases": [],
        "energy": EnergyFacts(),
        "cost": CostFacts(),
        "tuning": None,
        "fleet": None,
        "lora": manifest.lora and manifest.lora.model_copy(update={"path": ""}),
        "nonce": None,
        "wall_offset_ns": None,
    }
    kept = {name: one for name, one in summary.metrics.items() if name in METRICS and METRICS[name].group in _GROUPS}
    plain: dict[str, object] = {
        "energy": [],
        "languages": [],
        "points": [],
        "headline": None,
        "conclusion": None,
        "run_id": run_id,
    }
    return Reference(
        manifest=manifest.model_copy(update=about), summary=summary.model_copy(update={**plain, "metrics": kept})
    )


def _plain(options: Mapping[str, str]) -> dict[str, str]:
    """Return options without those that name a path."""
    return {flag: value for flag, value in options.items() if "/" not in value}


def read_references(path: Path) -> list[StoredRun]:
    """Read every reference of a folder, by name of its file. Raises `RunFolderError` for one that is damaged."""
    return [_read(file) for file in sorted(path.glob("*.json"))]


def _read(file: Path) -> StoredRun:
    try:
        found = Reference.model_validate(parse_json(read_bytes(file)))
    except (OSError, ValueError, ValidationError) as error:
        why = " ".join(str(error).split())[:200]
        raise RunFolderError(f"The reference {file} cannot be read: {why}. Restore it, or remove the file.") from error
    return StoredRun(RunFolder(file), found.manifest, found.summary)
