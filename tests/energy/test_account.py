import pytest
from support.energy import meter, reading

from profiler.energy.account import Seen, accounts, headline
from profiler.results.manifest import EnergyFacts, MeterFacts, PowerEstimate
from profiler.results.records import EnergyReading
from profiler.stats.ranges import Range

S = 1_000_000_000


def steady(channel: str, power_w: float, until_s: int = 100) -> list[EnergyReading]:
    return [reading(channel, t, power_w * t) for t in range(until_s + 1)]


def seen(readings: list[EnergyReading], idle: bool = False, busy: float | None = 0.5) -> Seen:
    """A steady window of 60 s from 20 s on; the idle baseline is the first 10 s."""
    share = None if busy is None else Range.exact(busy)
    idle_windows = [(0, 10 * S)] if idle else []
    return Seen(readings, [(20 * S, 80 * S)], share, idle_windows, Range.exact(0.0))


def facts(*meters: MeterFacts, estimates: list[PowerEstimate] | None = None) -> EnergyFacts:
    return EnergyFacts(meters=list(meters), estimates=estimates or [])


def test_several_cards_are_one_account_and_other_scopes_are_not() -> None:
    meters = [meter("nvml:0:counter"), meter("nvml:1:counter"), meter("rapl:package-0", scope="CPU packages")]
    readings = steady("nvml:0:counter", 300) + steady("nvml:1:counter", 100) + steady("rapl:package-0", 50)
    boards, packages = accounts(facts(*meters), seen(readings))
    assert (boards.scope, boards.gross_j) == ("GPU boards", Range.exact(400 * 60))
    assert (packages.scope, packages.gross_j) == ("CPU packages", Range.exact(50 * 60))


def test_wall_before_counter_before_polled_before_model() -> None:
    meters = [
        meter("nvml:0:polled", "polled"),
        meter("nvml:0:counter"),
        meter("wall", "wall", "whole machine"),
        meter("codecarbon", "model", "whole machine"),
    ]
    readings = [r for m in meters for r in steady(m.channel, 10)]
    found = accounts(facts(*meters), seen(readings))
    assert [account.meter_class for account in found] == ["wall", "counter", "polled", "model"]


def test_idle_and_net_are_kept_apart_from_gross() -> None:
    # 20 W for the first 10 s, 100 W from then on
    readings = [reading("rapl:package-0", t, 20 * min(t, 10) + 100 * max(0, t - 10)) for t in range(101)]
    (account,) = accounts(facts(meter("rapl:package-0", scope="CPU packages")), seen(readings, idle=True))
    assert [found and found.low for found in (account.gross_j, account.idle_j, account.net_j)] == [6000, 1200, 4800]


def test_without_a_baseline_idle_is_not_known() -> None:
    (account,) = accounts(facts(meter("rapl:package-0")), seen(steady("rapl:package-0", 1)))
    assert (account.idle_j, account.net_j) == (None, None)


def test_readings_that_do_not_cover_the_windows_are_no_measurement() -> None:
    readings = steady("nvml:0:counter", 300, until_s=60)  # 40 of the 60 s
    found = accounts(facts(meter("nvml:0:counter")), seen(readings))
    assert (found[0].gross_j, found[0].coverage_ratio) == (None, pytest.approx(2 / 3))
    assert found[0].notes[0].startswith("readings cover 67% of the steady windows")
    assert headline(found) is None


def test_a_small_gap_is_filled_with_the_mean() -> None:
    readings = steady("nvml:0:counter", 300, until_s=78)  # 58 of the 60 s
    (account,) = accounts(facts(meter("nvml:0:counter")), seen(readings))
    assert account.gross_j is not None
    assert account.gross_j.low == account.gross_j.high == pytest.approx(300 * 60)


def test_a_window_that_is_too_short_for_a_claim_says_so() -> None:
    (account,) = accounts(facts(meter("n", claim_s=61)), seen(steady("n", 1)))
    assert account.notes == ("60 s of steady load are too short for a claim, which takes 61 s",)
    assert account.too_short_for_claims
    (account,) = accounts(facts(meter("n", claim_s=60)), seen(steady("n", 1)))
    assert (account.notes, account.too_short_for_claims) == ((), False)


def test_a_model_is_the_hull_of_all_estimates() -> None:
    estimates = [
        PowerEstimate(name="a", idle_w=(10, 10), full_w=(30, 30), method=""),
        PowerEstimate(name="b", idle_w=(5, 20), full_w=(25, 60), method=""),
    ]
    model = meter("codecarbon", "model", "whole machine")
    (account,) = accounts(facts(model, estimates=estimates), seen(steady("codecarbon", 45), idle=True))
    # half busy: a says 20 W, b 15 to 40 W, codecarbon 45 W
    assert account.parts == {"a": Range.exact(1200), "b": Range(900, 2400), "codecarbon": Range.exact(2700)}
    assert account.gross_j == Range(900, 2700)
    assert account.idle_j == Range(5 * 60, 45 * 60)
    assert "3 estimates (a, b, codecarbon)" in account.provenance


def test_a_model_that_does_not_know_the_load_reaches_from_idle_to_full() -> None:
    estimate = PowerEstimate(name="a", idle_w=(10, 10), full_w=(30, 30), method="")
    (account,) = accounts(facts(estimates=[estimate]), seen([], busy=None))
    assert account.gross_j == Range(600, 1800)
    assert account.notes


def test_nothing_is_known_of_an_unknown_machine() -> None:
    assert accounts(EnergyFacts(), seen([])) == []


