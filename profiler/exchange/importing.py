"""From another tool's result file to a folder of its own, kept apart from runs."""

import hashlib
import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from profiler.errors import RecordError, UsageError
from profiler.exchange.aiperf import AiPerf
from profiler.exchange.genai_bench import GenAiBench
from profiler.exchange.guidellm import GuideLlm
from profiler.exchange.inference_perf import InferencePerf
from profiler.exchange.llama_bench import LlamaBench
from profiler.exchange.llama_benchy import LlamaBenchy
from profiler.exchange.llmd_report import LlmdReport
from profiler.exchange.sglang_bench import SglangBench
from profiler.exchange.source import Format, Object, load, numbered
from profiler.exchange.vllm_bench import VllmBench
from profiler.files import read_bytes
from profiler.results.folder import make_free, name_folder, replace
from profiler.results.imported import IMPORTED_FILE, Imported

FORMATS: Sequence[Format] = (
    VllmBench(),
    SglangBench(),
    GuideLlm(),
    AiPerf(),
    LlamaBench(),
    LlamaBenchy(),
    InferencePerf(),
    GenAiBench(),
    LlmdReport(),
)
_OURS = "aforo_run_id"  # a key of what we export
_KEYS_SHOWN = 6


def read_result(path: Path, now: datetime, folder_name: str = "") -> Imported:
    """Read a result file; what made it is told by its content. Raises `UsageError`."""
    parts = load(path)
    if any(_OURS in part for part in parts):
        raise UsageError(
            f"{path} was written by 'aforo export' from the run {parts[0].get(_OURS)}. Use that run itself."
        )
    form = next((form for form in FORMATS if form.recognises(parts)), None)
    if form is None:
        raise UsageError(_unknown(path, parts))
    said = form.read(parts)
    return Imported(
        import_id=folder_name,
        imported_utc=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        tool=form.NAME,
        tool_version=said.tool_version,
        file=path.name,
        sha256=hashlib.sha256(read_bytes(path)).hexdigest(),
        measured_utc=said.measured_utc,
        model=said.model,
        engine=said.engine,
        host=said.host,
        points=numbered(said.points),
        notes=list(said.notes),
    )


def import_result(path: Path, out: Path, now: datetime) -> tuple[Path, Imported]:
    """Make a folder below `out` with what a file says, and the file itself. Raises `UsageError`, `RecordError`."""
    imported = read_result(path, now)
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    folder = name_folder(out, [stamp, "imported", imported.tool, imported.model or "unnamed"])
    try:
        folder = make_free(folder)
        shutil.copyfile(path, folder / f"original-{path.name}")
    except OSError as error:
        raise RecordError(f"Cannot write {folder}: {error.strerror}. Free some space or pass another --out.") from error
    imported = imported.model_copy(update={"import_id": folder.name})
    replace(folder / IMPORTED_FILE, imported.model_dump_json(indent=2) + "\n")
    return folder, imported


def _unknown(path: Path, parts: Sequence[Object]) -> str:
    keys = list(parts[0])[:_KEYS_SHOWN]
    seen = f"a JSON object with the keys {', '.join(map(str, keys))}" if keys else "an empty JSON object"
    known = "; ".join(f"{form.NAME}: {form.MADE_BY}" for form in FORMATS)
    return f"{path} is {seen}, which no known tool writes. Expected a result file of one of these ({known})."
