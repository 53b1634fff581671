"""Reading the truth server's log, and finding its record of each of a client's requests."""

import json
from pathlib import Path

import pytest
from clients import BenchmarkError, Seen
from truth import Sent, pair, read_log


def record(identity: int, arrived_ns: int) -> Sent:
    return Sent(identity, arrived_ns, arrived_ns, [], [], 0, 0, 1)


def test_a_log_is_read_with_times_made_absolute(tmp_path: Path) -> None:
    rows = [
        {"scheduler": "SCHED_FIFO", "one_event": False},
        {"id": 7, "arrived_ns": 90, "received_ns": 100, "sent_ns": [5, 6, 25, 27], "tokens": 5, "tokens_per_chunk": 2},
    ]
    log = tmp_path / "truth.jsonl"
    log.write_text("\n".join(json.dumps(row) for row in rows))
    truth = read_log(log)
    assert truth.scheduler == "SCHED_FIFO"
    # Two of three chunks (five tokens, two a chunk) went out: into send() at 105 and 125, out of it at 106 and 127.
    assert truth.requests == [Sent(7, 90, 100, [105, 125], [106, 127], 5, 3, 2)]
    assert not truth.requests[0].is_complete


def test_pairs_are_found_by_number() -> None:
    seen = [Seen(2, None), Seen(1, None), Seen(9, None)]
    sent = [record(1, 100), record(2, 50)]
    assert pair(seen, sent) == [(seen[0], sent[1]), (seen[1], sent[0])]


def test_or_by_order() -> None:
    seen = [Seen(None, 200), Seen(None, 100), Seen(None, None)]
    sent = [record(1, 210), record(2, 110), record(3, 10_000_000_000)]  # another's, long after
    assert pair(seen, sent) == [(seen[1], sent[1]), (seen[0], sent[0])]


def test_a_different_number_of_requests_gives_no_pairs() -> None:
    with pytest.raises(BenchmarkError, match="client recorded 1 requests and the server 2"):
        pair([Seen(None, 100)], [record(1, 100), record(2, 120)])
