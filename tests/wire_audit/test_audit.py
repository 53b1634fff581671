"""The comparison with the wire, on captures made by hand: our stamps are 5 µs behind unless said otherwise."""

import pytest

from profiler.results.records import Outcome, RequestRecord
from profiler.wire_audit.audit import AGREE_US, Audit, audit
from profiler.wire_audit.frames import Segment
from profiler.wire_audit.wire_file import Capture

US, MS = 1_000, 1_000_000
PORT = 40_000
BEHIND_NS = 5 * US
SPAN = 1 << 32


def record(index: int = 0, *, at_ms: int = 0, reads: tuple[int, ...] = (300, 100), port: int = PORT) -> RequestRecord:
    """A request sent at `at_ms` with a read of so many bytes every 10 ms."""
    sent_ns = at_ms * MS
    offsets_ns = [10 * MS * (i + 1) for i in range(len(reads))]
    return RequestRecord(
        index=index,
        phase="repeat-1",
        client_port=port,
        outcome=Outcome.OK,
        scheduled_ns=sent_ns - MS,
        sent_ns=sent_ns,
        finished_ns=sent_ns + offsets_ns[-1] + MS,
        read_offset_ns=offsets_ns,
        read_lag_ns=[50 * US] * len(reads),
        read_bytes=list(reads),
        read_tokens=[1] * len(reads),
    )


def wire(of: RequestRecord, *, first: int = 1000, behind_ns: int = BEHIND_NS) -> list[Segment]:
    """What a flawless capture holds of a request: itself in one segment, and one for each read."""
    assert of.sent_ns is not None
    assert of.client_port is not None
    segments = [Segment(of.sent_ns - behind_ns, of.client_port, True, 77, 500)]
    sequence = first
    for offset_ns, size in zip(of.read_offset_ns, of.read_bytes, strict=True):
        stamp_ns = of.sent_ns + offset_ns - behind_ns
        segments.append(Segment(stamp_ns, of.client_port, False, sequence % SPAN, size))
        sequence += size
    return segments


def audited(records: list[RequestRecord], segments: list[Segment], **changes: object) -> Audit:
    return audit(records, Capture(segments, 0, 0, is_complete=True)._replace(**changes))


def test_stamps_that_agree() -> None:
    one = record()
    outcome = audited([one], wire(one))
    assert outcome.agrees is True
    assert (outcome.segments, outcome.reads, outcome.reads_found, outcome.reads_merged) == (3, 2, 2, 0)
    assert outcome.arrival is not None
    assert outcome.sent is not None
    assert (outcome.arrival.count, outcome.arrival.p50_us, outcome.arrival.max_abs_us) == (2, 5.0, 5.0)
    assert (outcome.sent.count, outcome.sent.p50_us) == (1, 5.0)
    assert outcome.error_us == 5.0
    assert "agree with the wire: p99 of the difference is 5.0 µs on arrival and 5.0 µs on sending" in outcome.verdict


@pytest.mark.parametrize(
    ("behind_us", "agrees"),
    [(AGREE_US, True), (AGREE_US + 1, False), (-AGREE_US, True), (-AGREE_US - 1, False)],
)
def test_both_sides_of_the_limit(behind_us: float, agrees: bool) -> None:
    one = record()
    outcome = audited([one], wire(one, behind_ns=round(behind_us * US)))
    assert outcome.agrees is agrees
    assert outcome.error_us == abs(behind_us)


@pytest.mark.parametrize("behind_us", [150, 1_000, 9_000])
def test_stamps_that_are_behind_are_found_where_requests_follow_one_another_at_once(behind_us: int) -> None:
    """On the wire each request, and the first read of its answer, then lie before our end of the one before."""
    records = [record(i, at_ms=20 * i, reads=(300, 100, 100)) for i in range(20)]
    for i, one in enumerate(records):
        one.read_offset_ns = [US, 10 * MS, 20 * MS - 20 * US]
        one.scheduled_ns = (one.sent_ns or 0) - 10 * US
        one.finished_ns = (one.sent_ns or 0) + 20 * MS - 15 * US
        one.index = i
    captured = [segment for i, one in enumerate(records) for segment in wire(one, first=i, behind_ns=behind_us * US)]
    outcome = audited(records, captured)
    assert (outcome.reads_found, outcome.agrees, outcome.error_us) == (60, False, behind_us)
    assert outcome.sent is not None
    assert outcome.sent.count == 20


def test_an_unanswered_request_long_before_is_not_taken_for_a_part_of_the_next() -> None:
    one = record(at_ms=5_000)
    outcome = audited([one], [Segment(0, PORT, True, 5_000_000, 500), *wire(one)])
    assert outcome.error_us == 5.0


def test_the_signed_median_tells_early_from_late() -> None:
    one = record()
    asked, *answered = wire(one)
    early = [segment._replace(stamp_ns=segment.stamp_ns + 10 * US) for segment in answered]
    outcome = audited([one], [asked, *early])
    assert outcome.arrival is not None
    assert outcome.arrival.p50_us == -5.0
    assert outcome.arrival.p99_abs_us == 5.0


