"""The run folder: where each file is, how it is written and how it is read back.

Everything is written so that a run that is killed at any moment leaves a folder that can be read:
`run.json` is replaced as a whole, the journals grow by whole lines, and a line that was cut off in the
middle is passed over.
"""

import contextlib
import itertools
import json
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
from pydantic import ValidationError

from profiler.errors import RecordError, RunFolderError, UsageError
from profiler.files import parse_json, read_bytes, reading
from profiler.quality.item import Item
from profiler.results.format_version import require_readable
from profiler.results.imported import IMPORTED_FILE, NO_TRUST
from profiler.results.manifest import FORMAT_VERSION, Manifest
from profiler.results.migrations import migrated
from profiler.results.records import (
    CodeRun,
    EnergyReading,
    KeptPrompt,
    KeptResponse,
    RequestRecord,
    RequestTimes,
    RequestWithoutSizes,
    Sample,
)
from profiler.results.summary import Summary
from profiler.units import BYTES_PER_MIB

_PART_BYTES = BYTES_PER_MIB
_LONGEST_NAME = 200  # of the 255 bytes that file systems allow, with room for what is put behind or before it

_Row = TypeVar(
    "_Row",
    RequestRecord,
    RequestWithoutSizes,
    RequestTimes,
    Sample,
    EnergyReading,
    KeptPrompt,
    KeptResponse,
    Item,
    CodeRun,
)


class Journal:
    """A file of JSON lines that grows by one whole line per write."""

    def __init__(self, path: Path) -> None:
        """Open the file. Raises `RecordError`."""
        self._path = path
        self._encoder = msgspec.json.Encoder()
        with _writing(path):
            self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)

    def append(self, row: RequestRecord | Sample | KeptPrompt | KeptResponse | Item | CodeRun) -> None:
        """Write one line; it is in the kernel's hands when this returns. Raises `RecordError`."""
        line = self._encoder.encode(row) + b"\n"
        with _writing(self._path):
            while line:
                line = line[os.write(self._fd, line) :]

    @property
    def size_bytes(self) -> int:
        """How long the file is: where the next row begins."""
        return os.fstat(self._fd).st_size

    def close(self) -> None:
        """Close the file."""
        os.close(self._fd)


class StoredRequests:
    """The finished requests of a run, in the order in which they finished, read anew each time: never all in memory.

    Iterating raises `RunFolderError`.
    """

    def __init__(self, path: Path, start_bytes: int = 0, end_bytes: int | None = None) -> None:
        """Name the journal, and where in it the first row begins and the last one ends, unless that is its end.

        One that does not exist holds nothing.
        """
        self._path = path
        self._start_bytes = start_bytes
        self._end_bytes = end_bytes

    def __iter__(self) -> Iterator[RequestRecord]:
        """Yield every record."""
        return _rows(self._path, RequestRecord, self._start_bytes, self._end_bytes)

    def times(self) -> Iterator[RequestTimes]:
        """Yield when every request was under way, much faster than the whole records."""
        return _rows(self._path, RequestTimes, self._start_bytes, self._end_bytes)

    def parts(self) -> list["RequestsPart"]:
        """Return the same requests in parts of some megabytes, in order. Raises `RunFolderError`."""
        starts_bytes = [self._start_bytes]
        try:
            with reading(self._path) as file:
                size_bytes = file.seek(0, os.SEEK_END)
                while starts_bytes[-1] + _PART_BYTES < size_bytes:
                    file.seek(starts_bytes[-1] + _PART_BYTES)
                    file.readline()
                    starts_bytes.append(file.tell())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise RunFolderError(f"{self._path} cannot be read: {error.strerror}.") from error
        edges_bytes = zip(starts_bytes, [*starts_bytes[1:], None], strict=True)
        return [RequestsPart(self._path, start, end) for start, end in edges_bytes]


class RequestsPart(StoredRequests):
    """Some of a run's requests; their `read_bytes` stay undecoded, which only an audit looks at."""

    def __iter__(self) -> Iterator[RequestRecord]:
        """Yield every record."""
        return _rows(self._path, RequestWithoutSizes, self._start_bytes, self._end_bytes)


def parts_of(requests: Iterable[RequestRecord]) -> Sequence[Iterable[RequestRecord]]:
    """Return requests in parts, in order: those from a file in parts of some megabytes, others in one."""
    return requests.parts() if isinstance(requests, StoredRequests) else [requests]


