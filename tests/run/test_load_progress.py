from profiler.results.manifest import Point
from profiler.results.points import at_concurrency
from profiler.run.load_progress import LoadProgress
from profiler.timing.messages import Block, Exchange
from profiler.units import s_to_ns
from profiler.workloads.schema import Workload

LIMIT_NS = s_to_ns(30)


class Seen:
    """Keeps what was shown."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, float | None]] = []
        self.done: list[float] = []

    def note(self, text: str) -> None: ...

    def stage(self, text: str, total: float | None = None) -> None:
        self.stages.append((text, total))

    def advance(self, done: float, note: str = "") -> None:
        self.done.append(done)


def workload(concurrency: int) -> Workload:
    return Workload.model_validate(
        {
            "id": "w",
            "version": 1,
            "description": "d",
            "prompts": {"source": "synthetic", "tokens": 8},
            "output_tokens": 8,
            "load": {"shape": "closed-loop", "concurrency": concurrency},
            "requests": 22,
            "repeats": 3,
        }
    )


def finished(phase: str, lasted_s: float) -> Exchange:
    offset = (0, 0, 0)
    ended_ns = s_to_ns(1 + lasted_s)
    return Exchange(0, phase, "ok", None, 0, s_to_ns(1), None, b"", ended_ns, [], [], [], offset, offset)


def shown(request_s: float, slots: int, requests: int) -> tuple[str, float | None]:
    seen = Seen()
    progress = LoadProgress(seen, workload(slots), at_concurrency(slots))
    progress.begin(Block("warmup", 2))
    progress.finished(finished("warmup", request_s))
    repeat = Block("repeat-1", requests, first=2, limit_ns=LIMIT_NS, least=4, most_ns=2 * LIMIT_NS)
    progress.begin(repeat)
    return seen.stages[-1]


def test_a_host_with_time_enough_is_shown_the_plan() -> None:
    assert shown(0.5, slots=1, requests=22) == ("Measuring, repeat 1 of 3", 22)


def test_a_slow_host_is_told_how_many_requests_there_will_be() -> None:
    # One slot sends at 0, 10 and 20 s: three, and so goes on for the four that are needed.
    assert shown(10.0, slots=1, requests=22) == (
        *("Measuring, repeat 1 of 3 (a request takes 10 s here: 4 requests instead of 22)", 4),
    )
    # Eight slots send three times.
    assert shown(10.0, slots=8, requests=80)[1] == 24
    # At 0 and 50 s; at 60 s it ends.
    assert shown(50.0, slots=1, requests=22)[1] == 2


def test_only_requests_of_the_block_count_for_it() -> None:
    seen = Seen()
    progress = LoadProgress(seen, workload(1), Point(name="c1", concurrency=1))
    progress.begin(Block("repeat-1", 22))
    progress.finished(finished("warmup", 1.0))  # sent before
    progress.finished(finished("repeat-1", 1.0))
    assert seen.done == [1]
    progress.begin(Block("cooldown", 1, is_cooldown=True))
    assert seen.stages[-1] == ("Keeping the load on for the last requests", None)
