"""Which processor it is: from the numbers it carries where we know them, else from its features."""

from dataclasses import dataclass

from archspec.cpu import TARGETS
from archspec.cpu.schema import TARGETS_JSON

INFERENCE_FEATURES = (
    *("sse4_2", "avx", "f16c", "fma", "avx2", "avx_vnni", "avx_ifma", "avx_vnni_int8"),
    *("avx512f", "avx512bw", "avx512vl", "avx512_vnni", "avx512_bf16"),
    *("avx512_fp16", "amx_tile", "amx_int8", "amx_bf16", "amx_fp16"),
    *("asimd", "asimdhp", "asimddp", "i8mm", "bf16", "sve", "svei8mm", "svebf16", "sve2", "sme", "sme2"),
)


# Product lines as their makers name them (ark.intel.com; amd.com, EPYC product pages).
_XEON_LINES = {
    "broadwell": "Intel Xeon E5/E7 v4 (Broadwell)",
    "skylake_avx512": "1st generation Intel Xeon Scalable (Skylake)",
    "cascadelake": "2nd generation Intel Xeon Scalable (Cascade Lake)",
    "icelake": "3rd generation Intel Xeon Scalable (Ice Lake)",
    "sapphirerapids": "4th generation Intel Xeon Scalable (Sapphire Rapids)",
    "emeraldrapids": "5th generation Intel Xeon Scalable (Emerald Rapids)",
    "graniterapids": "Intel Xeon 6 with P-cores (Granite Rapids)",
    "sierraforest": "Intel Xeon 6 with E-cores (Sierra Forest)",
}
_EPYC_LINES = {  # by microarchitecture and the high digit of the model: EPYC 4004 is a Zen 4, but no Genoa
    ("zen", 0x0): "AMD EPYC 7001 (Naples, Zen)",
    ("zen2", 0x3): "AMD EPYC 7002 (Rome, Zen 2)",
    ("zen3", 0x0): "AMD EPYC 7003 (Milan, Zen 3)",
    ("zen4", 0x1): "AMD EPYC 9004 (Genoa, Zen 4)",
    ("zen4", 0xA): "AMD EPYC 9004/8004 (Bergamo or Siena, Zen 4c)",
    ("zen5", 0x0): "AMD EPYC 9005 (Turin, Zen 5)",
    ("zen5", 0x1): "AMD EPYC 9005 (Turin, Zen 5c)",
}


@dataclass(frozen=True)
class ArmPart:
    """What a part number of Arm's own designs says."""

    core: str
    microarchitecture: str
    graviton: str | None = None


# Implementer 0x41. A part alone is no proof of a Graviton: 0xd0c is also Ampere Altra and 0xd4f also
# NVIDIA Grace, so the Graviton name is used only where DMI says Amazon EC2.
ARM_PARTS = {
    "0xd08": ArmPart("Cortex-A72", "cortex_a72", "AWS Graviton"),
    "0xd0b": ArmPart("Cortex-A76", "cortex_a76"),
    "0xd0c": ArmPart("Neoverse-N1", "neoverse_n1", "AWS Graviton2"),
    "0xd40": ArmPart("Neoverse-V1", "neoverse_v1", "AWS Graviton3"),
    "0xd49": ArmPart("Neoverse-N2", "neoverse_n2"),
    "0xd4f": ArmPart("Neoverse-V2", "neoverse_v2", "AWS Graviton4"),
    "0xd84": ArmPart("Neoverse-V3", "neoverse_v3", "AWS Graviton5"),
}

# Server processors: vendor, family, models. From the Linux kernel's intel-family.h and amd.c. A guest
# sees these numbers unchanged even where its hypervisor hides features.
_X86_MODELS: tuple[tuple[str, int, tuple[range, ...], str], ...] = (
    ("GenuineIntel", 6, (range(0x4F, 0x50),), "broadwell"),
    ("GenuineIntel", 6, (range(0x6A, 0x6B), range(0x6C, 0x6D)), "icelake"),
    ("GenuineIntel", 6, (range(0x8F, 0x90),), "sapphirerapids"),
    ("GenuineIntel", 6, (range(0xAD, 0xAF),), "graniterapids"),
    ("GenuineIntel", 6, (range(0xAF, 0xB0),), "sierraforest"),
    ("GenuineIntel", 6, (range(0xCF, 0xD0),), "emeraldrapids"),
    ("AuthenticAMD", 0x17, (range(0x30), range(0x50, 0x60)), "zen"),
    ("AuthenticAMD", 0x17, (range(0x30, 0x50), range(0x60, 0x80), range(0xA0, 0xB0)), "zen2"),
    ("AuthenticAMD", 0x19, (range(0x10), range(0x20, 0x60)), "zen3"),
    ("AuthenticAMD", 0x19, (range(0x10, 0x20), range(0x60, 0xB0)), "zen4"),
    ("AuthenticAMD", 0x1A, (range(0x30), range(0x40, 0x50), range(0x60, 0x80)), "zen5"),
)


