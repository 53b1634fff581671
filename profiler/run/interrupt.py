"""Signals that ask a run to stop, heard at safe points only, so that nothing is cut off half-written."""

import signal
from types import FrameType, TracebackType
from typing import Any

from profiler.errors import InterruptedRunError

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupt:
    """While entered, the first signal is remembered; a second one stops at once."""

    def __init__(self) -> None:
        """Begin without a signal."""
        self._received: int | None = None
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> "Interrupt":
        """Listen for signals; one that the parent has set to be ignored, as nohup does, stays ignored."""
        for number in _SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._previous[number] = signal.signal(number, self._hear)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Restore what was there before."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def check(self) -> None:
        """Raise `InterruptedRunError` when a signal has arrived."""
        if self._received is not None:
            raise InterruptedRunError(self._received)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self._received is not None:
            raise InterruptedRunError(number)
        self._received = number
