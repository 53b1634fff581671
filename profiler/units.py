"""Conversions between units. A name says its unit; arithmetic that changes the unit changes the name."""

NS_PER_US = 1_000
NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000
MS_PER_S = 1_000
S_PER_H = 3_600
J_PER_KWH = 3_600_000
BYTES_PER_MIB = 1024 * 1024
YES_NO = "yes/no"  # unit of a metric that is 1 or 0


def ns_to_us(duration_ns: float) -> float:
    """Nanoseconds to microseconds."""
    return duration_ns / NS_PER_US


def ns_to_ms(duration_ns: float) -> float:
    """Nanoseconds to milliseconds."""
    return duration_ns / NS_PER_MS


def ns_to_s(duration_ns: float) -> float:
    """Nanoseconds to seconds."""
    return duration_ns / NS_PER_S


def s_to_ns(duration_s: float) -> int:
    """Seconds to whole nanoseconds."""
    return round(duration_s * NS_PER_S)


def bytes_to_mib(size_bytes: float) -> float:
    """Bytes to mebibytes."""
    return size_bytes / BYTES_PER_MIB


def yes_or_no(value: float) -> str:
    """A value of unit `YES_NO` in a word."""
    return "yes" if value else "no"


def j_to_kwh(energy_j: float) -> float:
    """Joules to kilowatt-hours."""
    return energy_j / J_PER_KWH


def wh_to_j(energy_wh: float) -> float:
    """Watt-hours to joules."""
    return energy_wh * S_PER_H
