"""How each trap of a comparison is found among runs: a sentence with what was seen, or None. Pure."""

from collections.abc import Callable, Sequence
from typing import Protocol

from profiler.energy.scopes import CARD_SCOPES, MODEL_SCOPE
from profiler.metrics.catalogue import METRICS
from profiler.results.manifest import Manifest
from profiler.results.summary import Distribution, EnergyAccount, PointSummary, Scalar, Summary
from profiler.servers.engines import engine_called

SAME_LENGTH_RATIO = 0.05  # mean lengths that differ by less are alike
_SAME_SHARE = 0.05  # of prompt tokens that came from a cache
_MANY_TIMES = 2.0  # as many requests: estimates that depend on the length of a run show it
_SHORT_WINDOW = "too short for a claim"  # as `energy.account` notes it
_CHOSEN_BY_HAND = {
    *("--batch-tokens", "--micro-batch-tokens", "--kv-cache", "--engine-arg"),
}


class Compared(Protocol):
    """A run, or one load of it, that is compared with others."""

    @property
    def name(self) -> str:
        """Its run id."""
        ...

    @property
    def manifest(self) -> Manifest:
        """Everything about the run but its numbers."""
        ...

    @property
    def summary(self) -> Summary | PointSummary:
        """Its numbers."""
        ...


Runs = Sequence[Compared]


def account_of(part: Summary | PointSummary) -> EnergyAccount | None:
    """Return the energy account that stands for a run: the first that has a value."""
    return next((account for account in part.energy if account.gross_j is not None), None)


def machine_account_of(part: Summary | PointSummary) -> EnergyAccount | None:
    """Return the account that carbon rests on: beside the meters of cards, that of the whole machine."""
    if not any(account.scope in CARD_SCOPES for account in part.energy):
        return account_of(part)
    whole = (each for each in part.energy if each.scope == MODEL_SCOPE and each.gross_j is not None)
    return next(whole, account_of(part))


def energy_kind(part: Summary | PointSummary, metric: str | None = None) -> str:
    """Return class and scope of the energy that stands for a run, or for a metric of it; empty where there is none."""
    is_carbon = metric is not None and "grid" in METRICS[metric].rests_on
    account = machine_account_of(part) if is_carbon else account_of(part)
    return f"{account.meter_class}, {account.scope}" if account else ""


def energy(runs: Runs) -> str | None:
    """Energies of different class or scope."""
    kinds = sorted({energy_kind(run.summary) or "no meter" for run in runs})
    if len(kinds) < 2:
        return None
    return f"Energy was not metered alike: {_list(kinds)}. Energies of different class or scope are not comparable."


def short_window(runs: Runs) -> str | None:
    """Energy over a shorter window than its meter vouches for."""
    accounts = {run.name: account_of(run.summary) for run in runs}
    short = [
        name for name, account in accounts.items() if account and any(_SHORT_WINDOW in note for note in account.notes)
    ]
    if not short:
        return None
    return (
        f"The steady load of {some(short)} is too short for its energy meter to carry a comparison: raise --requests "
        "or --max-repeat-s."
    )


def prices(runs: Runs) -> str | None:
    """Prices of different kind or currency, by the hour or by the token."""
    kinds = different(runs, lambda run: run.cost.charged_text)
    if len(kinds) < 2:
        return None
    hourly = (
        " A price by the hour is per token only as long as the machine is fully used."
        if any(kind.startswith("by the token") for kind in kinds)
        else ""
    )
    return f"Prices are not of one kind: {_list(kinds)}.{hourly}"


def token_worth(runs: Runs) -> str | None:
    """Costs split between input and output by different ratios."""
    ratios = sorted({ratio for run in runs if (ratio := run.manifest.cost.input_output_ratio) is not None})
    if len(ratios) < 2:
        return None
    shown = _list([f"{ratio:g}" for ratio in ratios])
    return f"The cost is split by what an output token is worth in input tokens, and that differs: {shown}."


