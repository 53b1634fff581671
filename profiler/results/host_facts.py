"""What is known about a host. Whatever could not be learnt is `None`, never a guess and never 0."""

from typing import Literal

from pydantic import ConfigDict, Field

from profiler.results.part import Part


class _Fixed(Part):
    model_config = ConfigDict(frozen=True)


class CacheFacts(_Fixed):
    """One kind of cache, as the kernel lists it."""

    level: int
    kind: Literal["data", "instruction", "unified"]
    size_bytes: int = Field(description="Size of one instance.")
    instances: int = Field(description="How many there are; each serves the CPUs that share it.")


class CpuFacts(_Fixed):
    """The processors, and how the host lets us use them."""

    vendor: str | None = None
    model_name: str | None = Field(
        default=None,
        description="As the kernel prints it; on ARM, where it prints none, from the part number.",
    )
    generation: str | None = Field(
        default=None, description="The product line, where it can be told: AWS Graviton3, AMD EPYC 7003 (Milan), …"
    )
    microarchitecture: str | None = Field(default=None, description="In archspec's spelling: neoverse_v1, zen4, …")
    microarchitecture_source: Literal["family/model", "part", "features"] | None = Field(
        default=None,
        description="How it was told. 'features' names the newest design whose features are all visible: "
        "a hypervisor that hides one makes it an older design.",
    )
    isa_level: str | None = Field(default=None, description="Generic level, such as x86_64_v4 or aarch64.")
    isa_features: list[str] = Field(default=[], description="Instruction sets that matter to inference.")
    family: int | None = None
    model: int | None = None
    stepping: int | None = None
    implementer: str | None = Field(default=None, description="ARM only, such as 0x41.")
    part: str | None = Field(default=None, description="ARM only, such as 0xd40.")
    logical_cpus: int | None = None
    usable_cpus: int | None = Field(default=None, description="CPUs that this process may be scheduled on.")
    physical_cores: int | None = None
    threads_per_core: int | None = None
    smt: bool | None = Field(default=None, description="Whether two or more logical CPUs share a core.")
    sockets: int | None = None
    numa_nodes: int | None = None
    caches: list[CacheFacts] = Field(default=[])
    max_frequency_mhz: float | None = None
    current_frequency_mhz: float | None = Field(default=None, description="Mean over the CPUs, when asked.")
    governor: str | None = None
    turbo: bool | None = Field(default=None, description="Whether the frequency driver allows turbo.")
    steal_since_boot_ratio: float | None = Field(
        default=None, description="Share of all CPU time that the hypervisor gave to others, since the start."
    )


class MemoryFacts(_Fixed):
    """Main memory."""

    total_bytes: int | None = None
    swap_total_bytes: int | None = None
    swap_used_bytes: int | None = None
    transparent_hugepages: str | None = Field(default=None, description="always, madvise or never.")


class VirtualisationFacts(_Fixed):
    """What lies between us and the hardware."""

    is_virtual: bool | None = None
    hypervisor: str | None = None
    container: str | None = Field(default=None, description="docker, podman, kubernetes, lxc, …")
    system_vendor: str | None = Field(default=None, description="DMI; on EC2 'Amazon EC2'.")
    system_product: str | None = Field(default=None, description="DMI; on EC2 the instance type.")
    emulated: bool | None = Field(
        default=None,
        description="True: the instructions are interpreted, so no speed seen here means anything.",
    )
    emulated_reason: str | None = None


class LimitFacts(_Fixed):
    """What control groups allow; `None` is no limit that could be seen."""

    cgroup_version: Literal[1, 2] | None = None
    cpu_limit_cores: float | None = None
    memory_limit_bytes: int | None = None
    cpuset: str | None = Field(default=None, description="CPUs that the group may use, such as 0-3,8; None is all.")
    share_cores: float | None = Field(
        default=None, description="What this process may use: the least of affinity, cpuset and quota."
    )
    share_memory_bytes: int | None = Field(default=None, description="The lesser of the limit and the machine's.")


