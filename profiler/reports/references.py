"""How a run stands beside the references that ship: a sentence, and a table of their numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

from profiler.reports import facts, loads
from profiler.reports import format as fmt
from profiler.results.host_facts import HostFacts
from profiler.results.manifest import Manifest
from profiler.results.run_set import StoredRun
from profiler.results.tokens import tokens_of
from profiler.verdict.references import Beside, beside, cpu_of

NOTE = (
    "Each is one run of its own: a run differs from the next by more than the interval within it, so a ratio near 1 "
    "says that this host is about like that one, and no more."
)


@dataclass(frozen=True)
class Standing:
    """What is said of a run beside references; without rows there are none."""

    sentence: str
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, tuple[str, ...]], ...] = ()  # this run first
    described: tuple[str, ...] = ()  # what each reference is, by the names of the rows


def standing(run: StoredRun, references: Sequence[StoredRun]) -> Standing:
    """Return how a run stands beside references of the same work, model shape, engine and CPU generation."""
    if run.summary.verdict is not None and run.summary.verdict.level == "INVALID":
        return Standing("An INVALID run is not set beside references.")
    found = beside(run, references)
    if not found.alike:
        return Standing(_none(run, found, len(references)))
    columns = loads.columns_of([run.summary], lambda shown: shown.loads == "terminal")
    named = [(f"reference {number}", one) for number, one in enumerate(found.alike, start=1)]
    cells = [
        (name, (*(loads.cell_text(one.summary.metrics, c.metric, c.statistic) for c in columns), _against(run, one)))
        for name, one in [("this run", run), *named]
    ]
    return Standing(
        _sentence(run, found),
        (*(column.title for column in columns), "this run is"),
        tuple(cells),
        tuple(f"{name}: {_described(one.manifest)}" for name, one in named),
    )


def host_words(host: HostFacts) -> str:
    """Say what kind of machine a host is, and which CPUs it has."""
    return ", ".join([_kind(host), *facts.hardware(host)])


def _kind(host: HostFacts) -> str:
    seen = host.virtualisation
    if seen.emulated:
        return "emulated machine, whose speed means nothing"
    return (
        "virtual machine"
        if seen.is_virtual
        else "kind of machine not known"
        if seen.is_virtual is None
        else "bare metal"
    )


def _described(manifest: Manifest) -> str:
    engine = " ".join(filter(None, [manifest.engine.name, manifest.engine.version_number]))
    threads = [fmt.count(manifest.engine.threads, "thread")] if manifest.engine.threads else []
    return ", ".join([host_words(manifest.server_host), engine, *threads, manifest.started_utc[:10]])


def _ratio(run: StoredRun, other: StoredRun) -> float | None:
    """Return how many times as many tokens a second this run has; None where one of them says nothing of speed."""
    if run is other or any(one.manifest.host.virtualisation.emulated for one in (run, other)):
        return None
    rate = tokens_of([run.summary]).rate
    own, theirs = (loads.value_of_statistic(one.summary.metrics, rate, "value") for one in (run, other))
    return own.value / theirs.value if own and theirs and theirs.value else None


def _against(run: StoredRun, other: StoredRun) -> str:
    ratio = _ratio(run, other)
    return "" if ratio is None else f"{ratio:.2f} times as fast"


def _sentence(run: StoredRun, found: Beside) -> str:
    ratios = sorted(ratio for one in found.alike if (ratio := _ratio(run, one)) is not None)
    known = f"{fmt.count(len(found.alike), 'reference')} of the same work, model shape, engine and CPU generation"
    if not ratios:
        return f"There {'is' if len(found.alike) == 1 else 'are'} {known}; an emulated machine says nothing of speed."
    span = f"{ratios[0]:.2f}" if len(ratios) == 1 else f"{ratios[0]:.2f} to {ratios[-1]:.2f}"
    return f"By {tokens_of([run.summary]).kind} rate this run is {span} times as fast as {known}."


def _none(run: StoredRun, found: Beside, count: int) -> str:
    """Say that there is no reference, and in what the nearest ones differ."""
    host, engine = run.manifest.server_host, run.manifest.engine.name
    about = [run.summary.workload, run.manifest.model.name, engine, cpu_of(host)]
    why = f": of {fmt.count(count, 'reference')}, {found.lacks}" if found.lacks else ""
    return f"There is no reference of {', '.join(filter(None, about))}{why}."
