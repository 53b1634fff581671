"""How far a run stayed below the limits of its host, as rows of a table."""

from profiler.reports import format as fmt
from profiler.reports.facts import Fact
from profiler.results.host_facts import PeakFacts
from profiler.results.manifest import Manifest
from profiler.results.summary import Metric, Scalar, Summary
from profiler.summaries.estimates import estimate_of

_GIGA = 1e9


def roofline_rows(manifest: Manifest, summary: Summary) -> list[Fact]:
    """What decoding took of the memory bandwidth, and the whole work of the arithmetic peak, as far as known."""
    limits = manifest.server_host.roofline
    bandwidth = limits.memory_bytes_per_s if limits else None
    rows = [
        Fact("Memory bandwidth (MBU)", _share(summary.metrics.get("mbu_ratio"), bandwidth, "GB/s")),
        Fact("Arithmetic (MFU)", _share(summary.metrics.get("mfu_ratio"), None, "")),
    ]
    if limits:
        rows += [Fact(f"Peak, {kind}", _peak(peak)) for kind, peak in limits.peaks.items()]
        measured = f"{limits.measured_utc}, with {limits.threads} threads, by aforo host roofline"
        rows.append(Fact("Limits measured", measured))
    return rows


def _share(metric: Metric | None, limit: float | None, unit: str) -> str:
    if not isinstance(metric, Scalar) or metric.value is None:
        return f"not measured: {metric.reason if isinstance(metric, Scalar) else 'not part of this summary'}"
    share = fmt.estimate_scale(estimate_of(metric), "ratio").quantity(metric.value)
    if limit is None:
        return f"{share} of the peak"
    used, whole = (fmt.quantity(rate / _GIGA, unit) for rate in (metric.value * limit, limit))
    return f"{share}: {used} of {whole}"


def _peak(peak: PeakFacts) -> str:
    if peak.operations_per_s is None:
        return f"not measured: {peak.reason}"
    return fmt.quantity(peak.operations_per_s / _GIGA, "GFLOP/s")
