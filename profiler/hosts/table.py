"""Host facts as a table for people. Whatever is unknown says so."""

from collections.abc import Sequence

from rich.table import Table

from profiler.hosts.check import KnobReport
from profiler.results.host_facts import (
    CacheFacts,
    CloudFacts,
    CpuFacts,
    GpuFacts,
    GpuRoofFacts,
    HostFacts,
    LimitFacts,
    MemoryFacts,
    PeakFacts,
    RooflineFacts,
    VirtualisationFacts,
)

UNKNOWN = "unknown"
_GIB = 2**30
_GIGA, _TERA = 1e9, 1e12


def facts_table(facts: HostFacts) -> Table:
    """Lay the facts out, one a row."""
    table = Table(title=f"Host {facts.name or UNKNOWN}", show_header=False, title_justify="left")
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in rows(facts):
        table.add_row(label, value)
    return table


def check_table(reports: Sequence[KnobReport]) -> Table:
    """Lay out what was seen of each knob, and what to do."""
    table = Table(title="Preflight: sources of interference", title_justify="left")
    table.add_column("Knob", style="bold", no_wrap=True)
    table.add_column("Seen", overflow="fold")
    table.add_column("Advice", overflow="fold")
    for report in reports:
        advice = report.advice and f"{report.advice} {report.why}"
        table.add_row(report.knob, report.seen or "this host does not tell", advice or "")
    return table


def roofline_table(found: RooflineFacts) -> Table:
    """Lay out what was measured, and why the rest was not."""
    table = Table(title=f"Roofline of {found.fingerprint}, {found.measured_utc}", title_justify="left")
    table.add_column("Limit", style="bold", no_wrap=True)
    table.add_column("Measured", justify="right", no_wrap=True)
    table.add_column("How, or why not", overflow="fold")
    for label, measured, how in roofline_rows(found):
        table.add_row(label, measured, how)
    for note in found.notes:
        table.add_row("Note", "", note)
    return table


def roofline_rows(found: RooflineFacts) -> list[tuple[str, str, str]]:
    """Return label, measured value and method of every limit."""
    memory_how = found.memory_how or found.memory_reason or ""
    return [
        ("Memory, reading", _giga(found.memory_bytes_per_s, "GB/s"), memory_how),
        *(
            (f"{name} arithmetic", _giga(peak.operations_per_s, "Gop/s"), _how(peak))
            for name, peak in found.peaks.items()
        ),
        *(row for gpu in found.gpus for row in _gpu_roof_rows(gpu)),
    ]


def _gpu_roof_rows(gpu: GpuRoofFacts) -> list[tuple[str, str, str]]:
    return [
        (f"GPU {gpu.index}, reading", _giga(gpu.memory_bytes_per_s, "GB/s"), gpu.how or gpu.reason or ""),
        *(
            (f"GPU {gpu.index}, {kind}", _tera(peak.operations_per_s, "Top/s"), _how(peak))
            for kind, peak in gpu.peaks.items()
        ),
    ]


def _how(peak: PeakFacts) -> str:
    return peak.how or peak.reason or ""


def _tera(rate: float | None, unit: str) -> str:
    return "not measured" if rate is None else f"{rate / _TERA:,.1f} {unit}"


def _giga(rate: float | None, unit: str) -> str:
    return "not measured" if rate is None else f"{rate / _GIGA:,.1f} {unit}"


def rows(facts: HostFacts) -> list[tuple[str, str]]:
    """Return label and value of every row."""
    return [
        ("Fingerprint", facts.fingerprint),
        ("System", f"{facts.system or UNKNOWN}, kernel {facts.kernel or UNKNOWN}"),
        *_cpu_rows(facts.cpu, facts.machine),
        *_memory_rows(facts.memory),
        *_gpu_rows(facts.gpus, facts.gpu_note),
        *_layer_rows(facts.virtualisation, facts.limits),
        *_cloud_rows(facts.cloud),
        ("Roofline", _roofline(facts.roofline)),
        ("Python", facts.python or UNKNOWN),
    ]


