"""The table: units, bounds, kinds."""

from profiler.reports.compare.comparison import compare
from profiler.reports.compare.table import table


def column(comparison, name):
    found = table(comparison)
    at = next(number for number, heading in enumerate(found.headings) if heading.id == name)
    return found.headings[at], [row.cells[at] for row in found.rows]


def test_a_column_has_one_unit_and_every_number_its_own_digits(a_run, parts):
    sizes = [parts.scalar("bytes", 2.0**30, 2.0**30), parts.scalar("bytes", 2.0**28, 2.0**28)]
    runs = [a_run(number, metrics={"peak_rss_bytes": size}) for number, size in enumerate(sizes)]
    heading, cells = column(compare(runs), "peak_rss_bytes")
    assert heading.full == "Peak memory, GiB"
    assert [cell.text for cell in cells] == ["1.00", "0.250"]


def test_cells_of_different_currency_carry_their_unit_and_are_kinds_of_their_own(a_run, parts):
    runs = [a_run(1, cost=parts.price(0.36)), a_run(2, cost=parts.price(0.36, "EUR")), a_run(3)]
    heading, cells = column(compare(runs), "price_per_1m_output_tokens")
    assert heading.unit == ""
    assert [cell.text.replace("\N{NO-BREAK SPACE}", " ") for cell in cells] == [
        "1.000 USD/1M tokens",
        "1.000 EUR/1M tokens",
        "–",
    ]
    assert [cell.kind for cell in cells] == [0, 1, 2]


def test_an_interval_of_a_model_cannot_be_sorted_by(six):
    _, cells = column(six(), "energy_j_per_output_token")
    assert [(cell.kind_name, cell.kind, cell.sort) for cell in cells[:3]] == [
        ("model, whole machine", 0, None),
        ("model, whole machine", 0, None),
        ("wall, whole machine", 1, 2.5),
    ]


def test_numbers_without_an_interval_are_named_with_the_reason(a_run):
    found = table(compare([a_run(1, (100.0,)), a_run(2, (100.0,))]))
    assert any("Output rate" in said and "raise --repeats" in said for said in found.without_interval)
