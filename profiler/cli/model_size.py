"""A large synthetic model is announced before it is made."""

import sys

from profiler.errors import UsageError

_LARGE_BYTES = 1_000_000_000
_BYTES_PER_S = 100_000_000  # two usual CPUs draw and write about as many random weights
_BYTES_PER_S_WITHOUT_NUMPY = 20_000_000


def confirm_size(model: str | None, *, yes: bool) -> None:
    """Say how large a synthetic model will be and how long it takes; on a terminal, ask. Raises `UsageError` for a no.

    Whether the disk has room is checked before the first byte is written.
    """
    from profiler.cache import cache_folder
    from profiler.models.locate import bytes_to_make
    from profiler.models.random_bytes import is_numpy_used

    size_bytes = bytes_to_make(model)
    if size_bytes is None or size_bytes < _LARGE_BYTES:
        return
    bytes_per_s = _BYTES_PER_S if is_numpy_used() else _BYTES_PER_S_WITHOUT_NUMPY
    minutes = max(1, round(size_bytes / bytes_per_s / 60))
    folder = cache_folder() / "models"
    text = f"{model} will be made once: {size_bytes / 1e9:.1f} GB in {folder}, about {minutes} min."
    if yes or not (sys.stdin.isatty() and sys.stderr.isatty()):
        print(text, file=sys.stderr)
        return
    print(f"{text} Go on? [Y/n] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in {"", "y", "yes"}:
        raise UsageError("No model was made. Choose a smaller one: 'aforo models list' shows their sizes.")
