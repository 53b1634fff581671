"""The break-even in words and tables."""

from collections.abc import Iterator, Sequence
from math import inf

from profiler.cost.ways import Region, Way
from profiler.number_format import NBSP, plain_quantity, quantity, short_amount
from profiler.reports.choice.breakeven_data import as_csv, as_dict
from profiler.reports.choice.breakeven_figure import drawing
from profiler.reports.choice.document import Document, Section, Standing, Table
from profiler.reports.energy import price_text, source_text
from profiler.reports.format import estimate_scale, with_invalid
from profiler.selection.breakeven import API, Breakeven, Host, cost_per_request_full
from profiler.stats.estimates import Estimate


def document(found: Breakeven, notes: Sequence[str]) -> Document:
    """Say everything; `notes` come from whoever read the runs."""
    standing, said = _answer(found)
    answer = with_invalid(said, is_invalid=any(host.at.load.is_invalid for host in found.hosts))
    sections = [
        Section("demand", "Cost by demand", drawing=drawing(found)),
        Section("regions", "Which is cheapest at which demand", table=_regions(found)),
        Section("ways", "What each costs when full", table=_ways(found)),
        Section("method", "How to read this", paragraphs=_method(found)),
    ]
    if found.demand_per_day is not None:
        sections.insert(0, Section("asked", "At the demand that was asked about", table=_at_demand(found)))
    return Document(
        kicker="break-even",
        title="Self-hosting against paying for use" if _has_others(found) else "Which host at which demand",
        about=_about(found),
        answer=answer,
        standing=standing,
        reasons=list(_reasons(found)),
        notes=[*notes, *_doubts(found)],
        sections=sections,
        data=as_dict(found, answer, notes),
        csv=as_csv(found),
    )


def _doubts(found: Breakeven) -> list[str]:
    return [
        f"What {host.way.name} serves has no interval: it was measured once. Measure it again, or state --drift 3%."
        for host in found.hosts
        if host.requests_per_s.is_exact
    ]


def _has_others(found: Breakeven) -> bool:
    return len(found.ways) > len(found.hosts)


def _about(found: Breakeven) -> list[str]:
    request, manifest = found.request, found.hosts[0].candidate.manifest
    parts = [f"{plain_quantity(request.input_tokens, 'tokens')} in"]
    parts += [f"{plain_quantity(request.output_tokens, 'tokens')} out"] if request.output_tokens else []
    used = sorted({host.utilisation_ratio for host in found.hosts})
    return [
        f"workload {manifest.workload.name}",
        f"model {manifest.model.name}",
        f"{' and '.join(parts)} a request",
        f"hosts are under load for {' or '.join(f'{each:.0%}' for each in used)} of the day",
    ]


def _answer(found: Breakeven) -> tuple[Standing, str]:
    """The answer in a sentence, and how it stands with self-hosting."""
    if not _has_others(found):
        return "good", _between_hosts(found)
    first, for_good = found.first_own, found.own_for_good
    if first is None and found.may_be_own:
        return "open", "Whether self-hosting is cheapest at any demand cannot be told from these runs."
    if first is None:
        return "bad", f"Self-hosting is not the cheapest at any demand up to {_demand(found, found.most)}."
    if first.low == 0 and for_good == 0:
        return "good", "Self-hosting is cheapest at every demand."
    text = f"Self-hosting is cheapest from {_demand(found, first.low)} on"
    if for_good is None:
        return "good", f"{text}, up to {_demand(found, first.high)}; at larger demands it changes."
    return "good", f"{text}." if for_good == first.low else f"{text}, and stays so from {_demand(found, for_good)} on."


def _between_hosts(found: Breakeven) -> str:
    sure = [one for one in found.regions if one.cheapest is not None]
    if not sure:
        return "Which host is cheapest cannot be told at any demand."
    last = found.regions[-1].cheapest
    start = f"{sure[0].cheapest} is cheapest" + (f" up to {_demand(found, sure[0].high)}" if len(sure) > 1 else "")
    return f"{start}." if len(sure) == 1 or last is None else f"{start}; at {_demand(found, found.most)} it is {last}."


