"""c7g.4xlarge against c7i.4xlarge at equal speed and full load: three opinions, one answer."""

import pytest
from support.extras import needed
from support.instances import C7G, C7I

from profiler.energy import band, codecarbon
from profiler.energy.compare import Claimed, compare
from profiler.results.manifest import PowerOpinion
from profiler.stats.ranges import Range

FULL = Range.exact(1.0)


def test_codecarbon_sees_17_percent_less() -> None:
    needed("codecarbon")
    c7g, c7i = codecarbon.opinion(C7G), codecarbon.opinion(C7I)
    assert (c7g.full_w, c7i.full_w) == ((70, 70), (84, 84))
    assert 1 - c7g.full_w[0] / c7i.full_w[0] == pytest.approx(0.167, abs=0.001)


def everything(host: dict[str, object]) -> list[PowerOpinion]:
    needed("codecarbon")
    return [*band.opinions(host)[0], codecarbon.opinion(host)]


def test_together_the_opinions_decide_nothing() -> None:
    sides = []
    for host in (C7G, C7I):
        powers = [band.power_w(opinion, FULL) for opinion in everything(host)]
        assert len(powers) == 3
        sides.append(Claimed(Range.hull(*powers), "model", "whole machine"))
    found = compare(*sides)
    assert found.answer == "undecidable"
    assert "either could be the lower one" in found.reason
    assert found.ratio is not None
    assert found.ratio.low < 1 < found.ratio.high


def test_each_opinion_alone_would_have_decided() -> None:
    """That is the trap: it is the table that decides, not the machine."""
    for mine, other in zip(everything(C7G), everything(C7I), strict=True):
        if mine.name != "TDP share":
            sides = [Claimed(band.power_w(o, FULL), "model", "whole machine") for o in (mine, other)]
            assert compare(*sides).answer == "less", mine.name


def claimed(low: float, high: float, meter_class: str = "counter", scope: str = "GPU boards") -> Claimed:
    return Claimed(Range(low, high), meter_class, scope)  # type: ignore[arg-type]


def test_measured_energies_decide() -> None:
    assert compare(claimed(1, 1), claimed(2, 2)).answer == "less"
    assert compare(claimed(3, 3), claimed(2, 2)).answer == "more"
    assert compare(claimed(2, 2), claimed(2, 2)).answer == "the same"
    assert compare(claimed(1, 1), claimed(2, 2)).ratio == Range.exact(0.5)


def test_classes_and_scopes_are_not_compared() -> None:
    found = compare(claimed(1, 1), claimed(2, 2, meter_class="model"))
    assert (found.answer, found.reason) == ("undecidable", "energy of one class (counter) against another (model)")
    assert "scope" in compare(claimed(1, 1), claimed(2, 2, scope="DRAM")).reason
