"""Whether to switch, in words, tables and a figure."""

from collections.abc import Iterator, Sequence
from math import inf
from typing import Any

from profiler.metrics.catalogue import METRICS
from profiler.number_format import NBSP, short_amount
from profiler.reports.choice.decide_figure import drawing
from profiler.reports.choice.document import Document, Section, Standing, Table
from profiler.reports.energy import price_text, source_text
from profiler.reports.format import estimate_scale, short_label, with_invalid
from profiler.selection.answers import Answer
from profiler.selection.decide import Decision, Payback, Side, Verdict
from profiler.selection.targets import number_of
from profiler.stats.estimates import Estimate
from profiler.summaries.estimates import Unknown, unit_of

_STANDINGS: dict[Verdict, Standing] = {"worth it": "good", "not worth it": "bad", "cannot be told": "open"}


def document(found: Decision, notes: Sequence[str]) -> Document:
    """Say everything; `notes` come from whoever read the runs."""
    return Document(
        kicker="whether to switch",
        title=_title(found),
        about=list(_about(found)),
        answer=_answer(found),
        standing=_STANDINGS[found.verdict],
        reasons=list(_reasons(found)),
        notes=list(notes),
        sections=[
            Section("conditions", "What has to hold", table=_conditions(found)),
            Section("sides", "Now and then", table=_sides(found)),
            Section("payback", "When it has paid for itself", drawing=drawing(found)),
            Section("method", "How to read this", paragraphs=_method(found)),
        ],
        data=as_dict(found, notes),
        csv=_csv(found),
    )


def _title(found: Decision) -> str:
    """What changes, in a few words."""
    sides = [_parts(found.current), _parts(found.candidate)]
    differing = [pair for pair in zip(*sides, strict=True) if pair[0] != pair[1]] or [(sides[0][2], sides[1][2])]
    now, then = (", ".join(pair[number] for pair in differing) for number in (0, 1))
    return f"From {now} to {then}"


def _parts(side: Side) -> tuple[str, str, str]:
    manifest = side.candidate.manifest
    return manifest.model.name, manifest.engine.name, side.candidate.host


def _name(side: Side) -> str:
    return "{} with {} on {}".format(*_parts(side))


def _about(found: Decision) -> Iterator[str]:
    asked, kind = found.question, found.current.candidate.tokens.kind
    yield f"workload {found.current.candidate.manifest.workload.name}"
    yield f"{short_amount(asked.tokens_per_day)} {kind} tokens a day"
    yield f"switching costs {_money(asked.switch_cost, found)}"
    yield f"at least {asked.min_gain_ratio:.3%} of gain in {_metric(found)}".replace(".000%", "%")
    yield f"paid back within {asked.payback_within_days:g} days"


def _metric(found: Decision) -> str:
    name, quantile = found.metric
    return " ".join(filter(None, [_inside(METRICS[name].label) if quantile is None else short_label(name), quantile]))


def _inside(label: str) -> str:
    """A label within a sentence."""
    return label if label[:2].isupper() else label[0].lower() + label[1:]


def _money(amount: float, found: Decision) -> str:
    return f"{amount:,.2f}{NBSP}{found.current.currency}"


def _answer(found: Decision) -> str:
    loads = found.current.at.load, found.candidate.at.load
    return with_invalid(_said(found), is_invalid=any(load.is_invalid for load in loads))


def _said(found: Decision) -> str:
    match found.verdict:
        case "worth it":
            return f"Worth it: paid back {days(found.payback)}."
        case "not worth it":
            return f"Not worth it: {' and '.join(_failed(found))}."
    return "Cannot be told from these runs."


def _failed(found: Decision) -> Iterator[str]:
    gain, payback = found.conditions
    if gain.standing == "fails":
        yield f"the gain is {_gain(found)}"
    if payback.standing == "fails":
        yield "nothing is saved" if found.payback.least == inf else f"it is paid back {days(found.payback)}"


