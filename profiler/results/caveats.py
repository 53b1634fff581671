"""Doubts that a reader of a run's numbers has to know: a sentence for people, an id for programs."""

from typing import Literal, NamedTuple

CaveatId = Literal[
    "busy-host",
    "lora-adapter",
    "meter-hangs",
    "model-changed",
    "old-price",
    "other-model",
    "prompts",
    "ramp-cut-short",
    "refused-request",
    "roofline-incomplete",
    "setting-left-out",
    "setup",
    "shared-cpus",
    "slow-build",
    "synthetic-weights",
    "unchecked-certificate",
    "user-space-timestamps",
]


class Caveat(NamedTuple):
    """One doubt."""

    id: CaveatId
    text: str
