from support.loads import price, swept

from profiler.selection.candidate import candidates

LOADS = {1: (100.0, 100.0), 8: (400.0, 300.0)}


def test_runs_that_differ_in_their_load_alone_are_one_candidate() -> None:
    runs = [swept("a", {1: LOADS[1]}, number=1), swept("a", {8: LOADS[8], 1: LOADS[1]}, number=2), swept("b", LOADS)]
    first, second = candidates(runs)
    assert (first.name, first.host, second.name, second.host) == ("c1", "a", "c2", "b")
    assert [(load.name, load.amount, len(load.runs)) for load in first.loads] == [("c1", 1, 2), ("c8", 8, 1)]
    assert second.loads[1].described == "8 in flight"


def test_slots_that_follow_from_the_load_part_no_runs_and_slots_that_were_chosen_do() -> None:
    def slotted(number: int, slots: int, is_chosen: bool) -> object:
        run = swept("a", LOADS, number=number)
        run.manifest.engine.slots = slots
        run.manifest.engine.options = {"--slots": str(slots)} if is_chosen else {}
        return run

    assert len(candidates([slotted(1, 1, False), slotted(2, 8, False)])) == 1  # type: ignore[list-item]
    assert len(candidates([slotted(1, 1, True), slotted(2, 8, True)])) == 2  # type: ignore[list-item]


def test_another_price_makes_another_candidate() -> None:
    runs = [swept("a", LOADS, cost=price(1)), swept("a", LOADS, cost=price(0.3, kind="spot"), number=2)]
    assert len(candidates(runs)) == 2


def test_a_run_without_a_price_has_no_default_one() -> None:
    runs = [swept("a", LOADS, cost=price(1)), swept("a", LOADS, number=2)]
    assert [one.label for one in candidates(runs)] == ["a, price 1 USD/h, on-demand", "a, no price"]


def test_loads_that_are_invalid_stand_apart_unless_they_are_allowed() -> None:
    run = swept("a", LOADS, invalid=[8])
    (one,) = candidates([run])
    assert [load.name for load in one.loads] == ["c1"]
    assert [load.name for load in one.invalid] == ["c8"]
    (forced,) = candidates([run], allow_invalid=True)
    assert [load.name for load in forced.loads] == ["c1", "c8"]
    assert forced.invalid == ()
