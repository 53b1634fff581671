"""`aforo answers` shows what was asked, what was expected, what was said and how that scores."""

import json
from pathlib import Path

import msgspec
import pytest
from support.answered import CAPITALS, answered_run
from support.command import Aforo
from support.stored_runs import GOLDEN

from profiler.results.records import KeptMessage, KeptPrompt
from profiler.run.recompute import write_summary


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return answered_run(tmp_path / "run").path


def test_the_worst_item_comes_first_with_all_that_belongs_to_it(run: Path, aforo: Aforo) -> None:
    done = aforo("answers", str(run))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("3 items at c1, the lowest Exact match first\n\nde: 0 points\n")
    first, second, _ = done.stdout.split("\n\n")[1:]
    also, *parts = first.splitlines()[1:]
    assert also.startswith("  also        Token F1 0, ")
    assert parts == [
        "  prompt      Capital of Germany?",
        "  expected    Berlin",
        "  answer      Bonn",
        "              ended by stop, 3 tokens, 30.0 ms; 2 answers, all the same",
    ]
    assert "  answer      Barcelona\n" in second
    assert second.endswith("the worst of 2 answers, 2 of them different")


def test_json_holds_every_answer(run: Path, aforo: Aforo) -> None:
    found = json.loads(aforo("answers", str(run), "--json").stdout)
    assert (found["point"], found["points"], found["ordered_by"]) == ("c1", ["c1"], "exact_match")
    assert [one["item"] for one in found["items"]] == ["de", "es", "fr"]
    spain = found["items"][1]
    assert (spain["references"], spain["scores"]["exact_match"]) == (["Madrid"], 50)
    assert [(one["request"], one["repeat"], one["text"], one["scores"]["exact_match"]) for one in spain["answers"]] == [
        (1, 1, "Madrid", 100),
        (4, 2, "Barcelona", 0),
    ]
    assert {one["e2e_ms"] for one in spain["answers"]} == {30}


def test_few_are_listed_and_one_is_shown_whole(tmp_path: Path, aforo: Aforo) -> None:
    said = {f"i{n:02}": (f"Question {n}?", ["yes"], ["no " * 1000]) for n in range(12)}
    path = str(answered_run(tmp_path / "run", said).path)
    listed = aforo("answers", path).stdout
    assert "12 items at c1, the lowest Exact match first; the first 10 of them, --limit shows more" in listed
    assert listed.count("\n  answer ") == 10
    assert "[… 2,399 more characters]" in listed  # of 3,000 without the last space, 600 are shown
    assert aforo("answers", path, "--limit", "0").stdout.count("\n  answer ") == 12
    alone = aforo("answers", path, "--item", "i11").stdout
    assert "more characters" not in alone
    assert alone.count("no") >= 1000


