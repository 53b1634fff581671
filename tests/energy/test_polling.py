"""A thread that polls power ends, or is left behind with a reason."""

import threading
from types import SimpleNamespace
from typing import Any

import pytest

from profiler.energy import polling
from profiler.energy.amdsmi import AmdsmiMeter
from profiler.energy.base import MeterKind
from profiler.energy.meters import Meters
from profiler.energy.nvml import NvmlMeter
from profiler.energy.polling import PolledPower, Poller
from profiler.results.manifest import MeterFacts
from profiler.timing.clock import SystemClock

FACTS = MeterFacts(channel="x:polled", meter="x", meter_class="polled", scope="GPU boards", device="x", provenance="")
REASON = (
    "x did not answer within 0.01 s when its polling was to end: a call of its driver hangs. "
    "What it read before counts."
)


class Hanging:
    """A driver that answers once, and then not until it is let go."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(polling, "_PATIENCE_S", 0.01)
        self.hangs, self.may_go_on = threading.Event(), threading.Event()
        self.calls = 0
        self.poller = Poller(SystemClock(), [PolledPower(FACTS, self.read_w)], "x")
        assert self.hangs.wait(60)

    def read_w(self) -> float:
        self.calls += 1
        if self.calls > 1:
            self.hangs.set()
            self.may_go_on.wait(60)
        return 100.0


def test_a_driver_that_hangs_does_not_keep_the_run_from_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = Hanging(monkeypatch)
    (reading,) = driver.poller.read()
    assert reading.channel == "x:polled"
    assert driver.poller.close() == REASON
    driver.may_go_on.set()
    driver.poller._thread.join(60)
    assert driver.poller.close() is None


def test_the_run_is_told_which_meter_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    driver = Hanging(monkeypatch)
    meter: Any = SimpleNamespace(channels=[FACTS], read=driver.poller.read, close=driver.poller.close)
    meters = Meters("auto", SystemClock(), [MeterKind("x", lambda clock, gpus: meter)])
    assert meters.close() == [REASON]
    assert meters.close() == []
    driver.may_go_on.set()


@pytest.mark.parametrize("kind", [NvmlMeter, AmdsmiMeter])
def test_a_library_is_not_shut_down_within_a_call_of_it(kind: Any) -> None:
    """Nothing but the poller is looked at where that hangs; else the library is."""
    meter = object.__new__(kind)
    meter._poller = SimpleNamespace(close=lambda: REASON)
    assert meter.close() == REASON
    meter._poller = SimpleNamespace(close=lambda: None)
    with pytest.raises(AttributeError):
        meter.close()
