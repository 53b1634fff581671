"""Our own stamps beside those of the wire: which segments belong to which read, and how far the stamps are apart.

Pure: request records and captured segments in, figures out. All times are CLOCK_MONOTONIC nanoseconds.

A request is found on the wire by the client's port and by time: its segments lie between the end of the request before
it on the same connection, or the moment when it was due, and its own end. Where the two kinds of stamps disagree, its
first segments may seem to lie before that, so they are sought a little earlier, too. A read is found by its bytes: the
sequence numbers of RFC 9293 say which segment carried the last byte of it. Our stamp of a read is that of its last
segment, and that of a request is that of the last segment of it to leave. What was sent again brings nothing new and is
passed over.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

import msgspec

from profiler.results.records import RequestRecord
from profiler.stats.quantiles import quantile
from profiler.units import NS_PER_MS, ns_to_us
from profiler.wire_audit.frames import Segment
from profiler.wire_audit.wire_file import Capture

AGREE_US = 100.0  # a p99 beyond this is more than any client's latency figures should carry
FOUND_RATIO = 0.9  # with fewer of the reads on the capture, the rest says little

_EARLY_NS = 10 * NS_PER_MS  # so much earlier the first segments of a request are sought
_SEQUENCE_SPAN = 1 << 32


class Spread(msgspec.Struct, frozen=True):
    """How differences are distributed."""

    count: int
    p50_us: float  # signed: our stamp − the wire's
    p99_abs_us: float
    max_abs_us: float


class Audit(msgspec.Struct, frozen=True):
    """The outcome of an audit."""

    segments: int  # captured, with payload, both ways
    drops: int  # packets that the ring had no room for
    reads: int
    reads_found: int  # whose last byte is on the capture
    reads_merged: int  # that took several segments at once, of which only the newest is stamped
    arrival: Spread | None  # our arrival stamp − the wire's, per read
    sent: Spread | None  # our sent stamp − the wire's, per request
    agrees: bool | None  # None: the capture cannot tell
    verdict: str

    @property
    def error_us(self) -> float | None:
        """The larger p99 of |our stamp − the wire's|, of arrival and of sending; None where it cannot be told."""
        if self.agrees is None or self.arrival is None or self.sent is None:
            return None
        return max(self.arrival.p99_abs_us, self.sent.p99_abs_us)


class _Piece(NamedTuple):
    """New bytes of one direction: those from `start` on and before `end`."""

    start: int
    end: int
    stamp_ns: int


class _Found(msgspec.Struct):
    """Differences between our stamps and the wire's, as they are found."""

    arrival_ns: list[int] = []
    sent_ns: list[int] = []
    reads_merged: int = 0


def audit(records: Iterable[RequestRecord], capture: Capture) -> Audit:
    """Compare the stamps of all requests, in the order in which those of a connection finished, with the wire."""
    by_port: dict[int, list[Segment]] = defaultdict(list)
    for segment in sorted(capture.segments):
        by_port[segment.client_port].append(segment)
    found, free_ns, reads = _Found(), dict[int, int](), 0
    for record in records:
        reads += len(record.read_bytes)
        if record.client_port is not None and record.sent_ns is not None:
            start_ns = max(record.scheduled_ns, free_ns.get(record.client_port, record.scheduled_ns))
            _compare(record, _between(by_port, record, start_ns), found)
            free_ns[record.client_port] = record.finished_ns
    arrival, sent = _spread(found.arrival_ns), _spread(found.sent_ns)
    agrees, verdict = _judge(reads, arrival, sent, capture)
    return Audit(
        segments=len(capture.segments),
        drops=capture.drops,
        reads=reads,
        reads_found=len(found.arrival_ns),
        reads_merged=found.reads_merged,
        arrival=arrival,
        sent=sent,
        agrees=agrees,
        verdict=verdict,
    )


def _between(by_port: Mapping[int, Sequence[Segment]], record: RequestRecord, start_ns: int) -> Sequence[Segment]:
    """Return the segments of a request's connection in its time."""
    on_port = by_port.get(record.client_port or 0, ())
    earliest, first = (bisect_left(on_port, at_ns, key=_stamp_ns) for at_ns in (start_ns - _EARLY_NS, start_ns))
    first = _beginning(on_port, earliest, first)
    return on_port[first : bisect_right(on_port, record.finished_ns, key=_stamp_ns)]


