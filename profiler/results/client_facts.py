"""The load driver of a run and how far off its timestamps were, as `run.json` keeps them."""

from typing import Literal

from pydantic import Field

from profiler.results.part import Part


class ClientFacts(Part):
    """The load driver and how it stamped arrivals."""

    python: str
    stamp_source: Literal["kernel", "user"]
    stamp_note: str
    workers: int = Field(default=1, description="Processes that send, receive and timestamp.")
    is_realtime: bool = Field(
        default=False, description="Whether they go before every process of ordinary priority (SCHED_FIFO)."
    )
    cpus: str | None = Field(default=None, description="CPUs that they stay on, such as 3; null: any.")
    cpus_reason: str | None = Field(default=None, description="Why client and server stay on these, or on none.")


class Calibration(Part):
    """How far this client's stamps lay behind those of a null server on this host, just before the run."""

    concurrency: int
    tokens: int
    arrival_us: dict[str, float] = Field(description="p50 and p99 of arrival − the server's own send timestamp.")
    user_space_us: dict[str, float] = Field(description="The same for the moment our process saw the bytes.")
