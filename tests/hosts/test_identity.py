"""Which processor it is."""

import pytest

from profiler.hosts import identity


@pytest.mark.parametrize(
    ("vendor", "family", "model", "name"),
    [
        ("GenuineIntel", 6, 0x6A, "icelake"),
        ("GenuineIntel", 6, 0x8F, "sapphirerapids"),
        ("GenuineIntel", 6, 0x55, None),  # Skylake, Cascade Lake and Cooper Lake: features tell them apart
        ("AuthenticAMD", 0x17, 0x31, "zen2"),
        ("AuthenticAMD", 0x19, 0x01, "zen3"),
        ("AuthenticAMD", 0x19, 0x11, "zen4"),
        ("AuthenticAMD", 0x1A, 0x02, "zen5"),
        ("AuthenticAMD", 6, 0x6A, None),
        (None, None, None, None),
    ],
)
def test_x86_by_numbers(vendor: str | None, family: int | None, model: int | None, name: str | None) -> None:
    assert identity.x86_microarchitecture(vendor, family, model) == name


@pytest.mark.parametrize(
    ("part", "core", "graviton"),
    [
        ("0xd08", "Cortex-A72", "AWS Graviton (Cortex-A72)"),
        ("0xd0c", "Neoverse-N1", "AWS Graviton2 (Neoverse-N1)"),
        ("0xd40", "Neoverse-V1", "AWS Graviton3 (Neoverse-V1)"),
        ("0xd4f", "Neoverse-V2", "AWS Graviton4 (Neoverse-V2)"),
        ("0xd84", "Neoverse-V3", "AWS Graviton5 (Neoverse-V3)"),
        ("0xd49", "Neoverse-N2", "Neoverse-N2"),
        ("0xfff", None, None),
    ],
)
def test_arm_part_is_a_graviton_on_ec2_only(part: str, core: str | None, graviton: str | None) -> None:
    assert identity.arm_model_name("ARM", part, None) == core
    assert identity.arm_model_name("ARM", part, "Amazon EC2") == graviton


def test_a_part_number_belongs_to_its_implementer() -> None:
    assert identity.arm_vendor("0xc0") == "Ampere"
    assert identity.arm_microarchitecture("Ampere", "0xac3") == "ampere1"
    assert identity.arm_microarchitecture("ARM", "0xd40") == "neoverse_v1"
    assert identity.arm_microarchitecture("HiSilicon", "0xd40") is None
    assert identity.arm_model_name("HiSilicon", "0xd40", None) is None


def test_features_name_the_newest_design_they_allow() -> None:
    haswell = {*("mmx", "sse", "sse2", "ssse3", "sse4_1", "sse4_2", "popcnt", "aes", "pclmulqdq", "avx", "rdrand")}
    haswell |= {"f16c", "movbe", "fma", "avx2", "bmi1", "bmi2", "lahf_lm", "cx16", "abm", "xsave"}

    assert identity.microarchitecture_by_features("x86_64", "GenuineIntel", haswell) == "haswell"
    assert identity.isa_level("x86_64", haswell) == "x86_64_v3"
    assert identity.microarchitecture_by_features("x86_64", "GenuineIntel", set()) is None
    assert identity.isa_level("aarch64", {"asimd"}) is None
