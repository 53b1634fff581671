"""`aforo check-claim` as a user runs it, with readings of wall meters through `aforo energy import`."""

import json
from pathlib import Path

import pytest
from support.command import Aforo
from support.rented_runs import rented_runs, wall_meter

NB = "\u00a0"


@pytest.fixture
def rented(tmp_path: Path) -> Path:
    for instance_type in ("c7g.4xlarge", "c7i.4xlarge"):
        rented_runs(tmp_path / "runs", instance_type)
    return tmp_path / "runs"


def test_a_price_claim_is_decided_and_an_energy_claim_is_not(aforo: Aforo, rented: Path) -> None:
    cost = aforo("check-claim", "graviton3-cost", str(rented))
    assert cost.returncode == 1, cost.stderr
    assert cost.stdout.startswith("REFUTED: Graviton3 costs up to 50 % less")
    said = cost.stdout.replace(NB, " ")
    assert "18.8 % less at equal speed; 50 % less takes 1.62 × the output rate (1.62 × per vCPU)" in said
    energy = aforo("check-claim", "graviton3-energy", str(rented))
    assert energy.returncode == 3, energy.stderr
    assert energy.stdout.startswith("INCONCLUSIVE")
    assert f"aforo energy import {rented}/fixture-c7g.4xlarge METER.csv" in energy.stdout


def test_imported_readings_of_wall_meters_decide_it(aforo: Aforo, rented: Path, tmp_path: Path) -> None:
    for instance_type, watts in (("c7g.4xlarge", 40), ("c7i.4xlarge", 110)):
        meter = wall_meter(tmp_path / f"{instance_type}.csv", watts)
        for number in ("", "-2", "-3"):
            done = aforo("energy", "import", str(rented / f"fixture-{instance_type}{number}"), str(meter))
            assert done.returncode == 0, done.stderr
    checked = aforo("check-claim", "graviton3-energy", str(rented), "--json")
    assert checked.returncode == 0, checked.stderr
    found = json.loads(checked.stdout)
    assert found["answer"] == "supported"
    assert found["pairs"][0]["change"]["value"] == pytest.approx(1 - 40 / 110, abs=0.001)
    assert found["pairs"][0]["change"]["low"] > 0.6
    shown = aforo("check-claim", "graviton3-energy", str(rented), "--markdown")
    assert shown.stdout.startswith("### Claim `graviton3-energy`: supported")
    assert "| c7g.4xlarge against c7i.4xlarge |" in shown.stdout


def test_the_shipped_claims_are_listed(aforo: Aforo) -> None:
    listed = aforo("check-claim", "--list")
    assert listed.returncode == 0
    assert [line.split()[0] for line in listed.stdout.splitlines()] == ["graviton3-cost", "graviton3-energy"]
    assert len(json.loads(aforo("check-claim", "--list", "--json").stdout)) == 2


def test_what_cannot_be_asked(aforo: Aforo, rented: Path) -> None:
    assert aforo("check-claim").returncode == 2
    assert "Did you mean 'graviton3-cost'" in aforo("check-claim", "graviton3-costs", str(rented)).stderr
    nothing = aforo("check-claim", "graviton3-cost", str(rented.parent / "none"))
    assert nothing.returncode == 2
    assert "No run is called" in nothing.stderr


CLAIM = """id: speed
version: 1
statement: A c7g.4xlarge makes 19 tokens a second.
metric: output_tokens_per_s
at_least: 19
subject: {name: c7g, instance_type: c7g.4xlarge}
source: {title: a leaflet}
"""


def test_a_limit_is_asked_of_runs(aforo: Aforo, rented: Path, tmp_path: Path) -> None:
    claim = tmp_path / "speed.yaml"
    claim.write_text(CLAIM, "utf-8")
    done = aforo("check-claim", str(claim), str(rented))
    assert done.returncode == 0, done.stderr
    said = done.stdout.replace(NB, " ")
    assert said.startswith("SUPPORTED: A c7g.4xlarge makes 19 tokens a second.")
    assert "at least 19 tokens/s is claimed" in said
    assert "every host and setting keeps the limit" in said.lower()
    one = rented / "fixture-c7g.4xlarge"
    alone = aforo("check-claim", str(claim), str(one))
    assert alone.returncode == 3
    assert "it cannot be told of one run each" in alone.stdout.lower()
    assert aforo("check-claim", str(claim), str(one), "--drift", "2%").returncode == 0
    assert aforo("check-claim", str(claim), str(one), "--drift", "2").returncode == 2
    claim.write_text(CLAIM.replace("at_least: 19\n", ""), "utf-8")
    half = aforo("check-claim", str(claim), str(rented))
    assert half.returncode == 2
    assert "are missing. Expected either direction, size_percent and baseline" in half.stderr
    assert "Traceback" not in half.stderr
