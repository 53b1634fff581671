"""GPUs that only the PCI bus shows: devices as machines list them."""

from pathlib import Path

import pytest

from profiler.hosts.gpu import look
from profiler.hosts.pci import on_the_bus
from profiler.hosts.tree import Tree


def device(root: Path, slot: str, device_class: str, vendor: str, number: str, vram: int | None = None) -> None:
    folder = root / "sys/bus/pci/devices" / slot
    folder.mkdir(parents=True)
    texts = {"class": device_class, "vendor": vendor, "device": number, "mem_info_vram_total": vram}
    for name, text in texts.items():
        if text is not None:
            (folder / name).write_text(f"{text}\n")


@pytest.mark.parametrize(
    ("device_class", "vendor", "number", "vram", "name"),
    [
        ("0x030200", "0x10de", "0x2237", None, "NVIDIA 10de:2237"),  # A10G of a g5
        ("0x030000", "0x10de", "0x2684", None, "NVIDIA 10de:2684"),  # RTX 4090
        ("0x120000", "0x1002", "0x74a1", 192 * 2**30, "AMD 1002:74a1"),  # MI300X
        ("0x038000", "0x1002", "0x740c", 64 * 2**30, "AMD 1002:740c"),  # MI250
        ("0x030000", "0x1002", "0x744c", 24 * 2**30, "AMD 1002:744c"),  # RX 7900 XTX
        ("0x120000", "0x1da3", "0x1020", None, "Habana Labs 1da3:1020"),  # Gaudi 2
    ],
)
def test_cards(tmp_path: Path, device_class: str, vendor: str, number: str, vram: int | None, name: str) -> None:
    device(tmp_path, "0000:17:00.0", device_class, vendor, number, vram)
    (card,) = on_the_bus(Tree(tmp_path))
    assert (card.name, card.source, card.memory_total_bytes) == (name, "pci", vram)


@pytest.mark.parametrize(
    ("device_class", "vendor", "number", "vram"),
    [
        ("0x030000", "0x8086", "0x46a6", None),  # graphics of an Intel processor
        ("0x120000", "0x8086", "0x7d1d", None),  # NPU of an Intel processor
        ("0x030000", "0x1002", "0x1681", 512 * 2**20),  # graphics of an AMD processor
        ("0x030000", "0x1a03", "0x2000", None),  # ASPEED, a server's management chip
        ("0x030000", "0x1234", "0x1111", None),  # QEMU's display
        ("0x030000", "0x1d0f", "0x1111", None),  # EC2's display
        ("0x068000", "0x10de", "0x22a3", None),  # NVSwitch
        ("0x040300", "0x10de", "0x228b", None),  # the card's sound
        ("0x020000", "0x15b3", "0x1021", None),  # a network card
    ],
)
def test_what_is_no_card(tmp_path: Path, device_class: str, vendor: str, number: str, vram: int | None) -> None:
    device(tmp_path, "0000:00:02.0", device_class, vendor, number, vram)
    assert on_the_bus(Tree(tmp_path)) == ()


def test_the_bus_is_looked_at_where_no_driver_answers(tmp_path: Path) -> None:
    class NoDriver:
        class NVMLError(Exception):
            pass

        def nvmlInit(self) -> None:  # noqa: N802 - NVML's spelling
            raise self.NVMLError("Driver Not Loaded")

    device(tmp_path, "0000:17:00.0", "0x120000", "0x1002", "0x74a1")
    found = look(NoDriver(), lambda: None, Tree(tmp_path))
    assert [card.name for card in found.cards] == ["AMD 1002:74a1"]
    assert "seen on the PCI bus only" in (found.note or "")
    assert look(NoDriver(), lambda: None, Tree(tmp_path / "none")).cards == ()
