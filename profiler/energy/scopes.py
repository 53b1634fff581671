"""What a joule may be of, and how far it may be trusted: the scopes of meters, and the order of their classes."""

from profiler.results.energy_facts import MeterClass

MODEL_SCOPE = "whole machine"
WITHOUT_CARDS = "machine without its GPUs"
CPUS_AND_MEMORY, SUPPLIES = "CPUs and memory", "fans, switches, network and power supplies"  # parts of a modelled host
PACKAGES, MEMORY, PACKAGES_AND_MEMORY = "CPU packages", "DRAM", "CPU packages and DRAM"
MODULE_SCOPE, BOARD_SCOPE, CHIP_SCOPE = CARD_SCOPES = ("GPU modules", "GPU boards", "GPU packages")
SOC_AND_MEMORY, SOC = "system on chip and DRAM", "system on chip"
PROCESSOR_SCOPES = {PACKAGES, PACKAGES_AND_MEMORY, SOC, SOC_AND_MEMORY}  # no machine uses less than these

WIDEST_FIRST = (MODEL_SCOPE, *CARD_SCOPES, SOC_AND_MEMORY, SOC, PACKAGES_AND_MEMORY, PACKAGES, MEMORY)
BEST_FIRST: tuple[MeterClass, ...] = ("wall", "counter", "polled", "model")

_UNKNOWN = "unknown scope"


def unknown_scope(sensor: str) -> str:
    """Return the scope of a sensor of which nobody knows what it sees: one of its own, which stands for no run."""
    return f"{_UNKNOWN}: {sensor}"


def is_known(scope: str) -> bool:
    """Whether it is known what a joule of this scope is of."""
    return not scope.startswith(_UNKNOWN)
