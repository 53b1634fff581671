"""`aforo breakeven` and `aforo prices set` from end to end, on folders."""

import csv
import io
import json
import shutil

import pytest
from support.loads import price, swept
from support.stored_runs import GOLDEN


@pytest.fixture
def runs(tmp_path):
    """A folder with three runs of a host: 12 requests/s of 40 and 10 tokens, for 0.58 USD an hour."""
    for number, rate in enumerate((119.0, 120.0, 121.0), start=1):
        swept("box", {8: (rate, 400.0)}, cost=price(0.58), number=number, folder=tmp_path / "runs" / f"box-{number}")
    return tmp_path / "runs"


def test_a_page_and_the_answer_first(aforo, runs, tmp_path):
    done = aforo("breakeven", "runs", "--api-price", "3,15", "--utilisation", "0.4", "--tokens-per-day", "5M")
    assert done.returncode == 0, done.stderr
    # 13.92 USD a day / 0.00027 USD a request
    assert done.stdout.startswith("Self-hosting is cheapest from 51.56k requests (515.6k output tokens) a day on.")
    assert done.stdout.splitlines()[-1] == "Page  breakeven.html"
    page = (tmp_path / "breakeven.html").read_text("utf-8")
    assert "Self-hosting is cheapest from" in page
    assert aforo("breakeven", "runs", "--api-price", "3,15", "--out", "again.html", "-q").returncode == 0


def test_other_forms(aforo, runs):
    asked = ("breakeven", "runs", "--api-price", "3,15", "--utilisation", "0.4", "-q")
    document = json.loads(aforo(*asked, "--json").stdout)
    assert document["self_hosting_cheapest_from_requests_per_day"] == pytest.approx(13.92 / 270e-6, rel=1e-4)
    assert [region["cheapest"] for region in document["regions"]] == ["pay per token", "self-hosted"]
    rows = list(csv.DictReader(io.StringIO(aforo(*asked, "--format", "csv").stdout)))
    assert [row["cheapest"] for row in rows] == ["pay per token", "self-hosted"]
    assert aforo(*asked, "--format", "markdown").stdout.startswith("## Self-hosting against paying for use")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--api-price", "3"), "expected IN,OUT"),
        (("--api-price", "-3,1"), "expected IN,OUT"),
        (("--api-price", "0,0"), "cheapest at every demand"),
        (("--provisioned", "free"), "price of a unit per hour"),
        (("--provisioned", "2 EUR/h"), "Prices are in EUR and USD"),
        (("--provisioned", "2 EUR/h", "--currency", "USD"), "never converted"),
        (("--cached-input-price", "1"), "--cached-input-price is for --api-price"),
        (("--api-price", "1,2", "--cached-share", "50%"), "--cached-share is for --cached-input-price"),
        (("--api-price", "1,2", "--utilisation", "40"), "--utilisation 40: expected 0.001 to 1"),
        (("--api-price", "1,2", "--tokens-per-day", "many"), "such as 5M"),
        ((), "nothing to compare with"),
    ],
)
def test_mistakes_get_a_sentence(aforo, runs, options, sentence):
    done = aforo("breakeven", "runs", *options)
    assert done.returncode == 2
    assert sentence in " ".join(done.stderr.split())


def test_an_invalid_run_is_not_taken(aforo, tmp_path):
    from support.stored_runs import stored  # noqa: PLC0415 - only here

    stored(tmp_path / "bad", level="INVALID", cost=price(1).model_dump())
    done = aforo("breakeven", "bad", "--api-price", "1,2")
    assert done.returncode == 3
    assert "is INVALID" in done.stderr


def test_a_price_is_stated_after_a_run(aforo, tmp_path):
    shutil.copytree(GOLDEN, tmp_path / "run")
    owned = ("--owned-price", "35040", "--owned-watts", "500", "--kwh-price", "0.3", "--currency", "EUR")
    done = aforo("prices", "set", "run", *owned, "--utilisation", "0.5", "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)["metrics"]
    cost, rate = summary["cost_per_1m_output_tokens"], summary["output_tokens_per_s"]["value"]
    # 1.00 + 0.5 kW × 0.30 = 1.15 EUR an hour, 2.30 for an hour under load
    assert cost["unit"] == "EUR/1M tokens"
    assert cost["value"] == pytest.approx(2.30 / 3600 / rate * 1e6, rel=1e-2)  # of the mean of repeats
    recorded = json.loads((tmp_path / "run" / "run.json").read_text())["cost"]
    assert recorded["price"]["source"]["name"] == "flag"
    assert recorded["utilisation_ratio"] == 0.5
    assert "1.15" in (tmp_path / "run" / "report.html").read_text()
    refused = aforo("prices", "set", "run")
    assert refused.returncode == 2
    assert "the machine's price is not known" in refused.stderr


def test_hosts_that_were_measured_at_different_loads_are_set_against_each_other(aforo, runs, tmp_path):
    for number, rate in enumerate((419.0, 420.0, 421.0), start=1):
        swept("big", {32: (rate, 400.0)}, cost=price(1.9), number=number, folder=tmp_path / "runs" / f"big-{number}")
    done = aforo("breakeven", "runs", "--json", "-q")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert [host["load"] for host in document["hosts"]] == ["c32", "c8"]
    assert not any("workload.load" in note for note in document["notes"])
