"""What a run sweeps over besides loads: depths of context, worked examples, settings of the server. Pure.

Each combination is a variant, at which the load of the workload is put on: a plain run has one, with nothing to it.
Whatever else is to be swept over is one more field here and in `Point`.
"""

from itertools import product
from typing import NamedTuple

from profiler.results.manifest import Point
from profiler.workloads.schema import DataPrompts, PromptCache, SyntheticPrompts, Workload


class Variant(NamedTuple):
    """One combination; `None` where a run does not sweep over it."""

    depth_tokens: int | None = None
    shots: int | None = None
    prompt_cache: PromptCache | None = None
    server: tuple[tuple[str, str], ...] = ()  # settings of the server, by option

    def at(self, load: Point) -> Point:
        """Return the point that is a load at this variant."""
        if self == Variant():
            return load
        parts = [
            *(f"{name}={value.replace('/', '_')}" for name, value in self.server),
            None if self.depth_tokens is None else f"d{self.depth_tokens}",
            None if self.shots is None else f"s{self.shots}",
            self.prompt_cache,
            load.name,
        ]
        settings = dict(self.server) | ({} if self.prompt_cache is None else {"prompt_cache": self.prompt_cache})
        name = "-".join(part for part in parts if part is not None)
        update = {"name": name, "depth_tokens": self.depth_tokens, "shots": self.shots, "settings": settings}
        return load.model_copy(update=update)

    def is_of(self, point: Point) -> bool:
        """Whether a point is a load at this variant."""
        cache = point.settings.get("prompt_cache")
        is_as_asked = (point.depth_tokens, point.shots, cache) == (self.depth_tokens, self.shots, self.prompt_cache)
        return is_as_asked and all(point.settings.get(name) == value for name, value in self.server)


def variants_of(workload: Workload) -> list[Variant]:
    """Return the variants of a workload, in the order of measuring.

    Where there is nothing that prompts share, a warm cache has nothing to keep, and the variant is left out.
    """
    depths, shots = _several(_depth(workload)), _several(_shots(workload))
    caches: list[PromptCache | None] = [*(workload.settings.prompt_cache or _caches(workload))]
    every = product(_combinations(workload), depths, shots, caches)
    found = [Variant(depth, count, cache, server) for server, depth, count, cache in every]
    if len(caches) == 1 or (depths == [None] and shots == [None]):
        return found
    return [each for each in found if each.prompt_cache != "warm" or each.depth_tokens or each.shots]


def at_point(workload: Workload, point: Point) -> Workload:
    """Return a workload as it is at one of its points, where it has one depth and one number of examples."""
    prompts = workload.prompts
    if isinstance(prompts, SyntheticPrompts):
        prompts = prompts.model_copy(update={"depth": point.depth_tokens or 0})
    elif isinstance(prompts, DataPrompts):
        prompts = prompts.model_copy(update={"shots": point.shots or 0})
    return workload.model_copy(update={"prompts": prompts})


def at_depth(workload: Workload, depth_tokens: int | list[int]) -> Workload:
    """Return a workload with other depths."""
    return workload.model_copy(update={"prompts": workload.prompts.model_copy(update={"depth": depth_tokens})})


def has_variants(workload: Workload) -> bool:
    """Whether a run of this workload sweeps over something else than loads."""
    return len(variants_of(workload)) > 1


def has_depth(workload: Workload) -> bool:
    """Whether context is put before prompts."""
    return bool(_depth(workload))


def has_cache_sweep(workload: Workload) -> bool:
    """Whether points differ in the state of the prompt cache."""
    return len({each.prompt_cache for each in variants_of(workload)}) > 1 or workload.settings.prompt_cache is not None


def _combinations(workload: Workload) -> list[tuple[tuple[str, str], ...]]:
    """Return each combination of the settings of the server; the last setting changes first."""
    swept = workload.settings.of_server()
    return [tuple(zip(swept, values, strict=True)) for values in product(*swept.values())]


def _caches(workload: Workload) -> list[PromptCache | None]:
    """Return the states of the prompt cache that a sweep has without being told: what is cached is why one looks."""
    is_swept = bool(_depth(workload)) or isinstance(_shots(workload), list)
    return ["cold", "warm"] if is_swept else [None]


def _depth(workload: Workload) -> int | list[int]:
    return workload.prompts.depth if isinstance(workload.prompts, SyntheticPrompts) else 0


def _shots(workload: Workload) -> int | list[int]:
    return workload.prompts.shots if isinstance(workload.prompts, DataPrompts) else 0


def _several(value: int | list[int]) -> list[int | None]:
    return [*value] if isinstance(value, list) else [value or None]