def x86_microarchitecture(vendor: str | None, family: int | None, model: int | None) -> str | None:
    """Name a server processor by its numbers, or `None` when they are not in the table."""
    for known_vendor, known_family, models, name in _X86_MODELS:
        if (vendor, family) == (known_vendor, known_family) and any(model in span for span in models):
            return name
    return None


def microarchitecture_by_features(machine: str, vendor: str | None, features: set[str]) -> str | None:
    """Name the newest design that archspec knows of whose features are all there."""
    seen = features | ({"sse3"} if "ssse3" in features else set())  # Linux prints sse3 as 'pni'
    known = [
        target
        for target in TARGETS.values()
        if target.family.name == machine and target.vendor == vendor and target.features <= seen
    ]
    newest = max(known, key=lambda target: (len(target.ancestors), len(target.features)), default=None)
    return None if newest is None else str(newest.name)


def x86_generation(model_name: str | None, microarchitecture: str | None, model: int | None) -> str | None:
    """Name the product line of a processor that calls itself Xeon or EPYC; others have none here."""
    brand = (model_name or "").upper()  # some guests are told 'INTEL(R) XEON(R) PLATINUM …'
    if "XEON" in brand:
        return _XEON_LINES.get(microarchitecture or "")
    if "EPYC" in brand and model is not None:
        return _EPYC_LINES.get((microarchitecture or "", model >> 4))
    return None


def arm_generation(vendor: str | None, part: str | None, system_vendor: str | None) -> str | None:
    """Name the server processor around an Arm core: a Graviton on EC2, Grace in a system of NVIDIA's.

    Ampere Altra has the cores of Graviton2, so outside EC2 a Neoverse-N1 stays a Neoverse-N1.
    """
    known = ARM_PARTS.get(part or "") if vendor == "ARM" else None
    if known is None:
        return None
    if system_vendor == "Amazon EC2" and known.graviton:
        return known.graviton
    if known.microarchitecture == "neoverse_v2" and system_vendor == "NVIDIA":
        return "NVIDIA Grace"
    return known.core if known.core.startswith("Neoverse") else None


def midr_fields(midr: str | None) -> dict[str, str]:
    """Split the register MIDR_EL1 into what `/proc/cpuinfo` prints of it.

    '0x414fd0c1' is implementer 0x41, variant 0x4, part 0xd0c, revision 1 (Arm Architecture Reference
    Manual, MIDR_EL1).
    """
    try:
        value = int(midr or "", 16)
    except ValueError:
        return {}
    return {"CPU implementer": f"0x{value >> 24 & 0xFF:02x}", "CPU part": f"0x{value >> 4 & 0xFFF:03x}"}


def arm_microarchitecture(vendor: str | None, part: str | None) -> str | None:
    """Name an ARM design by its part number, from our table or archspec's."""
    if vendor == "ARM" and part in ARM_PARTS:
        return ARM_PARTS[part].microarchitecture
    known = (target for target in TARGETS.values() if part and (target.vendor, target.cpu_part) == (vendor, part))
    return next((str(target.name) for target in known), None)


def isa_level(machine: str, features: set[str]) -> str | None:
    """Return the generic level, such as x86_64_v3; ARM kernels show too little to tell it."""
    return microarchitecture_by_features(machine, "generic", features) if machine == "x86_64" else None


def arm_vendor(implementer: str | None) -> str | None:
    """Return the name of an implementer code such as 0x41."""
    names: dict[str, str] = TARGETS_JSON["conversions"]["arm_vendors"]
    return names.get(implementer or "", implementer)


def arm_model_name(vendor: str | None, part: str | None, system_vendor: str | None) -> str | None:
    """Name an Arm core, and the Graviton it sits in where the system says it is Amazon's."""
    known = ARM_PARTS.get(part or "") if vendor == "ARM" else None
    if known is None:
        return None
    is_graviton = known.graviton is not None and system_vendor == "Amazon EC2"
    return f"{known.graviton} ({known.core})" if is_graviton else known.core


def inference_features(features: set[str]) -> list[str]:
    """Keep the instruction sets that matter to inference, oldest first."""
    return [name for name in INFERENCE_FEATURES if name in features]
