"""`aforo decide`: is a candidate enough better to switch?"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from profiler.cli.named_run import complete, meant
from profiler.cli.page_options import PageOptions
from profiler.cli.signature import takes
from profiler.options import check, option
from profiler.selection.options import TargetOptions

if TYPE_CHECKING:
    from profiler.results.run_set import StoredRun
    from profiler.selection.decide import Question
    from profiler.verdict.comparable import Mismatch

_EXIT_CODES = {"worth it": 0, "not worth it": 1, "cannot be told": 3}


@dataclass(frozen=True)
class SwitchOptions:
    """What is used now, what could be, and when a switch is worth it."""

    current: tuple[str, ...] = option(
        (), "A run of what is used now, or a folder with several (repeatable).", metavar="RUN", complete=complete
    )
    candidate: tuple[str, ...] = option(
        (), "A run of what could be used, or a folder with several (repeatable).", metavar="RUN", complete=complete
    )
    min_gain: str = option("10%", "Least gain that is worth the trouble.", metavar="SHARE")
    switch_cost: float = option(0.0, "What switching costs once, in the currency of the prices.", least=0, most=1e12)
    tokens_per_day: str | None = option(None, "Demand in output tokens (embeddings: input): 5M.", metavar="N")
    payback_within: float = option(
        365.0, "Days within which it has to be paid back.", metavar="DAYS", least=0, most=1e5
    )
    metric: str | None = option(
        None, "In which the gain is: output_tokens_per_s, ttft_ms.p95 … Default: cost of a token.", metavar="METRIC"
    )
    utilisation: float | None = option(
        None,
        "Share of what a host can serve that is asked of it on average. Default: the run's, or 1.",
        least=0.001,
        most=1,
    )


@dataclass(frozen=True)
class DecideOptions(PageOptions, TargetOptions, SwitchOptions):
    """Everything that `aforo decide` takes."""

    def __post_init__(self) -> None:
        """Raise `UsageError` for options that are out of range, or do not go together."""
        check(self)


@takes(DecideOptions, (("Switch", SwitchOptions), ("Targets", TargetOptions), ("Runs and output", PageOptions)))
def decide(options: DecideOptions) -> None:
    """Is a new model or host enough better to switch? Exit 0: worth it, 1: not worth it, 3: cannot be told.

    Worth it where the gain surely is at least the least one, and the cost of switching surely is paid back in time.
    """
    from profiler.cli.choice import deliver, form_asked, price_notes
    from profiler.cli.progress import shown_progress
    from profiler.reports.choice.decide import document
    from profiler.selection.candidate import candidates
    from profiler.selection.decide import decide as find
    from profiler.verdict.fairness import fairness

    chosen, named, question = form_asked(options), _sides(options), _question(options)
    with shown_progress(quiet=options.quiet) as progress:
        progress.stage("Reading runs")
        sides = [_read(runs, options) for runs in named]
        allowed = _check_comparable(sides, options)
        current, new = (candidates(side, allow_invalid=options.force) for side in sides)
        found = find(current, new, question)
    every = [run for side in sides for run in side]
    operated = [run for side in (found.current, found.candidate) for run in side.at.load.runs]
    notes = [*price_notes(every), *fairness(operated), *map(_told, allowed)]
    deliver(document(found, notes), chosen, options, "decision")
    raise typer.Exit(_EXIT_CODES[found.verdict])


def _sides(options: DecideOptions) -> tuple[tuple[str, ...], tuple[str, ...]]:
    from profiler.errors import UsageError

    given = {"--current": options.current, "--candidate": options.candidate}
    missing = " and ".join(flag for flag, runs in given.items() if not runs)
    if missing:
        raise UsageError(f"{missing}: expected a run, such as 'latest', an id of 'aforo list' or a folder.")
    return options.current, options.candidate


def _question(options: DecideOptions) -> "Question":
    from profiler.cli.amounts import amount
    from profiler.cli.percentages import drift_of, percentage
    from profiler.errors import UsageError
    from profiler.selection.asked import stated_targets
    from profiler.selection.decide import Question
    from profiler.summaries.estimates import parse_metric
    from profiler.verdict.contrast import Rules

    if options.tokens_per_day is None:
        raise UsageError("How much is served is not said. Pass --tokens-per-day, such as 5M.")
    return Question(
        min_gain_ratio=percentage("--min-gain", options.min_gain, may_exceed_whole=True),
        switch_cost=options.switch_cost,
        tokens_per_day=amount("--tokens-per-day", options.tokens_per_day),
        payback_within_days=options.payback_within,
        metric=None if options.metric is None else parse_metric(options.metric),
        utilisation_ratio=options.utilisation,
        targets=stated_targets(options),
        rules=Rules(drift_ratio=drift_of(options.drift), allowed=options.allow_mismatch),
    )


def _read(runs: tuple[str, ...], options: DecideOptions) -> "list[StoredRun]":
    from profiler.cli.choice import read
    from profiler.run.recompute import with_slo
    from profiler.selection.asked import slo_of

    slo = slo_of(options)
    stored = read([Path(meant(text)) for text in runs], force=options.force)
    return [with_slo(run, slo) for run in stored] if slo.is_stated else stored


def _check_comparable(sides: "list[list[StoredRun]]", options: DecideOptions) -> "list[Mismatch]":
    """Return what differs and may, but for the load; another model is what a switch can be about.

    Raises `UsageError` for the rest.
    """
    from profiler.errors import UsageError
    from profiler.selection.candidate import MAY_DIFFER_IN_LOAD, MAY_DIFFER_IN_MODEL
    from profiler.verdict.comparable import check_comparable

    names = [{run.name for run in side} for side in sides]
    if both := names[0] & names[1]:
        raise UsageError(f"{', '.join(sorted(both))} is on both sides. Name different runs.")
    allowed = (*MAY_DIFFER_IN_LOAD, *MAY_DIFFER_IN_MODEL, *options.allow_mismatch)
    found = check_comparable([*sides[0], *sides[1]], allowed)
    return [one for one in found if one.field not in MAY_DIFFER_IN_LOAD]


def _told(one: "Mismatch") -> str:
    from profiler.selection.candidate import MAY_DIFFER_IN_MODEL

    if one.field in MAY_DIFFER_IN_MODEL:
        return f"Another model may answer better or worse, which is not part of this answer. {one.sentence}"
    return f"Allowed to differ: {one.sentence}"