class GpuFacts(_Fixed):
    """One GPU, as NVML or nvidia-smi describes it; name, number and memory alone where only the PCI bus tells."""

    index: int
    name: str | None = None
    source: Literal["nvml", "nvidia-smi", "pci"]
    pci_id: str | None = Field(default=None, description="Maker and model on the bus, such as 1002:74a1.")
    memory_total_bytes: int | None = None
    driver: str | None = None
    compute_capability: str | None = None
    power_limit_w: float | None = Field(default=None, description="The limit in force.")
    power_limit_default_w: float | None = None
    pcie_generation: int | None = Field(
        default=None, description="Of the link as it is now; it may rest below its best."
    )
    pcie_generation_max: int | None = None
    pcie_width: int | None = None
    pcie_width_max: int | None = None
    nvlinks_active: int | None = Field(default=None, description="NVLinks that are up; 0 where the card has none up.")
    mig_mode: bool | None = Field(default=None, description="Whether the card may be split; None where it cannot be.")
    max_memory_clock_mhz: int | None = None
    max_sm_clock_mhz: int | None = None


class CloudFacts(_Fixed):
    """The rented machine, from DMI and the provider's metadata service."""

    provider: Literal["aws", "gcp", "azure"] | None = None
    instance_type: str | None = None
    region: str | None = None
    zone: str | None = None
    purchase: Literal["on-demand", "spot"] | None = Field(default=None, description="How it is rented.")
    source: Literal["dmi", "metadata"] | None = Field(
        default=None, description="dmi: read from the firmware, nothing was asked."
    )
    note: str | None = Field(default=None, description="Why more is not known.")


class PeakFacts(_Fixed):
    """The highest rate of one kind of arithmetic: seen here, or of a GPU what its data sheet says."""

    operations_per_s: float | None = Field(description="A multiply-add counts as two; None where it was not measured.")
    how: str | None = Field(default=None, description="The instruction that reached it; the data sheet.")
    is_data_sheet: bool = False
    reason: str | None = Field(default=None, description="Why it was not measured.")


class GpuRoofFacts(_Fixed):
    """What a GPU's memory gives and its arithmetic reaches: measured, or what its data sheet says."""

    index: int
    name: str | None = None
    memory_bytes_per_s: float | None
    how: str | None = None
    is_data_sheet: bool = Field(default=False, description="Whether the memory's rate is that of a data sheet.")
    reason: str | None = None
    peaks: dict[str, PeakFacts] = Field(default={}, description="By type: f32, tf32, f16, bf16, fp8, int8.")


class RooflineFacts(_Fixed):
    """The limits of this host, measured by `aforo host roofline`. Whatever was not measured is `None`."""

    fingerprint: str = Field(description="Of the host that was measured.")
    measured_utc: str
    tool_version: str
    threads: int
    memory_bytes_per_s: float | None = Field(description="Reads, all threads together, far beyond the caches.")
    memory_how: str | None = None
    memory_reason: str | None = None
    peaks: dict[str, PeakFacts] = Field(description="By type: f32, f16, bf16, int8.")
    gpus: list[GpuRoofFacts] = Field(default=[])
    notes: list[str] = Field(default=[], description="What was not as it should be while measuring.")


class HostFacts(_Fixed):
    """The whole of what `aforo host --json` prints and `run.json` keeps under `host`."""

    fingerprint: str = Field(default="", description="The same for hosts that should measure the same.")
    name: str | None = None
    system: str | None = Field(default=None, description="Operating system and its version.")
    kernel: str | None = None
    machine: str | None = Field(default=None, description="x86_64, aarch64, arm64, …")
    python: str | None = None
    cpu: CpuFacts = CpuFacts()
    memory: MemoryFacts = MemoryFacts()
    virtualisation: VirtualisationFacts = VirtualisationFacts()
    limits: LimitFacts = LimitFacts()
    gpus: list[GpuFacts] = Field(default=[])
    gpu_note: str | None = Field(default=None, description="Why nothing is known of GPUs.")
    cloud: CloudFacts = CloudFacts()
    roofline: RooflineFacts | None = Field(default=None, description="The measured one that is kept, if one is.")
