"""How good the answers were, at a load: all answers to measured requests that finished. Intervals are by item."""

from collections.abc import Callable

from profiler.aggregation.observations import Observations
from profiler.aggregation.request import output_tokens, reasoning_tokens
from profiler.metrics.population import ANSWERS
from profiler.metrics.registry import Judgement, NotMeasuredError, per_answer, per_request
from profiler.metrics.shown import Shown
from profiler.number_format import count
from profiler.quality.catalogue import SCORERS
from profiler.quality.scorer import POINTS, NotScoredError, Scorer
from profiler.results.records import RequestRecord
from profiler.stats.jackknife import FEWEST_GROUPS, Sums, added_up, jackknife_half_width
from profiler.stats.proportions import proportion_interval

TOO_FEW_ITEMS = f"fewer than {FEWEST_GROUPS} items are too few for an interval"
ALL_ALIKE = "every item has the same score, which says nothing of how much others would differ"


def _judgement(groups: list[dict[str, float]], formula: Callable[[Sums], float], most: float, note: str) -> Judgement:
    """Return the number that all items make together, with its interval over items, within 0 and `most`."""
    value = formula(added_up(groups))
    half_width = jackknife_half_width(groups, formula)
    if not half_width:
        return Judgement(value, None, None, note, TOO_FEW_ITEMS if half_width is None else ALL_ALIKE)
    interval = max(0.0, value - half_width), min(most, value + half_width)
    return Judgement(value, interval, len(groups) - 1, note)


def _of_share(found: Judgement, items: int, most: float) -> Judgement:
    """Widen the interval of a share to that of as many independent answers as there are items.

    Items that are all right, or all wrong, agree to the last digit and know less than they seem to.
    """
    low, high = (end * most for end in proportion_interval(round(found.value / most * items), items))
    seen = found.interval or (found.value, found.value)
    interval = min(low, seen[0]), max(high, seen[1])
    return found._replace(interval=interval, freedom=found.freedom or max(1, items - 1), no_interval=None)


def _notes(*notes: str | None) -> str:
    return "; ".join(note for note in notes if note)


def _about(groups: list[dict[str, float]], seen: Observations, scorer: str) -> tuple[str | None, ...]:
    return count(len(groups), "item"), seen.scores.cut_off(scorer), seen.scores.why_unscored(scorer)


def _signature(scorer: Scorer, seen: Observations) -> str | None:
    try:
        return scorer.signature(list(seen.scores.items.values())) if scorer.signature else None
    except NotScoredError:
        return None


def _declare(scorer: Scorer) -> None:
    """Declare the metric of a scorer."""

    def score(seen: Observations) -> Judgement:
        groups = seen.scores.by_item(scorer.id)
        note = _notes(_signature(scorer, seen), *_about(groups, seen, scorer.id))
        found = _judgement(groups, scorer.of_all, POINTS, note)
        return _of_share(found, len(groups), POINTS) if scorer.is_binary else found

    score.__name__ = f"quality_{scorer.id}"
    score.__doc__ = f"{scorer.definition} Needs {', '.join(sorted(scorer.needs))}. {scorer.source}."
    label = scorer.label if " " in scorer.label else f"{scorer.label} score"
    per_answer(label, unit="points", group="quality", better="higher", over=ANSWERS)(score)


@per_answer(
    "Correct answers",
    unit="ratio",
    group="quality",
    better="higher",
    over=ANSWERS,
    short="Correct",
    shown=Shown(order=132, headline="page", compared="shown", loads="page", is_optional=True),
)
def correct_ratio(seen: Observations) -> Judgement:
    """Answers that are correct / answers that were scored.

    Correct is what the workload says in `correct`, at least so many points of a scorer; else 100 points of the first of
    its scorers that tells right from wrong: a right label, an accepted answer, all checks met, all tests passed, the
    right passage. Where none does, as with summaries, it is not measured.
    """
    groups = seen.scores.correct_by_item()
    rule = seen.scores.rule
    note = _notes(f"correct: {rule}", *_about(groups, seen, rule.scorer if rule else ""))
    found = _judgement(groups, lambda sums: sums["points"] / sums["answers"], 1.0, note)
    return _of_share(found, len(groups), 1.0)


for _scorer in SCORERS.values():
    _declare(_scorer)


@per_request("Tokens per answer", unit="tokens", group="quality", better="neither", work="requests")
def answer_tokens(request: RequestRecord) -> float:
    """Output tokens without those of reasoning, in the server's count or as streamed; an empty answer has none."""
    if request.asked_tokens is None:
        raise NotMeasuredError("an embedding has no output tokens")
    return float(max(0, output_tokens(request) - reasoning_tokens(request)))
