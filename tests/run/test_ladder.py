"""A ladder of quantisations: what is refused before anything starts, the order of its files, what is written of it."""

import json
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support.command import AFORO
from support.small_shapes import LLAMA

from profiler.errors import ModelError, UsageError
from profiler.models import quantisations, shapes, synthetic
from profiler.progress import Silent
from profiler.reports.quantisations import as_markdown, sentences, tables
from profiler.results.ladder import Divergence, Figure, Ladder, Rung
from profiler.run import ladder as ladders
from profiler.run.ladder import LadderWork, Wanted
from profiler.timing.clock import SystemClock

LONG = "word " * 400


@pytest.fixture
def models(tmp_path: Path) -> list[str]:
    made = [quantisations.named(name) for name in ("Q4_0", "F16", "Q8_0")]
    return [str(synthetic.make(shapes.TINY_1M, each, tmp_path)) for each in made]


def work(
    models: Sequence[str], text: str | bytes, tmp_path: Path, make: Sequence[str] = (), run: str | None = None
) -> LadderWork:
    file = tmp_path / "text"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    wanted = Wanted(models, file, make, 2, 1, run, tmp_path / "runs")
    return LadderWork(wanted, Silent(), SystemClock(), lambda: None)


def test_the_least_quantised_file_is_the_first(models: list[str], tmp_path: Path) -> None:
    rungs = work(models, LONG, tmp_path).ladder.rungs
    assert [rung.quantisation for rung in rungs] == ["F16", "Q8_0", "Q4_0"]
    assert [round(rung.bits_per_weight or 0) for rung in rungs] == [18, 11, 10]  # the vocabulary of a tiny model weighs


def test_random_weights_have_no_predictions_to_compare(models: list[str], tmp_path: Path) -> None:
    kept: list[Ladder] = []
    found = work(models, LONG, tmp_path).carry_out(kept.append)
    assert {rung.no_divergence for rung in found.rungs} == {ladders.RANDOM_WEIGHTS}
    assert kept
    assert any("not applicable: the weights are random" in sentence for sentence in sentences(found))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("short", r"has 5 characters; expected 1024 tokens"),
        ("añadir ".encode("latin1") * 400, r"is no UTF-8: byte 2 is 0xf1\. Convert it"),
    ],
)
def test_a_text_that_cannot_be_used_is_named(models: list[str], tmp_path: Path, text: str | bytes, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        work(models, text, tmp_path)


def test_other_mistakes_are_named(models: list[str], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing to be compared with"):
        work(models[:1], LONG, tmp_path)
    with pytest.raises(UsageError, match=r"--make Q4_KM: .*Did you mean Q4_K_M\?"):
        work(models, LONG, tmp_path, ["Q4_KM"])
    with pytest.raises(UsageError, match="--model is set for each file"):
        work(models, LONG, tmp_path, run="smoke --model m.gguf")
    with pytest.raises(ModelError, match=r"gone\.gguf"):
        work([*models, str(tmp_path / "gone.gguf")], LONG, tmp_path)


def test_files_of_two_models_are_named(models: list[str], tmp_path: Path) -> None:
    another = synthetic.make(LLAMA, quantisations.named("Q8_0"), tmp_path)
    with pytest.raises(ModelError, match="are not the same model: parameters"):
        work([models[0], str(another)], LONG, tmp_path)


def test_a_disk_without_room_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"The predictions of the base may take \d+ MiB, and .* free"):
        ladders._check_room(tmp_path, 10**18, "the predictions of the base")


# What is shown --------------------------------------------------------------------------------------


def rung(name: str, **known: object) -> Rung:
    return Rung(
        name=name,
        path=f"/m/{name}.gguf",
        sha256="0",
        quantisation=name,
        size_bytes=98_362_432,
        bits_per_weight=5.85,
        **known,
    )  # type: ignore[arg-type]


DIVERGENCE = Divergence(
    tokens=5100,
    mean_kld=0.136247,
    mean_kld_error=0.003324,
    p99_kld=0.559842,
    same_top_ratio=0.76078,
    same_top_error=0.01336,
    perplexity=70.75,
    base_perplexity=64.47,
)
SPEED = Figure(unit="tokens/s", value=81.3, low=80.1, high=82.5)
SHOWN = Ladder(
    tool_version="1",
    started_utc=datetime(2026, 1, 1, tzinfo=UTC).isoformat(),
    text="mine.txt",
    text_sha256="0",
    chunks=20,
    context_tokens=512,
    run_command="quickstart",
    rungs=[
        rung("F16", no_divergence="it is the base", figures={"decode_tokens_per_s": SPEED}, verdict="VALID"),
        rung("Q2_K", divergence=DIVERGENCE, no_run="out of memory"),
    ],
)


def test_the_tables() -> None:
    lost, gained = tables(SHOWN)
    assert lost.head == ["file", "size", "bits/weight", "mean KLD", "same top token", "perplexity"]
    assert lost.rows[0] == ["F16", "93.8\N{NO-BREAK SPACE}MiB", "5.85", "–", "–", "–"]
    last = [cell.replace("\N{NO-BREAK SPACE}", " ") for cell in lost.rows[1][3:]]
    assert last == ["0.136 ± 0.007", "76.1 ± 2.6 %", "70.8"]  # 1.96 × 0.003324 = 0.0065, 1.96 × 1.336 = 2.6
    assert gained == (["file", "decode, tokens/s"], [["F16", "81.3 (80.1–82.5)"], ["Q2_K", "–"]])


def test_the_sentences_beside_it() -> None:
    said = " ".join(sentences(SHOWN))
    assert "Predictions of 5,100 tokens of mine.txt, against F16." in said
    assert "Q2_K was not measured: out of memory" in said
    assert "it is the base" not in said
    assert as_markdown(SHOWN).startswith("# Quantisations of F16\n\n| file | size |")


def test_the_command(models: list[str], tmp_path: Path) -> None:
    text = tmp_path / "mine.txt"
    text.write_text(LONG, "utf-8")
    command = [AFORO, "quantisations", *models, "--text", str(text), "--no-measure", "--json", "--out", "o", "-q"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    assert [each["quantisation"] for each in printed["rungs"]] == ["F16", "Q8_0", "Q4_0"]
    (kept,) = (tmp_path / "o").glob("quantisations-*.json")
    assert json.loads(kept.read_text("utf-8")) == printed
