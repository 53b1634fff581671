"""The options of `aforo run`: the one table that its command line, its plan and the command to repeat it are made from.

Options of an engine stand in `servers/options.py`, those of money and carbon in `cost/options.py`.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from profiler.cost.options import CostOptions
from profiler.errors import UsageError
from profiler.options import check, option
from profiler.servers.options import SWEPT, EngineOptions
from profiler.workloads.slo_options import slo_option

_ENDPOINT = ("url",)
_STARTED = {"url": "the server there runs already"}
_SEARCH = ("slo_search",)
_LOADS = dict.fromkeys(("concurrency", "rate", "saturate", "slo_search"), "each is a load")


def _other_loads(name: str) -> dict[str, str]:
    """Return what excludes a load: those after it, so that each pair is named once."""
    names = list(_LOADS)
    return {other: _LOADS[other] for other in names[names.index(name) + 1 :]}


def _numbers(flag: str, text: str) -> float | list[float]:
    """Read a number, or several with commas between them. Raises `UsageError`."""
    try:
        numbers = [_number(part) for part in text.split(",")]
    except ValueError:
        raise UsageError(f"{flag} {text}: expected a number, or several with commas between them: 1,2,4.") from None
    return numbers[0] if len(numbers) == 1 else numbers


def _tokens(flag: str, text: str) -> float | list[float]:
    """Read numbers of tokens, where 4K is 4,096. Raises `UsageError`."""
    return _numbers(flag, re.sub(r"(\d+)[kK]\b", lambda found: str(int(found[1]) * 1024), text))


def _number(text: str) -> float:
    """Read a number, a whole one as such. Raises `ValueError`."""
    try:
        return int(text)
    except ValueError:
        return float(text)


def _settings(begun: str) -> list[str]:
    return [f"{name}=" for name in SWEPT if name.startswith(begun)]


def _absolute(_: str, path: Path) -> str:
    return str(path.absolute())


@dataclass(frozen=True)
class ModelOptions:
    """The model."""

    model: str | None = option(
        None,
        "A .gguf file, a checkpoint folder, hf:REPO/FILE.gguf, hf:REPO or synthetic:SHAPE/QUANT. "
        "Default: random weights in the shape of SmolLM2-135M, made once and cached.",
        metavar="MODEL",
    )
    yes: bool = option(False, "Make a large synthetic model without asking.", short="-y", is_repeated=False)


@dataclass(frozen=True)
class WorkloadOptions:
    """What is sent: `None` leaves it to the workload."""

    workload: str = option("quickstart", "A workload of `aforo workloads`, or the path of your own.", is_argument=True)
    prompt_tokens: int | None = option(None, "Length of synthetic prompts, in tokens.", key="prompts.tokens")
    output_tokens: int | None = option(None, "Output tokens per request.", key="output_tokens")
    depth: str | None = option(
        None,
        "Context before each prompt, tokens. Several: a sweep.",
        metavar="N[,N…]",
        key="prompts.depth",
        read=_tokens,
    )
    shots: str | None = option(
        None,
        "Worked examples per prompt. Several: a sweep.",
        metavar="N[,N…]",
        key="prompts.shots",
        read=_numbers,
    )
    system_tokens: int | None = option(
        None, "Length of a common system prompt, in tokens.", key="prompts.system.tokens"
    )
    system_share: float | None = option(
        None, "Share of requests with the common system prompt.", key="prompts.system.share"
    )
    temperature: float | None = option(None, "Sampling temperature.", key="temperature")
    stop: str | None = option(
        None, "How responses end. Default: the workload's.", key="stop", choices=("length", "natural")
    )
    keep_responses: bool = option(False, "Keep the text of responses (answers.jsonl).", key="keep_responses")
    run_code: bool = option(False, "Run generated code against its tests, isolated.")
    seed: int = option(1, "Seed of prompts and sampling.")
    data: Path | None = option(
        None,
        "Data file of your own: .jsonl, .ndjson, .json, .csv, .tsv or .txt.",
        key="prompts.file",
        replaces={"prompts": {"source": "data"}},
        read=_absolute,
        excludes={"trace": "each says what is asked"},
    )
    prompt_column: str | None = option(
        None, "Column of prompts in a data file. Default: prompt.", metavar="NAME", key="prompts.column"
    )
    reference_column: str | None = option(
        None,
        "Column of a data file with what right responses say. Default: references, reference.",
        metavar="NAME",
        key="prompts.reference_column",
    )
    template: Path | None = option(
        None, "Template file: how a row of a data file is asked.", key="prompts.template", read=_absolute
    )
    trace: Path | None = option(
        None,
        "Trace file: prompt and output lengths (and times).",
        key="prompts.file",
        replaces={"prompts": {"source": "trace"}},
        read=_absolute,
    )
    trace_format: str | None = option(
        None,
        "mooncake, azure, burstgpt or aforo. Default: detected.",
        key="prompts.format",
        choices=("mooncake", "azure", "burstgpt", "aforo"),
        needs=("trace",),
    )
    max_rows: int | None = option(None, "Read at most N trace rows.", key="prompts.max_rows")
    clip_tokens: int | None = option(None, "Truncate trace prompts to N tokens.", key="prompts.clip_tokens")
    time_scale: float | None = option(
        None, "Factor on the times of a replay: 0.5 is twice as fast.", key="load.time_scale"
    )


@dataclass(frozen=True)
class LoadOptions:
    """How requests follow one another: `None` leaves it to the workload."""

    concurrency: str | None = option(
        None,
        "Closed loop: requests in flight. Several: a sweep.",
        metavar="N[,N…]",
        key="load.concurrency",
        read=_numbers,
        excludes=_other_loads("concurrency"),
    )
    rate: str | None = option(
        None,
        "Open loop: mean requests/s. Several: a sweep.",
        metavar="R[,R…]",
        key="load.rate_rps",
        replaces={"load": {"shape": "open-loop"}},
        read=_numbers,
        excludes=_other_loads("rate"),
    )
    arrivals: str | None = option(
        None,
        "constant, poisson or gamma. Default: the workload's.",
        choices=("constant", "poisson", "gamma"),
        key="load.arrivals",
        needs=("rate", "slo_search"),
    )
    burstiness: float | None = option(
        None,
        "Gamma shape: 1 is Poisson, below is burstier.",
        key="load.burstiness",
        needs=("rate", "slo_search"),
    )
    saturate: bool = option(
        False,
        "Raise concurrency until throughput stops growing.",
        replaces={"load": {"shape": "saturate"}},
        excludes=_other_loads("saturate"),
    )
    max_concurrency: int | None = option(
        None, "--saturate: highest concurrency.", key="load.max_concurrency", needs=("saturate",)
    )
    slo_search: str | None = option(
        None,
        "Find the highest load that meets the SLOs.",
        choices=("rate", "concurrency"),
        key="load.over",
        replaces={"load": {"shape": "slo-search"}},
    )
    attainment: float | None = option(
        None,
        "--slo-search: share of requests to meet them: 0.99.",
        key="load.attainment_ratio",
        needs=_SEARCH,
    )
    start_load: float | None = option(None, "--slo-search: first load.", key="load.start", needs=_SEARCH)
    most_points: int | None = option(
        None, "--slo-search: stop after N load levels.", key="load.max_points", needs=_SEARCH
    )
    slo_ttft_ms: float | None = slo_option("ttft_ms")
    slo_tpot_ms: float | None = slo_option("tpot_ms")
    slo_e2e_ms: float | None = slo_option("e2e_ms")


@dataclass(frozen=True)
class LengthOptions:
    """How long is measured: `None` leaves it to the workload."""

    repeats: int | None = option(None, "Repeats of the measured block.", key="repeats")
    requests: int | None = option(None, "Requests per repeat, rounded up to whole rounds of the slots.", key="requests")
    rounds: int | None = option(None, "Minimum requests per repeat, per request in flight.", key="rounds")
    warmup_requests: int | None = option(None, "Requests before measuring.", key="warmup_requests")
    max_repeat_s: float | None = option(None, "Time limit of a repeat, s.", key="max_repeat_s")
    request_timeout_s: float | None = option(None, "Time limit of a request, s.", key="request_timeout_s")
    stall_timeout_s: float | None = option(
        None, "Longest time without data during a request, s.", key="stall_timeout_s"
    )


@dataclass(frozen=True)
class ServerOptions:
    """The process of the server that Aforo starts."""

    threads: int | None = option(None, "Server threads. Default: one per fast physical core.", excludes=_STARTED)
    context_tokens: int | None = option(
        None, "Context size, in tokens. Default: as the workload needs.", flag="--context", excludes=_STARTED
    )
    server_cpus: str | None = option(
        None, "Pin the server to these CPUs, such as 0-1,4.", metavar="CPUS", excludes=_STARTED
    )
    settings: tuple[str, ...] = option(
        (),
        "Sweep: threads=4,8 (repeatable).",
        flag="--settings",
        metavar="NAME=V,V",
        complete=_settings,
        excludes=_STARTED,
    )
    tune: str | None = option(
        None,
        "Search the best settings first.",
        metavar="METRIC",
        is_repeated=False,
        excludes=_STARTED,
    )
    tune_budget: str | None = option(
        None,
        "Time for --tune: 90s, 10m, 1h. Default: 10m.",
        metavar="TIME",
        needs=("tune",),
        is_repeated=False,
    )
    start_timeout_s: float = option(
        300.0, "Seconds the server may take to start.", flag="--start-timeout", excludes=_STARTED
    )


@dataclass(frozen=True)
class EndpointOptions:
    """A server that runs already, and the fields of requests to any server."""

    url: str | None = option(
        None,
        "Running OpenAI-compatible server: http(s)://HOST:PORT; auto: the only one on this machine (aforo endpoints).",
        metavar="URL",
    )
    api_key_file: Path | None = option(None, "API key file. Default: $AFORO_API_KEY, $OPENAI_API_KEY.", needs=_ENDPOINT)
    headers: tuple[str, ...] = option(
        (),
        "'Name: value', sent and never stored (repeatable).",
        flag="--header",
        metavar="HEADER",
        needs=_ENDPOINT,
        is_repeated=False,  # it may hold a key
    )
    ca_file: Path | None = option(
        None,
        "CA certificates to trust, PEM.",
        needs=_ENDPOINT,
        excludes={"insecure": "without verification no certificate is looked at"},
    )
    insecure: bool = option(False, "Skip TLS certificate verification.", needs=_ENDPOINT)
    body: tuple[str, ...] = option(
        (), "Add a field to request bodies: ignore_eos=true (repeatable).", metavar="KEY=JSON"
    )
    omit_fields: tuple[str, ...] = option(
        (), "Leave a field out of request bodies: seed (repeatable).", flag="--omit-field", metavar="KEY"
    )
    max_tokens_field: str | None = option(None, "Name of the output limit field. Default: max_tokens.", metavar="KEY")


@dataclass(frozen=True)
class EnergyOptions:
    """Meters."""

    meters: str = option("auto", "auto, none, or some of `aforo energy show`, such as rapl,nvml.", metavar="NAMES")
    gpus: str | None = option(None, "GPUs to meter: all, indices or UUIDs. Default: visible ones.", metavar="GPUS")
    idle_baseline_s: float = option(
        0.0, "Seconds of idle power metered before the load. Default: 0.", flag="--idle-baseline", least=0
    )


@dataclass(frozen=True)
class OutputOptions:
    """Where results go, and what is printed."""

    out: Path = option(Path("runs"), "Folder of run folders.", is_repeated=False)
    json: bool = option(False, "Print the summary as JSON.", is_repeated=False)
    verbose: bool = option(
        False, "Print percentiles, skipped checks and the calibration too.", short="-v", is_repeated=False
    )
    quiet: bool = option(False, "Show no progress.", short="-q", is_repeated=False)


@dataclass(frozen=True)
class ClientOptions:
    """The load driver."""

    client_workers: int = option(1, "Load driver processes; more for loads beyond one CPU.", least=1, most=64)
    client_cpus: str | None = option(
        None,
        "Pin the load driver to these CPUs. Default: disjoint from the server's when enough are available.",
        metavar="CPUS",
    )
    wire_audit: bool = option(False, "Capture packets too, for `aforo audit` (Linux, CAP_NET_RAW).")


@dataclass(frozen=True)
class AdvancedOptions:
    """What is rarely needed."""

    realtime_client: bool = option(True, "Real-time load driver where permitted.")
    build: bool = option(True, "Build llama-server where missing.", excludes=_STARTED, is_repeated=False)
    cloud: bool | None = option(None, "Ask the cloud's metadata service.")
    roofline: bool = option(False, "Measure the roofline first (15 s).")
    nonce: str | None = option(None, "Reuse a run's prompts (run.json).", metavar="NONCE")
    limits: tuple[str, ...] = option((), "Another limit of a rule (repeatable).", flag="--limit", metavar="RULE=NUMBER")


@dataclass(frozen=True)
class Options(  # the fields of the last come first
    AdvancedOptions,
    OutputOptions,
    CostOptions,
    EnergyOptions,
    ClientOptions,
    EndpointOptions,
    ServerOptions,
    EngineOptions,
    LengthOptions,
    LoadOptions,
    WorkloadOptions,
    ModelOptions,
):
    """Everything that was asked of a run; `None` leaves the choice to the plan."""

    def __post_init__(self) -> None:
        """Raise `UsageError` for options that are out of range, or do not go together."""
        check(self)


PANELS = (
    ("Model", ModelOptions),
    ("Workload", WorkloadOptions),
    ("Load", LoadOptions),
    ("Run length", LengthOptions),
    ("Engine", EngineOptions),
    ("Engine", ServerOptions),
    ("Endpoint and requests", EndpointOptions),
    ("Energy and cost", EnergyOptions),
    ("Energy and cost", CostOptions),
    ("Output", OutputOptions),
    ("Client", ClientOptions),
    ("Advanced", AdvancedOptions),
)
"""Groups of options with the heading of their part of the help, in its order: what is rarely used comes last."""
