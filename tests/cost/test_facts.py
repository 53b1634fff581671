from pathlib import Path

import pytest

from profiler.cost.facts import resolve, stated
from profiler.cost.options import CostOptions
from profiler.cost.prices import Places
from profiler.errors import UsageError
from profiler.results.host_facts import CloudFacts, CpuFacts, HostFacts
from profiler.run.options import Options

C7G_PLACE = CloudFacts(provider="aws", region="us-east-1", instance_type="c7g.4xlarge")
C7G = HostFacts(cloud=C7G_PLACE, cpu=CpuFacts(logical_cpus=16))


def test_a_detected_instance_tells_price_grid_and_pue() -> None:
    facts = resolve(stated(), C7G)
    assert facts.price is not None
    assert (facts.price.per_hour, facts.price.instance_type) == (0.58, "c7g.4xlarge")
    assert [estimate.gco2e_per_kwh for estimate in facts.grid] == [415.755, 244.758]
    assert facts.pue == 1.135
    # the family is too new to be listed, and what other families have says nothing of it
    assert facts.embodied is None
    assert (facts.embodied_reason or "").startswith("what making the c7g family's machine emitted is not published")


def test_a_listed_family_has_one_embodied_figure() -> None:
    cloud = C7G_PLACE.model_copy(update={"instance_type": "m6g.4xlarge"})
    facts = resolve(stated(), HostFacts(cloud=cloud, cpu=CpuFacts(logical_cpus=16)))
    assert facts.embodied is not None
    # 1333.12 kg for the 64 vCPUs of the machine: a quarter for 16
    assert facts.embodied.kgco2e == (pytest.approx(333.28), pytest.approx(333.28))


def test_what_the_user_says_comes_first() -> None:
    said = stated(CostOptions(price=0.2, currency="EUR", price_kind="spot", grid="FRA", pue=1.3, embodied_kgco2e=50))
    facts = resolve(said, C7G)
    assert facts.price is not None
    assert (facts.price.per_hour, facts.price.currency, facts.price.kind) == (0.2, "EUR", "spot")
    assert [estimate.place for estimate in facts.grid] == ["France, 2023"]
    assert facts.pue == 1.3
    assert facts.embodied is not None
    assert facts.embodied.kgco2e == (50, 50)


def test_an_unknown_machine_says_what_to_pass() -> None:
    facts = resolve(stated(), HostFacts())
    assert facts.price is None
    assert facts.price_reason == "the machine's price is not known: pass --price"
    assert "--grid" in (facts.grid_reason or "")
    assert facts.pue == 1.0
    assert "--embodied" in (facts.embodied_reason or "")


def test_an_instance_whose_region_is_not_told_has_no_price() -> None:
    facts = resolve(stated(), HostFacts(cloud=C7G_PLACE.model_copy(update={"region": None})))
    assert facts.price_reason == "the region of this c7g.4xlarge is not known: pass --price"


def test_no_spot_price_is_taken_for_an_on_demand_price() -> None:
    facts = resolve(stated(CostOptions(price_kind="spot")), C7G)
    assert facts.price is None
    assert "no spot price of c7g.4xlarge in us-east-1" in (facts.price_reason or "")


def test_a_spot_instance_has_no_on_demand_price() -> None:
    facts = resolve(stated(), HostFacts(cloud=C7G_PLACE.model_copy(update={"purchase": "spot"})))
    assert facts.price_reason == "no spot price of c7g.4xlarge in us-east-1 is known: pass --price"


def test_mistakes_are_found_before_a_run() -> None:
    with pytest.raises(UsageError, match="--price-kind on demand: expected on-demand, spot or reserved"):
        Options(price_kind="on demand")
    with pytest.raises(UsageError, match=r"--pue 0\.5: expected 1 to 5"):
        Options(pue=0.5)
    with pytest.raises(UsageError, match="--embodied -1: expected 0 or more"):
        Options(embodied_kgco2e=-1)


def test_owned_hardware_is_recorded_with_all_that_its_hour_is_made_of() -> None:
    asked = CostOptions(
        owned_price=35_040, owned_watts=500, owned_idle_watts=100, kwh_price=0.3, owned_upkeep=876, pue=1.2,
        utilisation=0.4, currency="EUR", input_output_ratio=4,
    )  # fmt: skip
    facts = resolve(stated(asked), C7G)
    assert facts.price is not None
    # 1.00 + 0.10 + 0.26 kW × 0.30 × 1.2 = 1.1936 EUR an hour: it is busy for 40 % of the time
    assert facts.price.per_hour == pytest.approx(1.1936)
    assert (facts.price.kind, facts.price.currency, facts.price.source.name) == ("owned", "EUR", "flag")
    assert facts.price.owned is not None
    assert (facts.price.owned.life_h, facts.price.owned.idle_w) == (35_040, 100)
    assert (facts.utilisation_ratio, facts.input_output_ratio) == (0.4, 4)
    assert facts.charged_text == "owned in EUR, used 40% of the time"


