"""What the peers write down of a request, in our terms."""

from clients import Seen
from peers import _aiperf_row, _guidellm_row

MS = 1_000_000


def test_a_request_of_guidellm() -> None:
    row = {
        "response_id": "chatcmpl-truth-00000012",
        "request_start_time": 100.5,
        "time_to_first_token_ms": 20.0,
        "inter_token_latency_ms": 5.0,
        "request_latency": 0.1,
    }
    seen = _guidellm_row(row, wall_offset_ns=100_000_000_000)
    assert seen == Seen(12, 500 * MS, 20 * MS, 5 * MS, 100 * MS)
    assert _guidellm_row({**row, "inter_token_latency_ms": None}, 0).mean_itl_ns is None


def test_a_request_of_aiperf() -> None:
    values = {"time_to_first_token": 20.0, "inter_chunk_latency": [5.0, 7.0], "request_latency": 33.0}
    seen = _aiperf_row({"metrics": {name: {"value": value} for name, value in values.items()}}, 3, 77)
    assert seen == Seen(3, 77, 20 * MS, None, 33 * MS, [20 * MS, 25 * MS, 32 * MS])
