"""Runs as they might have been, made up from a seed; and a real browser to look at their pages."""

import os
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from profiler.reports import html
from profiler.results.host_facts import CacheFacts, CpuFacts, HostFacts, MemoryFacts, VirtualisationFacts
from profiler.results.manifest import ClientFacts, EnergyFacts, EngineFacts, Manifest, ModelFacts, Phase
from profiler.results.points import points_of
from profiler.results.records import Outcome, RequestRecord, Sample
from profiler.results.summary import Summary
from profiler.servers.timings import EngineTiming
from profiler.summaries.summarize import summarize
from profiler.verdict.judge import judge
from profiler.verdict.setup import setup_of
from profiler.wire_audit.audit import Audit
from profiler.workloads.schema import Workload

S = 1_000_000_000
MS = 1_000_000
BOOT_NS = 5_000 * S  # monotonic clocks do not start at zero
READY_NS = BOOT_NS + 3 * S // 2


@dataclass
class FakeRun:
    """All that a report is made of; change any part before calling `page`."""

    manifest: Manifest
    requests: list[RequestRecord] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    timings: list[EngineTiming] = field(default_factory=list)
    wire: Audit | None = None

    @property
    def summary(self) -> Summary:
        summary = summarize(self.manifest, self.requests, self.samples, self.timings, self.wire)
        (point,) = points_of(self.manifest)
        failed = summary.requests_failed, summary.requests_ok + summary.requests_failed
        setup = setup_of(self.manifest, point, summary.failures)
        return summary.model_copy(update={"verdict": judge(summary.status, summary.metrics, setup, failed)})

    def page(self) -> str:
        return html.render(self.manifest, self.summary, self.requests, self.samples)


