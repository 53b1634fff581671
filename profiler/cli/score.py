"""`aforo score`: which candidate is best by a profile, and how surely."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from profiler.cli.forms import Form, form_of, picture_of, print_content, write_file
from profiler.cli.named_run import RUNS, complete, meant

if TYPE_CHECKING:
    from profiler.results.run_set import Refused, StoredRun
    from profiler.selection.profile import Profile
    from profiler.selection.scoring import Options, Scoring

_DEFAULT_FILES = {Form.HTML: Path("score.html"), Form.PNG: Path("score.png")}  # the others are printed
_NOTHING_MEETS = 1


def score(
    profile: Annotated[
        str | None, typer.Argument(help="Id of a shipped profile, or path of a .yaml file.", metavar="PROFILE")
    ] = None,
    runs: Annotated[list[Path] | None, RUNS] = None,
    list_all: Annotated[bool, typer.Option("--list", help="List the shipped profiles.")] = False,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of a profile.")] = False,
    facts: Annotated[
        Path | None, typer.Option(help="Facts about models, for constraints on them.", metavar="FACTS.yaml")
    ] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            help="The run whose numbers count as 1, in place of the profile's.", metavar="RUN", autocompletion=complete
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="File to write; its ending chooses the format. Default: score.html; text is printed."),
    ] = None,
    form: Annotated[Form | None, typer.Option("--format", help="Default: html.")] = None,
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    draws: Annotated[int, typer.Option(min=1_000, max=1_000_000, help="How often to draw.")] = 10_000,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same draws.")] = 0,
    drift: Annotated[
        str | None,
        typer.Option(help="How much runs of one setting differ (standard deviation), where it is known.", metavar="3%"),
    ] = None,
    allow_mismatch: Annotated[
        list[str] | None,
        typer.Option(help="Score runs that differ in this field all the same; may be repeated.", metavar="FIELD"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Take INVALID runs too; they are marked.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, no table.")] = False,
) -> None:
    """Score candidates by a profile: what wins, how surely, why others are out, and what would change it.

    Ends with 1 where no candidate meets the profile's constraints.
    """
    from profiler.cli.percentages import drift_of
    from profiler.errors import UsageError
    from profiler.selection import facts_file
    from profiler.selection.profile import load
    from profiler.selection.scoring import Options

    if list_all or schema:
        _list(as_json=json, schema=schema)
        return
    if profile is None or not runs:
        raise UsageError(
            "Expected a profile and run folders: aforo score PROFILE RUN… ('aforo score --list' lists profiles)."
        )
    definition, stated = load(profile), facts_file.load(facts) if facts else []
    chosen = form_of(out, Form.JSON if json else form)
    options = Options(stated, baseline, allow_mismatch or (), drift_of(drift), draws, seed, force)
    found, refused = _found(definition, runs, options, quiet=quiet)
    for one in refused:
        print(f"aforo: not scored: {one.sentence}", file=sys.stderr)
    _deliver(found, refused, chosen, out or _DEFAULT_FILES.get(chosen), quiet=quiet)
    raise typer.Exit(0 if found.ranked else _NOTHING_MEETS)


def _found(
    definition: "Profile", runs: list[Path], options: "Options", *, quiet: bool
) -> "tuple[Scoring, tuple[Refused, ...]]":
    """Read the runs and score them; return also those that were not taken. Raises `UsageError` where none is left."""
    from profiler.cli.choice import price_notes
    from profiler.cli.progress import shown_progress
    from profiler.errors import UsageError
    from profiler.results.run_set import read_runs
    from profiler.selection.scoring import score as scored

    with shown_progress(quiet=quiet) as progress:
        progress.stage("Reading runs")
        stored, refused = read_runs(runs, allow_invalid=options.allow_invalid)
        if not stored:
            raise UsageError("No run is left to score." + "".join(f"\n  {one.sentence}" for one in refused))
        options = replace(options, baseline=_baseline(options.baseline, stored))
        found = scored(definition, stored, options, progress)
    return replace(found, notes=tuple(price_notes(stored))), tuple(refused)


def _baseline(text: str | None, stored: "list[StoredRun]") -> str | None:
    """Return the folder of the scored run that is meant, or what was said: the name of a candidate, or a mistake."""
    from profiler.errors import UsageError

    if text is None or not Path(text).name:
        return text
    try:
        path = meant(text).resolve()
    except UsageError:
        return text
    return next((str(run.folder.path) for run in stored if run.folder.path.resolve() == path), text)


def _deliver(found: "Scoring", refused: "tuple[Refused, ...]", form: Form, out: Path | None, *, quiet: bool) -> None:
    """Write the file and print the table, or print the content and nothing else."""
    from profiler.cli.output import console
    from profiler.reports.score.terminal import summary

    content = _content(found, refused, form)
    if out is None:
        print_content(content, form)
        return
    write_file(out, content)
    if not quiet:
        console().print(summary(found))
    print(f"Score  {out}")


def _content(found: "Scoring", refused: "tuple[Refused, ...]", form: Form) -> bytes:
    from profiler.reports.score import data, markdown, page

    match form:
        case Form.PNG:
            return picture_of(page.render(found, refused))
        case Form.HTML:
            return page.render(found, refused).encode()
        case Form.MARKDOWN:
            return markdown.render(found, refused).encode()
        case Form.CSV:
            return data.as_csv(found).encode()
        case Form.JSON:
            return data.as_json(found, refused).encode()


def _list(*, as_json: bool, schema: bool) -> None:
    from profiler.cli.output import print_json
    from profiler.selection.profile import available, json_schema

    if schema:
        print_json(json_schema())
        return
    if as_json:
        print_json([known.model_dump(mode="json") for known in available()])
        return
    for known in available():
        print(f"{known.id}  {known.title}")
