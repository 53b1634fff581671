"""JSON, languages, vectors and code; what a scorer declares; what is said where a library is missing."""

import sys
from pathlib import Path

import pytest

from profiler.quality import overlap
from profiler.quality.catalogue import SCORERS
from profiler.quality.checks import checks_met
from profiler.quality.choice import misfits, rule_for, scorers_for
from profiler.quality.code import pass_at_1
from profiler.quality.item import Answer, Item
from profiler.quality.json_answers import json_schema, json_valid
from profiler.quality.languages import language_match
from profiler.quality.retrieval import cosine, retrieval_accuracy
from profiler.quality.scorer import NotScoredError

SCHEMA = Item(id="1", schema={"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]})


@pytest.mark.parametrize(
    ("said", "valid", "right"),
    [
        ('{"n": 1}', 100, 100),
        ('{"n": "1"}', 100, 0),
        ("{}", 100, 0),
        ('```json\n{"n": 1}\n```', 0, 0),
        ('{"n": NaN}', 0, 0),
        ("[" * 100_000, 0, 0),
        ("", 0, 0),
    ],
)
def test_json(said: str, valid: float, right: float) -> None:
    assert (json_valid(Answer(said), SCHEMA), json_schema(Answer(said), SCHEMA)) == (valid, right)


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ({"type": 5}, "no JSON Schema"),
        ({"$ref": "http://127.0.0.1:9/schema.json"}, "refers to 'http://127.0.0.1:9/schema.json', which is not in it"),
    ],
)
def test_a_schema_that_cannot_be_used_is_named_and_nothing_is_fetched(schema: dict[str, object], says: str) -> None:
    with pytest.raises(NotScoredError, match=says):
        json_schema(Answer("1"), Item(id="1", schema=schema))


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "Brackwater will close its old iron bridge to cars because of cracked supports."),
        ("es", "Brackwater cerrará a los coches su viejo puente de hierro en mayo."),
        ("de", "Die Stadt sperrt die alte Eisenbrücke ab Mai für Autos."),
        ("fr", "La ville ferme le vieux pont de fer aux voitures à partir du mois de mai."),
        ("zh", "这座城市从五月起禁止汽车通过旧铁桥。"),
        ("ar", "ستغلق المدينة الجسر الحديدي القديم أمام السيارات ابتداء من شهر مايو."),
    ],
)
def test_six_languages_are_told_apart(language: str, text: str) -> None:
    assert language_match(Answer(text), Item(id="1", language=language)) == 100
    assert language_match(Answer(text), Item(id="1", language="en" if language != "en" else "es")) == 0


def test_an_empty_answer_is_in_no_language() -> None:
    assert language_match(Answer(" "), Item(id="1", language="en")) == 0


def test_a_language_that_cannot_be_told_gives_no_score() -> None:
    """ISO 639-2 has spa for es, which would never be what the library says."""
    with pytest.raises(NotScoredError, match="does not know the language 'spa': expected a code such as es"):
        language_match(Answer("hola a todos"), Item(id="1", language="spa"))
    with pytest.raises(NotScoredError, match="'spa'"):
        checks_met(Answer("hola a todos"), Item(id="1", checks=[{"kind": "language", "is": "spa"}]))


def test_a_query_finds_the_passage_in_its_direction_however_long_the_vectors_are() -> None:
    passages = {"east": [10.0, 0.0], "north": [0.0, 0.1]}
    query = Item(id="q", role="query", relevant="north")
    assert retrieval_accuracy(Answer(vector=[1.0, 2.0], passages=passages), query) == 100
    assert retrieval_accuracy(Answer(vector=[2.0, 1.0], passages=passages), query) == 0
    assert cosine([1.0, 1.0], [1.0, 0.0]) == pytest.approx(0.5**0.5)
    assert cosine([0.0, 0.0], [1.0, 0.0]) == 0
    with pytest.raises(NotScoredError, match="vectors of 3 and 2 numbers"):
        retrieval_accuracy(Answer(vector=[1.0, 2.0, 3.0], passages=passages), query)
    with pytest.raises(NotScoredError, match="has no vector"):
        retrieval_accuracy(Answer(vector=[1.0, 2.0], passages={"east": [1.0, 0.0]}), query)


def test_code_that_was_not_run_has_no_score() -> None:
    item = Item(id="1", tests=["assert f()"])
    with pytest.raises(NotScoredError, match="--run-code"):
        pass_at_1(Answer("def f(): ..."), item)
    assert (pass_at_1(Answer(passed=True), item), pass_at_1(Answer(passed=False), item)) == (100, 0)


@pytest.mark.parametrize(
    ("scorer", "module"),
    [
        ("bleu", "sacrebleu.metrics"),
        ("chrf", "sacrebleu.metrics"),
        ("rougeL", "rouge_score.rouge_scorer"),
        ("language_match", "py3langid"),
        ("json_schema", "jsonschema"),
    ],
)
def test_without_its_library_a_scorer_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, scorer: str, module: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    overlap._metric.cache_clear()
    overlap._rouge_scorer.cache_clear()
    item = Item(id="1", language="en", references=["a b"], schema={"type": "object"})
    with pytest.raises(NotScoredError, match=r"is not installed: pip install 'aforo\[quality\]'"):
        SCORERS[scorer].score(Answer("a b"), item)


@pytest.mark.parametrize("name", list(SCORERS))
def test_every_scorer_says_what_it_is_and_where_it_comes_from(name: str) -> None:
    scorer = SCORERS[name]
    assert scorer.definition.endswith(".")
    assert scorer.source
    assert scorer.needs
    assert scorer.correct_from in {None, 100}
    assert (scorer.counts is None) == (scorer.total is None)


LABELLED = Item(id="1", references=["a"], labels=["a", "b"])


@pytest.mark.parametrize(
    ("item", "names"),
    [
        (LABELLED, ["choice_accuracy", "macro_f1"]),
        (Item(id="1", references=["Paris"]), ["exact_match", "token_f1", "contains"]),
        (Item(id="1", references=["a sentence of rather more than five words"]), ["chrf", "rougeL"]),
        (Item(id="1", references=["def f(): ..."], tests=["assert f()"]), ["pass_at_1"]),
        (Item(id="1", references=["x"], checks=[{"kind": "words", "least": 1, "most": 2}]), ["checks_met"]),
        (Item(id="1", relevant="p"), ["retrieval_accuracy"]),
        (Item(id="1", schema={"type": "object"}), ["json_schema", "json_valid"]),
        (Item(id="1", language="en"), []),
    ],
)
def test_what_items_are_scored_by_unless_a_workload_says(item: Item, names: list[str]) -> None:
    assert [scorer.id for scorer in scorers_for(None, [item])] == names


def test_what_is_correct() -> None:
    assert str(rule_for(scorers_for(["token_f1", "contains"], []), None)) == "contains of at least 100"
    assert rule_for(scorers_for(["bleu", "rougeL"], []), None) is None


def test_a_scorer_that_no_item_has_the_fields_for() -> None:
    (found,) = misfits(["choice_accuracy", "pass_at_1"], [LABELLED])
    assert found.place == 1
    needed = "the scorer 'pass_at_1' needs 'tests' in the rows, which none has that can be used. What fits them:"
    assert found.sentence.startswith(needed)


def test_the_documentation_lists_every_scorer() -> None:
    page = (Path(__file__).parents[2] / "docs" / "quality.md").read_text("utf-8")
    assert [name for name in SCORERS if f"`{name}`" not in page] == []
