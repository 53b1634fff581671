"""Rank acceptabilities against published ones, against exact ones, and their properties."""

from math import inf, sqrt
from random import Random
from statistics import NormalDist, fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from profiler.selection.acceptability import central_weights, odds, rank_shares, scores_of, winning_shares
from profiler.selection.draws import Alternative, Quantity, drawn_gains
from profiler.selection.open_ends import with_open_ends
from profiler.selection.sensitivity import score
from profiler.selection.weights import anywhere, in_order

DRAWS = 10_000


def exactly(name, *gains):
    return Alternative(name, tuple(Quantity(gain) for gain in gains))


def all_odds(alternatives, weights, seed=0):
    scores = [drawn_scores(each, weights, seed) for each in alternatives]
    return with_open_ends(odds(scores, weights), alternatives, scores, weights)


def drawn_scores(alternative, weights, seed=0):
    return scores_of(drawn_gains(alternative, len(weights), seed), weights)


# --- a published example -----------------------------------------------------------------------------------------
# Heparin and enoxaparin against thrombosis: L. D. Lynd and B. J. O'Brien, Journal of Clinical Epidemiology 57, 2004.
# Criteria are shares of patients, better when lower; values are linear over these ranges. The example of CRAN's package
# `smaa` (G. van Valkenhoef): what its reference output prints for 10 000 draws.
RANGES = ((0.0, 0.25), (0.15, 0.4), (0.0, 0.1))  # proximal and distal deep vein thrombosis, major bleeding
HEPARIN = ((20, 116), (40, 96), (1, 135))  # beta distributions
ENOXAPARIN = ((8, 121), (32, 97), (5, 124))


def thrombosis_scores(weights):
    random = Random(3)

    def value(betas):
        pairs = zip(betas, RANGES, strict=True)
        return [(worst - random.betavariate(*beta)) / (worst - best) for beta, (best, worst) in pairs]

    return [[score(drawn, value(betas)) for drawn in weights] for betas in (HEPARIN, ENOXAPARIN)]


def two_samples(share):
    """Four standard deviations of the difference between a share of theirs and one of ours, 10 000 draws each."""
    return 4 * sqrt(2 * share * (1 - share) / DRAWS)


def test_rank_acceptabilities_and_central_weights_of_a_published_example():
    weights = anywhere(3, DRAWS, Random(1))
    scores = thrombosis_scores(weights)
    shares = rank_shares(scores)
    assert shares[0] == pytest.approx([0.3504, 0.6496], abs=two_samples(0.35))
    assert shares[1] == pytest.approx([0.6496, 0.3504], abs=two_samples(0.35))
    heparin, enoxaparin = central_weights(scores, weights)
    # a weight varies by 0.24 at most, and heparin was first in 3 500 draws: 4 × 0.24 × √(2/3500) = 0.023
    assert heparin == pytest.approx((0.1865, 0.2772, 0.5363), abs=0.023)
    assert enoxaparin == pytest.approx((0.4073, 0.3641, 0.2285), abs=0.017)


def test_the_same_example_at_fixed_weights():
    shares = rank_shares(thrombosis_scores([(0.5, 0.2, 0.3)] * DRAWS))
    assert shares[0] == pytest.approx([0.1279, 0.8721], abs=two_samples(0.128))


# --- what can be worked by hand ----------------------------------------------------------------------------------
def test_acceptabilities_over_all_weights_that_are_known_exactly():
    # scores w, 1 − w and 0.6 at every w, for w even from 0 to 1: the third is first from 0.4 to 0.6, and second else
    weights = anywhere(2, DRAWS, Random(1))
    first, second, third = all_odds([exactly("a", 1, 0), exactly("b", 0, 1), exactly("c", 0.6, 0.6)], weights)
    assert first.shares == pytest.approx((0.4, 0.1, 0.5), abs=0.02)
    assert second.shares == pytest.approx((0.4, 0.1, 0.5), abs=0.02)
    assert third.shares == pytest.approx((0.2, 0.8, 0.0), abs=0.02)
    # a wins for w from 0.6 to 1: its central weights are (0.8, 0.2)
    assert first.central == pytest.approx((0.8, 0.2), abs=0.01)
    assert third.central == pytest.approx((0.5, 0.5), abs=0.01)


def test_acceptabilities_where_only_the_order_is_known():
    # the first criterion weighs from 1/2 to 1, evenly: b needs w < 0.6 with gains (0, 0.6) against (0.4, 0)
    weights = in_order((1, 2), DRAWS, Random(1))
    one, other = all_odds([exactly("a", 0.4, 0), exactly("b", 0, 0.6)], weights)
    assert (one.shares[0], other.shares[0]) == pytest.approx((0.8, 0.2), abs=0.02)


