"""`aforo fleet-host wait` and `cancel`: follow a job to its end, or ask for it."""

from collections.abc import Callable

from profiler.fleet.host_side.job_folder import JobFolder, folder_of
from profiler.fleet.messages import Job, JobThere, WaitRequest
from profiler.timing.clock import Clock
from profiler.units import s_to_ns

_LOOK_S = 1.0


def wait(request: WaitRequest, say: Callable[[str], None], clock: Clock) -> JobThere:
    """Return once the job is not running any more, or the time is over; `say` takes what it says meanwhile."""
    folder = folder_of(request.job)
    end_ns = clock.monotonic_ns() + s_to_ns(request.for_s)
    heard = ""
    while True:
        there = folder.look()
        if there.sentence != heard:
            heard = there.sentence
            say(heard)
        if there.state != "running" or clock.monotonic_ns() >= end_ns:
            return there
        clock.sleep(_LOOK_S)


def cancel(job: Job) -> JobThere:
    """Ask a job to end, as Ctrl-C does, and return how it is now: it takes a while to end."""
    folder: JobFolder = folder_of(job)
    if folder.path.is_dir():
        folder.cancelled.touch()
    return folder.look()
