"""A short name that equal hosts share."""

import hashlib
import json

from profiler.results.host_facts import HostFacts

_GIB = 2**30

_STABLE_CPU = {
    *("vendor", "model_name", "family", "model", "stepping", "implementer", "part", "isa_features", "logical_cpus"),
    *("physical_cores", "sockets", "numa_nodes", "caches", "max_frequency_mhz"),
}
_STABLE_LIMITS = {"cgroup_version", "cpu_limit_cores", "memory_limit_bytes"}
_STABLE_GPU = {"name", "memory_total_bytes", "mig_mode"}


def fingerprint(facts: HostFacts) -> str:
    """Return 12 hex digits that equal hosts share and a different host does not.

    Hashed: architecture, processors, memory to the nearest GiB, virtualisation, limits and GPUs. Left
    out is what a restart, a kernel update, a setting or another machine of the same type changes: name,
    system, kernel, Python, affinity, governor, power limit, region and the frequency of the moment.
    """
    memory_bytes = facts.memory.total_bytes
    stable: dict[str, object] = {
        "machine": facts.machine,
        "cpu": facts.cpu.model_dump(mode="json", include=_STABLE_CPU),
        "memory_gib": None if memory_bytes is None else round(memory_bytes / _GIB),
        "virtualisation": facts.virtualisation.model_dump(mode="json", exclude={"emulated_reason"}),
        "limits": facts.limits.model_dump(mode="json", include=_STABLE_LIMITS),
    }
    if facts.gpus:
        stable["gpus"] = [gpu.model_dump(mode="json", include=_STABLE_GPU) for gpu in facts.gpus]
    return hashlib.sha256(json.dumps(stable, sort_keys=True).encode()).hexdigest()[:12]
