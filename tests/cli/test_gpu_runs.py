"""A run on a host with a GPU, from end to end: server, driver and run folder are real, the card is made up.

What a real card adds, its own speed and its own NVML, no machine of this project has had yet.
"""

import json
import subprocess
import sys

import pytest
from support import on_a_gpu_host
from support.command import TINY
from support.engines import needed_llama_server

from profiler.energy.account import FULL_COVERAGE
from profiler.results.folder import RunFolder
from profiler.results.summary import Scalar, Summary
from profiler.units import ns_to_s

pytestmark = pytest.mark.real_server


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    needed_llama_server()
    parent = tmp_path_factory.mktemp("gpu")
    command = [
        sys.executable,
        "-P",
        on_a_gpu_host.__file__,
        "run",
        "smoke",
        "--model",
        TINY,
        "--engine",
        "llama-server",
    ]
    command += [
        "--gpu-layers",
        "99",
        "--requests",
        "24",
        "--output-tokens",
        "128",
        "--price",
        "2.5",
        "--grid",
        "us-east-1",
    ]
    done = subprocess.run(
        [*command, "--no-cloud", "--quiet"],
        cwd=parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {0, 3}, done.stderr
    (path,) = (parent / "runs").iterdir()
    return RunFolder(path)


def value(summary: Summary, name: str) -> float:
    metric = summary.metrics[name]
    assert isinstance(metric, Scalar)
    assert metric.value is not None, metric.reason
    return metric.value


def test_the_card_and_the_layers_on_it_are_written_down(run: RunFolder) -> None:
    manifest = run.read_manifest()
    (card,) = manifest.host.gpus
    assert (card.name, card.memory_total_bytes, card.power_limit_w) == (on_a_gpu_host.NAME, 80 * 2**30, 700.0)
    words = manifest.engine.command
    assert words[words.index("--n-gpu-layers") + 1] == "99"
    assert "--gpu-layers 99" in " ".join(manifest.command_line)
    assert {meter.channel for meter in manifest.energy.meters} >= {"nvml:0:counter", "nvml:0:polled"}


def test_the_cards_counter_stands_for_the_run_and_its_polls_are_the_check(run: RunFolder) -> None:
    summary = run.read_summary()
    counted, polled = summary.energy[:2]
    assert (counted.meter_class, counted.scope) == ("counter", "GPU boards")
    assert (polled.meter_class, polled.scope) == ("polled", "GPU boards")
    assert value(summary, "mean_power_w") == pytest.approx(on_a_gpu_host.WATTS, rel=0.01)
    assert value(summary, "energy_j_per_output_token") * value(summary, "output_tokens_per_s") == pytest.approx(
        on_a_gpu_host.WATTS, rel=0.01
    )
    ((counted_j, _),), ((polled_j, _),) = counted.parts.values(), polled.parts.values()
    assert polled_j == pytest.approx(counted_j, rel=0.05)
    if polled.coverage_ratio >= FULL_COVERAGE:
        assert value(summary, "energy_disagreement_ratio") < 0.05
    else:  # a busy machine has polled too seldom for a claim
        assert "readings cover" in polled.notes[0]
    note = summary.metrics["energy_j_per_output_token"]
    assert isinstance(note, Scalar)
    assert "GPU boards" in (note.note or "")


def test_every_sample_has_the_energy_of_the_card(run: RunFolder) -> None:
    counted = [
        (reading.t_ns, reading.energy_j)
        for sample in run.read_samples()
        for reading in sample.energy
        if reading.channel == "nvml:0:counter"
    ]
    (first_ns, first_j), (last_ns, last_j) = counted[0], counted[-1]
    assert (last_j - first_j) / ns_to_s(last_ns - first_ns) == pytest.approx(on_a_gpu_host.WATTS, rel=0.01)


def test_limits_of_the_processors_are_not_set_beside_a_card(run: RunFolder) -> None:
    summary = json.loads((run.path / "summary.json").read_text("utf-8"))
    assert summary["metrics"]["mbu_ratio"]["value"] is None
    assert "aforo host roofline" in summary["metrics"]["mbu_ratio"]["reason"]  # which knows the card's limits, too


def test_the_page_shows_card_and_class(run: RunFolder) -> None:
    page = run.report.read_text("utf-8")
    assert on_a_gpu_host.NAME in page
    assert "counter, GPU boards" in page


def test_what_the_card_showed_is_in_samples_metrics_and_page(run: RunFolder) -> None:
    (name,) = {card.card for sample in run.read_samples() for card in sample.cards}
    assert name == "nvml:0"
    summary = run.read_summary()
    assert value(summary, "peak_vram_bytes") == on_a_gpu_host.USED_BYTES
    assert value(summary, "gpu_busy_ratio") == pytest.approx(0.97)
    assert value(summary, "gpu_other_processes") == 0
    page = run.report.read_text("utf-8")
    for title in ("GPU utilisation", "GPU memory in use", "GPU temperature", "GPU clocks", "GPU power"):
        assert f"<h3>{title}</h3>" in page
    assert "What held GPU clocks down" in page


def test_boards_whole_machine_and_sci_stand_apart(run: RunFolder) -> None:
    summary = run.read_summary()
    by_scope = {(account.meter_class, account.scope): account for account in summary.energy}
    boards, whole = by_scope["counter", "GPU boards"], by_scope["model", "whole machine"]
    assert boards.gross_j is not None
    assert whole.gross_j is not None
    assert whole.gross_j[0] > boards.gross_j[1]
    assert whole.parts["GPU boards (counter)"] == boards.gross_j
    carbon = summary.metrics["gco2e_operational_per_1m_output_tokens"]
    assert isinstance(carbon, Scalar)
    assert carbon.value is None
    assert carbon.low is not None
    assert "model (GPU boards (counter), CPUs and memory, fans" in (carbon.note or "")
    assert "whole machine" in (carbon.note or "")
    of_whole = summary.metrics["whole_machine_j_per_output_token"]
    assert isinstance(of_whole, Scalar)
    assert of_whole.value is None
    assert value(summary, "energy_j_per_output_token") < (of_whole.low or 0) < (of_whole.high or 0)
    of_boards = value(summary, "energy_j_per_output_token")
    assert (carbon.high or 0) > carbon.low > of_boards * 1e6 / 3.6e6 * 0.2  # 1M tokens, over 200 g/kWh
