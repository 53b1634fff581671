"""Gains over a baseline, worked by hand."""

from math import inf, log

import pytest

from profiler.metrics.catalogue import METRICS
from profiler.selection.gains import gain, quantity
from profiler.stats.distributions import two_sided_t
from profiler.stats.estimates import Estimate

COST, RATE, JOULES = (
    METRICS["cost_per_1m_output_tokens"],
    METRICS["output_tokens_per_s"],
    METRICS["energy_j_per_output_token"],
)
CARBON, SHARE, MEMORY = (
    METRICS["gco2e_per_1m_output_tokens"],
    METRICS["slo_attainment_ratio"],
    METRICS["peak_rss_bytes"],
)


def test_half_the_cost_and_twice_the_rate_gain_the_same():
    assert gain(0.5, COST, 1.0) == pytest.approx(log(2))
    assert gain(200, RATE, 100) == pytest.approx(log(2))


def test_a_share_counts_as_what_it_lacks():
    # 99 % against 90 %: a loss of 1 % against one of 10 %, ten times as good
    assert gain(0.99, SHARE, 0.9, floor=0.001) == pytest.approx(log(10))
    # points are of 100: 95 against 90 is a loss of 5 % against one of 10 %
    assert gain(95, METRICS["quality_exact_match"], 90, floor=0.001) == pytest.approx(log(2))
    # 99.99 % counts as the floor of 1 %, as 99 % does
    assert gain(0.9999, SHARE, 0.9, floor=0.01) == pytest.approx(log(10))


def test_what_is_not_above_0_has_no_ratio():
    with pytest.raises(ValueError, match="not above 0"):
        gain(0.0, COST, 1.0)


def test_all_doubt_of_a_cost_is_that_of_the_speed():
    found = Estimate(1.0, 0.9, 1.1, freedom=4)
    own = quantity(found, COST, 1.0, speed_sd=0.5)
    # half the width of the logarithms over t: ln(1.1 / 0.9) / 2 / 2.776 = 0.1003 / 2.776
    assert own.speed_sd == pytest.approx(log(1.1 / 0.9) / 2 / two_sided_t(0.95, 4))
    assert own.own_sd == 0.0


def test_joules_share_the_doubt_of_the_speed_and_have_their_own():
    reach = two_sided_t(0.95, 4)
    found = Estimate(1.0, 1 / 1.2, 1.2, freedom=4)
    own = quantity(found, JOULES, 1.0, speed_sd=0.03)
    assert own.speed_sd == 0.03
    assert own.speed_sd**2 + own.own_sd**2 == pytest.approx((log(1.2) / reach) ** 2)


def test_memory_has_nothing_of_the_speed():
    own = quantity(Estimate(1e9, 0.9e9, 1.1e9, freedom=2), MEMORY, 1e9, speed_sd=0.1)
    assert own.speed_sd == 0.0
    assert own.own_sd > 0


def test_a_models_interval_is_open_and_never_drawn():
    own = quantity(Estimate(None, 50, 200), CARBON, 100.0, speed_sd=0.02)
    # the middle of the logarithms: √(50 × 200) = 100, the baseline
    assert own.gain == pytest.approx(0.0)
    assert own.open_to == (pytest.approx((-log(2), log(2))),)
    assert (own.speed_sd, own.own_sd) == (0.02, 0.0)


def test_a_common_grid_is_taken_at_each_of_its_ends():
    ends = [Estimate(None, 50, 60), Estimate(None, 150, 200)]
    own = quantity(Estimate(None, 50, 200), CARBON, 100.0, at_ends=ends)
    assert own.open_to == (
        pytest.approx((log(100 / 60), log(100 / 50))),
        pytest.approx((log(100 / 200), log(100 / 150))),
    )


def test_an_interval_cut_at_0_is_as_wide_as_its_other_half():
    own = quantity(Estimate(1.0, 0.0, 3.0, freedom=2), COST, 1.0)
    assert own.speed_sd == pytest.approx(log(3) / two_sided_t(0.95, 2))


def test_an_exact_number_has_no_doubt():
    own = quantity(Estimate.exact(2.0), COST, 1.0)
    assert (own.speed_sd, own.own_sd, own.own_freedom) == (0.0, 0.0, inf)
