"""The random bits of synthetic weights: the same stream on every host, with numpy or without.

It is the raw output of PCG64, PCG-XSL-RR-128/64 (O'Neill, "PCG: A Family of Simple Fast Space-Efficient
Statistically Good Algorithms for Random Number Generation", sections 6.3 and 7): a congruential generator of 128
bits, whose new state is folded to 64 bits and rotated by its six highest. numpy keeps that stream stable and draws
it far faster, so its generator is used where numpy is installed, which a base install does without.
"""

import sys
from array import array
from collections.abc import Callable
from itertools import repeat
from typing import NamedTuple

_MULTIPLIER = 0x2360ED051FC65DA44385DF649FCCF645
_128_BITS, _64_BITS = (1 << 128) - 1, (1 << 64) - 1
_TWICE = (1 << 64) + 1
"""Times this, a word of 64 bits stands beside itself, so that a shift to the right rotates it."""

_WORDS_AT_ONCE = 1 << 16

_WITHOUT_MINUS_128 = bytes(0x7F if byte == 0x80 else byte for byte in range(256))


class Start(NamedTuple):
    """Where a stream begins: state and (odd) increment of the generator, 128 bits each."""

    state: int
    increment: int


FIRST = Start(0x83E03797B6B8AB305E98CCBDD38DA8A7, 0xE43CC88946F497F91BA36BC19A0B1FE3)
"""What numpy's `PCG64(20_261_120).state` holds; most weights are drawn from there."""

SECOND = Start(0xD96F88B667FF1A2293D4EDF908674F02, 0xBCB63441B56F8735C158D79478C77EF3)
"""What numpy's `PCG64(20_261_121).state` holds: for rows of quiet tokens, and for adapters."""


class RandomBytes:
    """An endless stream of random bytes, the same on every host for the same start."""

    def __init__(self, start: Start) -> None:
        """Start the stream."""
        self._words = _words_of_numpy(start) or _plain_words(start)

    def uint8(self, count: int) -> bytearray:
        """Return `count` bytes; what is left of the last word of 64 bits is thrown away."""
        drawn = self._words(-(-count // 8))
        del drawn[count:]
        return drawn

    def int8(self, count: int) -> bytearray:
        """Return `count` signed bytes from −127 to 127."""
        return self.uint8(count).translate(_WITHOUT_MINUS_128)


def is_numpy_used() -> bool:
    """Return whether numpy draws the stream, which takes a tenth of the time or less."""
    return _words_of_numpy(FIRST) is not None


_Words = Callable[[int], bytearray]
"""Gives the next so many words of 64 bits, little-endian."""


def _words_of_numpy(start: Start) -> _Words | None:
    try:
        from numpy.random import PCG64  # noqa: PLC0415 - numpy is an extra
    except ImportError:
        return None
    generator = PCG64(0)
    generator.state = {
        "bit_generator": "PCG64",
        "state": {"state": start.state, "inc": start.increment},
        "has_uint32": 0,
        "uinteger": 0,
    }
    return lambda count: bytearray(generator.random_raw(count).astype("<u8", copy=False).data.cast("B"))


def _plain_words(start: Start) -> _Words:
    state = start.state

    def words(count: int) -> bytearray:
        nonlocal state
        drawn = bytearray()
        for first in range(0, count, _WORDS_AT_ONCE):
            state, piece = _advance(state, start.increment, min(_WORDS_AT_ONCE, count - first))
            drawn += piece
        return drawn

    return words


def _advance(state: int, increment: int, count: int) -> tuple[int, bytes]:
    """Return the state after `count` steps, and their words; the state moves on before a word is made of it."""
    multiplier, mask_128, mask_64, twice = _MULTIPLIER, _128_BITS, _64_BITS, _TWICE  # locals are quicker
    drawn: list[int] = []
    append = drawn.append
    for _ in repeat(None, count):
        state = state * multiplier + increment & mask_128
        folded = (state >> 64 ^ state) & mask_64
        append(folded * twice >> (state >> 122) & mask_64)
    words = array("Q", drawn)
    if sys.byteorder == "big":
        words.byteswap()
    return state, words.tobytes()
