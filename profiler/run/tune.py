"""`--tune`: what a search for the best settings is asked, and the plain run that follows it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Literal

from profiler.errors import UsageError
from profiler.hosts.usable_cpus import usable_cpu_count, usable_cpus
from profiler.metrics.catalogue import METRICS
from profiler.number_format import interval, quantity
from profiler.options import overrides
from profiler.results.manifest import Manifest, Phase, Tried, TuningFacts
from profiler.results.points import server_settings
from profiler.results.summary import PointSummary, Summary
from profiler.run.budget import budget_s
from profiler.run.cpus import room_for_server
from profiler.run.options import Options
from profiler.run.settings import options_at
from profiler.search.sizing import ROUNDS_OF_SEVERAL
from profiler.search.strategy import load_count
from profiler.search.tune import FEWEST_ROUNDS, FINALISTS, value_of
from profiler.search.variants import variants_of
from profiler.stats.estimates import Estimate
from profiler.stats.intervals import SEVERAL_REPEATS
from profiler.summaries.estimates import parse_metric
from profiler.units import ns_to_s
from profiler.workloads import load
from profiler.workloads.schema import Tune, Workload

_IN_A_VISIT = 3  # parts of a visit: starting the server, warming up, measuring


def asked(options: Options, default_threads: Callable[[Options], int]) -> Options:
    """Return options of a search with something to try: where nobody said what, half and twice the default threads.

    Raises `UsageError`.
    """
    workload = load.load(options.workload, overrides(options)).workload
    if options.settings or workload.settings.of_server() or options.threads is not None:
        return options
    default = default_threads(options)
    room = room_for_server(options.client_cpus, options.server_cpus, usable_cpus()) or usable_cpu_count()
    counts = sorted({max(1, default // 2), default, min(room, 2 * default)})
    return replace(options, settings=(f"threads={','.join(map(str, counts))}",))


def tuning(workload: Workload, options: Options) -> Workload:
    """Return a workload as it is measured in a search: short visits of its only load. Raises `UsageError`."""
    tune = _asked(options)
    variants = variants_of(workload)
    if len({each._replace(server=()) for each in variants}) > 1 or load_count(workload) != len(variants):
        raise UsageError("--tune is for one load: pass --concurrency N or --rate R, and no sweep but --settings.")
    if len(variants) == 1:
        raise UsageError("--tune has one setting to try: name more, as --settings threads=4,8,16.")
    visits = 2 * len(variants) + FINALISTS * FEWEST_ROUNDS
    limit_s = max(1.0, min(workload.max_repeat_s, tune.budget_s / visits / _IN_A_VISIT))
    short = {"repeats": 1, "until": None, "rounds": min(workload.rounds, ROUNDS_OF_SEVERAL), "max_repeat_s": limit_s}
    return workload.model_copy(update={"tune": tune, **short})


def chosen(options: Options, settings: Mapping[str, str]) -> Options:
    """Return the options of the plain run that follows a search."""
    return options_at(replace(options, tune=None, tune_budget=None, settings=()), settings)


def facts(manifest: Manifest, summary: Summary) -> TuningFacts | None:
    """Return how the settings of a run were searched; `None` where the search found nothing to go by."""
    tune, found = manifest.workload.tune, summary.conclusion
    if tune is None or found is None or found.is_found is None:
        return None
    phases = manifest.phases
    return TuningFacts(
        run_id=manifest.run_id,
        metric=tune.metric,
        aim=tune.aim,
        budget_s=tune.budget_s,
        lasted_s=ns_to_s((phases[-1].end_ns or phases[-1].start_ns) - phases[0].start_ns),
        settings=found.settings,
        is_found=found.is_found,
        sentence=found.sentence,
        tried=_tried(manifest, summary.points, tune.metric),
    )


def notes(facts: TuningFacts) -> list[str]:
    """Say what a search found, and how long the server took to start with the settings of the run, start by start."""
    times = next((each.load_s for each in facts.tried if each.settings == facts.settings), [])
    if len(times) < SEVERAL_REPEATS:
        return [facts.sentence]
    load = Estimate.of_repeats(fmean(times), times)
    around = interval(load.low, load.high, "s") if load.low is not None and load.high is not None else ""
    started = f"Starting the server took {quantity(fmean(times), 's')} ({around}, 95 % over {len(times)} starts)."
    return [facts.sentence, started]


def _tried(manifest: Manifest, points: list[PointSummary], metric: str) -> list[Tried]:
    starts = {p.point: ns_to_s(p.end_ns - p.start_ns) for p in manifest.phases if p.name == "start-server" and p.end_ns}
    visits = _visits_s(manifest.phases)
    found: dict[tuple[tuple[str, str], ...], Tried] = {}
    for each in points:
        settings = server_settings(each.point)
        own = found.setdefault(tuple(settings.items()), Tried(settings=settings, values=[], load_s=[], lasted_s=[]))
        value, load_s, lasted_s = (value_of(each, metric), *(of.get(each.point.name) for of in (starts, visits)))
        own.values += [] if value is None else [value]
        own.load_s += [] if load_s is None else [load_s]
        own.lasted_s += [] if lasted_s is None else [lasted_s]
    return list(found.values())


def _visits_s(phases: Sequence[Phase]) -> dict[str | None, float]:
    """Return how long each visit took, by the name of its point: from the start of its first phase to the last end."""
    spans: dict[str | None, tuple[int, int]] = {}
    for phase in phases:
        end_ns = phase.end_ns or phase.start_ns
        first_ns, last_ns = spans.get(phase.point, (phase.start_ns, end_ns))
        spans[phase.point] = (min(first_ns, phase.start_ns), max(last_ns, end_ns))
    return {point: ns_to_s(last_ns - first_ns) for point, (first_ns, last_ns) in spans.items()}


def _asked(options: Options) -> Tune:
    name, quantile = parse_metric(str(options.tune))
    spec = METRICS[name]
    if spec.rests_on or spec.better not in {"lower", "higher"} or spec.group not in {"latency", "throughput"}:
        known = ", ".join(each.id for each in METRICS.values() if each.group in {"latency", "throughput"})
        raise UsageError(f"--tune {options.tune}: expected a latency or a rate: {known}.")
    aim: Literal["least", "most"] = "least" if spec.better == "lower" else "most"
    return Tune(metric=f"{name}.{quantile}" if quantile else name, aim=aim, budget_s=budget_s(options.tune_budget))
