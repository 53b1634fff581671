import pytest

from profiler import reference_data
from profiler.hosts.gpu_sheets import TYPES, data_sheet


@pytest.mark.parametrize(
    ("name", "gb_per_s", "f16_tera"),
    [
        ("NVIDIA H100 80GB HBM3", 3350, 989.5),
        ("NVIDIA A100-SXM4-40GB", 1555, 312),
        ("Tesla T4", 320, 65),
        ("NVIDIA GeForce RTX 4090", 1008, 165.2),
        ("AMD Instinct MI300X", 5300, 1307.4),
        ("AMD Instinct MI300X OAM", 5300, 1307.4),
        ("AMD Instinct MI325 OAM", 6000, 1307.4),  # as the card calls itself, without the X
    ],
)
def test_a_card_is_found_by_the_name_of_its_driver(name: str, gb_per_s: float, f16_tera: float) -> None:
    found = data_sheet(name)
    assert found is not None
    assert (found.memory_bytes_per_s, found.operations_per_s["f16"]) == (gb_per_s * 1e9, f16_tera * 1e12)
    assert "data sheet" in found.source or "brief" in found.source or "whitepaper" in found.source


@pytest.mark.parametrize(
    "name", [None, "", "NVIDIA A10G", "NVIDIA H100", "AMD 1002:74a1", "NVIDIA A100-SXM4-80GB MIG 1g.10gb"]
)
def test_cards_of_another_name_are_unknown(name: str | None) -> None:
    assert data_sheet(name) is None


def test_types_that_a_generation_does_not_have_are_missing() -> None:
    found = data_sheet("NVIDIA A100-SXM4-80GB")
    assert found is not None
    assert "fp8" not in found.operations_per_s


def test_every_row_has_a_source_and_fits_the_others() -> None:
    """A multiply-add in half the bits takes half the silicon: twice f16 is int8 and fp8, where a card has them."""
    rows = reference_data.rows("gpus.csv")
    assert len({row["name"] for row in rows}) == len(rows)
    for row in rows:
        assert reference_data.source(row["source"]).url
        rates = {kind: float(row[f"{kind}_tera"]) for kind in TYPES if row[f"{kind}_tera"]}
        for kind in rates.keys() & {"int8", "fp8"}:
            assert 1 <= rates[kind] / rates["f16"] <= 4.01, row["name"]
