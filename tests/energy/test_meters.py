import pytest
from support.energy import meter as channel
from support.energy import reading
from support.machine import HandClock

from profiler.energy.base import MeterAbsentError, MeterKind
from profiler.energy.meters import Meters, check_wanted, describe
from profiler.errors import UsageError
from profiler.results.host_facts import HostFacts
from profiler.results.manifest import MeterFacts, PowerEstimate
from profiler.results.records import EnergyReading
from profiler.timing.clock import Clock


class OneChannel:
    """A meter that works."""

    def __init__(self, clock: Clock, gpus: str | None) -> None:
        self.is_open = True

    @property
    def channels(self) -> list[MeterFacts]:
        return [channel("rapl:package-0", scope="CPU packages")]

    def read(self) -> list[EnergyReading]:
        return [reading("rapl:package-0", 0, 1.0)]

    def close(self) -> None:
        self.is_open = False


def missing(clock: Clock, gpus: str | None) -> OneChannel:
    raise MeterAbsentError("not here")


KINDS = (MeterKind("nvml", missing), MeterKind("rapl", OneChannel), MeterKind("codecarbon", missing))


def test_auto_takes_what_works_and_says_why_the_rest_does_not() -> None:
    with Meters("auto", HandClock(), KINDS) as meters:
        assert [r.energy_j for r in meters.read()] == [1.0]
        facts = meters.facts(HostFacts())
        opened = meters._open[0]
    assert (facts.meter_class, facts.scope, facts.reason) == ("counter", "CPU packages", None)
    assert facts.absent["nvml"] == "not here"
    assert isinstance(opened, OneChannel)
    assert not opened.is_open


def test_none_reads_nothing() -> None:
    with Meters("none", HandClock(), KINDS) as meters:
        assert meters.read() == []
        assert meters.facts(HostFacts()).meter_class == "none"


def test_a_meter_asked_for_by_name_must_be_there() -> None:
    with pytest.raises(UsageError, match="--meters rapl,nvml: nvml cannot be used: not here"):
        Meters("rapl,nvml", HandClock(), KINDS)
    with pytest.raises(UsageError, match="--meters wattmeter: expected auto, none, or some of nvml,rapl,codecarbon"):
        check_wanted("wattmeter", KINDS)


def test_a_model_is_all_there_is() -> None:
    estimate = PowerEstimate(name="a", idle_w=(1, 1), full_w=(2, 2), method="")
    facts = describe([], [estimate], {"rapl": "none here"})
    assert (facts.meter_class, facts.scope, facts.reason) == ("model", "whole machine", "rapl: none here")


def test_a_counter_that_stands_still_is_absent_after_a_while() -> None:
    """`OneChannel` reads 1 J for ever."""
    clock = HandClock()
    with Meters("auto", clock, KINDS) as meters:
        meters.settle(length_s=1.0)
        facts = meters.facts(HostFacts())
    assert clock.monotonic_ns() == 1_000_000_000
    assert (facts.meter_class, facts.meters) == ("none", [])
    assert facts.absent["rapl:package-0"] == "its counter did not move in 1 s: it does not measure here"
