"""The stretches of steady load: the first pass over a run's requests finds them.

A window begins and ends with a request being sent, and the requests of a window are those sent in it, whenever they
finish. Both edges are alike, so neither the burst of a start nor the emptying at the end is part of it, and the mean
duration of its requests is that of consecutive ones: not of those that happened to finish in time.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, pairwise, starmap

from profiler.results.folder import StoredRequests
from profiler.results.records import RequestRecord, Timed, begun_ns, ended_ns
from profiler.stats.intervals import BATCHES
from profiler.stats.pieces import ascending

FEWEST_ROUNDS = 5  # requests for each one in flight; with fewer there is no interval
FEWEST_REQUESTS = 20
_FEW_SLICES = 5
_EARLY = 10  # of an open loop, the first part of so many is looked at for how long requests take
_FEWEST_EARLY = 5  # of these, from which on some may be stragglers


@dataclass(frozen=True)
class Stretch:
    """Phases during which the load was kept up without a break, in the order of sending.

    `slots` is None for an open loop. `ramp_end_ns` is when the last slot was due to begin, where slots began one after
    the other. `think_ns` is the pause of a slot between a response and its next request. Requests are numbered
    conversation by conversation, `turns` in each.
    """

    phases: tuple[str, ...]
    measured: frozenset[str]
    slots: int | None = None
    ramp_end_ns: int | None = None
    think_ns: int = 0
    turns: int = 1


@dataclass(frozen=True)
class Window:
    """A stretch of steady load, in CLOCK_MONOTONIC nanoseconds, and what the first pass counts in it."""

    start_ns: int
    end_ns: int
    in_flight_ns: int = field(default=0, compare=False)  # time in it of all requests, request by request
    sent: int = field(default=0, compare=False)  # its requests, whatever their outcome
    in_flight: tuple[int, int] = field(default=(0, 0), compare=False)  # when it opens and when it closes
    missing: int = field(default=0, compare=False)  # requests before its last ones that have no record (open loop)
    slices: tuple["Window", ...] = field(default=(), compare=False)  # parts in which equally many were sent

    @property
    def length_ns(self) -> int:
        """Duration."""
        return self.end_ns - self.start_ns

    @property
    def growth(self) -> int:
        """By how many more are in flight when it closes."""
        return self.in_flight[1] - self.in_flight[0]

    def holds(self, t_ns: int) -> bool:
        """Whether an instant lies inside; the start does, the end does not."""
        return self.start_ns <= t_ns < self.end_ns


NOWHEN = Window(0, 0)  # holds nothing
ALWAYS = Window(-(2**63), 2**63)  # holds everything: stands for the window of a load that never was steady


@dataclass(frozen=True)
class Burst:
    """The requests that a closed loop sends at once when it starts."""

    until_ns: int  # when the last of them was sent
    phase: str  # the measured phase that they are reported with


@dataclass(frozen=True)
class Steady:
    """What the first pass finds."""

    windows: Mapping[str, Window]  # by measured phase; those without a steady part are left out
    bursts: Mapping[str, Burst]  # by phase, warm-up included


class Times:
    """When requests were sent and ended, whatever their outcome; nanoseconds, in the order of finishing."""

    def __init__(self) -> None:
        """Begin with none."""
        self.sent_ns = array("q")
        self.ended_ns = array("q")
        self.indexes = array("q")

    def take(self, request: Timed) -> None:
        """Add one; of a request that was never sent, from when it was due."""
        self.sent_ns.append(begun_ns(request))
        self.ended_ns.append(ended_ns(request))
        self.indexes.append(request.index)

    def append(self, later: "Times") -> None:
        """Add those of requests that finished later."""
        self.sent_ns += later.sent_ns
        self.ended_ns += later.ended_ns
        self.indexes += later.indexes

    def __len__(self) -> int:
        """How many there are."""
        return len(self.sent_ns)


def times_by_phase(requests: Iterable[RequestRecord]) -> dict[str, Times]:
    """Return when the requests of each phase were under way."""
    times: dict[str, Times] = {}
    for request in times_of(requests):
        if request.phase not in times:
            times[request.phase] = Times()
        times[request.phase].take(request)
    return times


def find_steady(parts: Iterable[Mapping[str, Times]], stretches: Sequence[Stretch]) -> Steady:
    """Find the steady part of each measured phase and the burst at the start of each stretch.

    `parts` are what `times_by_phase` returns of successive parts of a run.
    """
    times = {name: Times() for stretch in stretches for name in stretch.phases}
    for part in parts:
        for name in part.keys() & times.keys():
            times[name].append(part[name])
    windows: dict[str, Window] = {}
    bursts: dict[str, Burst] = {}
    for stretch in stretches:
        own = {name: times[name] for name in stretch.phases}
        windows |= steady_windows(stretch, own)
        bursts |= _bursts(stretch, own)
    return Steady(windows, bursts)


def steady_windows(stretch: Stretch, times: Mapping[str, Times]) -> dict[str, Window]:
    """Return the steady part of each measured phase of a stretch that has one.

    Closed loop of several slots: it opens with the first request that is sent after one for each slot, so that the
    burst of the start is left out; with slots that begin one after the other, after the last has begun and one for each
    slot more. A slot has no burst. Where the load goes on with a phase that is not measured, that is all. Otherwise it
    closes one request for each slot before the end, so that none of its requests is served while slots run empty.

    Open loop: it opens when requests in flight have built up, after the longest time that one of the first tenth
    takes, and closes with the last arrival. Where that would leave out half of the arrivals, the slowest tenth of
    those, stragglers, do not count.

    Within these bounds a phase's window lasts from its first request to the first one of the next phase.
    """
    sent_ns = ascending((times[name].sent_ns for name in stretch.phases), "q")
    ended_ns = ascending((times[name].ended_ns for name in stretch.phases), "q")
    bounds = _closed_bounds(stretch, sent_ns, ended_ns) if stretch.slots else _open_bounds(stretch, times, sent_ns)
    if bounds is None:
        return {}
    opens_ns, closes_ns = bounds
    firsts = [(name, min(times[name].sent_ns)) for name in stretch.phases if len(times[name])]
    found = {}
    for (name, first_ns), (_, next_ns) in pairwise([*firsts, ("", closes_ns)]):
        start_ns, end_ns = max(first_ns, opens_ns), min(next_ns, closes_ns)
        if name in stretch.measured and start_ns < end_ns:
            found[name] = _Counted(stretch, name, times, sent_ns, ended_ns).window(start_ns, end_ns)
    return {name: window for name, window in found.items() if window.sent}


def _closed_bounds(stretch: Stretch, sent_ns: Sequence[int], ended_ns: Sequence[int]) -> tuple[int, int] | None:
    slots = stretch.slots or 1
    begun = 0 if stretch.ramp_end_ns is None else bisect_left(sent_ns, stretch.ramp_end_ns)
    first, last = (0, len(sent_ns)) if slots == 1 else (begun + slots, len(sent_ns) - slots + 1)
    if first >= last:
        return None
    closes_ns = ended_ns[-1] + stretch.think_ns if last == len(sent_ns) else sent_ns[last]
    return sent_ns[first], closes_ns


def _open_bounds(stretch: Stretch, times: Mapping[str, Times], sent_ns: Sequence[int]) -> tuple[int, int] | None:
    if not sent_ns:
        return None
    early_ns = sent_ns[(len(sent_ns) - 1) // _EARLY]
    taken_ns = sorted(
        ended - sent
        for name in stretch.phases
        for sent, ended in zip(times[name].sent_ns, times[name].ended_ns, strict=True)
        if sent <= early_ns
    )
    stragglers = 1 + len(taken_ns) // _EARLY if len(taken_ns) >= _FEWEST_EARLY else 0
    built_up = [bisect_left(sent_ns, sent_ns[0] + longest_ns) for longest_ns in taken_ns[-1 - stragglers :]]
    first = next((each for each in reversed(built_up) if 2 * each <= len(sent_ns)), built_up[-1])
    return (sent_ns[first], sent_ns[-1]) if first < len(sent_ns) else None


class _Counted:
    """Counts what lies in windows of one phase."""

    def __init__(
        self, stretch: Stretch, name: str, times: Mapping[str, Times], sent_ns: Sequence[int], ended_ns: Sequence[int]
    ) -> None:
        self._slots, self._turns = stretch.slots, stretch.turns
        self._all_sent_ns, self._all_ended_ns = sent_ns, ended_ns
        self._own, self._own_sent_ns = times[name], ascending([times[name].sent_ns], "q")
        # a conversation may begin in one phase and end in another
        self._numbered = [self._own] if stretch.turns == 1 else [times[each] for each in stretch.phases]

    def window(self, start_ns: int, end_ns: int) -> Window:
        """Return the window between two instants, cut into slices where there are enough requests."""
        whole = self._uncut(start_ns, end_ns)
        mean_in_flight = self._slots or whole.in_flight_ns / whole.length_ns
        slices = tuple(starmap(self._uncut, pairwise(self._edges_ns(whole, slices_of(whole.sent, mean_in_flight)))))
        missing = 0 if self._slots else self._missing(whole)
        return replace(whole, missing=missing, slices=slices)

    def _uncut(self, start_ns: int, end_ns: int) -> Window:
        sent = bisect_left(self._own_sent_ns, end_ns) - bisect_left(self._own_sent_ns, start_ns)
        in_flight = self._in_flight(start_ns), self._in_flight(end_ns)
        return Window(start_ns, end_ns, self._in_flight_ns(end_ns) - self._in_flight_ns(start_ns), sent, in_flight)

    def _in_flight(self, t_ns: int) -> int:
        return bisect_left(self._all_sent_ns, t_ns) - bisect_right(self._all_ended_ns, t_ns)

    def _in_flight_ns(self, until_ns: int) -> int:
        return _elapsed_ns(self._all_sent_ns, until_ns) - _elapsed_ns(self._all_ended_ns, until_ns)

    def _edges_ns(self, window: Window, count: int) -> list[int]:
        """Return where to cut a window so that equally many requests are sent in each part."""
        first = bisect_left(self._own_sent_ns, window.start_ns)
        inner = {self._own_sent_ns[first + window.sent * i // count] for i in range(1, count)}
        edges_ns = sorted({window.start_ns, *inner, window.end_ns})
        return edges_ns if count and len(edges_ns) == count + 1 else []

    def _missing(self, window: Window) -> int:
        """Return how many requests have no record although a later conversation, or a later turn of theirs, has one.

        Of the conversations that began in the window; those that go on after the last record are not missed.
        """
        own = zip(self._own.sent_ns, self._own.indexes, strict=True)
        begun = [index // self._turns for sent_ns, index in own if index % self._turns == 0 and window.holds(sent_ns)]
        if not begun:
            return 0
        low, high = min(begun), max(begun)
        recorded, last_turns = 0, dict[int, int]()
        for index in chain.from_iterable(times.indexes for times in self._numbered):
            conversation, turn = divmod(index, self._turns)
            if low <= conversation <= high:
                recorded += 1
                if turn:
                    last_turns[conversation] = max(turn, last_turns.get(conversation, 0))
        return high - low + 1 + sum(last_turns.values()) - recorded


def slices_of(requests: int, in_flight: float) -> int:
    """Return into how many slices a window is cut; 0 where it holds too few requests for an interval."""
    rounds = requests / max(in_flight, 1.0)
    if requests < FEWEST_REQUESTS or rounds < FEWEST_ROUNDS:
        return 0
    return BATCHES if rounds >= 2 * BATCHES else _FEW_SLICES


def _elapsed_ns(sorted_ns: Sequence[int], until_ns: int) -> int:
    """Return how long ago all instants before one are, added up."""
    before = bisect_right(sorted_ns, until_ns)
    return before * until_ns - sum(sorted_ns[:before])


def _bursts(stretch: Stretch, times: Mapping[str, Times]) -> dict[str, Burst]:
    """Return the burst of a stretch, for each phase that has a part in it."""
    slots = stretch.slots or 1
    sent_ns = ascending((times[name].sent_ns for name in stretch.phases), "q")
    if slots == 1 or stretch.ramp_end_ns is not None or len(sent_ns) < slots:
        return {}
    phase = next(name for name in stretch.phases if name in stretch.measured)
    return {name: Burst(sent_ns[slots - 1], phase) for name in stretch.phases}


def times_of(requests: Iterable[RequestRecord]) -> Iterable[Timed]:
    """Return the same requests; those from a file with their reads undecoded, which is much faster."""
    return requests.times() if isinstance(requests, StoredRequests) else requests
