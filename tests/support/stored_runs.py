"""Small run folders on disk, whose numbers can be checked by hand."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from support.builders import WORKLOAD, manifest, request

from profiler.results.folder import Journal, RunFolder
from profiler.results.manifest import Manifest
from profiler.results.records import RequestRecord
from profiler.results.run_set import StoredRun
from profiler.results.summary import Metric, Scalar, Verdict
from profiler.summaries.summarize import summarize

GOLDEN = Path(__file__).parents[1] / "golden" / "v1-smoke"


def changed(base: Manifest, changes: Mapping[str, Any]) -> Manifest:
    """A manifest with some keys changed, such as `{"model.quantisation": "Q4_0"}`; the rest as it was.

    What a workload leaves out is as in `WORKLOAD`.
    """
    document = base.model_dump()
    for path, value in changes.items():
        *parents, key = path.split(".")
        target = document
        for parent in parents:
            target = target[parent]
        target[key] = {**WORKLOAD, **value} if path == "workload" else value
    return Manifest.model_validate(document)


def fleet_facts(transport: str = "ssh", **changes: Any) -> dict[str, Any]:
    """What the run of a fleet says of where it comes from."""
    about = {"fleet": "all", "plan_sha256": "ab" * 32, "host": "lab-1", "transport": transport, "cell": "m.w.r1"}
    place = {"order": 2, "cells": 8, "round": 1, "attempt": 1, "collected_utc": "2026-11-30T10:00:00Z"}
    return {**about, **place, **changes}


def stored(
    path: Path,
    *,
    run_id: str | None = None,
    requests: Sequence[RequestRecord] | None = None,
    repeats: int = 1,
    metrics: Mapping[str, Metric] | None = None,
    level: str | None = "VALID",
    **changes: Any,
) -> StoredRun:
    """Write a run folder and return it; a key of the manifest is given as `model__quantisation="Q4_0"`.

    Two requests of three tokens unless given. `metrics` stand in the summary in place of what it would say.
    """
    folder = RunFolder(path)
    folder.create()
    run = changed(manifest(repeats=repeats), {key.replace("__", "."): value for key, value in changes.items()})
    run = run.model_copy(update={"run_id": run_id or path.name})
    records = [request(0), request(1, sent_ms=40)] if requests is None else list(requests)
    journal = Journal(folder.requests)
    for record in records:
        journal.append(record)
    journal.close()
    summary = summarize(run, records, [], [])
    summary.metrics |= dict(metrics or {})
    summary.verdict = None if level is None else Verdict.model_validate({"level": level})
    folder.write_manifest(run)
    folder.write_summary(summary)
    return StoredRun(folder, run, summary)


def rate(*repeats: float) -> Scalar:
    """An output rate, tokens/s, with these values in its repeats."""
    return Scalar(unit="tokens/s", value=sum(repeats) / len(repeats), per_repeat=list(repeats))