def days(payback: Payback) -> str:
    """When it is paid back, with its interval."""
    least, most = _day(payback.least), _day(payback.most)
    if payback.least == inf:
        return "never"
    if payback.most == 0:
        return "at once"
    if payback.most == inf:
        return f"after {least} days at the least, perhaps never"
    if least == most:
        return f"after {least} days"
    ends = f"{least}\N{EN DASH}{most}"
    return f"after {ends} days" if payback.value is None else f"after {_day(payback.value)} days ({ends})"


def _day(number: float) -> str:
    return f"{number:,.0f}" if number >= 10 or number == 0 else f"{number:.2g}"


def _gain(found: Decision) -> str:
    if found.gain is None:
        return "not measured" if found.gain_value is None else f"{100 * found.gain_value:.3g} %, without an interval"
    value = found.gain.value
    ends = f"{100 * found.gain.low:.3g}{NBSP}% to {100 * found.gain.high:.3g}{NBSP}%"
    return ends if value is None else f"{100 * value:.3g}{NBSP}% ({ends})"


def _reasons(found: Decision) -> Iterator[str]:
    gain, payback = found.conditions
    wanted = f"{found.question.min_gain_ratio:.3%}".replace(".000%", "%")
    yield f"Gain in {_metric(found)}: {_gain(found)}. At least {wanted} asked for: {gain.standing}."
    if gain.reason:
        yield f"{gain.reason[0].upper()}{gain.reason[1:].rstrip('.')}."
    bill = f"A day costs {_span(found.current.day, found)} now and {_span(found.candidate.day, found)} then"
    limit = f"{found.question.payback_within_days:g} days"
    yield f"{bill}{_of_hosts(found)}: paid back {days(found.payback)}. Within {limit} asked for: {payback.standing}."
    if found.verdict == "cannot be told":
        yield from (f"What would tell: {one.tell}." for one in found.conditions if one.tell)


def _of_hosts(found: Decision) -> str:
    if found.current.hosts is None or found.candidate.hosts is None:
        return ""
    return f" ({_hosts(found.current)} and {_hosts(found.candidate)})"


def _hosts(side: Side) -> str:
    if side.hosts is None:
        return "by the token"
    count, least, most = side.hosts
    number = f"{count}" if least == most else f"{least}\N{EN DASH}{most}"
    return f"{number} host" + ("" if number == "1" else "s")


def _span(day: Estimate, found: Decision) -> str:
    low, high = f"{day.low:,.2f}", f"{day.high:,.2f}"
    ends = low if low == high else f"{low}\N{EN DASH}{high}"
    return f"{ends}{NBSP}{found.current.currency}"


def _conditions(found: Decision) -> Table:
    seen = (_gain(found), days(found.payback).removeprefix("after "))
    wanted = (f"{found.question.min_gain_ratio:.0%} or more", f"{found.question.payback_within_days:g} days or fewer")
    names = (f"Gain in {_metric(found)}", "Payback")
    rows = [
        [name, asked, shown, one.standing]
        for name, asked, shown, one in zip(names, wanted, seen, found.conditions, strict=True)
    ]
    return Table(["", "Asked for", "Found", ""], rows, "By 95 % intervals over the runs of each side.")


def _sides(found: Decision) -> Table:
    sides = found.current, found.candidate
    names = zip(("Model", "Engine", "Host"), zip(*map(_parts, sides), strict=True), strict=True)
    rows = [[name, *pair] for name, pair in names]
    kind = found.current.candidate.tokens.kind
    rows += [
        ["Price", *map(_price, sides)],
        ["Load", *(side.at.load.described for side in sides)],
        [_metric(found), *(_number(side, found.metric, found) for side in sides)],
        [f"{kind} tokens/s of one", *(_shown(side.at.rate, "tokens/s") for side in sides)],
        ["Takes", *map(_hosts, sides)],
        ["Cost of a day", *(_span(side.day, found) for side in sides)],
        ["Runs", *(str(len(side.at.load.runs)) for side in sides)],
    ]
    return Table(["", "Now", "Then"], [[row[0][:1].upper() + row[0][1:], *row[1:]] for row in rows])


def _price(side: Side) -> str:
    cost = side.candidate.manifest.cost
    return "by the token" if cost.price is None else price_text(cost.price)