def test_a_counter_that_never_moves_has_no_value_and_says_so() -> None:
    meters = [meter("rapl:package-0", scope="CPU packages")]
    (account,) = accounts(facts(*meters), seen(steady("rapl:package-0", 0), idle=True))
    assert (account.gross_j, account.idle_j, account.coverage_ratio) == (None, None, 1)
    assert account.notes == (
        "rapl:package-0: its counter did not move in 60 s of steady load, so it does not measure here",
    )


def test_polled_power_stands_in_for_a_counter_that_never_moves() -> None:
    meters = [meter("nvml:0:counter"), meter("nvml:0:polled", "polled")]
    readings = steady("nvml:0:counter", 0) + [reading("nvml:0:polled", t, 300 * t, t) for t in range(101)]
    account = headline(accounts(facts(*meters), seen(readings)))
    assert account is not None
    assert (account.meter_class, account.gross_j) == ("polled", Range.exact(300 * 60))


def test_one_stuck_card_of_two_leaves_the_sum_without_a_value() -> None:
    meters = [meter("nvml:0:counter"), meter("nvml:1:counter")]
    (account,) = accounts(facts(*meters), seen(steady("nvml:0:counter", 300) + steady("nvml:1:counter", 0)))
    assert account.gross_j is None
    assert account.notes[0].startswith("nvml:1:counter: its counter did not move")


def test_a_way_of_metering_that_reads_fewer_cards_gives_way() -> None:
    """Card 0 has no counter: 300 W and 100 W are polled, 100 W counted."""
    meters = [meter("nvml:1:counter"), meter("nvml:0:polled", "polled"), meter("nvml:1:polled", "polled")]
    readings = steady("nvml:1:counter", 100)
    readings += [reading(f"nvml:{i}:polled", t, w * t, t) for i, w in ((0, 300), (1, 100)) for t in range(101)]
    found = accounts(facts(*meters), seen(readings))
    assert (found[0].gross_j, found[0].notes) == (None, ("it reads 1 of 2 cards",))
    account = headline(found)
    assert account is not None
    assert (account.meter_class, account.gross_j) == ("polled", Range.exact(400 * 60))


def test_a_card_that_tells_nothing_is_named_beside_the_joules_of_the_others() -> None:
    absent = {"nvml:1": "GPU 1 does not answer", "nvml:0:polled": "0 W", "rapl": "none", "amdsmi:0": "N/A"}
    found = facts(meter("nvml:0:counter")).model_copy(update={"absent": absent, "others": {"nvml:2": "not chosen"}})
    (account,) = accounts(found, seen(steady("nvml:0:counter", 300)))
    assert account.gross_j == Range.exact(300 * 60)
    assert account.notes == ("not counted: nvml:2 (not chosen)", "not read: nvml:1 (GPU 1 does not answer)")


def test_power_that_reads_0_w_is_no_measurement() -> None:
    readings = [reading("nvml:0:polled", t, 0, t) for t in range(101)]
    (account,) = accounts(facts(meter("nvml:0:polled", "polled")), seen(readings))
    assert (account.gross_j, "its power reads 0 W" in account.notes[0]) == (None, True)


PACKAGES = [meter(f"rapl:package-{i}", scope="CPU packages") for i in (0, 1)]
MEMORY = [meter(f"rapl:dram-{i}", scope="DRAM") for i in (0, 1)]


def test_packages_and_memory_of_one_source_are_one_scope() -> None:
    # 100 W and 80 W of packages, 35 W and 25 W of memory: 240 W for 60 s
    powers = {"rapl:package-0": 100, "rapl:package-1": 80, "rapl:dram-0": 35, "rapl:dram-1": 25}
    readings = [r for channel, power_w in powers.items() for r in steady(channel, power_w)]
    (account,) = accounts(facts(*PACKAGES, *MEMORY), seen(readings, idle=True))
    assert (account.scope, account.gross_j) == ("CPU packages and DRAM", Range.exact(240 * 60))
    assert set(account.parts) == set(powers)
    assert account.idle_j is not None
    assert account.idle_j.low == pytest.approx(240 * 60)


@pytest.mark.parametrize("memory", [MEMORY[:1], MEMORY])
def test_memory_that_is_not_counted_whole_stays_apart(memory: list[MeterFacts]) -> None:
    readings = [r for m in PACKAGES for r in steady(m.channel, 100)]
    readings += steady("rapl:dram-0", 35) + steady("rapl:dram-1", 0)
    account = headline(accounts(facts(*PACKAGES, *memory), seen(readings)))
    assert account is not None
    assert (account.scope, account.gross_j) == ("CPU packages", Range.exact(200 * 60))
    assert account.notes[0].startswith("memory is not part of it: ")


def test_memory_counted_by_another_source_is_not_added() -> None:
    meters = [PACKAGES[0], meter("hwmon:dram-0", scope="DRAM")]
    found = accounts(facts(*meters), seen(steady("rapl:package-0", 100) + steady("hwmon:dram-0", 35)))
    assert [account.scope for account in found] == ["CPU packages", "DRAM"]


def test_estimates_are_read_by_the_key_of_earlier_versions() -> None:
    old = {"opinions": [{"name": "a", "idle_w": [1, 2], "full_w": [3, 4], "method": "m", "sources": []}]}
    found = EnergyFacts.model_validate(old)
    assert [estimate.name for estimate in found.estimates] == ["a"]
    assert "opinions" not in found.model_dump()
