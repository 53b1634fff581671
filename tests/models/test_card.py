from pathlib import Path

import pytest

from profiler.models import card

FULL = """\
---
license: llama3.2
language:
- en
- no
base_model: meta-llama/Llama-3.2-1B
pipeline_tag: text-generation
tags:
- facebook
- conversational
---
# A model
"""


def written(folder: Path, text: str) -> Path:
    (folder / "README.md").write_text(text, "utf-8")
    return folder


def test_the_front_matter_is_read(tmp_path: Path) -> None:
    assert card.read(written(tmp_path, FULL)) == card.Card(
        licence="llama3.2",
        languages=["en", "no"],  # the code of Norwegian, which YAML takes for false
        base_models=["meta-llama/Llama-3.2-1B"],
        task="text-generation",
        tags=["facebook", "conversational"],
    )


def test_a_licence_of_its_own_has_a_name(tmp_path: Path) -> None:
    assert card.read(written(tmp_path, "---\nlicense: other\nlicense_name: qwen\n---\n")).licence == "qwen"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# No front matter",
        "---\n[\n---\n",
        "---\njust text\n---\n",
        "---\nlicense: mit\n",
        "---\nlicense: [3]\n---\n",
    ],
)
def test_a_card_that_says_nothing_is_empty(tmp_path: Path, text: str) -> None:
    assert card.read(written(tmp_path, text)) == card.Card()
    assert card.read(tmp_path / "none") == card.Card()


@pytest.mark.parametrize(
    ("names", "tags", "task", "kind"),
    [
        (["Qwen2.5-0.5B-Instruct"], [], None, "instruct"),
        (["gemma-2-2b-it"], [], None, "instruct"),
        (["Llama-2-7b-chat-hf"], [], None, "chat"),
        (["Yi-6B-Base"], ["conversational"], None, "base"),  # the name comes first
        (["Some-7B"], ["conversational"], None, "chat"),
        (["Zephyr-7B-Chat"], ["trl", "dpo"], None, "preference-tuned"),  # whatever the name says
        (["Some-7B-ORPO"], [], None, "preference-tuned"),
        (["Bitter-7B"], [], None, None),  # "it" only as a word
        (["gemma-3-4b-pt"], [], None, "base"),
        (["Bode-7B-pt-br"], [], None, None),  # the language of Brazil
        (["Some-7B"], ["it", "pt", "text-generation"], None, None),  # languages
        (["Some-7B"], ["knowledge-base"], None, None),
        (["Some-7B"], ["trl-dpo"], None, "preference-tuned"),
        ([None, "Model"], [], "text-generation", None),
        (["Model-Instruct"], [], "feature-extraction", "embedding"),
    ],
)
def test_names_and_tags_tell_the_training(
    names: list[str | None], tags: list[str], task: str | None, kind: str | None
) -> None:
    assert card.training(names, tags, task) == kind


def test_a_card_of_a_windows_editor_is_read(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_bytes(b"\xef\xbb\xbf---\r\nlicense: mit\r\n---\r\n# Title\r\n")
    assert card.read(tmp_path).licence == "mit"


def test_a_licence_may_be_a_list_of_one(tmp_path: Path) -> None:
    assert card.read(written(tmp_path, "---\nlicense:\n- apache-2.0\n---\n")).licence == "apache-2.0"
    assert card.read(written(tmp_path, "---\nlicense: [mit, apache-2.0]\n---\n")).licence is None
