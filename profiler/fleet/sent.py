"""Workloads of the user's own on their way to a host: the definition with the data files that it names."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from profiler.errors import UsageError
from profiler.files import read_bytes
from profiler.units import BYTES_PER_MIB, bytes_to_mib
from profiler.workloads.load import WORKLOADS
from profiler.workloads.schema import DataPrompts, TracePrompts, Workload

FOLDER = "workload"
_MOST_BYTES = 256 * BYTES_PER_MIB


@dataclass(frozen=True)
class Sent:
    """A workload as a host takes it."""

    reference: str  # behind `aforo run`: an id, or a path in the folder of the job
    here: str  # the same here
    files: dict[str, bytes] = field(default_factory=dict, repr=False)

    @cached_property
    def sha256(self) -> str:
        """Digest of its files."""
        digest = hashlib.sha256()
        for name, data in sorted(self.files.items()):
            digest.update(f"{name} {len(data)} ".encode())
            digest.update(data)
        return digest.hexdigest()


def sent(name: str, here: str) -> Sent:
    """Return a workload of a plan with what has to go to a host with it. Raises `UsageError`.

    Data files are named beside the definition; one by an absolute path has to be on the host.
    """
    if name == here:
        return Sent(name, here)
    path = Path(here)
    wanted = [path.name, *_beside(WORKLOADS.read(path))]
    files = {f"{FOLDER}/{each}": _bytes(path.parent / each) for each in wanted}
    total_bytes = sum(map(len, files.values()))
    if total_bytes > _MOST_BYTES:
        raise UsageError(
            f"The workload {name} has {bytes_to_mib(total_bytes):.0f} MiB of data, which would go to every host for "
            f"every cell; at most {bytes_to_mib(_MOST_BYTES):.0f} MiB do. Put the file on the hosts, and name it by "
            "its absolute path."
        )
    return Sent(f"{FOLDER}/{path.name}", here, files)


def _beside(workload: Workload) -> Iterator[str]:
    prompts = workload.prompts
    if isinstance(prompts, DataPrompts | TracePrompts):
        names = [prompts.file, *([prompts.template] if isinstance(prompts, DataPrompts) and prompts.template else [])]
        for name in names:
            if not Path(name).is_absolute():
                if ".." in Path(name).parts:
                    raise UsageError(
                        f"The file {name!r} of the workload {workload.id} lies outside its folder, and only what is "
                        "beside or below a definition is sent to hosts. Move it, or name it by its absolute path."
                    )
                yield name


def _bytes(path: Path) -> bytes:
    try:
        return read_bytes(path, _MOST_BYTES)
    except OSError as error:
        raise UsageError(f"The file {path} of a workload cannot be read: {error.strerror}.") from error
