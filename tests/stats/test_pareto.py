"""Fronts of choices with intervals, both quantities better when lower."""

from profiler.stats.estimates import Estimate
from profiler.stats.pareto import standings


def exact(*values):
    return tuple(Estimate.exact(float(value)) for value in values)


def about(*values, half_width=1.0):
    return tuple(Estimate(float(v), v - half_width, v + half_width) for v in values)


def test_the_front_is_what_nothing_else_beats_in_both():
    # (1, 9) and (9, 1) trade one for the other; (5, 5) lies between; (6, 6) is beaten by (5, 5)
    assert standings([exact(1, 9), exact(5, 5), exact(9, 1), exact(6, 6)]) == ["front", "front", "front", "beaten"]


def test_equals_do_not_beat_each_other():
    assert standings([exact(2, 2), exact(2, 2)]) == ["front", "front"]


def test_worse_in_one_and_equal_in_the_other_is_not_on_the_front_and_not_surely_beaten():
    # (2, 3) has the same first quantity as (2, 2): its interval touches, so nothing is sure
    assert standings([exact(2, 2), exact(2, 3)]) == ["front", "perhaps"]


def test_overlapping_intervals_leave_it_open():
    # 5 ± 1 and 6.5 ± 1 overlap from 5.5 to 6; 5 ± 1 and 9 ± 1 do not
    assert standings([about(5, 5), about(6.5, 9)]) == ["front", "perhaps"]
    assert standings([about(5, 5), about(9, 9)]) == ["front", "beaten"]


def test_one_choice_alone_is_the_front():
    assert standings([exact(3, 3)]) == ["front"]
    assert standings([]) == []


def test_a_number_known_only_as_an_interval_stands_at_its_middle():
    band = Estimate(None, 1.0, 3.0)  # middle 2
    assert standings([(band, Estimate.exact(1.0)), exact(2.5, 2)]) == ["front", "perhaps"]
