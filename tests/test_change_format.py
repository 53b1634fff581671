"""Changes in percent: no more digits than they carry, and none that reads as what it is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from profiler.change_format import Change

NB = "\N{NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (Change(0.05, 0.03, 0.07), "+5.0 % (+3.0 to +7.0 %)"),
        (Change(0.2, 0.05, 0.37), "+20 % (+5 to +37 %)"),
        (Change(-0.999, -0.9999, -0.6), "−99.90 % (−99.99 to −60.00 %)"),
        (Change(-0.01, -0.1, 0.0004), "−1.00 % (−10.00 to +0.04 %)"),
        (Change(0.0003), "+0.03 % ()"),
        (Change(0.127), "+12.7 % ()"),
        (Change(0.0), "0.0 % ()"),
        (Change(None, -0.82, 3.3), " (−82 to +330 %)"),
    ],
)
def test_forms(change: Change, text: str) -> None:
    assert f"{change.text()} ({change.bounds()})".replace(NB, " ") == text


SHARES = st.floats(-0.9999, 30, allow_nan=False).map(lambda share: round(share, 5))


@given(st.lists(SHARES, min_size=3, max_size=3).map(sorted))
def test_a_change_reads_as_within_its_interval_and_never_as_none_or_all(parts: list[float]) -> None:
    change = Change(parts[1], parts[0], parts[2])
    shown = [float(change.signed(part).replace("\N{MINUS SIGN}", "-").replace(",", "")) for part in parts]
    assert shown == sorted(shown)
    for seen, exact in zip(shown, parts, strict=True):
        assert (seen == 0) == (exact == 0)
        assert seen > -100