class RunFolder:
    """One run's folder."""

    def __init__(self, path: Path) -> None:
        """Name a folder; nothing is touched yet."""
        self.path = path
        self.requests = path / "requests.jsonl"
        self.samples = path / "samples.jsonl"
        self.answers = path / "answers.jsonl"
        self.prompts = path / "prompts.jsonl"
        self.items = path / "items.jsonl"
        self.code = path / "code.jsonl"
        self.wall = path / "wall.jsonl"
        self.server_log = path / "server.log"
        self.report = path / "report.html"
        self._manifest = path / "run.json"
        self._summary = path / "summary.json"

    def create(self) -> "RunFolder":
        """Make the folder and return it; where its name is taken, another one. Raises `RecordError`."""
        with _writing(self.path):
            return RunFolder(make_free(self.path))

    def move_into(self, other: "RunFolder", name: str) -> None:
        """Move the whole folder into that of another run. Raises `RecordError`."""
        with _writing(other.path):
            self.path.rename(other.path / name)

    def discard(self) -> None:
        """Remove the folder of a run that ended before its `run.json` was written, with its empty journals."""
        with contextlib.suppress(OSError):
            if not self._manifest.exists():
                for journal in (self.requests, self.samples, self.answers, self.prompts):
                    journal.unlink(missing_ok=True)
                self.path.rmdir()

    def check_is_there(self) -> None:
        """Raise `RecordError` where the folder was taken away while the run was at work."""
        if not self._manifest.is_file():
            raise RecordError(
                f"The run folder {self.path} is gone: it was removed or moved while the run was at work, so nothing "
                "can be said of the run. Repeat it, and leave its folder where it is."
            )

    def write_manifest(self, manifest: Manifest) -> None:
        """Replace `run.json`. Raises `RecordError`."""
        replace(self._manifest, _as_json(manifest.model_dump(mode="json")))

    def write_summary(self, summary: Summary) -> None:
        """Replace `summary.json`. Raises `RecordError`."""
        replace(self._summary, _as_json(summary.model_dump(mode="json")))

    def read_manifest(self) -> Manifest:
        """Read `run.json`. Raises `RunFolderError`."""
        if not self._manifest.is_file():
            if (self.path / IMPORTED_FILE).is_file():
                raise RunFolderError(
                    f"{self.path} is not a run but a result of another tool ({NO_TRUST}). 'aforo list' shows it, and "
                    "'aforo query' has it in the table 'imported'; it is never compared with runs."
                )
            raise RunFolderError(
                f"{self.path} is not a run folder: it has no run.json. Expected a folder that 'aforo run' made."
            )
        document = migrated(self._of_known_format(self._manifest), FORMAT_VERSION)
        try:
            return Manifest.model_validate(document)
        except ValidationError as error:
            raise RunFolderError(
                f"{self._manifest}: {_first(error)}. The file is damaged, or a newer Aforo wrote it: pip install "
                "--upgrade aforo"
            ) from error

    def read_summary(self) -> Summary:
        """Read `summary.json`. Raises `RunFolderError`."""
        if not self._summary.is_file():
            raise RunFolderError(
                f"{self.path} has no summary.json: the run was cut off, or is still going on. Write one: "
                f"aforo summarize {self.path}"
            )
        document = self._of_known_format(self._summary)
        try:
            return Summary.model_validate(document)
        except ValidationError as error:
            raise RunFolderError(
                f"{self._summary}: {_first(error)}. The file is damaged. Write it anew: aforo summarize {self.path}"
            ) from error

    def read_requests(self, start_bytes: int = 0) -> StoredRequests:
        """Return the finished requests, to be read one by one, as often as needed; `start_bytes` skips earlier ones."""
        return StoredRequests(self.requests, start_bytes)

    def read_samples(self) -> list[Sample]:
        """Read all samples. Raises `RunFolderError`."""
        return list(_rows(self.samples, Sample))

    def read_answers(self) -> Iterator[KeptResponse]:
        """Yield the texts of responses, in the order in which they finished, where the workload keeps them.

        Raises `RunFolderError`.
        """
        return _rows(self.answers, KeptResponse)

    def read_prompts(self) -> Iterator[KeptPrompt]:
        """Yield what was sent, each prompt once, where responses were kept. Raises `RunFolderError`."""
        return _rows(self.prompts, KeptPrompt)

    def read_items(self) -> dict[str, Item]:
        """Return what was asked about and what is expected, by id; where none was kept, what the answers say of it.

        Raises `RunFolderError`.
        """
        kept = {item.id: item for item in _rows(self.items, Item)}
        return kept or {
            row.item: Item(
                id=row.item, references=row.references or [text for text in [row.reference] if text is not None]
            )
            for row in self.read_answers()
            if row.item is not None
        }

    def write_items(self, items: Iterable[Item]) -> None:
        """Write down what is asked about and what is expected. Raises `RecordError`."""
        replace(self.items, _as_lines(items))

    def read_code_runs(self) -> dict[int, CodeRun]:
        """Return what came of running generated code, by request. Raises `RunFolderError`."""
        return {row.index: row for row in _rows(self.code, CodeRun)}

    def read_wall(self) -> list[EnergyReading]:
        """Read what was imported from an external meter; empty where nothing was. Raises `RunFolderError`."""
        return list(_rows(self.wall, EnergyReading))

    def write_wall(self, readings: Iterable[EnergyReading]) -> None:
        """Replace what was imported from an external meter. Raises `RecordError`."""
        replace(self.wall, _as_lines(readings))

    def read_server_log(self) -> Iterator[str]:
        """Yield the lines that the server printed; none where there is nothing."""
        if self.server_log.is_file():
            with reading(self.server_log) as lines:
                yield from (line.decode("utf-8", "replace") for line in lines)

    def _of_known_format(self, path: Path) -> dict[str, object]:
        document = self._parse(path)
        require_readable(path, document.get("format_version"), FORMAT_VERSION)
        return document

    def _parse(self, path: Path) -> dict[str, object]:
        try:
            document = parse_json(read_bytes(path))
        except OSError as error:
            raise RunFolderError(f"{path} cannot be read: {error.strerror}.") from error
        except ValueError as error:
            is_summary = path == self._summary
            remedy = (
                f"Write it anew: aforo summarize {self.path}"
                if is_summary
                else "Restore a copy of it, or repeat the run."
            )
            raise RunFolderError(f"{path} cannot be read: it is damaged or cut off ({error}). {remedy}") from error
        if not isinstance(document, dict):
            raise RunFolderError(f"{path}: expected a JSON object, found {type(document).__name__}.")
        return document


