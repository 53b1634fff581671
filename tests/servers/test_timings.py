from profiler.servers.llama_cpp_python import read_log
from profiler.servers.timings import EngineTiming

LOG = """\
llama_perf_context_print:        load time =     168.41 ms
llama_perf_context_print: prompt eval time =     168.21 ms /   128 tokens (    1.31 ms per token)
llama_perf_context_print:        eval time =     673.23 ms /    95 runs   (    7.09 ms per token)
llama_perf_context_print:       total time =     900.00 ms /   223 tokens
INFO:     127.0.0.1:1 - "POST /v1/completions HTTP/1.1" 200 OK
llama_perf_context_print: prompt eval time =     100.00 ms /    10 tokens (x)
llama_perf_context_print:        eval time =      50.00 ms /     5 runs   (x)
"""


def test_each_request_gives_one_timing() -> None:
    assert list(read_log(LOG.splitlines())) == [EngineTiming(128, 168.21, 95, 673.23), EngineTiming(10, 100.0, 5, 50.0)]


def test_a_log_that_ends_in_the_middle_gives_what_is_whole() -> None:
    assert len(list(read_log(LOG[: LOG.rindex("eval time") - 10].splitlines()))) == 1
    assert list(read_log([])) == []
