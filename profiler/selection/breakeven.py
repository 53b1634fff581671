"""From which demand on is self-hosting cheaper than paying by the token, or than another host? Pure.

What a host serves is what was measured at its operating point (`selection.operating`); how full it is on average over
a day is stated (`utilisation_ratio`), for demand has peaks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from profiler.cost.price import TokenSplit, per_busy_hour, per_unit, split
from profiler.cost.stated_prices import per_owned_hour
from profiler.cost.ways import Region, Way, horizon, regions
from profiler.errors import UsageError
from profiler.results.manifest import PriceFacts
from profiler.selection.candidate import Candidate, Load
from profiler.selection.operating import JudgedLoad, operating
from profiler.selection.targets import Target, number_of
from profiler.stats.estimates import Estimate
from profiler.summaries.estimates import Unknown

S_PER_DAY = 86_400.0
_MILLION = 1e6
API, PROVISIONED = "pay per token", "provisioned"
_S_PER_MIN = 60.0


@dataclass(frozen=True)
class Charged:
    """What an endpoint charges for a million tokens; `cached_ratio`: share of prompt tokens at the cached price."""

    input_per_1m: float
    output_per_1m: float
    cached_input_per_1m: float | None = None
    cached_ratio: float | None = None


@dataclass(frozen=True)
class Provisioned:
    """Provisioned throughput: what a unit costs, and the tokens (input and output) that it takes a minute."""

    per_hour: float
    tokens_per_min: float | None = None


@dataclass(frozen=True)
class Question:
    """What is asked; `None` leaves it to what the runs say."""

    charged: Charged | None = None
    provisioned: Provisioned | None = None
    currency: str | None = None
    utilisation_ratio: float | None = None
    input_output_ratio: float | None = None
    targets: tuple[Target, ...] = ()
    drift_ratio: float | None = None
    tokens_per_day: float | None = None


@dataclass(frozen=True)
class Request:
    """Tokens of a mean request."""

    input_tokens: float
    output_tokens: float
    cached_ratio: float  # share of the prompt tokens that an endpoint charges at its cached price
    is_cached_measured: bool

    @property
    def tokens(self) -> float:
        """Those that a demand is counted in: output tokens, or input tokens of embeddings."""
        return self.output_tokens or self.input_tokens


@dataclass(frozen=True)
class Host:
    """A candidate as a way to serve: its operating point, and what one of it serves and costs."""

    candidate: Candidate
    at: JudgedLoad
    requests_per_s: Estimate  # one host, all the time under load
    price: PriceFacts
    utilisation_ratio: float
    per_hour: float  # at this utilisation
    way: Way
    split: TokenSplit | None


@dataclass(frozen=True)
class Breakeven:
    """The answer: which way is cheapest at which demand."""

    question: Question
    hosts: tuple[Host, ...]
    ways: tuple[Way, ...]  # all, hosts first
    request: Request
    currency: str
    tokens_kind: str
    regions: tuple[Region, ...]
    most: float  # requests/day up to which was looked
    ratio: float | None  # by which a bill is split between input and output tokens

    @property
    def own(self) -> frozenset[str]:
        """Names of the ways that are self-hosted."""
        return frozenset(host.way.name for host in self.hosts)

    @property
    def first_own(self) -> Region | None:
        """The region of least demand in which self-hosting surely is cheapest."""
        return next((one for one in self.regions if set(one.possible) <= self.own), None)

    @property
    def own_for_good(self) -> float | None:
        """The demand (requests/day) from which on self-hosting stays cheapest as far as was looked; None: nowhere."""
        last = None
        for one in self.regions:
            is_own = set(one.possible) <= self.own
            last = (one.low if last is None else last) if is_own else None
        return last

    @property
    def may_be_own(self) -> bool:
        """Whether self-hosting may be cheapest at some demand."""
        return any(self.own & set(one.possible) for one in self.regions)

    @property
    def demand_per_day(self) -> float | None:
        """The demand that was asked about, requests/day."""
        asked = self.question.tokens_per_day
        return None if asked is None else asked / self.request.tokens


def breakeven(candidates: Sequence[Candidate], question: Question) -> Breakeven:
    """Compare every way to serve. Raises `UsageError` where a price or a load is missing, or currencies are mixed."""
    if question.charged is None and question.provisioned is None and len(candidates) < 2:
        raise UsageError("There is nothing to compare with. Pass --api-price IN,OUT, --provisioned or more runs.")
    operated = [(one, operating_load(one, question.targets, question.drift_ratio)) for one in candidates]
    currency = _currency([one for one, _ in operated], question)
    request = _request(operated[0][1].load, question)
    ratio = _ratio(candidates[0], question)
    hosts = tuple(_host(one, at, question, request, ratio, len(operated) > 1) for one, at in operated)
    ways = (*(host.way for host in hosts), *_others(question, request, hosts[0].utilisation_ratio))
    most = max(horizon(ways), 2 * (question.tokens_per_day or 0.0) / request.tokens)
    found = regions(ways, most)
    return Breakeven(question, hosts, ways, request, currency, candidates[0].tokens.kind, tuple(found), most, ratio)


def operating_load(candidate: Candidate, targets: Sequence[Target], drift_ratio: float | None) -> JudgedLoad:
    """Return the load at which a candidate is used. Raises `UsageError` where none surely meets the targets."""
    found = operating(candidate, targets, drift_ratio)
    if found.at is not None:
        return found.at
    if not found.loads:
        raise UsageError(f"{candidate.host}: no load of its runs is VALID. Measure again, or pass --force.")
    near = found.nearest_miss
    missed = "; ".join(f"{one.constraint}: {one.standing}" for one in near.answers) if near else ""
    nearest = near.load.described if near else "none"
    raise UsageError(
        f"{candidate.host}: no measured load surely meets the targets. Nearest: {nearest} ({missed}). Measure lower "
        "loads, or ask for less."
    )


def _currency(candidates: Sequence[Candidate], question: Question) -> str:
    """Return the one currency of all prices."""
    prices = [(one.host, price_of(one).currency) for one in candidates]
    named = sorted({currency for _, currency in prices} | ({question.currency} if question.currency else set()))
    if len(named) > 1:
        said = ", ".join(f"{host} {currency}" for host, currency in prices)
        raise UsageError(
            f"Prices are in {' and '.join(named)} ({said}), and currencies are never converted. State them in one: "
            "aforo prices set RUN --price … --currency …, or --currency."
        )
    return named[0]


def price_of(candidate: Candidate) -> PriceFacts:
    """Return what an hour of a candidate costs. Raises `UsageError` where that is not known."""
    cost = candidate.manifest.cost
    run = candidate.runs[0].folder.path
    if cost.price is not None and not 0 < cost.price.per_hour < inf:
        raise UsageError(
            f"{run}: an hour costs {cost.price.per_hour:g}. State it anew: aforo prices set {run} --price 0.58"
        )
    if cost.price is not None:
        return cost.price
    if cost.token_price is not None:
        raise UsageError(
            f"{run} is of an endpoint that charges by the token: nothing there is self-hosted. Pass a run of your own "
            "machine, and what the endpoint charges as --api-price."
        )
    raise UsageError(
        f"{run} has no price ({cost.price_reason or 'none was given'}). Say it: aforo prices set {run} --price 0.58"
    )


def _request(load: Load, question: Question) -> Request:
    """Return the mean request as it was measured."""
    tokens = [_mean(load, f"{kind}_tokens_per_request") for kind in ("prompt", "output")]
    if not any(tokens):
        raise UsageError(
            f"{load.runs[0].name}: how many tokens a request has was not measured: aforo summarize writes it."
        )
    stated = question.charged.cached_ratio if question.charged else None
    measured = _mean(load, "cached_prompt_ratio")
    return Request(
        tokens[0] or 0.0, tokens[1] or 0.0, stated if stated is not None else measured or 0.0, measured is not None
    )


def _mean(load: Load, metric: str) -> float | None:
    return number_of(load, (metric, None)).value


def _ratio(candidate: Candidate, question: Question) -> float | None:
    """Return what an output token is worth: as stated, else as the endpoint's prices say, else as the run was given."""
    if question.input_output_ratio is not None:
        return question.input_output_ratio
    charged = question.charged
    if charged is not None and charged.input_per_1m > 0 and charged.output_per_1m > 0:
        return charged.output_per_1m / charged.input_per_1m
    return candidate.manifest.cost.input_output_ratio


