import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from support import gguf_bytes as g
from support import small_shapes
from support.extras import needed
from support.launch import model

from profiler.errors import ModelError
from profiler.models import facts, lora, quantisations, safetensors_file, synthetic
from profiler.models.shapes import LLAMA31_8B, NOMIC_EMBED, TINY_1M

LORA_LLAMA = Path(__file__).parents[1] / "support" / "lora_llama.py"


@pytest.fixture
def adapter(tmp_path: Path) -> Path:
    """An adapter for the smallest model."""
    return lora.make_gguf(TINY_1M, 16, "attention", tmp_path / "adapter.gguf")


@pytest.mark.parametrize("targets", lora.TARGETS)
@pytest.mark.parametrize(
    "shape", [small_shapes.LLAMA, small_shapes.QWEN2, small_shapes.QWEN3], ids=lambda shape: shape.family
)
def test_llama_cpp_answers_otherwise_with_an_adapter(tmp_path: Path, shape: lora.Shape, targets: str) -> None:
    needed("llama_cpp")
    model = synthetic.make(shape, quantisations.named("Q8_0"), tmp_path)
    made = lora.make_gguf(shape, 8, targets, tmp_path / "adapter.gguf")
    command = [sys.executable, str(LORA_LLAMA), str(model), str(made)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    without, with_adapter = json.loads(done.stdout)
    assert without != with_adapter
    assert with_adapter.isascii()
    lora.check_fits(lora.read(made), facts.read(model))


def test_an_adapter_says_what_it_is(adapter: Path) -> None:
    read = lora.read(adapter)
    assert read.model_dump(exclude={"sha256", "path", "name", "size_bytes"}) == {
        "form": "gguf",
        "is_synthetic": True,
        "architecture": "llama",
        "base_model": None,
        "rank": 16,
        "alpha": 32.0,
        "targets": ["attn_q", "attn_k", "attn_v", "attn_output"],
        "layers": 2,
        # 2 layers · 16 · (96 + 96 of q, 96 + 32 of k and of v, 96 + 96 of the output)
        "parameters": 2 * 16 * (192 + 128 + 128 + 192),
    }
    assert lora.is_adapter(adapter)


def test_the_form_of_peft(tmp_path: Path, adapter: Path) -> None:
    folder = lora.make_peft(TINY_1M, 16, "all", tmp_path / "adapter")
    assert json.loads((folder / "adapter_config.json").read_text())["target_modules"] == [
        *("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"),
    ]
    tensors = safetensors_file.read(folder / "adapter_model.safetensors")
    prefix = "base_model.model.model.layers.1.mlp.down_proj"
    assert tensors[f"{prefix}.lora_A.weight"] == ("F16", (16, 256))
    assert tensors[f"{prefix}.lora_B.weight"] == ("F16", (96, 16))
    read = lora.read(folder)
    assert (read.form, read.rank, read.alpha, read.layers, read.is_synthetic) == ("peft", 16, 32.0, 2, True)
    assert len(read.targets) == 7
    assert lora.is_adapter(folder)


def test_the_matrices_of_an_8b_adapter_have_the_known_number_of_weights() -> None:
    parts = lora._parts(LLAMA31_8B, 16, "attention")
    # PEFT prints 13,631,488 trainable parameters for rank 16 on q, k, v and o of Llama 3.1 8B:
    # 32 layers · 16 · (4096 + 4096, 4096 + 1024, 4096 + 1024, 4096 + 4096).
    assert sum(part.columns * part.rows for part in parts) == 13_631_488


@pytest.mark.parametrize(
    ("shape", "rank", "targets", "says"),
    [
        (TINY_1M, 0, "all", "A rank of 0 does not suit tiny-1m. Pass 1 to 96"),
        (TINY_1M, 97, "all", "A rank of 97"),
        (TINY_1M, 8, "some", "Unknown targets 'some'. Known ones: attention, all"),
        (NOMIC_EMBED, 8, "all", "takes no adapter here"),
    ],
)
def test_what_cannot_be_made_is_named(tmp_path: Path, shape: lora.Shape, rank: int, targets: str, says: str) -> None:
    for make in (lora.make_gguf, lora.make_peft):
        with pytest.raises(ModelError, match=says):
            make(shape, rank, targets, tmp_path / "it")
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named() -> None:
    for make in (lora.make_gguf, lora.make_peft):
        with pytest.raises(ModelError, match="name another place with --out"):
            make(TINY_1M, 4, "all", Path("/dev/null/it"))


def test_an_adapter_for_another_model_is_refused(tmp_path: Path, adapter: Path) -> None:
    read = lora.read(adapter)
    model = facts.read(synthetic.make(TINY_1M, quantisations.named("Q8_0"), tmp_path))
    lora.check_fits(read, model)
    with pytest.raises(ModelError, match="its architecture is llama, the model's is qwen2"):
        lora.check_fits(read, model.model_copy(update={"architecture": "qwen2"}))
    with pytest.raises(ModelError, match="its number of layers is 2, the model's is 3"):
        lora.check_fits(read, model.model_copy(update={"layers": 3}))
    lora.check_fits(read, model.model_copy(update={"architecture": None, "layers": None}))
    with pytest.raises(ModelError, match=r"has the gguf form, expected peft .* takes PEFT folders"):
        lora.check_fits(read, model.model_copy(update={"path": str(tmp_path)}))


def test_an_adapter_of_chosen_layers_does_not_say_how_deep_its_model_is(tmp_path: Path) -> None:
    folder = lora.make_peft(TINY_1M, 16, "all", tmp_path / "adapter")
    path = folder / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "layers_to_transform": [0, 1]}))
    read = lora.read(folder)
    assert read.layers is None
    lora.check_fits(read, model().model_copy(update={"path": str(tmp_path), "layers": 32}))


def test_what_is_no_adapter_is_named(tmp_path: Path, adapter: Path) -> None:
    model = synthetic.make(replace(TINY_1M, layers=1), quantisations.named("Q8_0"), tmp_path)
    assert not lora.is_adapter(model)
    with pytest.raises(ModelError, match=r"is no LoRA adapter\. Expected a \.gguf adapter, or a PEFT folder"):
        lora.read(model)
    with pytest.raises(ModelError, match=r"holds no adapter_config\.json"):
        lora.read(tmp_path)
    adapter.write_bytes(adapter.read_bytes()[:-100])
    with pytest.raises(ModelError, match="is truncated"):
        lora.read(adapter)
    empty = tmp_path / "empty.gguf"
    pairs = [g.string_pair("general.type", "adapter"), g.string_pair("adapter.type", "lora")]
    empty.write_bytes(g.file(pairs, [], 0))
    with pytest.raises(ModelError, match="holds no LoRA matrices"):
        lora.read(empty)
