"""Everything that follows from a run folder's records: its summary and its report, always the same bytes."""

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from profiler.aggregation.scores import read_scores
from profiler.errors import RunFolderError
from profiler.exchange.references import folder as shipped
from profiler.exchange.references import read_references
from profiler.reports import html, run_text
from profiler.reports.answers.part import part_of
from profiler.reports.references import Standing, standing
from profiler.results.folder import RunFolder, replace
from profiler.results.manifest import Manifest
from profiler.results.records import EnergyReading, RequestRecord
from profiler.results.run_set import StoredRun
from profiler.results.summary import Conclusion, PointSummary, Summary
from profiler.search.strategy import search_for
from profiler.search.variants import has_variants
from profiler.servers.engines import engine_called
from profiler.servers.timings import EngineTiming
from profiler.summaries.summarize import compose, summarize_points
from profiler.verdict.judge import judge_point, with_doubtful_loads
from profiler.verdict.setup import setup_of
from profiler.wire_audit.audit import Audit, audit
from profiler.wire_audit.wire_file import WIRE_FILE, read_wire
from profiler.workloads.schema import Slo

_TRIPPED = (ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
_P = ParamSpec("_P")
_T = TypeVar("_T")
_CUT_OFF = "run.json says that it is still running: the profiler was killed, or is still at work"


def _blaming_the_folder(compute: Callable[Concatenate[RunFolder, _P], _T]) -> Callable[Concatenate[RunFolder, _P], _T]:
    """Make `RunFolderError` of whatever a formula trips over: records that contradict themselves or one another.

    A finished request without a byte, a time of 400 digits, a host whose load is a text: no formula should have to
    expect these, and each is damage of the folder.
    """

    @wraps(compute)
    def computed(folder: RunFolder, /, *args: _P.args, **named: _P.kwargs) -> _T:
        try:
            return compute(folder, *args, **named)
        except _TRIPPED as error:
            raise RunFolderError(
                f"{folder.path} cannot be computed with ({type(error).__name__}: {error}): a file in it is damaged, or "
                "was changed by hand. Restore a copy of it, or repeat the run; if nobody has touched it, report this."
            ) from error

    return computed


@_blaming_the_folder
def summary_of(folder: RunFolder) -> tuple[Manifest, Summary]:
    """Compute the summary of a run folder. Raises `RunFolderError`."""
    manifest = folder.read_manifest()
    if manifest.status == "running":
        manifest = manifest.model_copy(update={"status": "interrupted", "status_reason": _CUT_OFF})
    points = summaries_of(folder, manifest)
    conclusion = _conclude(manifest, points)
    summary = compose(manifest, points, conclusion.point if conclusion else _headline(manifest, points), conclusion)
    if summary.points and summary.verdict:
        summary.verdict = with_doubtful_loads(summary.verdict, points)
    return manifest, summary


def with_slo(run: StoredRun, slo: Slo) -> StoredRun:
    """Return a run as if its workload had stated these SLOs, from its records. Raises `RunFolderError`."""
    workload = run.manifest.workload.model_copy(update={"slo": slo})
    manifest = run.manifest.model_copy(update={"workload": workload})
    points = summaries_of(run.folder, manifest)
    return StoredRun(run.folder, manifest, compose(manifest, points, run.summary.headline))


@_blaming_the_folder
def summaries_of(
    folder: RunFolder, manifest: Manifest, wall: Sequence[EnergyReading] | None = None
) -> list[PointSummary]:
    """Compute metrics and verdict of each load that has been measured. Raises `RunFolderError`.

    `wall` are readings of an external meter, to be taken instead of those that were imported.
    """
    wall = folder.read_wall() if wall is None else wall
    requests = folder.read_requests()
    timings, wire = _engine_timings(folder, manifest), _wire_audit(folder, requests)
    scores = read_scores(folder, manifest)
    points = summarize_points(manifest, requests, folder.read_samples(), timings, wire, wall, scores)
    return [_judged(manifest, point) for point in points]


@_blaming_the_folder
def summary_of_last_point(folder: RunFolder, manifest: Manifest, start_bytes: int) -> PointSummary:
    """Compute what was sent and what came of it at the last load; its requests begin at `start_bytes` of the journal.

    For a search to go on from, while the run goes on: without utilisation, energy, engine timings and verdict, on which
    no search rests. Takes time for the requests of this load only. Raises `RunFolderError`.
    """
    point = manifest.points[-1]
    phases = [phase for phase in manifest.phases if phase.point in {None, point.name}]
    alone = manifest.model_copy(update={"points": [point], "phases": phases})
    return summarize_points(alone, folder.read_requests(start_bytes), [], [])[0]


@_blaming_the_folder
def write_summary(folder: RunFolder) -> tuple[Manifest, Summary]:
    """Recompute `summary.json`. Raises `RunFolderError`, `RecordError`."""
    manifest, summary = summary_of(folder)
    folder.write_summary(summary)
    return manifest, summary


def write_report(folder: RunFolder) -> tuple[Manifest, Summary]:
    """Recompute `report.html`. Raises `RunFolderError`, `RecordError`."""
    manifest, summary = summary_of(folder)
    _draw(folder, manifest, summary)
    return manifest, summary


def recompute(folder: RunFolder) -> tuple[Manifest, Summary]:
    """Recompute both. Raises `RunFolderError`, `RecordError`."""
    manifest, summary = write_summary(folder)
    _draw(folder, manifest, summary)
    return manifest, summary


def page_of(folder: RunFolder) -> str:
    """Return the page about a run, without writing it. Raises `RunFolderError`."""
    return _page(folder, *summary_of(folder))


def _draw(folder: RunFolder, manifest: Manifest, summary: Summary) -> None:
    replace(folder.report, _page(folder, manifest, summary))


@_blaming_the_folder
def _page(folder: RunFolder, manifest: Manifest, summary: Summary) -> str:
    answers, stands = part_of(folder, summary), standing_of(folder, manifest, summary)
    samples, wall = folder.read_samples(), folder.read_wall()
    return html.render(manifest, summary, folder.read_requests(), samples, wall, answers, stands)


@_blaming_the_folder
def markdown_of(folder: RunFolder) -> str:
    """Return the run as Markdown. Raises `RunFolderError`."""
    manifest, summary = summary_of(folder)
    return run_text.markdown(manifest, summary, part_of(folder, summary), standing_of(folder, manifest, summary))


def standing_of(folder: RunFolder, manifest: Manifest, summary: Summary) -> Standing:
    """Return how a run stands beside the references that ship. Raises `RunFolderError` for one that is damaged."""
    return standing(StoredRun(folder, manifest, summary), read_references(shipped()))


def _conclude(manifest: Manifest, points: Sequence[PointSummary]) -> Conclusion | None:
    """Say what several loads amount to; a run of one load has nothing to conclude."""
    if len(manifest.points) <= 1:
        return None
    return search_for(manifest.workload).conclude(points)


def _headline(manifest: Manifest, points: Sequence[PointSummary]) -> str | None:
    """Return the point that a sweep over something else than loads is known by: its first, which is the plain one."""
    if not has_variants(manifest.workload):
        return None
    return next((done.point.name for done in points if done.requests_ok), None)


def _judged(manifest: Manifest, point: PointSummary) -> PointSummary:
    setup = setup_of(manifest, point.point, point.failures)
    return point.model_copy(update={"verdict": judge_point(manifest.status, point, setup)})


def _engine_timings(folder: RunFolder, manifest: Manifest) -> Iterable[EngineTiming]:
    """Return the timings that the engine's log holds."""
    engine = engine_called(manifest.engine.name)
    return engine.read_log(folder.read_server_log()) if engine else ()


def _wire_audit(folder: RunFolder, requests: Iterable[RequestRecord]) -> Audit | None:
    """Compare with the wire where it was captured. Raises `RunFolderError`."""
    path = folder.path / WIRE_FILE
    return audit(requests, read_wire(path)) if path.exists() else None
