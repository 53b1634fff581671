import os
import sys
from pathlib import Path

import pytest
from support.extras import needed
from support.stored_runs import fleet_facts, stored

from profiler.errors import MissingExtraError, UsageError
from profiler.exchange.database import Answer, ask, named_once, write_parquet
from profiler.exchange.exporting import as_jsonl
from profiler.exchange.runs import Runs, open_runs
from profiler.exchange.tables import TABLES

duckdb = needed("duckdb")


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    """Two runs, one INVALID."""
    stored(tmp_path / "runs" / "a", host={"name": "it's <b>h</b>"})
    stored(tmp_path / "runs" / "b", level="INVALID", seed=9)
    return open_runs(tmp_path / "runs")


def test_runs_are_asked_in_sql(runs: Runs) -> None:
    answer = ask("SELECT run_id, host, started_utc FROM runs WHERE verdict <> 'INVALID'", runs)
    assert answer.columns == ["run_id", "host", "started_utc"]
    ((run_id, host, started),) = answer.rows
    assert (run_id, host, str(started)) == ("a", "it's <b>h</b>", "2026-01-01 00:00:00")


@pytest.mark.parametrize(("seed", "asked"), [(2**63 - 1, 2**63 - 1), (2**63, 2.0**63), (10**400, None)])
def test_a_number_that_no_column_of_64_bits_holds_is_a_float(tmp_path: Path, seed: int, asked: float | None) -> None:
    stored(tmp_path / "runs" / "a", seed=seed)
    stored(tmp_path / "runs" / "b", seed=1)
    opened = open_runs(tmp_path / "runs")
    assert ask("SELECT seed FROM runs ORDER BY run_id", opened).rows == [(asked,), (1,)]
    write_parquet(TABLES["runs"], TABLES["runs"].rows(opened), tmp_path / "runs.parquet")
    assert len(list(as_jsonl(TABLES["runs"].rows(opened)))) == 2


def test_tables_are_joined_and_counted(runs: Runs) -> None:
    sql = """
        SELECT seed, count(*) AS n, avg(q.ttft_ms), max(value) FROM runs JOIN requests q USING (run_id)
        JOIN metrics USING (run_id) WHERE is_measured AND metric = 'error_ratio' GROUP BY seed ORDER BY seed
    """
    assert ask(sql, runs).rows == [(1, 2, 10.0, 0.0), (9, 2, 10.0, 0.0)]


def test_only_tables_that_are_mentioned_are_read(runs: Runs) -> None:
    for one in runs.opened:
        (one.folder / "requests.jsonl").write_text("damaged\n")
    assert ask("SELECT count(requests_ok) FROM runs", runs).rows == [(2,)]
    assert not runs.notes
    assert ask("SELECT count(*) FROM Requests", runs).rows == [(0,)]
    assert len(runs.notes) == 2


def test_tables_are_listed_and_described(runs: Runs) -> None:
    assert [row[0] for row in ask("SHOW TABLES", runs).rows] == sorted(TABLES)
    described = [row[:2] for row in ask("DESCRIBE metrics", runs).rows]
    assert described == [(column.name, column.sql_type) for column in TABLES["metrics"].columns]


@pytest.mark.parametrize(
    "sql",
    [
        "FROM runs",
        "WITH x AS (SELECT 1 AS n) SELECT n FROM x",
        "SUMMARIZE runs",
        "EXPLAIN SELECT 1",
        "PIVOT metrics ON metric USING first(value) GROUP BY run_id",
        "SELECT 1;",
    ],
)
def test_every_way_of_asking_works(runs: Runs, sql: str) -> None:
    assert ask(sql, runs).rows


