"""The answer of lscpu, flat and nested."""

import json

import pytest

from profiler.hosts import lscpu


def answer(*entries: object) -> str:
    return json.dumps({"lscpu": entries})


def test_flat_and_nested_answers_read_alike() -> None:
    socket, vendor = {"field": "Socket(s):", "data": "1"}, {"field": "Vendor ID:", "data": "ARM"}
    nested = {**vendor, "children": [{"field": "Model name:", "data": "x", "children": [socket]}]}

    assert lscpu.fields(answer(vendor, socket)) == {"Vendor ID": "ARM", "Socket(s)": "1"}
    assert lscpu.fields(answer(nested)) == {"Vendor ID": "ARM", "Model name": "x", "Socket(s)": "1"}


def test_what_is_not_said_is_left_out() -> None:
    headings = answer({"field": "NUMA:", "data": None}, {"field": "Socket(s):", "data": "-"})

    assert lscpu.fields(headings) == {}


@pytest.mark.parametrize("text", [None, "", "not JSON", "[]", '{"lscpu": 3}', '{"lscpu": [{"data": "1"}]}'])
def test_a_missing_or_malformed_answer_is_empty(text: str | None) -> None:
    assert lscpu.fields(text) == {}
