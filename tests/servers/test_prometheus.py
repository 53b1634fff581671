import pytest
from support.scripted_server import send_bytes, serve

from profiler.errors import ServerError
from profiler.servers.address import Address
from profiler.servers.prometheus import parse, read_counters

PAGE = """\
# HELP vllm:inter_token_latency_seconds Histogram of inter-token latency in seconds.
# TYPE vllm:inter_token_latency_seconds histogram
vllm:inter_token_latency_seconds_bucket{engine="0",le="0.01",model_name="m"} 12.0
vllm:inter_token_latency_seconds_count{engine="0",model_name="m"} 12.0
vllm:inter_token_latency_seconds_count{engine="1",model_name="m"} 3.0
vllm:inter_token_latency_seconds_sum{engine="0",model_name="m {}"} 1.5e-01
vllm:num_requests_running{engine="0",model_name="m"} 0.0
llamacpp:tokens_predicted_total 42
llamacpp:broken_total NaNsense
"""


def test_counters_and_histograms_are_added_up_over_their_labels() -> None:
    assert parse(PAGE) == {
        "vllm:inter_token_latency_seconds_count": 15.0,
        "vllm:inter_token_latency_seconds_sum": 0.15,
        "llamacpp:tokens_predicted_total": 42.0,
    }


def test_exemplars_braces_and_what_is_no_number_change_no_count() -> None:
    """OpenMetrics puts exemplars with labels of their own behind a number, and both formats times."""
    page = (
        'a_total{x="1"} 17 # {trace_id="abc"} 1.0 1520879607.789\n'
        'b_sum{l="a}b 9", m="say \\"}\\" 5"} 4 1700000000\n'
        "c_count NaN\nc_count 2\nd_total +Inf\ne_total\n5\nf_total{}\t6\n"
    )

    assert parse(page) == {"a_total": 17.0, "b_sum": 4.0, "c_count": 2.0, "f_total": 6.0}


def test_a_server_without_a_page_is_an_error() -> None:
    with (
        serve(send_bytes(b"HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\n\r\n")) as port,
        pytest.raises(ServerError, match="HTTP 501"),
    ):
        read_counters(Address("127.0.0.1", port))
