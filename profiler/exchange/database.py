"""DuckDB over runs, in memory: asked, never changed, and without a way to any file or network.

What a query mentions is written to a temporary file as JSON lines, taken in from there, and the file is deleted. Then
the database is closed to the outside (`enable_external_access`) for good (`lock_configuration`) before the user's SQL
runs. Source: DuckDB, "Securing DuckDB".
"""

import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from profiler.errors import MissingExtraError, RecordError, UsageError
from profiler.exchange.runs import Runs
from profiler.exchange.tables import TABLES, Row, Table, within_64_bits
from profiler.results.metric_names import RENAMED

if TYPE_CHECKING:
    import duckdb

_CONFIG = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_persistent_secrets": "false",
    "python_enable_replacements": "false",  # else a name in the SQL could mean a variable of ours
    "temp_directory": "",  # never spill to a disk
}
_CLOSE = ("SET enable_external_access = false", "SET lock_configuration = true")
_ASKS = {"SELECT", "EXPLAIN", "MULTI"}  # MULTI: PIVOT, which DuckDB takes apart itself


@dataclass(frozen=True)
class Answer:
    """What a query gave; names of columns may repeat."""

    columns: list[str]
    rows: list[tuple[Any, ...]]


def ask(sql: str, runs: Runs) -> Answer:
    """Answer one query. Raises `MissingExtraError`, `UsageError` with what is wrong with it."""
    with connected() as connection:
        _check(connection, sql)
        words = mentioned(sql)
        runs.notes.extend(f"{old} is called {new} now." for old, new in RENAMED.items() if old in words)
        for table in TABLES.values():
            fill(connection, table, table.rows(runs) if table.name in words else ())
        for statement in _CLOSE:
            connection.execute(statement)
        return _run(connection, sql)


def mentioned(sql: str) -> set[str]:
    """Return the words of the SQL; a table that is not among them stays empty, so that nothing is read in vain."""
    return {word.lower() for word in re.findall(r"\w+", sql)}


@contextmanager
def connected() -> "Iterator[duckdb.DuckDBPyConnection]":
    """Open an empty database in memory. Raises `MissingExtraError`."""
    try:
        import duckdb  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtraError("duckdb", "query") from error
    connection = duckdb.connect(":memory:", config=_CONFIG)
    try:
        yield connection
    finally:
        connection.close()


def fill(connection: "duckdb.DuckDBPyConnection", table: Table[Any], rows: Iterable[Row]) -> None:
    """Make a table with these rows. Raises `RecordError` where the temporary file cannot be written."""
    types = {each.name: each.sql_type for each in table.columns}
    encode = msgspec.json.Encoder().encode
    try:
        with tempfile.NamedTemporaryFile(suffix=".jsonl") as file:
            for row in rows:
                file.write(encode(_fitting(row, types)) + b"\n")
            file.flush()
            columns = ", ".join(f"{_quoted(name)}: {_text(sql_type)}" for name, sql_type in types.items())
            connection.execute(
                f"CREATE TABLE {_quoted(table.name)} AS SELECT * FROM read_json("  # noqa: S608 - names of our own
                f"{_text(file.name)}, format = 'newline_delimited', columns = {{{columns}}})"
            )
    except OSError as error:
        raise RecordError(
            f"Cannot write a temporary file: {error.strerror}. Free some space, or set TMPDIR."
        ) from error


def _fitting(row: Row, types: dict[str, str]) -> Row:
    """Return a row in which each number fits its column: one beyond 64 bits makes it a column of floats."""
    for name in within_64_bits(row):
        types[name] = "DOUBLE"
    return row


def _check(connection: "duckdb.DuckDBPyConnection", sql: str) -> None:
    """Refuse what is not one question. Raises `UsageError`."""
    import duckdb  # noqa: PLC0415 - an extra, and imported already

    try:
        kinds = [statement.type.name for statement in connection.extract_statements(sql)]
    except duckdb.Error as error:
        raise UsageError(_sentence(error)) from error
    if len(kinds) != 1:
        raise UsageError(f"{len(kinds)} SQL statements were given, expected one. See the tables: aforo query --schema")
    if kinds[0] not in _ASKS:
        raise UsageError(
            f"{kinds[0]} is refused: runs are only asked, with SELECT, WITH, DESCRIBE, SUMMARIZE or EXPLAIN. "
            "To write a file: aforo query … --csv > FILE, or aforo export."
        )


def _run(connection: "duckdb.DuckDBPyConnection", sql: str) -> Answer:
    import duckdb  # noqa: PLC0415 - an extra, and imported already

    try:
        result = connection.execute(sql)
        return Answer([column[0] for column in result.description or []], result.fetchall())
    except duckdb.PermissionException as error:
        raise UsageError(f"Refused: a query sees the runs and no other file. {_sentence(error)}") from error
    except (duckdb.Error, RuntimeError) as error:
        raise UsageError(_sentence(error)) from error


def _sentence(error: Exception) -> str:
    """Put what DuckDB says on one line, without the marker under the SQL."""
    said = re.sub(r"LINE \d+:.*", "", str(error), flags=re.DOTALL)
    return f"{' '.join(said.split()).rstrip('.')}. See the tables: aforo query --schema"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def write_parquet(table: Table[Any], rows: Iterable[Row], path: Path) -> None:
    """Write rows as a Parquet file. Raises `MissingExtraError`, `RecordError`."""
    with connected() as connection:
        import duckdb  # noqa: PLC0415 - an extra, and imported already

        fill(connection, table, rows)
        try:
            connection.execute(f"COPY {_quoted(table.name)} TO {_text(str(path))} (FORMAT parquet)")
        except duckdb.Error as error:
            raise RecordError(f"Cannot write {path}: {' '.join(str(error).split())}. Pass another --out.") from error


def named_once(columns: Sequence[str]) -> list[str]:
    """Return names of columns of which each occurs once: a second `n` becomes `n_2`."""
    seen: dict[str, int] = {}
    names = []
    for column in columns:
        seen[column] = seen.get(column, 0) + 1
        names.append(column if seen[column] == 1 else f"{column}_{seen[column]}")
    return names
