"""`aforo export-scores`: every measured number of every candidate, for selection tools of others."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from profiler.cli.named_run import complete, meant


def export_scores(
    runs: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Runs (a folder, 'latest' or an id of 'aforo list'), or folders that hold some.",
            metavar="RUN…",
            parser=meant,
            autocompletion=complete,
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File to write; standard output unless given.")] = None,
    facts: Annotated[Path | None, typer.Option(help="facts.yaml: what you know of the models.")] = None,
    drift: Annotated[
        str | None,
        typer.Option(help="How much runs of one setting differ (standard deviation), where it is known.", metavar="3%"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Export INVALID runs and loads too; they are marked.")] = False,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of the file, and nothing else.")] = (
        False
    ),
) -> None:
    """Write every measured number per model, host, engine, workload and load, with intervals, as one JSON file."""
    from profiler.cli.forms import write_file
    from profiler.cli.output import write_json
    from profiler.errors import UsageError
    from profiler.selection.measured import json_schema_text

    if schema:
        write_json(json_schema_text())
        return
    if not runs:
        raise UsageError("No run is given. Expected run folders or ids: aforo export-scores RUN… --out measured.json")
    text = _text(runs, facts, drift, force=force)
    if out is None:
        write_json(text)
    else:
        write_file(out, text.encode())
        print(f"Scores  {out}")


def _text(runs: list[Path], facts: Path | None, drift: str | None, *, force: bool) -> str:
    from profiler.cli.percentages import drift_of
    from profiler.errors import UsageError
    from profiler.results.run_set import read_runs
    from profiler.selection.exporting import measured_file
    from profiler.selection.facts_file import load
    from profiler.selection.measured import as_text

    stated, drift_ratio = load(facts) if facts else [], drift_of(drift)
    stored, refused = read_runs(runs, allow_invalid=force)
    if not stored:
        raise UsageError("No run is left to export." + "".join(f"\n  {one.sentence}" for one in refused))
    for one in refused:
        print(f"aforo: not exported: {one.sentence}", file=sys.stderr)
    return as_text(measured_file(stored, stated, drift_ratio, allow_invalid=force))
