"""What a search goes on from, computed from the last load's part of the journal."""

from contextlib import closing
from pathlib import Path

from support.builders import MS, S, manifest, request

from profiler.results.folder import Journal, RunFolder
from profiler.results.manifest import Manifest, Phase
from profiler.results.points import at_concurrency
from profiler.results.records import RequestRecord
from profiler.run.recompute import summaries_of, summary_of_last_point

POINTS = [at_concurrency(1), at_concurrency(2)]


def sweep() -> Manifest:
    """Two loads, of two repeats of 1 s each."""
    phases = [
        Phase(
            name=f"{point.name}/repeat-{repeat}",
            point=point.name,
            start_ns=(10 * number + repeat) * S,
            end_ns=(10 * number + repeat + 1) * S,
            client_cpu_ns=MS,
        )
        for number, point in enumerate(POINTS, start=1)
        for repeat in (1, 2)
    ]
    return manifest(phases=phases, slo={"ttft_ms": 15.0}).model_copy(update={"points": POINTS})


def requests_at(number: int) -> list[RequestRecord]:
    """Eight requests of 30 ms in each repeat, one or two in flight."""
    return [
        request(
            phase=f"{POINTS[number - 1].name}/repeat-{repeat}",
            sent_ms=(10 * number + repeat) * 1_000 + 30 * (index // number) + 5 * (index % number),
        )
        for repeat in (1, 2)
        for index in range(8)
    ]


def test_the_last_load_alone_has_the_numbers_that_it_has_beside_the_others(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with closing(Journal(folder.requests)) as journal:
        for record in requests_at(1):
            journal.append(record)
        start_bytes = journal.size_bytes
        for record in requests_at(2):
            journal.append(record)
    alone, beside = summary_of_last_point(folder, sweep(), start_bytes), summaries_of(folder, sweep())[-1]
    assert alone.point == beside.point == POINTS[1]
    assert alone.requests_ok == 16
    for name in ("output_tokens_per_s", "requests_per_s", "slo_attainment_ratio", "ttft_ms"):
        assert alone.metrics[name] == beside.metrics[name], name
    assert {name for name in alone.metrics if alone.metrics[name] != beside.metrics[name]} == set()


def test_rows_before_the_last_load_are_not_read(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    damaged = b"not a row\n"
    folder.requests.write_bytes(damaged)
    with closing(Journal(folder.requests)) as journal:
        for record in requests_at(2):
            journal.append(record)
    assert summary_of_last_point(folder, sweep(), len(damaged)).requests_ok == 16