def test_one_that_never_wins_has_no_central_weights():
    _, beaten = all_odds([exactly("a", 1, 1), exactly("b", 0, 0)], anywhere(2, 100, Random(1)))
    assert beaten.central is None
    assert beaten.ranks == (2, 2)


def test_student_t_draws_have_the_tails_of_few_runs():
    # of Student's t with 2 degrees of freedom, P(|t| > 4.3027) = 5 %; of a normal it would be 0.002 %
    far = Alternative("a", (Quantity(0.0, speed_sd=1.0),), speed_freedom=2)
    share = fmean(abs(gain) > 4.3027 for (gain,) in drawn_gains(far, 20_000, 1))
    assert share == pytest.approx(0.05, abs=0.006)


# --- joint draws --------------------------------------------------------------------------------------------------
def test_cost_and_energy_of_one_run_err_together():
    """Two hosts whose speed is uncertain by 5 %; the first is cheaper and thriftier by 5 % each, at its true speed.

    A run that is slower than it looked is dearer and thirstier at once. Truth: with s₁ and s₂ the deviations of the
    two speeds, the first wins where 0.05 + s₁ − s₂ > 0: Φ(0.05 / (0.05 √2)) = Φ(0.7071) = 0.760. Drawn one by one, the
    errors of cost and energy would average out: Φ(0.05 / 0.05) = Φ(1) = 0.841.
    """
    sd, lead, weights = 0.05, 0.05, [(0.5, 0.5)] * DRAWS
    truth = simulated_truth(sd, lead)
    assert truth == pytest.approx(NormalDist().cdf(sqrt(0.5)), abs=0.01)
    ours = Alternative("a", (Quantity(lead, sd), Quantity(lead, sd))), Alternative("b", (Quantity(0, sd),) * 2)
    joint = all_odds(ours, weights)[0].first
    assert joint == pytest.approx((truth, truth), abs=0.02)
    apart = (
        Alternative("a", (Quantity(lead, own_sd=sd), Quantity(lead, own_sd=sd))),
        Alternative("b", (Quantity(0, own_sd=sd),) * 2),
    )
    assert all_odds(apart, weights)[0].first[0] > truth + 0.06


def simulated_truth(sd, lead):
    """Draw true speeds around the measured ones, compute cost and energy from them, and see who has the lower product.

    Price and power are 1 for both; the first host's measured speed is the better one.
    """
    random = Random(11)
    wins = 0
    for _ in range(40_000):
        products = []
        for gain in (lead, 0.0):
            true_speed = 2.718281828459045 ** (gain + random.gauss(0, sd))
            cost, energy = 1 / true_speed, 1 / true_speed
            products.append(cost**0.5 * energy**0.5)
        wins += products[0] < products[1]
    return wins / 40_000


def test_an_error_of_its_own_comes_on_top_of_the_speed():
    noisy = Alternative("a", (Quantity(1.0, speed_sd=0.3, own_sd=0.4),))
    gains = [gain for (gain,) in drawn_gains(noisy, 20_000, 1)]
    assert fmean(gains) == pytest.approx(1.0, abs=0.02)
    assert sqrt(fmean((gain - 1) ** 2 for gain in gains)) == pytest.approx(0.5, abs=0.02)  # √(0.3² + 0.4²)


# --- models are intervals, never distributions --------------------------------------------------------------------
def modelled(name, gain, low, high, group="here"):
    return Alternative(name, (Quantity(gain, open_to=((low, high),)),), group=group)


def test_what_a_model_leaves_open_is_a_range_of_probabilities():
    # 0.1 apart, and ± 0.2 open on one: at its best end it always wins, at its worst never
    one, other = all_odds([modelled("a", 0.1, -0.2, 0.2), exactly("b", 0.0)], [(1.0,)] * 100)
    assert one.first == (0.0, 1.0)
    assert other.first == (0.0, 1.0)
    assert one.ranks == (1, 2)


def test_a_model_that_leaves_too_little_open_changes_no_winner():
    one, other = all_odds([modelled("a", 0.5, -0.2, 0.2), exactly("b", 0.0)], [(1.0,)] * 100)
    assert one.first == (1.0, 1.0)
    assert other.first == (0.0, 0.0)


def test_one_machines_model_errs_alike_for_all_that_ran_there():
    # ± 1 open, 0.1 apart: on one machine the first stays first at both ends, on two machines either may be first
    same = [modelled("a", 0.1, -1, 1), modelled("b", 0.0, -1, 1)]
    assert all_odds(same, [(1.0,)] * 100)[0].first == (1.0, 1.0)
    apart = [modelled("a", 0.1, -1, 1), modelled("b", 0.0, -1, 1, group="there")]
    assert all_odds(apart, [(1.0,)] * 100)[0].first == (0.0, 1.0)


