import json
import subprocess
import sys

import pytest
from support.command import Aforo

from profiler.content import content
from profiler.workloads import load, schema


def test_the_list_names_every_shipped_workload(aforo: Aforo) -> None:
    done = aforo("workloads")
    assert done.returncode == 0, done.stderr
    for loaded in load.available():
        assert loaded.workload.id in done.stdout


@pytest.mark.parametrize(
    ("name", "out"),
    [
        ("smoke", "in, 8 tokens out"),
        ("task-classify", "in, at most 16 tokens out"),
        ("task-retrieve", "in, a vector out"),
    ],
)
def test_the_list_says_what_comes_back(aforo: Aforo, name: str, out: str) -> None:
    cells = (line.split("│")[1:3] for line in aforo("workloads").stdout.splitlines() if line.startswith("│"))
    rows, current = dict[str, str](), ""
    for workload, text in cells:
        current = workload.strip() or current
        rows[current] = f"{rows.get(current, '')} {text.strip()}"
    assert out in rows[name]


def test_the_list_is_printed_as_json(aforo: Aforo) -> None:
    listed = json.loads(aforo("workloads", "--json").stdout)
    assert [workload["id"] for workload in listed] == [loaded.workload.id for loaded in load.available()]


def test_show_prints_the_file_as_it_is(aforo: Aforo) -> None:
    assert aforo("workloads", "show", "smoke").stdout == (content("workloads") / "smoke.yaml").read_text("utf-8")


def test_show_prints_every_default_as_json(aforo: Aforo) -> None:
    shown = json.loads(aforo("workloads", "show", "smoke", "--json").stdout)
    assert shown == load.load("smoke").workload.model_dump()
    assert shown["load"]["concurrency"] == 1


def test_schema_prints_the_json_schema(aforo: Aforo) -> None:
    assert aforo("workloads", "schema").stdout == schema.json_schema_text()


@pytest.mark.parametrize("module", ["pydantic", "yaml", "rich.table"])
def test_nothing_heavy_is_imported_with_the_verb(module: str) -> None:
    code = f"import sys, profiler.cli.workloads; sys.exit({module!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