def _beginning(on_port: Sequence[Segment], earliest: int, first: int) -> int:
    """Return where the exchange of a segment begins: with the request, behind the answer to the one before."""
    while earliest < first < len(on_port) and not on_port[first].is_request:
        first -= 1
    while first > earliest and on_port[first - 1].is_request:
        first -= 1
    return first


def _compare(record: RequestRecord, segments: Sequence[Segment], found: _Found) -> None:
    """Find the last segment of the request and of each of its reads."""
    sent_ns = record.sent_ns or 0
    if asked := _in_order(segment for segment in segments if segment.is_request):
        found.sent_ns.append(sent_ns - asked[-1].stamp_ns)
    answered = _in_order(segment for segment in segments if not segment.is_request)
    read_ends = list(accumulate(record.read_bytes, initial=0))
    if not answered or answered[-1].end != read_ends[-1]:
        return  # the capture lacks the beginning or the end, so nothing says which byte is which
    starts = [piece.start for piece in answered]
    for (read_start, read_end), offset_ns in zip(pairwise(read_ends), record.read_offset_ns, strict=True):
        last = bisect_right(starts, read_end - 1) - 1
        if answered[last].end < read_end:
            continue  # a segment that was not captured
        found.arrival_ns.append(sent_ns + offset_ns - answered[last].stamp_ns)
        found.reads_merged += last > bisect_right(starts, read_start) - 1


def _in_order(segments: Iterable[Segment]) -> list[_Piece]:
    """Return what each segment that brought new bytes carried, counted from the first byte of all."""
    ordered: list[_Piece] = []
    first: int | None = None
    reached = 0
    for segment in segments:
        first = segment.sequence if first is None else first
        start = (segment.sequence - first) % _SEQUENCE_SPAN
        end = start + segment.payload_bytes
        if reached < end <= reached + _SEQUENCE_SPAN // 2:
            ordered.append(_Piece(start, end, segment.stamp_ns))
            reached = end
    return ordered


def _judge(reads: int, arrival: Spread | None, sent: Spread | None, capture: Capture) -> tuple[bool | None, str]:
    """Say in one sentence whether our stamps can be believed."""
    if not capture.is_complete:
        return None, "The capture was cut off before the run ended: repeat the run."
    if arrival is None or sent is None:
        return None, "Nothing to compare: no request of the run is on the capture. Repeat the run."
    missing = _missing(reads - arrival.count, capture)
    if arrival.count < FOUND_RATIO * reads:
        return None, (
            f"Only {arrival.count} of {reads} reads are on the capture; at least {FOUND_RATIO:.0%} are needed to judge"
            f"{missing}. Repeat the run on a less busy host."
        )
    agrees = max(arrival.p99_abs_us, sent.p99_abs_us) <= AGREE_US
    return agrees, (
        f"Our timestamps {'agree' if agrees else 'do not agree'} with the wire: p99 of the difference is "
        f"{arrival.p99_abs_us:.1f} µs on arrival and {sent.p99_abs_us:.1f} µs on sending; at most {AGREE_US:g} µs is "
        f"expected{missing}."
    )


def _missing(reads: int, capture: Capture) -> str:
    """Say what the comparison had to leave out."""
    parts = {
        f"{capture.drops} packets found the ring full": capture.drops,
        f"{capture.stepped} segments were timestamped by a clock that was being set": capture.stepped,
        f"{reads} reads are not on the capture": reads,
    }
    return "".join(f"; {text}" for text, count in parts.items() if count)


def _spread(differences_ns: Sequence[int]) -> Spread | None:
    if not differences_ns:
        return None
    signed = sorted(ns_to_us(difference_ns) for difference_ns in differences_ns)
    absolute = sorted(abs(difference_us) for difference_us in signed)
    return Spread(len(signed), quantile(signed, 0.5), quantile(absolute, 0.99), absolute[-1])


def _stamp_ns(segment: Segment) -> int:
    return segment.stamp_ns
