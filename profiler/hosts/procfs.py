"""What the kernel prints in `/proc` and `/etc`: pure functions of the text."""


def processors(cpuinfo: str | None) -> list[dict[str, str]]:
    """Split `/proc/cpuinfo` into one dictionary a logical CPU."""
    blocks = (_pairs(block) for block in (cpuinfo or "").split("\n\n"))
    return [block for block in blocks if "processor" in block]


def _pairs(block: str) -> dict[str, str]:
    lines = (line.partition(":") for line in block.splitlines() if ":" in line)
    return {key.strip(): value.strip() for key, _, value in lines}


def memory_bytes(meminfo: str | None, key: str) -> int | None:
    """Return one line of `/proc/meminfo` ('MemTotal:  16384 kB'; its kB are KiB) in bytes."""
    words = _pairs(meminfo or "").get(key, "").split()
    return int(words[0]) * 1024 if words and words[0].isdigit() else None


def system_name(os_release: str | None) -> str | None:
    """Return PRETTY_NAME of `/etc/os-release`."""
    for line in (os_release or "").splitlines():
        if line.startswith("PRETTY_NAME="):
            return line.partition("=")[2].strip("\"'") or None
    return None


def chosen(options: str | None) -> str | None:
    """Return the option in brackets: 'always [madvise] never' is 'madvise'."""
    return next((word.strip("[]") for word in (options or "").split() if word.startswith("[")), None)
