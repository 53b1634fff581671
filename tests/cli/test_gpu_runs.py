"""A run on a host with a GPU, from end to end: server, driver and run folder are real, the card is made up.

Numbers are those of the run's own samples with requests that are made up: they are sent one after the other, from the
first reading of the card's counter to the last. How long the real ones take, and whether the card is looked at
meanwhile, is the machine's affair. What a real card adds, its own speed and its own NVML, no machine of this project
has had yet.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from math import ceil
from pathlib import Path

import pytest
from msgspec import structs
from support import on_a_gpu_host
from support.builders import MS, request
from support.command import ALONE, TINY
from support.engines import needed_llama_server

from profiler.energy.account import FULL_COVERAGE
from profiler.results.folder import Journal, RunFolder
from profiler.results.manifest import Phase
from profiler.results.records import RequestRecord, Sample
from profiler.results.summary import Scalar, Summary
from profiler.run.recompute import recompute
from profiler.units import ns_to_s

pytestmark = pytest.mark.real_server

REQUESTS, TOKENS = 24, 50
PATIENT = ALONE[2:]  # with meters


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    needed_llama_server()
    parent = tmp_path_factory.mktemp("gpu")
    command = [sys.executable, "-P", on_a_gpu_host.__file__, "run", "smoke", "--model", TINY, *PATIENT]
    command += ["--engine", "llama-server", "--gpu-layers", "99", "--requests", "12", "--output-tokens", "32"]
    done = subprocess.run(
        [*command, "--price", "2.5", "--grid", "us-east-1", "--quiet"],
        cwd=parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {0, 3}, done.stderr
    (path,) = (parent / "runs").iterdir()
    return RunFolder(path)


@pytest.fixture(scope="module")
def timed(run: RunFolder) -> RunFolder:
    """The same run with made-up requests, and each sample at the moment at which it read the counter."""
    timed = RunFolder(run.path.with_name("timed"))
    shutil.copytree(run.path, timed.path)
    samples = [(counted[0], sample) for sample in run.read_samples() if (counted := counter([sample]))]
    start_ns, end_ns = samples[0][0][0], samples[-1][0][0]
    length_ns = ceil((end_ns + 1 - start_ns) / REQUESTS)
    phase = Phase(name="repeat-1", start_ns=start_ns, end_ns=start_ns + REQUESTS * length_ns, client_cpu_ns=1)
    timed.write_manifest(run.read_manifest().model_copy(update={"phases": [phase]}))
    rewrite(timed.requests, [made_up(index, start_ns + index * length_ns, length_ns) for index in range(REQUESTS)])
    rewrite(timed.samples, [structs.replace(sample, t_ns=t_ns) for (t_ns, _), sample in samples])
    recompute(timed)
    return timed


def made_up(index: int, sent_ns: int, length_ns: int) -> RequestRecord:
    record = request(index, arrivals_ms=[length_ns / MS * (n + 1) / TOKENS for n in range(TOKENS)])
    record.scheduled_ns = record.sent_ns = sent_ns
    record.finished_ns = sent_ns + length_ns
    return record


def rewrite(path: Path, rows: Sequence[RequestRecord] | Sequence[Sample]) -> None:
    path.unlink()
    journal = Journal(path)
    for row in rows:
        journal.append(row)
    journal.close()


def counter(samples: Iterable[Sample]) -> list[tuple[int, float]]:
    """When the card's counter was read, ns, and what it showed, J."""
    readings = (reading for sample in samples for reading in sample.energy)
    return [(reading.t_ns, reading.energy_j) for reading in readings if reading.channel == "nvml:0:counter"]


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


def test_the_cards_counter_stands_for_the_run_and_its_polls_are_the_check(timed: RunFolder) -> None:
    summary = timed.read_summary()
    counted, polled = summary.energy[:2]
    assert (counted.meter_class, counted.scope) == ("counter", "GPU boards")
    assert (polled.meter_class, polled.scope) == ("polled", "GPU boards")
    assert value(summary, "mean_power_w") == pytest.approx(on_a_gpu_host.WATTS, rel=0.01)
    assert value(summary, "energy_j_per_output_token") * value(summary, "output_tokens_per_s") == pytest.approx(
        on_a_gpu_host.WATTS, rel=0.01
    )
    ((counted_j, _),), ((polled_j, _),) = counted.parts.values(), polled.parts.values()
    if polled.coverage_ratio >= FULL_COVERAGE:
        assert polled_j == pytest.approx(counted_j, rel=0.05)
        assert value(summary, "energy_disagreement_ratio") < 0.05
    else:  # a busy machine has polled too seldom for a claim
        assert "readings cover" in polled.notes[0]
    note = summary.metrics["energy_j_per_output_token"]
    assert isinstance(note, Scalar)
    assert "GPU boards" in (note.note or "")


def test_every_sample_has_the_energy_of_the_card(run: RunFolder) -> None:
    counted = counter(run.read_samples())
    (first_ns, first_j), (last_ns, last_j) = counted[0], counted[-1]
    assert (last_j - first_j) / ns_to_s(last_ns - first_ns) == pytest.approx(on_a_gpu_host.WATTS, rel=0.01)


def test_limits_of_the_processors_are_not_set_beside_a_card(timed: RunFolder) -> None:
    summary = json.loads((timed.path / "summary.json").read_text("utf-8"))
    assert summary["metrics"]["mbu_ratio"]["value"] is None
    assert "aforo host roofline" in summary["metrics"]["mbu_ratio"]["reason"]  # which knows the card's limits, too


def test_the_page_shows_card_and_class(timed: RunFolder) -> None:
    page = timed.report.read_text("utf-8")
    assert on_a_gpu_host.NAME in page
    assert "counter, GPU boards" in page


def test_what_the_card_showed_is_in_samples_metrics_and_page(timed: RunFolder) -> None:
    (name,) = {card.card for sample in timed.read_samples() for card in sample.cards}
    assert name == "nvml:0"
    summary = timed.read_summary()
    assert value(summary, "peak_vram_bytes") == on_a_gpu_host.USED_BYTES
    assert value(summary, "gpu_busy_ratio") == pytest.approx(0.97)
    assert value(summary, "gpu_other_processes") == 0
    page = timed.report.read_text("utf-8")
    for title in ("GPU utilisation", "GPU memory in use", "GPU temperature", "GPU clocks", "GPU power"):
        assert f"<h3>{title}</h3>" in page
    assert "What held GPU clocks down" in page


def test_boards_whole_machine_and_sci_stand_apart(timed: RunFolder) -> None:
    summary = timed.read_summary()
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
