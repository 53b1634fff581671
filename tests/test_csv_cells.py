import pytest

from profiler.csv_cells import harmless


@pytest.mark.parametrize(
    "text", ["=1+1", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "-cmd|' /C calc'!A0"]
)
def test_what_a_spreadsheet_would_compute_is_text(text: str) -> None:
    assert harmless(text) == f"'{text}"


@pytest.mark.parametrize("value", ["a=1", "", "-5.3", "+1e-05", "–", -5, 1.5, None, True])
def test_numbers_and_other_texts_stay(value: object) -> None:
    assert harmless(value) is value
