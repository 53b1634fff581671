"""Names of the phases of a run: `warmup`, `repeat-1`, …, `cooldown`; at one of several points `c8/repeat-1`."""

IDLE, WARMUP, COOLDOWN = "idle-baseline", "warmup", "cooldown"
_REPEAT = "repeat-"


def repeat(number: int) -> str:
    """Return the name of a repeat; the first one has the number 1."""
    return f"{_REPEAT}{number}"


def at_point(point: str, phase: str) -> str:
    """Return the name of a phase of one of several points."""
    return f"{point}/{phase}"


def without_point(phase: str) -> str:
    """Return the name of a phase without that of its point."""
    return phase.rpartition("/")[2]


def point_of(phase: str) -> str:
    """Return the name of the point of a phase; empty in a run of one."""
    return phase.rpartition("/")[0]


def repeat_number(phase: str) -> int | None:
    """Return the number of a repeat by its name; `None` for any other phase."""
    return int(without_point(phase).removeprefix(_REPEAT)) if is_measured(phase) else None


def is_measured(phase: str) -> bool:
    """Whether requests of a phase of this name enter the metrics."""
    return without_point(phase).startswith(_REPEAT)
