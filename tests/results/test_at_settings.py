"""A sweep over settings, read as one run for each combination."""

from support.loads import scalar, swept

from profiler.results.run_set import at_settings
from profiler.results.summary import PointSummary
from profiler.search.variants import Variant
from profiler.selection.candidate import candidates
from profiler.verdict.comparable import mismatches


def test_a_sweep_over_settings_is_parted_and_each_part_reads_as_a_run_of_its_own() -> None:
    plain = swept("h", {1: (50, 100)})
    run = swept("h", {1: (10, 100), 2: (20, 100)})
    summaries: list[PointSummary] = []
    for threads in ("4", "8"):
        variant = Variant(server=(("threads", threads),))
        for each in run.summary.points:
            rate = scalar("tokens/s", float(threads) * (each.point.concurrency or 0))
            metrics = {**each.metrics, "output_tokens_per_s": rate}
            summaries.append(each.model_copy(update={"point": variant.at(each.point), "metrics": metrics}))
    run.manifest.points = [each.point for each in summaries]
    settings = run.manifest.workload.settings.model_copy(update={"threads": [4, 8]})
    run.manifest.workload = run.manifest.workload.model_copy(update={"settings": settings})
    run.summary.points = summaries

    four, eight = at_settings([run])
    assert [part.name for part in (four, eight)] == ["h-1 (threads 4)", "h-1 (threads 8)"]
    assert [part.manifest.engine.threads for part in (four, eight)] == [4, 8]
    assert [point.point.name for point in eight.summary.points] == ["threads=8-c1", "threads=8-c2"]
    assert eight.summary.headline == "threads=8-c1"
    assert eight.summary.metrics["output_tokens_per_s"] == scalar("tokens/s", 8.0)
    assert eight.manifest.engine.options["--threads"] == "8"
    assert "workload.settings" not in {each.field for each in mismatches([four, eight, plain])}
    assert at_settings([plain]) == [plain]
    assert [one.label for one in candidates([run])] == ["h, threads 4", "h, threads 8"]
