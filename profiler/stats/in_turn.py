"""Sums of fractions that are to be added up elsewhere in the same order, on which their last digit depends."""

from array import array
from functools import reduce
from operator import add


class InTurn:
    """Stands for a sum that begins elsewhere: `total + in_turn` adds all that was added here, one after another."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._added = array("d")

    def __iadd__(self, value: float) -> "InTurn":
        """Note the next one."""
        self._added.append(value)
        return self

    def __radd__(self, total: float) -> float:
        """Add all of them to a sum."""
        return reduce(add, self._added, total)
