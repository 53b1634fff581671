"""What a correct answer takes: money, energy and carbon of a request over the share of answers that are correct."""

from profiler.aggregation.observations import Observations
from profiler.metrics.cost import cost_per_request, in_usd, total_g
from profiler.metrics.energy import energy_j_per_request, machine_account, note_on, steady_requests
from profiler.metrics.population import RATES
from profiler.metrics.registry import CURRENCY, Measurement, per_correct_answer
from profiler.metrics.shown import Shown

_PER_1K = 1000


@per_correct_answer(
    "Cost per correct answer",
    unit=CURRENCY,
    group="cost",
    better="lower",
    rests_on={"price"},
    work="requests",
    over=RATES,
    short="Cost/correct",
    shown=Shown(order=134, headline="page", compared="shown", is_optional=True),
)
def cost_per_correct_answer(seen: Observations) -> float | Measurement:
    """Cost per request / share of correct answers: the right ones pay for the wrong ones."""
    return cost_per_request(seen)


@per_correct_answer(
    "Cost per correct answer, USD",
    unit="USD",
    group="cost",
    better="lower",
    rests_on={"price"},
    work="requests",
    instead="cost_per_correct_answer",
    over=RATES,
)
def usd_per_correct_answer(seen: Observations) -> float | Measurement:
    """`cost_per_correct_answer`, where the price is in USD."""
    return in_usd(seen, cost_per_request)


@per_correct_answer(
    "Energy per correct answer",
    unit="J/correct answer",
    group="energy",
    better="lower",
    rests_on={"energy"},
    work="requests",
    over=RATES,
    short="Energy/correct",
    shown=Shown(order=136, headline="page", is_optional=True),
)
def energy_j_per_correct_answer(seen: Observations) -> float | Measurement:
    """Energy per request / share of correct answers."""
    return energy_j_per_request(seen)


@per_correct_answer(
    "Carbon per 1,000 correct answers (SCI)",
    unit="gCO2e/1k correct answers",
    group="cost",
    better="lower",
    rests_on={"energy", "grid", "embodied"},
    work="requests",
    over=RATES,
)
def gco2e_per_1k_correct_answers(seen: Observations) -> float | Measurement:
    """SCI with another functional unit: carbon per request × 1,000 / share of correct answers.

    Carbon is gross energy × PUE × grid intensity + embodied share.
    """
    grams = total_g(seen).times(_PER_1K / steady_requests(seen))
    return Measurement(grams, f"boundary of energy: {note_on(machine_account(seen))}")
