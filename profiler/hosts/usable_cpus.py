"""The logical CPUs that this process may use, by its affinity."""

import os


def usable_cpus() -> frozenset[int] | None:
    """Return their numbers; None where the system has no affinity, so that no process can be pinned (not Linux)."""
    return frozenset(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None


def usable_cpu_count() -> int:
    """Return how many there are, at least 1; without an affinity all of the machine."""
    return len(usable_cpus() or ()) or os.cpu_count() or 1
