"""What the same work costs by language: tokens, time, price and energy against words and characters; pure.

Price and energy are shared out by time: a language has its part of them as it has its part of the time that requests
took. How many tokens a tokenizer makes of a language decides most of it (Petrov et al., "Language Model Tokenizers
Introduce Unfairness Between Languages", 2023, arXiv:2305.15425).
"""

from collections.abc import Callable

from profiler.aggregation.languages import LanguageTotals
from profiler.aggregation.observations import Observations
from profiler.aggregation.totals import Amount
from profiler.metrics.cost import cost_per_request
from profiler.metrics.energy import energy_j_per_request
from profiler.metrics.registry import Measurement, NotMeasuredError
from profiler.results.summary import LanguageSummary
from profiler.stats.quantiles import quantile

_THOUSAND = 1000


def languages_of(seen: Observations) -> list[LanguageSummary]:
    """Return what requests in each language took; empty where no row says its language."""
    cost, energy = _known(cost_per_request, seen), _known(energy_j_per_request, seen)
    whole = seen.totals.ended_well  # rows that tell no language take their part of the time, too
    return [_summary(name, seen.languages[name], whole, cost, energy) for name in sorted(seen.languages)]


def _known(compute: Callable[[Observations], Measurement], seen: Observations) -> Measurement | None:
    try:
        return compute(seen)
    except NotMeasuredError:
        return None


def _summary(
    name: str, own: LanguageTotals, whole: Amount, cost: Measurement | None, energy: Measurement | None
) -> LanguageSummary:
    characters = own.prompt_characters + own.response_characters
    # per request × requests: what all took; × its part of the time; / thousands of its characters
    part = whole.total * own.busy_ns / whole.times_ns * _THOUSAND / characters if characters and whole.times_ns else 0
    joules = energy.range.times(part) if energy and part else None
    return LanguageSummary(
        language=name,
        requests=own.requests,
        tokens_per_word=own.word_tokens / own.words if own.words else None,
        tokens_per_character=own.tokens / own.tokens_characters if own.tokens_characters else None,
        characters=characters,
        ttft_p50_ms=quantile(own.ttft_ms.ordered(), 0.5) if len(own.ttft_ms) else None,
        cost_per_1k_characters=cost.range.value * part if cost and cost.range.value is not None and part else None,
        currency=(cost.unit or "").partition("/")[0] or None if cost else None,
        energy_j_per_1k_characters=(joules.low, joules.high) if joules else None,
    )
