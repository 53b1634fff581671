"""Which runs a claim speaks of, and which of them make a pair: pure."""

from collections.abc import Collection
from fnmatch import fnmatch

from profiler.results.manifest import Manifest
from profiler.results.run_set import StoredRun
from profiler.verdict.claim_file import Claim, Side
from profiler.verdict.comparable import mismatches

_SAME_MEMORY_RATIO = 0.9  # a kernel keeps some memory for itself, and not everywhere as much
_ARCHITECTURES = {"aarch64": "arm64", "arm64": "arm64", "x86_64": "x86_64", "amd64": "x86_64"}


def obstacle_between(claim: Claim, one: StoredRun, other: StoredRun, allowed: Collection[str]) -> str | None:
    """Say why two runs are no pair; None where they are one."""
    differing = [found for found in mismatches([one, other]) if not _is_allowed(found.field, allowed)]
    if differing:
        return "; ".join(found.sentence for found in differing)
    mine, theirs = vcpus_of(one.manifest), vcpus_of(other.manifest)
    if "vcpus" in (claim.comparable or ()) and mine != theirs:
        return f"{mine} vCPUs are not comparable with {theirs}"
    sizes = [_memory_bytes(run.manifest) for run in (one, other)]
    if "memory" in (claim.comparable or ()) and (
        None in sizes or min(filter(None, sizes)) < _SAME_MEMORY_RATIO * max(filter(None, sizes))
    ):
        return "their memory differs by more than 10 %, or is not known"
    return None


def _is_allowed(field_name: str, allowed: Collection[str]) -> bool:
    return field_name in allowed or field_name.partition(".")[0] in allowed


def is_of(side: Side, run: StoredRun) -> bool:
    """Say whether a run is all that a side of a claim asks."""
    facts = _facts(run.manifest)
    return all(
        any(fnmatch(seen.lower(), wanted.lower()) for seen in facts[key]) for key, wanted in side.criteria.items()
    )


def _facts(manifest: Manifest) -> dict[str, list[str]]:
    """Return what a side of a claim may ask of a run, each with every name that it goes by."""
    host = manifest.server_host
    known: dict[str, list[str | None]] = {
        "architecture": [_ARCHITECTURES.get(host.machine or "", host.machine)],
        "processor": [host.cpu.generation, host.cpu.model_name],
        "instance_type": [host.cloud.instance_type],
        "host": [host.name],
        "engine": [manifest.engine.name],
        "quantisation": [manifest.model.quantisation],
    }
    return {key: [name for name in names if name] for key, names in known.items()}


def of_no_side(claim: Claim, run: StoredRun) -> str:
    """Say what a run is that no side asks for."""
    seen = ", ".join(f"{key} {' / '.join(names) or 'not known'}" for key, names in _facts(run.manifest).items())
    if claim.baseline is None:
        return f"{run.name} is not {claim.subject.name}: {seen}"
    return f"{run.name} is neither {claim.subject.name} nor {claim.baseline.name}: {seen}"


def asked_of(side: Side) -> str:
    """Say what a side asks of a run."""
    return ", ".join(f"{key} {value}" for key, value in side.criteria.items())


def vcpus_of(manifest: Manifest) -> int | None:
    """Return how many logical processors the host has; None where that is not known."""
    return manifest.server_host.cpu.logical_cpus


def _memory_bytes(manifest: Manifest) -> int | None:
    return manifest.server_host.memory.total_bytes
