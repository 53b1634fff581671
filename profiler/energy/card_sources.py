"""What GPUs show while they work: utilisation, memory, heat, clocks, power. Read in the profiler's process."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from profiler.energy.base import MeterAbsentError
from profiler.results.records import CardReading


class CardSource(Protocol):
    """Looks at the cards of one maker that are in use."""

    def read(self, server_pids: Collection[int]) -> list[CardReading]:
        """Look at every card now; `server_pids` are the processes of the server. Never raises."""
        ...

    def close(self) -> None:
        """Let go of the driver."""
        ...


@dataclass(frozen=True)
class CardSourceKind:
    """How a source is declared: the `CARDS` of its module, listed in `energy/card_kinds.py`."""

    name: str
    open: Callable[[str | None], CardSource]  # of --gpus; raises `MeterAbsentError`


class Cards:
    """Every source that could be opened; used as a context, they are closed at its end."""

    def __init__(self, kinds: Sequence[CardSourceKind], gpus: str | None = None) -> None:
        """Open them; `gpus` names the cards to look at. Raises `UsageError` where what is named is not there."""
        self._open: list[CardSource] = []
        for kind in kinds:
            try:
                self._open.append(kind.open(gpus))
            except MeterAbsentError:  # why is said by the facts about the host
                continue

    def __enter__(self) -> "Cards":
        """Nothing more to do."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close every source."""
        while self._open:
            self._open.pop().close()

    def read(self, server_pids: Collection[int] = ()) -> list[CardReading]:
        """Look at every card of every source."""
        return [reading for source in self._open for reading in source.read(server_pids)]
