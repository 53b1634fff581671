from profiler.reports import variants
from profiler.results.engine_facts import EngineFacts
from profiler.results.points import at_concurrency
from profiler.results.summary import Distribution, Metric, PointSummary, Scalar, Summary
from profiler.search.variants import Variant
from profiler.workloads.schema import PromptCache

ENGINE = EngineFacts(name="llama-server", prompt_cache="cold")
MIB = 1024 * 1024


def spread(unit: str, p50: float) -> Distribution:
    return Distribution(unit=unit, n=100, mean=p50, min=p50, max=p50, quantiles={"p50": p50, "p99": p50})


def measured(variant: Variant, concurrency: int = 1, **metrics: Metric) -> PointSummary:
    point = variant.at(at_concurrency(concurrency))
    return PointSummary(point=point, requests_ok=9, requests_failed=0, outcomes={}, metrics=metrics)


def summary(*points: PointSummary) -> Summary:
    about = {"format_version": 1, "run_id": "r", "status": "complete", "status_reason": None, "workload": "w@1"}
    counts = {"requests_ok": 9, "requests_failed": 0, "outcomes": {}, "metrics": {}, "warnings": []}
    return Summary.model_validate({**about, **counts, "points": list(points)})


def depth(tokens: int, cache: PromptCache, ttft_ms: float, prefill: float, decode: float) -> PointSummary:
    return measured(
        Variant(tokens, None, cache),
        ttft_ms=spread("ms", ttft_ms),
        prefill_tokens_per_s=spread("tokens/s", prefill),
        uncached_prefill_tokens_per_s=spread("tokens/s", prefill / 2),
        decode_tokens_per_s=spread("tokens/s", decode),
        kv_cache_bytes=Scalar(unit="bytes", value=tokens * MIB),
    )


SWEEP = summary(depth(4096, "cold", 800, 500, 19), depth(4096, "warm", 90, 5000, 20), depth(0, "cold", 50, 600, 40))


def test_a_row_for_each_depth_with_what_is_cold_beside_what_is_cached() -> None:
    found = variants.table(SWEEP, ENGINE)
    assert found is not None
    assert dict(zip(found.columns, found.rows[1][1], strict=True)) == {
        "TTFT cold p50, ms": "800",
        "Prefill of all, tokens/s": "500",  # context and prompt / TTFT, cold
        "TTFT cached p50, ms": "90.0",
        "Prefill at depth, tokens/s": "2,500",  # of the prompt alone, behind the cached context
        "Decode at depth, tokens/s": "20.0",
        "KV cache, MiB": "4,096",
    }
    label, cells = found.rows[0]
    assert label == "depth 0"
    assert cells[found.columns.index("TTFT cached p50, ms")] == ""  # nothing to be cached
    assert cells[found.columns.index("Prefill at depth, tokens/s")] == "300"  # that of the cold one


def test_prefill_of_all_is_never_taken_for_prefill_at_depth() -> None:
    found = variants.table(summary(depth(0, "cold", 50, 600, 40), depth(4096, "cold", 800, 500, 19)), ENGINE)
    assert found is not None
    assert [cells[found.columns.index("Prefill at depth, tokens/s")] for _, cells in found.rows] == ["300", ""]


def test_the_curves_are_those_of_the_table() -> None:
    prefill, decode = (figure for _, _, figure in variants.figures(SWEEP, ENGINE))
    assert [(tuple(trace.x), tuple(trace.y)) for trace in prefill.data] == [
        ((0, 4096), (300, 2500)),
        ((0, 4096), (600, 500)),
    ]
    assert tuple(decode.data[0].y) == (40, 20)


def test_examples_have_what_they_cost_and_bring() -> None:
    points = [
        measured(
            Variant(None, shots, cache),
            ttft_ms=spread("ms", 10.0 + shots),
            cost_per_request=Scalar(unit="USD", value=0.001 * (shots + 1)),
            correct_ratio=Scalar(unit="ratio", value=0.5),
        )
        for shots, cache in ((0, "cold"), (4, "cold"), (4, "warm"))
    ]
    found = variants.table(summary(*points), ENGINE)
    assert found is not None
    assert [label for label, _ in found.rows] == ["0 examples", "4 examples"]
    assert dict(zip(found.columns, found.rows[1][1], strict=True)) == {
        "TTFT cold p50, ms": "14.0",
        "TTFT cached p50, ms": "14.0",
        "Cost cold, per request": "0.00500",
        "Cost cached, per request": "0.00500",
        "Correct, %": "50.0",
    }
    assert [name for name, _, _ in variants.figures(summary(*points), ENGINE)] == ["ttft-shots", "correct-shots"]


def test_several_loads_have_rows_of_their_own_and_plain_runs_no_table() -> None:
    ttft = spread("ms", 10)
    points = [measured(Variant(d, None, "cold"), c, ttft_ms=ttft) for d in (0, 512) for c in (1, 8)]
    found = variants.table(summary(*points), ENGINE)
    assert found is not None
    assert [label.replace("\u00a0", " ") for label, _ in found.rows] == [
        "depth 0 · 1 in flight",
        "depth 0 · 8 in flight",
        "depth 512 · 1 in flight",
        "depth 512 · 8 in flight",
    ]
    assert variants.table(summary(measured(Variant(), ttft_ms=ttft)), ENGINE) is None
    assert variants.figures(summary(measured(Variant(), ttft_ms=ttft)), ENGINE) == []
