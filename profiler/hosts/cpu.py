"""The processors of a host, put together from what files and answers say of them."""

from typing import Literal

from profiler.hosts import identity, procfs, topology
from profiler.hosts.probe import Probe
from profiler.hosts.tree import Tree, whole_number
from profiler.results.host_facts import CpuFacts, VirtualisationFacts

Fields = dict[str, str]
Source = Literal["family/model", "part", "features"]

_MIDR = "sys/devices/system/cpu/cpu0/regs/identification/midr_el1"


def cpu(tree: Tree, probe: Probe, processors: list[Fields], lscpu: Fields, system: VirtualisationFacts) -> CpuFacts:
    """Describe the processors; `processors` is `/proc/cpuinfo`, `system` what DMI says."""
    first = {**identity.midr_fields(tree.text(_MIDR)), **(processors or [{}])[0]}
    vendor = _vendor(first, lscpu)
    features = set((first.get("flags") or first.get("Features") or lscpu.get("Flags") or "").split())
    design, source = _microarchitecture(probe, vendor, first, features)
    logical = len(processors) or whole_number(lscpu.get("CPU(s)")) or probe.logical_cpus
    cores = topology.physical_cores(tree) or _listed_cores(lscpu) or probe.physical_cores
    threads_per_core = whole_number(lscpu.get("Thread(s) per core")) or _ratio(logical, cores)
    beside_gpu = identity.is_superchip([system.system_product, *(gpu.name for gpu in probe.gpus)])
    core = (vendor, first.get("CPU part"), system.system_vendor)
    by_part = identity.arm_model_name(*core, beside_gpu=beside_gpu)
    model_name = first.get("model name") or _kinds(processors) or by_part or lscpu.get("Model name") or probe.cpu_brand
    return CpuFacts(
        vendor=vendor,
        model_name=model_name,
        generation=identity.x86_generation(model_name, design, whole_number(first.get("model")))
        or identity.arm_generation(*core, beside_gpu=beside_gpu),
        microarchitecture=design,
        microarchitecture_source=source,
        isa_level=identity.isa_level(probe.machine, features),
        isa_features=identity.inference_features(features),
        family=whole_number(first.get("cpu family")),
        model=whole_number(first.get("model")),
        stepping=whole_number(first.get("stepping")),
        implementer=first.get("CPU implementer"),
        part=first.get("CPU part"),
        logical_cpus=logical,
        usable_cpus=probe.usable_cpus,
        physical_cores=cores,
        threads_per_core=threads_per_core,
        smt=None if threads_per_core is None else threads_per_core > 1,
        sockets=topology.sockets(tree) or whole_number(lscpu.get("Socket(s)")),
        numa_nodes=topology.numa_nodes(tree) or whole_number(lscpu.get("NUMA node(s)")),
        caches=topology.caches(tree),
        max_frequency_mhz=topology.max_frequency_mhz(tree) or probe.max_frequency_mhz,
        current_frequency_mhz=topology.current_frequency_mhz(tree, processors),
        governor=topology.governor(tree),
        turbo=topology.turbo(tree),
        steal_since_boot_ratio=procfs.cpu_times(tree.text("proc/stat")).steal_ratio,
    )


def _vendor(first: Fields, lscpu: Fields) -> str | None:
    return first.get("vendor_id") or identity.arm_vendor(first.get("CPU implementer")) or lscpu.get("Vendor ID")


def _kinds(processors: list[Fields]) -> str | None:
    """Name the cores of an Arm processor that has several kinds."""
    return identity.arm_kinds(
        (identity.arm_vendor(block.get("CPU implementer")), block.get("CPU part")) for block in processors
    )


def _microarchitecture(
    probe: Probe, vendor: str | None, first: Fields, features: set[str]
) -> tuple[str | None, Source | None]:
    """Name the design; never by features where a part number tells it from others that have the same."""
    family, model = whole_number(first.get("cpu family")), whole_number(first.get("model"))
    by_features = (
        None if "CPU part" in first else identity.microarchitecture_by_features(probe.machine, vendor, features)
    )
    candidates: list[tuple[str | None, Source]] = [
        (identity.x86_microarchitecture(vendor, family, model), "family/model"),
        (identity.arm_microarchitecture(vendor, first.get("CPU part")), "part"),
        (probe.microarchitecture, "features"),
        (by_features, "features"),
    ]
    return next(((name, source) for name, source in candidates if name), (None, None))


def _listed_cores(lscpu: Fields) -> int | None:
    per_socket, sockets = whole_number(lscpu.get("Core(s) per socket")), whole_number(lscpu.get("Socket(s)"))
    return per_socket * sockets if per_socket and sockets else None


def _ratio(logical: int | None, cores: int | None) -> int | None:
    return max(1, logical // cores) if logical and cores else None
