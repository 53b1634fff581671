"""The answer to a claim in words: for the terminal, for a pull request and for programs."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from profiler.change_format import Change, outcome_word
from profiler.metrics.catalogue import METRICS
from profiler.reports import format as fmt
from profiler.reports.energy import price_text, source_text
from profiler.reports.markdown import grid, plain
from profiler.stats.estimates import Estimate
from profiler.summaries.estimates import parse_metric
from profiler.verdict.claim_file import Claim
from profiler.verdict.claims import Checked, Measured, Pair, Prices, best


def headline(checked: Checked) -> str:
    """The answer with the number that it rests on, in one sentence."""
    claim, pair = checked.claim, best(checked.claim, checked.pairs)
    if pair is None or pair.change is None:
        return f"{_capital(checked.reason)}."
    many = f"The {'best' if claim.form == 'up-to' else 'worst'} of {len(checked.pairs)} pairs"
    which = "The only pair" if len(checked.pairs) == 1 else many
    return f"{_capital(checked.reason)}. {which}: {change_text(claim, pair.change)}; {_claimed(claim)} is claimed."


def answer_text(checked: Checked) -> str:
    """The answer in capitals; of INVALID runs that were forced in, with that word."""
    return outcome_word(checked.answer).upper() + (" BY INVALID RUNS" if checked.is_forced else "")


def change_text(claim: Claim, change: Estimate) -> str:
    """By how much the subject has less, or more, than the baseline, with the interval."""
    shown = Change(change.value, change.low, change.high)
    ends = f"{_share(claim, shown, change.low)} to {_share(claim, shown, change.high)}"
    if change.value is None:
        return ends
    middle = _share(claim, shown, change.value)
    return middle if change.is_exact else f"{middle} ({ends})"


def value_text(side: Measured) -> str:
    """A value with its interval and, for energy, what it was metered with."""
    return f"{_number(side, side.unit)}, {side.meter}" if side.meter else _number(side, side.unit)


def prices_text(claim: Claim, prices: Prices) -> list[str]:
    """What the prices alone require of the speeds, and what was seen."""
    at_equal = change_text(claim, Estimate.exact(prices.equal_speed_change))
    needed = f"{prices.needed_ratio:.2f} × the output rate"
    if prices.needed_per_vcpu_ratio is not None:
        needed += f" ({prices.needed_per_vcpu_ratio:.2f} × per vCPU)"
    lines = [
        f"Prices: {price_text(prices.subject)}, against {price_text(prices.baseline)}; "
        f"{source_text(prices.subject.source)}.",
        f"They make it {at_equal} at equal speed; {_claimed(claim)} takes {needed}.",
    ]
    seen = prices.seen_ratio
    if seen is not None and seen.value is not None:
        digits = fmt.decimals(seen.value, seen.high - seen.low)
        span = "" if seen.is_exact else f" ({fmt.fixed(seen.low, digits)} to {fmt.fixed(seen.high, digits)})"
        lines.append(f"Seen: {fmt.fixed(seen.value, digits)} × the output rate{span}.")
    return lines


def text(checked: Checked) -> str:
    """The whole answer as plain text."""
    claim = checked.claim
    lines = [f"{answer_text(checked)}: {claim.statement} ({claim.id}@{claim.version})", headline(checked)]
    for pair in checked.pairs:
        lines += ["", *(_indented(_pair_lines(checked, pair)))]
    for title, sentences in _lists(checked):
        lines += ["", title, *(f"  - {sentence}" for sentence in sentences)]
    return "\n".join([*lines, "", *_footer(checked)]) + "\n"


def markdown(checked: Checked) -> str:
    """The whole answer for a pull request."""
    claim = checked.claim
    lines = [
        f"### Claim `{claim.id}`: {outcome_word(checked.answer)}{' by INVALID runs' if checked.is_forced else ''}",
        "",
        f"> {plain(claim.statement)}",
        "",
        plain(headline(checked)),
    ]
    if checked.pairs:
        head = ("hosts", _label(claim), claim.direction or "limit", "answer")
        lines += ["", *grid(head, (_row(checked, pair) for pair in checked.pairs))]
    for pair in checked.pairs:
        if pair.prices is not None:
            lines += ["", f"{plain(_title(pair))}: " + " ".join(map(plain, prices_text(claim, pair.prices)))]
    for title, sentences in _lists(checked):
        lines += ["", f"**{title}**", "", *(f"- {plain(sentence)}" for sentence in sentences)]
    return "\n".join([*lines, "", *map(plain, _footer(checked))]) + "\n"


def document(checked: Checked) -> dict[str, Any]:
    """The whole answer as JSON values; changes and ratios are shares, values in the metric's unit."""
    own = {"claim": checked.claim.model_dump(), "unit": _unit(checked), "sentence": headline(checked)}
    more = {"has_invalid_runs": checked.is_forced, "pairs": [_pair_document(pair) for pair in checked.pairs]}
    return {**asdict(checked), **own, **more}


