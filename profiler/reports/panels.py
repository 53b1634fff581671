"""The figures of a page with their captions, or the sentence that stands where there is no figure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from plotly import graph_objects as go

from profiler.energy.band import power_w
from profiler.energy.scopes import MODEL_SCOPE, WITHOUT_CARDS
from profiler.energy.use import of_channel
from profiler.reports import cards, figures, loads, series, settings, variants
from profiler.reports import format as fmt
from profiler.reports.ecdf import Mark, ecdf
from profiler.reports.gathered import Gathered
from profiler.reports.tables import LATENCIES, is_left_out, scale_of
from profiler.reports.timeline import timeline
from profiler.results.manifest import Manifest
from profiler.results.records import EnergyReading, Sample
from profiler.results.summary import Distribution, NotMeasured, Summary
from profiler.results.tokens import tokens_of
from profiler.stats.quantiles import QUANTILES
from profiler.stats.ranges import Range
from profiler.workloads.schema import SloSearch

_FEWEST_VALUES = 2  # a distribution of one value is a number, not a curve


@dataclass(frozen=True)
class Panel:
    """One figure of the page: `figure` is None where there was nothing to draw, and `note` says why."""

    id: str
    title: str
    note: str
    figure: go.Figure | None = None
    alternative: str = ""  # what a reader who cannot see the figure is told


@dataclass(frozen=True)
class _Run:
    """What the panels are made of, on one time axis."""

    manifest: Manifest
    gathered: Gathered
    samples: Sequence[Sample]
    zero_ns: int
    phases: list[series.Span]


def sections(
    manifest: Manifest,
    summary: Summary,
    gathered: Gathered,
    samples: Sequence[Sample],
    wall: Sequence[EnergyReading] = (),
) -> dict[str, list[Panel]]:
    """Every panel of the page, by section."""
    zero_ns = gathered.extent.zero_ns
    run = _Run(manifest, gathered, samples, zero_ns, series.spans(manifest, zero_ns, gathered.extent.last_ns))
    return {
        "loads": _loads(manifest, summary),
        "latency": [_ecdf(name, run, summary) for name in LATENCIES if not is_left_out(name, summary.metrics)],
        "timeline": [_timeline(run), _gaps(run)],
        "load": _utilisation(run),
        "cards": [Panel(*drawn) for drawn in cards.figures(manifest, samples, zero_ns, run.phases)],
        "energy": _energy(run, wall),
    }


def _loads(manifest: Manifest, summary: Summary) -> list[Panel]:
    """How throughput and latency change with the load, where there were several."""
    points = loads.by_load(summary)
    if not points:
        return []
    if curves := variants.figures(summary, manifest.engine):
        return [Panel(name, title, "Each dot is a row of the table.", figure, title) for name, title, figure in curves]
    if drawn := settings.figures(summary):
        note = "Each dot is a setting of the server, with its 95 % interval where it has one."
        return [Panel(name, title, note, figure, f"{title}.") for name, title, figure in drawn]
    panels = []
    load = manifest.workload.load
    if summary.conclusion is not None and isinstance(load, SloSearch):
        kept = loads.attainment(points, load.attainment_ratio, summary.conclusion)
        note = "Every dot is a repeat; the line is the share that was asked for, the limit lies in the shaded interval."
        panels.append(Panel("attainment", "Requests that met every SLO", note, kept, "Attainment against load."))
    rate, kind = loads.throughput(points, summary.conclusion), tokens_of(points).kind
    note = "Bars are the range of the repeats." if rate else "No load was steady for long enough to have a rate."
    panels.append(Panel("throughput", f"{kind.capitalize()} rate", note, rate, "Throughput against load."))
    if latency := loads.latency_throughput(points, summary.conclusion):
        note = "Each dot is a load, hollow where too few samples stand behind it; hover for the load."
        panels.append(
            Panel("latency-throughput", f"Latency against {kind} rate", note, latency, "Latency against rate.")
        )
    return panels


def _ecdf(metric_id: str, run: _Run, summary: Summary) -> Panel:
    title = fmt.label(metric_id)
    values, metric = run.gathered.latencies_ms[metric_id].ordered(), summary.metrics.get(metric_id)
    if not len(values):
        reason = metric.reason if isinstance(metric, NotMeasured) else "no measured request finished"
        return Panel(metric_id, title, f"Nothing to draw: {reason}.")
    if len(values) < _FEWEST_VALUES:
        return Panel(metric_id, title, f"One value, {fmt.quantity(values[0], 'ms')}: too few for a distribution.")
    marks = _marks(metric) if isinstance(metric, Distribution) else []
    slo_ms = run.manifest.workload.slo.limit_ms(metric_id)
    figure = ecdf(values, marks, fmt.short_label(metric_id), slo_ms)
    note = f"{fmt.count(len(values), 'gap' if metric_id == 'itl_ms' else 'request')}."
    return Panel(metric_id, title, note, figure, f"Distribution of {title}: the percentiles are in the table below.")


def _marks(metric: Distribution) -> list[Mark]:
    return [
        Mark(name, 100 * QUANTILES[name], value, scale_of(metric, name).quantity(value), name in metric.indicative)
        for name, value in metric.quantiles.items()
        if name in QUANTILES
    ]


def _timeline(run: _Run) -> Panel:
    title = "Request timeline"
    shown = run.gathered.timeline()
    if not shown.rows:
        return Panel("timeline", title, "No measured request was sent, so there is no timeline.")
    note = f"Showing {len(shown.rows):,} of {fmt.count(shown.total, 'measured request')} in order of sending"
    note += ": the first ones of each repeat." if len(shown.rows) < shown.total else "."
    if not any(row.token_s for row in shown.rows):
        note += " Nothing was streamed."
    elif shown.has_all_ticks:
        note += " Every token is a tick, so a gap between ticks is a pause; zoom in to tell tokens apart."
    else:
        note += f" The first {series.MOST_TICKS:,} tokens are ticked."
    return Panel("timeline", title, note, timeline(shown.rows), "One bar per request: waiting, then streaming.")


def _gaps(run: _Run) -> Panel:
    title = "Inter-token latency over the run"
    gaps = run.gathered.gaps
    points = gaps.points()
    if not gaps.total:
        return Panel("gaps", title, "No request streamed two tokens, so there are no gaps.")
    if points is not None:
        figure, note = figures.gap_dots(points, run.phases), f"All {len(points):,} gaps."
    else:
        parts = gaps.slices()
        figure = figures.gap_slices(parts, run.phases)
        note = f"{gaps.total:,} gaps in {len(parts):,} slices of time: the median and the worst gap of each."
    return Panel("gaps", title, note, figure, "Inter-token gap against time.")


def _utilisation(run: _Run) -> list[Panel]:
    if not run.samples:
        return [Panel("cores", "CPU and memory", "No utilisation sample was recorded.")]
    return [_cores(run), _host(run), _memory(run)]


def _cores(run: _Run) -> Panel:
    server, client = _series(run, lambda s: s.server_cpu_cores), _series(run, lambda s: s.client_cpu_cores)
    title = "CPU cores busy"
    if not server and not client:
        return Panel("cores", title, "Neither the server's nor the load driver's CPU time could be read.")
    figure = figures.cores(series.extremes(server), series.extremes(client), run.phases)
    return Panel("cores", title, _sampling_note(run), figure, "CPU cores busy against time.")


def _host(run: _Run) -> Panel:
    busy, steal = _series(run, lambda s: s.host_cpu_ratio), _series(run, lambda s: s.host_steal_ratio)
    title = "Whole host"
    if not busy and not steal:
        return Panel("host", title, "The CPU time of the whole host could not be read.")
    note = "" if steal else "This host does not tell how much time the hypervisor took (steal)."
    figure = figures.host_shares(series.extremes(busy), series.extremes(steal), run.phases)
    return Panel("host", title, note, figure, "CPU share of the whole host against time.")


def _memory(run: _Run) -> Panel:
    points = _series(run, lambda s: s.server_rss_bytes)
    title = "Memory of the model server"
    if not points:
        return Panel("memory", title, "The memory of the server's processes could not be read.")
    figure = figures.memory(series.extremes(points), run.phases)
    return Panel("memory", title, "", figure, "Resident memory against time.")


def _energy(run: _Run, wall: Sequence[EnergyReading]) -> list[Panel]:
    """Power and energy over time, a line for each channel that was read and two around the models."""
    readings = [reading for sample in run.samples for reading in sample.energy] + list(wall)
    first_ns = min((phase.start_ns for phase in run.manifest.phases), default=run.zero_ns)
    last_ns = run.gathered.extent.last_ns  # an external meter runs on
    powers, energies = {}, {}
    for meter in run.manifest.energy.meters:
        own = [reading for reading in of_channel(readings, meter.channel) if first_ns <= reading.t_ns <= last_ns]
        if points := series.power_points(own, run.zero_ns):
            scope = _modelled_scope(run) if meter.meter_class == "model" else meter.scope
            name = f"{meter.channel} ({meter.meter_class}, {scope})"
            powers[name] = series.extremes(points)
            energies[name] = series.extremes(series.energy_points(own, run.zero_ns))
    powers |= _modelled_power(run)
    if not powers:
        return []
    note = "Mean power between two readings of each channel. Lines of different class or scope are never added up."
    panels = [Panel("power", "Power", note, figures.by_name(powers, "power, W", run.phases), "Power against time.")]
    if energies:
        note = "Since the first measured request; the tables below are of the steady windows alone."
        figure = figures.by_name(energies, "energy, J", run.phases)
        panels.append(Panel("energy-used", "Energy", note, figure, "Energy against time."))
    return panels


def _modelled_power(run: _Run) -> dict[str, list[series.Point]]:
    """The least and the most that any model of this machine says, as busy as its processors were."""
    estimates = run.manifest.energy.estimates
    if not estimates:
        return {}
    busy = _series(run, lambda sample: sample.host_cpu_ratio)
    ranges = [(t_s, Range.hull(*(power_w(one, Range.exact(share)) for one in estimates))) for t_s, share in busy]
    name = f"(model, {_modelled_scope(run)})"
    lines = {
        f"least of {len(estimates)} estimates {name}": [(t_s, power.low) for t_s, power in ranges],
        f"most of {len(estimates)} estimates {name}": [(t_s, power.high) for t_s, power in ranges],
    }
    return {name: series.extremes(points) for name, points in lines.items() if points}


def _modelled_scope(run: _Run) -> str:
    """Return what models of processors and memory are models of."""
    return WITHOUT_CARDS if run.manifest.server_host.gpus else MODEL_SCOPE


def _series(run: _Run, value: Callable[[Sample], float | None]) -> list[series.Point]:
    return series.sample_points(run.samples, run.zero_ns, value)


def _sampling_note(run: _Run) -> str:
    n = len(run.samples)
    if n <= series.MOST_DOTS:
        return f"{fmt.count(n, 'sample')}, here and below."
    return f"{n:,} samples, here and below: the least and the greatest of each of {series.MOST_SLICES} slices of time."
