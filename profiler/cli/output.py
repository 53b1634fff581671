"""Printing a run, for people and for programs."""

from rich.console import Console

from profiler.reports.terminal import summary_table
from profiler.results.folder import RunFolder
from profiler.results.manifest import Manifest
from profiler.results.summary import Summary


def print_run(folder: RunFolder, manifest: Manifest, summary: Summary, *, as_json: bool) -> None:
    """Print a summary and where the report is."""
    if as_json:
        print(summary.model_dump_json(indent=2))
        return
    console = Console()
    console.print(summary_table(summary, manifest))
    # A path is printed whole on one line, so that it can be copied, however narrow the terminal.
    print(f"Run folder  {folder.path}")
    if folder.report.exists():
        print(f"Report      {folder.report}")
