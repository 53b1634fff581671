"""Recorded traces: when requests came and how long prompts and answers were, never what they said.

| format | file | of a row |
|---|---|---|
| `mooncake` | JSON Lines | `timestamp` in ms, `input_length`, `output_length`, `hash_ids` of blocks of 512 tokens |
| `azure` | CSV | `TIMESTAMP` as date and time, `ContextTokens`, `GeneratedTokens` |
| `burstgpt` | CSV | `Timestamp` in s, `Request tokens`, `Response tokens` |
| `aforo` | JSON Lines | the `requests.jsonl` of a run, its measured phases |

Sources: github.com/kvcache-ai/Mooncake (FAST25-release/README.md), github.com/Azure/AzurePublicDataset
(AzureLLMInferenceDataset2023.md and 2024), github.com/HPMLL/BurstGPT (README.md). Further columns and keys are left
alone. A row without a prompt or an answer, as failed requests have it, is left out and counted. Rows are put in the
order of their times: Mooncake's and Azure's published files are in order, our own records are in the order of
finishing.
"""

import csv
import re
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from math import isfinite
from pathlib import Path
from typing import Annotated, NamedTuple, TypeVar

import msgspec

from profiler.csv_cells import delimiter_of
from profiler.definitions.mistakes import show
from profiler.errors import WorkloadError
from profiler.units import NS_PER_MS, NS_PER_S, NS_PER_US
from profiler.workloads.phases import is_measured
from profiler.workloads.rows import check_beside, lines, row_error, text_of
from profiler.workloads.schema import TracePrompts

BLOCK_TOKENS = 512
"""Length of a block that a Mooncake hash id stands for."""

LONGEST_TOKENS = 1_000_000
_LATEST_NS = 1 << 62  # in 2116, where times are counted from 1970
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_T = TypeVar("_T")


class Row(NamedTuple):
    """One request of a trace."""

    line: int
    time_ns: int
    prompt_tokens: int
    output_tokens: int
    block_ids: tuple[int, ...] = ()


