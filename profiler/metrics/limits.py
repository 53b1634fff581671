"""The limits that a run is held against: those of the host's CPUs and memory, or of the GPUs that the model was on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from profiler.aggregation.cards import readings
from profiler.aggregation.observations import Observations
from profiler.metrics.registry import NotMeasuredError
from profiler.results.host_facts import GpuRoofFacts, PeakFacts, RooflineFacts
from profiler.results.manifest import ModelFacts

_NOT_KNOWN = "the host has a GPU, and it is not known whether the model was in its memory"
_AT_WORK_RATIO = 0.2  # of the time before a reading; the windows of a desktop keep a GPU busy for less


@dataclass(frozen=True)
class Limit:
    """One limit; `of_gpus` says whose it is and how it is known, None for CPUs."""

    per_s: float
    of_gpus: str | None = None


@dataclass(frozen=True)
class Limits:
    """What the processors of a run can do; of several GPUs together."""

    memory: PeakFacts  # bytes/s
    peaks: Mapping[str, PeakFacts]  # operations/s, by type
    gpus: int = 0

    def memory_limit(self) -> Limit:
        """Return the bandwidth of the memory. Raises `NotMeasuredError`."""
        return self._limit([self.memory])

    def peak(self, kinds: Sequence[str]) -> Limit:
        """Return the peak of the first of some types that has one. Raises `NotMeasuredError`."""
        return self._limit([self.peaks[kind] for kind in kinds if kind in self.peaks])

    def _limit(self, entries: Sequence[PeakFacts]) -> Limit:
        for entry in entries:
            if entry.operations_per_s:
                how = "data sheet" if entry.is_data_sheet else "measured"
                whose = f"limit of {self.gpus} GPU{'s' if self.gpus > 1 else ''}, {how}" if self.gpus else None
                return Limit(entry.operations_per_s, whose)
        reason = entries[-1].reason if entries else None
        raise NotMeasuredError(f"the roofline has no such limit: {reason or 'it does not say why'}")


def limits_of(seen: Observations) -> Limits:
    """Return the limits of what served the run. Raises `NotMeasuredError`."""
    host = seen.manifest.host
    if seen.manifest.engine.is_remote:
        raise NotMeasuredError("the server runs on another machine, whose limits cannot be measured from here")
    indices = _gpus_in_use(seen) if host.gpus else set()
    if host.roofline is None:
        raise NotMeasuredError("run `aforo host roofline` first, or pass --roofline")
    if indices:
        return _of_gpus(host.roofline, indices)
    memory = PeakFacts(operations_per_s=host.roofline.memory_bytes_per_s, reason=host.roofline.memory_reason)
    return Limits(memory, host.roofline.peaks)


def _gpus_in_use(seen: Observations) -> set[int]:
    """Return the GPUs that computed while requests were served: none where all rest, and the CPUs serve.

    Raises `NotMeasuredError` where nobody looked at them, or what they had in use is less than the model.
    """
    try:
        busy = _at_work(seen)
        if not busy:
            return set()
        used_bytes = _peak_bytes(seen, busy)
    except NotMeasuredError as reason:
        raise NotMeasuredError(f"{_NOT_KNOWN}: {reason}") from reason
    needed_bytes = _weight_bytes(seen.manifest.model)
    if used_bytes < needed_bytes:
        raise NotMeasuredError(
            f"the GPUs at work had {used_bytes / 1e9:,.3g} GB in use and the weights take "
            f"{needed_bytes / 1e9:,.3g} GB: at least a part of the model was in main memory, and no single limit is "
            "that of both"
        )
    return {int(card.rpartition(":")[2]) for card in busy}


def _at_work(seen: Observations) -> set[str]:
    """Return the GPUs that computed, by name. Raises `NotMeasuredError` where a display may be all that they drew."""
    told = readings(seen)
    busy = {card.card for card in told if card.busy_ratio is None or card.busy_ratio >= _AT_WORK_RATIO}
    busiest = max((card.busy_ratio for card in told if card.busy_ratio is not None), default=0.0)
    if busiest and not busy:
        raise NotMeasuredError(f"its GPUs were busy for {busiest:.0%} of the time at the most, as a display's may be")
    return busy


def _peak_bytes(seen: Observations, cards: set[str]) -> int:
    peaks: dict[str, int] = {}
    for card in readings(seen, steady=False):
        if card.card in cards:
            if card.memory_used_bytes is None:
                raise NotMeasuredError("the driver does not tell how much memory of its GPUs is in use")
            peaks[card.card] = max(peaks.get(card.card, 0), card.memory_used_bytes)
    return sum(peaks.values())


def _weight_bytes(model: ModelFacts) -> float:
    """Return what the weights take in memory, lookup tables left out, all experts included."""
    if model.decode_weight_bytes is None:
        raise NotMeasuredError("how much of the model a token reads is not known")
    unused = 0.0 if model.expert_bytes is None else model.expert_bytes * (1 - (model.expert_ratio or 0.0))
    return model.decode_weight_bytes + unused


def _of_gpus(roofline: RooflineFacts, indices: set[int]) -> Limits:
    """Add up the limits of some GPUs; one that has none leaves none to all of them."""
    roofs = [roof for roof in roofline.gpus if roof.index in indices]
    if len(roofs) < len(indices):
        raise NotMeasuredError("the roofline that is kept knows nothing of these GPUs: aforo host roofline --refresh")
    kinds = dict.fromkeys(kind for roof in roofs for kind in roof.peaks)
    nothing = PeakFacts(operations_per_s=None, reason="not measured of every GPU")
    peaks = {kind: _sum([roof.peaks.get(kind, nothing) for roof in roofs]) for kind in kinds}
    return Limits(_sum([_memory(roof) for roof in roofs]), peaks, len(roofs))


def _memory(roof: GpuRoofFacts) -> PeakFacts:
    return PeakFacts(operations_per_s=roof.memory_bytes_per_s, is_data_sheet=roof.is_data_sheet, reason=roof.reason)


def _sum(peaks: Sequence[PeakFacts]) -> PeakFacts:
    rates = [peak.operations_per_s for peak in peaks if peak.operations_per_s is not None]
    if len(rates) < len(peaks):
        return next(peak for peak in peaks if peak.operations_per_s is None)
    return PeakFacts(operations_per_s=sum(rates), is_data_sheet=any(peak.is_data_sheet for peak in peaks))
