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


@pytest.mark.parametrize(
    ("name", "design", "model", "line"),
    [
        ("Intel(R) Xeon(R) Gold 6330 CPU @ 2.00GHz", "icelake", 0x6A, "3rd generation Intel Xeon Scalable (Ice Lake)"),
        (
            "INTEL(R) XEON(R) PLATINUM 8581C",
            "emeraldrapids",
            0xCF,
            "5th generation Intel Xeon Scalable (Emerald Rapids)",
        ),
        ("Intel(R) Xeon(R) CPU E5-2699 v4 @ 2.20GHz", "broadwell", 0x4F, "Intel Xeon E5/E7 v4 (Broadwell)"),
        ("Intel(R) Xeon(R) CPU @ 2.20GHz", "broadwell", 0x4F, "Intel Xeon E5/E7 v4 (Broadwell)"),  # a guest's
        ("Intel(R) Xeon(R) 6980P", "graniterapids", 0xAD, "Intel Xeon 6 with P-cores (Granite Rapids)"),
        # the same designs, and other processors
        ("Intel(R) Xeon(R) W-3375 CPU @ 2.50GHz", "icelake", 0x6A, None),
        ("Intel(R) Xeon(R) w9-3495X", "sapphirerapids", 0x8F, None),
        ("Intel(R) Xeon(R) CPU D-1541 @ 2.10GHz", "broadwell", 0x56, None),
        ("Intel(R) Xeon(R) D-2775TE CPU @ 2.00GHz", "icelake", 0x6C, None),
        ("Intel(R) Xeon(R) CPU E3-1285L v4 @ 3.40GHz", "broadwell", 0x47, None),
        ("AMD EPYC 7551 32-Core Processor", "zen", 0x01, "AMD EPYC 7001 (Naples, Zen)"),
        ("AMD EPYC 3251 8-Core Processor", "zen", 0x01, None),
    ],
)
def test_product_lines(name: str, design: str, model: int, line: str | None) -> None:
    assert identity.x86_generation(name, design, model) == line


def test_a_part_number_belongs_to_its_implementer() -> None:
    assert identity.arm_vendor("0xc0") == "Ampere"
    assert identity.arm_vendor("0x6d") == "Microsoft"
    assert identity.arm_microarchitecture("Microsoft", "0xd40") is None
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
