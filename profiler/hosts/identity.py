"""Which processor it is: from the numbers it carries where we know them, else from its features."""

import re
from collections import Counter
from collections.abc import Iterable

from archspec.cpu import TARGETS
from archspec.cpu.schema import TARGETS_JSON

INFERENCE_FEATURES = (
    *("sse4_2", "avx", "f16c", "fma", "avx2", "avx_vnni", "avx_ifma", "avx_vnni_int8"),
    *("avx512f", "avx512bw", "avx512vl", "avx512_vnni", "avx512_bf16"),
    *("avx512_fp16", "amx_tile", "amx_int8", "amx_bf16", "amx_fp16"),
    *("asimd", "asimdhp", "asimddp", "i8mm", "bf16", "sve", "svei8mm", "svebf16", "sve2", "sme", "sme2"),
)


# Product lines as their makers name them (ark.intel.com; amd.com, EPYC product pages).
_OTHER_XEON = re.compile(
    r"\b(?:W\d?|D|E3?)-\d"
)  # Xeon W, D, E and E3 share the designs of these lines, not their sizes
_EMBEDDED_EPYC = re.compile(r"\bEPYC (?:EMBEDDED )?3\d\d\d\b")  # the design of Naples with half of it or less
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


# Implementer 0x41, from the Linux kernel's arch/arm64/include/asm/cputype.h.
_ARM_CORES = {
    "0xd03": "Cortex-A53",
    "0xd04": "Cortex-A35",
    "0xd05": "Cortex-A55",
    "0xd07": "Cortex-A57",
    "0xd08": "Cortex-A72",
    "0xd09": "Cortex-A73",
    "0xd0a": "Cortex-A75",
    "0xd0b": "Cortex-A76",
    "0xd0c": "Neoverse-N1",
    "0xd0d": "Cortex-A77",
    "0xd0e": "Cortex-A76AE",
    "0xd40": "Neoverse-V1",
    "0xd41": "Cortex-A78",
    "0xd42": "Cortex-A78AE",
    "0xd44": "Cortex-X1",
    "0xd46": "Cortex-A510",
    "0xd47": "Cortex-A710",
    "0xd48": "Cortex-X2",
    "0xd49": "Neoverse-N2",
    "0xd4a": "Neoverse-E1",
    "0xd4b": "Cortex-A78C",
    "0xd4c": "Cortex-X1C",
    "0xd4d": "Cortex-A715",
    "0xd4e": "Cortex-X3",
    "0xd4f": "Neoverse-V2",
    "0xd80": "Cortex-A520",
    "0xd81": "Cortex-A720",
    "0xd82": "Cortex-X4",
    "0xd83": "Neoverse-V3AE",
    "0xd84": "Neoverse-V3",
    "0xd85": "Cortex-X925",
    "0xd87": "Cortex-A725",
    "0xd89": "Cortex-A720AE",
    "0xd8e": "Neoverse-N3",
}
# A core alone is no proof of a Graviton: Neoverse-N1 is also Ampere Altra's and Neoverse-V2 also NVIDIA Grace's, so the
# Graviton name is used only where DMI says Amazon EC2.
_GRAVITONS = {
    "Cortex-A72": "AWS Graviton",
    "Neoverse-N1": "AWS Graviton2",
    "Neoverse-V1": "AWS Graviton3",
    "Neoverse-V2": "AWS Graviton4",
    "Neoverse-V3": "AWS Graviton5",
}
_GRACE_CORE, _GRACE = "Neoverse-V2", "NVIDIA Grace"
_SUPERCHIP = re.compile(r"G[BH][23]00", re.IGNORECASE)  # Grace with a GPU: NVIDIA GB200, p6e-gb200.36xlarge
_MICROSOFT, _COBALT = "Microsoft", {"0xd49": "Neoverse-N2"}  # its Cobalt 100 has a number of its own for Arm's core
_VENDORS = {"0x6d": _MICROSOFT, "0x70": "Phytium"}  # that archspec does not name

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
        return None if _OTHER_XEON.search(brand) else _XEON_LINES.get(microarchitecture or "")
    if "EPYC" in brand and model is not None and not _EMBEDDED_EPYC.search(brand):
        return _EPYC_LINES.get((microarchitecture or "", model >> 4))
    return None


def is_superchip(names: Iterable[str | None]) -> bool:
    """Whether a name of the system, or of a GPU in it, is that of a Grace with a GPU, wherever it is rented."""
    return any(name is not None and _SUPERCHIP.search(name) for name in names)


def arm_generation(
    vendor: str | None, part: str | None, system_vendor: str | None, *, beside_gpu: bool = False
) -> str | None:
    """Name the server processor around an Arm core: a Graviton on EC2, Grace in a system of NVIDIA's or a superchip.

    Ampere Altra has the cores of Graviton2, so outside EC2 a Neoverse-N1 stays a Neoverse-N1. `beside_gpu`: the system
    `is_superchip`.
    """
    core = _core(vendor, part)
    if vendor == _MICROSOFT and core:
        return "Azure Cobalt 100"
    if core == _GRACE_CORE and (beside_gpu or system_vendor == "NVIDIA"):
        return _GRACE
    if core in _GRAVITONS and system_vendor == "Amazon EC2":
        return _GRAVITONS[core]
    return core if core and core.startswith("Neoverse") else None


def _core(vendor: str | None, part: str | None) -> str | None:
    """Return the core of a part number, by Arm's name for it."""
    return {"ARM": _ARM_CORES, _MICROSOFT: _COBALT}.get(vendor or "", {}).get(part or "")


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
    if core := _core(vendor, part):
        return core.lower().replace("-", "_")
    known = (target for target in TARGETS.values() if part and (target.vendor, target.cpu_part) == (vendor, part))
    return next((str(target.name) for target in known), None)


def isa_level(machine: str, features: set[str]) -> str | None:
    """Return the generic level, such as x86_64_v3; ARM kernels show too little to tell it."""
    return microarchitecture_by_features(machine, "generic", features) if machine == "x86_64" else None


def arm_vendor(implementer: str | None) -> str | None:
    """Return the name of an implementer code such as 0x41."""
    names: dict[str, str] = TARGETS_JSON["conversions"]["arm_vendors"]
    return {**names, **_VENDORS}.get(implementer or "", implementer)


def arm_model_name(
    vendor: str | None, part: str | None, system_vendor: str | None, *, beside_gpu: bool = False
) -> str | None:
    """Name an Arm core, and the Graviton it sits in where the system says it is Amazon's."""
    core, around = _core(vendor, part), arm_generation(vendor, part, system_vendor, beside_gpu=beside_gpu)
    return f"{around} ({core})" if around in _GRAVITONS.values() else core


def arm_kinds(cores: Iterable[tuple[str | None, str | None]]) -> str | None:
    """Name the cores of a processor that has several kinds, with how many: 10 × Cortex-A725 + 10 × Cortex-X925.

    `cores` are vendor and part of each logical CPU. `None` for one kind, and where one has no name.
    """
    counted = Counter(cores)
    names = {_core(*each): count for each, count in counted.items()}
    if len(counted) == 1 or None in names:
        return None
    return " + ".join(f"{count} × {core}" for core, count in names.items()) or None


def inference_features(features: set[str]) -> list[str]:
    """Keep the instruction sets that matter to inference, oldest first."""
    return [name for name in INFERENCE_FEATURES if name in features]
