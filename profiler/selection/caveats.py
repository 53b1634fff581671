"""What a reader of a score has to know besides the numbers. Pure."""

from collections.abc import Iterator

from profiler.metrics.catalogue import METRICS
from profiler.number_format import count
from profiler.selection.scoring import Scoring
from profiler.stats.between_runs import FEWEST
from profiler.verdict.fairness import traps

_ALIKE = 0.02  # of the spread of a criterion: what two may differ by and still tell candidates apart alike
_FEWEST_ALIKE = 3  # candidates: two can always differ in proportion


def caveats(scoring: Scoring) -> list[str]:
    """Return a sentence for each, the gravest first."""
    return [*_open_numbers(scoring), *_single_runs(scoring), *scoring.notes, *_other(scoring)]


def _other(scoring: Scoring) -> list[str]:
    found = traps([run for one in scoring.ranked for run in one.load.load.runs], scoring.options.allowed)
    return [*_quality(scoring), *_alike(scoring), *_might_be_cheaper(scoring), *(one.sentence for one in found)]


def _open_numbers(scoring: Scoring) -> Iterator[str]:
    """Name the criteria that a model leaves open, and say whether the winner depends on it."""
    names = [
        criterion.title
        for index, criterion in enumerate(scoring.profile.criteria)
        if any(low or high for one in scoring.ranked for low, high in one.alternative.quantities[index].open_to)
    ]
    if not names or len(scoring.ranked) < FEWEST:
        return
    low, high = scoring.ranked[0].odds["own"].first
    what = f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} known only as an interval, by a model or sources"
    if high - low < 0.05:
        yield f"{what}: at either end the same candidate is first as often, so the winner does not depend on it."
    else:
        yield (
            f"{what}: between its ends the candidate of the highest score is first in {100 * low:.0f} to "
            f"{100 * high:.0f} % of the draws. No end is likelier than another; a meter, or one source of the grid, "
            "would tell."
        )


def _single_runs(scoring: Scoring) -> Iterator[str]:
    single = scoring.of_single_runs
    if single and len(scoring.ranked) > 1:
        whom = "any candidate" if len(single) == len(scoring.ranked) else ", ".join(single)
        yield (
            f"How much one run differs from the next is not known of {whom}: of a single run the doubt is that within "
            "it, which is too little. Measure each three times or more, in turn, or state the drift of the machine "
            "(--drift 3%)."
        )


def _quality(scoring: Scoring) -> Iterator[str]:
    """Of different models the smaller one is cheaper, and may answer worse."""
    models = {(run.manifest.model.sha256 or run.manifest.model.name) for run in scoring.runs}
    asked = [*(one.metric for one in scoring.profile.criteria), *(one.metric for one in scoring.profile.constraints)]
    specs = [METRICS[name] for each in asked if each and (name := each.partition(".")[0]) in METRICS]
    is_asked = any(spec.group == "quality" or spec.kind == "per-correct-answer" for spec in specs)
    if len(models) > 1 and not is_asked:
        yield (
            f"{count(len(models), 'model file')} are scored, and nothing in this profile is about how well they "
            "answer: a smaller model or a coarser quantisation may win by answering worse. Add a constraint on quality."
        )


def _alike(scoring: Scoring) -> Iterator[str]:
    """Two criteria in which all candidates differ in the same proportions are one thing under two names here."""
    if len(scoring.ranked) < _FEWEST_ALIKE:
        return
    columns = list(zip(*([each.gain for each in one.alternative.quantities] for one in scoring.ranked), strict=True))
    counting = [index for index, weight in enumerate(scoring.weights) if weight]
    for later in counting:
        for index in range(later):
            apart = [one - other for one, other in zip(columns[later], columns[index], strict=True)]
            spread = max(columns[index]) - min(columns[index])
            if index in counting and spread and max(apart) - min(apart) < _ALIKE * spread:
                pair = f"{scoring.profile.criteria[index].title} and {scoring.profile.criteria[later].title}"
                yield f"{pair} tell these candidates apart in the same proportions: what is behind both counts twice."


def _might_be_cheaper(scoring: Scoring) -> Iterator[str]:
    for one in scoring.ranked:
        for load in one.contender.operating.might_be_cheaper[:1]:
            unsure = next(answer for answer in load.answers if answer.standing == "cannot be told")
            yield (
                f"{one.contender.candidate.name} would be cheaper at {load.load.described}, of which it cannot be told "
                f"whether it keeps {unsure.constraint}" + (f": {unsure.tell}." if unsure.tell else ".")
            )
