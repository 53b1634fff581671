from pathlib import Path

import pytest

from profiler.errors import FactsError, UsageError
from profiler.results.model_facts import ModelFacts
from profiler.selection.fact_constraints import energy_class, fact_constraint
from profiler.selection.facts import Facts, facts_of, size_class
from profiler.selection.facts_file import load

FILE = """\
models:
- model: SmolLM2-135M*
  licence: apache-2.0
  languages: [en]
  training: instruct
  source: https://example.org/card
- model: "*"
  licence: my-own
  licence_class: restricted
  context_tokens: 4096
"""


def model(**facts: object) -> ModelFacts:
    base = {"name": "smollm2-135M-Q4", "source": "s", "path": "p", "size_bytes": 1, "sha256": "0123abcd" * 8}
    return ModelFacts.model_validate({**base, "is_synthetic": False, **facts})


def written(folder: Path, text: str) -> Path:
    path = folder / "facts.yaml"
    path.write_text(text, "utf-8")
    return path


@pytest.fixture
def known(tmp_path: Path) -> Facts:
    said = {"licence": "llama3.2", "parameters": 135_000_000, "architecture": "llama", "languages": ["en", "es"]}
    return facts_of(model(**said, facts_from={"languages": "GGUF"}), load(written(tmp_path, FILE)))


def test_what_the_user_states_counts_before_the_files_and_the_first_entry_first(known: Facts) -> None:
    assert (known.licence, known.languages, known.training) == ("apache-2.0", ("en",), "instruct")
    assert (known.context_tokens, known.parameters, known.size_class) == (4096, 135_000_000, "tiny")
    assert known.licence_class == "restricted"  # stated for every model, and more than the table knows
    assert known.sources["licence"] == "facts.yaml"
    assert known.sources["parameters"] == "model file"


def test_a_model_is_found_by_the_beginning_of_its_hash(tmp_path: Path) -> None:
    stated = load(written(tmp_path, "models:\n- model: 0123abcd\n  licence: mit\n"))
    assert facts_of(model(), stated).licence_class == "permissive"
    assert facts_of(model(sha256="f" * 64), stated).licence is None


def test_what_nobody_says_stays_unknown() -> None:
    silent = facts_of(model())
    assert (silent.licence, silent.licence_class, silent.size_class) == (None, "unknown", None)
    assert silent.sources == {}


@pytest.mark.parametrize(("parameters", "name"), [(999_999_999, "tiny"), (10**9, "small"), (7 * 10**10, "medium")])
def test_the_classes_of_size(parameters: int, name: str) -> None:
    assert size_class(parameters) == name
    assert size_class(10**11) == "large"


@pytest.mark.parametrize(
    ("fact", "wanted", "standing"),
    [
        ("licence_class", ["restricted", "permissive"], "meets"),
        ("licence_class", ["permissive"], "fails"),
        ("languages", ["EN"], "meets"),
        ("languages", ["en", "es"], "fails"),  # the user says en alone
        ("context_tokens", 4096, "meets"),
        ("context_tokens", 4097, "fails"),
        ("parameters", 135_000_000, "meets"),
        ("parameters", 134_999_999, "fails"),
        ("size_class", ["tiny", "small"], "meets"),
        ("architecture", ["qwen2"], "fails"),
        ("training", ["instruct", "chat"], "meets"),
        ("fine_tuning", ["lora"], "cannot be told"),
    ],
)
def test_constraints_on_facts(known: Facts, fact: str, wanted: list[str] | int, standing: str) -> None:
    assert fact_constraint(fact, wanted).judge(known).standing == standing


@pytest.mark.parametrize(
    ("languages", "wanted", "standing"),
    [
        (["zh-Hans", "pt_BR"], ["zh", "pt"], "meets"),
        (["en"], ["en-GB"], "fails"),
        (["multilingual"], ["es"], "cannot be told"),
        (["en", "multilingual"], ["en"], "meets"),
        (["English"], ["en"], "cannot be told"),
        (["en", "fr"], ["es"], "fails"),
    ],
)
def test_languages_are_told_by_their_codes(languages: list[str], wanted: list[str], standing: str) -> None:
    found = fact_constraint("languages", wanted).judge(facts_of(model(languages=languages)))
    assert found.standing == standing
    assert ("is no code of a language" in found.reason) == (standing == "cannot be told")


def test_a_fact_that_is_not_known_says_which_constraint_could_not_be_checked_and_what_to_do(known: Facts) -> None:
    found = fact_constraint("fine_tuning", ["lora"]).judge(known)
    assert found.constraint == "fine tuning lora"
    assert found.reason == "the fine tuning of smollm2-135M-Q4 is not known"
    assert found.tell == "state fine_tuning of smollm2-135M-Q4 in a facts.yaml (--facts)"
    assert fact_constraint("licence_class", ["permissive"]).judge(facts_of(model())).standing == "cannot be told"


@pytest.mark.parametrize(
    ("fact", "wanted", "message"),
    [
        ("licence_class", ["permisive"], "Did you mean 'permissive'"),
        ("lisence", ["mit"], "Did you mean 'licence'"),
        ("training", ["good"], "expected one of base, instruct"),
    ],
)
def test_constraints_that_cannot_be(fact: str, wanted: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        fact_constraint(fact, wanted)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("models:\n- model: a\n  lisence: mit\n", r"facts.yaml:3: unknown key 'models.0.lisence'. Did you mean"),
        ("models:\n- model: a\n  training: chatty\n", r"facts.yaml:3: .*Did you mean 'chat'"),
        ("models:\n- licence: mit\n", r"facts.yaml:2: the key 'models.0.model' is missing"),
        ("models:\n- model: a\n", r"facts.yaml:2: the entry of 'a' states nothing"),
        ("models:\n- model: a\n  context_tokens: many\n", r"facts.yaml:3: 'models.0.context_tokens' is 'many'"),
        ("model: []\n", r"Did you mean 'models'"),
        ("models: []\n", r"facts.yaml:1: 'models' is a list: expected a list of 1 to 500"),
    ],
)
def test_what_is_wrong_with_a_file_has_a_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(FactsError, match=message):
        load(written(tmp_path, text))


def test_classes_of_energy_have_an_order() -> None:
    assert energy_class("counter", "polled").standing == "meets"
    assert energy_class("model", "polled").standing == "fails"
    assert energy_class("none", "model").standing == "fails"
    with pytest.raises(UsageError, match="Did you mean 'counter'"):
        energy_class("model", "countr")