def regions(runs: Runs) -> str | None:
    """Prices of different regions."""
    regions = different(runs, lambda run: run.cost.price and run.cost.price.region)
    if len(regions) < 2:
        return None
    return f"Prices are of different regions: {', '.join(regions)}. A difference may be one of region, not of machine."


def grid(runs: Runs) -> str | None:
    """Carbon at different intensities of the grid."""
    return _carbon_terms(runs, "grid intensity", lambda run: [one.gco2e_per_kwh for one in run.cost.grid], "gCO2e/kWh")


def pue(runs: Runs) -> str | None:
    """Carbon with different overheads of the data centre."""
    return _carbon_terms(runs, "overhead of the data centre (PUE)", lambda run: [run.cost.pue], "")


def _carbon_terms(runs: Runs, what: str, ask: Callable[[Manifest], list[float]], unit: str) -> str | None:
    values = sorted({tuple(sorted(set(ask(run.manifest)))) for run in runs} - {()})
    if len(values) < 2:
        return None
    shown = [f"{'/'.join(f'{number:g}' for number in numbers)} {unit}".strip() for numbers in values]
    return (
        f"Carbon rests on another {what}: {_list(shown)}. A difference is the place's, not the machine's: pass the "
        "same --grid and --pue on both sides."
    )


def embodied_of(run: Manifest) -> tuple[float, float, float] | None:
    """Return the least and the most that making a machine emitted (kgCO2e), and its life (h); None where not known."""
    made = run.cost.embodied
    return None if made is None else (*made.kgco2e, made.life_h)


def embodied(runs: Runs) -> str | None:
    """Embodied carbon of one machine that is not said alike: other machines may well have another."""
    said: dict[str | None, set[tuple[float, float, float]]] = {}
    for run in runs:
        if (made := embodied_of(run.manifest)) is not None:
            machine = run.manifest.server_host.cloud.instance_type or run.manifest.host_name
            said.setdefault(machine, set()).add(made)
    unlike = next((sorted(each) for each in said.values() if len(each) > 1), None)
    if unlike is None:
        return None
    shown = [
        f"{low:g}{'' if low == high else f' to {high:g}'} kgCO2e over {life_h:,.0f} h" for low, high, life_h in unlike
    ]
    return (
        f"The embodied carbon of one machine is not said alike: {_list(shown)}. A difference is what was said, no more."
    )


def prompt_cache(runs: Runs) -> str | None:
    """Servers of which some may reuse prompts and some may not."""
    if len({run.manifest.engine.prompt_cache == "warm" for run in runs}) < 2:
        return None
    return "Some servers may reuse prompts that begin alike and some may not: their TTFTs are not of the same work."


def cached(runs: Runs) -> str | None:
    """Servers that took different shares of the prompts from a cache."""
    shares = {run.name: share for run in runs if (share := number(run, "cached_prompt_ratio")) is not None}
    if len(shares) < 2 or max(shares.values()) - min(shares.values()) <= _SAME_SHARE:
        return None
    return (
        f"From {min(shares.values()):.0%} to {max(shares.values()):.0%} of the prompt tokens came from the server's "
        "cache: TTFTs and rates are not of the same work."
    )


def known_prompts(runs: Runs) -> str | None:
    """Runs that sent the same bytes to the same server process: all but the first may have met a cache."""
    same: dict[object, list[Compared]] = {}
    for run in runs:
        if run.manifest.prompts_are_new is not True and _may_have_a_cache(run):
            same.setdefault(_prompts_of(run.manifest), []).append(run)
    later = [run.name for found in same.values() for run in sorted(found, key=lambda run: run.manifest.started_utc)[1:]]
    if not later:
        return None
    return (
        f"The prompts of {some(later)} were sent to this server before, by another run: a prompt cache makes the TTFT "
        "of such a run look better than it is. Measure again with prompts that Aforo makes and without --nonce, or "
        "restart the server in between."
    )


def _may_have_a_cache(run: Compared) -> bool:
    """Whether the server outlives the run, and nobody says that it reuses no prompts."""
    engine = run.manifest.engine
    return (
        bool(engine.url)
        and not engine.command
        and engine.prompt_cache != "cold"
        and number(run, "cached_prompt_ratio") != 0
    )


