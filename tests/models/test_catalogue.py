from pathlib import Path

import pytest

from profiler.errors import ModelError
from profiler.models import catalogue, checkpoint_form, facts, locate, shapes


def test_every_shape_is_listed_with_what_it_takes() -> None:
    listed = {entry.id: entry for entry in catalogue.entries()}
    assert listed.keys() == shapes.SHAPES.keys()
    parameters = [entry.parameters for entry in catalogue.entries()]
    assert parameters == sorted(parameters)
    llama = listed["llama-3.1-8b"]
    assert llama.kv_bytes_per_token == 131_072  # keys and values, 32 layers, 8 heads of 128, 2 bytes
    assert llama.size_bytes["F16"] == pytest.approx(2 * 8_030_261_248, rel=1e-3)
    assert listed["nomic-embed-text-v1.5"].kv_bytes_per_token is None
    assert all(entry.made == {} for entry in listed.values())


def test_what_is_made_is_listed(cache: Path) -> None:
    located = locate.find("synthetic:tiny-1m/Q4_0")
    folder = locate.find("synthetic:tiny-1m/vllm")
    (tiny,) = (entry for entry in catalogue.entries() if entry.id == "tiny-1m")
    assert tiny.made == {"Q4_0": str(located.path), "vllm": str(folder.path)}
    assert catalogue.cached("tiny-1m/Q4_0") == located.path
    assert catalogue.cached("tiny-1m/vllm") == folder.path
    assert located.path.parent == folder.path.parent == cache / "models"


@pytest.mark.parametrize("name", ["tiny-1m/Q8_0", "tiny-1m/vllm", "nomic-embed-text-v1.5/F16"])
def test_facts_are_known_before_a_model_is_made(name: str) -> None:
    assert catalogue.cached(name) is None
    expected = catalogue.expected_facts(name)
    made = facts.read(locate.find(f"synthetic:{name}").path, f"synthetic:{name}")
    differ = {key for key, value in expected if value != getattr(made, key)}
    assert differ == {"path", "sha256", "size_bytes", "end_token_ids"} | ({"tags"} if "vllm" in name else set())


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ModelError, match="Unknown model shape"):
        catalogue.expected_facts("no-such/Q8_0")
    with pytest.raises(ModelError, match="Unknown quantisation"):
        catalogue.cached("tiny-1m/Q9")


def test_a_config_json_is_a_shape(tmp_path: Path, cache: Path) -> None:
    folder = checkpoint_form.make(shapes.TINY_1M, tmp_path / "mine")
    located = locate.find(f"synthetic:{folder}/config.json/Q8_0")
    assert located.source == f"synthetic:{folder}/config.json/Q8_0"
    assert located.path.name.startswith("Tiny-1M-")
    assert facts.read(located.path).parameters == 983_520
    assert locate.find(f"synthetic:{folder}/config.json").path == located.path
