"""Power and energy over time, from meters and from models."""

from profiler.reports import panels
from profiler.reports.gathered import gather
from profiler.results.manifest import EnergyFacts, MeterFacts, PowerEstimate
from profiler.results.records import EnergyReading

S = 1_000_000_000
WALL = MeterFacts(channel="wall", meter="wall", meter_class="wall", scope="whole machine", provenance="a plug")


def energy_panels(run, wall=()):
    gathered = gather(run.manifest, None, run.requests, run.samples)
    return gathered, panels.sections(run.manifest, run.summary, gathered, run.samples, wall)["energy"]


def test_models_are_two_lines_around_all_of_them(fake_run):
    run = fake_run(repeats=1, requests=4)
    estimates = [PowerEstimate(name=str(w), idle_w=(w, w), full_w=(2 * w, 2 * w), method="m") for w in (10, 30)]
    run.manifest.energy = EnergyFacts(meter_class="model", estimates=estimates)
    for sample in run.samples:
        sample.host_cpu_ratio = 0.5
    _, (power,) = energy_panels(run)
    least, most = power.figure.data
    assert (set(least.y), set(most.y)) == ({15}, {45})
    assert "model, whole machine" in least.name


def test_a_meter_has_power_and_energy_within_the_run(fake_run):
    run = fake_run(repeats=1, requests=4)
    run.manifest.energy = EnergyFacts(meter_class="wall", scope="whole machine", meters=[WALL])
    begin_ns = run.manifest.phases[0].start_ns
    readings = [EnergyReading(channel="wall", t_ns=begin_ns + i * S, energy_j=50.0 * i) for i in range(-5, 500)]
    gathered, (power, energy) = energy_panels(run, readings)
    assert set(power.figure.data[0].y) == {50}
    assert energy.figure.data[0].y[0] == 0
    assert energy.figure.data[0].x[-1] <= (gathered.extent.last_ns - gathered.extent.zero_ns) / S
    assert "wall (wall, whole machine)" in energy.figure.data[0].name


def test_without_meter_and_model_there_is_nothing_to_draw(fake_run):
    assert energy_panels(fake_run(repeats=1, requests=4))[1] == []