def _number(side: Side, metric: tuple[str, str | None], found: Decision) -> str:
    unit = unit_of(side.at.load.runs[0].summary, metric[0])
    return _shown(number_of(side.at.load, metric, found.question.rules.drift_ratio), unit)


def _shown(number: Estimate | Unknown, unit: str) -> str:
    if isinstance(number, Unknown) and number.value is None:
        return number.reason
    scale = estimate_scale(number, unit)
    if isinstance(number, Unknown) or number.is_exact:
        return scale.quantity(number.value or 0.0)
    ends = scale.span((number.low, number.high))
    return f"{ends}{NBSP}{scale.unit}" if number.value is None else f"{scale.quantity(number.value)} ({ends})"


def _method(found: Decision) -> list[str]:
    texts = [
        "The gain is that of the candidate over what is used now, by Welch's t of the logarithms over the runs of each "
        "side: an interval from inside one run says nothing of the next, so single runs tell nothing unless a drift of "
        "the machine is stated.",
        "A day costs price per hour × 24 × whole hosts; how many follows from what one serves at its operating point "
        "and the utilisation. So a candidate that is cheaper by the token saves nothing where both need one host.",
        "The payback is switch cost / saving of a day, over the interval of that saving (MOVER, of the two bills). "
        "Worth it takes both conditions surely, not worth it one that surely fails.",
    ]
    for side in (found.current, found.candidate):
        price = side.candidate.manifest.cost.price
        texts += [f"Price of {_name(side)}: {price_text(price)}; {source_text(price.source)}."] if price else []
    return texts


def as_dict(found: Decision, notes: Sequence[str]) -> dict[str, Any]:
    """Return everything for programs; a payback of null is never."""
    asked = found.question
    return {
        "verdict": found.verdict,
        "metric": ".".join(filter(None, found.metric)),
        "min_gain_ratio": asked.min_gain_ratio,
        "gain_ratio": _ends(found.gain) | {"without_interval": found.gain_value},
        "contrast": {"state": found.contrast.state, "reason": found.contrast.reason, "trap": found.contrast.trap},
        "switch_cost": asked.switch_cost,
        "currency": found.current.currency,
        "tokens_per_day": asked.tokens_per_day,
        "payback_within_days": asked.payback_within_days,
        "payback_days": {
            name: None if value is None or value == inf else value
            for name, value in (
                ("value", found.payback.value),
                ("least", found.payback.least),
                ("most", found.payback.most),
            )
        },
        "saving_per_day": _ends(found.saving_per_day),
        "conditions": [_condition(one) for one in found.conditions],
        "current": _side(found.current),
        "candidate": _side(found.candidate),
        "notes": list(notes),
    }


def _ends(found: Estimate | None) -> dict[str, float | None]:
    if found is None:
        return {"value": None, "low": None, "high": None}
    return {"value": found.value, "low": found.low, "high": found.high}


def _condition(one: Answer) -> dict[str, Any]:
    return {"condition": one.constraint, "standing": one.standing, "reason": one.reason, "what_would_tell": one.tell}


def _side(side: Side) -> dict[str, Any]:
    return {
        "runs": [run.name for run in side.candidate.runs],
        "host": side.candidate.host,
        "engine": side.candidate.manifest.engine.name,
        "model": side.candidate.manifest.model.name,
        "load": side.at.load.name,
        "hosts": None if side.hosts is None else dict(zip(("value", "least", "most"), side.hosts, strict=True)),
        "cost_per_day": _ends(side.day),
        "price": None if (price := side.candidate.manifest.cost.price) is None else price.model_dump(),
    }


def _csv(found: Decision) -> Table:
    head = ["condition", "asked", "value", "low", "high", "standing"]
    gain, payback = found.conditions
    ends = _ends(found.gain)
    days_of = as_dict(found, [])["payback_days"]
    rows = [
        ["gain_ratio", found.question.min_gain_ratio, found.gain_value, ends["low"], ends["high"], gain.standing],
        [
            "payback_days",
            found.question.payback_within_days,
            days_of["value"],
            days_of["least"],
            days_of["most"],
            payback.standing,
        ],
        ["verdict", "", "", "", "", found.verdict],
    ]
    return Table(head, [["" if cell is None else str(cell) for cell in row] for row in rows])