def _reasons(found: Breakeven) -> Iterator[str]:
    """What is dearer where, and how full a host is at the break-even."""
    first = found.first_own
    for host in found.hosts:
        rate, full = (
            _estimate(host.requests_per_s, "requests/s"),
            _estimate(_thousand(cost_per_request_full(host)), found.currency),
        )
        serves = f"at {host.at.load.described} it serves {rate}"
        used = f"{host.utilisation_ratio:.0%} utilisation"
        yield f"{host.way.name}: {_hour(host.per_hour, found)}; {serves}; at {used} 1,000 requests cost {full}."
    for way in found.ways[len(found.hosts) :]:
        each = way.per_request_at_capacity()
        if way.per_request:
            charged = _estimate(_thousand(way.per_request), found.currency)
            yield f"{way.name}: 1,000 requests cost {charged}, at any demand."
        elif each is not None:
            full = _estimate(_thousand(each), found.currency)
            yield f"{way.name}: {_hour(way.unit_per_hour, found)}; 1,000 requests cost {full} when it is full."
    if first is None and found.may_be_own and _has_others(found):
        yield "What would tell: more or longer runs, which narrow what a host serves, or a load that it serves faster."
    if first is not None and first.low > 0 and _has_others(found):
        way = next(one for one in found.ways if one.name in first.possible)
        if way.capacity_per_day is not None:
            share = first.low / (way.units(first.low)[0] * way.capacity_per_day.middle)
            yield f"Where self-hosting becomes cheapest, {way.name} is used to {share:.0%} of what it can take."


def _hour(per_hour: float, found: Breakeven) -> str:
    return f"{quantity(per_hour, found.currency)} an hour"


def _estimate(number: Estimate, unit: str) -> str:
    """A number with its interval in brackets, with the digits that it carries."""
    shown = estimate_scale(number, unit)
    if number.is_exact:
        return shown.quantity(number.low)
    ends = shown.span((number.low, number.high))
    return f"{ends}{NBSP}{shown.unit}" if number.value is None else f"{shown.quantity(number.value)} ({ends})"


def _thousand(each: Estimate | float) -> Estimate:
    """The cost of a thousand requests."""
    return (each if isinstance(each, Estimate) else Estimate.exact(each)).times(1000.0)


def _demand(found: Breakeven, requests: float) -> str:
    """A demand in requests and tokens a day."""
    if requests == inf:
        return "any demand"
    tokens = short_amount(requests * found.request.tokens)
    return f"{short_amount(requests)} requests ({tokens} {found.tokens_kind} tokens) a day"


def _regions(found: Breakeven) -> Table:
    head = ["From, requests a day", "to", f"{found.tokens_kind} tokens a day", "Cheapest", "Units", "Cost of a day"]
    rows = [_region_row(found, one) for one in found.regions]
    note = (
        "Cheapest is said only where it is so whatever a host serves within its 95 % interval. Units are whole; they "
        "and the cost are at the ends of a row, and the last row ends where nothing more was looked at."
    )
    return Table(head, rows, note)


def _region_row(found: Breakeven, one: Region) -> list[str]:
    tokens = f"{short_amount(one.low * found.request.tokens)}\N{EN DASH}{short_amount(one.high * found.request.tokens)}"
    name = one.cheapest or f"cannot be told: {' or '.join(one.possible)}"
    ways = [way for way in found.ways if way.name in one.possible]
    ends = [way.units(max(end, 1e-9))[1:] for way in ways for end in (one.low, one.high)]
    counts = sorted({each for pair in ends for each in pair} - {0})
    hosts = _span_of_counts(counts)
    costs = [way.least_per_day(one.low) for way in ways] + [way.most_per_day(one.high) for way in ways]
    return [
        short_amount(one.low),
        short_amount(one.high),
        tokens,
        name,
        hosts,
        _span(min(costs), max(costs), found.currency),
    ]


def _span_of_counts(counts: Sequence[int]) -> str:
    if not counts:
        return ""
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]}\N{EN DASH}{counts[-1]}"


