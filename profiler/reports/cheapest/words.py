"""What is said of the cheapest candidate, in sentences: the same on the page, in Markdown and on a terminal."""

from math import floor

from profiler.reports import format as fmt
from profiler.reports.compare.readings import Reading
from profiler.selection.answers import FAILS, MEETS, Answer
from profiler.selection.candidate import Candidate
from profiler.selection.certainty import CERTAIN
from profiler.selection.cheapest import OPERATIONAL, Cheapest, Considered
from profiler.selection.demand import Fleet
from profiler.stats.estimates import Estimate
from profiler.summaries.estimates import Unknown, unit_of

_MOST_CERTAIN = 0.999
_TIMES = 2.0  # a miss of so many limits is told in times, no longer in percent


def reading(found: Estimate | Unknown, unit: str) -> Reading:
    """Return a number as every report shows it."""
    if isinstance(found, Unknown):
        return Reading(unit, None, found.value, found.reason)
    return Reading(unit, found)


def quantity(found: Estimate | Unknown, unit: str) -> str:
    """Write a number with its unit and its interval in brackets; a dash where there is none."""
    shown = reading(found, unit)
    if shown.is_missing:
        return "–"
    bounds = shown.bounds()
    return f"{shown.text()} ({bounds})" if bounds else shown.text()


def unit_at(one: Considered, metric: str) -> str:
    """Return the unit of a metric as the candidate's runs have it."""
    return unit_of(one.candidate.runs[0].summary, metric)


def name(one: Considered) -> str:
    """The candidate's label, marked where a measurement behind it is INVALID."""
    return f"{one.candidate.label} (INVALID)" if one.is_invalid else one.candidate.label


def cost_of(one: Considered) -> str:
    """The cost at the operating point, with its interval."""
    return "–" if one.at is None else quantity(one.at.cost, unit_at(one, one.candidate.tokens.cost))


def lead(found: Cheapest) -> str:
    """Say which candidate is cheapest and how surely, in one or two sentences."""
    return fmt.with_invalid(_lead(found), is_invalid=any(one.is_invalid for one in found.considered))


def _lead(found: Cheapest) -> str:
    if found.leader is None:
        return _without_a_leader(found)
    one = found.leader
    where = f"{cost_of(one)} at {one.at.load.described}" if one.at else ""
    if not found.rivals:
        others = len(found.considered) - 1
        alone = "the only candidate" if not others else f"the only one of {others + 1} candidates that meets everything"
        return f"{name(one)} is {alone}: {where}."
    if found.is_certain:
        return f"{name(one)} is cheapest with a probability of {_at_least(found.certainty or 0.0)}: {where}."
    if found.certainty is None:
        reason = next((each.reason for each in found.rivals if each.risk is None), "a number has no interval")
        why = f"{reason[:1].upper()}{reason[1:].rstrip('.')}."
        return f"Which is cheapest cannot be told: {name(one)} costs least, {where}. {why}"
    return (
        f"Which is cheapest cannot be told: {name(one)} costs least, {where}, with a probability of "
        f"{_at_least(found.certainty)}, and 95 % is asked for."
    )


def _without_a_leader(found: Cheapest) -> str:
    if found.eligible:
        names = ", ".join(f"{name(one)} ({cost_of(one)})" for one in found.eligible)
        why = next((note for note in found.notes if "currencies" in note or "Without a price" in note), "")
        return f"Which is cheapest cannot be told. These meet everything: {names}. {why}".strip()
    nearest = found.considered[0] if found.considered else None
    if nearest is None:
        return "There is no candidate."
    return f"No candidate surely meets everything that is asked. Nearest is {why_out(nearest)}"


def why_out(one: Considered) -> str:
    """Say by which constraints a candidate is out, at the load that comes nearest, and by how much."""
    nearest = one.operating.nearest_miss
    at = f" at {nearest.load.described}" if nearest else ""
    told = "; ".join(obstacle(answer) for answer in one.obstacles) or "it has no load whose measurement is VALID"
    return f"{name(one)}{at}: {told}."