def test_a_sequence_number_that_wraps() -> None:
    one = record(reads=(300, 100, 200))
    assert audited([one], wire(one, first=SPAN - 350)).reads_found == 3


def test_a_read_of_several_segments_has_the_stamp_of_its_last() -> None:
    one = record(reads=(300, 100))
    asked, first, second = wire(one)
    parts = [
        first._replace(payload_bytes=120, stamp_ns=first.stamp_ns - MS),
        first._replace(sequence=first.sequence + 120, payload_bytes=180),
    ]
    outcome = audited([one], [asked, *parts, second])
    assert (outcome.reads_found, outcome.reads_merged, outcome.error_us) == (2, 1, 5.0)


def test_a_segment_of_several_reads() -> None:
    """A small buffer cuts one segment into two reads; both carry the segment's stamp."""
    one = record(reads=(300, 100))
    one.read_offset_ns = [10 * MS, 10 * MS]
    asked, first, _ = wire(one)
    outcome = audited([one], [asked, first._replace(payload_bytes=400)])
    assert (outcome.reads_found, outcome.reads_merged, outcome.error_us) == (2, 0, 5.0)


def test_what_is_sent_again_counts_once_and_at_first() -> None:
    one = record()
    asked, first, second = wire(one)
    again = [segment._replace(stamp_ns=segment.stamp_ns + 3 * MS) for segment in (asked, first)]
    outcome = audited([one], [asked, first, second, *again])
    assert (outcome.reads_found, outcome.error_us) == (2, 5.0)


def test_a_request_of_two_segments_left_with_the_second() -> None:
    one = record()
    asked, *answered = wire(one)
    head = asked._replace(payload_bytes=200, stamp_ns=asked.stamp_ns - 10 * US)
    tail = asked._replace(sequence=asked.sequence + 200, payload_bytes=300)
    outcome = audited([one], [head, tail, *answered])
    assert outcome.sent is not None
    assert outcome.sent.p50_us == 5.0


def test_several_requests_on_one_connection_and_many_connections_at_once() -> None:
    records = [record(i, at_ms=100 * i, port=PORT + slot) for slot in range(3) for i in range(4)]
    segments = [segment for one in records for segment in wire(one, first=1000 * one.index)]
    outcome = audited(records, segments)
    assert (outcome.reads_found, outcome.agrees, outcome.error_us) == (24, True, 5.0)


def test_a_port_that_is_used_again_has_new_sequence_numbers() -> None:
    records = [record(0), record(1, at_ms=100)]
    segments = wire(records[0], first=5) + wire(records[1], first=SPAN - 10)
    assert audited(records, segments).reads_found == 4


def test_a_connections_next_request_is_due_before_the_one_before_it_has_ended() -> None:
    """An open loop that is late: the segments of the earlier request are not taken for the later one's."""
    records = [record(0), record(1, at_ms=100)]
    records[1].scheduled_ns = 1 * MS
    assert audited(records, [s for one in records for s in wire(one)]).error_us == 5.0


def test_a_hole_in_the_capture_costs_the_reads_around_it_only() -> None:
    records = [record(i, at_ms=100 * i, reads=(100,) * 5) for i in range(8)]
    segments = [segment for one in records for segment in wire(one)]
    del segments[3]  # of the first request: itself, two reads, and this third one
    outcome = audited(records, segments, drops=1)
    assert (outcome.reads, outcome.reads_found, outcome.agrees) == (40, 39, True)
    assert "1 packets found the ring full; 1 reads are not on the capture" in outcome.verdict


def test_without_its_end_nothing_says_which_byte_is_which() -> None:
    one = record()
    outcome = audited([one], wire(one)[:-1])
    assert (outcome.reads_found, outcome.agrees, outcome.error_us) == (0, None, None)


def test_too_little_of_the_run_is_on_the_capture_to_judge() -> None:
    records = [record(i, at_ms=100 * i) for i in range(10)]  # two reads each: 18 of 20 are 90 %
    enough = [segment for one in records[1:] for segment in wire(one)]
    assert audited(records, enough).agrees is True
    outcome = audited(records, enough[3:], stepped=6)
    assert outcome.agrees is None
    assert outcome.error_us is None
    assert "Only 16 of 20 reads are on the capture; at least 90%" in outcome.verdict
    assert "6 segments were timestamped by a clock that was being set" in outcome.verdict


def test_a_capture_of_something_else() -> None:
    outcome = audited([record()], wire(record(port=PORT + 1)))
    assert outcome.agrees is None
    assert "no request of the run" in outcome.verdict


def test_a_capture_that_was_cut_off() -> None:
    one = record()
    outcome = audited([one], wire(one), is_complete=False)
    assert outcome.agrees is None
    assert "cut off" in outcome.verdict


def test_requests_that_were_never_sent_are_left_out() -> None:
    lost = record(1, at_ms=200)
    lost.sent_ns, lost.read_offset_ns, lost.read_bytes, lost.read_lag_ns = None, [], [], []
    one = record()
    assert audited([one, lost], wire(one)).reads_found == 2
