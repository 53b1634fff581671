"""Waiting: never beyond the time asked for."""

import math
import select

import pytest

from profiler.timing.poller import EpollPoller
from profiler.units import NS_PER_MS

pytestmark = pytest.mark.skipif(not hasattr(select, "epoll"), reason="there is no epoll on this system")


class RecordedEpoll:
    """Takes down how many milliseconds the kernel would wait: CPython rounds up."""

    def __init__(self, *, of: select.epoll) -> None:
        self.fileno = of.fileno
        self.waited_ms: list[int] = []

    def poll(self, timeout_s: float) -> list[tuple[int, int]]:
        self.waited_ms.append(math.ceil(timeout_s * 1000))
        return []


@pytest.mark.parametrize(
    ("timeout_ns", "waited_ms"),
    [
        (0, 0),
        (1_900_000, 0),  # by select, which counts microseconds
        (2_000_000, 2),
        (2_900_000, 2),  # rounded up, it would be 0.1 ms late
        (19 * NS_PER_MS, 19),  # 0.019 s as a float
        (50 * NS_PER_MS - 1, 49),
    ],
)
def test_the_kernel_is_asked_to_wait_no_longer(
    timeout_ns: int, waited_ms: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with select.epoll() as real:
        epoll = RecordedEpoll(of=real)
        monkeypatch.setattr(select, "epoll", lambda: epoll)
        assert EpollPoller().wait(timeout_ns) == []
    assert epoll.waited_ms == [waited_ms]
