"""What the GPUs of a run showed in its steady windows: pure."""

from collections.abc import Callable, Iterable, Sequence
from statistics import fmean

from profiler.aggregation.not_measured import NotMeasuredError
from profiler.aggregation.observations import Observations
from profiler.results.records import CardReading, Sample, SlowedBy


def readings(seen: Observations, *, steady: bool = True) -> list[CardReading]:
    """Return what was seen of all cards, in the steady windows or ever. Raises `NotMeasuredError`."""
    found = [card for sample in (seen.steady_samples if steady else seen.samples) for card in sample.cards]
    if not found:
        raise NotMeasuredError(_why_none(seen, steady=steady))
    return found


def highest(seen: Observations, value: Callable[[CardReading], float | None], what: str, *, steady: bool) -> float:
    """Return the highest value of any card at any time. Raises `NotMeasuredError`."""
    return max(_told((value(card) for card in readings(seen, steady=steady)), what))


def mean(seen: Observations, value: Callable[[CardReading], float | None], what: str) -> float:
    """Return the mean over all cards and the steady windows. Raises `NotMeasuredError`."""
    return fmean(_told((value(card) for card in readings(seen)), what))


def together(samples: Sequence[Sample], value: Callable[[CardReading], int | None]) -> list[int]:
    """Return the sum over the cards at each moment at which all of them tell it."""
    told = ([value(card) for card in sample.cards] for sample in samples if sample.cards)
    return [sum(each for each in values if each is not None) for values in told if None not in values]


def slowed_ratio(seen: Observations, cause: SlowedBy) -> float:
    """Return in which share of the steady samples of a card its clocks were held down; of several cards the highest.

    Raises `NotMeasuredError`.
    """
    by_card: dict[str, list[bool]] = {}
    for card in readings(seen):
        if card.slowed_by is not None:
            by_card.setdefault(card.card, []).append(cause in card.slowed_by.values())
    return max(_told(map(fmean, by_card.values()), "what holds the clocks of its GPUs down"))


def _told(values: Iterable[float | None], what: str) -> list[float]:
    told = [value for value in values if value is not None]
    if not told:
        raise NotMeasuredError(f"the driver does not tell {what}")
    return told


def _why_none(seen: Observations, *, steady: bool) -> str:
    host = seen.manifest.server_host
    if seen.manifest.engine.is_remote:
        return "the server runs on another machine, whose GPUs cannot be seen from here"
    if not host.gpus:
        return "this host has no GPU"
    if steady and any(sample.cards for sample in seen.samples):
        return "no sample of the GPUs within the steady windows"
    return f"its GPUs were not sampled{f': {host.gpu_note}' if host.gpu_note else ''}"
