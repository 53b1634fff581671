"""Points: how they are named, which load each is, and what their summaries say."""

from profiler.results.manifest import EngineFacts, Manifest, Point
from profiler.results.summary import PointSummary, Scalar
from profiler.workloads.schema import ClosedLoop, OpenLoop, Settings

_SERVER = Settings.model_fields.keys() - {"prompt_cache"}
_TITLES = {name: field.title for name, field in EngineFacts.model_fields.items() if field.title}
_FIELDS = {"engine_path": "path"}  # settings that engine facts have under another name


def at_concurrency(concurrency: int) -> Point:
    """Return the point of a closed loop with this many requests in flight."""
    return Point(name=f"c{concurrency}", concurrency=concurrency)


def at_rate(rate_rps: float) -> Point:
    """Return the point of an open loop with this many arrivals per second."""
    return Point(name=f"r{rate_rps:g}", rate_rps=rate_rps)


def of_replay() -> Point:
    """Return the point of a trace that is replayed."""
    return Point(name="replay")


def load_of(point: Point) -> float:
    """Return what a point asks for: requests in flight, or requests/s."""
    return float(point.concurrency if point.concurrency is not None else point.rate_rps or 0.0)


def value_of(summary: PointSummary, metric: str) -> float | None:
    """Return the value of a metric that has one per point; `None` where it was not measured."""
    found = summary.metrics.get(metric)
    return found.value if isinstance(found, Scalar) else None


def unit_of(point: Point) -> str:
    """Name the unit of `load_of`."""
    return "in flight" if point.concurrency is not None else "requests/s"


def describe_load(point: Point) -> str:
    """Say what a point asks for."""
    load = point.name.rpartition("-")[2] if not load_of(point) else f"{load_of(point):g} {unit_of(point)}"
    return ", ".join([*variant_words(point), load])


def variant_words(point: Point) -> list[str]:
    """Say in what a point differs from others besides its load; nothing where it does not."""
    return [
        *([f"depth {point.depth_tokens:,}"] if point.depth_tokens is not None else []),
        *([f"{point.shots} {'example' if point.shots == 1 else 'examples'}"] if point.shots is not None else []),
        *setting_words(point),
        *([f"cache {point.settings['prompt_cache']}"] if "prompt_cache" in point.settings else []),
    ]


def server_settings(point: Point) -> dict[str, str]:
    """Return what was swept over of the settings of the server at a point, but for its prompt cache, by option."""
    return {name: value for name, value in point.settings.items() if name in _SERVER}


def setting_words(point: Point) -> list[str]:
    """Say which settings of the server were swept over, and their values at a point."""
    return [f"{_TITLES.get(name, name.replace('_', ' '))} {value}" for name, value in server_settings(point).items()]


def engine_at(engine: EngineFacts, point: Point) -> EngineFacts:
    """Return the engine of a run as it was at a point."""
    if not point.settings:
        return engine
    flags = {f"--{name.replace('_', '-')}": value for name, value in server_settings(point).items()}
    known = {_FIELDS.get(name, name): value for name, value in point.settings.items()}
    fields = {name: value for name, value in known.items() if name in EngineFacts.model_fields}
    return EngineFacts.model_validate({**engine.model_dump(), **fields, "options": {**engine.options, **flags}})


def context_tokens(point: Point, engine: EngineFacts) -> int | None:
    """Return the context of each slot of the server at a point, in tokens."""
    told = point.settings.get("context_tokens")
    return int(told) if told is not None else engine.context_tokens


def is_warm(point: Point, engine: EngineFacts) -> bool:
    """Whether prompts that begin alike may be reused at a point."""
    return point.settings.get("prompt_cache", engine.prompt_cache) == "warm"


def points_of(manifest: Manifest) -> list[Point]:
    """Return the loads that a run put on the server: those that it names, or the only one that it states."""
    if manifest.points:
        return list(manifest.points)
    load = manifest.workload.load
    if isinstance(load, ClosedLoop) and isinstance(load.concurrency, int):
        return [at_concurrency(load.concurrency)]
    if isinstance(load, OpenLoop) and not isinstance(load.rate_rps, list):
        return [at_rate(load.rate_rps)]
    return [of_replay()]
