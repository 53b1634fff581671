import hashlib
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.extras import needed

from profiler.errors import MissingExtraError, ModelError
from profiler.models import facts, gguf_header, quantisations, shapes, synthetic
from profiler.models.shapes import SMOLLM2_135M, TINY_1M

Q8_0 = quantisations.named("Q8_0")
ASK = Path(__file__).parents[1] / "support" / "ask_llama.py"
TINY_SHA256 = "a6352bd2d6670cb3abfd8721ee66cb1b02fbe73489da145bffc70400faff5330"


@pytest.fixture(scope="session")
def answers(tiny: Path) -> dict[str, Any]:
    """What the real llama.cpp says about the tiny model."""
    needed("llama_cpp")
    done = subprocess.run([sys.executable, str(ASK), str(tiny)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"exit {done.returncode}: {done.stderr[-2000:]}"
    answered: dict[str, Any] = json.loads(done.stdout)
    return answered


def test_a_prompt_of_n_words_has_n_tokens(answers: dict[str, Any]) -> None:
    assert all(words == tokens for words, tokens in answers["counts"])


@pytest.mark.parametrize("how", ["greedy", "sampled"])
def test_every_generated_token_is_printable_ascii_and_none_ends_the_answer(answers: dict[str, Any], how: str) -> None:
    pieces = answers[how]
    assert len(pieces) == 300
    assert all(piece and piece.isascii() and piece.isprintable() for piece in pieces)
    assert len(set(pieces)) > 30  # it does not repeat itself all the time


def test_a_streamed_chunk_is_a_token(answers: dict[str, Any]) -> None:
    assert len(answers["chunks"]) == 96


def test_prompts_of_nothing_but_quiet_tokens_are_answered_in_full(answers: dict[str, Any]) -> None:
    assert answers["odd"] == [5, 5, 5, 5]


def test_the_chat_template_works(answers: dict[str, Any]) -> None:
    assert answers["chat"]["completion_tokens"] == 20


def test_llama_cpp_knows_the_same_end_tokens(answers: dict[str, Any], tiny: Path) -> None:
    assert facts.read(tiny).end_token_ids == answers["ends"] == [0, 2]


def test_the_same_bytes_are_made_on_every_host(tiny: Path) -> None:
    assert hashlib.sha256(tiny.read_bytes()).hexdigest() == TINY_SHA256, "Raise synthetic.RECIPE with a change."


def test_file_name_and_metadata_say_that_the_weights_are_synthetic(tiny: Path) -> None:
    assert tiny.name == "Tiny-1M-synthetic-v1.0-Q8_0.gguf"
    metadata = gguf_header.read(tiny).metadata
    assert metadata["general.name"] == "Tiny-1M shape, synthetic weights"
    assert "Random weights" in str(metadata["general.description"])
    assert metadata[synthetic.MARK] is True


def test_the_tensors_of_smollm2_135m_are_those_of_the_public_model() -> None:
    made = list(synthetic.tensors(SMOLLM2_135M))
    assert sum(tensor.elements for tensor in made) == 134_515_008  # the model card says 134.5M
    assert len(made) == 272  # 30 layers of 9, embeddings, last norm
    assert "output.weight" not in {tensor.name for tensor in made}


def test_smollm2_135m_is_made_in_seconds(tmp_path: Path) -> None:
    needed("gguf")
    seen: list[tuple[int, int]] = []
    start_s = time.perf_counter()
    path = synthetic.make(SMOLLM2_135M, Q8_0, tmp_path, lambda done, total: seen.append((done, total)))
    duration_s = time.perf_counter() - start_s
    made = facts.read(path)
    assert duration_s < 30  # half a second on an idle machine
    assert seen == sorted(seen)
    assert seen[-1][0] == seen[-1][1]
    assert (made.parameters, made.quantisation, made.context_length) == (134_515_008, "Q8_0", 8192)
    assert (made.layers, made.hidden_size, made.heads, made.kv_heads) == (30, 576, 9, 3)
    assert (made.vocabulary_size, made.licence, made.is_synthetic) == (49_152, "cc0-1.0", True)


def test_an_untied_shape_gets_an_output_matrix_and_f16_is_written(tmp_path: Path) -> None:
    needed("gguf")
    shape = replace(TINY_1M, basename="Untied", has_tied_embeddings=False)
    path = synthetic.make(shape, quantisations.named("F16"), tmp_path)
    header = gguf_header.read(path)
    assert header.tensors[-1].name == "output.weight"
    assert facts.read(path).quantisation == "F16"


def test_a_model_is_made_once(tiny: Path) -> None:
    before = tiny.stat().st_mtime_ns
    assert synthetic.make(TINY_1M, Q8_0, tiny.parent) == tiny
    assert tiny.stat().st_mtime_ns == before


@pytest.mark.parametrize("left", [0, 3, 1000, 1_000_000])
def test_a_file_that_is_not_whole_is_made_again(tmp_path: Path, tiny: Path, left: int) -> None:
    (tmp_path / tiny.name).write_bytes(tiny.read_bytes()[:left])
    assert synthetic.make(TINY_1M, Q8_0, tmp_path).read_bytes() == tiny.read_bytes()


MAKE_TINY = """\
import pathlib, sys
from profiler.models import quantisations, shapes, synthetic
synthetic.make(shapes.TINY_1M, quantisations.named("Q8_0"), pathlib.Path(sys.argv[1]))
"""


def test_processes_that_race_leave_one_whole_file(tmp_path: Path, tiny: Path) -> None:
    racers = [subprocess.Popen([sys.executable, "-c", MAKE_TINY, str(tmp_path)]) for _ in range(4)]
    assert [racer.wait() for racer in racers] == [0] * 4
    assert list(tmp_path.iterdir()) == [tmp_path / tiny.name]
    assert (tmp_path / tiny.name).read_bytes() == tiny.read_bytes()


def test_a_disk_without_room_is_named_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed("gguf")
    usage = type("Usage", (), {"free": 1024 * 1024})
    monkeypatch.setattr(synthetic.shutil, "disk_usage", lambda _path: usage)
    with pytest.raises(ModelError, match=r"takes 16 MiB, and .* has 1 MiB free\. Free some disk space"):
        synthetic.make(TINY_1M, Q8_0, tmp_path)
    assert list(tmp_path.iterdir()) == []


@contextmanager
def files_no_longer_than(size_bytes: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("size_bytes", [0, 1000, 700_000, 1_290_000])
def test_a_disk_that_fills_up_is_named_and_nothing_is_left(tmp_path: Path, size_bytes: int) -> None:
    needed("gguf")
    with files_no_longer_than(size_bytes), pytest.raises(ModelError, match="could not be written"):
        synthetic.make(TINY_1M, Q8_0, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named() -> None:
    needed("gguf")
    with pytest.raises(ModelError, match="set XDG_CACHE_HOME to a folder that can be written"):
        synthetic.make(TINY_1M, Q8_0, Path("/dev/null/models"))


def test_without_gguf_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gguf", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'aforo\[llama\]'"):
        synthetic.make(TINY_1M, Q8_0, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_is_there_needs_no_extra(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gguf", None)
    assert synthetic.make(TINY_1M, Q8_0, tiny.parent) == tiny


def test_the_models_are_imported_without_numpy() -> None:
    code = "import sys, profiler.models.locate, profiler.models.facts; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, env=dict(os.environ)).returncode == 0


def test_every_shape_of_the_table_can_be_laid_out() -> None:
    for shape in shapes.SHAPES.values():
        for tensor in synthetic.tensors(shape):
            assert tensor.elements == tensor.rows * tensor.columns > 0