def _host(
    candidate: Candidate, at: JudgedLoad, question: Question, request: Request, ratio: float | None, is_several: bool
) -> Host:
    rate = sustained(at.load, question.drift_ratio)
    paid = price_of(candidate)
    used = question.utilisation_ratio or candidate.manifest.cost.utilisation_ratio
    hour = hour_at(paid, used)
    capacity = rate.times(used * S_PER_DAY)
    name = f"{candidate.name} {candidate.host}" if is_several else "self-hosted"
    middle = rate.value or (rate.low + rate.high) / 2
    parted = None
    if ratio is not None and request.output_tokens:
        busy = per_busy_hour(hour, used)
        parted = split(busy, middle * request.input_tokens, middle * request.output_tokens, ratio)
    return Host(candidate, at, rate, paid, used, hour, Way(name, unit_per_hour=hour, capacity_per_day=capacity), parted)


def hour_at(paid: PriceFacts, utilisation_ratio: float) -> float:
    """Return what an hour costs at a utilisation: owned hardware draws less when it is idle."""
    return paid.per_hour if paid.owned is None else per_owned_hour(paid.owned, utilisation_ratio)


def sustained(load: Load, drift_ratio: float | None) -> Estimate:
    """Return the requests/s that one host gets done at a load. Raises `UsageError` where that is not known."""
    found = number_of(load, ("requests_per_s", None), drift_ratio)
    if isinstance(found, Unknown) and found.value:
        found = Estimate.exact(found.value)
    if isinstance(found, Unknown) or found.low <= 0:
        why = found.reason if isinstance(found, Unknown) else "its interval reaches 0"
        raise UsageError(f"{load.runs[0].name}: how many requests/s it serves at {load.described} is not known: {why}")
    return found


