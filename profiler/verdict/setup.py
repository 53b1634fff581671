"""What a run had in use: which advice is true of it, and which limits were set for it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from profiler.aggregation.observations import cut_to_point, measured_phases
from profiler.results.manifest import Manifest, Point
from profiler.results.points import engine_at
from profiler.results.summary import Failure


@dataclass(frozen=True, kw_only=True)
class Setup:
    """Facts about one load of a run that its verdict depends on, beside its metrics."""

    is_url: bool = False  # a server that was running already, whose log Aforo does not have
    is_remote: bool = False  # on another machine
    has_no_gpus: bool = False  # the machine that serves
    is_realtime: bool = False  # the load driver has real-time priority
    is_realtime_refused: bool = False  # by --no-realtime-client
    is_pinned: bool = False  # the load driver has CPUs of its own
    is_open_loop: bool = False
    threads: int | None = None  # of the server
    cut_short: tuple[str, ...] = ()  # why requests of the plan were left out, by measured phase
    status_reason: str | None = None  # why the run ended early
    failures: Sequence[Failure] = ()  # the commonest first
    limits: Mapping[str, float] = field(default_factory=dict)  # rule -> limit set by --limit


def setup_of(manifest: Manifest, point: Point, failures: Sequence[Failure] = ()) -> Setup:
    """Return the facts about one load of a run."""
    engine, client = engine_at(manifest.engine, point), manifest.client
    phases = measured_phases(cut_to_point(manifest, point.name))
    return Setup(
        is_url=not engine.command,
        is_remote=engine.is_remote,
        has_no_gpus=not manifest.server_host.gpus,
        is_realtime=client.is_realtime,
        is_realtime_refused="--no-realtime-client" in manifest.command_line,
        is_pinned=client.cpus is not None,
        is_open_loop=point.concurrency is None,
        threads=engine.threads,
        cut_short=tuple(phase.cut_short for phase in phases if phase.cut_short),
        status_reason=manifest.status_reason,
        failures=failures,
        limits=manifest.limits,
    )
