"""The first sentence of a comparison: what is better and how surely, or that it cannot be told."""

from profiler.reports.compare.columns import Column
from profiler.reports.compare.differences import Difference, Differences, Outcome
from profiler.reports.compare.entries import listed
from profiler.reports.compare.sides import Side

_MOST_WRITTEN_OUT = 3  # sides with a sentence of their own


def conclusion(found: Differences) -> str:
    """Say of few sides in what each is better or worse than the baseline, of many how many are, by the token rate."""
    if not found.columns:
        return "Nothing was measured in these runs that could be compared."
    if found.sides.is_one_setting:
        return _of_one_setting(found)
    if not found.made:
        return _untold(found)
    if len(found.sides.others) <= _MOST_WRITTEN_OUT:
        return " ".join(_of_side(found, side) for side in found.sides.others)
    return _of_many(found, found.columns[0])


def lead(found: Differences) -> str:
    """Return the first sentence: which side has the best token rate, by how much and how surely."""
    judged = [side for side in found.sides.others if found.columns and found.of(side)[found.columns[0].id].is_judged]
    if not judged or found.sides.is_one_setting:
        return conclusion(found)
    column, base = found.columns[0], found.baseline.name
    title = column.title.lower()
    better, worse = ([s for s in judged if found.of(s)[column.id].outcome == kind] for kind in ("better", "worse"))
    if better:
        pick = max if column.better == "higher" else min
        best = pick(better, key=lambda side: found.of(side)[column.id].sort or 0.0)
        one = found.of(best)[column.id]
        return f"Best {title}: {best.full_name}, {one.text()} against {base} (95 % confidence interval {one.bounds()})."
    if len(worse) == len(found.sides.others):
        return f"Best {title}: the baseline {base}; all others are worse, at 95 % confidence."
    return f"No {title} is better than that of the baseline {base} at 95 % confidence."


def _of_one_setting(found: Differences) -> str:
    column = found.columns[0]
    (side,) = found.sides.all
    drift = None if column.metric is None else side.variation_ratio(column.metric)
    seen = (
        f"Their {column.title.lower()} differs by {100 * drift:.2g} % from run to run (standard deviation of "
        f"{len(side.entries)} runs), which --drift takes for this machine. "
        if drift
        else ""
    )
    return (
        f"All runs are of one host and setting, so they show how much runs differ, not which is better. {seen}To "
        "compare those before a change with those after it: aforo gate BASE NEW."
    )


def _untold(found: Differences) -> str:
    if found.sides.are_single_runs:
        return (
            "Which is better cannot be told from one run each: how much runs of one setting differ is not known. "
            "Measure each three times or more, in turn."
        )
    return "Which is better cannot be told: too little was measured alike. The reasons stand below the differences."


def _of_side(found: Differences, side: Side) -> str:
    row = found.of(side)
    parts = [
        f"{word} {_listed(titles)}"
        for word, outcome in (("better in", "better"), ("worse in", "worse"))
        if (titles := [_told(column, row[column.id]) for column in found.columns if row[column.id].outcome == outcome])
    ]
    open_titles = [column.title for column in found.columns if row[column.id].outcome in {"undecided", "one run each"}]
    if not any(one.is_judged for one in row.values()):
        return f"{side.full_name}: whether it differs from {found.baseline.name} cannot be told."
    if not parts:
        return f"{side.full_name}: no difference from {found.baseline.name} beyond chance."
    rest = f"; inconclusive in {_listed(open_titles)}" if open_titles else ""
    return f"{side.full_name} is {', '.join(parts)} than {found.baseline.name}{rest}."


def _told(column: Column, one: Difference) -> str:
    shown = f"{one.text()}, {one.bounds()}" if one.text() else one.bounds()
    return f"{column.title} ({shown})"


def _of_many(found: Differences, column: Column) -> str:
    parts = []
    outcomes: tuple[tuple[str, set[Outcome]], ...] = (
        ("better", {"better"}),
        ("worse", {"worse"}),
        ("inconclusive", {"undecided", "one run each", "undecidable", "not compared"}),
    )
    for word, kinds in outcomes:
        sides = [side for side in found.sides.others if found.of(side)[column.id].outcome in kinds]
        if sides:
            names = listed((entry.index for side in sides for entry in side.entries), 12)
            parts.append(f"{word}: {len(sides)} ({names})")
    return f"{column.title} against {found.baseline.name}, of {len(found.sides.others)} settings: {'; '.join(parts)}."


def _listed(titles: list[str]) -> str:
    return ", ".join(titles)
