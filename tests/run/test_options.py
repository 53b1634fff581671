"""The table of options of a run."""

from typing import get_args

import pytest

from profiler.cost.prices import KINDS
from profiler.options import Option, declared
from profiler.run.options import Options
from profiler.workloads.schema import (
    ClosedLoop,
    DataPrompts,
    OpenLoop,
    Replay,
    Saturate,
    SloSearch,
    SyntheticPrompts,
    TracePrompts,
)
from profiler.workloads.schema import Workload as Definition

OPTIONS = declared(Options)
CLASSES = {
    "load": (ClosedLoop, OpenLoop, Replay, Saturate, SloSearch),
    "prompts": (SyntheticPrompts, DataPrompts, TracePrompts),
}


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.flag)
def test_every_option_has_a_sentence_of_help_and_names_others_that_exist(option: Option) -> None:
    assert option.help.endswith(".")
    assert option.help[0].isupper() or option.help.split()[0].strip(":,") in {*option.choices, *WORDS}
    names = {each.name for each in OPTIONS}
    assert {*option.needs, *option.excludes} <= names


WORDS = {"--url", "--saturate", "--slo-search", "llama-server", "vLLM", "auto", "'Name"}


@pytest.mark.parametrize("option", [each for each in OPTIONS if each.key], ids=lambda option: option.flag)
def test_every_key_is_one_of_a_workload(option: Option) -> None:
    first, *rest = str(option.key).split(".")
    assert first in Definition.model_fields
    if first in CLASSES:
        assert any(rest[0] in each.model_fields for each in CLASSES[first])


def test_choices_are_those_of_the_schema() -> None:
    choices = {each.name: set(each.choices) for each in OPTIONS}
    assert choices["price_kind"] == set(KINDS)
    assert choices["arrivals"] == set(get_args(OpenLoop.model_fields["arrivals"].annotation))
    assert choices["slo_search"] == set(get_args(SloSearch.model_fields["over"].annotation))
    assert choices["trace_format"] == set(get_args(get_args(TracePrompts.model_fields["format"].annotation)[0]))
