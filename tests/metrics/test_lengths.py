import pytest
from support.builders import manifest, observed, request

from profiler.metrics.lengths import reasoning_token_ratio
from profiler.metrics.quality import answer_tokens
from profiler.metrics.registry import NotMeasuredError
from profiler.results.summary import Distribution, NotMeasured, Scalar
from profiler.summaries.summarize import summarize


def reasoned(index: int, told: int | None = None, **changes: object) -> object:
    """A request of three tokens at 10, 20 and 30 ms, of which two are reasoning, or as many as the server tells."""
    record = request(index, sent_ms=40.0 * index, **changes)
    record.streamed_reasoning_tokens, record.answer_read, record.reasoning_tokens = 2, 2, told
    return record


def test_the_share_of_reasoning_is_of_all_output_tokens() -> None:
    # 2 of 3 seen, 5 of 8 told, none of 3: 7 of 14.
    requests = [reasoned(0), reasoned(1, told=5, server_tokens=8), request(2, sent_ms=80)]
    assert reasoning_token_ratio(observed(requests)) == pytest.approx(7 / 14)


def test_a_run_without_reasoning_says_so() -> None:
    with pytest.raises(NotMeasuredError, match="no response had reasoning"):
        reasoning_token_ratio(observed([request(0), request(1, sent_ms=40)]))
    summary = summarize(manifest(), [request(0), request(1, sent_ms=40)], [], [])
    found = summary.metrics["ttft_answer_ms"]
    assert isinstance(found, NotMeasured)
    assert found.reason == "no response had reasoning"


def test_the_first_answer_token_stands_beside_the_first_token() -> None:
    summary = summarize(manifest(), [reasoned(0), reasoned(1)], [], [])
    first, answer, share = (summary.metrics[name] for name in ("ttft_ms", "ttft_answer_ms", "reasoning_token_ratio"))
    assert isinstance(first, Distribution)
    assert isinstance(answer, Distribution)
    assert isinstance(share, Scalar)
    assert (first.quantiles["p50"], answer.quantiles["p50"], share.value) == (10, 30, pytest.approx(2 / 3))


def test_an_answer_is_as_long_as_its_tokens_without_those_of_reasoning_however_these_are_known() -> None:
    streamed, told, neither = (request(tokens=[1, 1, 1, 1]) for _ in range(3))
    streamed.streamed_reasoning_tokens = 3  # as llama-server streams them, whose usage does not tell
    told.completion_tokens_server, told.reasoning_tokens = 10, 6
    for one in (streamed, told, neither):
        one.asked_tokens = 16
    assert [answer_tokens(one) for one in (streamed, told, neither)] == [1, 4, 4]
