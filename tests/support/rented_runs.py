"""Run folders of two rented machines, made by code: fixtures with chosen speeds, never measurements."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from support.instances import C7G, C7I

from profiler.cost.facts import resolve, stated
from profiler.cost.options import CostOptions
from profiler.energy import band
from profiler.results.folder import Journal, RunFolder
from profiler.results.manifest import ClientFacts, EnergyFacts, EngineFacts, HostFacts, Manifest, ModelFacts, Phase
from profiler.results.records import RequestRecord, Sample
from profiler.run.recompute import write_summary
from profiler.workloads.schema import Workload

S = 1_000_000_000
BOOT_NS = 1_000 * S
BEGAN = datetime(2026, 11, 20, 10, 15, tzinfo=UTC)
HOSTS = {"c7g.4xlarge": C7G, "c7i.4xlarge": C7I}
_REPEATS, _REQUESTS, _TOKENS, _PROMPT = 5, 24, 32, 64
_WOBBLE = (-2, 1, 0, 2, -1)  # by repeat, in units of `wobble_ratio`


def rented_run(
    parent: Path,
    instance_type: str,
    tokens_per_s: float = 20.0,
    *,
    wobble_ratio: float = 0.004,
    price_kind: str | None = None,
    workload: Mapping[str, Any] | None = None,
    repeats: int = _REPEATS,
    number: int = 1,
) -> RunFolder:
    """Write the folder of a run of one stream at this speed, with its summary; one per type, number and parent."""
    parent.mkdir(parents=True, exist_ok=True)
    folder = RunFolder(parent / (f"fixture-{instance_type}" + (f"-{number}" if number > 1 else "")))
    folder.create()
    rented = HOSTS[instance_type]
    cloud = rented.cloud.model_copy(update={"region": "us-east-1"})
    host = rented.model_copy(update={"name": f"fixture-{instance_type}", "cloud": cloud})
    busy_ratio = (host.cpu.physical_cores or 0) / (host.cpu.logical_cpus or 1)
    phases, records = _records(tokens_per_s, wobble_ratio, repeats)
    folder.write_manifest(_manifest(folder, host, phases, price_kind, workload or {}, repeats))
    _write(folder, records, _samples(phases[-1].end_ns or 0, busy_ratio))
    write_summary(folder)
    return folder


def rented_runs(
    parent: Path, instance_type: str, tokens_per_s: float = 20.0, *, drift_ratio: float = 0.004, **more: Any
) -> list[RunFolder]:
    """Write three runs of one instance type: slower, as asked and faster, each by this share."""
    speeds = [tokens_per_s * (1 + drift_ratio * step) for step in (-1, 0, 1)]
    return [rented_run(parent, instance_type, speed, number=i, **more) for i, speed in enumerate(speeds, start=1)]


def wall_meter(path: Path, watts: float, seconds: int = 600) -> Path:
    """Write readings of a wall meter, one a second, from the start of every such run on."""
    start_s = BEGAN.timestamp()
    rows = "".join(f"{start_s + second:.0f},{watts:g}\n" for second in range(seconds))
    path.write_text(f"timestamp,watts\n{rows}", "utf-8")
    return path


def _records(tokens_per_s: float, wobble_ratio: float, repeats: int) -> tuple[list[Phase], list[RequestRecord]]:
    """Requests one after the other; the first token takes as long as any other."""
    phases, records, now_ns = [Phase(name="start-server", start_ns=BOOT_NS, end_ns=BOOT_NS + S)], [], BOOT_NS + 2 * S
    for repeat in range(repeats):
        step_ns = round(S / (tokens_per_s * (1 + wobble_ratio * _WOBBLE[repeat])))
        begin_ns = now_ns
        for _ in range(_REQUESTS):
            records.append(_request(len(records), f"repeat-{repeat + 1}", now_ns, step_ns))
            now_ns = records[-1].finished_ns + 10_000
        phases.append(
            Phase(
                name=f"repeat-{repeat + 1}", start_ns=begin_ns, end_ns=now_ns, client_cpu_ns=(now_ns - begin_ns) // 100
            )
        )
        now_ns += S // 10
    return phases, records


def _request(index: int, phase: str, due_ns: int, step_ns: int) -> RequestRecord:
    offsets_ns = [step_ns * (token + 1) + 1_000 * ((index + token) % 7) for token in range(_TOKENS)]
    return RequestRecord(
        index=index,
        phase=phase,
        outcome="ok",  # type: ignore[arg-type]
        http_status=200,
        scheduled_ns=due_ns,
        sent_ns=due_ns + 20_000,
        sent_stamp_source="kernel",
        send_call_ns=5_000,
        finished_ns=due_ns + 20_000 + offsets_ns[-1] + 10_000,
        stamp_source="kernel",
        clock_offset_width_ns=100,
        clock_offset_drift_ns=0,
        read_offset_ns=offsets_ns,
        read_lag_ns=[20_000] * _TOKENS,
        read_bytes=[200] * _TOKENS,
        read_tokens=[1] * _TOKENS,
        prompt_tokens=_PROMPT,
        completion_tokens=_TOKENS,
        completion_tokens_server=_TOKENS,
        finish_reason="length",
    )


def _samples(end_ns: int, busy_ratio: float) -> list[Sample]:
    return [
        Sample(
            t_ns=t_ns,
            server_cpu_cores=16 * busy_ratio,
            server_rss_bytes=500_000_000,
            host_cpu_ratio=busy_ratio,
            host_steal_ratio=0.0,
            client_cpu_cores=0.01,
        )
        for t_ns in range(BOOT_NS, end_ns + S, S // 2)
    ]


def _write(folder: RunFolder, records: list[RequestRecord], samples: list[Sample]) -> None:
    for path, rows in ((folder.requests, records), (folder.samples, samples)):
        journal = Journal(path)
        for row in rows:
            journal.append(row)
        journal.close()


def _manifest(
    folder: RunFolder,
    host: HostFacts,
    phases: list[Phase],
    price_kind: str | None,
    workload: Mapping[str, Any],
    repeats: int,
) -> Manifest:
    estimates, absent = band.estimates(host)
    price = stated(CostOptions(price=0.3, price_kind=price_kind)) if price_kind else stated()
    return Manifest(
        tool_version="0",
        run_id=folder.path.name,
        status="complete",
        started_utc=BEGAN.isoformat(),
        command_line=["aforo", "run", "fixture"],
        seed=1,
        workload=Workload.model_validate(
            {
                "id": "fixture",
                "version": 1,
                "description": "a fixture",
                "prompts": {"source": "synthetic", "tokens": _PROMPT},
                "output_tokens": _TOKENS,
                "load": {"shape": "closed-loop", "concurrency": 1},
                "requests": _REQUESTS,
                "repeats": repeats,
                "slo": {"ttft_ms": 200.0, "tpot_ms": 60.0},
                **workload,
            }
        ),
        model=ModelFacts(
            name="fixture",
            source="fixture",
            path=None,
            size_bytes=1,
            sha256="0" * 64,
            is_synthetic=True,
            quantisation="Q8_0",
        ),
        engine=EngineFacts(name="llama-server", version="fixture", threads=host.cpu.physical_cores),
        host=host,
        client=ClientFacts(python="3", stamp_source="kernel", stamp_note="fixture: these records were made by code"),
        energy=EnergyFacts(meter_class="model", scope="whole machine", estimates=estimates, absent=absent),
        cost=resolve(price, host),
        wall_offset_ns=round(BEGAN.timestamp()) * S - BOOT_NS,
        phases=phases,
    )
