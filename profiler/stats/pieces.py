"""Values that come in pieces, one piece for each request, and arithmetic on all of them at once.

Where there are many and numpy is installed, which a base install does without, it does the arithmetic; the results are
the same to the last bit.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import pairwise
from operator import sub
from typing import Any, Literal, TypeVar

_Number = TypeVar("_Number", int, float)
_MANY = 1_000  # values from which on numpy is worth its import


class Pieces:
    """Whole numbers ("q") or floats ("d") in an array, and where in it each piece ends."""

    def __init__(self, kind: Literal["q", "d"] = "d") -> None:
        """Begin with no piece."""
        self.values: array[Any] = array(kind)
        self.ends = array("q")  # how many values there were after each piece

    @classmethod
    def of(cls, pieces: Iterable[Iterable[float]]) -> "Pieces":
        """Return floats in pieces."""
        made = cls()
        for piece in pieces:
            made.extend(piece)
        return made

    def extend(self, piece: Iterable[float]) -> None:
        """Take the next piece. A list of the right type is taken fastest."""
        if isinstance(piece, list):
            self.values.fromlist(piece)
        else:
            self.values.extend(piece)
        self.ends.append(len(self.values))

    def __len__(self) -> int:
        """How many pieces there are."""
        return len(self.ends)

    def __getitem__(self, number: int) -> "array[Any]":
        """Return one piece."""
        return self.values[self.ends[number - 1] if number else 0 : self.ends[number]]

    def __iter__(self) -> Iterator["array[Any]"]:
        """Yield every piece."""
        return (self.values[start:end] for start, end in pairwise([0, *self.ends]))

    def gaps(self) -> "Pieces":
        """Return the differences between neighbours in a piece."""
        if (np := numpy_for(self.values)) is None:
            return _whole(list(map(sub, piece[1:], piece)) for piece in self)
        return _without_firsts(np, np.diff(np.frombuffer(self.values, np.int64)), np.frombuffer(self.ends, np.int64))

    def after_first(self, added: Sequence[int]) -> "Pieces":
        """Return each piece without its first value, with a number of its own added to the rest."""
        if (np := numpy_for(self.values)) is None:
            return _whole([value + more for value in piece[1:]] for piece, more in zip(self, added, strict=True))
        values, ends = np.frombuffer(self.values, np.int64), np.frombuffer(self.ends, np.int64)
        summed = values + np.repeat(np.array(added, np.int64), np.diff(ends, prepend=0))
        return _without_firsts(np, summed[1:], ends)

    def over(self, divisor: int) -> "Pieces":
        """Return all values divided by a number, as floats."""
        found = Pieces()
        found.ends = self.ends
        if (np := numpy_for(self.values)) is None:
            found.values.fromlist([value / divisor for value in self.values])
        else:
            found.values.frombytes((np.frombuffer(self.values, np.int64) / divisor).tobytes())
        return found

    def uneven(self, times: int, fewest: int) -> Sequence[int]:
        """Return which pieces of at least `fewest` values have one that is so many times as great as another."""
        if (np := numpy_for(self.values)) is None:
            return [at for at, piece in enumerate(self) if len(piece) >= fewest and max(piece) > times * min(piece)]
        values, ends = np.frombuffer(self.values, np.int64), np.frombuffer(self.ends, np.int64)
        sizes = np.diff(ends, prepend=0)
        filled = sizes.nonzero()[0]
        starts = (ends - sizes)[filled]
        is_uneven = np.maximum.reduceat(values, starts) > times * np.minimum.reduceat(values, starts)
        found: list[int] = filled[is_uneven & (sizes[filled] >= fewest)].tolist()
        return found


def sorted_into(edges: Sequence[float], keys: Pieces, values: Pieces) -> Iterator[tuple[int, "array[float]"]]:
    """Yield values with the number of edges that do not exceed their keys, those of one number together or in several.

    The keys of a piece ascend; there are as many values as keys.
    """
    if (np := numpy_for(keys.values)) is None:
        for key_piece, value_piece in zip(keys, values, strict=True):
            yield from _ascending_into(edges, key_piece, value_piece)
        return
    numbers, all_values = np.searchsorted(edges, np.frombuffer(keys.values), side="right"), np.frombuffer(values.values)
    for number in np.bincount(numbers).nonzero()[0].tolist():
        yield number, array("d", all_values[numbers == number].tobytes())


def _ascending_into(
    edges: Sequence[float], keys: "array[float]", values: "array[float]"
) -> Iterator[tuple[int, "array[float]"]]:
    first = 0
    while first < len(keys):
        number = bisect_right(edges, keys[first])
        end = bisect_left(keys, edges[number], first + 1) if number < len(edges) else len(keys)
        yield number, values[first:end]
        first = end


def ascending(arrays: "Iterable[array[_Number]]", kind: Literal["q", "d"] = "d") -> "array[_Number]":
    """Return the values of some arrays of a kind, sorted."""
    found: array[Any] = array(kind)
    for values in arrays:
        found += values
    if (np := numpy_for(found)) is None:
        return array(kind, sorted(found))
    np.frombuffer(found, found.typecode).sort()
    return found


def numpy_for(values: "array[Any]") -> Any:
    """Return numpy where it is installed and these are many."""
    return numpy() if len(values) >= _MANY else None


def numpy() -> Any:
    """Return numpy where it is installed."""
    with suppress(ImportError):
        import numpy as np  # noqa: PLC0415 - few runs have so many values, and a base install has no numpy

        return np
    return None


def _whole(pieces: Iterable[list[int]]) -> Pieces:
    found = Pieces("q")
    for piece in pieces:
        found.extend(piece)
    return found


def _without_firsts(np: Any, rest: Any, ends: Any) -> Pieces:
    """Return pieces that ended there without their first values; `rest` are all values but the very first."""
    found = Pieces("q")
    firsts = np.unique(ends[(ends > 0) & (ends < ends[-1])]) - 1  # of all other pieces, counted in `rest`
    found.values.frombytes(np.delete(rest, firsts).tobytes())
    found.ends.frombytes(np.cumsum(np.maximum(np.diff(ends, prepend=0) - 1, 0)).tobytes())
    return found
