"""Running the code that a run's responses hold against the tests of their items, once the server has stopped."""

from collections.abc import Callable
from contextlib import closing

from profiler.errors import UsageError
from profiler.progress import Progress
from profiler.quality import code_execution
from profiler.quality.code_execution import CodeResult
from profiler.results.folder import Journal, RunFolder
from profiler.results.records import CodeRun
from profiler.run.plan import Plan


def require_isolation() -> None:
    """Raise `UsageError` where generated code cannot be isolated on this machine."""
    if lack := code_execution.lacking():
        raise UsageError(f"--run-code: {lack}")


def require_tests(plan: Plan) -> None:
    """Raise `UsageError` where no item of the workload has tests to run."""
    items = plan.data.items if plan.data else []
    if not plan.workload.keep_responses or not any(item.values.get("tests") for item in items):
        raise UsageError(
            f"--run-code: no item of the workload {plan.workload.id} has tests that code could pass. "
            "Leave the option out, or measure one whose rows have 'tests', such as task-code."
        )


def run_code(folder: RunFolder, progress: Progress, tick: Callable[[], None]) -> int:
    """Write `code.jsonl` anew: what came of the code of every kept response whose item has tests; return how many.

    The same response to the same item is run once. Raises `RunFolderError`, `RecordError`, and whatever `tick` raises;
    what was run until then is kept, or all that was known from an earlier time.
    """
    items = {name: item for name, item in folder.read_items().items() if item.tests}
    kept = [row for row in folder.read_answers() if row.item in items]
    new = folder.code.with_suffix(".new")
    new.unlink(missing_ok=True)  # of an earlier time that did not get to its end
    path = new if folder.code.exists() else folder.code
    known: dict[tuple[str, str], CodeResult] = {}
    progress.stage("Running generated code, isolated", total=len(kept))
    with closing(Journal(path)) as journal:
        for done, row in enumerate(kept, start=1):
            tick()
            key = (str(row.item), row.text)
            known[key] = result = known.get(key) or code_execution.run_tests(row.text, items[key[0]])
            journal.append(CodeRun(index=row.index, passed=result.passed, reason=result.reason))
            progress.advance(done)
    path.replace(folder.code)
    return len(kept)
