"""`aforo breakeven`: from which demand on self-hosting is cheaper."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from profiler.cli.named_run import RUNS
from profiler.cli.page_options import PageOptions
from profiler.cli.signature import takes
from profiler.options import check, option
from profiler.selection.options import TargetOptions

if TYPE_CHECKING:
    from profiler.results.run_set import StoredRun
    from profiler.selection.breakeven import Breakeven, Charged, Provisioned, Question

_PROVISIONED = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Z]{3})?\s*(?:/h)?\s*", re.ASCII)
_OF_API, _OF_CACHE = ("api_price",), ("cached_input_price",)


@dataclass(frozen=True)
class PriceOptions:
    """What self-hosting is set against, and how full hosts are."""

    api_price: str | None = option(
        None, "What an endpoint charges for 1M input and 1M output tokens: 3,15.", metavar="IN,OUT"
    )
    cached_input_price: float | None = option(
        None, "What it charges for 1M cached input tokens.", least=0, needs=_OF_API
    )
    cached_share: str | None = option(
        None, "Share of the input tokens at that price: 50%. Default: as measured.", metavar="SHARE", needs=_OF_CACHE
    )
    provisioned: str | None = option(
        None, "Provisioned throughput: price of a unit per hour, such as '20 USD/h'.", metavar="PRICE/h"
    )
    provisioned_tokens: str | None = option(
        None,
        "Tokens per minute of a unit, input and output: 300k. Default: no limit.",
        metavar="N",
        needs=("provisioned",),
    )
    currency: str | None = option(None, "Currency of these prices. Default: that of the runs.", metavar="CODE")
    utilisation: float | None = option(
        None,
        "Share of what a host can serve that is asked of it on average: 0.4. Default: the run's, or 1.",
        least=0.001,
        most=1,
    )
    input_output_ratio: float | None = option(
        None,
        "Input tokens that one output token is worth. Default: as the endpoint's prices say.",
        least=0.001,
        most=1000,
    )
    tokens_per_day: str | None = option(
        None, "A demand to look at, in output tokens (embeddings: input): 5M.", metavar="N"
    )


@dataclass(frozen=True)
class BreakevenOptions(PageOptions, TargetOptions, PriceOptions):
    """Everything that `aforo breakeven` takes besides the runs."""

    def __post_init__(self) -> None:
        """Raise `UsageError` for options that are out of range, or do not go together."""
        check(self)


@takes(
    BreakevenOptions,
    (("Prices and demand", PriceOptions), ("Targets", TargetOptions), ("Runs and output", PageOptions)),
    {"runs": Annotated[list[Path], RUNS]},
)
def breakeven(options: BreakevenOptions, runs: list[Path]) -> None:
    """From which demand on is self-hosting cheaper than paying by the token, and which host at which demand?

    What a host serves is what was measured. Runs of several hosts are set against each other: one bigger against
    several smaller. Hosts and units of provisioned throughput are whole.
    """
    from profiler.cli.choice import deliver, form_asked, read
    from profiler.cli.progress import shown_progress
    from profiler.reports.choice.breakeven import document
    from profiler.run.recompute import with_slo
    from profiler.selection.asked import slo_of
    from profiler.selection.breakeven import breakeven as find
    from profiler.selection.candidate import MAY_DIFFER_IN_LOAD, candidates
    from profiler.verdict.comparable import check_comparable

    chosen, question, slo = form_asked(options), _question(options), slo_of(options)
    with shown_progress(quiet=options.quiet) as progress:
        progress.stage("Reading runs")
        stored = read(runs, force=options.force)
        allowed = check_comparable(stored, (*MAY_DIFFER_IN_LOAD, *options.allow_mismatch))
        judged = [with_slo(run, slo) for run in stored] if slo.is_stated else stored
        found = find(candidates(judged, allow_invalid=options.force), question)
    told = [one.sentence for one in allowed if one.field not in MAY_DIFFER_IN_LOAD]
    notes = [*_notes(stored, found), *(f"Allowed to differ: {sentence}" for sentence in told)]
    deliver(document(found, notes), chosen, options, "breakeven")


def _question(options: BreakevenOptions) -> "Question":
    from profiler.cli.amounts import amount
    from profiler.cli.percentages import drift_of
    from profiler.cost.stated_prices import check_currency
    from profiler.selection.asked import stated_targets
    from profiler.selection.breakeven import Question

    if options.currency is not None:
        check_currency(options.currency)
    provisioned, currency = _provisioned(options)
    demand = options.tokens_per_day
    return Question(
        charged=_charged(options),
        provisioned=provisioned,
        currency=currency,
        utilisation_ratio=options.utilisation,
        input_output_ratio=options.input_output_ratio,
        targets=stated_targets(options),
        drift_ratio=drift_of(options.drift),
        tokens_per_day=None if demand is None else amount("--tokens-per-day", demand),
    )


def _charged(options: BreakevenOptions) -> "Charged | None":
    from profiler.cli.amounts import prices
    from profiler.cli.percentages import percentage
    from profiler.errors import UsageError
    from profiler.selection.breakeven import Charged

    if options.api_price is None:
        return None
    price_in, price_out = prices("--api-price", options.api_price, "IN,OUT")
    if price_in + price_out == 0:
        raise UsageError("--api-price 0,0: an endpoint that charges nothing is cheapest at every demand.")
    share = options.cached_share
    ratio = None if share is None else percentage("--cached-share", share)
    return Charged(price_in, price_out, options.cached_input_price, ratio)


def _provisioned(options: BreakevenOptions) -> "tuple[Provisioned | None, str | None]":
    """Read `20`, `20/h` or `20 USD/h`, and the tokens of a unit; and the currency of all prices."""
    from profiler.cli.amounts import amount
    from profiler.errors import UsageError
    from profiler.selection.breakeven import Provisioned

    text, tokens, currency = options.provisioned, options.provisioned_tokens, options.currency
    if text is None:
        return None, currency
    found = _PROVISIONED.fullmatch(text)
    per_hour = float(found[1]) if found else 0.0
    if found is None or not 0 < per_hour < float("inf"):
        raise UsageError(f"--provisioned {text}: expected the price of a unit per hour, such as '20 USD/h'.")
    if found[2] and currency and found[2] != currency:
        raise UsageError(f"--provisioned is in {found[2]}, --currency says {currency}: currencies are never converted.")
    per_min = None if tokens is None else amount("--provisioned-tokens", tokens)
    return Provisioned(per_hour, per_min), found[2] or currency


def _notes(runs: "list[StoredRun]", found: "Breakeven") -> list[str]:
    """What to know of the runs and the prices."""
    from profiler.cli.choice import price_notes
    from profiler.verdict.fairness import fairness

    charged = found.question.charged
    notes = [*price_notes(runs), *fairness([run for host in found.hosts for run in host.at.load.runs])]
    if charged is not None and charged.cached_input_per_1m is not None and charged.cached_ratio is None:
        notes.append(
            "An endpoint's cache is not this server's: its share of cached tokens may be another (--cached-share)."
        )
    return notes
