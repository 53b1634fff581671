"""Which tokens a run is about: those that come out or, where every answer is a vector, those that go in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from profiler.results.summary import Metric, Scalar


class HasMetrics(Protocol):
    """A summary, of a run or of one of its points."""

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """By id."""
        ...


@dataclass(frozen=True)
class Tokens:
    """The tokens that throughput, energy and money are counted in, and the metrics that do so."""

    kind: Literal["output", "input"]

    @property
    def rate(self) -> str:
        """Tokens per second."""
        return f"{self.kind}_tokens_per_s"

    @property
    def energy(self) -> str:
        """Joules for each."""
        return f"energy_j_per_{self.kind}_token"

    @property
    def cost(self) -> str:
        """Money for a million, in the currency of the price."""
        return f"cost_per_1m_{self.kind}_tokens"

    @property
    def per_money(self) -> str:
        """What one unit of money buys."""
        return f"{self.kind}_tokens_per_currency"

    @property
    def per_joule(self) -> str:
        """What one joule is enough for."""
        return f"{self.kind}_tokens_per_j"

    @property
    def carbon(self) -> str:
        """Carbon of a million."""
        return f"gco2e_per_1m_{self.kind}_tokens"


OUTPUT, INPUT = Tokens("output"), Tokens("input")


def tokens_of(parts: Iterable[HasMetrics]) -> Tokens:
    """Return input where some part has a rate of input tokens and none one of output tokens."""
    seen = list(parts)
    return INPUT if _have(seen, INPUT) and not _have(seen, OUTPUT) else OUTPUT


def _have(parts: Iterable[HasMetrics], tokens: Tokens) -> bool:
    found = (part.metrics.get(tokens.rate) for part in parts)
    return any(isinstance(metric, Scalar) and metric.value is not None for metric in found)
