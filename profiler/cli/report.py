"""`aforo report`: redraw the report of a run folder."""

from pathlib import Path
from typing import Annotated

import typer


def report(run: Annotated[Path, typer.Argument(help="A run folder.", metavar="RUN")]) -> None:
    """Redraw report.html of a run from its records, and print its path."""
    from profiler.results.folder import RunFolder
    from profiler.run.recompute import write_report

    folder = RunFolder(run)
    write_report(folder)
    print(folder.report)
