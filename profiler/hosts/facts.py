"""What is known about a host. Whatever could not be learnt is `None`, never a guess and never 0."""

import hashlib
import json
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

_GIB = 2**30


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", protected_namespaces=(), frozen=True)


class CacheFacts(_Part):
    """One kind of cache, as the kernel lists it."""

    level: int
    kind: Literal["data", "instruction", "unified"]
    size_bytes: int = Field(description="Size of one instance.")
    instances: int = Field(description="How many there are; each serves the CPUs that share it.")


class CpuFacts(_Part):
    """The processors, and how the host lets us use them."""

    vendor: str | None = None
    model_name: str | None = Field(
        default=None,
        description="As the kernel prints it; on ARM, where it prints none, from the part number.",
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
    caches: list[CacheFacts] = []
    max_frequency_mhz: float | None = None
    current_frequency_mhz: float | None = Field(default=None, description="Mean over the CPUs, when asked.")
    governor: str | None = None


class MemoryFacts(_Part):
    """Main memory."""

    total_bytes: int | None = None
    swap_total_bytes: int | None = None
    transparent_hugepages: str | None = Field(default=None, description="always, madvise or never.")


class VirtualisationFacts(_Part):
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


class LimitFacts(_Part):
    """What control groups allow; `None` is no limit that could be seen."""

    cgroup_version: Literal[1, 2] | None = None
    cpu_limit_cores: float | None = None
    memory_limit_bytes: int | None = None


class HostFacts(_Part):
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


_STABLE_CPU = {
    *("vendor", "model_name", "family", "model", "stepping", "implementer", "part"),
    *(
        "isa_features",
        "logical_cpus",
        "physical_cores",
        "sockets",
        "numa_nodes",
        "caches",
        "max_frequency_mhz",
    ),
}


def fingerprint(facts: HostFacts) -> str:
    """Return 12 hex digits that equal hosts share and a different host does not.

    Hashed: architecture, processors, memory to the nearest GiB, virtualisation and limits. Left out
    is what a restart, a kernel update, a setting or another machine of the same type changes: name,
    system, kernel, Python, affinity, governor and the frequency of the moment.
    """
    memory_bytes = facts.memory.total_bytes
    stable = {
        "machine": facts.machine,
        "cpu": facts.cpu.model_dump(mode="json", include=_STABLE_CPU),
        "memory_gib": None if memory_bytes is None else round(memory_bytes / _GIB),
        "virtualisation": facts.virtualisation.model_dump(mode="json", exclude={"emulated_reason"}),
        "limits": facts.limits.model_dump(mode="json"),
    }
    return hashlib.sha256(json.dumps(stable, sort_keys=True).encode()).hexdigest()[:12]