class Trace:
    """The rows of a trace in the order of their times, the first at 0."""

    def __init__(
        self, path: Path, rows: Iterable[Row], max_rows: int | None = None, clip_tokens: int | None = None
    ) -> None:
        """Take at most `max_rows` rows; keep, in 32 bytes and its block ids, each that can be sent."""
        self.path = path
        self.clip_tokens = clip_tokens
        self.left_out = 0
        self._other_blocks: list[Row] = []
        self._block_ids: list[tuple[int, ...]] = []
        self.due_ns, self.lines, self.prompt_tokens, self.output_tokens = (array("q") for _ in range(4))
        for row in islice(rows, max_rows):
            self._keep(row)
        self._order()
        longest = clip_tokens or LONGEST_TOKENS
        self.clipped = sum(tokens > longest for tokens in self.prompt_tokens)
        self.prompt_tokens = array("q", (min(tokens, longest) for tokens in self.prompt_tokens))

    def __len__(self) -> int:
        """How many rows can be sent."""
        return len(self.due_ns)

    @property
    def shares_prefixes(self) -> bool:
        """Whether rows say which beginnings they have in common."""
        return any(self._block_ids)

    def block_ids(self, row: int) -> tuple[int, ...]:
        """Return the ids of the blocks of a row's prompt, as far as it goes; empty where the trace has none."""
        return self._block_ids[row][: -(-self.prompt_tokens[row] // BLOCK_TOKENS)]

    def longest(self, rows: int) -> int:
        """Return which of the first `rows` rows needs most tokens, prompt and answer together."""
        return max(range(min(rows, len(self))), key=lambda row: self.prompt_tokens[row] + self.output_tokens[row])

    def notes(self) -> list[str]:
        """Say what was not taken over as it stands in the file."""
        notes = []
        if self.left_out:
            notes.append(
                f"{self.left_out} of the {self.left_out + len(self)} rows of {self.path.name} were left out: "
                "their prompt or their answer has 0 tokens, as that of a request that failed."
            )
        if self._other_blocks:
            first = self._other_blocks[0]
            notes.append(
                f"{len(self._other_blocks)} of the {len(self)} rows of {self.path.name} do not have a hash id for each "
                f"{BLOCK_TOKENS} tokens begun (line {first.line}: {len(first.block_ids)} for {first.prompt_tokens} "
                "tokens). Those with fewer share what their ids cover; those with more, whose blocks must be shorter, "
                "share nothing."
            )
        if self.clipped:
            notes.append(f"{self.clipped} prompts of {self.path.name} were cut to {self.clip_tokens} tokens.")
        return notes

    def _keep(self, row: Row) -> None:
        if abs(row.time_ns) > _LATEST_NS:
            raise row_error(self.path, row.line, "is due more than 146 years from 0", "a time of this century")
        if not row.prompt_tokens or not row.output_tokens:
            self.left_out += 1
            return
        blocks = -(-row.prompt_tokens // BLOCK_TOKENS)
        if row.block_ids and len(row.block_ids) != blocks:
            self._other_blocks.append(row)
        self.due_ns.append(row.time_ns)
        self.lines.append(row.line)
        self.prompt_tokens.append(row.prompt_tokens)
        self.output_tokens.append(row.output_tokens)
        self._block_ids.append(_filled(row, blocks))

    def _order(self) -> None:
        order = sorted(range(len(self)), key=self.due_ns.__getitem__)
        first_ns = self.due_ns[order[0]] if order else 0
        self.due_ns = array("q", (self.due_ns[row] - first_ns for row in order))
        self.lines = array("q", (self.lines[row] for row in order))
        self.prompt_tokens = array("q", (self.prompt_tokens[row] for row in order))
        self.output_tokens = array("q", (self.output_tokens[row] for row in order))
        self._block_ids = [self._block_ids[row] for row in order]


def _filled(row: Row, blocks: int) -> tuple[int, ...]:
    """Return an id for every block of a prompt: those beyond the ids given get one that no other row has.

    More ids than blocks are of blocks of another length, whose ids would promise too much in common.
    """
    if not row.block_ids or len(row.block_ids) > blocks:
        return ()
    own = (-(row.line * LONGEST_TOKENS + block) for block in range(1, blocks - len(row.block_ids) + 1))
    return (*row.block_ids, *own)


def read(prompts: TracePrompts, folder: Path) -> Trace:
    """Return the trace that a definition in `folder` names.

    Raises WorkloadError with file and line where it is missing, empty or malformed.
    """
    path = locate(prompts.file, folder)
    if not path.is_file():
        raise WorkloadError(f"The trace {path} does not exist. Expected a file; check the path.")
    try:
        reader = _READERS[prompts.format or _told_format(path)]
        trace = Trace(path, reader(path), prompts.max_rows, prompts.clip_tokens)
    except UnicodeError:  # of UTF-16 it is no UnicodeDecodeError
        raise WorkloadError(f"The trace {path} is not UTF-8 text. Decompress it, or save it as UTF-8.") from None
    except OSError as error:
        raise WorkloadError(f"The trace {path} cannot be read: {error.strerror}.") from error
    if not len(trace):
        raise WorkloadError(
            f"The trace {path} holds no request with a prompt and an answer; {trace.left_out} rows are without. "
            "Expected at least one."
        )
    return trace


def locate(name: str, folder: Path) -> Path:
    """Return where a trace is: under an absolute path, or beside the definition. Raises WorkloadError."""
    path = Path(name)
    return path if path.is_absolute() and "\0" not in name else folder / check_beside(name)


_Tokens = Annotated[int, msgspec.Meta(ge=0, le=LONGEST_TOKENS)]


class _MooncakeRow(msgspec.Struct):
    timestamp: Annotated[float, msgspec.Meta(ge=0)]
    input_length: _Tokens
    output_length: _Tokens
    hash_ids: list[int] | None = None


class _AforoRow(msgspec.Struct):
    phase: str
    scheduled_ns: Annotated[int, msgspec.Meta(ge=0)]
    outcome: str = "ok"
    prompt_tokens: _Tokens | None = None
    prompt_tokens_server: _Tokens | None = None
    completion_tokens: _Tokens | None = None
    completion_tokens_server: _Tokens | None = None


_WHOLE = re.compile(r"\.0+$")  # behind numbers of a column in which some are missing, as pandas writes it
_MOONCAKE_FORM = '{"timestamp": 0, "input_length": 700, "output_length": 50, "hash_ids": [0, 1]}'
_AFORO_FORM = '{"phase": "repeat-1", "scheduled_ns": 0, "prompt_tokens": 128, "completion_tokens": 96, …}'


def _mooncake(path: Path) -> Iterator[Row]:
    decode = msgspec.json.Decoder(_MooncakeRow).decode
    for number, line in lines(path):
        row = _decoded(path, number, line, decode, _MOONCAKE_FORM)
        time_ns = _ns(row.timestamp, NS_PER_MS)
        yield Row(number, time_ns, row.input_length, row.output_length, tuple(row.hash_ids or ()))


def _aforo(path: Path) -> Iterator[Row]:
    decode = msgspec.json.Decoder(_AforoRow).decode
    for number, line in lines(path):
        row = _decoded(path, number, line, decode, _AFORO_FORM)
        if not is_measured(row.phase):
            continue
        prompt_tokens = row.prompt_tokens or row.prompt_tokens_server
        if row.outcome != "ok":
            yield Row(number, row.scheduled_ns, prompt_tokens or 0, 0)
            continue
        if prompt_tokens is None:
            raise row_error(path, number, "has no prompt_tokens: nobody counted them", "a run that counted its prompts")
        output_tokens = row.completion_tokens_server or row.completion_tokens or 0
        yield Row(number, row.scheduled_ns, prompt_tokens, output_tokens)


def _decoded(path: Path, number: int, line: str, decode: Callable[[str], _T], form: str) -> _T:
    try:
        return decode(line)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise row_error(path, number, f"is {show(line)} ({str(error).rstrip('.')})", form) from None


_AZURE_COLUMNS = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")
_BURSTGPT_COLUMNS = ("Timestamp", "Request tokens", "Response tokens")


def _azure(path: Path) -> Iterator[Row]:
    for number, (time, prompt_tokens, output_tokens) in _csv(path, _AZURE_COLUMNS):
        try:
            moment = datetime.fromisoformat(time)
        except ValueError:
            raise row_error(path, number, f"has the TIMESTAMP {show(time)}", "2023-11-16 18:15:46.6805900") from None
        since = moment.replace(tzinfo=moment.tzinfo or UTC) - _EPOCH
        time_ns = ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * NS_PER_US
        yield Row(number, time_ns, _tokens(path, number, prompt_tokens), _tokens(path, number, output_tokens))


def _burstgpt(path: Path) -> Iterator[Row]:
    for number, (time, prompt_tokens, output_tokens) in _csv(path, _BURSTGPT_COLUMNS):
        try:
            time_s = float(time)
        except ValueError:
            time_s = -1.0
        if not (isfinite(time_s) and time_s >= 0):
            raise row_error(path, number, f"has the Timestamp {show(time)}", "seconds from 0 on")
        time_ns = _ns(time_s, NS_PER_S)
        yield Row(number, time_ns, _tokens(path, number, prompt_tokens), _tokens(path, number, output_tokens))


def _csv(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield line number and the values of these columns for each row."""
    with text_of(path) as file:
        delimiter = delimiter_of(file.readline())
        file.seek(0)
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        try:
            header = next(reader, [])
            missing = [column for column in columns if column not in header]
            if missing:
                raise row_error(path, 1, f"has the columns {show(','.join(header))}", f"{','.join(columns)} among them")
            places = [header.index(column) for column in columns]
            for row in reader:
                if row and len(row) != len(header):
                    expected = f"{len(header)}, as in the first line"
                    raise row_error(path, reader.line_num, f"has {len(row)} values", expected)
                if row:
                    yield reader.line_num, [row[place] for place in places]
        except csv.Error as error:
            raise row_error(path, reader.line_num, f"is not CSV ({error})", "values with commas between them") from None


def _ns(time: float, unit_ns: int) -> int:
    """Return a time in nanoseconds; one beyond all floats is later than any."""
    time_ns = time * unit_ns
    return round(time_ns) if isfinite(time_ns) else 2 * _LATEST_NS


def _tokens(path: Path, number: int, text: str) -> int:
    text = _WHOLE.sub("", text)
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(LONGEST_TOKENS)) or int(text) > LONGEST_TOKENS:
        raise row_error(path, number, f"has {show(text)} tokens", f"a whole number from 0 to {LONGEST_TOKENS}")
    return int(text)


_READERS: dict[str, Callable[[Path], Iterator[Row]]] = {
    "mooncake": _mooncake,
    "azure": _azure,
    "burstgpt": _burstgpt,
    "aforo": _aforo,
}
_MARKS = {  # what only the first line of that format holds
    "mooncake": ('"input_length"',),
    "aforo": ('"scheduled_ns"',),
    "azure": _AZURE_COLUMNS,
    "burstgpt": _BURSTGPT_COLUMNS,
}


def _told_format(path: Path) -> str:
    """Tell the format by the first line. Raises WorkloadError."""
    number, line = next(lines(path), (1, ""))
    for name, marks in _MARKS.items():
        if all(mark in line for mark in marks):
            return name
    forms = f"{_MOONCAKE_FORM}, {_AFORO_FORM}, {','.join(_AZURE_COLUMNS)} or {','.join(_BURSTGPT_COLUMNS)}"
    raise row_error(path, number, f"is {show(line)}, which is no format of traces known here", forms)
