from pathlib import Path

from profiler.cost import prices
from profiler.results.manifest import Source


def test_every_price_that_ships_has_a_source_a_date_and_a_licence() -> None:
    offers = [offer for listed in prices.price_lists() for offer in listed.offers()]
    assert len(offers) > 1_000
    assert all(offer.price.per_hour > 0 for offer in offers)
    assert {(o.price.provider, o.price.source.date, o.price.source.licence) for o in offers} == {
        ("aws", "2026-07-20", "Apache-2.0"),
        ("azure", "2026-06-18", "Apache-2.0"),
        ("gcp", "2026-08-03", "Apache-2.0"),
    }


def test_a_known_instance_type() -> None:
    (offer,) = prices.offers("c7g.4xlarge")
    assert (offer.price.per_hour, offer.price.currency, offer.price.kind) == (0.58, "USD", "on-demand")
    assert (offer.architecture, offer.vcpus, offer.memory_mib) == ("arm64", 16, 32768)
    assert prices.offers("c7g.4xlarge", region="eu-west-1") == []
    assert prices.offers("c7g.4xlarge", kind="spot") == []


def test_a_refreshed_list_comes_before_the_one_that_ships(tmp_path: Path) -> None:
    row = {"instance_type": "c7g.4xlarge", "usd_per_hour": "0.61"}
    empty = dict.fromkeys(("architecture", "vcpus", "memory_mib", "gpu", "gpus"), "")
    prices.write(tmp_path, "us-east-1", [{**empty, **row}], Source(name="refreshed", title="t", date="2026-11-01"))
    (offer,) = prices.offers("c7g.4xlarge", where=prices.Places(refreshed=tmp_path))
    assert (offer.price.per_hour, offer.price.source.date) == (0.61, "2026-11-01")
    assert prices.offers("c7i.4xlarge", where=prices.Places(refreshed=tmp_path))[0].price.per_hour == 0.714
