"""A line for every run below a folder, read fast: what a list of ten thousand shows."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from pathlib import Path

from profiler.errors import RunFolderError, UsageError
from profiler.results.imported import NO_TRUST, Imported, read_imported
from profiler.results.index import FleetHead, MetricHead, RunHead, read_run, read_summary
from profiler.results.metric_names import in_new_names
from profiler.results.naming import short_id
from profiler.results.run_set import find_runs

Headlines = Mapping[str, tuple[str, str | None]]
"""What is listed of each run: by the name of a column, a metric and the quantile of it (`catalogue.listed`)."""

_COSTS = ("cost_per_1m_output_tokens", "cost_per_1m_input_tokens")
NOT_JUDGED = "not judged"
UNFINISHED = "no summary"
UNREADABLE = "unreadable"
_READERS = 2  # threads: more of them wait for each other longer than for a disk
_AT_ONCE = 200  # folders that one of them takes


@dataclass(frozen=True)
class Found:
    """What is below a folder."""

    folders: list[Path] = field(default_factory=list)
    """Runs and imports, whole or not."""
    foreign: list[Path] = field(default_factory=list)
    """Folders right below it that hold none, however deep."""


@dataclass(frozen=True)
class Line:
    """One run, one import, or one folder that cannot be read; `note` says why, or what to do."""

    folder: Path
    verdict: str
    run_id: str | None = None
    started_utc: str | None = None
    status: str | None = None
    host: str | None = None
    engine: str | None = None
    model: str | None = None
    workload: str | None = None
    requests_ok: int | None = None
    requests_failed: int | None = None
    numbers: Mapping[str, float | None] = field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float] | None] = field(default_factory=dict)
    currency: str | None = None  # of the cost among the numbers
    fleet: FleetHead = field(default_factory=FleetHead)
    note: str | None = None

    @property
    def id(self) -> str | None:
        """The short id that every verb takes in place of the folder; None of what is no run."""
        return None if self.run_id is None else short_id(self.run_id)


@dataclass(frozen=True)
class Wanted:
    """Which lines to keep: texts that a field contains, in whatever case; a verdict as it is written."""

    host: str | None = None
    model: str | None = None
    workload: str | None = None
    verdict: str | None = None

    def keeps(self, line: Line) -> bool:
        """Whether a line is wanted."""
        pairs = ((self.host, line.host), (self.model, line.model), (self.workload, line.workload))
        is_named = all(wanted is None or wanted.lower() in (seen or "").lower() for wanted, seen in pairs)
        return is_named and self.verdict in {None, line.verdict}


def find(root: Path) -> Found:
    """Look for runs and imports: the folder itself, or any below it, as `find_runs` does.

    Raises `UsageError` where there is no such folder.
    """
    if not root.is_dir():
        state = "is a file" if root.exists() else "does not exist"
        raise UsageError(f"{root} {state}. Expected a folder with runs, such as ./runs, which 'aforo run' makes.")
    folders = list(find_runs([root]))
    if folders == [root]:
        return Found(folders)
    depth = len(root.parts)
    taken = {folder.parts[depth] for folder in folders}
    below = sorted(child for child in root.iterdir() if child.name not in taken and not child.name.startswith("."))
    return Found(folders, [child for child in below if child.is_dir()])


def lines(found: Found, headlines: Headlines) -> list[Line]:
    """Read a line for each run and import, the newest first; those without a date come last."""
    parts = [found.folders[first : first + _AT_ONCE] for first in range(0, len(found.folders), _AT_ONCE)]
    with ThreadPoolExecutor(_READERS) as readers:
        read = list(chain.from_iterable(readers.map(partial(_lines, headlines), parts)))
    return sorted(read, key=lambda line: (line.started_utc or "", str(line.folder)), reverse=True)


def _lines(headlines: Headlines, folders: Iterable[Path]) -> list[Line]:
    return [_line(folder, headlines) for folder in folders]


def _line(folder: Path, headlines: Headlines) -> Line:
    try:
        return _run_line(folder, read_run(folder), headlines)
    except FileNotFoundError:
        return _imported_line(folder, headlines)
    except RunFolderError as error:
        return Line(folder, UNREADABLE, note=str(error))


def _run_line(folder: Path, run: RunHead, headlines: Headlines) -> Line:
    try:
        summary = read_summary(folder)
    except FileNotFoundError:
        state = "it is running, or was killed" if run.status == "running" else f"it is {run.status}"
        return _named(folder, run, UNFINISHED, note=f"{folder}: {state}, without a summary: aforo summarize {folder}")
    except RunFolderError as error:
        return _named(folder, run, UNREADABLE, note=str(error))
    level = summary.verdict.level if summary.verdict else NOT_JUDGED
    counts = summary.requests_ok, summary.requests_failed
    metrics = in_new_names(summary.metrics)
    line = _named(folder, run, level, counts, _numbers(metrics, headlines))
    return replace(line, intervals=_intervals(metrics, headlines), currency=_currency(metrics))


def _named(
    folder: Path,
    run: RunHead,
    verdict: str,
    requests: tuple[int | None, int | None] = (None, None),
    numbers: Mapping[str, float | None] | None = None,
    note: str | None = None,
) -> Line:
    return Line(
        folder=folder,
        verdict=verdict,
        run_id=run.run_id,
        started_utc=run.started_utc,
        status=run.status,
        host=(run.fleet and run.fleet.host) or run.host.name,
        engine=run.engine.name,
        model=run.model.name,
        workload=run.workload_name,
        requests_ok=requests[0],
        requests_failed=requests[1],
        numbers=numbers or {},
        note=note,
        fleet=run.fleet or FleetHead(),
    )


def _numbers(metrics: Mapping[str, MetricHead], headlines: Headlines) -> dict[str, float | None]:
    return {name: _number(metrics.get(metric), quantile) for name, (metric, quantile) in headlines.items()}


def _intervals(metrics: Mapping[str, MetricHead], headlines: Headlines) -> dict[str, tuple[float, float] | None]:
    found: dict[str, tuple[float, float] | None] = {}
    for name, (metric, quantile) in headlines.items():
        head = metrics.get(metric) or MetricHead()
        found[name] = head.interval if quantile is None else head.quantile_intervals.get(quantile)
    return found


def _currency(metrics: Mapping[str, MetricHead]) -> str | None:
    costs = [metrics[name] for name in _COSTS if name in metrics and metrics[name].value is not None]
    return next((cost.unit.partition("/")[0] for cost in costs if cost.unit is not None), None)


def _number(metric: MetricHead | None, quantile: str | None) -> float | None:
    if metric is None:
        return None
    return metric.value if quantile is None else metric.quantiles.get(quantile)


def _imported_line(folder: Path, headlines: Headlines) -> Line:
    try:
        imported = read_imported(folder)
    except FileNotFoundError:
        return Line(folder, UNREADABLE, note=f"{folder} has no run.json, without which the rest cannot be read.")
    except RunFolderError as error:
        return Line(folder, UNREADABLE, note=str(error))
    last = imported.points[-1]
    return Line(
        folder=folder,
        verdict=NO_TRUST,
        started_utc=imported.measured_utc,
        status="imported",
        host=imported.host,
        engine=imported.engine,
        model=imported.model,
        workload=_tests(imported),
        requests_ok=last.requests_ok,
        requests_failed=last.requests_failed,
        numbers=_imported_numbers(imported, headlines),
    )


def _tests(imported: Imported) -> str:
    return f"{imported.tool}: {', '.join(point.name for point in imported.points)}"


def _imported_numbers(imported: Imported, headlines: Headlines) -> dict[str, float | None]:
    """Take the numbers of the last load: those of a sweep's highest, as a rule."""
    metrics = imported.points[-1].metrics
    return {
        name: None if metric not in metrics else _value(metrics[metric].value, metrics[metric].quantiles, quantile)
        for name, (metric, quantile) in headlines.items()
    }


def _value(value: float | None, quantiles: Mapping[str, float], quantile: str | None) -> float | None:
    return value if quantile is None else quantiles.get(quantile)


def notes(shown: Iterable[Line]) -> list[str]:
    """Return what is to be said of lines."""
    return [line.note for line in shown if line.note is not None]
