"""How weights are stored: which type each matrix of a model gets, and random blocks of every type.

The blocks are those of ggml (ggml-common.h). Their scales are chosen so that the weights have the wanted
deviation and an average of zero: a common offset of all weights would add up from layer to layer.
A number of the same place in all blocks is set by one slice, which takes plain Python not much longer than
arrays would; a synthetic file has the same bytes on every host.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from math import frexp, ldexp, sqrt

from profiler.errors import ModelError
from profiler.models import ggml
from profiler.models.layout import Tensor
from profiler.models.random_bytes import RandomBytes
from profiler.models.shapes import Shape

_F16, _Q4_0, _Q4_1, _Q5_0, _Q8_0, _Q4_K, _Q5_K, _Q6_K = 1, 2, 3, 6, 8, 12, 13, 14


def _rms(lowest: float, highest: float) -> float:
    """Root mean square of equally likely values, one apart."""
    count = round(highest - lowest) + 1
    return sqrt(sum((lowest + step) ** 2 for step in range(count)) / count)


_INT8_RMS = _rms(-127, 127)


def _draw_f16(random: RandomBytes, elements: int, deviation: float) -> bytearray:
    """Two bytes an element."""
    values = random.int8(elements)
    stored = bytearray(2 * elements)
    stored[::2], stored[1::2] = map(values.translate, f16_tables(deviation / _INT8_RMS))
    return stored


def f16_tables(factor: float) -> tuple[bytes, bytes]:
    """Return the low and the high byte of float16(float32(value × float32(factor))) for each signed byte."""
    (rounded,) = struct.unpack("<f", struct.pack("<f", factor))
    products = struct.pack("<256f", *(rounded * (byte - (byte & 0x80) * 2) for byte in range(256)))
    halves = struct.pack("<256e", *struct.unpack("<256f", products))
    return halves[::2], halves[1::2]


def _draw_q8_0(random: RandomBytes, elements: int, deviation: float) -> bytearray:
    """Blocks of 32: a float16 scale, 32 signed bytes."""
    scale = _half(deviation / _INT8_RMS)
    values = struct.iter_unpack("32s", random.int8(elements))
    return bytearray(scale.join([b"", *(block for (block,) in values)]))


def _draw_q4_0(random: RandomBytes, elements: int, deviation: float) -> bytearray:
    """Blocks of 32: a float16 scale, 32 × 4 bits from −8 to 7."""
    return _signed_scales(random, elements, block_bytes=18, scale=deviation / _rms(-8, 7))


def _draw_q4_1(random: RandomBytes, elements: int, deviation: float) -> bytearray:
    """Blocks of 32: a float16 scale, a float16 minimum, 32 × 4 bits from 0 to 15."""
    blocks = random.uint8(elements // 32 * 20)
    scale = _six_bits(deviation / _rms(-7.5, 7.5))
    _fill(blocks, 20, 0, _half(scale) + _half(-7.5 * scale))
    return blocks


def _draw_q5_0(random: RandomBytes, elements: int, deviation: float) -> bytearray:
    """Blocks of 32: a float16 scale, 32 × 5 bits from −16 to 15."""
    return _signed_scales(random, elements, block_bytes=22, scale=deviation / _rms(-16, 15))


def _draw_q4_k(random: RandomBytes, elements: int, deviation: float) -> bytearray:
    """Blocks of 256: two float16 scales, 8 × (scale, minimum) of 6 bits, 256 × 4 bits from 0 to 15."""
    return _scales_and_minima(random, elements, block_bytes=144, scale=deviation / _rms(-7.5, 7.5), middle=7.5)


def _draw_q5_k(random: RandomBytes, elements: int, deviation: float) -> bytearray:
    """Blocks of 256: two float16 scales, 8 × (scale, minimum) of 6 bits, 256 × 5 bits from 0 to 31."""
    return _scales_and_minima(random, elements, block_bytes=176, scale=deviation / _rms(-15.5, 15.5), middle=15.5)


def _draw_q6_k(random: RandomBytes, elements: int, deviation: float) -> bytearray:
    """Blocks of 256: 256 × 6 bits from −32 to 31, 16 signed bytes of scale, a float16 scale."""
    blocks = random.uint8(elements // 256 * 210)
    for place in range(192, 208):
        blocks[place::210] = blocks[place::210].translate(_SIGNS)
    _fill(blocks, 210, 208, _half(deviation / _rms(-32, 31)))
    return blocks


_SIGNS = bytes(((byte & 2) - 1) & 0xFF for byte in range(256))
"""−1 or 1 for each byte, as signed bytes."""


def _signed_scales(random: RandomBytes, elements: int, block_bytes: int, scale: float) -> bytearray:
    """Random blocks of 32 whose scale is positive or negative at random, which centres their weights."""
    blocks = random.uint8(elements // 32 * block_bytes)
    low, high = _half(scale)
    with_sign = bytes(byte & 0x80 | high for byte in range(256))
    _fill(blocks, block_bytes, 0, bytes([low]))
    blocks[1::block_bytes] = blocks[1::block_bytes].translate(with_sign)
    return blocks


def _scales_and_minima(random: RandomBytes, elements: int, block_bytes: int, scale: float, middle: float) -> bytearray:
    """Random blocks of 256 whose minimum lies `middle` steps below zero; all 6-bit numbers are 1."""
    exact = _six_bits(scale)
    blocks = random.uint8(elements // 256 * block_bytes)
    _fill(blocks, block_bytes, 0, _half(exact) + _half(exact * middle) + bytes([1] * 8 + [0x11] * 4))
    return blocks


def _six_bits(scale: float) -> float:
    """Return a scale with so few digits that half-whole multiples of it, up to some dozens, are float16, too."""
    mantissa, exponent = frexp(scale)
    return ldexp(round(mantissa * 64) / 64, exponent)


def _fill(blocks: bytearray, block_bytes: int, first: int, values: bytes) -> None:
    """Write the same `values` into every block, from its byte `first` on."""
    count = len(blocks) // block_bytes
    for place, value in enumerate(values, first):
        blocks[place::block_bytes] = bytes([value]) * count


def _half(value: float) -> bytes:
    """Return the two bytes of a float16."""
    return struct.pack("<e", value)


Draw = Callable[[RandomBytes, int, float], bytearray]

DRAWS: dict[int, Draw] = {
    _F16: _draw_f16,
    _Q4_0: _draw_q4_0,
    _Q4_1: _draw_q4_1,
    _Q5_0: _draw_q5_0,
    _Q8_0: _draw_q8_0,
    _Q4_K: _draw_q4_k,
    _Q5_K: _draw_q5_k,
    _Q6_K: _draw_q6_k,
}
"""By tensor type: (random bytes, elements, standard deviation) → the stored bytes of random weights."""


@dataclass(frozen=True)
class Quantisation:
    """What llama.cpp calls a file type: the type that most matrices get, and a rule for the others."""

    name: str
    file_type: int
    """`general.file_type` of a file stored this way (llama.h, enum llama_ftype)."""
    tensor_type: int
    """Type of most of its matrices (ggml.h, enum ggml_type)."""


QUANTISATIONS = {
    quantisation.name: quantisation
    for quantisation in (
        Quantisation(name="F16", file_type=1, tensor_type=_F16),
        Quantisation(name="Q8_0", file_type=7, tensor_type=_Q8_0),
        Quantisation(name="Q4_0", file_type=2, tensor_type=_Q4_0),
        Quantisation(name="Q4_1", file_type=3, tensor_type=_Q4_1),
        Quantisation(name="Q4_K_M", file_type=15, tensor_type=_Q4_K),
    )
}

_WIDER = ("attn_v", "attn_qkv", "ffn_down")
"""Matrices that get six bits in some layers of Q4_K_M."""

_FALLBACKS = {_Q4_K: _Q5_0, _Q6_K: _Q8_0}
"""What takes the place of a type with blocks of 256 in a matrix whose rows these do not divide."""

_LAYERS_OF_70B = 80


def named(name: str) -> Quantisation:
    """Return the quantisation of this name, capital or small; raises ModelError with the nearest names."""
    if quantisation := QUANTISATIONS.get(name.upper()):
        return quantisation
    near = get_close_matches(name.upper(), QUANTISATIONS, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise ModelError(f"Unknown quantisation {name!r}.{hint} Known ones: {', '.join(QUANTISATIONS)}.")


def tensor_type(tensor: Tensor, quantisation: Quantisation, shape: Shape) -> int:
    """Return how `llama-quantize` would store a tensor of a model (llama.cpp, llama-quant.cpp).

    Vectors and tables stay as they are. Below eight bits, the output matrix gets six, and so do the
    values of attention and the last matrix of the feed-forward part in some layers of Q4_K_M.
    Raises ModelError where rows are no whole number of blocks.
    """
    if tensor.deviation is None:
        return ggml.F32
    wanted = quantisation.tensor_type
    if wanted in {_Q4_0, _Q4_1, _Q4_K}:
        wanted = _mixed(tensor, wanted, shape)
    if tensor.columns % ggml.TENSOR_TYPES[wanted].block_elements:
        wanted = _FALLBACKS.get(wanted, wanted)
    if tensor.columns % (block := ggml.TENSOR_TYPES[wanted].block_elements):
        raise ModelError(
            f"The shape {shape.title} cannot be stored as {quantisation.name}: {tensor.name} has rows of "
            f"{tensor.columns} elements, expected a multiple of {block}. Use --quant F16."
        )
    return wanted


def _mixed(tensor: Tensor, usual: int, shape: Shape) -> int:
    if tensor.name == ("token_embd.weight" if shape.has_tied_embeddings else "output.weight"):
        return _Q8_0 if tensor.columns % ggml.TENSOR_TYPES[usual].block_elements else _Q6_K
    _, _, place = tensor.name.partition("blk.")
    if usual != _Q4_K or not place:
        return usual
    layer, name, _ = place.split(".")
    if name in _WIDER and _gets_more_bits(int(layer), shape.layers):
        return _Q6_K
    is_small_beside_queries = shape.layers == _LAYERS_OF_70B and name == "attn_v" and tensor.columns % 256 == 0
    return _Q5_K if is_small_beside_queries else usual


def _gets_more_bits(layer: int, layers: int) -> bool:
    """The first and the last eighth of the layers, and every third one between them."""
    return layer < layers // 8 or layer >= 7 * layers // 8 or (layer - layers // 8) % 3 == 2
