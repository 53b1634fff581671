"""What would make a comparison of runs unfair although they measured the same thing: pure."""

from collections.abc import Callable, Sequence

from profiler.results.manifest import Manifest
from profiler.results.several import StoredRun

# What llama.cpp lays out anew for some processors' instructions when it loads a model (ggml-cpu: repack, amx).
_REPACKED = {"Q4_0", "Q4_K_M", "Q4_K_S", "IQ4_NL", "Q8_0", "Q2_K"}
_LLAMA = {"llama-server", "llama-cpp-python"}


def fairness(runs: Sequence[StoredRun]) -> list[str]:
    """Return a sentence for each trap that two or more runs lie in; none where nothing was found."""
    manifests = [run.manifest for run in runs]
    found = (look(manifests) for look in _TRAPS)
    return [sentence for sentence in found if sentence is not None]


def _cores(manifest: Manifest, key: str) -> int | None:
    count = (manifest.server_host.get("cpu") or {}).get(key)
    return count if isinstance(count, int) else None


def _use_of_cores(manifest: Manifest) -> str | None:
    threads, cores = manifest.engine.threads, _cores(manifest, "physical_cores")
    if threads is None or cores is None:
        return None
    if threads == cores:
        return "a thread on every physical core"
    return "more threads than physical cores" if threads > cores else "threads on only a part of the physical cores"


def _has_smt(manifest: Manifest) -> str | None:
    smt = (manifest.server_host.get("cpu") or {}).get("smt")
    return None if smt is None else "SMT" if smt else "no SMT"


def _threads(runs: Sequence[Manifest]) -> str | None:
    uses = _kinds(runs, _use_of_cores)
    if len(uses) < 2:
        return None
    return f"Servers use processors differently: {_list(uses)}. A host whose cores stand idle looks slower than it is."


def _smt(runs: Sequence[Manifest]) -> str | None:
    kinds = _kinds(runs, _has_smt)
    if len(kinds) < 2:
        return None
    return (
        "Some hosts have SMT and some have not: a rented vCPU is half a core on the former and a whole core on the "
        "latter, so the same number of vCPUs is not the same amount of hardware."
    )


def _build(runs: Sequence[Manifest]) -> str | None:
    for name in sorted({run.engine.name for run in runs}):
        same = [run for run in runs if run.engine.name == name]
        versions = _kinds(same, lambda run: run.engine.version)
        if len(versions) > 1:
            return f"{name} ran in several versions: {_list(versions)}. A difference may be the engine's."
        if len(_kinds(same, lambda run: run.engine.build)) > 1:
            return (
                f"{name} was built with different instruction sets or options (see 'build' among the settings): a "
                "difference may be the build's, not the host's."
            )
    return None


def _repacked(runs: Sequence[Manifest]) -> str | None:
    affected = [run for run in runs if run.engine.name in _LLAMA and run.model.quantisation in _REPACKED]
    machines = _kinds(affected, lambda run: run.server_host.get("machine"))
    if len(machines) < 2:
        return None
    kinds = _list(_kinds(affected, lambda run: run.model.quantisation))
    return (
        f"llama.cpp repacks {kinds} weights for the instructions of the processor it finds, and better for some than "
        f"for others ({_list(machines)}): another quantisation may turn the order round."
    )


def _shared_cores(runs: Sequence[Manifest]) -> str | None:
    apart = [bool(run.client.cpus and run.engine.cpus) for run in runs]
    if all(apart) or not any(apart):
        return None
    return (
        f"In {apart.count(False)} of {len(runs)} runs the load driver could take time from the model server, in the "
        "others it had processors of its own."
    )


def _energy(runs: Sequence[Manifest]) -> str | None:
    kinds = _kinds(runs, lambda run: f"{run.energy.meter_class} of {run.energy.scope or 'nothing'}")
    if len(kinds) < 2:
        return None
    return f"Energy was not metered alike: {_list(kinds)}. Across classes or scopes no comparison is decidable."


def _prompt_cache(runs: Sequence[Manifest]) -> str | None:
    if len(_kinds(runs, lambda run: run.engine.prompt_cache)) < 2:
        return None
    return "Some servers may reuse prompts that begin alike and some may not: their TTFTs are not of the same work."


def _prices(runs: Sequence[Manifest]) -> str | None:
    kinds = _kinds(runs, lambda run: run.cost.price and f"{run.cost.price.kind} in {run.cost.price.currency}")
    if len(kinds) < 2:
        return None
    return f"Prices are not of one kind: {_list(kinds)}."


def _stamps(runs: Sequence[Manifest]) -> str | None:
    if len(_kinds(runs, lambda run: run.client.stamp_source)) < 2:
        return None
    return "Some runs have arrival stamps from the kernel and some from the client's process, which are later."


def _emulated(runs: Sequence[Manifest]) -> str | None:
    names = [str(run.host.get("name")) for run in runs if (run.host.get("virtualisation") or {}).get("emulated")]
    if not names:
        return None
    return f"On {_list(sorted(set(names)))} the processor is emulated: no speed seen there means anything."


def _kinds(runs: Sequence[Manifest], ask: Callable[[Manifest], object]) -> list[str]:
    """Return the different answers, without those that are not known."""
    return sorted({str(answer) for run in runs if (answer := ask(run)) is not None})


def _list(words: Sequence[str]) -> str:
    return " against ".join(words) if len(words) == 2 else ", ".join(words)


_TRAPS: tuple[Callable[[Sequence[Manifest]], str | None], ...] = (
    *(_threads, _smt, _build, _repacked, _shared_cores, _energy, _prompt_cache, _prices, _stamps, _emulated),
)