def _span(low: float, high: float, unit: str) -> str:
    least, most = f"{low:,.2f}", f"{high:,.2f}"
    return f"{least}{NBSP}{unit}" if least == most else f"{least}\N{EN DASH}{most}{NBSP}{unit}"


def _ways(found: Breakeven) -> Table:
    ratio = "" if found.ratio is None else f", an output token worth {found.ratio:.3g} input tokens"
    head = ["", "Price", "Requests a day of one", "Cost of 1,000 requests", "1M input tokens", "1M output tokens"]
    rows = [_host_row(found, host) for host in found.hosts]
    rows += [_other_row(found, way) for way in found.ways[len(found.hosts) :]]
    note = (
        f"Of hosts and provisioned throughput when they are as full as stated{ratio}: output = price per second / "
        "(input tokens/s / r + output tokens/s), input = output / r."
    )
    return Table(head, rows, note)


def _host_row(found: Breakeven, host: Host) -> list[str]:
    capacity = host.way.capacity_per_day
    split = host.split
    return [
        f"{host.way.name}: {host.candidate.manifest.engine.name} on {host.candidate.host}",
        price_text(host.price),
        "" if capacity is None else _capacity(capacity),
        _estimate(_thousand(cost_per_request_full(host)), found.currency),
        "\N{EN DASH}" if split is None else quantity(split.input_per_1m, found.currency),
        "\N{EN DASH}" if split is None else quantity(split.output_per_1m, found.currency),
    ]


def _capacity(capacity: Estimate) -> str:
    ends = f"{short_amount(capacity.low)}\N{EN DASH}{short_amount(capacity.high)}"
    return short_amount(capacity.middle) if capacity.is_exact else f"{short_amount(capacity.middle)} ({ends})"


def _other_row(found: Breakeven, way: Way) -> list[str]:
    each, capacity, charged = way.per_request_at_capacity(), way.capacity_per_day, found.question.charged
    is_api = way.name == API and charged is not None
    return [
        way.name,
        "by the token" if is_api else _hour(way.unit_per_hour, found),
        "any number" if capacity is None else short_amount(capacity.middle),
        "\N{EN DASH}" if each is None else _estimate(_thousand(each), found.currency),
        quantity(charged.input_per_1m, found.currency) if is_api and charged else "\N{EN DASH}",
        quantity(charged.output_per_1m, found.currency) if is_api and charged else "\N{EN DASH}",
    ]


def _at_demand(found: Breakeven) -> Table:
    asked = found.demand_per_day or 0.0
    here = next((one for one in found.regions if one.low < asked <= one.high), found.regions[-1])
    rows = []
    for way in found.ways:
        units, least, most = way.units(asked)
        counts = "" if not units else f"{units}" if least == most else f"{least}\N{EN DASH}{most}"
        says = "cheapest" if here.cheapest == way.name else "may be cheapest" if way.name in here.possible else ""
        rows.append([way.name, counts, _span(way.least_per_day(asked), way.most_per_day(asked), found.currency), says])
    return Table([_demand(found, asked), "Units", "Cost of a day", ""], rows)


def _method(found: Breakeven) -> list[str]:
    texts = [
        "A host serves the requests/s that were measured at its operating point: the cheapest measured load that meets "
        "the targets, or without targets the one with the highest rate. It is kept for the whole day, busy or not; the "
        "utilisation says how much of what it could serve is asked of it on average.",
        "Of one run the interval is that within it, which says nothing of the next run; of several runs of a setting "
        "it is the one between them.",
    ]
    texts += [_price_of(host) for host in found.hosts]
    charged = found.question.charged
    if charged is not None and charged.cached_input_per_1m is not None:
        how = "as stated" if charged.cached_ratio is not None else "as this server had them in its cache"
        texts.append(f"{found.request.cached_ratio:.0%} of the prompt tokens are charged at the cached price, {how}.")
    return texts


def _price_of(host: Host) -> str:
    return f"Price of {host.way.name}: {price_text(host.price)}; {source_text(host.price.source)}."
