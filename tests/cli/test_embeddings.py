"""`aforo run embeddings` on a real server, with a small model of the real architecture."""

import json
from pathlib import Path

import pytest
from support import small_shapes
from support.command import ALONE, TINY, Aforo
from support.engines import needed_llama_server
from support.rates import of_one_slot

from profiler.models import synthetic
from profiler.models.quantisations import QUANTISATIONS
from profiler.results.folder import RunFolder
from profiler.results.records import Outcome

pytestmark = pytest.mark.real_server

SMALL = (
    "--prompt-tokens",
    "48",
    "--repeats",
    "1",
    "--warmup-requests",
    "1",
    "--requests",
    "16",
    "--json",
    "--quiet",
    *ALONE,
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    needed_llama_server()
    path = tmp_path_factory.mktemp("models") / "small-nomic.gguf"
    synthetic.write(path, small_shapes.NOMIC, QUANTISATIONS["Q8_0"])
    return str(path)


def only_run(parent: Path) -> RunFolder:
    (path,) = (parent / "runs").iterdir()
    return RunFolder(path)


def test_texts_become_vectors(tmp_path: Path, aforo: Aforo, model: str) -> None:
    done = aforo("run", "embeddings", "--model", model, "--price", "0.2", *SMALL)
    assert done.returncode in {0, 3}, done.stderr
    folder = only_run(tmp_path)
    engine = folder.read_manifest().engine
    assert (engine.name, engine.micro_batch_tokens) == ("llama-server", 2048)
    assert "--embedding" in engine.command
    requests = list(folder.read_requests())
    assert {request.outcome for request in requests} == {Outcome.OK}
    assert {(request.prompt_tokens, request.prompt_tokens_server) for request in requests} == {(48, 48)}
    metrics = json.loads(done.stdout)["metrics"]
    assert metrics["e2e_ms"]["n"] == 16
    assert metrics["usd_per_1m_input_tokens"]["value"] > 0
    missing = {metrics[name]["reason"] for name in ("ttft_ms", "tpot_ms", "output_tokens_per_s")}
    assert missing == {"an embedding has no output tokens"}
    measured = [request for request in requests if request.phase != "warmup"]
    assert metrics["input_tokens_per_s"]["value"] == pytest.approx(of_one_slot(measured, tokens=48))
    page = folder.report.read_text("utf-8")
    assert "Input rate" in page
    assert "Cost per 1M input tokens" in page


def test_loads_are_swept_and_compared(tmp_path: Path, aforo: Aforo, model: str) -> None:
    for threads in ("1", "1"):
        done = aforo("run", "embeddings", "--model", model, "--concurrency", "1,4", "--threads", threads, *SMALL)
        assert done.returncode in {0, 3}, done.stderr
        summary = json.loads(done.stdout)
        assert [point["requests_ok"] for point in summary["points"]] == [16, 16]
        assert summary["conclusion"]["metric"] == "input_tokens_per_s"
    compared = aforo("compare", "runs", "--force", "--json")
    assert compared.returncode == 0, compared.stderr
    assert "input_tokens_per_s" in compared.stdout
    base, new = sorted((tmp_path / "runs").iterdir())
    gated = aforo("gate", str(base), str(new), "--force", "--point", "c4", "--json")
    assert gated.returncode in {0, 1, 3}, gated.stderr
    assert [one["metric"] for one in json.loads(gated.stdout)["metrics"]] == ["input_tokens_per_s"]
    listed = aforo("list", "runs")
    assert "of input" in listed.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("run", "embeddings", "--engine", "llama-cpp-python"), "Embeddings are measured on --engine llama-server or"),
        (("run", "smoke", "--engine", "llama-server"), "turns texts into vectors and generates nothing"),
        (("run", "smoke"), "turns texts into vectors and generates nothing"),
        (("run", "embeddings", "--output-tokens", "5"), "'output_tokens' is 5, but an embedding has none"),
    ],
)
def test_what_does_not_go_together_is_refused(aforo: Aforo, model: str, arguments: tuple[str, ...], says: str) -> None:
    refused = aforo(*arguments, "--model", model)
    assert refused.returncode == 2
    assert says in " ".join(refused.stderr.split())


def test_a_model_without_pooling_is_refused_before_it_starts(tmp_path: Path, aforo: Aforo) -> None:
    needed_llama_server()
    refused = aforo("run", "embeddings", "--model", TINY, *SMALL)
    assert refused.returncode == 2
    assert "--engine-arg=--pooling --engine-arg=mean" in refused.stderr
    assert not (tmp_path / "runs").exists()
    asked = ("--engine-arg=--pooling", "--engine-arg=none")
    failed = aforo("run", "embeddings", "--model", TINY, *asked, *SMALL)  # in the server's own words
    assert failed.returncode == 3
    assert "pooling" in failed.stderr.lower()
    details = {request.detail for request in only_run(tmp_path).read_requests()}
    assert all("pooling" in (detail or "").lower() for detail in details), details
