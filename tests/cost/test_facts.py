import pytest

from profiler.cost.facts import resolve, stated
from profiler.cost.options import CostOptions
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
