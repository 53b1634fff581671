"""The meters of this machine: which can be used, and why the others cannot."""

from collections.abc import Mapping, Sequence

from profiler.energy import band
from profiler.energy.base import EnergyMeter, MeterAbsentError, MeterKind
from profiler.energy.kinds import KINDS
from profiler.energy.scopes import (
    BEST_FIRST,
    MEMORY,
    MODEL_SCOPE,
    PACKAGES,
    PACKAGES_AND_MEMORY,
    WITHOUT_CARDS,
    is_known,
)
from profiler.energy.standing import SETTLE_S, why_silent
from profiler.errors import UsageError
from profiler.results.host_facts import HostFacts
from profiler.results.manifest import EnergyFacts, MeterFacts, PowerEstimate
from profiler.results.records import EnergyReading
from profiler.timing.clock import Clock

AUTO, NONE = "auto", "none"

_LOOKS = 10


def check_wanted(wanted: str, kinds: Sequence[MeterKind] = KINDS) -> list[MeterKind]:
    """Return the kinds of meters in a text like auto, none or rapl,nvml. Raises `UsageError`."""
    if wanted == AUTO:
        return list(kinds)
    if wanted == NONE:
        return []
    named = {kind.name: kind for kind in kinds}
    names = wanted.split(",")
    if not named.keys() >= set(names):
        raise UsageError(f"--meters {wanted}: expected auto, none, or some of {','.join(named)}.")
    return [named[name] for name in names]


class Meters:
    """Every meter that could be opened; used as a context, they are closed at its end."""

    def __init__(
        self,
        wanted: str,
        clock: Clock,
        kinds: Sequence[MeterKind] = KINDS,
        gpus: str | None = None,
    ) -> None:
        """Open them; `gpus` names the cards that count. Raises `UsageError` where what is named is not there."""
        self._clock = clock
        self._open: list[EnergyMeter] = []
        self.absent: dict[str, str] = {}
        self.others: dict[str, str] = {}
        for kind in check_wanted(wanted, kinds):
            try:
                meter = kind.open(clock, gpus)
            except MeterAbsentError as reason:
                if wanted != AUTO:
                    self.close()
                    raise UsageError(f"--meters {wanted}: {kind.name} cannot be used: {reason}.") from reason
                self.absent[kind.name] = str(reason)
            else:
                self._open.append(meter)
                self.absent |= getattr(meter, "absent", {})
                self.others |= getattr(meter, "others", {})

    def __enter__(self) -> "Meters":
        """Nothing more to do."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close every meter."""
        self.close()

    def read(self) -> list[EnergyReading]:
        """Read every channel of every meter; those that turned out to be absent are left out."""
        return [reading for meter in self._open for reading in meter.read() if reading.channel not in self.absent]

    def close(self) -> list[str]:
        """Close every meter; return the reasons of those that do not answer. Twice does no harm."""
        reasons = []
        while self._open:
            reasons.append(self._open.pop().close())
        return [reason for reason in reasons if reason]

    def facts(self, host: HostFacts) -> EnergyFacts:
        """Describe what meters and models there are for this host (as in run.json).

        Waits until every counter has moved, a second at the most: one that has not is absent, and so is one of two
        channels that read the same joules.
        """
        self._leave_out_standing()
        self._leave_out_twins()
        estimates, silent = band.estimates(host)
        found = describe(self._channels(), estimates, self.absent | silent, has_gpus=bool(host.gpus))
        return found.model_copy(update={"others": self.others})

    def _channels(self) -> list[MeterFacts]:
        return [facts for meter in self._open for facts in meter.channels if facts.channel not in self.absent]

    def _leave_out_standing(self) -> None:
        standing = {facts.channel: facts for facts in self._channels() if facts.meter_class == "counter"}
        before_j = {reading.channel: reading.energy_j for reading in self.read()}
        for _ in range(_LOOKS if standing else 0):
            self._clock.sleep(SETTLE_S / _LOOKS)
            moved = {r.channel for r in self.read() if r.energy_j != before_j.setdefault(r.channel, r.energy_j)}
            standing = {channel: facts for channel, facts in standing.items() if channel not in moved}
            if not standing:
                return
        reasons = {channel: why_silent(facts, 0.0, f"{SETTLE_S:g} s") for channel, facts in standing.items()}
        self.absent |= {channel: reason for channel, reason in reasons.items() if reason}

    def _leave_out_twins(self) -> None:
        """Leave out what reads the same joules as a channel before it."""
        kept: list[MeterFacts] = []
        for facts in self._channels():
            twin = next((other for other in kept if _is_twin(facts, other)), None)
            if twin is None:
                kept.append(facts)
            else:
                self.absent[facts.channel] = f"it reads the same joules as {twin.channel}, which is used"


def _is_twin(one: MeterFacts, other: MeterFacts) -> bool:
    """Whether two channels read the same; without a part, each meter reads all that there is of a scope."""
    is_alike = (one.meter_class, one.scope, one.part) == (other.meter_class, other.scope, other.part)
    return is_alike and (one.part is not None or one.meter != other.meter)


def _scope(best: MeterFacts, channels: list[MeterFacts]) -> str:
    """Return the scope of a channel, or what it is together with the memory that its meter counts as well."""
    scopes = {channel.scope for channel in channels if channel.meter == best.meter}
    return PACKAGES_AND_MEMORY if scopes == {PACKAGES, MEMORY} else best.scope


def describe(
    channels: list[MeterFacts], estimates: list[PowerEstimate], absent: Mapping[str, str], *, has_gpus: bool = False
) -> EnergyFacts:
    """Say what class of meter is the best here, and why it is no better."""
    known = [channel for channel in channels if is_known(channel.scope)]
    best = min(known, key=lambda c: BEST_FIRST.index(c.meter_class), default=None)
    meter_class, scope = (best.meter_class, _scope(best, channels)) if best else ("none", None)
    if meter_class == "none" and estimates:
        meter_class, scope = "model", MODEL_SCOPE
    if meter_class == "model" and has_gpus:
        scope = WITHOUT_CARDS
    missing = "; ".join(f"{name}: {reason}" for name, reason in absent.items())
    return EnergyFacts(
        meter_class=meter_class,
        scope=scope,
        reason=missing or None if meter_class in {"model", "none"} else None,
        meters=channels,
        estimates=estimates,
        absent=dict(absent),
    )
