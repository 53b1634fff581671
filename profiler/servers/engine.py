"""What an engine is to Aforo: one declaration, in a file of its own, that `engines.py` lists."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from profiler.progress import Progress
from profiler.servers.base import Launch, Tick
from profiler.servers.managed import ManagedServer
from profiler.servers.options import EngineOptions
from profiler.servers.timings import Counters, EngineTiming

_NO_COUNTERS = Counters()


class Installed(NamedTuple):
    """What of an engine is on this machine."""

    version: str | None
    path: str


class Cards(NamedTuple):
    """GPUs that a server fills before the memory of the machine."""

    names: str
    free_bytes: int | None  # None: how much is put there is not known


def _nothing_to_check(launch: Launch, options: EngineOptions) -> None:
    """Let every launch pass."""


def _no_timings(lines: Iterable[str]) -> Iterable[EngineTiming]:
    """Return nothing: the log holds no timings."""
    return ()


def _no_cards(options: EngineOptions) -> Cards | None:
    """Return nothing: it computes in the memory of the machine."""
    return None


def _none_unused(build: str | None, features: Collection[str]) -> Sequence[str]:
    """Return nothing: the build does not say."""
    return ()


@dataclass(frozen=True)
class Engine:
    """An inference engine that Aforo can start, and all that Aforo knows of it."""

    name: str
    purpose: str  # in `aforo engines`
    remedy: str  # how to install or build it
    find: Callable[[Path | None], object]  # looks for it, in a path first; raises `MissingEngineError` or `UsageError`
    installed: Callable[[], Installed]  # finds it and starts it to ask for its version; raises `AforoError`
    server: Callable[[Launch, EngineOptions], ManagedServer]  # ready to be started; raises `AforoError`
    options: frozenset[str]  # fields of `EngineOptions` that it takes
    model_form: Literal["gguf", "checkpoint"]  # a file, or a folder with a config.json

    kv_element_bytes: Callable[[str | None], float | None]
    """Size of an element of the KV cache of a type, None for the default type; `None` where it is not known."""

    most_streams: int | None = None  # requests served at a time; None: as many as there are slots
    serves_embeddings: bool = True

    build: Callable[[Progress, Tick], None] | None = None
    """Builds it for this machine; None: it has to be installed. Raises `EngineBuildError`, and what `Tick` raises."""

    check: Callable[[Launch, EngineOptions], None] = _nothing_to_check
    """Raises `UsageError` where it would refuse, once it has started, what the workload asks for."""

    cards: Callable[[EngineOptions], Cards | None] = _no_cards
    """GPUs that it fills where no option says how much goes there; asks its program, and never raises."""

    read_log: Callable[[Iterable[str]], Iterable[EngineTiming]] = _no_timings
    """Yields one timing per completed request, in order, from the lines of its log."""

    counters: Counters = _NO_COUNTERS
    """What its metrics page calls the times that it reports."""

    repacked: frozenset[str] = frozenset()
    """Quantisations whose weights it lays out anew for some CPUs, so that they compute faster there than elsewhere."""

    unused_instructions: Callable[[str | None, Collection[str]], Sequence[str]] = _none_unused
    """Instruction sets among the kernel's CPU features that a build does without, from how it describes itself."""

    def serves(self, launch: Launch) -> bool:
        """Whether it is made for a model of this form and this load.

        In an open loop any number of requests may be in flight, and a server of one stream would be measured by its
        queue.
        """
        is_enough = self.most_streams is None or (launch.streams is not None and launch.streams <= self.most_streams)
        return self.model_form == form_of(launch) and is_enough and (self.serves_embeddings or not launch.is_embedding)


def form_of(launch: Launch) -> Literal["gguf", "checkpoint"]:
    """Return the form of the model that is to be served."""
    return "checkpoint" if Path(launch.model.path or "").is_dir() else "gguf"
