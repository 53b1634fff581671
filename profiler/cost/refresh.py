"""Fresh on-demand prices from the AWS Price List, asked for by `aforo prices refresh` and by nothing else.

The service is AWS Price List Query (`pricing:GetProducts`); it answers in pages of JSON documents, one per product
and way of buying (https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-price-list-query-api.html).
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from profiler.cost import prices
from profiler.errors import AforoError, MissingExtraError, UsageError
from profiler.results.manifest import Source

_SERVED_FROM = "us-east-1"  # the service is in a few regions only, and answers for all
_FILTERS = {
    "operatingSystem": "Linux",
    "tenancy": "Shared",
    "preInstalledSw": "NA",
    "capacitystatus": "Used",
    "marketoption": "OnDemand",
    "locationType": "AWS Region",
}
_ARM = "AWS Graviton"
_MIB_PER_GIB = 1024


def refresh(region: str, today: datetime, folder: Path, client: Any = None) -> Path:
    """Ask AWS for the prices of a region, write them to a folder and return the file.

    Raises `MissingExtraError` without boto3, `AforoError` where AWS cannot be asked, `UsageError` for a region in
    which nothing is sold.
    """
    client = client or _client()
    rows = sorted(_rows(_documents(client, region)), key=lambda row: row["instance_type"])
    if not rows:
        raise UsageError(f"AWS lists no Linux on-demand price in {region}. Pass a region like us-east-1.")
    source = Source(
        name="aws-price-list",
        title=f"AWS Price List, AmazonEC2, {region}: Linux, shared, on-demand, nothing pre-installed",
        date=today.date().isoformat(),
        licence="AWS Customer Agreement",
        url="https://aws.amazon.com/ec2/pricing/on-demand/",
    )
    return prices.write(folder, region, rows, source)


def _client() -> Any:
    try:
        import boto3  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtraError("boto3", "aws") from error
    return boto3.client("pricing", region_name=_SERVED_FROM)


def _documents(client: Any, region: str) -> Iterator[Mapping[str, Any]]:
    """Yield every product document, page after page."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - an extra

    wanted = {**_FILTERS, "regionCode": region}
    filters = [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in wanted.items()]
    pages = client.get_paginator("get_products").paginate(
        ServiceCode="AmazonEC2", FormatVersion="aws_v1", Filters=filters
    )
    try:
        for page in pages:
            yield from (json.loads(text) for text in page["PriceList"])
    except (BotoCoreError, ClientError) as error:
        raise AforoError(
            f"AWS could not be asked for prices: {error}. It needs credentials that may call pricing:GetProducts."
        ) from error


def _rows(documents: Iterator[Mapping[str, Any]]) -> Iterator[dict[str, str]]:
    for document in documents:
        attributes = document["product"]["attributes"]
        price = _usd_per_hour(document)
        if price is not None:
            yield {
                "instance_type": attributes["instanceType"],
                "architecture": "arm64" if attributes.get("physicalProcessor", "").startswith(_ARM) else "amd64",
                "vcpus": attributes.get("vcpu", ""),
                "memory_mib": _memory_mib(attributes.get("memory", "")),
                "gpu": "",
                "gpus": attributes.get("gpu", ""),
                "usd_per_hour": price,
            }


def _usd_per_hour(document: Mapping[str, Any]) -> str | None:
    """Return the price of an hour; None for a product that costs nothing, which is no offer."""
    for term in document.get("terms", {}).get("OnDemand", {}).values():
        for dimension in term["priceDimensions"].values():
            usd = dimension["pricePerUnit"].get("USD")
            if dimension["unit"] == "Hrs" and usd and float(usd) > 0:
                return f"{float(usd):g}"
    return None


def _memory_mib(text: str) -> str:
    """Convert a size as AWS writes it: '1,024 GiB'."""
    number, _, unit = text.replace(",", "").partition(" ")
    return str(round(float(number) * _MIB_PER_GIB)) if unit == "GiB" else ""
