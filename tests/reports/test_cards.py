"""The figures of what GPUs showed over a run."""

import pytest
from support.builders import manifest

from profiler.reports import cards
from profiler.results.host_facts import GpuFacts, HostFacts
from profiler.results.records import CardReading, Sample

S = 1_000_000_000
H100 = "NVIDIA H100 80GB HBM3"


def drawn(samples):
    run = manifest()
    gpus = [GpuFacts(index=i, source="nvml", name=H100) for i in range(2)]
    run.host = HostFacts(gpus=gpus)
    return {found[0]: found for found in cards.figures(run, samples, 0, [])}


def sample(t_s, **fields):
    return Sample(t_ns=t_s * S, cards=[CardReading(card=f"nvml:{i}", **fields) for i in range(2)])


def test_a_run_without_gpus_has_no_figures():
    assert drawn([Sample(t_ns=0)]) == {}


def test_each_kind_has_a_figure_and_each_card_a_line():
    shown = drawn(
        [
            sample(
                t, busy_ratio=0.5, memory_used_bytes=t * 2**30, sm_clock_mhz=1980, memory_clock_mhz=2619, power_w=700
            )
            for t in (2, 1)
        ]
    )
    assert list(shown) == ["gpu-busy", "gpu-memory", "gpu-clocks", "gpu-power", "gpu-slowed"]
    assert [(line.name, line.x, line.y) for line in shown["gpu-busy"][3].data] == [
        ("nvml:0", (1, 2), (50, 50)),
        ("nvml:1", (1, 2), (50, 50)),
    ]
    assert shown["gpu-busy"][2] == f"nvml:0, nvml:1: {H100}."
    memory = shown["gpu-memory"][3]
    assert (memory.layout.yaxis.title.text, memory.data[0].y) == ("memory in use, GiB", (1, 2))
    assert [line.name for line in shown["gpu-clocks"][3].data][:2] == ["nvml:0, multiprocessors", "nvml:0, memory"]
    assert "does not tell" in shown["gpu-slowed"][2]


def test_a_kind_that_no_driver_tells_has_no_figure():
    assert list(drawn([sample(1, temperature_c=60, slowed_by={})])) == ["gpu-temperature", "gpu-slowed"]


def test_names_from_a_file_are_text():
    reading = CardReading(card="<a href='x'>", busy_ratio=0.5, slowed_by={"<i>": "other"})
    shown = drawn([Sample(t_ns=0, cards=[reading])])
    assert shown["gpu-busy"][3].data[0].name == "&lt;a href=&#x27;x&#x27;&gt;"
    assert shown["gpu-slowed"][3].data[0].name == "&lt;a href=&#x27;x&#x27;&gt;, other<br>&lt;i&gt;"


def test_stretches_of_slowing_down():
    states = [{}, {"SwPowerCap": "power"}, {"SwPowerCap": "power"}, {}, {"SwPowerCap": "power"}]
    note, figure = drawn([sample(t, slowed_by=state) for t, state in enumerate(states)])["gpu-slowed"][2:4]
    assert "Each bar" in note
    row = figure.data[0]
    assert row.name == "nvml:0, power<br>SwPowerCap"
    assert row.x == (1, 2, None, 4, 4, None)
    assert drawn([sample(1, slowed_by={})])["gpu-slowed"][2:4] == ("Nothing, in any sample.", None)


@pytest.mark.parametrize("samples", [10_001])
def test_a_long_run_has_no_more_bars_than_can_be_drawn(samples):
    flicker = [sample(t, slowed_by={"SwPowerCap": "power"} if t % 2 else {}) for t in range(samples)]
    figure = drawn(flicker)["gpu-slowed"][3]
    assert len(figure.data[0].x) <= 3 * 400
