"""Facts of any shape (host, engine, model, workload) as rows of a table."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from profiler.hosts.table import rows
from profiler.reports import format as fmt
from profiler.results.host_facts import HostFacts
from profiler.results.manifest import Calibration, CostFacts, Manifest
from profiler.results.summary import Metric, Scalar, Summary

UNKNOWN = "not known"
_TRADE_MARK = re.compile(r"\((R|TM)\)|®|™", re.IGNORECASE)
_LONGEST_LIST = 8  # items shown at once; a longer list is folded
_LONGEST_TEXT = 300  # characters shown at once
_VALUE_UNITS = {"_bytes": "bytes", "_ratio": "ratio", "_ms": "ms", "_us": "us", "_s": "s", "_mhz": "MHz"}


@dataclass(frozen=True)
class Fact:
    """One row: `folded` is a long value that is shown on request, with `text` as its summary."""

    label: str
    text: str
    folded: str | None = None


def facts(mapping: Mapping[str, Any], skip: Collection[str] = (), absent: str = UNKNOWN) -> list[Fact]:
    """Rows for every key of `mapping` but those in `skip`, nested ones as `outer: inner`.

    `absent` is what stands for null and for empty values.
    """
    kept = {key: value for key, value in mapping.items() if key not in skip}
    return [_fact(path, absent if value in (None, "", [], {}) else value) for path, value in _leaves(kept, ())]


def host_facts(host: HostFacts) -> list[Fact]:
    """Rows about a host, as `aforo host` shows them."""
    return [Fact(label, text) for label, text in rows(host)]


def host_name(host: HostFacts) -> str:
    """What the host calls itself."""
    return host.name or "unnamed host"


def hardware(host: HostFacts) -> list[str]:
    """Return the hardware in short, as far as it is known: instance type, GPUs, CPU, number of CPUs, memory."""
    gpus = Counter(gpu.name for gpu in host.gpus if gpu.name)
    parts = [
        host.cloud.instance_type,
        *(f"{number} × {name}" if number > 1 else name for name, number in gpus.items()),
        host.cpu.generation or (host.cpu.model_name and _TRADE_MARK.sub("", host.cpu.model_name)),
        host.cpu.usable_cpus and fmt.count(host.cpu.usable_cpus, "CPU"),
        host.memory.total_bytes and fmt.quantity(host.memory.total_bytes, "bytes"),
    ]
    return [part for part in parts if part]


def processor(host: HostFacts) -> str | None:
    """Return the CPU as its maker names it, where the title has its generation instead."""
    return _TRADE_MARK.sub("", host.cpu.model_name) if host.cpu.generation and host.cpu.model_name else None


def title_parts(manifest: Manifest, summary: Summary) -> list[str]:
    """What a run is about: host, its hardware and price, engine, model, workload."""
    host, engine = manifest.server_host, manifest.engine
    parts = [
        host_name(host),
        ", ".join(hardware(host)),
        price(manifest.cost),
        " ".join(part for part in (engine.name, engine.version_number) if part),
        manifest.model.name,
        summary.workload,
    ]
    return [part for part in parts if part]


def price(cost: CostFacts) -> str | None:
    """Return what an hour of the machine costs, or what its endpoint charges; None where no price is known."""
    if cost.token_price is not None:
        charged = cost.token_price
        return f"{charged.input_per_1m:g} in, {charged.output_per_1m:g} out {charged.currency}/1M tokens"
    return None if cost.price is None else f"{cost.price.per_hour:.4g} {cost.price.currency}/h"


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _leaves(inner, (*path, str(key)))
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        for number, item in enumerate(value, start=1):
            yield from _leaves(item, (*path, str(number)))
    else:
        yield path, value


def _fact(path: tuple[str, ...], value: Any) -> Fact:
    *outer, key = path
    inner = fmt.without_unit(key).removeprefix("is_")
    full = fmt.words(": ".join([*outer, inner]))
    if isinstance(value, list) and len(value) > _LONGEST_LIST:
        return Fact(full, f"{len(value)} entries", _text(key, value))
    text = _text(key, value)
    if len(text) > _LONGEST_TEXT:
        return Fact(full, f"{len(text):,} characters", text)
    return Fact(full, text)


def _text(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return _number(key, value)
    return ", ".join(str(item) for item in value) if isinstance(value, list) else str(value)


def _number(key: str, value: float) -> str:
    unit = next((unit for suffix, unit in _VALUE_UNITS.items() if key.endswith(suffix)), None)
    if unit in {"bytes", "ratio"}:
        return fmt.quantity(value, unit)
    number = f"{value:,}" if isinstance(value, int) else f"{value:,g}"
    return f"{number}{fmt.NBSP}{unit}" if unit else number


def calibration_sentence(calibration: Calibration | None) -> str:
    """Return how far off this client's timestamps were on this host, just before the run."""
    if calibration is None or not calibration.arrival_us:
        return "not made"
    ours, without = calibration.arrival_us, calibration.user_space_us
    return (
        f"Client timestamp error at concurrency {calibration.concurrency}, against a null server on this host: p50 "
        f"{ours['p50']:.0f} µs, p99 {ours['p99']:.0f} µs (user-space timestamps: {without['p50']:.0f} / "
        f"{without['p99']:.0f} µs)."
    )


def wire_sentence(metrics: Mapping[str, Metric]) -> str | None:
    """Return how far our timestamps were from those of the wire; None where it was not captured, or is inconclusive."""
    error = metrics.get("wire_timestamp_error_us")
    if not isinstance(error, Scalar) or error.value is None:
        return None
    return (
        f"Client timestamps differ from those that the kernel gave the same segments on the wire by at most "
        f"{error.value:.1f} µs (p99, of arrivals and of requests sent)."
    )
