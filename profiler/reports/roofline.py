"""How far a run stayed below the limits of its host, as rows of a table."""

from profiler.reports import format as fmt
from profiler.reports.facts import Fact
from profiler.results.host_facts import GpuRoofFacts, PeakFacts
from profiler.results.manifest import Manifest
from profiler.results.summary import Metric, Scalar, Summary
from profiler.summaries.estimates import estimate_of

_GIGA, _TERA = 1e9, 1e12


def roofline_rows(manifest: Manifest, summary: Summary) -> list[Fact]:
    """What decoding took of the memory bandwidth, and the whole work of the arithmetic peak, as far as known."""
    limits = manifest.server_host.roofline
    bandwidth = limits.memory_bytes_per_s if limits else None
    rows = [
        Fact("Memory bandwidth (MBU)", _share(summary.metrics.get("mbu_ratio"), bandwidth, "GB/s")),
        Fact("Arithmetic (MFU)", _share(summary.metrics.get("mfu_ratio"), None, "")),
    ]
    for gpu in limits.gpus if limits else ():
        rows += _gpu_rows(gpu)
    if limits:
        rows += [Fact(f"Peak, {kind}", _peak(peak)) for kind, peak in limits.peaks.items()]
        measured = f"{limits.measured_utc}, with {limits.threads} threads, by aforo host roofline"
        rows.append(Fact("Limits measured", measured))
    return rows


def _share(metric: Metric | None, limit: float | None, unit: str) -> str:
    if not isinstance(metric, Scalar) or metric.value is None:
        return f"not measured: {metric.reason if isinstance(metric, Scalar) else 'not part of this summary'}"
    share = fmt.estimate_scale(estimate_of(metric), "ratio").quantity(metric.value)
    if metric.note is not None:  # of GPUs, which stand below
        return f"{share}: {metric.note}"
    if limit is None:
        return f"{share} of the peak"
    used, whole = (fmt.quantity(rate / _GIGA, unit) for rate in (metric.value * limit, limit))
    return f"{share}: {used} of {whole}"


def _gpu_rows(gpu: GpuRoofFacts) -> list[Fact]:
    """The limits of one GPU, measured ones apart from those of its data sheet; unknown peaks are left out."""
    memory = PeakFacts(operations_per_s=gpu.memory_bytes_per_s, is_data_sheet=gpu.is_data_sheet, reason=gpu.reason)
    rows = [Fact(f"GPU {gpu.index}, memory", _peak(memory, "GB/s"), gpu.how)]
    for is_data_sheet, origin in ((False, "measured"), (True, "data sheet")):
        peaks = {kind: peak for kind, peak in gpu.peaks.items() if peak.is_data_sheet == is_data_sheet}
        known = [
            f"{kind} {fmt.quantity(rate / _TERA, '')}".strip(fmt.NBSP)
            for kind, peak in peaks.items()
            if (rate := peak.operations_per_s)
        ]
        hows = dict.fromkeys(peak.how for peak in peaks.values() if peak.how)
        text = f"{', '.join(known)}{fmt.NBSP}Top/s, {origin}"
        rows += [Fact(f"GPU {gpu.index}, peaks", text, "; ".join(hows) or None)] if known else []
    return rows


def _peak(peak: PeakFacts, unit: str = "GFLOP/s") -> str:
    if peak.operations_per_s is None:
        return f"not measured: {peak.reason}"
    return fmt.quantity(peak.operations_per_s / _GIGA, unit) + (", data sheet" if peak.is_data_sheet else "")
