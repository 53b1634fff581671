"""Which references a run may be set beside: of the same work, model shape, engine and CPU generation. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from profiler.results.host_facts import HostFacts
from profiler.results.naming import reference_id
from profiler.results.run_set import StoredRun
from profiler.verdict.comparable import mismatches

_OF_NO_MATTER = {"slo"}  # what is thought of a speed
_SETTINGS = ("KV cache", "prompt cache", "engine options")  # of an engine, that are no property of its host


@dataclass(frozen=True)
class Beside:
    """The references that a run may be set beside; where there are none, what the nearest of them differ in."""

    alike: tuple[StoredRun, ...]
    lacks: str | None = None


def beside(run: StoredRun, references: Sequence[StoredRun]) -> Beside:
    """Return the references of the same workload and load, model shape and quantisation, engine and settings, and CPU.

    Models with random weights are the same where their shape and quantisation are, others where their file is.
    """
    left = [one for one in references if one.name not in {run.name, reference_id(run.name)}]
    if not left:
        return Beside(())
    for lacks, is_alike in _STEPS:
        kept = [one for one in left if is_alike(run, one)]
        if not kept:
            return Beside((), lacks)
        left = kept
    return Beside(tuple(left))


def cpu_of(host: HostFacts) -> str | None:
    """Return the generation of the CPUs, or else their name."""
    return host.cpu.generation or host.cpu.model_name


def _differs_in(run: StoredRun, other: StoredRun) -> set[str]:
    return {one.field.partition(".")[0] for one in mismatches([run, other])} - _OF_NO_MATTER


def _same_settings(run: StoredRun, other: StoredRun) -> bool:
    own, others = (one.manifest.engine.settings() for one in (run, other))
    return all(own[title] == others[title] for title in _SETTINGS)


def _same_cards(run: StoredRun, other: StoredRun) -> bool:
    own, others = ([gpu.name for gpu in one.manifest.server_host.gpus] for one in (run, other))
    return own == others


def _same_cpu(run: StoredRun, other: StoredRun) -> bool:
    own = cpu_of(run.manifest.server_host)
    return own is not None and own == cpu_of(other.manifest.server_host)


_STEPS: tuple[tuple[str, Callable[[StoredRun, StoredRun], bool]], ...] = (
    ("none is of this workload and load", lambda run, one: "workload" not in _differs_in(run, one)),
    ("none is of this model shape and quantisation", lambda run, one: not _differs_in(run, one)),
    ("none was made with this engine", lambda run, one: run.manifest.engine.name == one.manifest.engine.name),
    ("none was made with these settings of the engine", _same_settings),
    ("none was made with these cards", _same_cards),
    ("none was made on this CPU generation", _same_cpu),
)
