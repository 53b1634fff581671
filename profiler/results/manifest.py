"""`run.json`: what was measured, on what, with what, and when.

Format history:
    1   first version
"""

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field

from profiler.results.caveats import Caveat
from profiler.results.client_facts import Calibration, ClientFacts
from profiler.results.cost_facts import (
    CostFacts,
    EmbodiedFacts,
    GridEstimate,
    OwnedFacts,
    PriceFacts,
    TokenPriceFacts,
)
from profiler.results.energy_facts import EnergyFacts, MeterClass, MeterFacts, PowerEstimate
from profiler.results.engine_facts import BodyFacts, EngineFacts, PromptCache
from profiler.results.fleet_facts import FleetFacts
from profiler.results.host_facts import HostFacts
from profiler.results.model_facts import LoraFacts, ModelFacts
from profiler.results.part import Part, Source
from profiler.workloads import phases
from profiler.workloads.schema import Workload

__all__ = [
    "FORMAT_VERSION",
    "BodyFacts",
    "Calibration",
    "ClientFacts",
    "CostFacts",
    "EmbodiedFacts",
    "EnergyFacts",
    "EngineFacts",
    "FleetFacts",
    "GridEstimate",
    "HostFacts",
    "LoraFacts",
    "Manifest",
    "MeterClass",
    "MeterFacts",
    "ModelFacts",
    "OwnedFacts",
    "Phase",
    "Point",
    "PowerEstimate",
    "PriceFacts",
    "PromptCache",
    "Source",
    "Status",
    "TokenPriceFacts",
]

FORMAT_VERSION = 1
_LEAST_IN_MIN_S = 120

Status = Literal["running", "complete", "interrupted", "failed"]


class Point(Part):
    """One load that a run put on the server; a sweep or a search has several.

    Points of a sweep over something else than loads differ in that as well: in what is asked, or in settings.
    """

    name: str = Field(
        description="c8 for a concurrency, r2.5 for a rate in requests/s, replay for a trace; before it what else was "
        "swept over: d4096-warm-c1, s16-cold-c1."
    )
    concurrency: int | None = Field(default=None, description="Requests in flight, closed loop.")
    rate_rps: float | None = Field(default=None, description="Mean arrivals per second, open loop.")
    depth_tokens: int | None = Field(default=None, description="Context before each prompt, in a sweep over depths.")
    shots: int | None = Field(default=None, description="Worked examples before each prompt, where there are such.")
    visit: int | None = Field(default=None, description="Number of the visit, in a search for the best setting.")
    settings: dict[str, str] = Field(
        default={}, description="Settings of the server at this point, where a run sweeps over them, by option."
    )


class Phase(Part):
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
    client_cpu_ns: int | None = Field(default=None, description="CPU time that the load driver used.")
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


class Tried(Part):
    """A combination of settings that was tried."""

    settings: dict[str, str]
    values: list[float] = Field(default=[], description="Of the metric, one for each visit that measured it.")
    load_s: list[float] = Field(default=[], description="What starting the server with the model took, each time.")
    lasted_s: list[float] = Field(default=[], description="What each visit took, from starting the server on.")


class TuningFacts(Part):
    """How the settings of the server were searched before this run."""

    run_id: str = Field(description="Of the search, whose folder is `tuning` in that of this run.")
    metric: str
    aim: Literal["least", "most"]
    budget_s: float
    lasted_s: float
    settings: dict[str, str] = Field(description="That this run was made with.")
    is_found: bool = Field(description="Whether they are surely the best that was tried; else it cannot be told.")
    sentence: str
    tried: list[Tried] = Field(default=[], description="In the order of their first visit.")

    @property
    def words(self) -> str:
        """How settings were come by, as `engine.tuning` says it."""
        time = f"{self.budget_s:g} s" if self.budget_s < _LEAST_IN_MIN_S else f"{self.budget_s / 60:.3g} min"
        return f"tuned within {time} for {self.metric}"


class Manifest(Part):
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
    data_digest: str | None = Field(
        default=None,
        description="Of the rows of the data file as they were asked, template included: runs of one workload with "
        "another digest did not send the same prompts. Null: there is no data file, or an earlier version.",
    )
    prompts_are_new: bool | None = Field(
        default=None,
        description="Whether no earlier run can have sent these prompts, so that the server had none of them in a "
        "cache. False where they are rows of a data file, or where --nonce repeats those of another run.",
    )
    workload: Workload = Field(description="The resolved definition, command-line overrides included.")
    overrides: list[str] = Field(default=[], description="Workload keys that the command line changed.")
    limits: dict[str, float] = Field(
        default={}, description="Limits that the user set for this run, by the rule's id, in the rule's unit."
    )
    body: BodyFacts = BodyFacts()
    model: ModelFacts
    lora: LoraFacts | None = Field(default=None, description="Adapter that every request used.")
    engine: EngineFacts
    host: HostFacts = Field(
        description="Facts about the machine that Aforo ran on, as `aforo host --json` prints them; unless "
        "engine.is_remote they are the server's as well."
    )
    client: ClientFacts
    calibration: Calibration | None = None
    energy: EnergyFacts = EnergyFacts()
    cost: CostFacts = CostFacts()
    wall_offset_ns: int | None = Field(
        default=None, description="Wall clock − monotonic clock at the start, to place readings of other meters."
    )
    tuning: TuningFacts | None = Field(default=None, description="Where settings of the server were searched first.")
    fleet: FleetFacts | None = Field(default=None, description="Where a plan for several hosts asked for this run.")
    points: list[Point] = Field(default=[], description="In the order of measuring; one for a plain run.")
    phases: list[Phase] = Field(default=[])
    warnings: list[str] = Field(default=[])
    caveats: list[str] = Field(
        default=[], description="Id of each warning, for programs, in the order of `warnings`; older runs have none."
    )

    def warn(self, caveat: Caveat) -> None:
        """Add a doubt that a reader of the numbers has to know."""
        self.warnings.append(caveat.text)
        self.caveats.append(caveat.id)

    @property
    def host_name(self) -> str | None:
        """What the machine that served is called: in the plan of a fleet that asked for the run, or by itself."""
        return self.fleet.host if self.fleet else self.server_host.name

    @property
    def server_host(self) -> HostFacts:
        """Facts about the machine that served; of one elsewhere only its name is known, from the URL."""
        return HostFacts(name=urlsplit(self.engine.url).hostname) if self.engine.is_remote else self.host
