"""The times in the file of a meter: ISO 8601, or a count since 1970 whose unit its size tells."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from profiler.errors import UsageError

_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")
_EPOCH = re.compile(r"\d+([.,]\d*)?([eE][+-]?\d+)?", re.ASCII)
_SLASHES = re.compile(r"(\d{4})/(\d\d)/(\d\d)(?=\D|$)", re.ASCII)
_UTC = re.compile(r" ?(UTC|GMT)$")
_EPOCH_UNITS_PER_S = (  # the least number of each unit, and how many make a second: all of them are after 1973
    (1e17, 1e9),
    (1e14, 1e6),
    (1e11, 1e3),
    (0.0, 1.0),
)
_LATEST = datetime(2262, 1, 1, tzinfo=UTC)  # later ones do not fit 64 bits of nanoseconds


def moment_of(text: str, zone: tzinfo | None, after: datetime | None) -> datetime | None:
    """Return the moment that a text means, without a zone where none is known; None where it is no time.

    `zone` is that of times without one. In the hour that the end of summer time repeats, a time that would not be
    `after` the one before it is that of the second round.
    """
    try:
        moment = _read(text.strip())
        if moment.tzinfo is None and zone is not None:
            moment = _in_zone(moment, zone, after)
        is_known = moment.tzinfo is None or 0 <= moment.timestamp() < _LATEST.timestamp()
    except (ValueError, OverflowError, OSError):
        return None
    return moment if is_known else None


def _in_zone(moment: datetime, zone: tzinfo, after: datetime | None) -> datetime:
    first, second = (moment.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if after is None or is_after(first, after) or not is_after(second, after):
        return first
    return second


def is_after(moment: datetime, before: datetime) -> bool:
    """Whether an aware time is later; Python compares two times of one zone by their clock faces."""
    return moment.astimezone(UTC) > before.astimezone(UTC)


def _read(text: str) -> datetime:
    if _EPOCH.fullmatch(text):
        return _epoch(float(text.replace(",", ".")))
    return datetime.fromisoformat(_UTC.sub("+00:00", _SLASHES.sub(r"\1-\2-\3", text)))


def _epoch(count: float) -> datetime:
    """Read a time since 1970, in s, ms, µs or ns by its size."""
    per_s = next(per_s for least, per_s in _EPOCH_UNITS_PER_S if count >= least)
    return datetime.fromtimestamp(count / per_s, UTC)


def zone_of(name: str) -> tzinfo:
    """Return a time zone by its name or offset. Raises `UsageError`."""
    try:
        if offset := _OFFSET.fullmatch(name):
            sign, hours, minutes = offset.groups()
            return timezone((-1 if sign == "-" else 1) * timedelta(hours=int(hours), minutes=int(minutes)))
        return UTC if name.upper() in {"UTC", "Z"} else ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(f"--timezone {shown(name)}: expected UTC, +01:00 or a name like Europe/Berlin.") from error


_LONGEST_SHOWN = 60


def shown(text: str) -> str:
    """Return the beginning of what a file says, fit for a terminal."""
    cut = text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in cut)