def test_a_load_and_an_order_may_be_chosen(tmp_path: Path, aforo: Aforo) -> None:
    path = str(answered_run(tmp_path / "run", points=["c1", "c4"]).path)
    assert "\nOther loads: c1 (--point)\n" in aforo("answers", path).stdout
    done = aforo("answers", path, "--point", "c1", "--scorer", "token_f1")
    assert "3 items at c1, the lowest Token F1 first" in done.stdout


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--point", "c9"], "--point c9: the run has no such load; it has c1."),
        (["--scorer", "bleu"], "--scorer bleu: this run has no score by it; it has scores by exact_match, token_f1"),
        (["--item", "it"], "--item it: no item of that id was asked at c1. There are de, es, fr"),
    ],
)
def test_what_is_not_there_is_named(run: Path, aforo: Aforo, options: list[str], sentence: str) -> None:
    done = aforo("answers", str(run), *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr


def test_random_weights_have_answers_and_no_scores(tmp_path: Path, aforo: Aforo) -> None:
    done = aforo("answers", str(answered_run(tmp_path / "run", is_synthetic=True).path))
    assert "No scores: not applicable: the weights are random" in done.stdout
    assert "  answer      Paris\n" in done.stdout
    assert "points" not in done.stdout


def test_a_run_that_kept_nothing_says_how_to_keep_it(tmp_path: Path, aforo: Aforo) -> None:
    done = aforo("answers", str(GOLDEN))
    assert done.returncode == 2
    assert "kept no answers: workloads with references keep them, others, and runs with --url, only with" in done.stderr


def test_answers_do_not_reach_the_terminal_as_commands(tmp_path: Path, aforo: Aforo) -> None:
    evil = "\x1b[2J\x1b]0;title\x07\u202eright\nde: 100 points\n::error::no\rover\x00"
    said = {**CAPITALS, "de": ("Capital of Germany?", ["Berlin"], [evil, evil])}
    path = str(answered_run(tmp_path / "run", said).path)
    shown = aforo("answers", path).stdout
    assert not set("\x1b\x07\u202e\r\x00") & set(shown)
    assert "\nde: 100 points" not in shown  # every line of an answer is indented
    assert not any(line.lstrip().startswith("::error::") for line in shown.splitlines())
    as_json = aforo("answers", path, "--json").stdout
    assert "\x1b" not in as_json
    assert next(one for one in json.loads(as_json)["items"] if one["item"] == "de")["answers"][0]["text"] == evil


def test_reasoning_is_told_from_the_answer(tmp_path: Path, aforo: Aforo) -> None:
    done = aforo("answers", str(answered_run(tmp_path / "run", reasoning="It was Bonn once.").path))
    assert "  reasoning   It was Bonn once.\n  answer      Bonn\n" in done.stdout


def test_prompts_are_shown_as_they_were_sent(tmp_path: Path, aforo: Aforo) -> None:
    folder = answered_run(tmp_path / "run", prompt_id="0123456789abcdef")
    shots = [KeptMessage(role="user", text="Capital of Italy?"), KeptMessage(role="assistant", text="Rome")]
    sent = KeptPrompt(id="0123456789abcdef", messages=[*shots, KeptMessage(role="user", text="Capital of Germany?")])
    folder.prompts.write_bytes(msgspec.json.encode(sent) + b"\n")
    shown = aforo("answers", str(folder.path), "--item", "de").stdout
    assert (
        "  prompt      user: Capital of Italy?\n"
        "              assistant: Rome\n"
        "              user: Capital of Germany?\n"
    ) in shown
    found = json.loads(aforo("answers", str(folder.path), "--item", "de", "--json").stdout)
    assert [message["role"] for message in found["items"][0]["prompt"]] == ["user", "assistant", "user"]


def test_prompts_of_no_data_file_are_listed_in_their_order(tmp_path: Path, aforo: Aforo) -> None:
    folder = answered_run(tmp_path / "run")
    rows = [json.loads(line) for line in folder.answers.read_text("utf-8").splitlines()]
    folder.answers.write_text("".join(json.dumps({**row, "item": None}) + "\n" for row in rows), "utf-8")
    folder.items.unlink()
    shown = aforo("answers", str(folder.path)).stdout
    assert shown.startswith("6 prompts at c1, in the order of asking\nNo scores: ")
    assert "\nrequest 0\n  prompt      not kept by this run\n  answer      Paris\n" in shown


def test_compare_pairs_the_answers_of_two_runs(tmp_path: Path, aforo: Aforo) -> None:
    for name, right in (("one", 2), ("other", 8)):
        said = {f"q{n}": ("Yes?", ["yes"], ["yes" if n < right else "no"] * 2) for n in range(10)}
        folder = answered_run(tmp_path / name, said)
        folder.write_manifest(folder.read_manifest().model_copy(update={"run_id": name}))
        write_summary(folder)
    done = aforo("compare", "one", "other", "--force", "--json")
    assert done.returncode == 0, done.stderr
    rows = {row["scorer"]: row for row in json.loads(done.stdout)["quality"]}
    assert (rows["exact_match"]["baseline"], rows["exact_match"]["score"]) == (20, 80)
    assert rows["exact_match"]["outcome"] == "better"
