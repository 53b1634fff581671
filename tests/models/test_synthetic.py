import hashlib
import json
import math
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
from support import small_shapes
from support.extras import needed

from profiler.errors import ModelError
from profiler.models import facts, gguf_header, quantisations, shapes, synthetic
from profiler.models.shapes import SMOLLM2_135M, TINY_1M

Q8_0 = quantisations.named("Q8_0")
ASK = Path(__file__).parents[1] / "support" / "ask_llama.py"
EMBED = Path(__file__).parents[1] / "support" / "embed_llama.py"


def asked(script: Path, model: Path) -> dict[str, Any]:
    done = subprocess.run([sys.executable, str(script), str(model)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"exit {done.returncode}: {done.stderr[-2000:]}"
    answered: dict[str, Any] = json.loads(done.stdout)
    return answered


def ask(model: Path) -> dict[str, Any]:
    return asked(ASK, model)


@pytest.fixture(scope="session")
def answers(tiny: Path) -> dict[str, Any]:
    """What the real llama.cpp says about the tiny model."""
    needed("llama_cpp")
    return ask(tiny)


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


FILES_SHA256 = {
    "F16": "da360a827223672acec70ae14132098a23a206a1a143238ec23e45c827837e13",
    "Q8_0": "ff3f62d897cf2352d45bd8dcd1fff97c134aa6bb0f5939f87ec25dc2a63aaf48",
    "Q4_0": "57a69dedc2f8de90ae09d078cc674b16adb803a3c324b39fcb01d95f05ff12c2",
    "Q4_1": "6b0cb857b46e7ec4d27605793b7afb9b71d7a18a9ca3e7eab861be81955ce6ec",
    "Q4_K_M": "3bb20ce4fd294aa2c4172ee4273fde9200fe8e67fa675e50ff86b9b6ce1431a6",
}
"""Of the smallest model; Q4_K_M of it has matrices in Q4_K, Q5_0, Q6_K and Q8_0."""


@pytest.mark.parametrize("has_numpy", [True, False])
@pytest.mark.parametrize("name", quantisations.QUANTISATIONS)
def test_the_same_bytes_are_made_on_every_host(
    tmp_path: Path, name: str, has_numpy: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not has_numpy:
        for module in ("numpy", "numpy.random"):
            monkeypatch.setitem(sys.modules, module, None)
    made = synthetic.make(TINY_1M, quantisations.named(name), tmp_path)
    found = hashlib.sha256(made.read_bytes()).hexdigest()
    assert found == FILES_SHA256[name], "Raise synthetic.RECIPE with a change."


def test_file_name_and_metadata_say_that_the_weights_are_synthetic(tiny: Path) -> None:
    assert tiny.name == "Tiny-1M-synthetic-v1.1-Q8_0.gguf"
    metadata = gguf_header.read(tiny).metadata
    assert metadata["general.name"] == "Tiny-1M shape, synthetic weights"
    assert "Random weights" in str(metadata["general.description"])
    assert metadata[synthetic.MARK] is True


def test_smollm2_135m_is_made_in_seconds(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    start_s = time.process_time()
    path = synthetic.make(SMOLLM2_135M, Q8_0, tmp_path, lambda done, total: seen.append((done, total)))
    duration_s = time.process_time() - start_s
    made = facts.read(path)
    assert duration_s < 30  # six seconds on an idle machine without numpy, less than one with it
    assert seen == sorted(seen)
    assert seen[-1][0] == seen[-1][1]
    assert (made.parameters, made.quantisation, made.context_length) == (134_515_008, "Q8_0", 8192)
    assert (made.layers, made.hidden_size, made.heads, made.kv_heads) == (30, 576, 9, 3)
    assert (made.vocabulary_size, made.licence, made.is_synthetic) == (49_152, "cc0-1.0", True)


def test_an_untied_shape_gets_an_output_matrix_and_f16_is_written(tmp_path: Path) -> None:
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
    usage = type("Usage", (), {"free": 1024 * 1024})
    monkeypatch.setattr(synthetic.shutil, "disk_usage", lambda _path: usage)
    with pytest.raises(ModelError, match=r"takes 1\.2 MiB, and .* has 1\.0 MiB free\. Free some disk space"):
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
    with files_no_longer_than(size_bytes), pytest.raises(ModelError, match="could not be written"):
        synthetic.make(TINY_1M, Q8_0, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named() -> None:
    with pytest.raises(ModelError, match="set XDG_CACHE_HOME to a folder that can be written"):
        synthetic.make(TINY_1M, Q8_0, Path("/dev/null/models"))


def test_the_models_are_imported_without_numpy() -> None:
    code = "import sys, profiler.models.locate, profiler.models.facts; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, env=dict(os.environ)).returncode == 0


FORMS = [
    *((small_shapes.LLAMA, name) for name in quantisations.QUANTISATIONS),
    (small_shapes.MISTRAL, "Q4_0"),
    (small_shapes.QWEN2, "Q4_K_M"),
    (small_shapes.QWEN3, "Q4_K_M"),
    (small_shapes.BIG_VOCABULARY, "Q4_0"),
]


@pytest.mark.parametrize(("shape", "name"), FORMS, ids=[f"{shape.size_label}-{name}" for shape, name in FORMS])
def test_every_family_and_quantisation_answers_in_printable_tokens_without_end(
    tmp_path: Path, shape: shapes.Shape, name: str
) -> None:
    needed("llama_cpp")
    path = synthetic.make(shape, quantisations.named(name), tmp_path)
    answered = ask(path)
    assert all(words == tokens for words, tokens in answered["counts"])
    for pieces in (answered["greedy"], answered["sampled"]):
        assert len(pieces) == 300
        assert all(piece and piece.isascii() and piece.isprintable() for piece in pieces)
        assert len(set(pieces)) > 30
    assert (len(answered["chunks"]), answered["ends"]) == (96, [0, 2])
    assert facts.read(path).quantisation == name


def test_an_embedding_model_gives_vectors_that_depend_on_the_text(tmp_path: Path) -> None:
    needed("llama_cpp")
    path = synthetic.make(small_shapes.NOMIC, quantisations.named("Q8_0"), tmp_path)
    embedded = asked(EMBED, path)
    first, again, other = embedded["vectors"]
    assert len(first) == 256
    assert all(math.isfinite(value) for value in first)
    assert first == pytest.approx(again, abs=1e-3)
    assert max(abs(one - two) for one, two in zip(first, other, strict=True)) > 0.1
    assert all(tokens == words + 2 for words, tokens in embedded["counts"])  # [CLS] before, [SEP] behind
    assert facts.read(path).training == "embedding"


def test_memory_does_not_grow_with_the_model(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MAKE_AND_MEASURE, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 200_000_000  # the file has 437 MB


MAKE_AND_MEASURE = """\
import pathlib, resource, sys
from dataclasses import replace
from profiler.models import quantisations, shapes, synthetic
shape = replace(shapes.LLAMA31_8B, layers=1, vocabulary_size=64_000)
path = synthetic.make(shape, quantisations.named("Q4_0"), pathlib.Path(sys.argv[1]))
assert path.stat().st_size > 430_000_000, path.stat().st_size
status = pathlib.Path("/proc/self/status")
if status.exists():  # unlike getrusage, it does not begin with what the parent had when it forked
    (peak,) = (line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    print(int(peak) * 1024)
else:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_shapes_of_the_same_name_get_files_of_their_own() -> None:
    other = replace(TINY_1M, layers=3)
    assert synthetic.file_name(TINY_1M, Q8_0) != synthetic.file_name(other, Q8_0)
