"""Carbon at each end of a grid's intensity, where it is one grid for all that is compared. Pure."""

from collections.abc import Sequence

from profiler.selection.candidate import Candidate, Load
from profiler.selection.targets import number_of
from profiler.stats.estimates import Estimate

_OPERATIONAL, _EMBODIED = "gco2e_operational_per_1m_output_tokens", "gco2e_embodied_per_1m_output_tokens"
_PARTS = {
    "gco2e_per_1m_output_tokens": (_OPERATIONAL, _EMBODIED),
    _OPERATIONAL: (_OPERATIONAL,),
}  # carbon metric -> what it is the sum of


def common_grid(found: Sequence[Candidate]) -> tuple[float, float] | None:
    """Return the least and the most that sources say of the grid of all candidates, gCO2e/kWh.

    None where they are not on one grid, or where nothing is open about it.
    """
    grids = {tuple(one.gco2e_per_kwh for one in run.manifest.cost.grid) for each in found for run in each.runs}
    if len(grids) != 1 or len(set(grid := grids.pop())) < 2:
        return None
    return min(grid), max(grid)


def carbon_at_ends(load: Load, metric: str, grid: tuple[float, float], drift_ratio: float | None) -> list[Estimate]:
    """Return a carbon metric with the grid at its least and at its most; empty where its parts are not known.

    Operational carbon is energy × PUE × intensity, so that its least holds the least intensity, and its most the most.
    """
    parts = [number_of(load, (name, None), drift_ratio) for name in _PARTS.get(metric, ())]
    known = [part for part in parts if isinstance(part, Estimate)]
    if not parts or len(known) < len(parts):
        return []
    operational, embodied = known[0], known[1] if len(known) > 1 else Estimate.exact(0.0)
    least, most = operational.low / grid[0], operational.high / grid[1]
    return [Estimate(None, *sorted((least * g + embodied.low, most * g + embodied.high))) for g in grid]
