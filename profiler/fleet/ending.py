"""The end of a plan: its runs compared, and a page of its state beside them, linked both ways."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from profiler.aggregation.answers import answers_of_runs
from profiler.errors import RunFolderError, UsageError
from profiler.fleet.collecting import run_in
from profiler.fleet.overview import overview
from profiler.fleet.state import State, read
from profiler.fleet.status import status_of
from profiler.number_format import count
from profiler.progress import Progress
from profiler.reports.compare import page as comparison_page
from profiler.reports.compare.comparison import Comparison, compare_sets
from profiler.reports.fleet import data
from profiler.reports.fleet import page as fleet_page
from profiler.results.folder import RunFolder, replace
from profiler.results.run_set import at_settings, read_runs
from profiler.run.recompute import write_report

_OF_A_SET = 3  # of what runs have in common: workload, model, quantisation
PAGE, JSON, COMPARISONS = "fleet.html", "fleet.json", "comparison*.html"


@dataclass(frozen=True)
class Pages:
    """What was written."""

    fleet: data.Fleet
    page: Path
    comparisons: Sequence[data.Link]  # from its folder
    not_compared: str = ""  # why there is no comparison


def finish(folder: Path, progress: Progress, tick: Callable[[], None] = lambda: None) -> Pages:
    """Write the pages of a plan into the folder of its results: of new runs, of their comparisons, and its own.

    `tick` is called between runs. Raises `UsageError` where no plan was begun there, `RunFolderError`, `RecordError`,
    and whatever `tick` raises.
    """
    runs = _runs(read(folder), folder)
    _draw_reports(runs, progress, tick)
    progress.stage(f"Comparing {count(len(runs), 'run')}")
    comparisons, reason = _compared(runs)
    links = [data.Link(_file_of(one), _title(one)) for one in comparisons]
    back = data.Link(PAGE, f"fleet {status_of(folder).fleet}")
    for link, one in zip(links, comparisons, strict=True):
        replace(folder / link.file, comparison_page.render(one, back))
    for old in {path.name for path in folder.glob(COMPARISONS)} - {link.file for link in links}:
        (folder / old).unlink(missing_ok=True)  # of an end that had more sets
    return Pages(write_page(folder, links, reason), folder / PAGE, links, reason)


def write_page(folder: Path, links: Sequence[data.Link] | None = None, reason: str = "") -> data.Fleet:
    """Write the page of a plan's state, and the same as JSON; return what they say. Raises as `finish`.

    Without `links` those of an earlier end stay.
    """
    kept = _links_there(folder) if links is None else links
    fleet = overview(status_of(folder), read(folder), folder, kept, [reason] if reason else [])
    replace(folder / JSON, data.as_json(fleet))
    replace(folder / PAGE, fleet_page.render(fleet))
    return fleet


def _links_there(folder: Path) -> list[data.Link]:
    files = sorted(folder.glob(COMPARISONS), key=lambda path: (len(path.name), path.name))
    return [data.Link(file.name, f"Comparison {number}") for number, file in enumerate(files, start=1)]


def _file_of(one: Comparison) -> str:
    return f"comparison-{one.set_number}.html" if one.set_number > 1 else "comparison.html"


def _runs(state: State, folder: Path) -> list[Path]:
    """Return the run of each cell, in the order of the plan: its VALID attempt, else the last."""
    several = [state.ended.get(cell.key, []) for cell in state.planned.cells] if state.planned else []
    kept = [([each for each in own if each.outcome == "VALID"] or own)[-1] for own in several if own]
    return [run for ended in kept if ended.folder and (run := run_in(folder / ended.folder))]


def _draw_reports(runs: list[Path], progress: Progress, tick: Callable[[], None]) -> None:
    """Draw reports anew that were drawn on a host, before it was known where the run comes from."""
    old = [folder for folder in map(RunFolder, runs) if _is_drawn_before(folder)]
    if old:
        progress.stage(f"Drawing {count(len(old), 'report')}", total=len(old))
    for done, folder in enumerate(old):
        tick()
        progress.advance(done)
        try:
            write_report(folder)
        except RunFolderError as error:
            progress.note(str(error))


def _is_drawn_before(folder: RunFolder) -> bool:
    try:
        return folder.report.stat().st_mtime_ns <= (folder.path / "run.json").stat().st_mtime_ns
    except OSError:
        return False


def _compared(runs: list[Path]) -> tuple[list[Comparison], str]:
    """Return the comparisons, or why there are none."""
    found, refused = read_runs(runs)
    stored = at_settings(found)
    try:
        return compare_sets(stored, refused, answers=answers_of_runs(stored)), ""
    except UsageError as error:
        return [], f"Nothing is compared: {error}"


def _title(one: Comparison) -> str:
    """Name a comparison; of several sets by workload, model and quantisation, which each has in common."""
    if one.sets == 1:
        return f"Comparison of {count(len(one.runs), 'run')}"
    return f"Comparison {one.set_number}: {', '.join(one.common[:_OF_A_SET])}"
