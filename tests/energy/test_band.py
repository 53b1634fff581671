"""c7g.4xlarge against c7i.4xlarge at equal speed and full load."""

from typing import Any

import pytest
from support.instances import C7G, C7I, GIB

from profiler.energy import band
from profiler.results.host_facts import HostFacts
from profiler.results.manifest import PowerEstimate
from profiler.stats.ranges import Range


def of(host: dict[str, Any]) -> HostFacts:
    return HostFacts.model_validate(host)


def estimate(found: PowerEstimate | str) -> PowerEstimate:
    assert isinstance(found, PowerEstimate), found
    return found


def test_published_coefficients_see_59_percent_less() -> None:
    c7g, c7i = estimate(band.coefficients(C7G)), estimate(band.coefficients(C7I))
    # 16 × 1.69296 W and 16 × 4.16048 W
    assert c7g.full_w == pytest.approx((27.09, 27.09), abs=0.01)
    assert c7i.full_w == pytest.approx((66.57, 66.57), abs=0.01)
    assert 1 - c7g.full_w[0] / c7i.full_w[0] == pytest.approx(0.593, abs=0.001)


def test_shares_of_the_tdp_overlap() -> None:
    c7g, c7i = estimate(band.tdp_share(C7G)), estimate(band.tdp_share(C7I))
    # Intel: 185 W / 64 threads to 270 W / 64, × 16, + 32 GiB × 0.392 W/GB, × 0.676 to 1.30
    assert c7i.full_w == pytest.approx(((46.25 + 13.469) * 0.676, (67.5 + 13.469) * 1.3), rel=1e-3)
    # Arm: 250 W / 128 cores to 500 W / 144, × 0.706 to 1.34; memory weighs the same
    assert c7g.full_w == pytest.approx(((31.25 + 13.469) * 0.706, (55.556 + 13.469) * 1.34), rel=1e-3)
    assert Range(*c7g.full_w).overlaps(Range(*c7i.full_w))


def test_power_lies_on_the_line_from_idle_to_full() -> None:
    said = PowerEstimate(name="x", idle_w=(10, 20), full_w=(30, 60), method="")
    assert band.power_w(said, Range.exact(0.25)) == Range(15, 30)
    assert band.power_w(said, Range(0, 1)) == Range(10, 60)


def test_a_guest_may_not_know_that_two_threads_share_a_core() -> None:
    cpu = {"logical_cpus": 2, "microarchitecture": "zen3", "threads_per_core": 1}
    host = {"machine": "x86_64", "cpu": cpu, "memory": {"total_bytes": 8 * GIB}}
    guest = estimate(band.tdp_share(of({**host, "virtualisation": {"is_virtual": True}})))
    metal = estimate(band.tdp_share(of({**host, "virtualisation": {"is_virtual": False}})))
    assert guest.full_w[0] < metal.full_w[0]
    assert guest.full_w[1] == metal.full_w[1]


def test_a_processor_that_nobody_knows_is_bounded_by_all_of_its_kind() -> None:
    cpu = {"logical_cpus": 4, "microarchitecture": "unheard_of", "threads_per_core": 2}
    host = {"machine": "x86_64", "cpu": cpu, "memory": {"total_bytes": 8 * GIB}}
    found, absent = band.estimates(of(host))
    assert [o.name for o in found] == ["TDP share"]
    assert "no coefficients are published for unheard_of" in absent["per-vCPU coefficients"]


def test_altra_is_no_graviton() -> None:
    cpu = {"logical_cpus": 80, "microarchitecture": "neoverse_n1", "threads_per_core": 1}
    host = {"machine": "aarch64", "cpu": cpu, "memory": {"total_bytes": 64 * GIB}}
    assert isinstance(band.coefficients(of(host)), str)
    assert "neoverse_n1" in estimate(band.tdp_share(of(host))).method


def test_the_grace_that_amazon_rents_out_is_no_graviton() -> None:
    cpu = {"logical_cpus": 144, "microarchitecture": "neoverse_v2", "threads_per_core": 1, "generation": "NVIDIA Grace"}
    host = {"machine": "aarch64", "cpu": cpu, "memory": {"total_bytes": 64 * GIB}, "cloud": {"provider": "aws"}}
    assert band.coefficients(of(host)) == "no coefficients are published for neoverse_v2"


def test_a_bare_description_has_no_estimates() -> None:
    found, absent = band.estimates(of({}))
    assert found == []
    assert set(absent) == {"per-vCPU coefficients", "TDP share"}


def test_coefficients_that_contradict_their_own_input_are_left_out() -> None:
    turin = {"cpu": {"logical_cpus": 256, "microarchitecture": "zen5"}, "cloud": {"provider": "aws"}}
    found = band.coefficients(of(turin))
    assert isinstance(found, str)
    assert found.startswith("the published coefficients of EPYC 5th Gen are left out: they are 7 to 16 times")
