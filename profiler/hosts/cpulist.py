"""Lists of CPUs as the kernel writes them."""


def cpus(text: str | None) -> list[int] | None:
    """Read '0-2,8' as [0, 1, 2, 8] (Linux, cpusets: "list format"); `None` for anything else, and for nothing."""
    found: list[int] = []
    for part in (text or "").split(","):
        first, dash, last = part.strip().partition("-")
        last = last if dash else first
        if not (first.isascii() and first.isdigit() and last.isascii() and last.isdigit()):
            return None
        if not 0 <= int(last) - int(first) < _MOST_CPUS:
            return None
        found += range(int(first), int(last) + 1)
    return found


_MOST_CPUS = 8192  # NR_CPUS of the largest kernels: a longer range is damage
