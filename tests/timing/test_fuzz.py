"""A bounded run of the fuzzer; by hand it runs for longer: `python tests/support/fuzz_streams.py 600`."""

from support.fuzz_streams import SEEDS, end_of, fuzz


def test_mutated_responses_are_read_or_refused() -> None:
    assert sum(1 for _ in fuzz(seed=1, may_go_on=lambda done: done < 1500)) == 1500


def test_the_seeds_reach_beyond_the_heads() -> None:
    # Three that say where they end, and three that end with the connection or are cut off.
    assert [end_of([seed]) for seed in SEEDS] == ["complete", "complete", "complete", "open", "complete", "complete"]
