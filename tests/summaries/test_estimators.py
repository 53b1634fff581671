"""Rates and their intervals against servers whose truth is known: simulated, with fixed seeds.

Only when requests are sent and end is simulated; windows, estimates and intervals are the project's own functions. The
long form, with every number of slots and of rounds, is `benchmarks/estimators.py --simulate`.
"""

from math import log
from statistics import fmean, stdev

import pytest
from support.simulated import MODELS, Load, Random, estimates_of, in_turn, open_loop, rate_of, truth_of

from profiler.aggregation.windows import Stretch, find_steady, times_by_phase
from profiler.results.records import Outcome, RequestTimes

SHORT = 5  # rounds of the slots
LONG = 10


def relative_errors(load: Load, runs: int, seed: int) -> list[float]:
    truth = truth_of(load)
    return [found.rate / truth - 1 for found in estimates_of(load, runs, seed)]


@pytest.mark.parametrize("slots", [1, 2, 8, 32, 128])
def test_lock_step_is_exact_after_any_number_of_rounds(slots: int) -> None:
    for rounds in (3, 4, 7):
        load = Load("lock-step", slots, rounds)
        assert relative_errors(load, 1, seed=1) == [pytest.approx(0, abs=1e-9)]


@pytest.mark.parametrize(("rounds", "most"), [(SHORT, 0.01), (LONG, 0.005)])
@pytest.mark.parametrize("slots", [2, 8, 32])
@pytest.mark.parametrize("model", [name for name in MODELS if name != "lock-step"])
def test_rates_are_not_biased(model: str, slots: int, rounds: int, most: float) -> None:
    """Up to what so many runs can tell: three standard errors beside the limit."""
    errors = relative_errors(Load(model, slots, rounds, repeats=3), 9600 // (slots * rounds), seed=1)
    assert abs(fmean(errors)) <= most + 3 * stdev(errors) / len(errors) ** 0.5


def test_durations_that_vary_as_much_as_their_mean_do_not_make_a_rate_too_high() -> None:
    # the plain quotient of 40 requests is too high by cv²/n = 2.5 %
    errors = relative_errors(Load("log-normal-1.0", 8, SHORT), 1500, seed=3)
    assert abs(fmean(errors)) <= 0.01


def test_counting_what_ends_in_a_window_would_be_wrong() -> None:
    """The estimate that this one replaced: the simulation shows what the other tests rule out."""
    load = Load("lock-step", 8, SHORT)
    found = estimates_of(load, 1, seed=1)[0]
    assert found.counted / truth_of(load) - 1 == pytest.approx(-7 / 40)  # (slots - 1) / requests


@pytest.mark.parametrize("repeats", [1, 3])
@pytest.mark.parametrize(
    ("model", "slots", "rounds"),
    [("log-normal-0.3", 8, 5), ("log-normal-1.0", 8, 10), ("bimodal", 8, 20), ("serial-prefill", 8, 10)],
)
def test_intervals_cover(model: str, slots: int, rounds: int, repeats: int) -> None:
    load = Load(model, slots, rounds, repeats=repeats)
    truth, runs = truth_of(load), 300
    found = estimates_of(load, runs, seed=7)
    assert all(one.half_width is not None for one in found)
    covered = sum(abs(one.rate - truth) <= (one.half_width or 0) for one in found) / runs
    assert 0.92 <= covered <= 0.985  # 300 runs: 95 % ± 2.5 %


@pytest.mark.parametrize("model", list(MODELS))
@pytest.mark.parametrize("slots", [1, 8, 32])
def test_no_steady_load_seems_to_lack_records(model: str, slots: int) -> None:
    for rounds in (3, 10):
        assert max(one.unaccounted for one in estimates_of(Load(model, slots, rounds), 20, seed=5)) < 1e-6


def test_records_that_are_missing_are_seen() -> None:
    whole = Load("log-normal-0.3", 8, 20)
    found = estimates_of(whole, 20, seed=5, without=0.1)
    assert fmean(one.unaccounted for one in found) == pytest.approx(0.1, abs=0.03)


def offered_and_found(times: list[tuple[float, float]]) -> tuple[float, float]:
    records = [
        RequestTimes(
            index=index,
            phase="repeat-1",
            outcome=Outcome.TIMEOUT,  # whose end is `finished_ns`: there are no reads here
            scheduled_ns=round(sent_s * 1e9),
            sent_ns=round(sent_s * 1e9),
            finished_ns=round(ended_s * 1e9),
        )
        for index, (sent_s, ended_s) in enumerate(times)
    ]
    stretch = Stretch(("repeat-1",), frozenset({"repeat-1"}))
    window = find_steady([times_by_phase(records)], [stretch]).windows["repeat-1"]  # type: ignore[arg-type] - all that it reads of them
    return window.sent / window.length_ns * 1e9, (window.sent - window.growth) / window.length_ns * 1e9


@pytest.mark.parametrize("model", ["lock-step", "log-normal-0.3", "log-normal-1.0", "bimodal", "stragglers"])
def test_an_open_loop_shows_the_rate_at_which_requests_arrive(model: str) -> None:
    # 160 requests, about eight in flight: as in a replay of a short trace. Of stragglers one in a hundred takes as
    # long as all of it; by Little's law, the rate was 15 % too low for these, and 2 % for the log-normal of 1.0.
    pairs = [offered_and_found(open_loop(model, 8.0, 160, seed)) for seed in range(60)]
    assert fmean(found / offered - 1 for offered, found in pairs) == pytest.approx(0, abs=0.02)


def test_an_open_loop_that_a_server_cannot_follow_shows_what_it_gets_done() -> None:
    # eight arrive in a second, six of one second each can be served at a time
    found = [offered_and_found(open_loop("lock-step", 8.0, 160, seed, servers=6))[1] for seed in range(60)]
    assert fmean(found) == pytest.approx(6.0, rel=0.02)


@pytest.mark.parametrize("slots", [2, 8, 32])
def test_a_server_that_grows_slower_shows_its_mean_rate(slots: int) -> None:
    # In ten rounds durations grow from 1 s to 1.2 s, by 2 % a second at first: slots / duration, averaged over the
    # window, is slots × ln(d1 / d0) / (d1 - d0) for durations d0 and d1 at its edges.
    errors, growth, random = [], 0.02, Random(1)
    for _ in range(6400 // (slots * LONG)):
        spans = in_turn(slots, 12 * slots, lambda sent_s: sent_s + (1 + growth * sent_s) * random.gauss(1, 0.1))
        found = rate_of(Load("drifting", slots, LONG, warmup_rounds=1), spans)
        first_s, last_s = spans[slots][0], spans[11 * slots][0]
        d0, d1 = 1 + growth * first_s, 1 + growth * last_s
        errors.append(found / (slots * log(d1 / d0) / (d1 - d0)) - 1)
    assert abs(fmean(errors)) <= 0.01 + 3 * stdev(errors) / len(errors) ** 0.5
