"""`aforo summarize`: recompute the metrics of a run folder from its records."""

from typing import Annotated

import typer

from profiler.cli.named_run import RunArgument


def summarize(
    run: RunArgument,
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
