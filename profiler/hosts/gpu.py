"""NVIDIA GPUs, as NVML describes them, or `nvidia-smi` where its Python package is missing.

Nothing is changed on a card. Names follow the NVML API reference (docs.nvidia.com/deploy/nvml-api).
"""

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from profiler.hosts.pci import on_the_bus
from profiler.hosts.tree import Tree, number, whole_number
from profiler.results.host_facts import GpuFacts
from profiler.units import BYTES_PER_MIB

Answer = TypeVar("Answer")

_NOT_AVAILABLE = (2**32 - 1, 2**64 - 1)
_HERE = Tree(Path("/"))
_NO_GPU = "no NVIDIA driver answers, and the PCI bus shows no GPU"
_ON_BUS = "seen on the PCI bus only: no NVIDIA driver answers for them, and tools of other makers are not asked"
_NO_PACKAGE = "listed by nvidia-smi, which does not count NVLinks; for those: pip install 'aforo[gpu]'"
_SMI_TIMEOUT_S = 10.0  # a driver that is not kept loaded takes seconds to answer

_SMI_FIELDS = (
    *("index", "name", "driver_version", "memory.total", "power.limit", "power.default_limit"),
    *("pcie.link.gen.current", "pcie.link.gen.max", "pcie.link.width.current", "pcie.link.width.max"),
    *("mig.mode.current", "clocks.max.memory", "clocks.max.sm"),
)


@dataclass(frozen=True)
class Gpus:
    """The cards of a host, and why there are none or little is known of them."""

    cards: tuple[GpuFacts, ...] = ()
    note: str | None = None


def look(nvml: Any = None, smi: Callable[[], str | None] | None = None, tree: Tree = _HERE) -> Gpus:
    """Describe the cards of this machine. Never raises.

    `nvml` is the module `pynvml` of the package nvidia-ml-py, imported where it is `None`; `smi` returns what
    `nvidia-smi` answers to `SMI_COMMAND`.
    """
    module = nvml or _package()
    cards = _by_nvml(module) if module else None
    if cards:
        return Gpus(tuple(cards))
    answer = None if cards is not None else (smi or _ask_smi)()
    by_smi = [card for line in (answer or "").splitlines() if (card := _by_smi(line))]
    if by_smi:
        return Gpus(tuple(by_smi), _NO_PACKAGE)
    if on_bus := on_the_bus(tree):
        return Gpus(on_bus, _ON_BUS)
    return Gpus((), _NO_GPU if cards is None else "the NVIDIA driver knows no GPU")


def _package() -> Any:
    try:
        import pynvml  # noqa: PLC0415 - comes with the extra 'gpu'
    except ImportError:
        return None
    return pynvml


def _by_nvml(nvml: Any) -> list[GpuFacts] | None:
    """Return the cards, or `None` where there is no driver to ask."""
    if answer_of(nvml, lambda: nvml.nvmlInit() or True) is None:
        return None
    try:
        count = answer_of(nvml, nvml.nvmlDeviceGetCount) or 0
        return [_card(nvml, index) for index in range(count)]
    finally:
        answer_of(nvml, nvml.nvmlShutdown)


def _card(nvml: Any, index: int) -> GpuFacts:
    handle = answer_of(nvml, partial(nvml.nvmlDeviceGetHandleByIndex, index))
    if handle is None:  # a card that has fallen off the bus
        return GpuFacts(index=index, source="nvml")

    def told(name: str, *arguments: Any) -> Any:
        return answer_of(nvml, lambda: getattr(nvml, f"nvmlDeviceGet{name}")(handle, *arguments))

    def read(name: str, of: Callable[[Any], Answer]) -> Answer | None:
        """Return a part of an answer; a library that is older or newer may answer without it."""
        return answer_of(nvml, lambda: of(getattr(nvml, f"nvmlDeviceGet{name}")(handle)))

    return GpuFacts(
        index=index,
        source="nvml",
        name=_plain(told("Name")),
        pci_id=read("PciInfo", lambda pci: f"{pci.pciDeviceId & 0xFFFF:04x}:{pci.pciDeviceId >> 16:04x}"),
        memory_total_bytes=read("MemoryInfo", lambda memory: int(memory.total)),
        driver=_plain(answer_of(nvml, nvml.nvmlSystemGetDriverVersion)),
        compute_capability=read("CudaComputeCapability", lambda parts: ".".join(str(part) for part in parts) or None),
        power_limit_w=_watts(told("EnforcedPowerLimit")),
        power_limit_default_w=_watts(told("PowerManagementDefaultLimit")),
        pcie_generation=told("CurrPcieLinkGeneration"),
        pcie_generation_max=told("MaxPcieLinkGeneration"),
        pcie_width=told("CurrPcieLinkWidth"),
        pcie_width_max=told("MaxPcieLinkWidth"),
        nvlinks_active=_nvlinks(nvml, handle),
        mig_mode=read("MigMode", lambda modes: bool(modes[0] == nvml.NVML_DEVICE_MIG_ENABLE)),
        max_memory_clock_mhz=told("MaxClockInfo", nvml.NVML_CLOCK_MEM),
        max_sm_clock_mhz=told("MaxClockInfo", nvml.NVML_CLOCK_SM),
    )


