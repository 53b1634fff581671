"""hwmon: the sensors of power and energy that Linux drivers show under /sys/class/hwmon.

Ampere Altra, NVIDIA Grace, Intel Arc and data-centre cards, AMD cards, and the meters of whole machines of ACPI.
What a sensor sees is told by its driver's name and its label (`hwmon_sensors.py`); where these say nothing, it is shown
with an unknown scope, which is summed with nothing and stands for no run.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from profiler.energy.base import MeterAbsentError, MeterKind
from profiler.energy.cards import (
    AMD_VARIABLES,
    INTEL_VARIABLES,
    Listed,
    Selected,
    Variables,
    named_beside_nvidia,
    select_by,
)
from profiler.energy.counting import UJ_PER_J, WrappingCounter
from profiler.energy.hwmon_sensors import NVIDIA_DRIVER, Scoped, Sensor, scopes, sensors
from profiler.energy.polling import HOW, PolledPower, Poller
from profiler.energy.scopes import CARD_SCOPES
from profiler.hosts.tree import Tree
from profiler.results.manifest import MeterFacts
from profiler.results.records import EnergyReading
from profiler.timing.clock import Clock

_RANGES_UJ = (2**32, 2**64)  # no file tells where a counter starts again: these are the sizes that drivers count in
_UW_PER_W = UJ_PER_J
_MS_PER_S = 1_000
_INTERVALS_OF_A_CLAIM = 20  # a mean over an interval then reaches beyond the window for a twentieth of it at the most
_SECOND_DIE = "it is the second die of a package with two, and the first one's sensor shows the power of both"
_VARIABLES = {"amdgpu": AMD_VARIABLES, "xe": INTEL_VARIABLES, "i915": INTEL_VARIABLES}


@dataclass(frozen=True)
class _Opened:
    sensor: Sensor
    scoped: Scoped
    file: Path
    start: int


class HwmonMeter:
    """Counts and polls the sensors that Linux shows."""

    def __init__(
        self, clock: Clock, gpus: str | None = None, root: Path = Path("/"), environ: Mapping[str, str] = os.environ
    ) -> None:
        """Look for the sensors; `gpus` is what --gpus says.

        Raises `MeterAbsentError`, and `UsageError` where `gpus` names a card that is not there.
        """
        self.absent: dict[str, str] = {}
        self.others: dict[str, str] = {}  # cards whose joules do not count, and why
        none = named_beside_nvidia(gpus, has_nvidia=(root / NVIDIA_DRIVER).exists())
        found = self._that_count(scopes(sensors(root), root), lambda cards: _left_out(cards, gpus, environ, none))
        opened = [one for sensor, scoped in found if (one := self._open(sensor, scoped))]
        if not opened:
            reasons = [*self.absent.values(), *self.others.values()]
            nothing = "/sys/class/hwmon of this machine shows no sensor of power or energy"
            raise MeterAbsentError("; ".join(dict.fromkeys(reasons)) or nothing)
        self._counters = [
            WrappingCounter(_facts(one), clock, _reader(one.file), one.start, _RANGES_UJ)
            for one in opened
            if one.sensor.is_counter
        ]
        polled = [PolledPower(_facts(one), _watts(one.file)) for one in opened if not one.sensor.is_counter]
        self.channels = [counter.facts for counter in self._counters] + [power.facts for power in polled]
        self._poller = Poller(clock, polled, KIND.name)

    def read(self) -> list[EnergyReading]:
        """Read every counter, and what the polls have summed up to."""
        return [*(reading for counter in self._counters if (reading := counter.read())), *self._poller.read()]

    def close(self) -> str | None:
        """End the polling thread."""
        return self._poller.close()

    def _that_count(
        self, found: Sequence[tuple[Sensor, Scoped]], left_out_of: Callable[[Sequence[Sensor]], Mapping[str, str]]
    ) -> list[tuple[Sensor, Scoped]]:
        """Leave out the cards that were not chosen, and name them."""
        cards = {sensor.address: sensor for sensor, scoped in found if scoped.scope in CARD_SCOPES and scoped.part}
        left_out = left_out_of([cards[address] for address in sorted(cards)])
        self.others = {f"hwmon:{a}": f"{cards[a].driver} {a}: not among {by}" for a, by in left_out.items()}
        return [(sensor, scoped) for sensor, scoped in found if sensor.address not in left_out]

    def _open(self, sensor: Sensor, scoped: Scoped) -> _Opened | None:
        """Read a sensor for the first time; None, with the reason, where it does not answer."""
        reason = "it has no file with a value"
        for file in sensor.files:
            try:
                opened = _Opened(sensor, scoped, file, int(file.read_text()))
                if not _is_second_die(opened):
                    return opened
                reason = _SECOND_DIE
            except (OSError, ValueError) as error:
                reason = _why_silent(sensor, file, error)
        self.absent[_channel(sensor)] = reason
        return None


def _is_second_die(one: _Opened) -> bool:
    """Whether this is the half of an AMD Instinct MI250X that shows 0 W for ever, and has a power limit of 0 W."""
    most_uw = _number(one.file.with_name(f"{one.sensor.name}_cap_max"))
    return one.sensor.driver == "amdgpu" and one.start == 0 and most_uw == 0


def _left_out(
    cards: Sequence[Sensor], gpus: str | None, environ: Mapping[str, str], none: Selected | None
) -> dict[str, str]:
    """Return what leaves a card out, by the address of each that does not count; --gpus counts cards of all makers."""
    if none is not None:
        return {sensor.address: none.by or "" for sensor in cards}
    groups: dict[Variables, list[Sensor]] = {}
    for sensor in cards:
        groups.setdefault(() if gpus is not None else _VARIABLES[sensor.driver], []).append(sensor)
    left_out: dict[str, str] = {}
    for variables, own in groups.items():
        chosen = select_by(variables, [Listed(i, s.driver, _uuid(s)) for i, s in enumerate(own)], gpus, environ)
        left_out |= {sensor.address: chosen.by or "" for i, sensor in enumerate(own) if i not in chosen.indices}
    return left_out


def _why_silent(sensor: Sensor, file: Path, error: OSError | ValueError) -> str:
    """Say why a file could not be read, and what would help. Cards at rest may be switched off; amdgpu refuses then."""
    if (Tree(sensor.device).text("power/runtime_status") or "").startswith("suspend"):
        return f"the device sleeps. Keep it awake: echo on | sudo tee {sensor.device}/power/control"
    if isinstance(error, PermissionError):
        return f"{file} may be read by root only. Allow it until the next restart: sudo chmod a+r {file}"
    return f"{file} does not answer: {getattr(error, 'strerror', None) or error}"


def _uuid(sensor: Sensor) -> str:
    """Return an AMD card's UUID as ROCm spells it; cards without one have none."""
    try:
        return f"GPU-{(sensor.device / 'unique_id').read_text().strip()}"
    except OSError:
        return ""