def make_run(
    *,
    repeats: int = 3,
    requests: int = 20,
    tokens: int = 64,
    concurrency: int = 1,
    failures: dict[int, Outcome] | None = None,
    sample_hz: float = 5.0,
    stall_ratio: float = 0.0005,
    seed: int = 7,
) -> FakeRun:
    """A run of a small model on a small host; `failures` gives outcomes to indexes of requests."""
    chance = random.Random(seed)  # noqa: S311 - made-up runs, not secrets
    run = FakeRun(_manifest(repeats, requests, tokens, concurrency))
    begin_ns, index = READY_NS, 0
    for phase in ["warmup", *(f"repeat-{number}" for number in range(1, repeats + 1))]:
        slots_ns = [begin_ns] * concurrency
        for _ in range(2 if phase == "warmup" else requests):
            slot = slots_ns.index(min(slots_ns))
            outcome = (failures or {}).get(index, Outcome.OK)
            record, timing = _request(chance, index, phase, slots_ns[slot], tokens, concurrency, outcome, stall_ratio)
            run.requests.append(record)
            run.timings.append(timing)
            slots_ns[slot] = record.finished_ns + 60_000
            index += 1
        end_ns = max(slots_ns)
        run.manifest.phases.append(
            Phase(name=phase, start_ns=begin_ns, end_ns=end_ns, client_cpu_ns=(end_ns - begin_ns) // 50)
        )
        begin_ns = end_ns + 20 * MS
    run.manifest.phases.append(Phase(name="stop-server", start_ns=begin_ns, end_ns=begin_ns + 300 * MS))
    run.samples = _samples(chance, begin_ns, sample_hz)
    return run


def _request(
    chance: random.Random,
    index: int,
    phase: str,
    due_ns: int,
    tokens: int,
    concurrency: int,
    outcome: Outcome,
    stall_ratio: float,
) -> tuple[RequestRecord, EngineTiming]:
    sent_ns = due_ns + chance.randint(20_000, 90_000)
    ttft_ms = 182 * concurrency**0.5 * chance.lognormvariate(0, 0.03)
    gaps_ms = [_gap_ms(chance, concurrency, stall_ratio) for _ in range(tokens - 1)]
    arrival_ms, offsets_ns = ttft_ms, [round(ttft_ms * MS)]
    for gap_ms in gaps_ms:
        arrival_ms += gap_ms
        offsets_ns.append(round(arrival_ms * MS))
    if outcome is not Outcome.OK:
        offsets_ns = offsets_ns[: tokens // 3] if index % 2 else []
    n = len(offsets_ns)
    is_ok = outcome is Outcome.OK
    record = RequestRecord(
        index=index,
        phase=phase,
        outcome=outcome,
        detail=None if is_ok else "the connection was closed before the stream ended",
        http_status=200 if n else None,
        scheduled_ns=due_ns,
        sent_ns=sent_ns,
        send_call_ns=9_000,
        finished_ns=sent_ns + (offsets_ns[-1] if n else 400 * MS) + 40_000,
        stamp_source="kernel" if n else "none",
        clock_offset_width_ns=180,
        clock_offset_drift_ns=40,
        read_offset_ns=offsets_ns,
        read_lag_ns=[int(chance.lognormvariate(10.6, 0.5)) for _ in range(n)],
        read_bytes=[212] * n,
        read_tokens=[1] * n,
        prompt_tokens=512,
        completion_tokens=n,
        completion_tokens_server=tokens if is_ok else None,
        finish_reason="length" if is_ok else None,
    )
    return record, EngineTiming(512, ttft_ms * 0.97, tokens - 1, sum(gaps_ms) * 0.882)


def _gap_ms(chance: random.Random, concurrency: int, stall_ratio: float) -> float:
    stall_ms = chance.uniform(10, 60) if chance.random() < stall_ratio else 0.0
    return 8.1 * concurrency**0.7 * chance.lognormvariate(0, 0.035) + stall_ms


def _samples(chance: random.Random, end_ns: int, sample_hz: float) -> list[Sample]:
    step_ns = round(S / sample_hz)
    return [_sample(chance, t_ns) for t_ns in range(BOOT_NS, end_ns + 300 * MS, step_ns)]


def _sample(chance: random.Random, t_ns: int) -> Sample:
    loading_ratio = min(1.0, (t_ns - BOOT_NS) / (READY_NS - BOOT_NS))
    busy = 1.93 if loading_ratio == 1.0 else 0.9
    server = busy + chance.uniform(-0.05, 0.05)
    return Sample(
        t_ns=t_ns,
        server_cpu_cores=server,
        server_rss_bytes=int((90 + 270 * loading_ratio) * 2**20),
        host_cpu_ratio=min(1.0, server / 2 + 0.02),
        host_steal_ratio=max(0.0, chance.gauss(0.002, 0.003)),
        client_cpu_cores=0.02 * chance.uniform(0.7, 1.4),
    )


def _manifest(repeats: int, requests: int, tokens: int, concurrency: int) -> Manifest:
    return Manifest(
        tool_version="0.1.0",
        run_id="20261120T101500Z-bench-01-llama-cpp-python-smollm2-135m-quickstart",
        status="complete",
        started_utc="2026-11-20T10:15:00Z",
        ended_utc="2026-11-20T10:16:12Z",
        command_line=["aforo", "run", "quickstart", "--threads", "2", "--seed", "7"],
        seed=7,
        workload=_workload(repeats, requests, tokens, concurrency),
        model=_model(),
        engine=_engine(),
        host=_host(),
        client=ClientFacts(
            python="3.11.9",
            stamp_source="kernel",
            stamp_note="Stamps by SO_TIMESTAMPNS, converted to the monotonic clock through offset pairs.",
        ),
        energy=EnergyFacts(reason="this host exposes no energy counter"),
        phases=[Phase(name="start-server", start_ns=BOOT_NS, end_ns=READY_NS)],
    )


def _workload(repeats: int, requests: int, tokens: int, concurrency: int) -> Workload:
    document = {
        "id": "quickstart",
        "version": 1,
        "description": "A short chat turn on a small model: long enough to be steady, short enough for a minute.",
        "api": "completions",
        "prompts": {"source": "synthetic", "tokens": 512},
        "output_tokens": tokens,
        "temperature": 0.0,
        "load": {"shape": "closed-loop", "concurrency": concurrency},
        "warmup_requests": 2,
        "requests": requests,
        "repeats": repeats,
        "max_repeat_s": 600.0,
        "request_timeout_s": 120.0,
        "stall_timeout_s": 60.0,
        "slo": {"ttft_ms": 200.0, "tpot_ms": 50.0, "e2e_ms": None},
    }
    return Workload.model_validate(document)


def _model() -> ModelFacts:
    return ModelFacts(
        name="SmolLM2-135M Q8_0",
        source="synthetic:smollm2-135m/q8_0",
        path="/home/user/.cache/aforo/models/smollm2-135m-q8_0.gguf",
        size_bytes=134_515_008,
        sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        is_synthetic=True,
        architecture="llama",
        parameters=134_515_008,
        quantisation="Q8_0",
        context_length=8192,
        layers=30,
        hidden_size=576,
        heads=9,
        kv_heads=3,
        vocabulary_size=32_000,
        end_token_ids=[2],
    )


def _engine() -> EngineFacts:
    return EngineFacts(
        name="llama-cpp-python",
        version="0.3.36",
        build="AVX2 = 1, AVX512 = 1, FMA = 1, LLAMAFILE = 1, OPENMP = 1, REPACK = 1",
        command=["python", "-m", "llama_cpp.server", "--model", "smollm2-135m-q8_0.gguf", "--n_threads", "2"],
        url="http://127.0.0.1:40123",
        threads=2,
        context_tokens=4096,
        notes=["Serves one request at a time."],
    )


def _host() -> HostFacts:
    return HostFacts(
        fingerprint="5e0c2f7a91bd",
        name="bench-01",
        system="Debian GNU/Linux 12",
        kernel="6.1.0",
        machine="x86_64",
        python="3.11.9",
        cpu=CpuFacts(
            vendor="GenuineIntel",
            model_name="Intel(R) Xeon(R) Platinum 8488C",
            microarchitecture="sapphirerapids",
            microarchitecture_source="features",
            isa_level="x86_64_v4",
            isa_features=["avx2", "avx512f", "amx_int8"],
            logical_cpus=2,
            usable_cpus=2,
            physical_cores=1,
            sockets=1,
            numa_nodes=1,
            caches=[CacheFacts(level=2, kind="unified", size_bytes=2**21, instances=1)],
        ),
        memory=MemoryFacts(total_bytes=8 * 2**30, swap_total_bytes=0, transparent_hugepages="madvise"),
        virtualisation=VirtualisationFacts(is_virtual=True, hypervisor="kvm"),
    )


@pytest.fixture(scope="session")
def fake_run() -> Callable[..., FakeRun]:
    """The builder of runs."""
    return make_run


@pytest.fixture(scope="session")
def artefacts() -> Path | None:
    """Where screenshots go; None where nobody asked for them: a page takes longer to picture than to draw."""
    chosen = os.environ.get("AFORO_ARTEFACTS")
    if not chosen:
        return None
    folder = Path(chosen) / "reports"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A real Chromium without any wish to call home."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="pip install playwright")
    found = os.environ.get("AFORO_CHROMIUM") or next(
        filter(None, map(shutil.which, ("google-chrome", "chromium", "chromium-browser"))), None
    )
    if not found:
        pytest.skip("no Chromium: install one (apt install chromium), or name it in AFORO_CHROMIUM")
    quiet = ["no-sandbox", "disable-quic", "no-first-run", "disable-background-networking"]
    quiet += ["disable-component-update", "disable-sync"]
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=[f"--{flag}" for flag in quiet])
        yield browser
        browser.close()


@pytest.fixture
def show(chromium: Any, tmp_path: Path) -> Callable[..., AbstractContextManager[Any]]:
    """Open a page; whatever it asks for or complains about fails the test."""

    @contextmanager
    def opened(html: str, width: int = 1280, scheme: str = "light", **options: Any) -> Iterator[Any]:
        file = tmp_path / "report.html"
        file.write_text(html, encoding="utf-8")
        context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, **options)
        page, asked, said = context.new_page(), [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(f"dialog: {dialog.message}"))
        page.goto(file.as_uri())
        yield page
        context.close()
        assert said == []
        assert asked == [file.as_uri()]

    return opened
