"""`aforo gate`: a regression beyond a threshold fails."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from profiler.cli import mismatches
from profiler.cli.named_run import complete, meant
from profiler.cli.signature import takes
from profiler.options import check, option

if TYPE_CHECKING:
    from profiler.results.run_set import StoredRun
    from profiler.verdict.gate import Gate, Limit

_EXIT_CODES = {"pass": 0, "regression": 1, "undecidable": 3}


@dataclass(frozen=True)
class GateOptions:
    """What is compared, and how much worse it may be."""

    base: Path = option(
        ..., "A run (folder, 'latest', id), or a folder with several.", is_argument=True, complete=complete
    )
    new: Path = option(..., "The same, to be judged.", is_argument=True, complete=complete)
    metric: tuple[str, ...] = option(
        (),
        "What must not get worse (repeatable): ttft_ms.p95 … Default: output_tokens_per_s (embeddings: input).",
        metavar="METRIC",
    )
    max_regression: str = option("5%", "Largest regression allowed, as a share of BASE.", metavar="SHARE")
    confidence: float = option(0.95, "Confidence level, all metrics together.", metavar="LEVEL")
    point: str | None = option(None, "Load to look at where runs have several, such as c8.", metavar="NAME")
    paired: bool = option(False, "Runs were made in turn: compare the first of each, the second of each …")
    make: str | None = option(
        None, "Make runs in turn first: the command of a base run, 'aforo run …'.", metavar="COMMAND"
    )
    make_new: str | None = option(
        None, "The command of a new run. Default: that of --make.", metavar="COMMAND", needs=("make",)
    )
    pairs: int = option(5, "Runs of each side to make.", least=2)
    drift: str | None = option(None, "Known standard deviation between runs of one setting: 3%.", metavar="SHARE")
    allow_mismatch: tuple[str, ...] = option(
        (), mismatches.HELP, metavar=mismatches.METAVAR, complete=mismatches.complete
    )
    force: bool = option(False, "Take INVALID runs too.")
    junit: Path | None = option(None, "Write the results as JUnit XML.", metavar="FILE")
    annotations: bool = option(False, "Print the results as annotations of GitHub Actions.")
    json: bool = option(False, "Print as JSON.")

    def __post_init__(self) -> None:
        """Raise `UsageError` for what is out of range."""
        check(self)


@takes(GateOptions, [(None, GateOptions)])
def gate(options: GateOptions) -> None:
    """Exit 1 if NEW surely regresses from BASE beyond the threshold, 0 if surely not, 3 if inconclusive."""
    from profiler.results.tokens import tokens_of
    from profiler.summaries.estimates import parse_metric
    from profiler.verdict.comparable import check_comparable
    from profiler.verdict.gate import gate as decide

    asked, limit = [parse_metric(text) for text in options.metric], _limit(options)
    _make(options)
    sides = [_runs(meant(str(path)), force=options.force) for path in (options.base, options.new)]
    usual = parse_metric(tokens_of(run.summary for side in sides for run in side).rate)
    allowed = check_comparable([*sides[0], *sides[1]], options.allow_mismatch)
    gated = decide(sides[0], sides[1], list(dict.fromkeys(asked or [usual])), limit, options.point)
    _write(gated, limit, sides, options, [f"Allowed to differ: {mismatch.sentence}" for mismatch in allowed])
    raise typer.Exit(_EXIT_CODES[gated.answer])


def _limit(options: GateOptions) -> "Limit":
    from profiler.cli.percentages import drift_of, percentage
    from profiler.verdict.gate import Limit

    return Limit(
        percentage("--max-regression", options.max_regression),
        _confidence(options.confidence),
        options.paired or options.make is not None,
        drift_of(options.drift),
        options.allow_mismatch,
    )


def _make(options: GateOptions) -> None:
    """Make the runs of both sides in turn, where that is asked for. Raises `UsageError`."""
    import sys

    from profiler.run.in_turn import Making, make_in_turn

    if options.make is None:
        return
    command_new = options.make if options.make_new is None else options.make_new
    make_in_turn(
        Making("base", options.base, options.make),
        Making("new", options.new, command_new),
        options.pairs,
        with_invalid=options.force,
        said=lambda text: print(f"aforo: {text}", file=sys.stderr),
    )


def _write(
    gated: "Gate", limit: "Limit", sides: "list[list[StoredRun]]", options: GateOptions, warnings: list[str]
) -> None:
    from profiler.cli.output import print_json, write_commands
    from profiler.reports import gate as shown
    from profiler.results.folder import replace

    if options.junit is not None:
        replace(options.junit, shown.as_junit(gated))
    if options.json:
        print_json(shown.as_dict(gated, limit))
    elif options.annotations:
        write_commands(shown.as_annotations(gated))
    else:
        _print(gated, sides, warnings)


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
