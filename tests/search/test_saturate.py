import pytest

from profiler.results.manifest import Point
from profiler.results.points import at_concurrency, at_rate
from profiler.results.summary import Finding, PointSummary, Scalar, Verdict
from profiler.search.saturate import SaturateSearch, knee
from profiler.workloads.schema import Saturate


def summary(point: Point, tokens_per_s: float | None) -> PointSummary:
    metric = Scalar(unit="tokens/s", value=tokens_per_s)
    return PointSummary(
        point=point, requests_ok=1, requests_failed=0, outcomes={}, metrics={"output_tokens_per_s": metric}
    )


def measured_by(search: SaturateSearch, throughput: dict[int, float]) -> list[PointSummary]:
    """Let a search measure a server whose throughput is known."""
    measured: list[PointSummary] = []
    while (point := search.next_point(measured)) is not None:
        assert point.concurrency is not None
        measured.append(summary(point, throughput[point.concurrency]))
    return measured


def test_it_doubles_until_a_step_gains_too_little() -> None:
    search = SaturateSearch(Saturate(shape="saturate", min_gain_ratio=0.1))
    measured = measured_by(search, {1: 100, 2: 190, 4: 300, 8: 320, 16: 1000})
    assert [m.point.concurrency for m in measured] == [1, 2, 4, 8]


def test_it_goes_no_further_than_it_may() -> None:
    search = SaturateSearch(Saturate(shape="saturate", max_concurrency=6))
    measured = measured_by(search, {1: 100, 2: 200, 4: 400, 6: 600})
    assert [m.point.name for m in measured] == ["c1", "c2", "c4", "c6"]
    conclusion = search.conclude(measured)
    assert conclusion is not None
    assert (conclusion.point, conclusion.high) == ("c6", None)
    assert "may still grow" in conclusion.sentence


def test_a_point_without_throughput_ends_it() -> None:
    search = SaturateSearch(Saturate(shape="saturate"))
    assert search.next_point([summary(at_concurrency(1), None)]) is None


def test_the_knee_is_the_lowest_load_within_five_per_cent_of_the_best() -> None:
    measured = [summary(at_concurrency(c), value) for c, value in ((8, 99.0), (1, 50.0), (4, 96.0), (16, 100.0))]
    conclusion = knee(measured)
    assert conclusion is not None
    assert (conclusion.point, conclusion.low, conclusion.high) == ("c4", 4, 8)
    assert "at 4 in flight" in conclusion.sentence


def test_just_below_five_per_cent_is_not_the_knee() -> None:
    conclusion = knee([summary(at_rate(1.5), 94.9), summary(at_rate(3), 100.0)])
    assert conclusion is not None
    assert (conclusion.point, conclusion.unit) == ("r3", "requests/s")


def failing(point: Point, tokens_per_s: float | None) -> PointSummary:
    words = {"sentence": "", "why": "", "remedy": ""}
    failed = Finding(rule="errors", level="INVALID", seen=0.75, limit=0.05, unit="ratio", **words)
    return summary(point, tokens_per_s).model_copy(update={"verdict": Verdict(level="INVALID", findings=[failed])})


@pytest.mark.parametrize("tokens_per_s", [2414.0, None])  # the few that it answers, it answers fast; or it answers none
def test_a_load_at_which_requests_fail_is_beyond_the_knee(tokens_per_s: float | None) -> None:
    sound = [summary(at_concurrency(1), 477.0), summary(at_concurrency(4), 1944.0)]
    conclusion = knee([*sound, failing(at_concurrency(5), tokens_per_s)])
    assert conclusion is not None
    assert (conclusion.point, conclusion.low, conclusion.high) == ("c4", 4, 5)
    assert conclusion.sentence.endswith("at 4 in flight; requests fail at 5.")


def test_where_requests_fail_at_every_load_the_best_of_them_is_the_knee() -> None:
    conclusion = knee([failing(at_concurrency(5), 2414.0)])
    assert conclusion is not None
    assert (conclusion.point, conclusion.high) == ("c5", None)


def test_nothing_measured_has_no_knee() -> None:
    assert knee([]) is None
    assert knee([summary(at_concurrency(1), None)]) is None


def test_embeddings_are_saturated_by_what_goes_in() -> None:
    def embedded(concurrency: int, tokens_per_s: float) -> PointSummary:
        found = summary(at_concurrency(concurrency), None)
        found.metrics["input_tokens_per_s"] = Scalar(unit="tokens/s", value=tokens_per_s)
        return found

    measured = [embedded(1, 100.0), embedded(2, 190.0), embedded(4, 191.0)]
    search = SaturateSearch(Saturate(shape="saturate"))
    assert search.next_point(measured[:2]) == at_concurrency(4)
    assert search.next_point(measured) is None
    conclusion = search.conclude(measured)
    assert conclusion is not None
    assert (conclusion.metric, conclusion.point) == ("input_tokens_per_s", "c2")
    assert "190 input tokens/s" in conclusion.sentence


def test_the_conclusion_has_the_digits_of_every_other_report() -> None:
    """80.14 tokens/s, known from 56 to 104, are "80" in the table of loads and so in the sentence."""
    point = summary(at_rate(10.0), 80.14)
    point.metrics["output_tokens_per_s"] = Scalar(unit="tokens/s", value=80.14, interval=(56.1, 104.2))
    conclusion = knee([point])
    assert conclusion is not None
    assert conclusion.sentence.startswith("Throughput reaches 80 output tokens/s, ")
