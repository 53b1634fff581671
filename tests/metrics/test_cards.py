"""What GPUs showed. The only request is steady from 0 to 30 ms; each sample stands at its own millisecond."""

import msgspec
import pytest
from support.builders import MS, manifest, observed, request

from profiler.metrics import cards
from profiler.metrics.registry import NotMeasuredError
from profiler.results.host_facts import GpuFacts, HostFacts
from profiler.results.points import points_of
from profiler.results.records import CardReading, Sample
from profiler.summaries.collect import Collected

GIB = 2**30
HEAT, POWER = {"HwThermalSlowdown": "heat"}, {"SwPowerCap": "power"}


def card(index: int, used: int | None = None, **fields: object) -> CardReading:
    raw = {"card": f"nvml:{index}", "memory_used_bytes": used, "memory_total_bytes": 80 * GIB, **fields}
    return msgspec.convert(raw, CardReading)


def seen(*at_ms: tuple[float, list[CardReading]]):
    return observed([request()], samples=[Sample(t_ns=round(t * MS), cards=shown) for t, shown in at_ms])


def test_peak_memory_is_of_all_cards_together_at_one_moment() -> None:
    # 10 + 30 = 40, 35 + 20 = 55; 70 alone does not count, since the other card does not tell; −5 ms counts, too
    found = seen(
        (-5, [card(0, 10 * GIB), card(1, 30 * GIB)]),
        (10, [card(0, 35 * GIB), card(1, 20 * GIB)]),
        (20, [card(0, 70 * GIB), card(1)]),
    )
    assert cards.peak_vram_bytes(found) == 55 * GIB
    assert cards.vram_used_ratio(found) == 70 / 80


def test_means_and_peaks_are_of_the_steady_windows() -> None:
    found = seen(
        (-5, [card(0, busy_ratio=0.0, temperature_c=90, sm_clock_mhz=300)]),
        (10, [card(0, busy_ratio=0.9, temperature_c=60, sm_clock_mhz=1980)]),
        (20, [card(0, busy_ratio=0.7, temperature_c=64, sm_clock_mhz=1755)]),
    )
    assert cards.gpu_busy_ratio(found) == pytest.approx(0.8)
    assert cards.gpu_temperature_c(found) == 64
    assert cards.gpu_sm_clock_mhz(found) == 1867.5


def test_slowed_is_the_worst_card_by_cause() -> None:
    # card 0: power in 2 of 4 samples, heat in 1; card 1: power in 1 of 2 that tell, heat in none; −5 ms is not steady
    found = seen(
        (-5, [card(0, slowed_by=HEAT), card(1, slowed_by=HEAT)]),
        (5, [card(0, slowed_by={}), card(1, slowed_by={})]),
        (10, [card(0, slowed_by=POWER), card(1, slowed_by=POWER)]),
        (15, [card(0, slowed_by=POWER | HEAT), card(1)]),
        (20, [card(0, slowed_by={}), card(1)]),
    )
    assert cards.gpu_slowed_by_power_ratio(found) == 0.5
    assert cards.gpu_slowed_by_heat_ratio(found) == 0.25
    assert cards.gpu_slowed_otherwise_ratio(found) == 0.0


def test_other_processes_are_the_most_on_any_card() -> None:
    found = seen((5, [card(0, other_processes=0), card(1, other_processes=2)]), (10, [card(0, other_processes=1)]))
    assert cards.gpu_other_processes(found) == 2


@pytest.mark.parametrize(
    ("gpus", "url", "samples", "reason"),
    [
        (0, None, [], "this host has no GPU"),
        (1, None, [], "its GPUs were not sampled: no driver"),
        (1, "http://elsewhere:80", [], "another machine"),
        (1, None, [Sample(t_ns=-5 * MS, cards=[card(0)])], "no sample of the GPUs within the steady windows"),
        (1, None, [Sample(t_ns=5 * MS, cards=[card(0)])], "does not tell the utilisation of its GPUs"),
    ],
)
def test_what_was_not_seen_has_a_reason(gpus: int, url: str | None, samples: list[Sample], reason: str) -> None:
    host = HostFacts(gpus=[GpuFacts(index=0, source="pci")] * gpus, gpu_note="no driver")
    run = manifest().model_copy(update={"host": host})
    run.engine = run.engine.model_copy(update={"url": url, "is_remote": url is not None})
    with pytest.raises(NotMeasuredError, match=reason):
        cards.gpu_busy_ratio(Collected(run, [request()], samples, []).point(points_of(run)[0]))


def test_a_sample_of_an_earlier_version_reads_as_one_without_cards() -> None:
    old = msgspec.json.decode(b'{"t_ns": 5, "energy": []}', type=Sample)
    assert old.cards == []
