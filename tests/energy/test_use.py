import pytest
from support.energy import reading

from profiler.energy.use import of_channel, powers_w, used

S = 1_000_000_000
# 100 W for 10 s, then 50 W for 10 s
COUNTED = [reading("c", 0, 0), reading("c", 10, 1000), reading("c", 20, 1500)]


def test_energy_within_windows_is_cut_out_of_a_counter() -> None:
    use = used(COUNTED, [(5 * S, 12 * S), (18 * S, 19 * S)])
    # 5 s at 100 W, 2 s and 1 s at 50 W
    assert (use.energy_j, use.coverage_ratio) == (pytest.approx(650), pytest.approx(1))
    assert use.power_w == pytest.approx(650 / 8)


def test_nothing_is_known_before_the_first_and_after_the_last_reading() -> None:
    use = used(COUNTED, [(15 * S, 25 * S)])
    assert (use.energy_j, use.coverage_ratio) == (pytest.approx(250), pytest.approx(0.5))
    assert use.power_w == pytest.approx(50)


def test_a_gap_of_polled_power_is_time_that_is_not_covered() -> None:
    polled = [reading("p", 0, 0, 0), reading("p", 10, 600, 6), reading("p", 20, 1600, 16)]
    use = used(polled, [(0, 20 * S)])
    assert (use.energy_j, use.coverage_ratio, use.power_w) == (1600, 0.8, pytest.approx(100))


def test_one_reading_is_none() -> None:
    use = used([reading("c", 1, 5)], [(0, 2 * S)])
    assert (use.energy_j, use.coverage_ratio, use.power_w) == (0, 0, None)


def test_channels_are_told_apart_and_put_in_order() -> None:
    mixed = [reading("a", 2, 20), reading("b", 1, 5), reading("a", 1, 10)]
    assert [r.energy_j for r in of_channel(mixed, "a")] == [10, 20]


def test_power_between_readings() -> None:
    assert powers_w(COUNTED) == [(5 * S, 100), (15 * S, 50)]
