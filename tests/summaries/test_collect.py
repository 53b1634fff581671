"""Long runs in little memory: what is only counted must say the same as what is kept."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.builders import manifest, request

from profiler import shared_work
from profiler.results import folder
from profiler.results.records import Outcome, RequestRecord
from profiler.results.summary import Distribution, Scalar, Summary
from profiler.servers.timings import EngineTiming
from profiler.stats.values import APPROXIMATION
from profiler.summaries import collect
from profiler.summaries.summarize import summarize


class Passes:
    """Requests that are made anew in each pass, and never more than one at a time."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.begun = 0

    def __iter__(self) -> Iterator[RequestRecord]:
        self.begun += 1
        return (self._request(index) for index in range(self.count))

    def _request(self, index: int) -> RequestRecord:
        repeat, within = divmod(index, self.count // 2)
        arrivals_ms = (10.0 + index % 7, 20.0 + index % 7, 30.0 + index % 11)
        outcome = Outcome.STALLED if index % 50 == 7 else Outcome.OK
        return request(
            index,
            phase=f"repeat-{repeat + 1}",
            sent_ms=10_000 * repeat + 45.0 * within,
            arrivals_ms=arrivals_ms,
            outcome=outcome,
        )


def timings(count: int) -> Iterator[EngineTiming]:
    return (EngineTiming(8, 4.0, 2, 16.0) for _ in range(count))


def summary_of(requests: Passes, logged: int | None = None) -> Summary:
    return summarize(manifest(repeats=2), requests, [], timings(requests.count if logged is None else logged))


def test_requests_are_gone_through_twice() -> None:
    requests = Passes(200)
    summary_of(requests)
    assert requests.begun == 2


def test_counting_says_the_same_as_keeping(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = summary_of(Passes(400))
    monkeypatch.setattr(collect, "EXACT_VALUES", 100)
    counted = summary_of(Passes(400))
    assert (counted.requests_ok, counted.outcomes) == (392, kept.outcomes)
    for name, metric in kept.metrics.items():
        other = counted.metrics[name]
        if isinstance(metric, Distribution):
            assert isinstance(other, Distribution)
            assert (metric.approximation, other.approximation) == (None, APPROXIMATION)
            assert (other.n, other.min, other.max) == (metric.n, metric.min, metric.max)
            assert other.mean == pytest.approx(metric.mean, rel=1e-12)
            assert other.per_repeat_mean == pytest.approx(metric.per_repeat_mean, rel=1e-12)
            assert other.quantiles == pytest.approx(metric.quantiles, rel=1e-4)
        elif isinstance(metric, Scalar):
            assert isinstance(other, Scalar)
            assert (other.value or 0.0) == pytest.approx(metric.value or 0.0, rel=1e-4), name
            assert other.reason == metric.reason
            assert other.per_repeat == pytest.approx(metric.per_repeat, rel=1e-4), name


def test_what_is_kept_is_shared_out_among_the_repeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collect, "EXACT_VALUES", 392)  # 196 requests end well in each repeat: all of them fit
    ttft = summary_of(Passes(400)).metrics["ttft_ms"]
    monkeypatch.setattr(collect, "EXACT_VALUES", 390)
    too_many = summary_of(Passes(400)).metrics["ttft_ms"]
    assert isinstance(ttft, Distribution)
    assert isinstance(too_many, Distribution)
    assert (ttft.approximation, too_many.approximation) == (None, APPROXIMATION)


@pytest.mark.parametrize("logged", [199, 201])
def test_one_timing_too_few_or_too_many_and_none_is_used(logged: int) -> None:
    whole = summary_of(Passes(200)).metrics["engine_decode_tokens_per_s"]
    assert isinstance(whole, Scalar)
    assert whole.value == pytest.approx(2 / 0.016)
    cut = summary_of(Passes(200), logged).metrics["engine_decode_tokens_per_s"]
    assert isinstance(cut, Scalar)
    assert cut.value is None


class Varied(Passes):
    """Requests in two languages, some with failures, some whose first read brought a fraction of several tokens."""

    def _request(self, index: int) -> RequestRecord:
        made = super()._request(index)
        made.language = ("de", "en", None)[index % 3]
        made.detail = f"request {index} of {index % 120} stopped" if made.outcome is not Outcome.OK else None
        made.completion_tokens_server = 7
        made.first_read_tokens = 1 / (1 + index % 9)
        return made


@pytest.mark.parametrize("exact", [1_000_000, 150])
@pytest.mark.parametrize("part_bytes", [1_000, 20_000])
def test_parts_amount_to_the_same_to_the_last_bit(
    exact: int, part_bytes: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = Varied(600)
    journal = folder.Journal(tmp_path / "requests.jsonl")
    for record in requests:
        journal.append(record)
    journal.close()
    monkeypatch.setattr(collect, "EXACT_VALUES", exact)
    monkeypatch.setattr(folder, "_PART_BYTES", part_bytes)
    monkeypatch.setattr(shared_work, "_processes", lambda: 3)
    stored = folder.StoredRequests(tmp_path / "requests.jsonl")
    assert len(stored.parts()) > 10
    in_parts = summarize(manifest(repeats=2), stored, [], timings(600))
    assert in_parts.model_dump_json() == summary_of(requests).model_dump_json()
