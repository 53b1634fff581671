"""How the energy of a run was metered or modelled, as `run.json` keeps it."""

from typing import Literal

from pydantic import AliasChoices, Field

from profiler.results.part import Part, Source

MeterClass = Literal["counter", "polled", "wall", "model", "none"]


class MeterFacts(Part):
    """One channel of an energy meter."""

    channel: str = Field(description="What its readings are called, such as rapl:package-0.")
    meter: str = Field(description="As --meters calls it; wall for readings that were imported.")
    meter_class: MeterClass
    scope: str = Field(description="What it sees: CPU packages, DRAM, GPU boards, whole machine, …")
    device: str | None = Field(default=None, description="Which one, where there are several.")
    part: str | None = Field(
        default=None,
        description="Which one, as every meter names it: package-0, a card's place on the PCI bus. Channels of one "
        "class, scope and part read the same joules.",
    )
    provenance: str = Field(description="How a joule came about.")
    claim_window_s: float = Field(default=0.0, description="Shorter windows do not carry a claim.")
    resolution_j: float | None = Field(default=None, description="Steps in which a counter moves; null: not known.")
    resolution_w: float | None = Field(default=None, description="Last digit of power as it is read.")


class PowerEstimate(Part):
    """What one method says that this machine draws, idle and fully loaded; between them a straight line."""

    name: str
    idle_w: tuple[float, float] = Field(description="Least and most.")
    full_w: tuple[float, float] = Field(description="Least and most.")
    method: str
    sources: list[Source] = Field(default=[])


class EnergyFacts(Part):
    """How energy was metered; `none` is said, never hidden."""

    meter_class: MeterClass = Field(default="none", description="Of the best meter; see `meters` for all.")
    scope: str | None = None
    reason: str | None = None
    meters: list[MeterFacts] = Field(default=[])
    estimates: list[PowerEstimate] = Field(
        default=[],
        validation_alias=AliasChoices("estimates", "opinions"),  # the latter as earlier versions wrote it
        description="Of models, side by side; together they are an interval.",
    )
    absent: dict[str, str] = Field(default={}, description="Meters that could not be used here, and why.")
    others: dict[str, str] = Field(default={}, description="Cards whose joules do not count, and what says so.")
