"""`aforo gate`: a regression beyond a threshold fails."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from profiler.cli.named_run import complete, meant

if TYPE_CHECKING:
    from profiler.results.run_set import StoredRun
    from profiler.verdict.gate import Gate

_EXIT_CODES = {"pass": 0, "regression": 1, "undecidable": 3}


def gate(
    base: Annotated[
        Path,
        typer.Argument(
            help="A run (folder, 'latest', id), or a folder with several.", metavar="BASE", autocompletion=complete
        ),
    ],
    new: Annotated[Path, typer.Argument(help="The same, to be judged.", metavar="NEW", autocompletion=complete)],
    metric: Annotated[
        list[str] | None,
        typer.Option(
            help="What must not get worse, such as output_tokens_per_s or ttft_ms.p95; several: repeat it.",
            show_default="output_tokens_per_s; input_tokens_per_s of embeddings",
        ),
    ] = None,
    max_regression: Annotated[str, typer.Option(help="Largest regression allowed, as a share of BASE.")] = "5%",
    confidence: Annotated[float, typer.Option(help="Confidence level, all metrics together.")] = 0.95,
    point: Annotated[
        str | None, typer.Option(help="Load to look at where runs have several, such as c8.", metavar="NAME")
    ] = None,
    paired: Annotated[
        bool,
        typer.Option("--paired", help="Runs were made in turn: the first of BASE with the first of NEW, …"),
    ] = False,
    make: Annotated[
        str | None,
        typer.Option(help="Make runs in turn first: the command line of a base run, 'aforo run …'.", metavar="COMMAND"),
    ] = None,
    make_new: Annotated[
        str | None,
        typer.Option(help="The command line of a new run; the same as --make unless given.", metavar="COMMAND"),
    ] = None,
    pairs: Annotated[int, typer.Option(min=2, help="How many runs of each side to make.")] = 5,
    drift: Annotated[
        str | None,
        typer.Option(help="How much runs of one setting differ (standard deviation), where it is known.", metavar="3%"),
    ] = None,
    allow_mismatch: Annotated[
        list[str] | None, typer.Option(help="Compare although runs differ in this.", metavar="FIELD")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Take INVALID runs too.")] = False,
    junit: Annotated[Path | None, typer.Option(help="Write the results as JUnit XML.", metavar="FILE")] = None,
    annotations: Annotated[
        bool, typer.Option("--annotations", help="Print the results as annotations of GitHub Actions.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """Fail (exit 1) if NEW regresses from BASE beyond the threshold; 0 if not, 3 if inconclusive."""
    from profiler.cli.output import print_json, write_commands
    from profiler.cli.percentages import drift_of, percentage
    from profiler.metrics.estimates import parse_metric
    from profiler.reports import gate as shown
    from profiler.results.folder import replace
    from profiler.results.tokens import tokens_of
    from profiler.verdict.comparable import check_comparable
    from profiler.verdict.gate import Limit
    from profiler.verdict.gate import gate as decide

    asked = [parse_metric(text) for text in metric or []]
    ratio = percentage("--max-regression", max_regression)
    is_paired = paired or make is not None
    limit = Limit(ratio, _confidence(confidence), is_paired, drift_of(drift), tuple(allow_mismatch or ()))
    _make(base, new, make, make_new, pairs, force=force)
    sides = [_runs(meant(str(path)), force=force) for path in (base, new)]
    usual = parse_metric(tokens_of(run.summary for side in sides for run in side).rate)
    metrics = list(dict.fromkeys(asked or [usual]))
    allowed = check_comparable([*sides[0], *sides[1]], allow_mismatch or [])
    gated = decide(sides[0], sides[1], metrics, limit, point)
    if junit is not None:
        replace(junit, shown.as_junit(gated))
    if json:
        print_json(shown.as_dict(gated, limit))
    elif annotations:
        write_commands(shown.as_annotations(gated))
    else:
        _print(gated, sides, [f"Allowed to differ: {mismatch.sentence}" for mismatch in allowed])
    raise typer.Exit(_EXIT_CODES[gated.answer])


def _make(base: Path, new: Path, make: str | None, make_new: str | None, pairs: int, *, force: bool) -> None:
    """Make the runs of both sides in turn, where that is asked for. Raises `UsageError`."""
    import sys

    from profiler.errors import UsageError
    from profiler.run.in_turn import Making, make_in_turn

    if make is None:
        if make_new is not None:
            raise UsageError("--make-new is the command of the new side: pass --make, that of the base side, as well.")
        return
    sides = Making("base", base, make), Making("new", new, make if make_new is None else make_new)
    make_in_turn(*sides, pairs, with_invalid=force, said=lambda text: print(f"aforo: {text}", file=sys.stderr))


def _print(gated: "Gate", sides: "list[list[StoredRun]]", warnings: list[str]) -> None:
    from profiler.reports.format import count
    from profiler.reports.gate import answer_text
    from profiler.verdict.comparable import differing_settings

    settings = [f"Differs: {setting.sentence}" for setting in differing_settings([*sides[0], *sides[1]])]
    for sentence in (*warnings, *settings, *(trap.sentence for trap in gated.traps), *gated.notes):
        print(f"Note: {sentence}")
    print(f"{count(len(sides[0]), 'base run')}, {count(len(sides[1]), 'new run')}")
    for one in gated.metrics:
        print(one.sentence)
    print(answer_text(gated))


def _runs(path: Path, *, force: bool) -> "list[StoredRun]":
    """Read one side. Raises `UsageError` where there is no run at all, `InvalidRunError` where none can be taken."""
    import sys

    from profiler.errors import InvalidRunError, UsageError
    from profiler.results.run_set import find_runs, read_runs

    runs, refused = read_runs([path], allow_invalid=force)
    if not runs:
        sentences = "\n".join(one.sentence for one in refused)
        raise (InvalidRunError if any(find_runs([path])) else UsageError)(sentences)
    for one in refused:
        print(f"aforo: left out: {one.sentence}", file=sys.stderr)
    return runs


def _confidence(value: float) -> float:
    from profiler.errors import UsageError

    if not 0.5 <= value < 1:
        raise UsageError(f"--confidence {value:g}: expected a number from 0.5 to below 1, such as 0.95.")
    return value
