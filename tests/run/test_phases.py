from pathlib import Path

import pytest
from support.builders import manifest

from profiler.results.folder import RunFolder
from profiler.results.manifest import Phase
from profiler.run.phases import LoadPhases, cut_short
from profiler.timing.clock import SystemClock
from profiler.timing.messages import Block, BlockBegan, ClosedLoopPace, Job, JobDone
from profiler.units import s_to_ns

LIMIT_NS = s_to_ns(30)
REPEAT = Block("repeat-1", 22, first=2, limit_ns=LIMIT_NS, least=4, most_ns=2 * LIMIT_NS)


@pytest.mark.parametrize(
    ("sent", "lasted_s", "sentence"),
    [
        (22, 12.0, None),
        (25, 12.0, None),  # of several workers those that follow may send some more
        (21, 12.0, None),  # … or fewer, and no limit was reached
        # 15 in 30 s: 22 take 44 s, and a fifth more for safety
        (15, 30.0, "15 of 22 planned requests were sent: 30 s limit per repeat; pass --max-repeat-s 53"),
        (
            4,
            40.2,
            "4 of 22 planned requests were sent: 30 s limit per repeat, prolonged to 40 s so that the fewest that can "
            "be judged were measured; pass --max-repeat-s 266",  # 40.2 s / 4 · 22 · 1.2 = 265.3 s
        ),
        (0, 60.0, "0 of 22 planned requests were sent: 30 s limit per repeat; pass --max-repeat-s 1584"),
    ],
)
def test_what_was_cut_is_said_with_a_limit_that_would_do(sent: int, lasted_s: float, sentence: str | None) -> None:
    assert cut_short(REPEAT, sent, s_to_ns(lasted_s)) == sentence


def phases_of(tmp_path: Path, *, is_stopped: bool = False) -> list[Phase]:
    """A job of two workers: 2 requests warm up for 1 s, the repeat is cut short after 10 in 30 s."""
    blocks = [Block("warmup", 2), REPEAT, Block("cooldown", 1, first=24, is_cooldown=True)]
    pace = ClosedLoopPace(1, s_to_ns(100))
    job = Job("warmup", "127.0.0.1", 9, pace, 1, 1, first_index=0, requests=25, blocks=blocks)
    folder, run = RunFolder(tmp_path), manifest()
    run.phases = []
    with LoadPhases(run, folder, SystemClock(), job, None, {"tokens": 100.0}) as phases:
        phases.begin(BlockBegan(0, s_to_ns(1), 0, [5, 7]), phases.counted)
        phases.begin(BlockBegan(1, s_to_ns(2), 2, [15, 37]), {"tokens": 150.0})
        assert folder.read_manifest().phases[1].planned == 22  # written as soon as it has begun
        phases.is_stopped = is_stopped
        phases.begin(BlockBegan(2, s_to_ns(32), 12, [115, 137]), {"tokens": 400.0})
        phases.end(JobDone("warmup", 12, 0, s_to_ns(33), [116, 140]), {"tokens": 401.0})
    return run.phases


def test_each_phase_ends_where_the_next_begins(tmp_path: Path) -> None:
    warmup, repeat, cooldown = phases_of(tmp_path)
    assert [phase.start_ns for phase in (warmup, repeat, cooldown)] == [s_to_ns(1), s_to_ns(2), s_to_ns(32)]
    assert [phase.end_ns for phase in (warmup, repeat, cooldown)] == [s_to_ns(2), s_to_ns(32), s_to_ns(33)]
    assert [phase.follows_on for phase in (warmup, repeat, cooldown)] == [False, True, True]
    assert [phase.planned for phase in (warmup, repeat, cooldown)] == [2, 22, None]


def test_processor_time_and_counters_are_those_of_the_phase(tmp_path: Path) -> None:
    warmup, repeat, cooldown = phases_of(tmp_path)
    # 10 + 30, 100 + 100, 1 + 3
    assert [phase.client_cpu_ns for phase in (warmup, repeat, cooldown)] == [40, 200, 4]
    assert [phase.client_busiest_cpu_ns for phase in (warmup, repeat, cooldown)] == [30, 100, 3]
    counted = [phase.engine_counted["tokens"] for phase in (warmup, repeat, cooldown)]
    assert counted == [50.0, 250.0, 1.0]


def test_only_what_is_missing_is_called_cut_short(tmp_path: Path) -> None:
    _, repeat, cooldown = phases_of(tmp_path)
    assert (repeat.cut_short or "").startswith("10 of 22 planned requests were sent")
    assert cooldown.cut_short is None
    assert phases_of(tmp_path, is_stopped=True)[1].cut_short is None  # enough was known


def test_a_phase_that_an_error_cuts_off_has_an_end(tmp_path: Path) -> None:
    run = manifest()
    run.phases = []
    job = Job("repeat-1", "127.0.0.1", 9, ClosedLoopPace(1, 1), 1, 1, first_index=0, requests=22, blocks=[REPEAT])
    with (
        pytest.raises(RuntimeError),
        LoadPhases(run, RunFolder(tmp_path), SystemClock(), job, "c1", {}) as phases,
    ):
        phases.begin(BlockBegan(0, 1, 0, [0]), {})
        raise RuntimeError
    (phase,) = run.phases
    assert phase.end_ns is not None
    assert phase.point == "c1"
    assert not phase.follows_on  # nothing was sent before it


def test_a_ramp_that_measuring_did_not_wait_for_is_a_warning(tmp_path: Path) -> None:
    run = manifest()
    run.warnings = []
    blocks = [Block("warmup", 2, room=80, least_ns=s_to_ns(60)), REPEAT]
    job = Job("warmup", "127.0.0.1", 9, ClosedLoopPace(1, 1), 1, 1, first_index=0, requests=102, blocks=blocks)
    with LoadPhases(run, RunFolder(tmp_path), SystemClock(), job, None, {}) as phases:
        phases.begin(BlockBegan(0, s_to_ns(1), 0, [0]), {})
        phases.begin(BlockBegan(1, s_to_ns(13.5), 80, [0]), {})
        phases.end(JobDone("warmup", 102, 0, s_to_ns(20), [0]), {})
    (warning,) = run.warnings
    assert warning.startswith("Measuring began 12.5 s after the start, within the ramp-up of 60 s: the 80 prompts")
