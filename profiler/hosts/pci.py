"""GPUs and other accelerators on the PCI bus, for which there is no driver's tool to ask.

Classes are those of the PCI Code and ID Assignment Specification: 0x03 display controllers (00 VGA, 02 3D, 80 other),
0x12 processing accelerators. The graphics of a processor or of a server's management chip is no GPU that serves models.
"""

from pathlib import PurePath

from profiler.hosts.tree import Tree
from profiler.results.host_facts import GpuFacts

_NVIDIA, _AMD = "0x10de", "0x1002"
_MAKERS = {_NVIDIA: "NVIDIA", _AMD: "AMD", "0x1da3": "Habana Labs", "0x1e52": "Tenstorrent", "0x1eff": "Rebellions"}
_VGA, _3D, _OTHER_DISPLAY, _ACCELERATOR = "0x0300", "0x0302", "0x0380", "0x1200"
_LEAST_OWN_MEMORY_BYTES = 4 * 2**30  # what a processor's graphics sets apart is less


def on_the_bus(tree: Tree) -> tuple[GpuFacts, ...]:
    """List them, in the order of the bus."""
    folders = [str(PurePath(path).parent) for path in tree.matching("sys/bus/pci/devices/*/class")]
    found = [folder for folder in folders if _is_gpu(tree, folder)]
    return tuple(
        GpuFacts(
            index=index,
            source="pci",
            name=_name(tree, folder),
            memory_total_bytes=tree.number(f"{folder}/mem_info_vram_total"),
        )
        for index, folder in enumerate(found)
    )


def _is_gpu(tree: Tree, folder: str) -> bool:
    device_class, vendor = (tree.text(f"{folder}/class") or "")[:6], tree.text(f"{folder}/vendor")
    if vendor == _NVIDIA:
        return device_class in {_VGA, _3D}
    if vendor == _AMD and device_class in {_VGA, _OTHER_DISPLAY}:
        return (tree.number(f"{folder}/mem_info_vram_total") or 0) >= _LEAST_OWN_MEMORY_BYTES
    return vendor in _MAKERS and device_class in {_3D, _ACCELERATOR}


def _name(tree: Tree, folder: str) -> str:
    vendor, device = tree.text(f"{folder}/vendor") or "", tree.text(f"{folder}/device") or ""
    return f"{_MAKERS.get(vendor, 'unknown maker')} {vendor.removeprefix('0x')}:{device.removeprefix('0x')}"
