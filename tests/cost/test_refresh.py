"""Against pages as the AWS Price List gives them, through boto3's own paginator; nothing leaves this machine."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from support.extras import needed

from profiler.cost import prices
from profiler.cost.refresh import refresh
from profiler.errors import AforoError, UsageError

TODAY = datetime(2026, 11, 20, tzinfo=UTC)


def product(instance_type: str, usd: str, processor: str = "AWS Graviton3 Processor", unit: str = "Hrs") -> str:
    """A document as pricing:GetProducts returns it, less what is not read."""
    attributes = {
        "instanceType": instance_type,
        "vcpu": "16",
        "memory": "1,032 GiB",
        "physicalProcessor": processor,
        "operatingSystem": "Linux",
    }
    dimensions = {"X.JRTCKXETXF.6YS6EN2CT7": {"unit": unit, "pricePerUnit": {"USD": usd}}}
    terms = {"OnDemand": {"X.JRTCKXETXF": {"priceDimensions": dimensions}}}
    return json.dumps({"product": {"attributes": attributes}, "terms": terms})


@pytest.fixture
def client() -> Any:
    return needed("boto3").client("pricing", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="y")


def answer(client: Any, *pages: list[str]) -> Any:
    """Have the client answer with these pages, and check what it was asked."""
    stubber = needed("botocore.stub").Stubber(client)
    filters = {
        "operatingSystem": "Linux",
        "tenancy": "Shared",
        "preInstalledSw": "NA",
        "capacitystatus": "Used",
        "marketoption": "OnDemand",
        "locationType": "AWS Region",
        "regionCode": "eu-west-1",
    }
    asked: dict[str, Any] = {
        "ServiceCode": "AmazonEC2",
        "FormatVersion": "aws_v1",
        "Filters": [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in filters.items()],
    }
    for number, page in enumerate(pages):
        response: dict[str, Any] = {"FormatVersion": "aws_v1", "PriceList": page}
        if number < len(pages) - 1:
            response["NextToken"] = f"page-{number + 1}"
        stubber.add_response("get_products", response, {**asked, **({"NextToken": f"page-{number}"} if number else {})})
    stubber.activate()
    return stubber


def test_every_page_is_read_and_kept_with_its_date(client: Any, tmp_path: Path) -> None:
    first = [product("c7i.4xlarge", "0.8064000000", "Intel Xeon Scalable"), product("c7g.4xlarge", "0.6208000000")]
    second = [product("c7g.metal", "0.0000000000"), product("c7g.large", "5.0", unit="Quantity")]
    stubbed = answer(client, first, second)
    path = refresh("eu-west-1", TODAY, tmp_path, client)
    stubbed.assert_no_pending_responses()
    assert path.name == "aws-eu-west-1-on-demand.csv"
    (offer,) = prices.offers("c7g.4xlarge", region="eu-west-1", where=prices.Places(refreshed=tmp_path))
    assert (offer.price.per_hour, offer.price.currency, offer.price.source.date) == (0.6208, "USD", "2026-11-20")
    assert (offer.architecture, offer.vcpus, offer.memory_mib) == ("arm64", 16, 1032 * 1024)
    (other,) = prices.offers("c7i.4xlarge", region="eu-west-1", where=prices.Places(refreshed=tmp_path))
    assert other.architecture == "amd64"
    # what costs nothing, or is not sold by the hour, is no offer
    assert prices.offers("c7g.metal", region="eu-west-1", where=prices.Places(refreshed=tmp_path)) == []
    assert prices.offers("c7g.large", region="eu-west-1", where=prices.Places(refreshed=tmp_path)) == []


def test_a_region_without_prices(client: Any, tmp_path: Path) -> None:
    answer(client, [])
    with pytest.raises(UsageError, match="no Linux on-demand price in eu-west-1"):
        refresh("eu-west-1", TODAY, tmp_path, client)
    assert list(tmp_path.iterdir()) == []


def test_aws_refuses(client: Any, tmp_path: Path) -> None:
    stubber = needed("botocore.stub").Stubber(client)
    stubber.add_client_error("get_products", "AccessDeniedException", "not allowed")
    stubber.activate()
    with pytest.raises(AforoError, match=r"not allowed.*pricing:GetProducts"):
        refresh("eu-west-1", TODAY, tmp_path, client)