def _pair_document(pair: Pair) -> dict[str, Any]:
    found = asdict(pair)
    for side in filter(None, (found["subject"], found["baseline"])):
        side |= {"run": side["runs"][0], "folder": side["folders"][0]}  # as they were called when a side was one run
    if pair.prices is not None:
        found["prices"] |= {side: getattr(pair.prices, side).model_dump() for side in ("subject", "baseline")}
    return found


def _pair_lines(checked: Checked, pair: Pair) -> Iterator[str]:
    claim = checked.claim
    yield f"{_title(pair)}: {outcome_word(pair.answer)}, {pair.reason}"
    yield f"  {_label(claim)}: {_values(claim, pair)}"
    if pair.baseline is not None and (shown := _change_of(claim, pair)):
        yield f"  {shown}; {_claimed(claim)} is claimed"
    if pair.prices is not None:
        yield from (f"  {line}" for line in prices_text(claim, pair.prices))
    yield f"  runs: {', '.join(pair.subject.runs)}" + (
        f"; against {', '.join(pair.baseline.runs)}" if pair.baseline is not None else ""
    )


def _values(claim: Claim, pair: Pair) -> str:
    own = value_text(pair.subject)
    return (
        f"{own}; {_claimed(claim)} is claimed"
        if pair.baseline is None
        else f"{own}, against {value_text(pair.baseline)}"
    )


def _change_of(claim: Claim, pair: Pair) -> str:
    """The change with its interval; without one, the bare number, which decides nothing."""
    if pair.change is not None:
        return change_text(claim, pair.change)
    return "" if pair.middle is None else f"{change_text(claim, Estimate.exact(pair.middle))}, not to be relied on"


def _row(checked: Checked, pair: Pair) -> tuple[str, ...]:
    claim = checked.claim
    change = _claimed(claim) if pair.baseline is None else _change_of(claim, pair) or "–"
    return _title(pair), _values(claim, pair), change, f"{outcome_word(pair.answer)}: {pair.reason}"


def _lists(checked: Checked) -> list[tuple[str, Sequence[str]]]:
    lists: list[tuple[str, Sequence[str]]] = [
        ("What would decide it", checked.decides),
        ("Left out", checked.left_out),
        ("To be kept in mind", [trap.sentence for trap in checked.traps]),
    ]
    return [(title, sentences) for title, sentences in lists if sentences]


def _footer(checked: Checked) -> list[str]:
    claim = checked.claim
    lines = [f"Read as: {claim.reading}"] if claim.reading else []
    source = ", ".join(filter(None, [claim.source.title, claim.source.date, claim.source.url]))
    return [*lines, f"Claimed in: {source}", confidence_text(checked)]


def confidence_text(checked: Checked) -> str:
    """What the intervals are, and how often the answer may be wrong."""
    many = f" over {len(checked.pairs)} pairs" if len(checked.pairs) > 1 else ""
    return (
        f"Changes have {100 * checked.confidence:.4g}{fmt.NBSP}% intervals, which rest on how much runs of one setting "
        f"differ: an answer is wrong in at most 5{fmt.NBSP}% of cases{many}. Those of single numbers are of "
        f"95{fmt.NBSP}%, over the runs."
    )


def _title(pair: Pair) -> str:
    return pair.subject.host if pair.baseline is None else f"{pair.subject.host} against {pair.baseline.host}"


def _label(claim: Claim) -> str:
    name, quantile = parse_metric(claim.metric)
    return " ".join(filter(None, [fmt.label(name), quantile]))


def _unit(checked: Checked) -> str:
    """The unit of the claim's metric, in the currency of the runs."""
    declared = METRICS[parse_metric(checked.claim.metric)[0]].unit
    return next((pair.subject.unit for pair in checked.pairs if pair.subject.unit), declared)


def _number(side: Measured, unit: str) -> str:
    found = side.value
    if found is None:
        return "not known" if side.shown is None else f"{fmt.quantity(side.shown, unit)} without an interval"
    if found.value is None:
        return fmt.interval(found.low, found.high, unit)
    shown = fmt.estimate_scale(found, unit)
    return shown.quantity(found.value) + ("" if found.is_exact else f" ({shown.span((found.low, found.high))})")


def _claimed(claim: Claim) -> str:
    if claim.is_limit:
        word, limit = ("at most", claim.at_most) if claim.at_most is not None else ("at least", claim.at_least)
        return f"{word} {limit:g}{fmt.NBSP}{claim.unit or METRICS[parse_metric(claim.metric)[0]].unit}"
    return f"{claim.size_percent:g}{fmt.NBSP}% {claim.direction}"


def _share(claim: Claim, shown: Change, part: float) -> str:
    """A part of a change in words: one below 0 goes the other way."""
    other = "more" if claim.direction == "less" else "less"
    return f"{shown.size(part)}{fmt.NBSP}% {claim.direction if part >= 0 else other}"


def _indented(lines: Iterator[str]) -> Iterator[str]:
    return (f"  {line}" for line in lines)


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
