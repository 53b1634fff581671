"""Prices that a user states: of an hour of a machine, rented or owned, and of tokens."""

import re

from profiler.cost import price
from profiler.cost.offer import KINDS, ListKind
from profiler.cost.options import CostOptions
from profiler.cost.prices import SHIPPED, Places, offers
from profiler.errors import UsageError
from profiler.results.manifest import OwnedFacts, PriceFacts, Source, TokenPriceFacts

_CURRENCY = re.compile(r"[A-Z]{3}")
_H_PER_YEAR = 8_760.0
_MOST = 1e12  # of any currency


def kind_of(asked: CostOptions) -> ListKind | None:
    """Return the kind of price that was asked for."""
    return next((known for known in KINDS if known == asked.price_kind), None)


def per_hour(asked: CostOptions, where: Places = SHIPPED) -> PriceFacts | None:
    """Return the price of an hour that was stated, or is listed for the instance type that was. Raises `UsageError`."""
    if asked.instance is not None:
        return _listed(asked, asked.instance, where)
    if asked.owned_price is not None:
        return _owned(asked, asked.owned_price)
    return None if asked.price is None else _rented(asked, asked.price)


def per_token(asked: CostOptions) -> TokenPriceFacts | None:
    """Return what an endpoint charges as stated; `None` where nothing was. Raises `UsageError`."""
    given = {
        "--price-input": asked.price_input,
        "--price-output": asked.price_output,
        "--price-cached-input": asked.price_cached_input,
    }
    if asked.price_cached_input is not None and asked.price_input is None:
        raise UsageError("--price-cached-input is beside the price of other prompt tokens. Pass --price-input, too.")
    if asked.price_input is None and asked.price_output is None:
        return None
    for flag, value in given.items():
        if value is not None and not 0 <= value <= _MOST:
            raise UsageError(f"{flag} {value:g}: expected the price of a million tokens, 0 or more.")
    check_currency(asked.currency)
    return TokenPriceFacts(
        input_per_1m=asked.price_input or 0.0,
        output_per_1m=asked.price_output or 0.0,
        cached_input_per_1m=asked.price_cached_input,
        currency=asked.currency,
        source=_said("--price-input, --price-output"),
    )


def check_currency(currency: str, flag: str = "--currency") -> None:
    """Raise `UsageError` unless this looks like a code of ISO 4217."""
    if not _CURRENCY.fullmatch(currency):
        raise UsageError(f"{flag} {currency}: expected three capital letters, such as USD or EUR.")


def _listed(asked: CostOptions, instance_type: str, where: Places) -> PriceFacts:
    """Return the listed price that is meant: in a region that of the first list, whichever zone it is of."""
    kind = kind_of(asked) or "on-demand"
    found = [offer.price for offer in offers(instance_type, asked.region, kind, where)]
    found = [each for each in found if asked.price_term in {None, each.term_months}]
    what = f"{kind} price of {instance_type}{f' in {asked.region}' if asked.region else ''}"
    if not found:
        raise UsageError(f"--instance {instance_type}: no {what} is known. See 'aforo prices show {instance_type}'.")
    meant = {(each.provider, None if asked.region else each.region, each.term_months) for each in found}
    if len(meant) > 1:
        several = ", ".join(f"{each.provider or 'no provider'} {each.region or ''} {each.kind_text}" for each in found)
        raise UsageError(
            f"--instance {instance_type}: there is more than one {what}: {several}. Pass --region, --price-term "
            "or --price."
        )
    return found[0]


def _rented(asked: CostOptions, hourly: float) -> PriceFacts:
    upfront, term = asked.price_upfront or 0.0, asked.price_term
    if not (0 < hourly <= _MOST or (hourly == 0 and upfront > 0)):
        raise UsageError(f"--price {hourly:g}: expected what an hour of this machine costs, above 0.")
    check_currency(asked.currency)
    if term is not None and asked.price_kind != "reserved":
        raise UsageError(f"--price-term is of a reservation, and --price-kind is {asked.price_kind}. Leave one out.")
    return PriceFacts(
        per_hour=hourly if term is None else price.reserved_per_hour(hourly, upfront, term),
        currency=asked.currency,
        kind=kind_of(asked) or "on-demand",
        term_months=term,
        upfront=upfront,
        source=_said("--price"),
    )


def _owned(asked: CostOptions, purchase: float) -> PriceFacts:
    missing = {"--owned-watts": asked.owned_watts, "--kwh-price": asked.kwh_price}
    flags = " and ".join(flag for flag, value in missing.items() if value is None)
    if flags or asked.owned_watts is None or asked.kwh_price is None:
        raise UsageError(f"--owned-price needs {flags}: electricity is a part of what an hour costs. 0 leaves it out.")
    check_currency(asked.currency)
    facts = OwnedFacts(
        purchase=purchase,
        life_h=asked.owned_years * _H_PER_YEAR,
        power_w=asked.owned_watts,
        idle_w=asked.owned_watts if asked.owned_idle_watts is None else asked.owned_idle_watts,
        price_per_kwh=asked.kwh_price,
        upkeep_per_year=asked.owned_upkeep,
        pue=asked.pue or 1.0,
    )
    found = per_owned_hour(facts, asked.utilisation)
    if found <= 0:
        raise UsageError(
            "An hour of the owned machine costs nothing. Pass --owned-price, --kwh-price or --owned-upkeep."
        )
    said = _said("--owned-price and the other options of owned hardware")
    return PriceFacts(per_hour=found, currency=asked.currency, kind="owned", owned=facts, source=said)


def per_owned_hour(facts: OwnedFacts, utilisation_ratio: float) -> float:
    """Return what an hour of owned hardware costs where it is under load for this share of the time."""
    return price.owned_per_hour(
        purchase=facts.purchase,
        life_h=facts.life_h,
        upkeep_per_year=facts.upkeep_per_year,
        power_w=price.mean_power_w(facts.power_w, facts.idle_w, utilisation_ratio),
        price_per_kwh=facts.price_per_kwh,
        pue=facts.pue,
    )


def _said(flags: str) -> Source:
    return Source(name="flag", title=f"said on the command line: {flags}")
