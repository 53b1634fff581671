"""What of a plan has changed since it was begun, in words."""

from collections.abc import Iterator, Mapping, Sequence

from profiler.definitions.mistakes import show
from profiler.fleet.cells import Grid
from profiler.fleet.state import State
from profiler.number_format import count

_MOST_NAMED = 8


def changed(grid: Grid, state: State) -> str | None:
    """Say what has changed and which cells stay; None where nothing has, or the plan is new."""
    plan = grid.fleet.plan
    if state.planned is None or state.planned.sha256 == plan.sha256:
        return None
    found = list(_differences("", state.planned.plan, plan.model_dump(mode="json")))
    more = [f"and {len(found) - _MOST_NAMED} more"] if len(found) > _MOST_NAMED else []
    stay = sum(state.is_valid(key) for key in grid.cells)
    gone = sum(state.is_valid(key) for key in state.ended if key not in grid.cells)
    left = f", {gone} VALID ones are in it no longer (their runs are kept)" if gone else ""
    return (
        f"The plan has changed since it was begun: {'; '.join(found[:_MOST_NAMED] + more)}. Of its {len(grid.cells)} "
        f"cells {stay} stay as they were measured{left}."
    )


def left_behind(grid: Grid, state: State) -> list[str]:
    """Say on which hosts that the plan names no longer something is that was begun."""
    return [
        f"{host}: the plan names it no longer, and {count(len(jobs), 'cell')} may be under way or over there. Put it "
        "back into the plan, and 'aforo fleet collect' takes in what has ended."
        for host, jobs in state.open_jobs.items()
        if jobs and host not in grid.of_host
    ]


def _differences(name: str, before: object, after: object) -> Iterator[str]:
    if before == after:
        return
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys([*before, *after]):
            yield from _differences(f"{name}.{key}" if name else str(key), before.get(key), after.get(key))
    elif _is_named(before) and _is_named(after):
        yield from _differences(name, _by_name(before), _by_name(after))
    elif isinstance(before, list) and isinstance(after, list) and sorted(map(str, before)) != sorted(map(str, after)):
        yield from (f"{name}: {show(each)} is new" for each in after if each not in before)
        yield from (f"{name}: {show(each)} is gone" for each in before if each not in after)
    elif before is None or after is None:
        yield f"{name} is {'new' if before is None else 'gone'}"
    else:
        yield f"{name} is {show(after)} in place of {show(before)}"


def _is_named(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) and "name" in each for each in value)


def _by_name(value: object) -> dict[str, object]:
    listed: Sequence[dict[str, object]] = value  # type: ignore[assignment]  # `_is_named` has looked
    return {str(each["name"]): each for each in listed}