def obstacle(answer: Answer) -> str:
    """Say what stands against a constraint: fails by how much, or cannot be told and what would tell."""
    seen = quantity(answer.seen or Unknown(answer.reason, answer.value), answer.unit)
    numbers = seen if seen != "–" else answer.reason
    beyond = _beyond(answer.miss_ratio)
    if answer.standing == FAILS:
        return f"{answer.constraint} fails: {numbers}{beyond}"
    tell = f" (would tell: {answer.tell})" if answer.tell else ""
    return f"{answer.constraint} cannot be told: {numbers}{tell}"


def _beyond(miss_ratio: float | None) -> str:
    if miss_ratio is None or miss_ratio <= 0:
        return ""
    return f", {miss_ratio:.0%} beyond" if miss_ratio < _TIMES else f", {1 + miss_ratio:.3g} times the limit"


def beside(found: Cheapest, candidate: Candidate) -> str:
    """Say how much dearer a rival is than the leader, with its interval; a dash where it meets no target."""
    one = found.by_name.get(candidate.name)
    if one is None:
        return "cheapest" if found.leader and found.leader.candidate is candidate else "–"
    value = one.ratio.value if one.ratio else one.value
    if value is None:
        return "–"
    bounds = f" ({one.ratio.low - 1:+.1%} to {one.ratio.high - 1:+.1%})" if one.ratio and not one.ratio.is_exact else ""
    return f"{value - 1:+.1%}{bounds}"


def chance(found: Cheapest, candidate: Candidate) -> str:
    """Say how probable it is that the leader is cheaper; a dash where this one is out of the question."""
    one = found.by_name.get(candidate.name)
    if one is None or (one.operating.at is None and one.risk is not None and one.risk < 1 - CERTAIN):
        return "–"
    return "cannot be told" if one.chance is None else _at_least(one.chance)


def carbon(one: Considered) -> str:
    """Carbon at the operating point: the SCI, or operational carbon alone, marked, where embodied carbon is unknown."""
    shown = quantity(one.carbon, unit_at(one, one.candidate.tokens.carbon))
    if shown != "–":
        return shown
    operational = quantity(one.operational_carbon, unit_at(one, OPERATIONAL))
    return "–" if operational == "–" else f"{operational} (operational)"


def fleet_of(one: Considered) -> str:
    """How many hosts a demand takes, with the least and the most, and what they cost."""
    if not isinstance(one.fleet, Fleet):
        return "–"
    found = one.fleet
    span = f" ({found.low}–{found.high})" if found.low != found.high else ""
    money = "" if found.per_hour is None else f", {fmt.quantity(found.per_hour, f'{found.currency}/h')}"
    return f"{fmt.count(found.hosts, 'host')}{span}{money}"


def between(one: Considered) -> str:
    """Say what a load that nobody measured would bring; empty where there is none."""
    found = one.between
    if found is None:
        return ""
    unit = unit_at(one, one.candidate.tokens.cost)
    cost = "" if found.cost is None else f" and {fmt.quantity(found.cost, unit)}"
    return (
        f"{name(one)}: interpolated, not measured: about {found.described} would just keep "
        f"{found.target.described}, with {fmt.quantity(found.rate, 'tokens/s')}{cost}. Measure it to know."
    )


def might_be_cheaper(one: Considered) -> list[str]:
    """Say of each load that would be cheaper what keeps it from being taken."""
    return [
        f"{name(one)} at {load.load.described} would be cheaper, but "
        + "; ".join(obstacle(answer) for answer in load.answers if answer.standing != MEETS)
        + "."
        for load in one.operating.might_be_cheaper
        if one.at is not None
    ]


def fleets_differ(found: Cheapest) -> str:
    """Say where the order by the price of a whole fleet is another one than by the token; empty where it is not."""
    priced = [
        (one.fleet.per_hour, one) for one in found.eligible if isinstance(one.fleet, Fleet) and one.fleet.per_hour
    ]
    if not priced or found.leader is None:
        return ""
    least = min(priced, key=lambda each: each[0])[1]
    if least is found.leader:
        return ""
    return (
        f"For {found.question.demand} an hour costs least with {name(least)} "
        f"({fleet_of(least)}), since hosts come whole; by the token {name(found.leader)} is cheaper."
    )


def _at_least(probability: float) -> str:
    if probability >= _MOST_CERTAIN:
        return "more than 99.9 %"
    return f"at least {floor(probability * 1000) / 10:g} %"
