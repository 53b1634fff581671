"""What the user asked of a run, and what to type to ask the same again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from profiler.energy import meters
from profiler.results.manifest import EngineFacts, ModelFacts
from profiler.servers.options import EngineOptions
from profiler.workloads.schema import ClosedLoop, Load, OpenLoop, Replay, Saturate, TracePrompts, Workload

FLAG_OF_KEY = {  # keys of a workload that the command line can override
    "prompts": "--trace",
    "prompts.tokens": "--prompt-tokens",
    "prompts.system.tokens": "--system-tokens",
    "prompts.system.share": "--system-share",
    "prompts.max_rows": "--max-rows",
    "prompts.clip_tokens": "--clip-tokens",
    "load.time_scale": "--time-scale",
    "output_tokens": "--output-tokens",
    "load.concurrency": "--concurrency",
    "warmup_requests": "--warmup-requests",
    "requests": "--requests",
    "rounds": "--rounds",
    "repeats": "--repeats",
    "temperature": "--temperature",
    "max_repeat_s": "--max-repeat-s",
    "slo.ttft_ms": "--slo-ttft-ms",
    "slo.tpot_ms": "--slo-tpot-ms",
    "slo.e2e_ms": "--slo-e2e-ms",
    "request_timeout_s": "--request-timeout-s",
    "stall_timeout_s": "--stall-timeout-s",
}


@dataclass(frozen=True)
class Options:
    """What the user asked for; `None` leaves the choice to the plan."""

    workload: str = "quickstart"
    model: str | None = None
    url: str | None = None
    out: Path = Path("runs")
    threads: int | None = None
    context_tokens: int | None = None
    seed: int = 1
    nonce: str | None = None  # None: one of its own for each run
    start_timeout_s: float = 300.0
    wire_audit: bool = False
    engine: EngineOptions = field(default_factory=EngineOptions)
    client_workers: int = 1
    client_cpus: str | None = None
    realtime_client: bool = True
    server_cpus: str | None = None
    ca_file: Path | None = None
    insecure: bool = False
    meters: str = meters.AUTO
    gpus: str | None = None  # whose joules count; None: those that CUDA_VISIBLE_DEVICES leaves
    idle_baseline_s: float = 0.0
    price: float | None = None
    price_input: float | None = None
    price_cached_input: float | None = None
    price_output: float | None = None
    currency: str = "USD"
    price_kind: str | None = None
    grid: str | None = None
    pue: float | None = None
    embodied_kgco2e: float | None = None
    cloud: bool | None = None  # whose metadata service is asked, see hosts.detect.this_host
    roofline: bool = False  # measure the host's limits first, where none are kept
    api_key_file: Path | None = None
    headers: Sequence[str] = field(default=(), repr=False)
    overrides: Mapping[str, object] = field(default_factory=dict)
    limits: Sequence[str] = ()  # RULE=NUMBER
    body: Sequence[str] = field(default=(), repr=False)  # KEY=JSON
    omit_fields: Sequence[str] = ()
    max_tokens_field: str | None = None


def command_line(
    options: Options,
    workload: Workload,
    overridden: Sequence[str],
    model: ModelFacts,
    engine: EngineFacts,
    more: Sequence[str],
) -> list[str]:
    """Return what to type to repeat a run, with what was decided for it and what the owners of other options add.

    A nonce that was drawn is left out: the repeated run, too, shall send prompts that the server has not seen.
    Values of headers are never written down.
    """
    words = ["aforo", "run", options.workload]
    if options.url:
        words += ["--url", options.url, "--model", model.name, *options.engine.flags()]
    else:
        words += ["--model", model.source]
        words += [] if engine.threads is None else ["--threads", str(engine.threads)]
        words += ["--context", str(engine.context_tokens), *options.engine.flags()]
    words += ["--seed", str(options.seed)]
    words += [] if options.nonce is None else ["--nonce", options.nonce]
    for key in overridden:
        words += _flags(workload, key)
    return [*words, *more, *_machine_flags(options), *_client_flags(options)]


def _flags(workload: Workload, key: str) -> list[str]:
    """Return the options that override a key as this workload has it."""
    if key == "load":
        return _load_flags(workload.load)
    if key == "prompts" and isinstance(workload.prompts, TracePrompts):
        form = ["--trace-format", workload.prompts.format] if workload.prompts.format else []
        return ["--trace", workload.prompts.file, *form]
    value: object = workload
    for part in key.split("."):
        value = getattr(value, part)
    return [FLAG_OF_KEY[key], _listed(value)]


def _load_flags(load: Load) -> list[str]:
    if isinstance(load, Saturate):
        return ["--saturate", "--max-concurrency", str(load.max_concurrency)]
    if isinstance(load, ClosedLoop):
        return ["--concurrency", _listed(load.concurrency)]
    if isinstance(load, Replay):
        return ["--time-scale", f"{load.time_scale:g}"]
    arrivals = ["--arrivals", load.arrivals, "--burstiness", f"{load.burstiness:g}"]
    if isinstance(load, OpenLoop):
        return ["--rate", _listed(load.rate_rps), *arrivals]
    search = [
        "--slo-search",
        load.over,
        "--attainment",
        f"{load.attainment_ratio:g}",
        "--start-load",
        f"{load.start:g}",
    ]
    return [*search, "--most-points", str(load.max_points), *arrivals]


def _listed(value: object) -> str:
    """Write a value, or several, as on the command line."""
    return ",".join(f"{part:.12g}" for part in value) if isinstance(value, list) else str(value)


def _client_flags(options: Options) -> list[str]:
    """Return the options about the client as they were given."""
    values = {
        "--client-workers": options.client_workers if options.client_workers > 1 else None,
        "--client-cpus": options.client_cpus,
        "--server-cpus": options.server_cpus,
        "--ca-file": options.ca_file,
        "--api-key-file": options.api_key_file,
    }
    switches = {
        "--insecure": options.insecure,
        "--wire-audit": options.wire_audit,
        "--no-realtime-client": not options.realtime_client,
    }
    return _valued(values) + [flag for flag, is_on in switches.items() if is_on]


def _machine_flags(options: Options) -> list[str]:
    """Return the options about the machine and its server as they were given."""
    values = {
        "--meters": options.meters if options.meters != meters.AUTO else None,
        "--gpus": options.gpus,
        "--idle-baseline": f"{options.idle_baseline_s:g}" if options.idle_baseline_s else None,
        "--start-timeout": _unless(options.start_timeout_s, Options.start_timeout_s),
    }
    words = _valued(values)
    words += [] if options.cloud is None else ["--cloud" if options.cloud else "--no-cloud"]
    return words + (["--roofline"] if options.roofline else [])


def _unless(value: float, default: float) -> str | None:
    return None if value == default else f"{value:.12g}"


def _valued(values: Mapping[str, object]) -> list[str]:
    return [text for flag, value in values.items() if value is not None for text in (flag, _listed(value))]