def _channel(sensor: Sensor) -> str:
    return f"{KIND.name}:{sensor.driver}:{sensor.address}:{sensor.title}"


def _facts(one: _Opened) -> MeterFacts:
    sensor, interval_s = one.sensor, _interval_s(one.file)
    mean = f", means of {interval_s:g} s" if interval_s else ""
    how = "microjoules" if sensor.is_counter else f"{HOW}{mean}"
    return MeterFacts(
        channel=_channel(sensor),
        meter=KIND.name,
        meter_class="counter" if sensor.is_counter else "polled",
        scope=one.scoped.scope,
        part=one.scoped.part,
        device=f"{sensor.driver} {sensor.address}",
        provenance=f"hwmon sensor {one.file.name} of {sensor.driver} ({sensor.title}), {how}",
        claim_window_s=_INTERVALS_OF_A_CLAIM * interval_s,
    )


def _interval_s(file: Path) -> float:
    """Return how long a mean power is taken over (power1_average_interval, ms); 0 where that is not said."""
    interval_ms = _number(file.with_name(f"{file.name}_interval"))
    return (interval_ms or 0) / _MS_PER_S


def _number(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None


def _reader(file: Path) -> Callable[[], int | None]:
    return lambda: _number(file)


def _watts(file: Path) -> Callable[[], float | None]:
    return lambda: None if (power_uw := _number(file)) is None else power_uw / _UW_PER_W


KIND = MeterKind("hwmon", HwmonMeter, reads_cards=True)
