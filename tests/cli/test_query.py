import json
from pathlib import Path

import pytest
from support.command import Aforo
from support.extras import needed
from support.stored_runs import stored

from profiler.exchange.tables import TABLES

needed("duckdb")


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Two runs, and one folder that is damaged."""
    stored(tmp_path / "runs" / "a")
    stored(tmp_path / "runs" / "b", seed=9)
    (stored(tmp_path / "runs" / "c").folder.path / "run.json").write_text("{")
    return tmp_path / "runs"


def test_an_answer_as_table_json_and_csv(aforo: Aforo, runs: Path) -> None:
    sql = "SELECT run_id, seed, NULL AS nothing, 1.5::DOUBLE AS x, true AS yes FROM runs ORDER BY seed"
    table = aforo("query", sql)
    assert table.returncode == 0, table.stderr
    assert "run_id" in table.stdout
    assert "is damaged" in table.stderr  # what is left out is said, beside the data
    expected = {"run_id": "b", "seed": 9, "nothing": None, "x": 1.5, "yes": True}
    assert json.loads(aforo("query", sql, "--json").stdout)[1] == expected
    assert aforo("query", sql, "--csv").stdout.splitlines() == [
        "run_id,seed,nothing,x,yes",
        "a,1,,1.5,true",
        "b,9,,1.5,true",
    ]


def test_numbers_of_a_wide_table_are_whole(aforo: Aforo, runs: Path) -> None:
    columns = ", ".join(f"123456.0 AS a_rather_long_name_{n}" for n in range(20))
    assert aforo("query", f"SELECT {columns}").stdout.count("123456") == 20


def test_values_that_json_does_not_know(aforo: Aforo, runs: Path) -> None:
    sql = "SELECT 'nan'::DOUBLE AS n, [1.5, 'inf'::DOUBLE] AS l, {'a': DATE '2026-01-02'} AS s, MAP {1: 2} AS m"
    (row,) = json.loads(aforo("query", sql, "--json").stdout)
    assert row == {"n": None, "l": [1.5, None], "s": {"a": "2026-01-02"}, "m": {"1": 2}}


def test_the_schema_needs_neither_runs_nor_sql(aforo: Aforo) -> None:
    shown = aforo("query", "--schema")
    assert shown.returncode == 0
    assert all(f"{name}: " in shown.stdout for name in TABLES)


def test_one_run_may_be_named(aforo: Aforo, runs: Path) -> None:
    answer = aforo("query", "SELECT count(*) AS n FROM requests", "--runs", "runs/a", "--json")
    assert json.loads(answer.stdout) == [{"n": 2}]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "No SQL was given"),
        (["SELEC"], "syntax error"),
        (["COPY runs TO 'x.csv'"], "COPY is refused"),
        (["SELECT * FROM read_csv('/etc/passwd')"], "a query sees the runs and no other file"),
        (["INSTALL httpfs"], "is refused"),
        (["ATTACH 'x.db'"], "ATTACH is refused"),
        (["SELECT 1", "--runs", "nowhere"], "nowhere does not exist"),
        (["SELECT 1", "--json", "--csv"], "Pass one of them"),
    ],
)
def test_what_cannot_be_is_a_sentence(aforo: Aforo, runs: Path, arguments: list[str], said: str) -> None:
    done = aforo("query", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in runs.parent.iterdir()) == ["runs"]
