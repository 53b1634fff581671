"""The cheapest candidate for programs: JSON with everything, CSV with a row for each load of each candidate."""

import csv
import io
import json
from typing import Any

from profiler.csv_cells import harmless
from profiler.reports.cheapest import table, words
from profiler.selection.answers import Answer
from profiler.selection.between import Interpolated
from profiler.selection.certainty import CERTAIN
from profiler.selection.cheapest import OPERATIONAL, Cheapest, Considered
from profiler.selection.demand import Fleet
from profiler.selection.operating import JudgedLoad
from profiler.stats.estimates import Estimate
from profiler.summaries.estimates import Unknown

FORMAT_VERSION = 1  # of the JSON
_HEAD = (
    *("candidate", "label", "host", "load", "is_operating_point", "answer"),
    *("cost_unit", "cost", "cost_low", "cost_high", "rate_tokens_per_s", "rate_low", "rate_high", "runs"),
)


def as_csv(found: Cheapest) -> str:
    """Return one row for each measured load of each candidate, numbers unrounded, empty where unknown."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    targets = [each.described for each in found.question.targets]
    writer.writerow([*_HEAD, *(harmless(f"{name}{part}") for name in targets for part in ("", " low", " high"))])
    for one in found.considered:
        for judged in one.operating.loads:
            writer.writerow(_row(one, judged))
    return file.getvalue()


def _row(one: Considered, judged: JudgedLoad) -> list[Any]:
    texts = [one.candidate.name, one.candidate.label, one.candidate.host, judged.load.name]
    is_at = "yes" if judged is one.at else "no"
    unit = words.unit_at(one, one.candidate.tokens.cost)
    numbers = [*_cells(judged.cost), *_cells(judged.rate), len(judged.load.runs)]
    seen = [cell for answer in judged.answers for cell in _cells(answer.seen or Unknown("", answer.value))]
    return [*map(harmless, texts), is_at, judged.standing, unit, *numbers, *seen]


def _cells(found: Estimate | Unknown) -> list[Any]:
    value = "" if found.value is None else found.value
    return [value, "", ""] if isinstance(found, Unknown) else [value, found.low, found.high]


def as_json(found: Cheapest) -> str:
    """Return everything that the page says, numbers unrounded."""
    document = {
        "format_version": FORMAT_VERSION,
        "conclusion": words.lead(found),
        "cheapest": found.leader.candidate.name if found.leader else None,
        "is_certain": found.is_certain,
        "certainty_at_least": found.certainty,
        "certain_from": CERTAIN,
        "asked": table.targets(found),
        "demand": str(found.question.demand) if found.question.demand else None,
        "candidates": [_candidate(found, one) for one in found.considered],
        "traps": [{"id": one.id, "sentence": one.sentence, "is_barring": one.is_barring} for one in found.traps],
        "notes": table.notes(found),
        "refused": [{"path": str(one.path), "sentence": one.sentence} for one in found.refused],
    }
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _candidate(found: Cheapest, one: Considered) -> dict[str, Any]:
    beside = found.by_name.get(one.candidate.name)
    return {
        "name": one.candidate.name,
        "label": one.candidate.label,
        "host": one.candidate.host,
        "model": one.candidate.manifest.model.name,
        "engine": one.candidate.manifest.engine.name,
        "runs": [str(run.folder.path) for run in one.candidate.runs],
        "is_invalid": one.is_invalid,
        "answer": one.standing,
        "operating_point": one.at.load.name if one.at else None,
        "facts": [_answer(each) for each in one.fact_answers],
        "loads": [_load(one, judged) for judged in one.operating.loads],
        "invalid_loads": [load.name for load in one.candidate.invalid],
        "energy": number(one.energy, words.unit_at(one, one.candidate.tokens.energy)),
        "carbon": number(one.carbon, words.unit_at(one, one.candidate.tokens.carbon)),
        "operational_carbon": number(one.operational_carbon, words.unit_at(one, OPERATIONAL)),
        "cost_beside_cheapest": number(beside.ratio, "ratio") if beside and beside.ratio else None,
        "chance_cheapest_is_cheaper_at_least": beside.chance if beside else None,
        "chance_reason": beside.reason or None if beside else None,
        "interpolated": _between(one.between) if one.between else None,
        "hosts": _fleet(one.fleet) if one.fleet is not None else None,
        "out": [words.obstacle(answer) for answer in one.obstacles],
    }


def _load(one: Considered, judged: JudgedLoad) -> dict[str, Any]:
    return {
        "load": judged.load.name,
        "amount": judged.load.amount,
        "unit": judged.load.unit,
        "runs": [run.name for run in judged.load.runs],
        "answer": judged.standing,
        "targets": [_answer(answer) for answer in judged.answers],
        "cost": number(judged.cost, words.unit_at(one, one.candidate.tokens.cost)),
        "rate": number(judged.rate, "tokens/s"),
    }


def _answer(answer: Answer) -> dict[str, Any]:
    return {
        "constraint": answer.constraint,
        "answer": answer.standing,
        "seen": number(answer.seen or Unknown(answer.reason, answer.value), answer.unit),
        "chance": answer.chance,
        "miss_ratio": answer.miss_ratio,
        "reason": answer.reason or None,
        "would_tell": answer.tell or None,
    }


def number(found: Estimate | Unknown, unit: str) -> dict[str, Any]:
    """Return a number with unit and interval; null where it is not known, with the reason."""
    if isinstance(found, Unknown):
        return {"unit": unit, "value": found.value, "low": None, "high": None, "reason": found.reason or None}
    return {"unit": unit, "value": found.value, "low": found.low, "high": found.high, "reason": None}


def _between(found: Interpolated) -> dict[str, Any]:
    return {
        "is_measured": False,
        "between": [found.below.load.name, found.above.load.name],
        "amount": found.amount,
        "rate_tokens_per_s": found.rate,
        "cost": found.cost,
        "target": found.target.described,
    }


def _fleet(found: Fleet | Unknown) -> dict[str, Any]:
    if isinstance(found, Unknown):
        return {"hosts": None, "reason": found.reason}
    return {
        "hosts": found.hosts,
        "low": found.low,
        "high": found.high,
        "capacity": found.capacity.value,
        "per_hour": found.per_hour,
        "currency": found.currency or None,
    }
