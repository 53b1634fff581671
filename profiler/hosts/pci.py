"""GPUs and other accelerators on the PCI bus, for which there is no driver's tool to ask.

Classes are those of the PCI Code and ID Assignment Specification: 0x03 display controllers (00 VGA, 02 3D, 80 other),
0x12 processing accelerators. The graphics of a processor or of a server's management chip is no GPU that serves models.
"""

from collections.abc import Mapping
from pathlib import PurePath

from profiler.hosts.tree import Tree
from profiler.results.host_facts import GpuFacts

_NVIDIA, _AMD, _INTEL = "0x10de", "0x1002", "0x8086"
_MAKERS = {
    _NVIDIA: "NVIDIA",
    _AMD: "AMD",
    _INTEL: "Intel",
    "0x1da3": "Habana Labs",
    "0x1e52": "Tenstorrent",
    "0x1eff": "Rebellions",
}
_VGA, _3D, _OTHER_DISPLAY, _ACCELERATOR = "0x0300", "0x0302", "0x0380", "0x1200"
_UW_PER_W = 1_000_000
_LEAST_OWN_MEMORY_BYTES = 4 * 2**30  # what a processor's graphics sets apart is less
_INTEGRATED = "0000:00:02.0"  # where Intel's graphics within a processor always is; cards of a guest may be near it

# Model names of the PCI ID Repository (pci-ids.ucw.cz), for those that kernel and firmware give no name to.
_NAMES: Mapping[str, str] = {
    "1002:66a1": "AMD Instinct MI50",
    "1002:738c": "AMD Instinct MI100",
    "1002:73bf": "AMD Radeon RX 6800/6800 XT/6900 XT",
    "1002:740c": "AMD Instinct MI250X/MI250",
    "1002:740f": "AMD Instinct MI210",
    "1002:7448": "AMD Radeon Pro W7900",
    "1002:744c": "AMD Radeon RX 7900 XT/7900 XTX",
    "1002:74a0": "AMD Instinct MI300A",
    "1002:74a1": "AMD Instinct MI300X",
    "1002:74a2": "AMD Instinct MI308X",
    "1002:74a5": "AMD Instinct MI325X",
    "1002:74a9": "AMD Instinct MI300X HF",
    "1002:74b5": "AMD Instinct MI300X VF",
    "1002:7550": "AMD Radeon RX 9070/9070 XT",
    "8086:0bd5": "Intel Data Center GPU Max 1550",
    "8086:0bda": "Intel Data Center GPU Max 1100",
    "8086:56a0": "Intel Arc A770",
    "8086:56a1": "Intel Arc A750",
    "8086:56a5": "Intel Arc A380",
    "8086:56c0": "Intel Data Center GPU Flex 170",
    "8086:56c1": "Intel Data Center GPU Flex 140",
    "8086:e20b": "Intel Arc B580",
    "8086:e20c": "Intel Arc B570",
}


def on_the_bus(tree: Tree) -> tuple[GpuFacts, ...]:
    """List them, in the order of the bus."""
    folders = [str(PurePath(path).parent) for path in tree.matching("sys/bus/pci/devices/*/class")]
    found = [folder for folder in folders if _is_gpu(tree, folder)]
    return tuple(
        GpuFacts(
            index=index,
            source="pci",
            name=_name(tree, folder),
            pci_id=_pci_id(tree, folder),
            memory_total_bytes=_memory_bytes(tree, folder),
            power_limit_w=_watts(tree, folder, "power1_cap", "power1_max"),
            power_limit_default_w=_watts(tree, folder, "power1_cap_default", "power1_rated_max"),
        )
        for index, folder in enumerate(found)
    )


def _is_gpu(tree: Tree, folder: str) -> bool:
    device_class, vendor = (tree.text(f"{folder}/class") or "")[:6], tree.text(f"{folder}/vendor")
    if vendor == _NVIDIA:
        return device_class in {_VGA, _3D}
    if vendor == _AMD and device_class in {_VGA, _OTHER_DISPLAY}:
        own_bytes = tree.number(f"{folder}/mem_info_vram_total")  # without its driver nobody tells
        return _pci_id(tree, folder) in _NAMES if own_bytes is None else own_bytes >= _LEAST_OWN_MEMORY_BYTES
    if vendor == _INTEL:
        return device_class in {_VGA, _OTHER_DISPLAY} and PurePath(folder).name != _INTEGRATED
    return vendor in _MAKERS and device_class in {_3D, _ACCELERATOR}


def _pci_id(tree: Tree, folder: str) -> str:
    parts = (tree.text(f"{folder}/{part}") or "" for part in ("vendor", "device"))
    return ":".join(part.removeprefix("0x") for part in parts)


def _name(tree: Tree, folder: str) -> str:
    """Return what the card calls itself (amdgpu reads it from its memory), else its model, else maker and number."""
    pci_id, vendor = _pci_id(tree, folder), tree.text(f"{folder}/vendor") or ""
    told = tree.text(f"{folder}/product_name")
    return told or _NAMES.get(pci_id) or f"{_MAKERS.get(vendor, 'unknown maker')} {pci_id}"


def _memory_bytes(tree: Tree, folder: str) -> int | None:
    """Return the card's own memory: of amdgpu, of xe (tile by tile), or of the i915 that Intel ships for servers."""
    tiles = [tree.number(path) for path in tree.matching(f"{folder}/tile*/physical_vram_size_bytes")]
    by_tile = sum(size for size in tiles if size is not None) or None
    by_card = (tree.number(path) for path in tree.matching(f"{folder}/drm/card*/lmem_total_bytes"))
    return tree.number(f"{folder}/mem_info_vram_total") or by_tile or next(by_card, None)


def _watts(tree: Tree, folder: str, *names: str) -> float | None:
    """Return a power limit in the driver's hwmon folder: of amdgpu (cap), or of xe and i915 (max), where 0 is none."""
    limits_uw = (tree.number(path) for name in names for path in tree.matching(f"{folder}/hwmon/hwmon*/{name}"))
    return next((limit_uw / _UW_PER_W for limit_uw in limits_uw if limit_uw), None)