def test_what_is_the_same_for_all_is_taken_at_each_of_its_ends_for_all_at_once():
    # the grid is clean or dirty for both: a leads by 0.1 at the one end, by 0.3 at the other, and b never
    a = Alternative("a", (Quantity(0.2, open_to=((-0.9, -0.9), (0.9, 0.9))),), group="here")
    b = Alternative("b", (Quantity(0.0, open_to=((-0.8, -0.8), (0.8, 0.8))),), group="there")
    assert all_odds([a, b], [(1.0,)] * 100)[0].first == (1.0, 1.0)


# --- properties ---------------------------------------------------------------------------------------------------
gains = st.floats(-3, 3)
deviations = st.sampled_from([0.0, 0.01, 0.3])
quantities = st.builds(Quantity, gains, deviations, deviations, st.sampled_from([1.0, 4.0, inf]))


@st.composite
def fields(draw, least=2):
    criteria, count = draw(st.integers(1, 4)), draw(st.integers(least, 6))
    return [
        Alternative(f"c{index}", tuple(draw(quantities) for _ in range(criteria)), draw(st.sampled_from([2.0, inf])))
        for index in range(count)
    ]


few = settings(max_examples=40, deadline=None)


def weights_for(field, count=200):
    return anywhere(len(field[0].quantities), count, Random(5))


@few
@given(fields())
def test_rank_probabilities_add_up_to_one_both_ways(field):
    shares = [each.shares for each in all_odds(field, weights_for(field))]
    assert [sum(row) for row in shares] == pytest.approx([1.0] * len(field))
    assert [sum(column) for column in zip(*shares, strict=True)] == pytest.approx([1.0] * len(field))


@few
@given(fields(least=3))
def test_another_candidate_changes_no_comparison_of_the_rest(field):
    weights = weights_for(field)
    scores = [drawn_scores(each, weights) for each in field]
    with_all, without = winning_shares(scores), winning_shares(scores[:-1])
    assert [row[:-1] for row in with_all[:-1]] == without
    assert scores[:-1] == [drawn_scores(each, weights) for each in field[:-1]]


@few
@given(fields())
def test_identical_candidates_share_their_ranks_and_may_be_swapped(field):
    twin = Alternative("twin", field[0].quantities, field[0].speed_freedom)
    weights = weights_for(field)
    one_way = dict(zip("ab", all_odds([field[0], twin], weights), strict=True))
    other_way = dict(zip("ba", all_odds([twin, field[0]], weights), strict=True))
    assert one_way == other_way
    noiseless = [Alternative(name, tuple(Quantity(q.gain) for q in field[0].quantities)) for name in ("a", "b")]
    assert [each.shares for each in all_odds(noiseless, weights)] == [(0.5, 0.5), (0.5, 0.5)]


@few
@given(fields(), st.floats(0.01, 2))
def test_a_candidate_better_in_everything_is_first_for_sure(field, lead):
    noiseless = [Alternative(each.name, tuple(Quantity(q.gain) for q in each.quantities)) for each in field]
    greatest = [max(column) for column in zip(*([q.gain for q in each.quantities] for each in noiseless), strict=True)]
    best = exactly("best", *(gain + lead for gain in greatest))
    found = all_odds([*noiseless, best], weights_for(field))[-1]
    assert found.shares[0] == pytest.approx(1.0)
    assert found.first[0] == pytest.approx(1.0)
    assert found.ranks == (1, 1)


@few
@given(fields(), st.floats(-5, 5))
def test_other_units_change_no_rank(field, shift):
    """Units and baselines add the same to the gain of all in a criterion."""
    weights = weights_for(field)
    moved = [
        Alternative(
            each.name,
            tuple(Quantity(q.gain + shift, q.speed_sd, q.own_sd, q.own_freedom) for q in each.quantities),
            each.speed_freedom,
        )
        for each in field
    ]
    before, after = all_odds(field, weights), all_odds(moved, weights)
    for one, other in zip(before, after, strict=True):
        assert one.shares == pytest.approx(other.shares, abs=0.011)  # rounding may turn a tie of two draws


def test_ten_thousand_draws_of_fifty_candidates_are_repeatable():
    field = [Alternative(f"c{n}", (Quantity(n / 50, 0.1, 0.05, 9),) * 2, 4) for n in range(5)]
    weights = anywhere(2, 500, Random(2))
    assert all_odds(field, weights, seed=7) == all_odds(field, weights, seed=7)
    assert all_odds(field, weights, seed=7) != all_odds(field, weights, seed=8)
