"""`aforo compare`: several runs side by side."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from profiler.cli.forms import Form, chosen_form, picture_of, print_content, write_file
from profiler.cli.mismatches import ALLOW_MISMATCH
from profiler.cli.named_run import RUNS

if TYPE_CHECKING:
    from profiler.progress import Progress
    from profiler.reports.compare.comparison import Comparison


_DEFAULT_FILES = {Form.HTML: Path("comparison.html"), Form.PNG: Path("comparison.png")}  # the others are printed


def compare(
    runs: Annotated[list[Path], RUNS],
    baseline: Annotated[
        str | None,
        typer.Option(help="The run that the others are set against: a path, an id, latest or r2. Default: the first."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="File to write; its ending chooses the format. Default: comparison.html; text is printed."),
    ] = None,
    form: Annotated[Form | None, typer.Option("--format", help="Default: html.")] = None,
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    png: Annotated[bool, typer.Option("--png", help="The same as --format png: the page as a picture.")] = False,
    allow_mismatch: Annotated[list[str] | None, ALLOW_MISMATCH] = None,
    drift: Annotated[
        str | None,
        typer.Option(help="How much runs of one setting differ (standard deviation), where it is known.", metavar="3%"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Compare INVALID runs too; they are marked.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no table.")] = False,
) -> None:
    """Compare runs: price, latency, throughput, energy, and differences with confidence intervals, as one page.

    Runs of several workloads or models are compared in sets, a page for each.
    """
    from profiler.aggregation.answers import answers_of_runs
    from profiler.cli.percentages import drift_of
    from profiler.cli.progress import shown_progress
    from profiler.reports.compare.comparison import compare_sets
    from profiler.reports.png import find_browser
    from profiler.results.run_set import at_settings, read_runs

    drift_ratio = drift_of(drift)
    chosen = chosen_form(out, form, json=json, png=png)
    if chosen is Form.PNG:
        find_browser()  # before any work
    with shown_progress(quiet=quiet) as progress:
        found, refused = read_runs(_told(runs, progress), allow_invalid=force)
        stored = at_settings(found)
        progress.stage(f"Comparing {len(stored)} run{'s' if len(stored) != 1 else ''}")
        comparisons = compare_sets(
            stored, refused, baseline, allow_mismatch or [], drift_ratio, answers_of_runs(stored)
        )
    for one in comparisons[0].refused:
        print(f"aforo: not compared: {one.sentence}", file=sys.stderr)
    _deliver(comparisons, chosen, out or _DEFAULT_FILES.get(chosen), quiet=quiet)


def _told(paths: Sequence[Path], progress: "Progress") -> Iterator[Path]:
    """Yield every run folder of `paths`, and what holds none, and say how far it has come."""
    from profiler.results.run_set import find_runs

    folders = [folder for path in paths for folder in (list(find_runs([path])) or [path])]
    progress.stage(f"Reading {len(folders)} folders", total=len(folders))
    for done, folder in enumerate(folders):
        progress.advance(done)
        yield folder


def _deliver(comparisons: "Sequence[Comparison]", form: Form, out: Path | None, *, quiet: bool) -> None:
    """Write a file for each set of comparable runs and print its table; or print the content, and nothing else."""
    from profiler.cli.output import console
    from profiler.reports.compare.terminal import summary

    if out is None:
        print_content(_printed(comparisons, form), form)
        return
    for number, comparison in enumerate(comparisons, start=1):
        file = out if number == 1 else out.with_stem(f"{out.stem}-{number}")
        write_file(file, _content(comparison, form))
        if not quiet:
            console().print(summary(comparison))
        print(f"Comparison  {file}")


def _printed(comparisons: "Sequence[Comparison]", form: Form) -> bytes:
    """Return all sets as one text. Raises `UsageError` for CSV of several, whose columns differ."""
    from profiler.errors import UsageError
    from profiler.reports.compare import data

    if form is Form.JSON:
        return data.as_json(comparisons).encode()
    if form is Form.CSV and len(comparisons) > 1:
        raise UsageError(
            f"The runs are {len(comparisons)} comparable sets, and a CSV holds one. Pass --out FILE.csv, which writes "
            "one for each set, or fewer runs."
        )
    return b"\n".join(_content(comparison, form) for comparison in comparisons)


def _content(comparison: "Comparison", form: Form) -> bytes:
    from profiler.reports.compare import data, markdown, page

    match form:
        case Form.PNG:
            return picture_of(page.render(comparison))
        case Form.HTML:
            return page.render(comparison).encode()
        case Form.MARKDOWN:
            return markdown.render(comparison).encode()
        case Form.CSV:
            return data.as_csv(comparison).encode()
        case Form.JSON:
            return data.as_json([comparison]).encode()