REFUSED = [
    "COPY runs TO 'out.csv'",
    "COPY (SELECT 1) TO 'out.parquet'",
    "EXPORT DATABASE 'out'",
    "EXPLAIN ANALYZE COPY runs TO 'out.csv'",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_json('runs/a/run.json')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM 'runs/a/summary.json'",
    "SELECT * FROM glob('*')",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "SELECT * FROM 'https://127.0.0.1:9/x.parquet'",
    "INSTALL httpfs",
    "LOAD httpfs",
    "ATTACH 'out.db'",
    "ATTACH ':memory:' AS other",
    "IMPORT DATABASE 'out'",
    "SET enable_external_access = true",
    "SET temp_directory = 'out'",
    "PRAGMA database_list",
    "CREATE TABLE t AS SELECT 1",
    "DELETE FROM runs",
    "DROP TABLE runs",
    "INSERT INTO runs (run_id) VALUES ('forged')",
    "UPDATE runs SET verdict = 'VALID'",
    "SELECT 1; COPY runs TO 'out.csv'",
    "CALL pragma_version()",
    "VACUUM",
]


@pytest.mark.parametrize("sql", REFUSED)
def test_what_is_more_than_asking_is_refused(
    runs: Runs, sql: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UsageError) as caught:
        ask(sql, runs)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(("aforo query --schema", "aforo export."))
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELEC 1", 'syntax error at or near "SELEC"'),
        ("SELECT nope FROM runs", '"nope" not found'),
        ("SELECT * FROM runz", 'Did you mean "runs"'),
        ("SELECT CAST('x' AS INTEGER)", "Could not convert"),
        ("", "0 SQL statements were given, expected one"),
        ("-- nothing", "0 SQL statements were given, expected one"),
        ("SELECT 1; SELECT 2", "2 SQL statements were given, expected one"),
        ("SELECT sql FROM a_variable_of_python", "does not exist"),
        ("SELECT * FROM sql", ""),
    ],
)
def test_mistakes_are_a_sentence(runs: Runs, sql: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        ask(sql, runs)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_hostile_text_in_a_run_stays_a_text(tmp_path: Path) -> None:
    hostile = "'); COPY runs TO 'out.csv'; --\x00\x1b[31m"
    stored(tmp_path / "a", model__name=hostile)
    assert ask("SELECT model FROM runs", open_runs(tmp_path)).rows == [(hostile,)]


def test_a_missing_extra_is_named(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(MissingExtraError, match=r"aforo\[query\]"):
        ask("SELECT 1", runs)


def test_rows_become_a_parquet_file(runs: Runs, tmp_path: Path) -> None:
    path = tmp_path / "it's.parquet"
    write_parquet(TABLES["requests"], TABLES["requests"].rows(runs), path)
    found = duckdb.read_parquet(str(path)).fetchall()
    assert len(found) == 4
    assert found[0][0] == "a"


def test_no_rows_become_a_parquet_file_with_columns(tmp_path: Path) -> None:
    write_parquet(TABLES["samples"], [], tmp_path / "f.parquet")
    columns = duckdb.read_parquet(str(tmp_path / "f.parquet")).columns
    assert columns == [column.name for column in TABLES["samples"].columns]


def test_the_temporary_file_is_gone(runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "scratch"))
    ask("SELECT * FROM runs, metrics, requests", runs)
    assert os.listdir(tmp_path / "scratch") == []  # noqa: PTH208 - hidden names too


def test_names_of_columns_that_repeat_are_told_apart() -> None:
    assert named_once(["a", "b", "a", "a"]) == ["a", "b", "a_2", "a_3"]
    assert Answer(["a"], []).rows == []


def test_a_query_for_an_earlier_id_of_a_metric_is_told_the_new_one(runs: Runs) -> None:
    ask("SELECT p99 FROM metrics WHERE metric = 'kernel_user_gap_us'", runs)
    assert runs.notes[-1] == "kernel_user_gap_us is called read_lag_us now."


def test_runs_of_a_fleet_can_be_asked_by_plan_host_and_order(tmp_path: Path) -> None:
    stored(tmp_path / "runs" / "a", fleet=fleet_facts())
    stored(tmp_path / "runs" / "b")
    answer = ask(
        "SELECT fleet, plan_sha256, fleet_host, transport, cell, fleet_order, fleet_round, collected_utc FROM runs "
        "ORDER BY run_id",
        open_runs(tmp_path / "runs"),
    )
    first, second = answer.rows
    assert first[:7] == ("all", "ab" * 32, "lab-1", "ssh", "m.w.r1", 2, 1)
    assert str(first[7]) == "2026-11-30 10:00:00"
    assert second == (None,) * 8
