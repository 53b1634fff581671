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


class Counters:
    """A meter whose channels move by so many joules from reading to reading."""

    def __init__(self, *channels: tuple[MeterFacts, float]) -> None:
        self._steps_j = {facts.channel: step_j for facts, step_j in channels}
        self.channels = [facts for facts, _ in channels]
        self._readings = 0
        self.is_open = True

    def read(self) -> list[EnergyReading]:
        self._readings += 1
        return [reading(name, 0, self._readings * step_j) for name, step_j in self._steps_j.items()]

    def close(self) -> None:
        self.is_open = False


def one_channel(clock: Clock, gpus: str | None) -> Counters:
    return Counters((channel("rapl:package-0", scope="CPU packages"), 1.0))


def part(name: str, of: str, scope: str = "CPU packages") -> MeterFacts:
    return channel(name, scope=scope).model_copy(update={"part": of})


def kind(*channels: tuple[MeterFacts, float]) -> MeterKind:
    return MeterKind(channels[0][0].meter, lambda clock, gpus: Counters(*channels))


def missing(clock: Clock, gpus: str | None) -> Counters:
    raise MeterAbsentError("not here")


KINDS = (MeterKind("nvml", missing), MeterKind("rapl", one_channel), MeterKind("codecarbon", missing))


def test_auto_takes_what_works_and_says_why_the_rest_does_not() -> None:
    with Meters("auto", HandClock(), KINDS) as meters:
        assert [r.energy_j for r in meters.read()] == [1.0]
        facts = meters.facts(HostFacts())
        opened = meters._open[0]
    assert (facts.meter_class, facts.scope, facts.reason) == ("counter", "CPU packages", None)
    assert facts.absent["nvml"] == "not here"
    assert isinstance(opened, Counters)
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
    clock, still = HandClock(), (part("rapl:package-0", "package-0"), 0.0)
    moving = (part("rapl:package-1", "package-1"), 1.0)
    with Meters("auto", clock, [kind(still, moving)]) as meters:
        facts = meters.facts(HostFacts())
        assert [r.channel for r in meters.read()] == ["rapl:package-1"]
    assert clock.monotonic_ns() == 1_000_000_000
    assert [meter.channel for meter in facts.meters] == ["rapl:package-1"]
    assert facts.absent["rapl:package-0"] == "its counter did not move in 1 s, so it does not measure here"


def test_counters_that_move_are_not_waited_for() -> None:
    clock = HandClock()
    with Meters("auto", clock, KINDS) as meters:
        meters.facts(HostFacts())
    assert clock.monotonic_ns() == 100_000_000


def test_the_same_joules_are_read_once() -> None:
    rapl = kind((part("rapl:package-0", "package-0"), 1.0), (part("rapl:package-1", "package-1"), 1.0))
    hwmon = kind((part("hwmon:socket0", "package-0"), 1.0), (part("hwmon:card", "0000:03:00.0", "GPU boards"), 1.0))
    with Meters("auto", HandClock(), [rapl, hwmon]) as meters:
        facts = meters.facts(HostFacts())
    assert [meter.channel for meter in facts.meters] == ["rapl:package-0", "rapl:package-1", "hwmon:card"]
    assert facts.absent["hwmon:socket0"] == "it reads the same joules as rapl:package-0, which is used"


def test_another_meter_stands_in_for_one_that_stands_still() -> None:
    rapl = kind((part("rapl:package-0", "package-0"), 0.0))
    with Meters("auto", HandClock(), [rapl, kind((part("hwmon:socket0", "package-0"), 1.0))]) as meters:
        assert [meter.channel for meter in meters.facts(HostFacts()).meters] == ["hwmon:socket0"]


def test_meters_that_read_all_of_a_scope_are_twins() -> None:
    """Modules of superchips: NVML numbers cards, the firmware sockets."""
    nvml = kind((channel("nvml:0", scope="GPU modules"), 1.0), (channel("nvml:1", scope="GPU modules"), 1.0))
    with Meters("auto", HandClock(), [nvml, kind((channel("hwmon:0", scope="GPU modules"), 1.0))]) as meters:
        assert [meter.channel for meter in meters.facts(HostFacts()).meters] == ["nvml:0", "nvml:1"]


def test_a_sensor_of_unknown_scope_is_not_the_best_meter() -> None:
    facts = describe([channel("hwmon:a", scope="unknown scope: ina226 power1")], [], {})
    assert (facts.meter_class, len(facts.meters)) == ("none", 1)