def _others(question: Question, request: Request, utilisation_ratio: float) -> list[Way]:
    """Return what is paid for use: provisioned throughput is as full as the hosts, since it meets the same peaks."""
    found = []
    if question.charged is not None:
        found.append(Way(API, per_request=per_request(question.charged, request)))
    if question.provisioned is not None:
        tokens = question.provisioned.tokens_per_min
        per_day = None
        if tokens is not None:
            each = request.input_tokens + request.output_tokens
            per_day = Estimate.exact(tokens / _S_PER_MIN / each * utilisation_ratio * S_PER_DAY)
        found.append(Way(PROVISIONED, unit_per_hour=question.provisioned.per_hour, capacity_per_day=per_day))
    return found


def per_request(charged: Charged, request: Request) -> float:
    """Return what an endpoint charges for a mean request."""
    cached = 0.0 if charged.cached_input_per_1m is None else request.input_tokens * request.cached_ratio
    full = request.input_tokens - cached
    bill = full * charged.input_per_1m + cached * (charged.cached_input_per_1m or 0.0)
    return (bill + request.output_tokens * charged.output_per_1m) / _MILLION


def cost_per_request_full(host: Host) -> Estimate:
    """Return what a request costs on a host that is as full as was stated."""
    hour = per_busy_hour(host.per_hour, host.utilisation_ratio)
    rate = host.requests_per_s
    value = None if rate.value is None else per_unit(hour, rate.value)
    return Estimate(value, per_unit(hour, rate.high), per_unit(hour, rate.low), rate.freedom)
