"""What a workload definition may say. The JSON Schema is exported from these classes."""

import json
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag

from profiler.quality.catalogue import SCORERS

Text = Annotated[str, Field(min_length=1)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Milliseconds = Annotated[float, Field(gt=0, le=86_400_000)]
Ratio = Annotated[float, Field(gt=0, lt=1)]
InFlight = Annotated[int, Field(ge=1, le=10_000)]
Rate = Annotated[float, Field(gt=0, le=100_000)]
MOST_POINTS = 64


def _known_scorer(name: str) -> str:
    if name not in SCORERS:
        raise ValueError(f"unknown scorer {name!r}")
    return name


ScorerId = Annotated[str, AfterValidator(_known_scorer), Field(json_schema_extra={"enum": list(SCORERS)})]
EMBEDDINGS = "embeddings"


def _ascending(values: list[float]) -> list[float]:
    return sorted(set(values))


def _one_or_several(value: object) -> str:
    return "several" if isinstance(value, list) else "one"


_Sweep = (Field(min_length=1, max_length=MOST_POINTS), AfterValidator(_ascending), Tag("several"))
OneOrSeveralInFlight = Annotated[
    Annotated[InFlight, Tag("one")] | Annotated[list[InFlight], *_Sweep], Discriminator(_one_or_several)
]
OneOrSeveralRates = Annotated[
    Annotated[Rate, Tag("one")] | Annotated[list[Rate], *_Sweep], Discriminator(_one_or_several)
]


DepthTokens = Annotated[int, Field(ge=0, le=1_000_000)]
OneOrSeveralDepths = Annotated[
    Annotated[DepthTokens, Tag("one")] | Annotated[list[DepthTokens], *_Sweep], Discriminator(_one_or_several)
]
Shots = Annotated[int, Field(ge=0, le=256)]
OneOrSeveralShots = Annotated[
    Annotated[Shots, Tag("one")] | Annotated[list[Shots], *_Sweep], Discriminator(_one_or_several)
]
PromptCache = Literal["cold", "warm"]


class _Strict(BaseModel):
    """Keys that nobody knows are kept where a run is read, and refused where a definition is (`definitions/kind`)."""

    model_config = ConfigDict(
        extra="allow",
        strict=True,
        frozen=True,
        allow_inf_nan=False,
        json_schema_extra={"additionalProperties": False},
    )


Arrivals = Annotated[
    Literal["constant", "poisson", "gamma"],
    Field(description="Even gaps, independent arrivals, or gaps of a gamma distribution."),
]
Burstiness = Annotated[
    float,
    Field(gt=0, le=1000, description="Shape of the gamma gaps: 1 is Poisson, below 1 burstier, above 1 more regular."),
]


class CommonSystem(_Strict):
    """A system prompt of random words that requests have in common."""

    tokens: Count = Field(description="Length of the common system prompt, in the model's own tokens.")
    share: Annotated[float, Field(ge=0, le=1)] = Field(
        default=1.0, description="Share of the requests, or conversations, that begin with it, evenly spread."
    )


class SyntheticPrompts(_Strict):
    """Prompts made of random words, every one different from its first word on, of an exact length."""

    source: Literal["synthetic"]
    tokens: Count = Field(
        description="Length of each prompt, in the model's own tokens; a common system prompt comes on top."
    )
    system: CommonSystem | None = Field(
        default=None, description="System prompt that requests share: what a prefix cache can keep."
    )
    depth: OneOrSeveralDepths = Field(
        default=0,
        description="Tokens of context before each prompt, besides its own; a list is a sweep, in ascending order. "
        "With the prompt cache cold, each request has a context of its own; with it warm, all have the same.",
    )


class DataPrompts(_Strict):
    """Prompts read from the rows of a data file."""

    source: Literal["data"]
    file: Text = Field(
        description="Data file beside the definition: .jsonl, .ndjson, .json (a list, or lines), .csv, .tsv or .txt. "
        "Each line of a .txt is a prompt."
    )
    template: Text | None = Field(
        default=None,
        description="Template beside the definition: how a row becomes what is asked; without it, `column`.",
    )
    column: Text = Field(
        default="prompt",
        description="Key (JSON) or column (CSV) that holds the prompt; where a row has none, its `messages` are sent, "
        "or the first question of its `conversations`.",
    )
    id_column: Text | None = Field(
        default=None, description="Key or column that names each row; its number in the file if not given."
    )
    reference_column: Text | None = Field(
        default=None,
        description="Key or column of what right responses say, a text or a list of them, kept beside each response; "
        "`references` or `reference` where not given.",
    )
    shots: OneOrSeveralShots = Field(
        default=0,
        description="Worked examples before each prompt, from the rows by the `role` example, those of its language; a "
        "list is a sweep, in ascending order.",
    )


class ConversationPrompts(_Strict):
    """Conversations of random words: each request carries the whole history before it."""

    source: Literal["conversations"]
    turns: Annotated[int, Field(ge=2, le=256)] = Field(
        description="Requests of one conversation; each follows when the one before it was answered."
    )
    first_tokens: Count = Field(description="Length of the user's first message, in tokens.")
    turn_tokens: Count = Field(description="Length of each later message of the user, in tokens.")
    answer_tokens: Count | None = Field(
        default=None,
        description="Length of each earlier answer in the history, made beforehand; as `output_tokens` if not given.",
    )
    system: CommonSystem | None = Field(
        default=None, description="System prompt that conversations share: what a prefix cache can keep."
    )


class TracePrompts(_Strict):
    """Lengths of prompts and answers from the rows of a recorded trace; the words are random."""

    source: Literal["trace"]
    file: Text = Field(description="Trace beside the definition, or anywhere under an absolute path.")
    format: Literal["mooncake", "azure", "burstgpt", "aforo"] | None = Field(
        default=None, description="Format of the file; recognised by its first line if not given."
    )
    max_rows: Count | None = Field(
        default=None, description="Only so many rows from the beginning of the file are read."
    )
    clip_tokens: Count | None = Field(default=None, description="Longer prompts are cut to this length, in tokens.")


Prompts = SyntheticPrompts | DataPrompts | ConversationPrompts | TracePrompts


class ClosedLoop(_Strict):
    """A fixed number of requests in flight: the next is sent when one finishes."""

    shape: Literal["closed-loop"]
    concurrency: OneOrSeveralInFlight = Field(
        default=1, description="Requests in flight at any time; a list is a sweep, measured in ascending order."
    )
    think_time_s: Annotated[float, Field(ge=0, le=3600)] = Field(
        default=0.0, description="Pause between an answer and the next request of the same slot."
    )
    ramp_up_s: Annotated[float, Field(ge=0, le=3600)] = Field(
        default=0.0, description="The first requests of the slots are spread over this time."
    )


class OpenLoop(_Strict):
    """Requests arrive at a rate, whatever the server makes of them."""

    shape: Literal["open-loop"]
    rate_rps: OneOrSeveralRates = Field(
        description="Mean arrivals per second, of conversations where prompts are such; a list is a sweep, measured "
        "in ascending order."
    )
    arrivals: Arrivals = "poisson"
    burstiness: Burstiness = 1.0
    think_time_s: Annotated[float, Field(ge=0, le=3600)] = Field(
        default=0.0, description="Pause between an answer and the next turn of its conversation."
    )


class Saturate(_Strict):
    """Closed loop from one request in flight upwards, doubling until throughput stops growing."""

    shape: Literal["saturate"]
    max_concurrency: InFlight = Field(default=256, description="It goes no further than this.")
    min_gain_ratio: Ratio = Field(
        default=0.05, description="A step that adds less than this share of throughput is the last one."
    )


class Replay(_Strict):
    """Requests arrive at the times of a trace, whatever the server makes of them."""

    shape: Literal["replay"]
    time_scale: Annotated[float, Field(gt=0, le=1000)] = Field(
        default=1.0, description="Factor on the times of the trace: 0.5 plays it in half the time, twice as fast."
    )


ATTAINMENT_RATIO = 0.99
"""Share of the requests that has to meet every SLO, unless a search says otherwise."""


class SloSearch(_Strict):
    """The highest load at which enough requests meet every SLO, by bisection."""

    shape: Literal["slo-search"]
    over: Literal["rate", "concurrency"] = Field(
        default="rate", description="What is searched: arrivals per second, or requests in flight."
    )
    attainment_ratio: Ratio = Field(
        default=ATTAINMENT_RATIO,
        description="Share of the requests of a repeat that must meet every SLO: 0.99 for a p99.",
    )
    start: Rate = Field(default=1.0, description="First load that is tried, in requests/s or requests in flight.")
    highest: Rate = Field(default=256.0, description="It goes no further than this.")
    resolution_ratio: Ratio = Field(
        default=0.1, description="It ends when the loads around the limit are closer than this share."
    )
    max_points: Annotated[int, Field(ge=2, le=MOST_POINTS)] = Field(
        default=12, description="It ends after this many loads in any case."
    )
    arrivals: Arrivals = "poisson"
    burstiness: Burstiness = 1.0


Load = ClosedLoop | OpenLoop | Saturate | SloSearch | Replay


class Until(_Strict):
    """Stop early, as soon as the mean of a latency is known well enough."""

    metric: Literal["ttft_ms", "tpot_ms", "e2e_ms"] = Field(description="Whose mean is to be known.")
    half_width_ratio: Ratio = Field(
        description="Half-width of the mean's 95 % interval, by batch means, as a share of the mean. It has to be "
        "reached twice, the second time with half as many requests more: intervals that are narrow by chance do not "
        "end a run."
    )


class Slo(_Strict):
    """Service-level objectives: a request counts as good when it meets every one that is given."""

    ttft_ms: Milliseconds | None = Field(default=None, description="Longest time to first token.")
    tpot_ms: Milliseconds | None = Field(default=None, description="Longest time per output token.")
    e2e_ms: Milliseconds | None = Field(default=None, description="Longest time to the last token.")

    def limit_ms(self, metric: str) -> float | None:
        """Return the objective for a latency; None where there is none for it."""
        return {"ttft_ms": self.ttft_ms, "tpot_ms": self.tpot_ms, "e2e_ms": self.e2e_ms}.get(metric)

    @property
    def is_stated(self) -> bool:
        """Whether there is any objective to meet."""
        return any(limit is not None for limit in (self.ttft_ms, self.tpot_ms, self.e2e_ms))


class Correct(_Strict):
    """What makes an answer correct: at least so many points of one of the scorers."""

    scorer: ScorerId = Field(description="By which scorer.")
    at_least: Annotated[float, Field(gt=0, le=100)] = Field(default=100.0, description="Points from which on it is.")


def _once_each(values: list[Any]) -> list[Any]:
    return list(dict.fromkeys(values))


_Swept = (Field(min_length=1, max_length=MOST_POINTS), AfterValidator(_once_each))
SweptCounts = Annotated[list[Annotated[int, Field(ge=0, le=1_000_000)]], *_Swept]
SweptTexts = Annotated[list[Text], *_Swept]
FlashAttention = Literal["on", "off", "auto"]


class Settings(_Strict):
    """Settings of the server that a run sweeps over, by option; it is started anew for each combination."""

    prompt_cache: Annotated[list[PromptCache], Field(min_length=1, max_length=2)] | None = Field(
        default=None,
        description="Whether prompts that begin alike may be reused. Not given: cold and warm where a run sweeps over "
        "`depth` or `shots`, else as --prompt-cache says.",
    )
    threads: SweptCounts | None = Field(default=None, description="Threads of the server.")
    threads_batch: SweptCounts | None = Field(default=None, description="Threads while prompts are read.")
    slots: SweptCounts | None = Field(default=None, description="Requests that it serves at a time.")
    batch_tokens: SweptCounts | None = Field(default=None, description="Tokens per batch.")
    micro_batch_tokens: SweptCounts | None = Field(default=None, description="Tokens that are computed at once.")
    kv_cache: SweptTexts | None = Field(default=None, description="Types of the KV cache: [f16, q8_0].")
    flash_attention: Annotated[list[FlashAttention], *_Swept] | None = Field(
        default=None, description="Fused attention."
    )
    gpu_layers: SweptCounts | None = Field(default=None, description="Layers on the GPU.")
    tensor_parallel: SweptCounts | None = Field(default=None, description="GPUs that share each layer.")
    dtype: SweptTexts | None = Field(default=None, description="Data types that are computed in.")
    quantization: SweptTexts | None = Field(default=None, description="Quantisations that the engine makes itself.")
    engine_path: SweptTexts | None = Field(default=None, description="Programs: builds of one engine.")

    def of_server(self) -> dict[str, list[str]]:
        """Return the values of each setting that is swept over, but for the prompt cache, by option."""
        found = {name: getattr(self, name) for name in type(self).model_fields if name != "prompt_cache"}
        return {name: [str(value) for value in values] for name, values in found.items() if values is not None}


class Tune(_Strict):
    """A search for the best of the settings."""

    metric: Text = Field(description="By which metric, such as `ttft_ms.p50`.")
    aim: Literal["least", "most"] = Field(description="Whether the least or the most of it is best.")
    budget_s: Seconds = Field(description="It takes no longer than this, unless a single visit does.")


class Workload(_Strict):
    """A definition of what is asked of a server, and how often."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=64)] = Field(
        description="Short name: lower-case letters, digits, '.', '_' and '-'."
    )
    version: Count = Field(description="Raised whenever a change makes results incomparable.")
    description: Text = Field(description="What it stands for and why its sizes are what they are.")
    api: Literal["completions", "chat", "embeddings"] = Field(
        default="completions", description="Which OpenAI-compatible endpoint is called."
    )
    prompts: Annotated[Prompts, Field(discriminator="source")] = Field(description="Where the prompts come from.")
    output_tokens: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        description="Tokens asked for, unless the row of a trace says; at the most where `stop` is natural. "
        "0 for embeddings, and only there."
    )
    stop: Literal["length", "natural"] = Field(
        default="length",
        description="What ends a response: length, with the end-of-sequence token suppressed, for speed; natural: the "
        "model ends it, for tasks.",
    )
    keep_responses: bool = Field(
        default=False, description="Keep the text of every response in `answers.jsonl` of the run folder."
    )
    temperature: Annotated[float, Field(ge=0, le=2)] = Field(
        default=0.0, description="Sampling temperature; 0 takes the likeliest token."
    )
    load: Annotated[Load, Field(discriminator="shape")] = Field(description="How requests follow one another.")
    warmup_requests: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        default=2,
        description="Requests sent first, kept in the records and in no metric: where several are in flight, "
        "at least two for each, so that the load is steady when measuring begins. 0: none; it begins with a burst.",
    )
    requests: Count = Field(
        description="Measured in each repeat: at least `rounds` for each request in flight, in a replay at most all "
        "rows."
    )
    rounds: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=10,
        description="Least number of requests in each repeat for each request in flight: with fewer, rates depend on "
        "where a repeat begins and ends.",
    )
    repeats: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=1, description="How often the measured block is repeated."
    )
    max_repeat_s: Seconds = Field(
        default=600.0,
        description="No request of a repeat is sent later than this after its first one, unless too few could be "
        "measured: then it goes on, at most until all repeats together have taken ten times as long.",
    )
    until: Until | None = Field(
        default=None, description="Send no more requests once this holds; `requests` and `repeats` are the cap."
    )
    request_timeout_s: Seconds = Field(default=120.0, description="Longest that one request may take.")
    stall_timeout_s: Seconds = Field(
        default=60.0, description="Longest that a server may stay silent during a request."
    )
    slo: Slo = Field(default=Slo(), description="Service-level objectives.")
    scorers: Annotated[list[ScorerId], Field(min_length=1, max_length=32)] | None = Field(
        default=None,
        description="What answers are scored by; if not given, what suits the columns of the data. Needs "
        "`keep_responses` and prompts from a data file.",
    )
    correct: Correct | None = Field(
        default=None,
        description="What makes an answer correct; if not given, all points of the first scorer that tells right from "
        "wrong.",
    )
    tune: Tune | None = Field(
        default=None, description="Search for the best of the settings, by short visits; `--tune` writes it."
    )
    settings: Settings = Field(default=Settings(), description="Settings of the server that the run sweeps over.")

    @property
    def name(self) -> str:
        """ID@VERSION: two runs of one name were asked for the same."""
        return f"{self.id}@{self.version}"

    @property
    def measured_requests(self) -> int:
        """Requests of all repeats together."""
        return self.requests * self.repeats

    @property
    def attainment_ratio(self) -> float:
        """Share of the requests that has to meet every SLO: as the search for a load says, else its default."""
        return self.load.attainment_ratio if isinstance(self.load, SloSearch) else ATTAINMENT_RATIO

    @property
    def is_embedding(self) -> bool:
        """Whether every answer is a vector, so that no token comes back."""
        return self.api == EMBEDDINGS

    @property
    def think_time_s(self) -> float:
        """Pause of a slot, or within a conversation, before its next request; 0 where the load knows none."""
        return self.load.think_time_s if isinstance(self.load, ClosedLoop | OpenLoop) else 0.0

    @property
    def ramp_up_s(self) -> float:
        """Time over which the first requests of the slots are spread; 0 where all begin at once."""
        return self.load.ramp_up_s if isinstance(self.load, ClosedLoop) else 0.0

    @property
    def turns(self) -> int:
        """Requests of one conversation; 1 where every request stands alone."""
        return self.prompts.turns if isinstance(self.prompts, ConversationPrompts) else 1


@cache
def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) of a definition; to be read, not changed."""
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **Workload.model_json_schema()}
    schema["title"] = "Aforo workload"
    return schema


def json_schema_text() -> str:
    """Return the JSON Schema as the text of `workloads/schema.json`."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
