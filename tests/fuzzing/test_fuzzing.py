"""The fuzzer itself, and a bounded run of it; the long ones are by hand, see `fuzz.py`."""

from pathlib import Path
from random import Random

import pytest

from fuzzing.fuzz import HangError, fuzz, limited
from fuzzing.mutations import mutated
from fuzzing.targets import Target, targets
from profiler.errors import UsageError

TARGETS = targets()
INPUTS = 60  # of a kind of cost 1: a second or so, all kinds together fifteen


def test_the_same_seed_makes_the_same_inputs_and_they_differ() -> None:
    def inputs(seed: int) -> list[bytes]:
        random = Random(seed)
        return [mutated([b'{"a": [1, 2]}\n', b"x"], random, is_json=True) for _ in range(50)]

    assert inputs(1) == inputs(1)
    assert len(set(inputs(1))) > 25


def test_a_fault_is_found_and_a_refusal_is_none(tmp_path: Path) -> None:
    def read(folder: Path) -> object:
        data = (folder / "file").read_bytes()
        if data.startswith(b"a"):
            raise UsageError("refused")
        return data.decode()

    faults = fuzz(Target("letters", [b"a"], "file", read), 300, seed=1, folder=tmp_path)
    assert faults
    assert all("UnicodeDecodeError" in fault.trace for fault in faults)
    assert not [fault for fault in faults if fault.data.startswith(b"a")]


def test_a_hang_is_ended_by_the_processor_time_that_it_takes() -> None:
    with pytest.raises(HangError), limited(most_cpu_s=0.05):
        while True:
            pass


@pytest.mark.parametrize("target", TARGETS, ids=[target.name for target in TARGETS])
def test_mutated_files_are_read_or_refused(tmp_path: Path, target: Target) -> None:
    faults = fuzz(target, max(3, INPUTS // target.cost), seed=1, folder=tmp_path)
    assert [fault.trace for fault in faults] == []
