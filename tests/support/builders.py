"""Small, exact runs for tests: every number can be checked by hand."""

from collections.abc import Mapping, Sequence
from typing import Any

from profiler.aggregation.observations import Observations
from profiler.results.manifest import ClientFacts, EngineFacts, HostFacts, Manifest, ModelFacts, Phase, Status
from profiler.results.points import points_of
from profiler.results.records import Outcome, RequestRecord, Sample
from profiler.servers.timings import EngineTiming
from profiler.summaries.collect import Collected
from profiler.workloads.schema import Workload

MS = 1_000_000
S = 1_000_000_000
WORKLOAD: dict[str, Any] = {
    "id": "w",
    "version": 1,
    "description": "made up",
    "prompts": {"source": "synthetic", "tokens": 8},
    "output_tokens": 3,
    "load": {"shape": "closed-loop", "concurrency": 1},
    "requests": 2,
}


def request(
    index: int = 0,
    *,
    phase: str = "repeat-1",
    sent_ms: float = 0.0,
    arrivals_ms: Sequence[float] = (10.0, 20.0, 30.0),
    tokens: Sequence[int] | None = None,
    server_tokens: int | None = None,
    prompt_tokens: int | None = 8,
    outcome: Outcome = Outcome.OK,
    lag_us: float = 20.0,
) -> RequestRecord:
    """A request whose token-bearing reads arrive so many milliseconds after it was sent."""
    per_read = list(tokens) if tokens is not None else [1] * len(arrivals_ms)
    sent_ns = round(sent_ms * MS)
    arrivals_ns = [round(t * MS) for t in arrivals_ms]
    return RequestRecord(
        index=index,
        phase=phase,
        outcome=outcome,
        scheduled_ns=sent_ns - MS,
        sent_ns=sent_ns,
        send_call_ns=5_000,
        finished_ns=sent_ns + (arrivals_ns[-1] if arrivals_ns else 0),
        stamp_source="kernel",
        clock_offset_width_ns=100,
        clock_offset_drift_ns=0,
        read_offset_ns=arrivals_ns,
        read_lag_ns=[round(lag_us * 1_000)] * len(arrivals_ns),
        read_bytes=[100] * len(arrivals_ns),
        read_tokens=per_read,
        prompt_tokens=prompt_tokens,
        completion_tokens=sum(per_read),
        completion_tokens_server=server_tokens,
        finish_reason="length",
    )


def workload(**changes: Any) -> Workload:
    """A definition of one stream, with some keys changed."""
    return Workload.model_validate({**WORKLOAD, **changes})


def manifest(
    *,
    repeats: int = 1,
    concurrency: int = 1,
    slo: Mapping[str, float | None] | None = None,
    status: Status = "complete",
    phases: Sequence[Phase] | None = None,
) -> Manifest:
    """A manifest with a start of 2 s and repeats of 1 s each, from 10 s, 11 s, … on unless given."""
    if phases is None:
        phases = [Phase(name="start-server", start_ns=1 * S, end_ns=3 * S)]
        phases += [
            Phase(name=f"repeat-{i + 1}", start_ns=(10 + i) * S, end_ns=(11 + i) * S, client_cpu_ns=S // 100)
            for i in range(repeats)
        ]
    return Manifest(
        tool_version="0",
        run_id="run",
        status=status,
        started_utc="2026-01-01T00:00:00Z",
        seed=1,
        workload=workload(load={"shape": "closed-loop", "concurrency": concurrency}, slo=dict(slo or {})),
        model=ModelFacts(name="m", source="s", path="p", size_bytes=1, sha256="0", is_synthetic=True),
        engine=EngineFacts(name="llama-cpp-python"),
        host=HostFacts(),
        client=ClientFacts(python="3", stamp_source="kernel", stamp_note=""),
        phases=list(phases),
    )


def observed(
    requests: Sequence[RequestRecord],
    *,
    samples: Sequence[Sample] = (),
    timings: Sequence[EngineTiming] = (),
    repeats: int = 1,
    concurrency: int = 1,
    slo: Mapping[str, float | None] | None = None,
) -> Observations:
    """Observations of these requests."""
    run = manifest(repeats=repeats, concurrency=concurrency, slo=slo)
    return Collected(run, requests, samples, timings).point(points_of(run)[0])
