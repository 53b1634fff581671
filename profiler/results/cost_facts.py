"""What price and carbon of a run are computed with, as `run.json` keeps it."""

from typing import Literal

from pydantic import Field

from profiler.results.part import Part, Source

PriceKind = Literal["on-demand", "spot", "reserved", "owned"]


class OwnedFacts(Part):
    """What an hour of a machine that was bought is made of, in the currency of its price."""

    purchase: float
    life_h: float = Field(gt=0, description="Hours until it is worth nothing: the purchase is spread evenly over them.")
    power_w: float = Field(description="What it draws under load, as stated.")
    idle_w: float = Field(description="What it draws idle, as stated; as under load where nothing was stated.")
    price_per_kwh: float
    upkeep_per_year: float = Field(default=0.0, description="Space, repair, staff.")
    pue: float = 1.0


class PriceFacts(Part):
    """What an hour of this machine costs, busy or not."""

    per_hour: float
    currency: str = Field(description="ISO 4217; never converted.")
    kind: PriceKind
    term_months: int | None = Field(default=None, description="Of a reservation: how long it binds.")
    upfront: float = Field(default=0.0, description="Of a reservation: paid at its start; `per_hour` holds its share.")
    owned: OwnedFacts | None = Field(default=None, description="Of a machine that was bought: what `per_hour` is.")
    provider: str | None = None
    region: str | None = None
    instance_type: str | None = None
    source: Source

    @property
    def kind_text(self) -> str:
        """How it is paid for: with the term of a reservation."""
        return f"{self.kind} for {self.term_months} months" if self.term_months else self.kind


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
    utilisation_ratio: float = Field(
        default=1.0,
        gt=0,
        le=1,
        description="Share of the time held in which the machine is under the load that was measured.",
    )
    input_output_ratio: float | None = Field(
        default=None, gt=0, description="How many input tokens one output token is worth, as stated."
    )
    grid: list[GridEstimate] = Field(default=[], description="Every source that speaks of the place.")
    grid_reason: str | None = None
    pue: float = Field(default=1.0, description="Energy of the data centre / energy of its machines.")
    pue_source: Source | None = None
    embodied: EmbodiedFacts | None = None
    embodied_reason: str | None = None

    @property
    def charged_text(self) -> str | None:
        """How is paid and in which currency: what two costs must have in common; None where no price is known."""
        if self.token_price is not None:
            return f"by the token in {self.token_price.currency}"
        if self.price is None:
            return None
        idle = "" if self.utilisation_ratio == 1 else f", used {self.utilisation_ratio:.0%} of the time"
        return f"{self.price.kind_text} in {self.price.currency}{idle}"
