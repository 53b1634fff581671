"""`aforo fleet-host check`: what this host is and has, before anything is measured on it."""

import hashlib
import os
import platform
import shutil
from collections.abc import Callable
from pathlib import Path

from profiler import __version__
from profiler.errors import AforoError
from profiler.fleet import wheel
from profiler.fleet.host_side import lock
from profiler.fleet.host_side.job_folder import folder_of, jobs_folder
from profiler.fleet.messages import CheckAnswer, CheckRequest, ModelThere
from profiler.hosts.check import check as check_knobs
from profiler.hosts.check import look
from profiler.hosts.detect import describe
from profiler.models import facts, locate
from profiler.timing.clock import SystemClock

_MACHINE_ID = ("/etc/machine-id", "/var/lib/dbus/machine-id")
_BOOT_ID = ("/proc/sys/kernel/random/boot_id",)


def check(request: CheckRequest, say: Callable[[str], None]) -> CheckAnswer:
    """Look at this host; synthetic models are made, others found and hashed. `say` takes lines of progress."""
    models = {model: _model(model, say) for model in request.models}  # may take minutes
    host, holder = describe(), lock.holder()
    return CheckAnswer(
        version=__version__,
        code_sha256=wheel.code_sha256(),
        node=platform.node() or "host",
        architecture=platform.machine(),
        machine_id=_hashed(_MACHINE_ID),
        boot_id=_hashed(_BOOT_ID),
        free_disk_bytes=shutil.disk_usage(_existing(jobs_folder())).free,
        advice=[f"{each.knob}: {each.advice}" for each in check_knobs(look(host, SystemClock())) if each.advice],
        models=models,
        jobs={job.name: folder_of(job).look() for job in request.jobs},
        measuring=holder and holder.sentence,
        measured_job=holder and holder.job,
    )


def _model(model: str, say: Callable[[str], None]) -> ModelThere:
    say(f"Finding the model {model}")
    try:
        located = locate.find(model)
        return ModelThere(sha256=facts.read(located.path, located.source).sha256)
    except AforoError as error:
        return ModelThere(problem=str(error))


def _hashed(files: tuple[str, ...]) -> str | None:
    """Return 16 digits that stand for an id of the machine, which itself is not to leave it (machine-id(5))."""
    for name in files:
        try:
            text = Path(name).read_text("ascii", "replace").strip()
        except OSError:
            continue
        if text:
            return hashlib.sha256(f"aforo fleet {text}".encode()).hexdigest()[:16]
    return None


def _existing(path: Path) -> Path:
    """Return the nearest folder that is there, on whose file system the path would be."""
    return next(each for each in (path, *path.parents) if os.path.isdir(each))  # noqa: PTH112 - no error is raised