def _nvlinks(nvml: Any, handle: Any) -> int | None:
    """Count the links that are up; a card without NVLink refuses to answer for the first one."""
    states = list(_link_states(nvml, handle))
    return sum(state == nvml.NVML_FEATURE_ENABLED for state in states) if states else None


def _link_states(nvml: Any, handle: Any) -> Iterator[int]:
    for link in range(nvml.NVML_NVLINK_MAX_LINKS):
        state = answer_of(nvml, partial(nvml.nvmlDeviceGetNvLinkState, handle, link))
        if state is None:
            return
        yield state


def answer_of(nvml: Any, ask: Callable[[], Answer]) -> Answer | None:
    """Return what NVML says; `None` for what this card, driver or library does not tell.

    An older library lacks functions or fields (AttributeError, LookupError) or takes other arguments (TypeError), a
    broken driver's names are no UTF-8 (UnicodeDecodeError, of the library), and some answer a number with all bits set,
    NVML's "not available".
    """
    try:
        said = ask()
    except (nvml.NVMLError, AttributeError, LookupError, TypeError, ValueError, OSError):
        return None
    return None if is_not_available(said) else said


def is_not_available(value: object) -> bool:
    """Whether a number is NVML's NVML_VALUE_NOT_AVAILABLE, in 32 or 64 bits."""
    return isinstance(value, int) and value in _NOT_AVAILABLE


def _plain(text: str | bytes | None) -> str | None:
    return text.decode(errors="replace") if isinstance(text, bytes) else text


def _watts(milliwatts: int | None) -> float | None:
    return None if milliwatts is None else milliwatts / 1000


SMI_COMMAND = ("nvidia-smi", f"--query-gpu={','.join(_SMI_FIELDS)}", "--format=csv,noheader,nounits")


def _ask_smi() -> str | None:
    try:
        answer = subprocess.check_output(
            SMI_COMMAND, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=_SMI_TIMEOUT_S
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.decode(errors="replace")


def _by_smi(line: str) -> GpuFacts | None:
    """Read one line of the answer; what it does not know it writes in brackets: '[N/A]'."""
    values = [value.strip() for value in line.split(",")]
    if len(values) != len(_SMI_FIELDS) or whole_number(values[0]) is None:
        return None
    said = {field: value for field, value in zip(_SMI_FIELDS, values, strict=True) if not value.startswith("[")}
    memory_mib = whole_number(said.get("memory.total"))
    return GpuFacts(
        index=int(values[0]),
        source="nvidia-smi",
        name=said.get("name"),
        memory_total_bytes=None if memory_mib is None else memory_mib * BYTES_PER_MIB,
        driver=said.get("driver_version"),
        power_limit_w=number(said.get("power.limit")),
        power_limit_default_w=number(said.get("power.default_limit")),
        pcie_generation=whole_number(said.get("pcie.link.gen.current")),
        pcie_generation_max=whole_number(said.get("pcie.link.gen.max")),
        pcie_width=whole_number(said.get("pcie.link.width.current")),
        pcie_width_max=whole_number(said.get("pcie.link.width.max")),
        mig_mode={"Enabled": True, "Disabled": False}.get(said.get("mig.mode.current", "")),
        max_memory_clock_mhz=whole_number(said.get("clocks.max.memory")),
        max_sm_clock_mhz=whole_number(said.get("clocks.max.sm")),
    )
