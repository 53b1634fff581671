"""A plan and its state as tables for the terminal, and as what is printed as JSON."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from profiler.fleet.cells import Grid
from profiler.fleet.estimate import Estimate
from profiler.fleet.preflight import Ready
from profiler.fleet.status import FleetStatus, HostStatus
from profiler.number_format import duration

_MOST_CELLS = 40


def plan_document(grid: Grid, estimate: Estimate) -> dict[str, Any]:
    """Return a plan with its cells, each with the longest time that it may take."""
    plan = grid.fleet.plan
    return {
        "fleet": plan.id,
        "plan_sha256": plan.sha256,
        "at_most_s": estimate.at_most_s,
        "at_most_money": estimate.at_most_money,
        "hosts": [
            {
                "host": each.host,
                "cells": each.cells,
                "at_most_s": each.at_most_s,
                "at_most_money": each.at_most_money,
                "currency": each.price.currency if each.price else None,
            }
            for each in estimate.hosts
        ],
        "cells": [
            {
                "cell": cell.key,
                "host": cell.host,
                "order": order,
                "model": cell.model,
                "workload": cell.workload,
                "settings": dict(cell.setting.values),
                "round": cell.round,
                "at_most_s": estimate.of_cell_s[cell.key],
                "command": ["aforo", *cell.command],
            }
            for cells in grid.of_host.values()
            for order, cell in enumerate(cells, start=1)
        ],
    }


def ready_document(grid: Grid, found: Sequence[Ready]) -> dict[str, Any]:
    """Return what all hosts of a plan answered before anything is measured."""
    return {
        "fleet": grid.fleet.plan.id,
        "plan_sha256": grid.fleet.plan.sha256,
        "hosts": [
            {
                "host": each.host,
                "is_ready": each.is_ready,
                "problems": each.problems,
                "notes": each.notes,
                "answer": None if each.answer is None else msgspec.to_builtins(each.answer),
            }
            for each in found
        ],
    }


def plan_table(grid: Grid, estimate: Estimate) -> RenderableType:
    """Return hosts with what they take, and the cells of a host in the order of measuring."""
    plan = grid.fleet.plan
    hosts = _table(f"Plan {plan.id}: {len(grid.cells)} cells", "Host", "Transport", "Cells", "At most", "Cost at most")
    for each in estimate.hosts:
        money = (
            "" if each.at_most_money is None or not each.price else f"{each.at_most_money:.2f} {each.price.currency}"
        )
        hosts.add_row(
            each.host, grid.fleet.hosts[each.host].transport, str(each.cells), duration(each.at_most_s), money
        )
    first = next(iter(grid.of_host.values()))
    cells = _table(f"In this order on {first[0].host}", "#", "Model", "Workload", "Settings", "Round", "At most")
    for order, cell in enumerate(first[:_MOST_CELLS], start=1):
        row = (str(order), cell.model, cell.workload, cell.setting.words or "defaults", str(cell.round))
        cells.add_row(*row, duration(estimate.of_cell_s[cell.key]))
    return Group(hosts, Text(_total(estimate)), Text(), cells, *_more(len(first)))


def status_table(status: FleetStatus) -> RenderableType:
    """Return how hosts stand, and each cell that is not VALID with the reason."""
    hosts = _table(f"Plan {status.fleet}", "Host", "Transport", "Cells", "Measured for", "Cost", "State")
    for each in status.hosts:
        cost = "" if each.cost is None else f"{each.cost:.2f} {each.currency}"
        hosts.add_row(each.host, each.transport, str(each.cells), duration(each.held_s), cost, _states(each))
    wrong = [each for each in status.cells if each.state not in {"VALID", "waiting"}]
    said = [status.sentence, *(["It is under way."] if status.is_active else [])]
    said += [f"It was stopped: {status.stopped}"] if status.stopped else []
    if not wrong:
        return Group(hosts, *map(Text, said))
    cells = _table("Not VALID", "Host", "Cell", "State", "Why")
    for one in wrong[:_MOST_CELLS]:
        cells.add_row(one.host, one.cell, one.state, one.sentence)
    return Group(hosts, *map(Text, said), Text(), cells, *_more(len(wrong)))


def _total(estimate: Estimate) -> str:
    money = ", ".join(f"{amount:.2f} {currency}" for currency, amount in estimate.at_most_money.items())
    return (
        f"All of it takes at most {duration(estimate.at_most_s)}{f' and costs at most {money}' if money else ''}, by "
        "the limits of its workloads; most runs end long before them."
    )


def _states(host: HostStatus) -> str:
    told = ", ".join(f"{count} {state}" for state, count in host.states.items())
    return f"lost; {told}" if host.lost else told


def _more(count: int) -> Iterator[Text]:
    if count > _MOST_CELLS:
        yield Text(f"and {count - _MOST_CELLS} more; --json has all of them")


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
