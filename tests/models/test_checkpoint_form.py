import json
import random
from pathlib import Path

import jinja2
import pytest
from support.extras import needed

from profiler.models import checkpoint_form, shapes, vocabulary
from profiler.workloads.words import WORDS


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smallest shape with the widest vocabulary of all."""
    return checkpoint_form.make(shapes.QWEN25_7B, tmp_path_factory.mktemp("form") / "it")


def test_a_folder_holds_all_but_weights(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == [
        *("README.md", "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json"),
    ]


def test_the_tokenizers_library_takes_words_for_tokens(folder: Path) -> None:
    tokenizer = needed("tokenizers").Tokenizer.from_file(str(folder / "tokenizer.json"))
    assert tokenizer.get_vocab_size() == 152_064
    chosen = random.Random(1)  # noqa: S311 - repeatable, not secret
    for count in range(1, 200):
        text = " ".join(chosen.choices(WORDS, k=count))
        encoded = tokenizer.encode(text)
        assert len(encoded.ids) == count
        assert tokenizer.decode(encoded.ids) == text
    odd = "Hé, 12 you!\n\n  <|im_end|>"
    assert tokenizer.encode(odd).ids[-1] == 2
    assert tokenizer.decode(tokenizer.encode(odd).ids, skip_special_tokens=False) == odd


def test_tokens_and_merges_are_those_of_the_gguf_form(folder: Path) -> None:
    model = json.loads((folder / "tokenizer.json").read_text("utf-8"))["model"]
    words = vocabulary.make(152_064)
    assert list(model["vocab"]) == words.tokens
    assert list(model["vocab"].values()) == list(range(152_064))
    assert model["merges"] == words.merges


def test_the_chat_template_renders(folder: Path) -> None:
    config = json.loads((folder / "tokenizer_config.json").read_text("utf-8"))
    template = jinja2.Template(config["chat_template"])
    rendered = template.render(messages=[{"role": "user", "content": "Why?"}], add_generation_prompt=True)
    assert rendered == "<|im_start|>user\nWhy?<|im_end|>\n<|im_start|>assistant\n"
