"""The arithmetic behind the published errors: what a client reports − what the server knows."""

import pytest
from clients import Seen
from truth import Sent
from truth_errors import Spread, errors_ns, lags_ns, spread, steady

US, S = 1_000, 1_000_000_000


def sent(arrived_ns: int = 1_000, chunks: int = 3, events_per_chunk: int = 1) -> Sent:
    """The request arrived at 1,000 ns; chunks left 100, 200, 300 ns later."""
    times_ns = [arrived_ns + 100 * (i + 1) for i in range(chunks)]
    return Sent(
        identity=1,
        arrived_ns=arrived_ns,
        received_ns=arrived_ns + 10,
        chunk_ns=times_ns,
        return_ns=times_ns,
        tokens=3 * events_per_chunk,
        chunks=3,
        events_per_chunk=events_per_chunk,
    )


def test_errors_are_reported_minus_true() -> None:
    # True: TTFT 100, E2E 300, mean ITL (300 − 100) / 2 = 100, gaps 100 each, start 1,000.
    seen = Seen(1, sent_ns=970, ttft_ns=150, mean_itl_ns=90.0, e2e_ns=320, events_ns=[150, 260, 340])
    assert errors_ns([(seen, sent())]) == {
        "ttft": [50],
        "e2e": [20],
        "mean_itl": [-10],
        "start": [-30],
        "gap": [10, -20],
    }


def test_what_a_client_does_not_report_has_no_error() -> None:
    found = errors_ns([(Seen(1, None, 100, None, 300), sent()), (Seen(1, None), sent())])
    assert found == {"ttft": [0], "e2e": [0], "mean_itl": [], "start": [], "gap": []}


def test_gaps_of_chunks_with_several_events_are_those_of_their_first() -> None:
    seen = Seen(1, None, 100, None, 300, events_ns=[100, 101, 205, 206, 300, 301])
    assert errors_ns([(seen, sent(events_per_chunk=2))])["gap"] == [5, -5]


def test_gaps_are_not_compared_where_events_were_lost() -> None:
    seen = Seen(1, None, 100, None, 300, events_ns=[100, 300])
    assert errors_ns([(seen, sent())])["gap"] == []


def test_the_spread_is_of_absolute_values_in_microseconds() -> None:
    assert spread([-3 * US, 1 * US, 2 * US]) == Spread(3, 2.0, pytest.approx(2.98), 3.0)
    assert spread([]) is None


def test_the_first_seconds_and_what_failed_are_left_out() -> None:
    ok = Seen(1, None, 100, None, 300)
    pairs = [(ok, sent(0)), (ok, sent(2 * S)), (Seen(1, None), sent(3 * S)), (ok, sent(4 * S, chunks=2))]
    assert steady(pairs, skip_s=1) == [pairs[1]]


def test_lag_is_behind_the_beat_of_the_punctual() -> None:
    # Ten a second: due every 100 ms. The third comes 30 ms late, the first two set the beat.
    arrivals_ns = [0, S // 10, 2 * S // 10 + 30_000_000, 3 * S // 10]
    assert lags_ns([sent(at_ns) for at_ns in arrivals_ns], rate_rps=10, skip_s=0) == [0, 0, 30_000_000, 0]
    assert lags_ns([], 10, 0) == []