def _prompts_of(run: Manifest) -> object:
    """Return what decides about the bytes that are sent; rows of a file have no nonce."""
    asked = run.workload
    return run.engine.url, run.seed, run.nonce, asked.id, asked.version, asked.prompts, asked.requests


def invalid(runs: Runs) -> str | None:
    """INVALID runs, which only --force lets in."""
    names = [run.name for run in runs if run.summary.verdict is not None and run.summary.verdict.level == "INVALID"]
    if not names:
        return None
    return f"INVALID by the rules of trust, and taken all the same (--force): {some(names)}. Its numbers are not sound."


def cut_short(runs: Runs) -> str | None:
    """Runs that ended before all was measured."""
    cut = [
        run.name
        for run in runs
        if run.manifest.status != "complete"
        or any(phase.cut_short for phase in run.manifest.phases if phase.is_measured)
    ]
    return None if not cut else f"Not all that was planned was measured in {some(cut)}: see its report."


def requests(runs: Runs) -> str | None:
    """Runs of very different length."""
    counts = {run.name: run.summary.requests_ok for run in runs if run.summary.requests_ok}
    if not counts or max(counts.values()) <= _MANY_TIMES * min(counts.values()):
        return None
    return (
        f"From {min(counts.values()):,} to {max(counts.values()):,} requests were measured: high percentiles of short "
        "runs are less sure, and a warm-up weighs more in them."
    )


def tuned(runs: Runs) -> str | None:
    """Settings tuned or chosen by hand on one side only."""
    known = [run for run in runs if run.manifest.command_line]
    chosen = {run.name: found for run in known if (found := _choice(run.manifest))}
    if not chosen or len(chosen) == len(known):
        return None
    told = some([f"{how} in {name}" for name, how in chosen.items()])
    return (
        f"Settings of the engine were {told}, and engine defaults in the others: tuned against defaults is no "
        "comparison of hosts."
    )


def _choice(run: Manifest) -> str | None:
    """Say how the settings of a run were chosen, by a search or by hand; `None` for engine defaults.

    By hand are the flags that the user gave; those of the command line where an older run does not list them.
    """
    if run.tuning is not None:
        return run.tuning.words
    listed = "options" in run.engine.model_fields_set
    given = {word.partition("=")[0] for word in run.command_line} & _CHOSEN_BY_HAND
    flags = sorted(run.engine.options if listed else given)
    return f"chosen by hand ({', '.join(flags)})" if flags else None


def _use_of_cores(manifest: Manifest) -> str | None:
    threads, cores = manifest.engine.threads, manifest.server_host.cpu.physical_cores
    if threads is None or cores is None:
        return None
    if threads == cores:
        return "a thread on every physical core"
    return "more threads than physical cores" if threads > cores else "threads on only a part of the physical cores"


def _has_smt(manifest: Manifest) -> str | None:
    smt = manifest.server_host.cpu.smt
    return None if smt is None else "SMT" if smt else "no SMT"


def threads(runs: Runs) -> str | None:
    """Threads on a part of the cores, or on more than there are."""
    uses = different(runs, _use_of_cores)
    if len(uses) < 2:
        return None
    return f"Servers use CPUs differently: {_list(uses)}. A host whose cores stand idle looks slower than it is."


def smt(runs: Runs) -> str | None:
    """Hosts with SMT beside hosts without."""
    if len(different(runs, _has_smt)) < 2:
        return None
    return (
        "Some hosts have SMT and some have not: a rented vCPU is half a core on the former and a whole core on the "
        "latter, so the same number of vCPUs is not the same amount of hardware."
    )


def virtual(runs: Runs) -> str | None:
    """Virtual machines beside hosts on the hardware itself."""
    if len(different(runs, lambda run: run.server_host.virtualisation.is_virtual)) < 2:
        return None
    return (
        "Some hosts are virtual machines and some are not: a guest shares memory bandwidth and caches with neighbours "
        "and may lose CPU time to them, so the same hardware is slower, and less steady, in a guest."
    )


