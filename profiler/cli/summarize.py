"""`aforo summarize`: recompute the metrics of a run folder from its records."""

from pathlib import Path
from typing import Annotated

import typer


def summarize(
    run: Annotated[Path, typer.Argument(help="A run folder.", metavar="RUN")],
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Print percentiles, skipped checks and the calibration too.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
) -> None:
    """Recompute summary.json of a run from its records, and print it."""
    from profiler.cli.output import print_run
    from profiler.results.folder import RunFolder
    from profiler.run.recompute import write_summary

    folder = RunFolder(run)
    manifest, summary = write_summary(folder)
    print_run(folder, manifest, summary, as_json=json, verbose=verbose)
