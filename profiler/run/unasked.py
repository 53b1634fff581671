"""What is not done with a server that somebody else runs unless it is asked for: keeping what it says."""

from profiler.errors import UsageError
from profiler.run.options import Options
from profiler.workloads.schema import Workload

NOTE = (
    "Responses of a server that runs already are kept only when asked, so their quality is not measured: pass "
    "--keep-responses."
)


def without_responses(options: Options, workload: Workload) -> tuple[Workload, list[str]]:
    """Return a workload as it is carried out, and what is told of that.

    What others' servers say is kept by no definition alone. Raises `UsageError` where the code in it is to be run.
    """
    if options.url is None or options.keep_responses or not workload.keep_responses:
        return workload, []
    if options.run_code:
        raise UsageError("--run-code with --url: responses are kept only when asked. Pass --keep-responses as well.")
    return workload.model_copy(update={"keep_responses": False}), [NOTE]