def _cpu_rows(cpu: CpuFacts, machine: str | None) -> list[tuple[str, str]]:
    told_by = f" (recognised by its {cpu.microarchitecture_source})" if cpu.microarchitecture_source else ""
    return [
        ("CPU", f"{cpu.model_name or UNKNOWN}, {cpu.vendor or UNKNOWN}"),
        ("Generation", cpu.generation or UNKNOWN),
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
    turbo = {True: "allowed", False: "forbidden", None: UNKNOWN}[cpu.turbo]
    return f"{now} now, {highest} at most, governor {cpu.governor or UNKNOWN}, turbo {turbo}"


def _memory_rows(memory: MemoryFacts) -> list[tuple[str, str]]:
    total, swap = _gib(memory.total_bytes), _gib(memory.swap_total_bytes)
    return [("Memory", f"{total}, swap {swap}, huge pages {memory.transparent_hugepages or UNKNOWN}")]


def _layer_rows(layers: VirtualisationFacts, limits: LimitFacts) -> list[tuple[str, str]]:
    product = " ".join(word for word in (layers.system_vendor, layers.system_product) if word)
    kind = {True: "virtual", False: "bare metal", None: UNKNOWN}[layers.is_virtual]
    found = [
        ("Machine", ", ".join(word for word in (kind, layers.hypervisor, product) if word)),
        ("Container", layers.container),
        ("CPU share", _share(limits)),
        ("CPU limit", limits.cpu_limit_cores and f"{limits.cpu_limit_cores:g} cores"),
        ("Memory limit", limits.memory_limit_bytes and _gib(limits.memory_limit_bytes)),
        ("Emulated", layers.emulated and f"yes: {layers.emulated_reason}; no speed seen here means anything"),
    ]
    return [(label, value) for label, value in found if value]


def _share(limits: LimitFacts) -> str | None:
    """Say what a container leaves of the machine, where it limits anything."""
    is_limited = limits.cpu_limit_cores is not None or limits.memory_limit_bytes is not None or limits.cpuset
    if not is_limited or limits.share_cores is None:
        return None
    cpuset = f" (CPUs {limits.cpuset})" if limits.cpuset else ""
    return f"{limits.share_cores:g} CPUs{cpuset}, {_gib(limits.share_memory_bytes)}"


def _gpu_rows(gpus: Sequence[GpuFacts], note: str | None) -> list[tuple[str, str]]:
    found = [(f"GPU {gpu.index}", _gpu(gpu)) for gpu in gpus]
    return found + ([("GPU" if not gpus else "GPU note", note)] if note else [])


def _gpu(gpu: GpuFacts) -> str:
    links = None if gpu.nvlinks_active is None else f"NVLinks up: {gpu.nvlinks_active}"
    mig = {True: "MIG on", False: "MIG off", None: None}[gpu.mig_mode]
    width = f" x{gpu.pcie_width}" if gpu.pcie_width else ""
    parts = [
        gpu.name or UNKNOWN,
        None if gpu.pci_id is None else f"PCI {gpu.pci_id}",
        _gib(gpu.memory_total_bytes),
        f"driver {gpu.driver or UNKNOWN}",
        f"power limit {UNKNOWN if gpu.power_limit_w is None else f'{gpu.power_limit_w:g} W'}",
        f"PCIe {gpu.pcie_generation or UNKNOWN}{width}",
        links,
        mig,
    ]
    return ", ".join(part for part in parts if part)


def _cloud_rows(cloud: CloudFacts) -> list[tuple[str, str]]:
    parts = [cloud.provider, cloud.instance_type, cloud.zone or cloud.region, cloud.purchase]
    told = ", ".join(part for part in parts if part)
    note = f"({cloud.note})" if cloud.note else ""
    return [("Cloud", f"{told} {note}".strip())] if told or note else []


def _roofline(found: RooflineFacts | None) -> str:
    if found is None:
        return "not measured: run aforo host roofline"
    peaks = [f"{name} {_giga(p.operations_per_s, 'Gop/s')}" for name, p in found.peaks.items() if p.operations_per_s]
    return ", ".join([f"memory {_giga(found.memory_bytes_per_s, 'GB/s')}", *peaks])


def _count(number: int | None) -> str:
    return UNKNOWN if number is None else str(number)


def _mhz(mhz: float | None) -> str:
    return UNKNOWN if mhz is None else f"{mhz:,.0f} MHz"


def _gib(size_bytes: int | None) -> str:
    return UNKNOWN if size_bytes is None else f"{size_bytes / _GIB:.1f} GiB"
