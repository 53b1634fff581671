"""What a joule may be of, and how far it may be trusted: the scopes of meters, and the order of their classes."""

from profiler.results.energy_facts import MeterClass

MODEL_SCOPE = "whole machine"
WITHOUT_CARDS = "machine without its GPUs"
REST = "rest of the machine"
PACKAGES, MEMORY, PACKAGES_AND_MEMORY = "CPU packages", "DRAM", "CPU packages and DRAM"
MODULE_SCOPE, BOARD_SCOPE = CARD_SCOPES = ("GPU modules", "GPU boards")

WIDEST_FIRST = (MODEL_SCOPE, *CARD_SCOPES, PACKAGES_AND_MEMORY, PACKAGES, MEMORY)
BEST_FIRST: tuple[MeterClass, ...] = ("wall", "counter", "polled", "model")
