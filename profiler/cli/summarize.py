"""`aforo summarize`: recompute the metrics of a run folder from its records."""

from typing import TYPE_CHECKING, Annotated

import typer

from profiler.cli.named_run import RunArgument

if TYPE_CHECKING:
    from profiler.results.folder import RunFolder


def summarize(
    run: RunArgument,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Print percentiles, skipped checks and the calibration too.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    with_code: Annotated[
        bool,
        typer.Option(
            "--run-code", help="First run generated code of kept responses against their tests, isolated (bubblewrap)."
        ),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> None:
    """Recompute summary.json of a run from its records, and print it."""
    from profiler.cli.output import print_run
    from profiler.results.folder import RunFolder
    from profiler.run.recompute import write_summary

    folder = RunFolder(run)
    if with_code:
        _run_code(folder, quiet=quiet)
    manifest, summary = write_summary(folder)
    print_run(folder, manifest, summary, as_json=json, verbose=verbose)


def _run_code(folder: "RunFolder", *, quiet: bool) -> None:
    from profiler.cli.progress import shown_progress
    from profiler.errors import UsageError
    from profiler.run.code import require_isolation, run_code
    from profiler.run.interrupt import Interrupt

    require_isolation()
    with Interrupt() as interrupt, shown_progress(quiet=quiet) as progress:
        if not run_code(folder, progress, interrupt.check):
            raise UsageError(
                f"--run-code: {folder.path} has no responses whose items have tests. Expected a run of a workload such "
                "as task-code, which keeps responses."
            )
