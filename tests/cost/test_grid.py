import pytest

from profiler import reference_data
from profiler.cost import grid
from profiler.errors import UsageError


def test_northern_virginia_has_two_estimates_far_apart() -> None:
    values = [estimate.gco2e_per_kwh for estimate in grid.estimates("us-east-1")]
    assert values == [415.755, pytest.approx(244.758)]
    assert values[0] / values[1] == pytest.approx(1.70, abs=0.01)


def test_a_region_name_of_two_clouds_can_be_told_apart() -> None:
    assert {o.place for o in grid.estimates("gcp:us-east4")} == {"gcp us-east4, by Google", "Virginia, 2023"}
    assert grid.of_cloud("aws", "us-east4") == []


def test_countries_states_and_numbers() -> None:
    (germany,) = grid.estimates("DEU")
    assert (germany.gco2e_per_kwh, germany.place, germany.source.licence) == (380.95, "Germany, 2023", "CC-BY-4.0")
    assert grid.estimates("us-va")[0].source.name == "egrid"
    (said,) = grid.estimates("120")
    assert (said.gco2e_per_kwh, said.source.name) == (120, "flag")


def test_a_place_that_nobody_knows() -> None:
    with pytest.raises(UsageError, match=r"--grid Atlantis: nothing is known.*three letters"):
        grid.estimates("Atlantis")
    with pytest.raises(UsageError, match="0 to 5000"):
        grid.estimates("-3")


def test_every_row_has_a_source_and_a_plausible_value() -> None:
    for table in ("carbon/areas.csv", "carbon/regions.csv"):
        for row in reference_data.rows(table):
            if row["gco2e_per_kwh"]:
                assert 0 <= float(row["gco2e_per_kwh"]) < 1_500, row
                assert reference_data.source(row["source"]).licence, row


def test_every_region_lies_in_a_known_area() -> None:
    areas = {row["area"] for row in reference_data.rows("carbon/areas.csv")}
    assert {row["area"] for row in reference_data.rows("carbon/regions.csv") if row["area"]} <= areas
