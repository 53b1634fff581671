"""The comparison for programs: CSV with a row for each run, and JSON with everything."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from profiler.csv_cells import harmless
from profiler.reports.compare.comparison import Comparison
from profiler.reports.compare.differences import Difference
from profiler.reports.compare.entries import Entry
from profiler.reports.compare.quality import Paired
from profiler.reports.compare.readings import Reading
from profiler.reports.compare.sides import Side
from profiler.reports.compare.table import verdict
from profiler.stats.estimates import Estimate

FORMAT_VERSION = 1  # of the JSON


def as_csv(comparison: Comparison) -> str:
    """Return one row for each run; every column of numbers has its unit, value, low and high, empty where unknown."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    parts = ("unit", "value", "low", "high", "kind")
    head = ["name", "label", "run_id", "folder", "verdict", *(setting.field for setting in comparison.settings)]
    writer.writerow([*head, *(f"{column.id}_{part}" for column in comparison.columns for part in parts)])
    for entry in comparison.runs:
        values = [setting.values[entry.run.name] for setting in comparison.settings]
        numbers = [part for column in comparison.columns for part in _parts(comparison.read[column.id][entry.index])]
        own = [entry.name, entry.label, entry.manifest.run_id, str(entry.run.folder.path), verdict(entry)]
        writer.writerow([harmless(cell) for cell in [*own, *values]] + numbers)
    return file.getvalue()


def _parts(reading: Reading) -> list[Any]:
    if reading.is_missing:
        return ["", "", "", "", ""]
    low, high = (reading.found.low, reading.found.high) if reading.found else ("", "")
    value = reading.middle
    return [reading.unit, "" if value is None else value, low, high, reading.kind]


def as_json(comparisons: Sequence[Comparison]) -> str:
    """Return everything that the page says, numbers unrounded; of several sets a list of them under `sets`."""
    documents = [_document(comparison) for comparison in comparisons]
    whole = documents[0] if len(documents) == 1 else {"format_version": FORMAT_VERSION, "sets": documents}
    return json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _document(comparison: Comparison) -> dict[str, Any]:
    found = comparison.differences
    return {
        "format_version": FORMAT_VERSION,
        "conclusion": comparison.conclusion,
        "baseline": found.baseline.first.name,
        "baseline_runs": [entry.name for entry in found.baseline.entries],
        "runs": [_run(comparison, entry) for entry in comparison.runs],
        "differences": [
            {
                "run": side.first.name,
                "runs": [entry.name for entry in side.entries],
                **{key: _difference(one) for key, one in found.of(side).items()},
            }
            for side in found.sides.others
        ],
        "quality": [_paired(one) for one in comparison.quality.rows],
        "variation_between_runs": [_variation(comparison, side) for side in found.sides.all],
        "confidence_of_each_difference": dict(found.confidences),
        "mismatches_allowed": [{"field": one.field, "values": one.values} for one in comparison.allowed],
        "differing_settings": [{"field": one.field, "values": one.values} for one in comparison.settings],
        "has_invalid_runs": comparison.is_forced,
        "traps": [asdict(trap) for trap in comparison.traps],
        "warnings": [trap.sentence for trap in comparison.traps],
        "refused": [{"path": str(one.path), "sentence": one.sentence} for one in comparison.refused],
    }


def _variation(comparison: Comparison, side: Side) -> dict[str, Any]:
    """How much runs of one setting differ: standard deviations as a share of the number, null of a single run."""
    metrics = {column.id: column.metric for column in comparison.columns if column.metric is not None}
    ratios = {column: side.variation_ratio(metric) for column, metric in metrics.items()}
    return {"runs": [entry.name for entry in side.entries], "deviation_ratio": ratios}


def _run(comparison: Comparison, entry: Entry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "label": entry.label,
        "run_id": entry.manifest.run_id,
        "folder": str(entry.run.folder.path),
        "measured_utc": entry.manifest.started_utc,
        "collected_utc": entry.manifest.fleet.collected_utc if entry.manifest.fleet else None,
        "verdict": verdict(entry),
        "metrics": {column: _reading(found[entry.index]) for column, found in comparison.read.items()},
    }


def _reading(reading: Reading) -> dict[str, Any]:
    low, high = (reading.found.low, reading.found.high) if reading.found else (None, None)
    return {
        "unit": reading.unit,
        "value": reading.middle,
        "low": low,
        "high": high,
        "kind": reading.kind or None,
        "reason": reading.reason,
    }


def _difference(one: Difference) -> dict[str, Any]:
    alone = one.value if one.ratio is None else None
    reason = one.reason or None
    return {"outcome": one.outcome, "ratio": _ends(one.ratio), "ratio_without_interval": alone, "reason": reason}


def _paired(one: Paired) -> dict[str, Any]:
    """Scores in points, of the same items on both sides."""
    return {
        "run": one.side.first.name,
        "scorer": one.scorer,
        "items": one.items,
        "baseline": one.base,
        "score": one.new,
        "difference": _ends(one.difference),
        "outcome": one.outcome,
        "reason": one.reason or None,
    }


def _ends(found: Estimate | None) -> dict[str, float | None] | None:
    return None if found is None else {"value": found.value, "low": found.low, "high": found.high}
