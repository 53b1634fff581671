"""What is said of prompts before anything is measured."""

from typing import Any

import pytest

from profiler.workloads.items import Data, Item
from profiler.workloads.messages import Message
from profiler.workloads.schema import Workload
from profiler.workloads.sizes import prompt_warnings

ROWS = Data([Item((Message("user", f"Say {number}"),), str(number)) for number in range(5)])


def workload(shots: int | list[int], repeats: int, settings: dict[str, Any] | None = None) -> Workload:
    about = {"id": "w", "version": 1, "description": "d", "output_tokens": 8, "requests": 5, "repeats": repeats}
    prompts = {"source": "data", "file": "d.jsonl", "shots": shots}
    load = {"shape": "closed-loop", "concurrency": 1}
    return Workload.model_validate({**about, "prompts": prompts, "load": load, "settings": settings or {}})


def test_rows_that_a_warm_cache_may_hold_whole_are_named() -> None:
    (said,) = prompt_warnings(workload([0, 4], 2), None, ROWS)
    assert said.startswith("10 requests ask 5 rows, some of them again: with a prompt cache that keeps many prompts")


@pytest.mark.parametrize(
    ("shots", "repeats", "settings"),
    [([0, 4], 1, None), (4, 2, None), ([0, 4], 2, {"prompt_cache": ["cold"]})],
    ids=["each row once", "no sweep", "cold only"],
)
def test_where_that_cannot_be_nothing_is_said(shots: Any, repeats: int, settings: Any) -> None:
    assert prompt_warnings(workload(shots, repeats, settings), None, ROWS) == []
