"""The real codecarbon, offline."""

import signal
import time

import pytest
from support.extras import needed

from profiler.energy.codecarbon import CodecarbonMeter
from profiler.timing.clock import SystemClock


def test_its_tracker_as_a_meter(capfd: pytest.CaptureFixture[str]) -> None:
    needed("codecarbon")
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    meter = CodecarbonMeter(SystemClock())
    try:
        (channel,) = meter.channels
        assert (channel.meter_class, channel.scope) == ("model", "whole machine")
        time.sleep(0.2)  # it measured as it started, and asked again within 50 ms it does not
        (first,) = meter.read()
        time.sleep(1)
        before_s = time.monotonic()
        (last,) = meter.read()
        power_w = (last.energy_j - first.energy_j) / ((last.t_ns - first.t_ns) / 1e9)
        assert 1 < power_w < 5_000
        again = meter.read()
        assert again == [] or time.monotonic() - before_s > 0.05  # too soon: it has not measured again
    finally:
        meter.close()
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers
    said = capfd.readouterr()
    assert (said.out, said.err) == ("", "")
