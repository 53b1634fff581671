"""Whose joules count on a machine with several GPUs: those that were named, or that CUDA may use. Pure.

`CUDA_VISIBLE_DEVICES` lists indices or UUIDs (or beginnings of them) and ends at the first one that is no card: -1, or
nothing at all, hides every card (CUDA C++ Programming Guide, "CUDA Environment Variables"). `NVIDIA_VISIBLE_DEVICES` is
what a container was given (NVIDIA Container Toolkit, "Environment variables"); mostly it sees no other cards, and it
may name none of them: Kubernetes writes a folder there, or names of CDI.
AMD's ROCR_VISIBLE_DEVICES leaves cards that HIP_VISIBLE_DEVICES, or else CUDA_VISIBLE_DEVICES, counts anew (ROCm, "GPU
isolation techniques"); Intel's is ZE_AFFINITY_MASK, whose 0.1 is a tile of card 0 (Level Zero, Programming Guide).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from profiler.errors import UsageError

ALL = "all"
_SEVERAL = 2

Variables = tuple[tuple[str, ...], ...]
"""Of the environment: each group leaves some of the cards that the one before left; its first that is set counts."""
AMD_VARIABLES: Variables = (("ROCR_VISIBLE_DEVICES",), ("HIP_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES"))
INTEL_VARIABLES: Variables = (("ZE_AFFINITY_MASK",),)

_UNSAID = {ALL, "", "void"}  # of NVIDIA_VISIBLE_DEVICES: no statement


@dataclass(frozen=True)
class Listed:
    """A card as the driver lists it."""

    index: int
    name: str
    uuid: str
    slices: tuple[str, ...] = ()  # UUIDs of its MIG slices


@dataclass(frozen=True)
class Selected:
    """The indices whose joules count, and what says so; `by` is None where every card counts."""

    indices: frozenset[int]
    by: str | None = None


def check_wanted(wanted: str) -> None:
    """Look at a text like 0,1 or all or GPU-4ae6. Raises `UsageError`."""
    parts = [part.strip() for part in wanted.split(",")]
    if wanted != ALL and not all(part.isdecimal() or part.startswith(("GPU-", "MIG-")) for part in parts):
        raise UsageError(f"--gpus {wanted}: expected all, or indices or UUIDs as `nvidia-smi -L` lists them: 0,1.")


def select(cards: Sequence[Listed], wanted: str | None, environ: Mapping[str, str]) -> Selected:
    """Choose among the cards of a machine; `wanted` is what --gpus says. Raises `UsageError` where it names none."""
    everything = frozenset(card.index for card in cards)
    if wanted is not None:
        return _named(cards, wanted)
    visible = environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        by = f"CUDA_VISIBLE_DEVICES={visible}{_in_which_order(cards, visible, environ)}"
        return Selected(frozenset(_until_unknown(cards, visible)), by)
    given = environ.get("NVIDIA_VISIBLE_DEVICES", "").strip()
    found = frozenset(_until_unknown(cards, given))
    if given in _UNSAID or (given != "none" and (not found or len(given.split(",")) >= len(cards))):
        return Selected(everything)
    return Selected(found, f"NVIDIA_VISIBLE_DEVICES={given}")


def select_by(
    variables: Variables, cards: Sequence[Listed], wanted: str | None, environ: Mapping[str, str]
) -> Selected:
    """Choose among cards of another maker. Raises `UsageError` where --gpus names one that is not there."""
    if wanted is not None:
        return _named(cards, wanted)
    left, said = list(cards), []
    for names in variables:
        name = next((name for name in names if name in environ), None)
        if name is not None:
            numbered = [replace(card, index=index) for index, card in enumerate(left)]
            left = [left[index] for index in _until_unknown(numbered, environ[name])]
            said.append(f"{name}={environ[name]}")
    return Selected(frozenset(card.index for card in left), " and ".join(said) or None)


def named_beside_nvidia(wanted: str | None, *, has_nvidia: bool) -> Selected | None:
    """Return what --gpus leaves of other makers' cards where it names NVIDIA's: nothing; None where it names theirs."""
    if wanted in {None, ALL} or not has_nvidia:
        return None
    return Selected(frozenset(), f"--gpus {wanted}, which names NVIDIA cards where there is their driver")


def _in_which_order(cards: Sequence[Listed], visible: str, environ: Mapping[str, str]) -> str:
    """Say how indices were read where CUDA may count otherwise: unlike cards, the fastest first."""
    is_by_bus = environ.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID" or len({card.name for card in cards}) < _SEVERAL
    if is_by_bus or not any(part.strip().isdecimal() for part in visible.split(",")):
        return ""
    return ", in the order of the bus; CUDA counts unlike cards so with CUDA_DEVICE_ORDER=PCI_BUS_ID only"


def _named(cards: Sequence[Listed], wanted: str) -> Selected:
    if wanted == ALL:
        return Selected(frozenset(card.index for card in cards))
    found = [_find(cards, part) for part in wanted.split(",")]
    known = [card.index for card in found if card is not None]
    if len(known) < len(found):
        there = ", ".join(f"{card.index} ({card.uuid})" for card in cards) or "none"
        raise UsageError(f"--gpus {wanted}: this machine has {there}.")
    return Selected(frozenset(known), f"--gpus {wanted}")


def _until_unknown(cards: Sequence[Listed], text: str) -> list[int]:
    """Return the indices up to the first entry that is no card."""
    found = []
    for part in text.split(","):
        card = _find(cards, part)
        if card is None:
            break
        found.append(card.index)
    return found


def _find(cards: Sequence[Listed], part: str) -> Listed | None:
    """Find a card by its index, the beginning of its UUID or of that of a MIG slice; in old spelling MIG-GPU-…/1/0."""
    part = part.strip()
    sliced = [card for card in cards if part and any(uuid.startswith(part) for uuid in card.slices)]
    if len(sliced) == 1:
        return sliced[0]
    part = part.removeprefix("MIG-").partition("/")[0].partition(".")[0]
    if part.isdecimal():
        return next((card for card in cards if card.index == int(part)), None)
    same = [card for card in cards if part.startswith("GPU-") and card.uuid.startswith(part)]
    return same[0] if len(same) == 1 else None
