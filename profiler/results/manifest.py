"""`run.json`: what was measured, on what, with what, and when.

Format history:
    1   first version
"""

from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from profiler.results.caveats import Caveat
from profiler.workloads import phases

FORMAT_VERSION = 1

PromptCache = Literal["cold", "warm"]
Status = Literal["running", "complete", "interrupted", "failed"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", protected_namespaces=())


class Point(_Part):
    """One load that a run put on the server; a sweep or a search has several."""

    name: str = Field(description="c8 for a concurrency, r2.5 for a rate in requests/s, replay for a trace.")
    concurrency: int | None = Field(default=None, description="Requests in flight, closed loop.")
    rate_rps: float | None = Field(default=None, description="Mean arrivals per second, open loop.")


class Phase(_Part):
    """A stretch of the run; times are CLOCK_MONOTONIC nanoseconds of the measured host."""

    name: str = Field(
        description="start-server, warmup, repeat-1, …, cooldown, stop-server; with several points c8/repeat-1. "
        "cooldown keeps the load on until the last measured request has finished."
    )
    point: str | None = Field(
        default=None, description="Name of the point that it belongs to, where there are several."
    )
    start_ns: int = Field(description="Where requests are sent: when the load of this phase began, its first send.")
    end_ns: int | None = Field(
        default=None, description="Where the load goes on in the next phase (`follows_on`): the first send of that one."
    )
    follows_on: bool = Field(
        default=False,
        description="The load was kept up from the phase before it, without a gap: slots stayed busy, arrivals went "
        "on, and the phase begins with whichever request happened to be sent next. False where it began with a burst "
        "or from rest. The window of a measured phase goes from its own first send to the first send of the next "
        "phase of the same point, if that one follows on; the requests of a phase are those that were sent in it.",
    )
    planned: int | None = Field(default=None, description="Requests that it was to send; null: as many as fit.")
    cut_short: str | None = Field(
        default=None,
        description="Why fewer were sent than planned, and what to pass to send them all, as in '23 of 66 planned "
        "requests were sent: 30 s limit per repeat; pass --max-repeat-s'; null: none was left out.",
    )
    client_cpu_ns: int | None = Field(default=None, description="Processor time that the load driver used.")
    client_busiest_cpu_ns: int | None = Field(
        default=None, description="The same of the worker of the load driver that used most."
    )
    engine_counted: dict[str, float] = Field(
        default={}, description="How far the engine's own counters went on during this phase, from its metrics page."
    )

    @property
    def is_measured(self) -> bool:
        """Whether requests of this phase enter the metrics."""
        return phases.is_measured(self.name)


class ModelFacts(_Part):
    """The model file and what it says of itself; `None` where it is silent."""

    name: str
    source: str = Field(description="Where it came from: a path, hf:repo/file, synthetic:SHAPE/QUANT or a URL.")
    path: str | None
    size_bytes: int | None
    sha256: str | None
    is_synthetic: bool = Field(description="Random weights in the shape of a public model: speed only.")
    architecture: str | None = None
    parameters: int | None = None
    quantisation: str | None = None
    context_length: int | None = None
    decode_weight_bytes: int | None = Field(
        default=None, description="Weights read for one output token, lookup tables and unused experts left out."
    )
    decode_parameters: int | None = Field(default=None, description="Parameters that a token is multiplied with.")
    expert_bytes: int | None = Field(
        default=None, description="Weights of all experts of a mixture, unused ones included; null: it has none."
    )
    expert_ratio: float | None = Field(default=None, description="Share of the experts that one token uses.")
    layers: int | None = None
    hidden_size: int | None = None
    heads: int | None = None
    kv_heads: int | None = None
    head_size: int | None = None
    kv_bytes_per_token: int | None = Field(default=None, description="Keys and values of one token in float16.")
    vocabulary_size: int | None = None
    has_chat_template: bool | None = None
    licence: str | None = None
    languages: list[str] = []
    base_models: list[str] = []
    tags: list[str] = []
    training: str | None = Field(default=None, description="base, instruct, chat or embedding, where it says so.")
    end_token_ids: list[int] = Field(default=[], description="Every token that ends a generation.")
    changed_from: str | None = Field(
        default=None, description="SHA-256 of the last run under this name, where the model was another one then."
    )

    @property
    def is_encoder(self) -> bool:
        """Whether it is a BERT, whatever its kind: it looks both ways and ends in a vector, never in a next token."""
        return "bert" in (self.architecture or "")


class LoraFacts(_Part):
    """A LoRA adapter: weights that customise a model, kept apart from it."""

    name: str
    path: str
    form: Literal["gguf", "peft"]
    size_bytes: int
    sha256: str
    is_synthetic: bool
    architecture: str | None = None
    base_model: str | None = None
    rank: int = Field(description="The largest, where matrices differ.")
    alpha: float | None = None
    targets: list[str] = Field(default=[], description="Matrices that it changes, by the names of its format.")
    layers: int | None = Field(default=None, description="One more than the last layer that it changes.")
    parameters: int


class EngineFacts(_Part):
    """The model server: what ran, how it was built and every argument it was given."""

    name: str
    version: str | None = None
    build: str | None = Field(default=None, description="Instruction sets and options compiled in.")
    path: str | None = Field(default=None, description="The program, where it is one of its own.")
    command: list[str] = []
    url: str = ""
    is_elsewhere: bool = Field(
        default=False, description="Whether it runs on another machine than Aforo, of which nothing is known here."
    )
    response_model: str | None = Field(
        default=None, description="What responses call the model, where that is another name than was asked for."
    )
    threads: int | None = None
    context_tokens: int | None = Field(default=None, description="Context of each stream.")
    slots: int | None = Field(default=None, description="Requests that it serves at a time.")
    batch_tokens: int | None = Field(default=None, description="Tokens per batch; null: the engine's default.")
    micro_batch_tokens: int | None = Field(default=None, description="Tokens computed at once; null: its default.")
    kv_cache: str | None = Field(default=None, description="Type of the KV cache's elements; null: its default.")
    prompt_cache: PromptCache | None = Field(
        default=None, description="Whether prompts that begin alike may be reused; null: not known."
    )
    cpus: str | None = Field(default=None, description="Processors that it stays on, such as 0-2; null: any.")
    notes: list[str] = Field(default=[], description="What a reader must know to interpret the numbers.")


class ClientFacts(_Part):
    """The load driver and how it stamped arrivals."""

    python: str
    stamp_source: Literal["kernel", "user"]
    stamp_note: str
    workers: int = Field(default=1, description="Processes that send, receive and stamp.")
    is_realtime: bool = Field(
        default=False, description="Whether they go before every process of ordinary priority (SCHED_FIFO)."
    )
    cpus: str | None = Field(default=None, description="Processors that they stay on, such as 3; null: any.")
    cpus_reason: str | None = Field(default=None, description="Why client and server stay on these, or on none.")


class Calibration(_Part):
    """How far this client's stamps lay behind those of a null server on this host, just before the run."""

    concurrency: int
    tokens: int
    arrival_us: dict[str, float] = Field(description="p50 and p99 of arrival stamp − the server's own send stamp.")
    user_space_us: dict[str, float] = Field(description="The same for the moment our process saw the bytes.")


class Source(_Part):
    """Where a number comes from."""

    name: str = Field(description="As the catalogue calls it, or flag: what the user said.")
    title: str
    date: str | None = None
    licence: str | None = None
    url: str | None = None


MeterClass = Literal["counter", "polled", "wall", "model", "none"]


class MeterFacts(_Part):
    """One channel of an energy meter."""

    channel: str = Field(description="What its readings are called, such as rapl:package-0.")
    meter: str = Field(description="rapl, nvml, codecarbon, wall")
    meter_class: MeterClass
    scope: str = Field(description="What it sees: CPU packages, DRAM, GPU boards, whole machine, …")
    device: str | None = Field(default=None, description="Which one, where there are several.")
    provenance: str = Field(description="How a joule came about.")
    claim_window_s: float = Field(default=0.0, description="Shorter windows do not carry a claim.")
    resolution_j: float | None = Field(default=None, description="Steps in which a counter moves; null: not known.")
    resolution_w: float | None = Field(default=None, description="Last digit of power as it is read.")


class PowerOpinion(_Part):
    """What one method says that this machine draws, idle and fully loaded; between them a straight line."""

    name: str
    idle_w: tuple[float, float] = Field(description="Least and most.")
    full_w: tuple[float, float] = Field(description="Least and most.")
    method: str
    sources: list[Source] = []


class EnergyFacts(_Part):
    """How energy was metered; `none` is said, never hidden."""

    meter_class: MeterClass = Field(default="none", description="Of the best meter; see `meters` for all.")
    scope: str | None = None
    reason: str | None = None
    meters: list[MeterFacts] = []
    opinions: list[PowerOpinion] = Field(default=[], description="Models, side by side; together they are an interval.")
    absent: dict[str, str] = Field(default={}, description="Meters that could not be used here, and why.")
    others: dict[str, str] = Field(default={}, description="Cards whose joules do not count, and what says so.")


class PriceFacts(_Part):
    """What an hour of this machine costs."""

    per_hour: float
    currency: str = Field(description="ISO 4217; never converted.")
    kind: Literal["on-demand", "spot", "reserved"]
    provider: str | None = None
    region: str | None = None
    instance_type: str | None = None
    source: Source


class TokenPriceFacts(_Part):
    """What an endpoint charges for tokens."""

    input_per_1m: float
    output_per_1m: float
    cached_input_per_1m: float | None = Field(
        default=None, description="Of prompt tokens that the server had in its cache; null: as any other."
    )
    currency: str = Field(description="ISO 4217; never converted.")
    source: Source


class GridOpinion(_Part):
    """What one source says of the electricity at a place."""

    gco2e_per_kwh: float
    place: str
    source: Source


class EmbodiedFacts(_Part):
    """Carbon of making the reserved part of the machine, spread over its life."""

    kgco2e: tuple[float, float] = Field(description="Least and most, of the reserved part.")
    life_h: float
    method: str
    source: Source


class CostFacts(_Part):
    """What price and carbon are computed with; what is missing has a reason."""

    price: PriceFacts | None = None
    price_reason: str | None = None
    token_price: TokenPriceFacts | None = Field(default=None, description="Of an endpoint that charges by the token.")
    grid: list[GridOpinion] = Field(default=[], description="Every source that speaks of the place.")
    grid_reason: str | None = None
    pue: float = Field(default=1.0, description="Energy of the data centre / energy of its machines.")
    pue_source: Source | None = None
    embodied: EmbodiedFacts | None = None
    embodied_reason: str | None = None


class BodyFacts(_Part):
    """How the body of every request differs from what Aforo sends by itself; keys are masked."""

    added: dict[str, Any] = Field(default={}, description="Fields that the user added, or replaced.")
    omitted: list[str] = Field(default=[], description="Fields that the user left out.")
    refused: list[str] = Field(default=[], description="Fields left out because the server refused them.")
    max_tokens_field: str = Field(default="max_tokens", description="What carries the most tokens to make.")


class Manifest(_Part):
    """The whole of `run.json`."""

    format_version: int = FORMAT_VERSION
    tool_version: str
    run_id: str
    status: Status
    status_reason: str | None = None
    started_utc: str = Field(description="ISO 8601; metadata only, no duration is computed from it.")
    ended_utc: str | None = None
    command_line: list[str] = Field(default=[], description="What to type to repeat this run.")
    seed: int
    nonce: str | None = Field(
        default=None,
        description="What the first words of every prompt that Aforo makes depend on beside the seed, drawn anew for "
        "each run unless --nonce gives it: the same seed and nonce make the same bytes. Null: the seed alone decided.",
    )
    prompts_are_new: bool | None = Field(
        default=None,
        description="Whether no earlier run can have sent these prompts, so that the server had none of them in a "
        "cache. False where they are rows of a data file, or where --nonce repeats those of another run.",
    )
    workload: dict[str, Any] = Field(description="The resolved definition, command-line overrides included.")
    overrides: list[str] = Field(default=[], description="Workload keys that the command line changed.")
    limits: dict[str, float] = Field(
        default={}, description="Limits that the user set for this run, by the rule's id, in the rule's unit."
    )
    body: BodyFacts = BodyFacts()
    model: ModelFacts
    lora: LoraFacts | None = Field(default=None, description="Adapter that every request used.")
    engine: EngineFacts
    host: dict[str, Any] = Field(
        description="Facts about the machine that Aforo ran on, as `aforo host --json` prints them; unless "
        "engine.is_elsewhere they are the server's as well."
    )
    client: ClientFacts
    calibration: Calibration | None = None
    energy: EnergyFacts = EnergyFacts()
    cost: CostFacts = CostFacts()
    wall_offset_ns: int | None = Field(
        default=None, description="Wall clock − monotonic clock at the start, to place readings of other meters."
    )
    points: list[Point] = Field(default=[], description="In the order of measuring; one for a plain run.")
    phases: list[Phase] = []
    warnings: list[str] = []
    caveats: list[str] = Field(
        default=[], description="Id of each warning, for programs, in the order of `warnings`; older runs have none."
    )

    def warn(self, caveat: Caveat) -> None:
        """Add a doubt that a reader of the numbers has to know."""
        self.warnings.append(caveat.text)
        self.caveats.append(caveat.id)

    @property
    def server_host(self) -> dict[str, Any]:
        """Facts about the machine that served; of one elsewhere only its name is known, from the URL."""
        return {"name": urlsplit(self.engine.url).hostname} if self.engine.is_elsewhere else self.host
