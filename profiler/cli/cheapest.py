"""`aforo cheapest`: which host or setting is cheapest at a target, and how surely."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from profiler.cli.forms import Form, chosen_form, picture_of, print_content, write_file
from profiler.cli.named_run import RUNS
from profiler.cli.page_options import PageOptions
from profiler.cli.signature import takes
from profiler.options import option
from profiler.selection.options import PANELS, AskedOptions

if TYPE_CHECKING:
    from profiler.results.run_set import Refused, StoredRun
    from profiler.selection.cheapest import Cheapest, Question

_DEFAULT_FILES = {Form.HTML: Path("cheapest.html"), Form.PNG: Path("cheapest.png")}  # the others are printed


@dataclass(frozen=True)
class DemandOptions:
    """What has to be served."""

    demand: str | None = option(
        None, "How many hosts this takes at full use: '50 requests/s' or '200 users'.", metavar="DEMAND"
    )


@dataclass(frozen=True)
class CheapestOptions(PageOptions, DemandOptions, AskedOptions):
    """Everything that `aforo cheapest` takes besides the runs."""


@takes(
    CheapestOptions,
    (*PANELS, ("Demand", DemandOptions), ("Runs and output", PageOptions)),
    {"runs": Annotated[list[Path], RUNS]},
)
def cheapest(options: CheapestOptions, runs: list[Path]) -> None:
    """Find the cheapest host or setting at a target: per candidate the cheapest measured load that meets it.

    A target is met, missed, or cannot be told, by the 95 % interval of what was measured.
    """
    from profiler.cli.choice import price_notes
    from profiler.cli.progress import shown_progress
    from profiler.reports.png import find_browser
    from profiler.selection.cheapest import find_cheapest

    question = _question(options)
    form = chosen_form(options.out, Form(options.form) if options.form else None, json=options.json, png=options.png)
    if form is Form.PNG:
        find_browser()  # before any work
    with shown_progress(quiet=options.quiet) as progress:
        progress.stage("Reading runs")
        stored, refused = _read(runs, options)
        progress.stage(f"Judging {len(stored)} run{'s' if len(stored) != 1 else ''}")
        found = find_cheapest(stored, question, refused, allow_invalid=options.force)
        found = replace(found, notes=(*found.notes, *price_notes(stored)))
    for one in refused:
        print(f"aforo: not considered: {one.sentence}", file=sys.stderr)
    _deliver(found, form, options.out or _DEFAULT_FILES.get(form), quiet=options.quiet)


def _question(options: CheapestOptions) -> "Question":
    from profiler.cli.percentages import drift_of
    from profiler.selection.asked import constraints_of, targets_of
    from profiler.selection.cheapest import Question
    from profiler.selection.demand import demand
    from profiler.selection.facts_file import load
    from profiler.verdict.contrast import Rules

    return Question(
        targets=targets_of(options),
        constraints=constraints_of(options),
        energy_class=options.energy_class,
        stated=tuple(load(options.facts)) if options.facts else (),
        demand=demand(options.demand) if options.demand else None,
        rules=Rules(drift_ratio=drift_of(options.drift), allowed=options.allow_mismatch),
    )


def _read(runs: Sequence[Path], options: CheapestOptions) -> "tuple[list[StoredRun], list[Refused]]":
    """Read the runs, each with the SLOs that were asked for. Raises `UsageError` where none is left."""
    from profiler.errors import UsageError
    from profiler.results.run_set import read_runs
    from profiler.run.recompute import with_slo
    from profiler.selection.asked import slo_of

    stored, refused = read_runs(runs, allow_invalid=options.force)
    if not stored:
        reasons = "".join(f"\n  {one.sentence}" for one in refused)
        raise UsageError(f"No run is left to choose from.{reasons}")
    slo = slo_of(options)
    return [with_slo(run, slo) for run in stored] if slo.is_stated else stored, refused


def _deliver(found: "Cheapest", form: Form, out: Path | None, *, quiet: bool) -> None:
    """Write a file and print the table; or print the content, and nothing else."""
    from profiler.cli.output import console
    from profiler.reports.cheapest.terminal import summary

    if out is None:
        print_content(_content(found, form), form)
        return
    write_file(out, _content(found, form))
    if not quiet:
        console().print(summary(found))
    print(f"Page  {out}" if form in {Form.HTML, Form.PNG} else f"File  {out}")


def _content(found: "Cheapest", form: Form) -> bytes:
    from profiler.reports.cheapest import data, markdown, page

    match form:
        case Form.PNG:
            return picture_of(page.render(found))
        case Form.HTML:
            return page.render(found).encode()
        case Form.MARKDOWN:
            return markdown.render(found).encode()
        case Form.CSV:
            return data.as_csv(found).encode()
        case Form.JSON:
            return data.as_json(found).encode()
