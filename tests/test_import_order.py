"""Imports go down the floors of docs/architecture.md, and never in a circle; imports for types only count too."""

import ast
import graphlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import profiler

ROOT = Path(profiler.__file__).parent
MODULES = {".".join(["profiler", *path.relative_to(ROOT).with_suffix("").parts]): path for path in ROOT.rglob("*.py")}
PAGE = (Path(__file__).parents[1] / "docs" / "architecture.md").read_text("utf-8")
LISTED = re.search(r"The floors.*?```text\n(.*?)```", PAGE, re.DOTALL)


def imported(module: str) -> Iterator[str]:
    """Yield the modules of this package that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(MODULES[module].read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            yield from (names | {node.module}) & MODULES.keys()


IMPORTS = {module: set(imported(module)) for module in MODULES}


def room(module: str) -> str:
    return module.split(".")[1]


def test_every_import_goes_to_a_lower_floor() -> None:
    assert LISTED, "docs/architecture.md lists the floors in a block of text"
    floors = [re.findall(r"\w+", line) for line in LISTED[1].splitlines()]
    floor_of = {name: floor for floor, names in enumerate(floors) for name in names}
    assert set(floor_of) == {room(module) for module in MODULES} - {"__init__", "__main__"}
    inner = [module for module in MODULES if room(module) in floor_of]
    pairs = [(one, other) for one in inner for other in IMPORTS[one] if room(one) != room(other)]
    assert [pair for pair in pairs if floor_of[room(pair[0])] >= floor_of[room(pair[1])]] == []


def test_no_modules_import_one_another_in_a_circle() -> None:
    try:
        graphlib.TopologicalSorter(IMPORTS).prepare()
    except graphlib.CycleError as error:
        pytest.fail(" → ".join(error.args[1]))