def name_folder(out: Path, parts: Iterable[str]) -> Path:
    """Name a folder below `out` after what it holds. Raises `UsageError` where `out` cannot hold folders."""
    try:
        is_other = out.exists() and not out.is_dir()
    except OSError as error:
        raise UsageError(
            f"--out {out} cannot be used: {error.strerror}. Pass a folder that you may write in."
        ) from error
    if is_other:
        raise UsageError(f"--out {out} is a file. Pass a folder, in which the run gets a folder of its own.")
    return out / "-".join(_plain(part) for part in parts)[:_LONGEST_NAME]


def make_free(path: Path) -> Path:
    """Make a folder of this name, or where it is taken with a number behind it; return it. Raises `OSError`.

    Looking and making are one step: of two runs that begin in the same second each gets a folder of its own.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    for number in itertools.count(1):
        free = path if number == 1 else path.with_name(f"{path.name}-{number}")
        with contextlib.suppress(FileExistsError):
            free.mkdir()
            return free
    raise AssertionError("unreachable")


def _plain(text: str) -> str:
    """Keep what is safe in a file name on every system."""
    return re.sub(r"[^A-Za-z0-9._]+", "-", text).strip("-.")[:60] or "unnamed"


def replace(path: Path, text: str | bytes) -> None:
    """Write a file so that at any moment either the old or the new one is there. Raises `RecordError`.

    Whoever gave us the folder may have put links into it: none is written through, of either name.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    data = text if isinstance(text, bytes) else text.encode("utf-8", "replace")  # half a character cannot be written
    with _writing(path):
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise


def _rows(path: Path, row_type: type[_Row], start_bytes: int = 0, end_bytes: int | None = None) -> Iterator[_Row]:
    """Yield the rows of a journal, or of a part of it; a last line without its end was cut off by a kill."""
    decoder = msgspec.json.Decoder(row_type)
    at_bytes = start_bytes
    try:
        with reading(path) as file:
            file.seek(start_bytes)
            for line in file:
                if at_bytes == end_bytes or not line.endswith(b"\n"):
                    return
                yield _decoded(path, at_bytes, line, decoder)
                at_bytes += len(line)
    except FileNotFoundError:
        return
    except OSError as error:
        raise RunFolderError(f"{path} cannot be read: {error.strerror}.") from error


def _decoded(path: Path, at_bytes: int, line: bytes, decoder: "msgspec.json.Decoder[_Row]") -> _Row:
    try:
        return decoder.decode(line)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        number = _lines_before(path, at_bytes) + 1
        raise RunFolderError(f"{path}, line {number}: {error}. The file is damaged.") from error


def _lines_before(path: Path, at_bytes: int) -> int:
    sizes_bytes = (min(_PART_BYTES, at_bytes - done) for done in range(0, at_bytes, _PART_BYTES))
    with reading(path) as file:
        return sum(file.read(size_bytes).count(b"\n") for size_bytes in sizes_bytes)


def _first(error: ValidationError) -> str:
    """Return where the first mistake is, and what it is."""
    first = error.errors()[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"


def _as_lines(rows: Iterable[msgspec.Struct]) -> bytes:
    return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)


def _as_json(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    """Turn an error of the file system into a sentence."""
    try:
        yield
    except OSError as error:
        raise RecordError(
            f"Cannot write {path}: {error.strerror}. Free some space or pass --out with another folder; "
            "what was measured so far is kept."
        ) from error