def test_a_reservation_has_its_term() -> None:
    asked = CostOptions(price=0.2, price_kind="reserved", price_term=12, price_upfront=876)
    facts = resolve(stated(asked), C7G)
    assert facts.price is not None
    assert (facts.price.per_hour, facts.price.kind_text) == (pytest.approx(0.3), "reserved for 12 months")


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        (CostOptions(owned_price=1), "--owned-price needs --owned-watts and --kwh-price"),
        (CostOptions(owned_price=0, owned_watts=0, kwh_price=0), "costs nothing"),
        (CostOptions(price=0), "--price 0: expected what an hour"),
        (CostOptions(price=float("inf")), "--price inf: expected what an hour"),
        (CostOptions(price_output=float("inf")), "--price-output inf: expected the price of a million tokens"),
        (CostOptions(price=1, currency="euro"), "three capital letters"),
        (CostOptions(price=1, price_kind="spot", price_term=12), "--price-term is of a reservation"),
        (CostOptions(price_output=-1), "--price-output -1: expected the price of a million tokens"),
        (CostOptions(price_cached_input=1), "Pass --price-input, too"),
        (CostOptions(instance="c7g.huge"), "no on-demand price of c7g.huge is known"),
        (CostOptions(instance="c7g.4xlarge", price_kind="spot"), "no spot price of c7g.4xlarge is known"),
    ],
)
def test_what_is_stated_wrongly_gets_a_sentence(asked: CostOptions, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        stated(asked)


def test_an_instance_that_is_named_has_its_list_price() -> None:
    facts = resolve(stated(CostOptions(instance="c7g.4xlarge")), HostFacts())
    assert facts.price is not None
    assert (facts.price.per_hour, facts.price.region, facts.price.source.date) == (0.58, "us-east-1", "2026-07-20")


def test_options_of_prices_that_do_not_go_together() -> None:
    with pytest.raises(UsageError, match="the machine is either rented or owned"):
        Options(price=1, owned_price=1)
    with pytest.raises(UsageError, match=r"--utilisation 0: expected 0\.001 to 1"):
        Options(utilisation=0)
    with pytest.raises(UsageError, match="an endpoint charges for no idle time"):
        Options(url="http://x", price_input=1, utilisation=0.5)
    with pytest.raises(UsageError, match="--price-upfront is for --price-term"):
        Options(price=1, price_upfront=5)


def test_an_imported_price_is_found_for_the_detected_instance(tmp_path: Path) -> None:
    rows = "instance_type,price_per_hour,currency,provider,region,kind,date,source\n"
    (tmp_path / "mine.csv").write_text(f"{rows}c7g.4xlarge,0.41,EUR,aws,us-east-1a,on-demand,2026-11-01,contract\n")
    facts = resolve(stated(), C7G, Places(imported=tmp_path))
    assert facts.price is not None
    assert (facts.price.per_hour, facts.price.currency) == (0.41, "EUR")
    assert (facts.price.source.title, facts.price.source.date) == ("contract", "2026-11-01")
    named = stated(CostOptions(instance="c7g.4xlarge", region="us-east-1"), Places(imported=tmp_path))
    assert named.price is not None
    assert named.price.per_hour == 0.41
    with pytest.raises(UsageError, match="more than one on-demand price"):
        stated(CostOptions(instance="c7g.4xlarge"), Places(imported=tmp_path))


def test_of_reservations_of_several_terms_none_is_taken_for_another(tmp_path: Path) -> None:
    rows = "instance_type,price_per_hour,currency,provider,region,kind,term_months,date\n"
    for months, hourly in ((12, 0.37), (36, 0.25)):
        rows += f"c7g.4xlarge,{hourly},USD,aws,us-east-1,reserved,{months},2026-11-01\n"
    (tmp_path / "mine.csv").write_text(rows)
    mine, asked = Places(imported=tmp_path), CostOptions(price_kind="reserved")
    both = resolve(stated(asked, mine), C7G, mine)
    assert both.price is None
    assert "(12 months, 36 months): pass --price-term or --price" in (both.price_reason or "")
    longer = resolve(stated(CostOptions(price_kind="reserved", price_term=36), mine), C7G, mine)
    assert longer.price is not None
    assert longer.price.per_hour == 0.25
    none = resolve(stated(CostOptions(price_kind="reserved", price_term=6), mine), C7G, mine)
    assert "for 6 months is known" in (none.price_reason or "")
