"""BLEU, chrF and ROUGE are what the command lines of their libraries print for the same texts."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest

from profiler.quality.catalogue import SCORERS
from profiler.quality.item import Answer, Item
from profiler.quality.overlap import bleu, rouge1, rouge2, rouge_l
from profiler.stats.jackknife import added_up

RIGHT = [
    "Brackwater will close its old iron bridge to cars from 1 May.",
    "After their bakery closed, forty families founded one of their own.",
    "The museum opens a new wing on Friday, and entry is free until June.",
]
SAID = [
    "The old iron bridge of Brackwater closes to cars on 1 May.",
    "Forty families founded a bakery after theirs closed.",
    "Entry is free!",
]
SPANISH = [("El puente se cerrará a los coches en mayo.", "El puente viejo cerrará a los coches el 1 de mayo.")]
CHINESE = [("会议改到星期五下午三点。", "会议推迟到星期五下午三点举行。")]


def lines(path: Path, texts: list[str]) -> Path:
    path.write_text("\n".join(texts) + "\n", "utf-8")
    return path


def by_sacrebleu(folder: Path, metric: str, pairs: list[tuple[str, str]], tokenizer: str | None) -> tuple[float, str]:
    said, right = lines(folder / "said", [said for said, _ in pairs]), lines(folder / "right", [r for _, r in pairs])
    more = ["-tok", tokenizer] if tokenizer else []
    command = [sys.executable, "-m", "sacrebleu", str(right), "-i", str(said), "-m", metric, "-w", "10", *more]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    return found["score"], found["signature"]


@pytest.mark.parametrize(
    ("metric", "pairs", "language", "tokenizer"),
    [
        ("bleu", list(zip(SAID, RIGHT, strict=True)), "en", None),
        ("chrf", list(zip(SAID, RIGHT, strict=True)), "en", None),
        ("bleu", SPANISH, "es", None),
        ("chrf", SPANISH, "es", None),
        ("bleu", CHINESE, "zh", "zh"),
        ("chrf", CHINESE, "zh", None),
    ],
)
def test_scores_of_a_corpus_are_those_of_sacrebleu(
    tmp_path: Path, metric: str, pairs: list[tuple[str, str]], language: str, tokenizer: str | None
) -> None:
    scorer = SCORERS[metric]
    assert scorer.counts
    assert scorer.total
    assert scorer.signature
    items = [Item(id=str(number), language=language, references=[right]) for number, (_, right) in enumerate(pairs)]
    counts = [scorer.counts(Answer(said), item) for (said, _), item in zip(pairs, items, strict=True)]
    score, signature = by_sacrebleu(tmp_path, metric, pairs, tokenizer)
    assert 5 < score < 95
    assert scorer.total(added_up(counts)) == pytest.approx(score, abs=1e-9)
    assert scorer.signature(items).split("|") == [f"{part}" for part in signature.split("|")]


def test_rouge_of_ascii_is_that_of_rouge_score_itself(tmp_path: Path) -> None:
    lines(tmp_path / "a.right", RIGHT)
    lines(tmp_path / "a.said", SAID)
    where = [f"--target_filepattern={tmp_path}/*.right", f"--prediction_filepattern={tmp_path}/*.said"]
    command = [sys.executable, "-m", "rouge_score.rouge", *where, f"--output_filename={tmp_path}/out", "--noaggregate"]
    subprocess.run(command, capture_output=True, check=True)
    with (tmp_path / "out").open(encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    assert len(found) == len(SAID)
    for row, said, right in zip(found, SAID, RIGHT, strict=True):
        item = Item(id="1", references=[right])
        for scorer, column in ((rouge1, "rouge1-F"), (rouge2, "rouge2-F"), (rouge_l, "rougeL-F")):
            assert scorer(Answer(said), item) == pytest.approx(100 * float(row[column]), abs=1e-4)


@pytest.mark.parametrize(
    ("language", "said", "right", "expected"),
    [  # rouge-score's own tokenizer parts "cerrará" after "cerrar" and sees nothing of the last three
        ("en", "the bridge closes", "the bridge opens", 200 / 3),
        ("es", "El puente cerrará", "el puente cerraría", 200 / 3),
        ("de", "Die Brücke schließt", "die Brücke öffnet", 200 / 3),
        ("fr", "le pont fermé", "Le pont fermera", 200 / 3),
        ("zh", "大桥关闭", "大桥开放", 50),
        ("ar", "الجسر مغلق", "الجسر مفتوح", 50),
    ],
)
def test_rouge_of_six_languages(language: str, said: str, right: str, expected: float) -> None:
    item = Item(id="1", language=language, references=[right])
    assert rouge1(Answer(said), item) == pytest.approx(expected)
    assert rouge1(Answer(right), item) == rouge2(Answer(right), item) == rouge_l(Answer(right), item) == 100


def test_the_best_reference_counts() -> None:
    item = Item(id="1", references=["something else", "forty families"])
    assert rouge_l(Answer("Forty families"), item) == 100


@pytest.mark.parametrize("language", ["zh", "yue", "ja"])
def test_languages_that_are_cut_into_characters(language: str) -> None:
    """Of six characters five are there: as one word nothing would be."""
    item = Item(id="1", references=["今日天氣很好"], language=language)
    assert bleu(Answer("今日天氣真好"), item) > 30
