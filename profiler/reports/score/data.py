"""A score for programs: JSON with everything, and CSV with a row for each candidate."""

import csv
import io
import json
from typing import Any

from profiler.csv_cells import harmless
from profiler.reports.score.said import Said
from profiler.results.run_set import Refused
from profiler.selection.acceptability import Odds
from profiler.selection.answers import Answer
from profiler.selection.contenders import Contender
from profiler.selection.scoring import LeftOut, Ranked, Scoring
from profiler.stats.estimates import Estimate

FORMAT_VERSION = 1  # of the JSON


def as_json(scoring: Scoring, refused: tuple[Refused, ...] = ()) -> str:
    """Return everything that the page says, numbers unrounded."""
    return json.dumps(document(scoring, refused), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def document(scoring: Scoring, refused: tuple[Refused, ...] = ()) -> dict[str, Any]:
    """Return the same as values."""
    told = Said(scoring)
    names = [one.contender.candidate.name for one in scoring.ranked]
    flip = scoring.flip
    return {
        "format_version": FORMAT_VERSION,
        "profile": scoring.profile.model_dump(mode="json"),
        "lead": told.lead,
        "winner": names[0] if names else None,
        "draws": scoring.options.draws,
        "seed": scoring.options.seed,
        "drift_ratio": scoring.options.drift_ratio,
        "criteria": [
            {"metric": criterion.metric, "weight": weight, "baseline": base, "unit": unit}
            for criterion, weight, base, unit in zip(
                scoring.profile.criteria, scoring.weights, scoring.baselines, scoring.units, strict=True
            )
        ],
        "ranked": [_ranked(told, one) for one in scoring.ranked],
        "not_ranked": [_left_out(told, one) for one in scoring.left_out],
        "beats": {name: dict(zip(names, own, strict=True)) for name, own in zip(names, scoring.winning, strict=True)},
        "smallest_flip": None
        if flip is None
        else {"rival": names[flip.rival], "weight_moved": flip.moved, "weights": list(flip.weights)},
        "winners_by_weight": [
            [{"from": each.low, "to": each.high, "winner": names[each.winner]} for each in stretches]
            for stretches in scoring.stretches
        ],
        "warnings": told.notes,
        "refused": [{"path": str(one.path), "sentence": one.sentence} for one in refused],
    }


def _ranked(told: Said, one: Ranked) -> dict[str, Any]:
    low, middle, high = one.score
    return {
        **_candidate(told, one.contender),
        "load": one.load.load.name,
        "score": middle,
        "score_least": low,
        "score_most": high,
        "pareto_front": one.front,
        "numbers": [_estimate(found) for found in one.numbers],
        "odds": {way: _odds(found) for way, found in one.odds.items()},
    }


def _candidate(told: Said, contender: Contender) -> dict[str, Any]:
    candidate = contender.candidate
    return {
        "name": candidate.name,
        "label": candidate.label,
        "host": candidate.host,
        "model": candidate.manifest.model.name,
        "quantisation": candidate.manifest.model.quantisation,
        "engine": candidate.manifest.engine.name,
        "runs": [run.name for run in candidate.runs],
    }


def _odds(found: Odds) -> dict[str, Any]:
    return {
        "first": list(found.first),
        "ranks": list(found.ranks),
        "by_rank": list(found.shares),
        "central_weights": None if found.central is None else list(found.central),
    }


def _left_out(told: Said, one: LeftOut) -> dict[str, Any]:
    shown = one.contender.shown_load
    return {
        **_candidate(told, one.contender),
        "state": told.state(one),
        "load": shown.load.name if shown else None,
        "reasons": told.reasons(one),
        "constraints": [_answer(answer) for answer in one.contender.against],
    }


def _answer(answer: Answer) -> dict[str, Any]:
    return {
        "constraint": answer.constraint,
        "standing": answer.standing,
        "seen": None if answer.seen is None else _estimate(answer.seen),
        "value": answer.value,
        "unit": answer.unit or None,
        "miss_ratio": answer.miss_ratio,
        "reason": answer.reason or None,
        "to_tell": answer.tell or None,
    }


def _estimate(found: Estimate) -> dict[str, float | None]:
    return {"value": found.value, "low": found.low, "high": found.high}


def as_csv(scoring: Scoring) -> str:
    """Return a row for each candidate, the ranked ones first; empty where there is no number."""
    told = Said(scoring)
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    numbers = [
        f"{criterion.metric}_{part}" for criterion in scoring.profile.criteria for part in ("value", "low", "high")
    ]
    shares = [f"first_{way}_{end}" for way in told.ways for end in ("least", "most")]
    head = ["name", "label", "host", "model", "quantisation", "engine", "standing", "load", "rank", "score"]
    writer.writerow([*head, "score_least", "score_most", *shares, "best_rank", "worst_rank", *numbers, "reasons"])
    for rank, one in enumerate(scoring.ranked, start=1):
        own = one.odds["own"]
        ends = [end for way in told.ways for end in one.odds[way].first]
        found = [part for each in one.numbers for part in (each.value, each.low, each.high)]
        texts = [*_texts(told, one.contender), "meets", one.load.load.name]
        scores = [rank, one.score[1], one.score[0], one.score[2]]
        writer.writerow([*map(harmless, texts), *scores, *ends, *own.ranks, *found, ""])
    for out in scoring.left_out:
        shown = out.contender.shown_load
        texts = [*_texts(told, out.contender), told.state(out), shown.load.name if shown else ""]
        empty = [""] * (len(shares) + len(numbers) + 6)
        writer.writerow([*map(harmless, texts), *empty, harmless("; ".join(told.reasons(out)))])
    return file.getvalue()


def _texts(told: Said, contender: Contender) -> list[object]:
    own = _candidate(told, contender)
    return [own[key] for key in ("name", "label", "host", "model", "quantisation", "engine")]
