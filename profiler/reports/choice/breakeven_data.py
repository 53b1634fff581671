"""The break-even for programs."""

from collections.abc import Sequence
from typing import Any

from profiler.reports.choice.document import Table
from profiler.selection.breakeven import Breakeven, Host, cost_per_request_full


def as_dict(found: Breakeven, answer: str, notes: Sequence[str]) -> dict[str, Any]:
    """Return everything for programs."""
    return {
        "answer": answer,
        "self_hosting_cheapest_from_requests_per_day": found.first_own.low if found.first_own else None,
        "self_hosting_cheapest_for_good_from_requests_per_day": found.own_for_good,
        "looked_up_to_requests_per_day": found.most,
        "currency": found.currency,
        "tokens": found.tokens_kind,
        "tokens_per_request": {"input": found.request.input_tokens, "output": found.request.output_tokens},
        "input_output_ratio": found.ratio,
        "hosts": [_host_dict(host) for host in found.hosts],
        "others": [
            {"name": way.name, "per_hour": way.unit_per_hour or None, "per_request": way.per_request or None}
            for way in found.ways[len(found.hosts) :]
        ],
        "regions": [
            {
                "from_requests_per_day": one.low,
                "to_requests_per_day": one.high,
                "cheapest": one.cheapest,
                "possible": list(one.possible),
            }
            for one in found.regions
        ],
        "demand": _demand_dict(found),
        "notes": list(notes),
    }


def _host_dict(host: Host) -> dict[str, Any]:
    rate, full = host.requests_per_s, cost_per_request_full(host)
    return {
        "name": host.way.name,
        "host": host.candidate.host,
        "engine": host.candidate.manifest.engine.name,
        "runs": [run.name for run in host.candidate.runs],
        "load": host.at.load.name,
        "requests_per_s": {"value": rate.value, "low": rate.low, "high": rate.high},
        "utilisation_ratio": host.utilisation_ratio,
        "per_hour": host.per_hour,
        "price": host.price.model_dump(),
        "cost_per_request_when_full": {"value": full.value, "low": full.low, "high": full.high},
        "cost_per_1m_input_tokens": host.split.input_per_1m if host.split else None,
        "cost_per_1m_output_tokens": host.split.output_per_1m if host.split else None,
    }


def _demand_dict(found: Breakeven) -> dict[str, Any] | None:
    asked = found.demand_per_day
    if asked is None:
        return None
    ways = [
        {
            "name": way.name,
            "units": way.units(asked)[0],
            "cost_per_day": {"least": way.least_per_day(asked), "most": way.most_per_day(asked)},
        }
        for way in found.ways
    ]
    return {"requests_per_day": asked, "tokens_per_day": asked * found.request.tokens, "ways": ways}


def as_csv(found: Breakeven) -> Table:
    """Return a row for each region of demand."""
    head = ["from_requests_per_day", "to_requests_per_day", "cheapest", "possible", "currency"]
    head += [f"{name}_per_day_{end}" for name in ("cost", "hosts") for end in ("from_least", "to_most")]
    rows = []
    for one in found.regions:
        ways = [way for way in found.ways if way.name in one.possible]
        costs = [min(way.least_per_day(one.low) for way in ways), max(way.most_per_day(one.high) for way in ways)]
        units = [min(way.units(max(one.low, 1e-9))[1] for way in ways), max(way.units(one.high)[2] for way in ways)]
        cells = [one.low, one.high, one.cheapest or "cannot be told", " or ".join(one.possible), found.currency]
        rows.append([str(cell) for cell in (*cells, *costs, *units)])
    return Table(head, rows)
