"""Options of verbs that set runs side by side and write what they find as a page, a table or a file."""

from dataclasses import dataclass
from pathlib import Path

from profiler.cli import mismatches
from profiler.options import option


@dataclass(frozen=True)
class PageOptions:
    """Where the answer goes, and which runs are taken."""

    allow_mismatch: tuple[str, ...] = option(
        (), mismatches.HELP, metavar=mismatches.METAVAR, complete=mismatches.complete
    )
    drift: str | None = option(
        None, "How much runs of one setting differ (standard deviation), where it is known.", metavar="3%"
    )
    force: bool = option(False, "Take INVALID runs and loads too; they are marked.")
    out: Path | None = option(None, "File to write; its ending chooses the format. Default: an HTML page here.")
    form: str | None = option(
        None,
        "html, markdown, csv, json or png. Default: html.",
        flag="--format",
        choices=("html", "markdown", "csv", "json", "png"),
    )
    json: bool = option(False, "The same as --format json.")
    png: bool = option(False, "The same as --format png: the page as a picture.")
    quiet: bool = option(False, "No progress, no table.", short="-q")
