"""What price and carbon of a run are computed with, as `run.json` keeps it."""

from typing import Literal

from pydantic import Field

from profiler.results.part import Part, Source


class PriceFacts(Part):
    """What an hour of this machine costs."""

    per_hour: float
    currency: str = Field(description="ISO 4217; never converted.")
    kind: Literal["on-demand", "spot", "reserved"]
    provider: str | None = None
    region: str | None = None
    instance_type: str | None = None
    source: Source


class TokenPriceFacts(Part):
    """What an endpoint charges for tokens."""

    input_per_1m: float
    output_per_1m: float
    cached_input_per_1m: float | None = Field(
        default=None, description="Of prompt tokens that the server had in its cache; null: as any other."
    )
    currency: str = Field(description="ISO 4217; never converted.")
    source: Source


class GridEstimate(Part):
    """What one source says of the electricity at a place."""

    gco2e_per_kwh: float
    place: str
    source: Source


class EmbodiedFacts(Part):
    """Carbon of making the reserved part of the machine, spread over its life."""

    kgco2e: tuple[float, float] = Field(description="Least and most, of the reserved part.")
    life_h: float
    method: str
    source: Source


class CostFacts(Part):
    """What price and carbon are computed with; what is missing has a reason."""

    price: PriceFacts | None = None
    price_reason: str | None = None
    token_price: TokenPriceFacts | None = Field(default=None, description="Of an endpoint that charges by the token.")
    grid: list[GridEstimate] = Field(default=[], description="Every source that speaks of the place.")
    grid_reason: str | None = None
    pue: float = Field(default=1.0, description="Energy of the data centre / energy of its machines.")
    pue_source: Source | None = None
    embodied: EmbodiedFacts | None = None
    embodied_reason: str | None = None
