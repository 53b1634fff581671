"""Fleets as they might have come out: made up from a seed, or cell by cell."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from profiler.reports.fleet.data import MEASURED, Attempt, Cell, Column, Fleet, Host, Limits, Status

START = datetime(2026, 11, 30, 8, 0, 0, tzinfo=UTC)
SENTENCES: dict[Status, str] = {
    "INVALID": "INVALID: late-sends.",
    "failed": "The model server did not start: no memory.",
    "over limit": "It was ended after 600 s, the limit of a cell.",
    "lost": "Its host was restarted, or it was killed there.",
    "cancelled": "It was ended when the end of all was asked for.",
}


def at(second: float) -> str:
    """So many seconds after the start, as a state has it."""
    return (START + timedelta(seconds=second)).isoformat().replace("+00:00", "Z")


def fleet(hosts: int = 3, workloads: int = 4, settings: int = 2, rounds: int = 1, seed: int | None = None) -> Fleet:
    """A fleet in which everything is VALID and took 60 s a cell; with a seed, mishaps are drawn."""
    chance = random.Random(seed)  # noqa: S311 - the same seed gives the same fleet
    columns = [
        Column(
            "synthetic:smollm2-135m/Q8_0", f"workload-{workload}", f"threads={2 * setting + 2}" if settings > 1 else ""
        )
        for workload in range(workloads)
        for setting in range(settings)
    ]
    machines = [
        Host(f"host-{number + 1:02}", "ssh", "x86_64" if number % 2 else "aarch64", 0.58 if number % 2 else 0.714)
        for number in range(hosts)
    ]
    cells = []
    for host in machines:
        second = 0.0
        for order in range(len(columns) * rounds):
            column, number = order % len(columns), order // len(columns) + 1
            attempts = _attempts(chance, second, len(columns), seed)
            second += sum(each.lasted_s or 1.0 for each in attempts) + 2
            status: Status = attempts[-1].status if attempts else "waiting"
            key, why = f"{columns[column].words}.r{number}", SENTENCES.get(status, "")
            cells.append(Cell(key, host.name, column, number, order + 1, status, why, attempts))
    machines = [_held(host, cells) for host in machines]
    if seed is not None:
        machines[-1] = Host(machines[-1].name, "ray", "x86_64", lost="It is not reached: connection timed out.")
    return Fleet(
        id="made-up",
        description="Which instance serves a chat the cheapest?",
        plan_sha256="ab" * 32,
        versions=("0.9.0",),
        rounds=rounds,
        limits=Limits(600, 7_200, 50.0),
        hosts=tuple(machines),
        columns=tuple(columns),
        cells=tuple(cells),
        begun_utc=at(0),
        stopped_utc=at(9_000),
    )


def _held(host: Host, cells: list[Cell]) -> Host:
    held_s = sum(each.lasted_s or 0.0 for cell in cells if cell.host == host.name for each in cell.attempts)
    return replace(host, held_s=held_s, money=(host.price_per_hour or 0.0) * held_s / 3_600)


def _attempts(chance: random.Random, second: float, columns: int, seed: int | None) -> tuple[Attempt, ...]:
    if seed is None:
        return (Attempt(1, "VALID", at(second), 60.0, rate=100.0, report="a/report.html", run_id="a"),)
    mishaps: list[list[Status]] = [
        ["INVALID", "VALID"],
        ["INVALID", "INVALID"],
        ["failed"],
        ["over limit"],
        ["lost"],
        [],
    ]
    fine: list[list[Status]] = [["VALID"], ["VALID with warnings"]]
    statuses = chance.choices([*fine, *mishaps], [80, 8, 3, 2, 2, 2, 1, 2])[0]
    found = []
    for number, status in enumerate(statuses, start=1):
        lasted_s = chance.uniform(50, 70)
        rate = chance.gauss(100, 2) if status in MEASURED else None
        report = "host/cell/run/report.html" if status in {*MEASURED, "INVALID"} else None
        found.append(Attempt(number, status, at(second), lasted_s, SENTENCES.get(status, ""), report=report, rate=rate))
        second += lasted_s + columns
    return tuple(found)
