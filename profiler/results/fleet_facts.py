"""Where a run of a fleet comes from, as `run.json` keeps it."""

from pydantic import Field

from profiler.results.part import Part


class FleetFacts(Part):
    """How this run was asked for by a plan for several hosts, and how it came here."""

    fleet: str = Field(description="Id of the plan.")
    plan_sha256: str = Field(description="Digest of the plan as it was understood.")
    host: str = Field(description="What the plan calls the host.")
    transport: str = Field(description="How it was reached: local, ssh, ray.")
    cell: str = Field(description="What the plan calls this measurement: equal keys asked for the same.")
    order: int = Field(description="Place among the cells of its host, from 1, as planned.")
    cells: int = Field(description="Cells of its host.")
    round: int = Field(description="Round of measuring all cells, from 1.")
    attempt: int = Field(description="How often the cell had been begun, this time included.")
    labels: dict[str, str] = Field(default={}, description="Of the host, as the plan has them.")
    collected_utc: str = Field(description="ISO 8601: when it came here; measured was from started_utc to ended_utc.")
