"""CSV files of prices: of one's own, and as gpuhunt writes them."""

from datetime import date
from pathlib import Path

import pytest

from profiler.cost import price_file
from profiler.cost.overview import overview
from profiler.cost.price_file import Defaults
from profiler.cost.prices import Places, offers, price_lists
from profiler.errors import UsageError

TODAY = date(2026, 11, 30)
# as `gpuhunt._internal.storage.dump` of gpuhunt 0.1.34 writes it
GPUHUNT = """\
instance_name,location,price,cpu,memory,gpu_count,gpu_name,gpu_memory,spot,disk_size,gpu_vendor,flags,cpu_arch,provider_data
g6e.xlarge,us-east-1,1.861,4,32.0,1,L40S,48.0,False,,nvidia,,x86,{}
g6e.xlarge,us-east-1,0.7,4,32.0,1,L40S,48.0,True,,nvidia,,x86,{}
c7g.4xlarge,us-east-1,0.5,16,32.0,0,,,False,,,,arm,{}
broken,us-east-1,free,16,32.0,0,,,False,,,,arm,{}
"""
OWN = """\
instance_type,price_per_hour,currency,provider,region,kind,term_months,upfront,memory_gib,date,rack
box,0.5,EUR,acme,fra,,,,32,2026-01-02,7
box,0.2,EUR,acme,fra,Reserved,12,876,32,,7
box,abc,EUR,acme,fra,,,,32,,7
box,-1,EUR,acme,fra,,,,32,,7
box,1,euro,acme,fra,,,,32,,7
box,1,EUR,acme,fra,rented,,,32,,7
box,1,EUR,acme,fra,,,5,32,,7
box,1,EUR,acme,fra,,,,32,,7,more
"""
DEFAULTS = Defaults(date="2026-11-30", source="a file")


@pytest.fixture
def keep(tmp_path: Path):
    """Import a text, and return where lists are then looked for."""

    def kept(text: str, name: str = "aws", defaults: Defaults = DEFAULTS) -> Places:
        file, folder = tmp_path / f"{name}.csv", tmp_path / "kept"
        file.write_text(text)
        folder.mkdir(exist_ok=True)
        (folder / file.name).write_text(price_file.text(price_file.read(file, defaults).rows))
        return Places(imported=folder)

    return kept


def test_a_catalogue_of_gpuhunt(tmp_path: Path, keep) -> None:
    where = keep(GPUHUNT)
    found = price_file.read(tmp_path / "aws.csv", DEFAULTS)
    assert (len(found.rows), found.unread) == (3, [])
    assert [sentence.partition(", ")[2] for sentence in found.bad] == [
        "line 5: price_per_hour 'free': expected a number, 0 or more, with a point: 0.58"
    ]
    rented, spot = offers("g6e.xlarge", where=where)
    assert (rented.price.per_hour, rented.price.currency, rented.price.kind) == (1.861, "USD", "on-demand")
    assert (rented.price.provider, rented.price.region) == ("aws", "us-east-1")
    assert (rented.architecture, rented.vcpus, rented.memory_mib, rented.gpu, rented.gpus) == (
        *("amd64", 4, 32_768),
        *("L40S", 1),
    )
    assert (spot.price.kind, spot.price.per_hour) == ("spot", 0.7)
    assert (spot.price.source.name, spot.price.source.date, spot.price.source.title) == (
        *("imported", "2026-11-30"),
        "a file",
    )


def test_imported_prices_come_first_and_the_shipped_ones_stay(keep) -> None:
    where = keep(GPUHUNT)
    assert [offer.price.per_hour for offer in offers("c7g.4xlarge", where=where)] == [0.5]  # shipped: 0.58
    assert [offer.price.per_hour for offer in offers("c7i.4xlarge", where=where)] == [0.714]


def test_a_file_of_ones_own_loses_nothing_but_its_bad_rows(tmp_path: Path, keep) -> None:
    where = keep(OWN, "own")
    found = price_file.read(tmp_path / "own.csv", DEFAULTS)
    assert found.unread == ["rack"]
    assert [sentence.partition(", ")[2].partition(":")[0] for sentence in found.bad] == [
        f"line {line}" for line in range(4, 10)
    ]
    assert "more cells than the heading" in found.bad[-1]
    assert "over how many months" in found.bad[-2]
    rented, reserved = offers("box", "fra", where=where)
    assert (rented.price.per_hour, rented.price.source.date) == (0.5, "2026-01-02")
    # 0.2 + 876 / (12 × 730 h) = 0.3
    assert (reserved.price.per_hour, reserved.price.kind_text) == (pytest.approx(0.3), "reserved for 12 months")
    assert reserved.price.source.date == "2026-11-30"


def test_a_zone_lies_in_its_region(keep) -> None:
    head = "instance_type,price_per_hour,currency,region\n"
    where = keep(f"{head}n,1,USD,us-central1-a\nm,1,USD,us-east-1b\nk,1,USD,\n")
    assert [bool(offers(*asked, where=where)) for asked in (("n", "us-central1"), ("m", "us-east-1"))] == [True, True]
    assert offers("n", "us-central", where=where) == []
    assert offers("k", "anywhere", where=where) != []


def test_what_a_list_holds(keep) -> None:
    own = overview(price_lists(keep(OWN, "own"))[0], TODAY)
    assert (own.name, own.origin, own.prices, own.kinds) == (
        *("own.csv", "imported", 2),
        ["on-demand", "reserved for 12 months"],
    )
    # 2 January to 30 November are 332 days
    assert (own.oldest, own.newest, own.age_days, own.is_old) == ("2026-01-02", "2026-11-30", 332, True)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "no column instance_type and none price_per_hour"),
        ("instance_type,price\nx,1\n", "no column price_per_hour"),
        ("a\x00b", "no column"),
        ('instance_type,price_per_hour\n"' + "x" * 200_000, "it is no CSV"),
    ],
)
def test_what_is_no_file_of_prices(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(UsageError, match=sentence):
        price_file.read(tmp_path / "x.csv", DEFAULTS)


def test_a_currency_has_to_be_known(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("instance_type;price_per_hour\nx;1\n")
    assert "its currency is not known" in price_file.read(tmp_path / "x.csv", DEFAULTS).bad[0]
    (row,) = price_file.read(tmp_path / "x.csv", Defaults("CHF", date="2026-11-30")).rows
    assert (row["currency"], row["kind"], row["date"]) == ("CHF", "on-demand", "2026-11-30")
