"""The phases of a run, as they are written into `run.json`."""

from collections.abc import Mapping
from math import ceil
from types import TracebackType

from profiler.results.caveats import Caveat
from profiler.results.folder import RunFolder
from profiler.results.manifest import Manifest, Phase
from profiler.timing.clock import Clock
from profiler.timing.messages import Block, BlockBegan, Job, JobDone
from profiler.units import ns_to_s
from profiler.workloads.phases import is_measured

_ROOM = 1.2  # times what is needed by the pace so far, where a limit is suggested


class PhaseBlock:
    """Records the start and the end of a phase without requests."""

    def __init__(
        self, manifest: Manifest, folder: RunFolder, clock: Clock, name: str, point: str | None = None
    ) -> None:
        """Name it."""
        self._manifest = manifest
        self._folder = folder
        self._clock = clock
        self._phase = Phase(name=name, point=point, start_ns=0)

    def __enter__(self) -> None:
        """Begin."""
        self._phase.start_ns = self._clock.monotonic_ns()
        self._manifest.phases.append(self._phase)
        self._folder.write_manifest(self._manifest)
        self._phase.start_ns = self._clock.monotonic_ns()

    def __exit__(self, *_: object) -> None:
        """End."""
        self._phase.end_ns = self._clock.monotonic_ns()


class LoadPhases:
    """The phases of a job: each begins with its first request, and so ends the one before it."""

    def __init__(
        self,
        manifest: Manifest,
        folder: RunFolder,
        clock: Clock,
        job: Job,
        point: str | None,
        counted: Mapping[str, float],
    ) -> None:
        """Take what the server's counters say before the job begins."""
        self._manifest = manifest
        self._folder = folder
        self._clock = clock
        self._blocks = job.blocks
        self._point = point
        self.counted = counted
        self._began: BlockBegan | None = None
        self.current: Phase | None = None
        self.is_stopped = False  # enough is known: what is left out is not missing

    def __enter__(self) -> "LoadPhases":
        """Wait for the first request."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the phase that an error has cut off."""
        if self.current is not None and self.current.end_ns is None:
            self.current.end_ns = self._clock.monotonic_ns()

    def begin(self, began: BlockBegan, counted: Mapping[str, float]) -> Block:
        """Open the phase of a block, with what the server has counted by now; return the block."""
        self._close(began.start_ns, began.sent, began.cpu_ns, counted)
        block = self._blocks[began.number]
        self._began = began
        self.current = Phase(
            name=block.phase,
            point=self._point,
            start_ns=began.start_ns,
            follows_on=began.sent > 0,
            planned=None if block.is_cooldown else block.requests,
        )
        self._manifest.phases.append(self.current)
        self._folder.write_manifest(self._manifest)
        return block

    def end(self, done: JobDone, counted: Mapping[str, float]) -> None:
        """Close the last phase."""
        self._close(done.end_ns, done.sent, done.cpu_ns, counted)

    def _close(self, end_ns: int, sent: int, cpu_ns: list[int], counted: Mapping[str, float]) -> None:
        phase, began = self.current, self._began
        if phase is not None and began is not None:
            used_ns = [now - then for now, then in zip(cpu_ns, began.cpu_ns, strict=True)]
            phase.end_ns = end_ns
            phase.client_cpu_ns = sum(used_ns)
            phase.client_busiest_cpu_ns = max(used_ns)
            phase.engine_counted = {key: value - self.counted.get(key, 0.0) for key, value in counted.items()}
            block, lasted_ns = self._blocks[began.number], end_ns - phase.start_ns
            if is_measured(phase.name) and not self.is_stopped:
                phase.cut_short = cut_short(block, sent - began.sent, lasted_ns)
            if lasted_ns < block.least_ns:
                self._manifest.warn(Caveat("ramp-cut-short", _ramp_left(block, lasted_ns)))
        self.counted = counted


def cut_short(block: Block, sent: int, lasted_ns: int) -> str | None:
    """Say why a block sent fewer requests than planned, and what to do; `None` where it sent them all."""
    if sent >= block.requests or lasted_ns < block.limit_ns:
        return None
    needed_s = ceil(ns_to_s(lasted_ns) * block.requests / max(1, sent) * _ROOM)
    limit = f"{ns_to_s(block.limit_ns):g} s limit per repeat"
    if 0 < sent <= block.least and lasted_ns > block.limit_ns:
        limit += f", prolonged to {ns_to_s(lasted_ns):.0f} s so that the fewest that can be judged were measured"
    return f"{sent} of {block.requests} planned requests were sent: {limit}; pass --max-repeat-s {needed_s}"


def _ramp_left(block: Block, lasted_ns: int) -> str:
    return (
        f"Measuring began {ns_to_s(lasted_ns):.3g} s after the start, within the ramp-up of "
        f"{ns_to_s(block.least_ns):g} s: the {block.room} prompts of the warm-up were used up. "
        "Give a shorter ramp_up_s, or longer answers."
    )