def build(runs: Runs) -> str | None:
    """Versions or builds of one engine."""
    for name in sorted({run.manifest.engine.name for run in runs}):
        same = [run for run in runs if run.manifest.engine.name == name]
        versions = different(same, lambda run: run.engine.version)
        if len(versions) > 1:
            return f"{name} ran in several versions: {_list(versions)}. A difference may be the engine's."
        if len(different(same, lambda run: run.engine.build)) > 1:
            return (
                f"{name} was built with different instruction sets or options (see 'build' among the settings): a "
                "difference may be the build's, not the host's."
            )
    return None


def repacked(runs: Runs) -> str | None:
    """Weights that an engine lays out anew on some architectures."""
    affected = [run for run in runs if _is_repacked(run.manifest)]
    machines = different(affected, lambda run: run.server_host.machine)
    if len(machines) < 2:
        return None
    engines = _list(different(affected, lambda run: run.engine.name))
    kinds = _list(different(affected, lambda run: run.model.quantisation))
    return (
        f"On {engines}, {kinds} weights are repacked for the instructions of the CPU at hand, and better for "
        f"some than for others ({_list(machines)}): another quantisation may turn the order round."
    )


def _is_repacked(run: Manifest) -> bool:
    engine = engine_called(run.engine.name)
    return engine is not None and run.model.quantisation in engine.repacked


def shared_cores(runs: Runs) -> str | None:
    """Load drivers that shared the server's CPUs."""
    apart = [bool(run.manifest.client.cpus and run.manifest.engine.cpus) for run in runs]
    if all(apart) or not any(apart):
        return None
    return (
        f"In {apart.count(False)} of {len(runs)} runs the load driver could take time from the model server, in the "
        "others it had CPUs of its own."
    )


_BESIDE_A_RUN = {
    "local": "a local one also carries the controller",
    "ray": "on a Ray node Ray's own processes run beside the measurement",
    "ssh": "over SSH nothing stays but a process that waits",
}


def transports(runs: Runs) -> str | None:
    """Hosts of a fleet that were reached in different ways; Ray's beside runs that no fleet asked for, too."""
    used = different(runs, lambda run: run.fleet and run.fleet.transport)
    plain = [run.name for run in runs if run.manifest.fleet is None]
    if len(used) < 2 and not ("ray" in used and plain):
        return None
    shown = [*used, *(["none (aforo run by itself)"] if plain else [])]
    beside = "; ".join(_BESIDE_A_RUN[name] for name in used if name in _BESIDE_A_RUN)
    return f"Hosts were reached by different transports: {_list(shown)}. They leave different things there: {beside}."


def stamps(runs: Runs) -> str | None:
    """Timestamps of different origin."""
    if len(different(runs, lambda run: run.client.stamp_source)) < 2:
        return None
    return "Some runs have arrival timestamps from the kernel and some from the client's process, which are later."


def emulated(runs: Runs) -> str | None:
    """Hosts whose CPU is emulated."""
    hosts = [run.manifest.host for run in runs]
    names = [str(host.name) for host in hosts if host.virtualisation.emulated]
    if not names:
        return None
    return f"On {_list(sorted(set(names)))} the CPU is emulated: no speed seen there means anything."


def number(run: Compared, metric: str) -> float | None:
    """Return the value of a metric, or its mean; None where it was not measured."""
    found = run.summary.metrics.get(metric)
    if isinstance(found, Distribution):
        return found.mean
    return found.value if isinstance(found, Scalar) else None


def different(runs: Runs, ask: Callable[[Manifest], object]) -> list[str]:
    """Return the different answers, without those that are not known."""
    return sorted({str(answer) for run in runs if (answer := ask(run.manifest)) is not None})


def _list(words: Sequence[str]) -> str:
    return " against ".join(words) if len(words) == 2 else ", ".join(words)


def some(names: Sequence[str], most: int = 3) -> str:
    """Name the first few and count the rest."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
