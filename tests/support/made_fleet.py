"""A plan whose state and runs are written line by line, as if it had been carried out."""

from pathlib import Path
from typing import Any

from support.stored_runs import fleet_facts, rate, stored

from profiler.fleet.state import Begun, Ended, Outcome, Planned, PlannedCell, Price, StateFile

PLAN: dict[str, Any] = {
    "id": "lab",
    "description": "which one?",
    "hosts": [{"name": "one", "transport": "ssh"}, {"name": "two", "transport": "local"}],
    "models": ["m"],
    "workloads": ["w"],
    "limits": {"money": 9.0, "currency": "EUR"},
}
HOUR_S = 3_600.0


class Made:
    """A plan of two rounds on two hosts, carried out line by line."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = StateFile(folder)
        cells = [
            PlannedCell(key=f"{host}.r{number}", host=host, model="m", workload="w", setting="threads=4", round=number)
            for host in ("one", "two")
            for number in (1, 2)
        ]
        prices = {"one": Price(per_hour=2.0, currency="EUR")}
        self.file.write(
            Planned(at="2026-11-30T08:00:00Z", sha256="ab" * 32, version="1", plan=PLAN, cells=cells, prices=prices)
        )

    def attempt(self, on: str, round_: int, outcome: Outcome, number: int = 1, **run: Any) -> Path:
        key = f"{on}.r{round_}"
        self.file.write(Begun(at=f"2026-11-30T0{7 + round_}:10:00Z", cell=key, host=on, attempt=number, plan="ab" * 32))
        place = f"{on}/{key}.{number}"
        if run:
            facts = fleet_facts(host=on, cell=key, round=round_)
            name = f"run-{on}-{round_}-{number}"
            stored(self.folder / place / name, fleet=facts, level=run.pop("level", "VALID"), **run)
        sentence = "" if outcome == "VALID" else f"It {outcome}."
        self.file.write(
            Ended(
                at=f"2026-11-30T0{7 + round_}:40:00Z",
                cell=key,
                host=on,
                attempt=number,
                outcome=outcome,
                lasted_s=HOUR_S / 4,
                held_s=HOUR_S / 2,
                folder=place,
                sentence=sentence,
            )
        )
        return self.folder / place


def of_speed(tokens_per_s: float) -> dict[str, Any]:
    return {"metrics": {"output_tokens_per_s": rate(tokens_per_s)}}
