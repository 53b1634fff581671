"""Host facts as a table for people. Whatever is unknown says so."""

from rich.table import Table

from profiler.hosts.facts import CacheFacts, CpuFacts, HostFacts, LimitFacts, MemoryFacts, VirtualisationFacts

UNKNOWN = "unknown"
_GIB = 2**30


def facts_table(facts: HostFacts) -> Table:
    """Lay the facts out, one a row."""
    table = Table(title=f"Host {facts.name or UNKNOWN}", show_header=False, title_justify="left")
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in rows(facts):
        table.add_row(label, value)
    return table


def rows(facts: HostFacts) -> list[tuple[str, str]]:
    """Return label and value of every row."""
    return [
        ("Fingerprint", facts.fingerprint),
        ("System", f"{facts.system or UNKNOWN}, kernel {facts.kernel or UNKNOWN}"),
        *_cpu_rows(facts.cpu, facts.machine),
        *_memory_rows(facts.memory),
        *_layer_rows(facts.virtualisation, facts.limits),
        ("Python", facts.python or UNKNOWN),
    ]


def _cpu_rows(cpu: CpuFacts, machine: str | None) -> list[tuple[str, str]]:
    told_by = f" (told by its {cpu.microarchitecture_source})" if cpu.microarchitecture_source else ""
    return [
        ("Processor", f"{cpu.model_name or UNKNOWN}, {cpu.vendor or UNKNOWN}"),
        ("Design", f"{cpu.microarchitecture or UNKNOWN}{told_by}, {cpu.isa_level or machine or UNKNOWN}"),
        ("Instructions", " ".join(cpu.isa_features) or UNKNOWN),
        ("Cores", _cores(cpu)),
        ("Caches", ", ".join(_cache(cache) for cache in cpu.caches) or UNKNOWN),
        ("Frequency", _frequency(cpu)),
    ]


def _cores(cpu: CpuFacts) -> str:
    usable = f" ({cpu.usable_cpus} usable)" if cpu.usable_cpus not in {None, cpu.logical_cpus} else ""
    return (
        f"{_count(cpu.physical_cores)} physical, {_count(cpu.logical_cpus)} logical{usable}; "
        f"sockets: {_count(cpu.sockets)}, NUMA nodes: {_count(cpu.numa_nodes)}"
    )


def _cache(cache: CacheFacts) -> str:
    letter = {"data": "d", "instruction": "i", "unified": ""}[cache.kind]
    return f"L{cache.level}{letter} {cache.instances} × {cache.size_bytes / 1024:,.0f} KiB"


def _frequency(cpu: CpuFacts) -> str:
    now, highest = _mhz(cpu.current_frequency_mhz), _mhz(cpu.max_frequency_mhz)
    return f"{now} now, {highest} at most, governor {cpu.governor or UNKNOWN}"


def _memory_rows(memory: MemoryFacts) -> list[tuple[str, str]]:
    total, swap = _gib(memory.total_bytes), _gib(memory.swap_total_bytes)
    return [("Memory", f"{total}, swap {swap}, huge pages {memory.transparent_hugepages or UNKNOWN}")]


def _layer_rows(layers: VirtualisationFacts, limits: LimitFacts) -> list[tuple[str, str]]:
    product = " ".join(word for word in (layers.system_vendor, layers.system_product) if word)
    kind = {True: "virtual", False: "bare metal", None: UNKNOWN}[layers.is_virtual]
    found = [
        ("Machine", ", ".join(word for word in (kind, layers.hypervisor, product) if word)),
        ("Container", layers.container),
        ("CPU limit", limits.cpu_limit_cores and f"{limits.cpu_limit_cores:g} cores"),
        ("Memory limit", limits.memory_limit_bytes and _gib(limits.memory_limit_bytes)),
        ("Emulated", layers.emulated and f"yes: {layers.emulated_reason}; no speed seen here means anything"),
    ]
    return [(label, value) for label, value in found if value]


def _count(number: int | None) -> str:
    return UNKNOWN if number is None else str(number)


def _mhz(mhz: float | None) -> str:
    return UNKNOWN if mhz is None else f"{mhz:,.0f} MHz"


def _gib(size_bytes: int | None) -> str:
    return UNKNOWN if size_bytes is None else f"{size_bytes / _GIB:.1f} GiB"
