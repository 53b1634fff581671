"""How weights are stored: block layouts of ggml, and random blocks in each of them.

Random weights are uniform over the whole range of a signed byte. They come from the raw output of a
generator whose stream numpy keeps stable, so that a synthetic file has the same bytes on every host.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

from profiler.errors import ModelError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

INT8_DEVIATION = 73.6
"""Standard deviation of a uniform choice among −127 … 127: sqrt((255² − 1) / 12)."""


class RandomBytes:
    """An endless stream of random bytes, the same on every host for the same seed."""

    def __init__(self, seed: int) -> None:
        """Start the stream."""
        from numpy.random import PCG64  # noqa: PLC0415 - numpy is an extra

        self._generator = PCG64(seed)

    def int8(self, count: int) -> NDArray[np.int8]:
        """Return `count` values from −127 to 127, shape (count,)."""
        words = self._generator.random_raw(-(-count // 8))
        values = words.astype("<u8", copy=False).view("int8")[:count]
        values[values == -128] = 127
        return values


Draw = Callable[[RandomBytes, int, float], "NDArray[np.uint8]"]


@dataclass(frozen=True)
class Quantisation:
    """A row-wise storage format."""

    name: str
    file_type: int
    """`general.file_type` of a file stored this way (llama.h, enum llama_ftype)."""
    tensor_type: int
    """Type of each of its matrices (ggml.h, enum ggml_type)."""
    draw: Draw
    """(random bytes, elements, standard deviation) → the stored bytes of that many random weights."""


def _draw_f16(random: RandomBytes, elements: int, deviation: float) -> NDArray[np.uint8]:
    """Two bytes an element."""
    scale = deviation / INT8_DEVIATION
    return (random.int8(elements) * scale).astype("<f2").view("uint8")


def _draw_q8_0(random: RandomBytes, elements: int, deviation: float) -> NDArray[np.uint8]:
    """Blocks of 32 elements: one float16 scale and 32 signed bytes."""
    import numpy as np  # noqa: PLC0415 - numpy is an extra

    blocks = np.empty((elements // 32, 34), dtype=np.uint8)
    blocks[:, :2] = np.array([deviation / INT8_DEVIATION], dtype="<f2").view(np.uint8)
    blocks[:, 2:] = random.int8(elements).view(np.uint8).reshape(-1, 32)
    return blocks.reshape(-1)


QUANTISATIONS = {
    quantisation.name: quantisation
    for quantisation in (
        Quantisation(name="F16", file_type=1, tensor_type=1, draw=_draw_f16),
        Quantisation(name="Q8_0", file_type=7, tensor_type=8, draw=_draw_q8_0),
    )
}


def named(name: str) -> Quantisation:
    """Return the quantisation of this name, capital or small; raises ModelError with the nearest names."""
    if quantisation := QUANTISATIONS.get(name.upper()):
        return quantisation
    near = get_close_matches(name.upper(), QUANTISATIONS, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ModelError(f"Unknown quantisation {name!r}.{hint} Known ones: {', '.join(QUANTISATIONS)}.")
