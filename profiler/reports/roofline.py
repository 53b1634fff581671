"""How far a run stayed below the limits of its host, as rows of a table."""

from collections.abc import Mapping
from typing import Any

from profiler.metrics.estimates import estimate_of
from profiler.reports import format as fmt
from profiler.reports.facts import Fact, number_of
from profiler.results.manifest import Manifest
from profiler.results.summary import Metric, Scalar, Summary

_GIGA = 1e9


def roofline_rows(manifest: Manifest, summary: Summary) -> list[Fact]:
    """What decoding took of the memory bandwidth, and the whole work of the arithmetic peak, as far as known."""
    roof = manifest.server_host.get("roofline")
    limits: Mapping[str, Any] = roof if isinstance(roof, Mapping) else {}
    bandwidth = number_of(limits, "memory_bytes_per_s")
    rows = [
        Fact("Memory bandwidth (MBU)", _share(summary.metrics.get("mbu_ratio"), bandwidth, "GB/s")),
        Fact("Arithmetic (MFU)", _share(summary.metrics.get("mfu_ratio"), None, "")),
    ]
    rows += [Fact(f"Peak, {kind}", _peak(peak)) for kind, peak in (limits.get("peaks") or {}).items()]
    if limits:
        measured = f"{limits.get('measured_utc')}, with {limits.get('threads')} threads, by aforo host roofline"
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


def _peak(peak: Any) -> str:
    rate = number_of(peak, "operations_per_s")
    if rate is None:
        return f"not measured: {peak.get('reason') if isinstance(peak, Mapping) else 'not known'}"
    return fmt.quantity(rate / _GIGA, "GFLOP/s")
