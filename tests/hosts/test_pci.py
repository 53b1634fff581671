"""GPUs that only the PCI bus shows: devices as machines list them."""

from pathlib import Path

import pytest

from profiler.hosts.gpu import look
from profiler.hosts.pci import on_the_bus
from profiler.hosts.tree import Tree


def device(root: Path, slot: str, device_class: str, vendor: str, number: str, vram: int | None = None) -> Path:
    folder = root / "sys/bus/pci/devices" / slot
    folder.mkdir(parents=True)
    texts = {"class": device_class, "vendor": vendor, "device": number, "mem_info_vram_total": vram}
    for name, text in texts.items():
        if text is not None:
            (folder / name).write_text(f"{text}\n")
    return folder


@pytest.mark.parametrize(
    ("device_class", "vendor", "number", "vram", "name"),
    [
        ("0x030200", "0x10de", "0x2237", None, "NVIDIA 10de:2237"),  # A10G of a g5
        ("0x030000", "0x10de", "0x2684", None, "NVIDIA 10de:2684"),  # RTX 4090
        ("0x120000", "0x1002", "0x74a1", 192 * 2**30, "AMD Instinct MI300X"),
        ("0x038000", "0x1002", "0x740c", 64 * 2**30, "AMD Instinct MI250X/MI250"),
        ("0x030000", "0x1002", "0x744c", 24 * 2**30, "AMD Radeon RX 7900 XT/7900 XTX"),
        ("0x038000", "0x1002", "0x7fff", 64 * 2**30, "AMD 1002:7fff"),  # a model that nobody knows
        ("0x120000", "0x1da3", "0x1020", None, "Habana Labs 1da3:1020"),  # Gaudi 2
        ("0x038000", "0x8086", "0x56c0", None, "Intel Data Center GPU Flex 170"),
        ("0x030000", "0x8086", "0xe20b", None, "Intel Arc B580"),
    ],
)
def test_cards(tmp_path: Path, device_class: str, vendor: str, number: str, vram: int | None, name: str) -> None:
    device(tmp_path, "0000:17:00.0", device_class, vendor, number, vram)
    (card,) = on_the_bus(Tree(tmp_path))
    assert (card.name, card.source, card.memory_total_bytes) == (name, "pci", vram)
    assert card.pci_id == f"{vendor[2:]}:{number[2:]}"


def test_a_card_that_a_guest_was_given_may_be_on_the_first_bus(tmp_path: Path) -> None:
    device(tmp_path, "0000:00:02.0", "0x030000", "0x8086", "0x46a6")  # of the processor
    device(tmp_path, "0000:00:05.0", "0x038000", "0x8086", "0x56c0")

    assert [card.name for card in on_the_bus(Tree(tmp_path))] == ["Intel Data Center GPU Flex 170"]


@pytest.mark.parametrize(("number", "names"), [("0x7448", ["AMD Radeon Pro W7900"]), ("0x164e", [])])
def test_without_amds_driver_the_models_that_are_known_are_cards(tmp_path: Path, number: str, names: list[str]) -> None:
    device(tmp_path, "0000:03:00.0", "0x030000", "0x1002", number)

    assert [card.name for card in on_the_bus(Tree(tmp_path))] == names


def test_a_server_card_of_amd_says_its_own_name(tmp_path: Path) -> None:
    folder = device(tmp_path, "0000:c1:00.0", "0x120000", "0x1002", "0x74a5", 256 * 2**30)
    (folder / "product_name").write_text("AMD Instinct MI325 OAM\n")
    (card,) = on_the_bus(Tree(tmp_path))
    assert (card.name, card.pci_id) == ("AMD Instinct MI325 OAM", "1002:74a5")


@pytest.mark.parametrize(
    ("number", "files", "total_gib"),
    [
        ("0x56a0", {"drm/card1/lmem_total_bytes": 16}, 16),  # Arc A770, Intel's i915 for servers
        ("0x0bd5", {"tile0/physical_vram_size_bytes": 64, "tile1/physical_vram_size_bytes": 64}, 128),  # Max 1550, xe
        ("0xe20b", {"drm/card1/dev": 0}, None),  # a driver that does not tell
    ],
)
def test_memory_of_intel_cards(tmp_path: Path, number: str, files: dict[str, int], total_gib: int | None) -> None:
    folder = device(tmp_path, "0000:03:00.0", "0x038000", "0x8086", number)
    for name, gib in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"{gib * 2**30}\n")
    (card,) = on_the_bus(Tree(tmp_path))
    assert card.memory_total_bytes == (None if total_gib is None else total_gib * 2**30)


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
    assert [card.name for card in found.cards] == ["AMD Instinct MI300X"]
    assert "seen on the PCI bus only" in (found.note or "")
    assert look(NoDriver(), lambda: None, Tree(tmp_path / "none")).cards == ()


@pytest.mark.parametrize(
    ("vendor", "number", "files", "limits_w"),
    [
        ("0x1002", "0x744c", {"power1_cap": 303_000_000, "power1_cap_default": 315_000_000}, (303, 315)),
        ("0x8086", "0xe20b", {"power1_max": 190_000_000, "power1_rated_max": 200_000_000}, (190, 200)),
        ("0x8086", "0xe20b", {"power1_max": 0}, (None, None)),  # switched off
        ("0x8086", "0x56a0", {}, (None, None)),
    ],
)
def test_power_limits_are_those_of_the_driver(
    tmp_path: Path, vendor: str, number: str, files: dict[str, int], limits_w: tuple[float | None, float | None]
) -> None:
    """ABI/testing/sysfs-driver-intel-xe-hwmon, gpu/amdgpu/thermal.rst: microwatts."""
    folder = device(tmp_path, "0000:03:00.0", "0x030000", vendor, number, 16 * 2**30)
    (folder / "hwmon/hwmon2").mkdir(parents=True)
    for name, limit_uw in files.items():
        (folder / "hwmon/hwmon2" / name).write_text(f"{limit_uw}\n")
    (card,) = on_the_bus(Tree(tmp_path))
    assert (card.power_limit_w, card.power_limit_default_w) == limits_w
