"""What coarse and sparse wall meters leave open. The machine draws 60 W, and 160 W for three repeats of 60 s."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.energy import meter, reading

from profiler.energy import wall
from profiler.energy.account import Account, Seen, accounts
from profiler.energy.bounds import bounded, step_j
from profiler.results.manifest import EnergyFacts
from profiler.results.records import EnergyReading
from profiler.stats.ranges import Range

S = 1_000_000_000
BEGAN_S = 1_800_000_000  # the run's clock at 0
REPEATS = [(1_000 * S, 1_060 * S), (1_062 * S, 1_122 * S), (1_124 * S, 1_184 * S)]
TRUE_J = 160 * 180


def watts_at(t_s: float) -> float:
    """From two seconds before the first repeat until the end of the last."""
    return 160.0 if 998 <= t_s <= 1_184 else 60.0


def energy_j(t_s: float) -> float:
    return 60.0 * t_s + 100.0 * min(max(0.0, t_s - 998), 186)


def account(folder: Path, column: str, every_s: float, written: str, phase_s: float = 0.0) -> Account:
    """Import a file of this machine, from 0 s to 3,600 s, and account for its repeats."""
    value = {"watts": watts_at, "kwh": lambda t: energy_j(t) / 3.6e6, "j": energy_j}[column]
    times = [phase_s + every_s * i for i in range(int(3_600 / every_s) + 1)]
    rows = "".join(f"{BEGAN_S + t:.3f},{value(t):{written}}\n" for t in times)
    path = folder / "meter.csv"
    path.write_text(f"timestamp,{column}\n{rows}")
    found = wall.read(path, BEGAN_S * S)
    (only,) = accounts(EnergyFacts(meters=[found.facts]), Seen(found.readings, REPEATS, None))
    return only


def known(found: Account) -> Range:
    assert found.gross_j is not None, found.notes
    return found.gross_j


def test_a_coarse_counter_says_how_coarse_it_is_and_what_would_do(tmp_path: Path) -> None:
    found = account(tmp_path, "kwh", 60, ".2f")
    assert found.gross_j is None
    (note,) = found.notes
    # 36,000 J a step, while the load took 28,800 J
    assert "the counter moves in steps of 0.01 kWh (36,000 J) and was read every 60 s" in note
    assert "steps of" in note.partition("A counter with ")[2]
    assert "minutes of load or more" in note


def test_the_steps_are_those_that_are_seen_where_more_digits_are_shown(tmp_path: Path) -> None:
    found = account(tmp_path, "kwh", 1, ".3f")
    # steps of 3,600 J: three repeats, each 3,600 J more or less, and a second at either end
    assert known(found).low <= TRUE_J <= known(found).high
    assert known(found).high - known(found).low > 3 * 3_600
    rounded = account(tmp_path, "kwh", 1, ".2f")
    assert rounded.gross_j is None


@pytest.mark.parametrize("phase_s", [0.0, 130.0, 1_000.0])
def test_rows_an_hour_apart_say_nothing_of_three_minutes(tmp_path: Path, phase_s: float) -> None:
    found = account(tmp_path, "j", 1_200, ".6f", phase_s)
    assert found.gross_j is None
    assert "the counter was read every 1,200 s, so that " in found.notes[0]
    assert "are possible for the 180 s of steady load" in found.notes[0]


@pytest.mark.parametrize("phase_s", [0.0, 200.0, 590.0])
def test_power_read_every_ten_minutes_says_nothing(tmp_path: Path, phase_s: float) -> None:
    found = account(tmp_path, "watts", 600, ".1f", phase_s)
    assert found.gross_j is None
    assert "power read every 600 s: 0 readings lie" in found.notes[0] or "1 reading lies" in found.notes[0]


@pytest.mark.parametrize("phase_s", [0.0, 15.0, 30.0, 45.0])
def test_power_read_once_a_minute_is_an_interval_that_holds_the_truth(tmp_path: Path, phase_s: float) -> None:
    found = known(account(tmp_path, "watts", 60, ".1f", phase_s))
    assert found.low <= TRUE_J <= found.high
    assert found.value is not None
    assert found.high - found.low > 0.05 * TRUE_J


def test_power_read_every_second_is_known_well_and_never_exactly(tmp_path: Path) -> None:
    found = known(account(tmp_path, "watts", 1, ".0f", 0.5))
    assert found.low <= TRUE_J <= found.high
    # the last digit is 1 W of 160: 0.6 % on either side
    assert 0.01 < (found.high - found.low) / TRUE_J < 0.02


def test_an_exact_counter_read_every_second_is_known_within_its_readings(tmp_path: Path) -> None:
    found = known(account(tmp_path, "j", 1, ".6f", 0.5))
    assert found.low <= TRUE_J <= found.high
    # the second in which a repeat begins, and the one in which it ends: 320 J of 9,600 J, each as likely in as out
    assert 0.02 < (found.high - found.low) / TRUE_J < 0.05
    assert found.value == pytest.approx(TRUE_J, rel=0.001)


def test_two_machines_of_one_power_are_not_told_apart_by_a_coarse_meter(tmp_path: Path) -> None:
    fine, coarse = account(tmp_path, "watts", 1, ".1f"), account(tmp_path, "watts", 60, ".1f", 30.0)
    assert known(fine).overlaps(known(coarse))


def test_a_meter_that_shows_0_w_does_not_measure(tmp_path: Path) -> None:
    path = tmp_path / "meter.csv"
    path.write_text("timestamp,w\n" + "".join(f"{BEGAN_S + t},0\n" for t in range(900, 1_300)))
    found = wall.read(path, BEGAN_S * S)
    (only,) = accounts(EnergyFacts(meters=[found.facts]), Seen(found.readings, REPEATS, None))
    assert (only.gross_j, "its power reads 0 W" in only.notes[0]) == (None, True)


def test_a_counter_of_ours_in_coarse_steps_is_no_exact_one() -> None:
    # 1,000 J at a time, every 20 s, read twice a second
    readings = [reading("c", t / 2, 1_000 * (t // 40)) for t in range(1_000)]
    assert step_j(meter("c"), readings) == 1_000
    found = bounded(meter("c"), readings, [(100 * S, 400 * S)])
    assert isinstance(found, Range)
    assert (found.low, found.high) == (14_000, 16_000)
    assert step_j(meter("c"), [reading("c", t / 2, 10 * t) for t in range(100)]) == 0


def test_a_power_that_was_read_twice_between_two_polls_counts_once() -> None:
    # 300 W, polled twice a second; where a phase begins the last poll is read again
    polls = [EnergyReading(channel="p", t_ns=t * S // 2, energy_j=150.0 * t, covered_ns=t * S // 2) for t in range(40)]
    twice = [each for poll in polls for each in (poll, poll)]
    windows = [(2 * S, 12 * S)]
    assert bounded(meter("p"), twice, windows) == bounded(meter("p"), polls, windows)
    found = bounded(meter("p"), twice, windows)
    assert isinstance(found, Range)
    assert found.low <= 3_000 <= found.high


def test_a_counter_of_earlier_versions_that_never_moves_has_no_value() -> None:
    """What was imported before is without a resolution."""
    readings = [reading("wall", 60 * t, 0) for t in range(60)]
    (only,) = accounts(EnergyFacts(meters=[meter("wall", "wall", "whole machine")]), Seen(readings, REPEATS, None))
    assert only.gross_j is None
    assert "0 J to 0 J are possible" in only.notes[0]


@given(
    powers_w=st.lists(st.floats(0, 1_000), min_size=60, max_size=60),
    every_s=st.integers(1, 20),
    start_s=st.floats(0, 25),
    length_s=st.floats(5, 30),
    step=st.sampled_from([0.001, 1.0, 36.0, 3_600.0]),
)
def test_what_a_counter_says_holds_the_truth_or_is_no_number(
    powers_w: list[float], every_s: int, start_s: float, length_s: float, step: float
) -> None:
    def counted_j(t_s: float) -> float:
        whole = int(t_s)
        return sum(powers_w[:whole]) + (t_s - whole) * (powers_w[whole] if whole < len(powers_w) else 0.0)

    readings = [reading("wall", t, counted_j(t) // step * step) for t in [*range(0, 60, every_s), 60]]
    window = (round(start_s * S), round((start_s + length_s) * S))
    facts = meter("wall", "wall").model_copy(update={"resolution_j": step})
    found = bounded(facts, readings, [window])
    true_j = counted_j(start_s + length_s) - counted_j(start_s)
    assert isinstance(found, str) or found.low - 1e-3 <= true_j <= found.high + 1e-3
