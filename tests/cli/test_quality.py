"""Scores of whole runs against a server whose answers are known: right, noise, half right, empty, broken, endless."""

import json
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from support.command import ALONE, Aforo
from support.scripted_server import DONE, HEAD, LAST_CHUNK, Script, chat_token, chunk, event, openai, serve

from profiler.aggregation.scores import scores_of
from profiler.content import content
from profiler.results.folder import RunFolder
from profiler.results.records import Outcome
from profiler.results.summary import Scalar, Summary

NOISE = "zq xv 99 jk"
TOKENS = (5, 3)  # of each prompt and of each answer, as the server says
Say = Callable[[dict[str, Any]], str]
"""What is answered to a row."""


def rows(name: str) -> list[dict[str, Any]]:
    path = content("workloads") / "data" / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def answering(rows: list[dict[str, Any]], say: Say) -> Script:
    """Answer each row as told, in one token and a finish reason; the usage is always the same."""
    by_prompt = {row["prompt"]: row for row in rows}

    def script(connection: socket.socket, request: bytes) -> None:
        prompt = json.loads(request.partition(b"\r\n\r\n")[2])["messages"][-1]["content"]
        usage = {"prompt_tokens": TOKENS[0], "completion_tokens": TOKENS[1]}
        events = [chat_token(say(by_prompt[prompt])), chat_token(None, "stop"), event({"choices": [], "usage": usage})]
        connection.sendall(HEAD + chunk(b"".join([*events, DONE])) + LAST_CHUNK)

    return openai(script)


def ran(aforo: Aforo, folder: Path, workload: str, script: Script, *options: str) -> RunFolder:
    with serve(script) as port:
        done = aforo("run", workload, "--url", f"http://127.0.0.1:{port}", "--keep-responses", *ALONE, *options)
    assert done.returncode in {0, 3}, done.stderr
    (path,) = (folder / "runs").iterdir()
    return RunFolder(path)


def scalar(summary: Summary, name: str) -> Scalar:
    found = summary.metrics[name]
    assert isinstance(found, Scalar)
    return found


def values(summary: Summary, names: str) -> list[float | None]:
    return [scalar(summary, name).value for name in names.split()]


@pytest.mark.parametrize(
    ("name", "scorers"),
    [
        ("questions", "contains exact_match token_f1"),
        ("languages", "contains exact_match token_f1"),
        ("classify", "choice_accuracy macro_f1"),
        ("instructions", "checks_met"),
        ("summarise", "rouge1 rouge2 rougeL chrf bleu"),
    ],
)
def test_a_server_that_answers_the_references_scores_100_and_one_that_answers_noise_near_0(
    tmp_path: Path, aforo: Aforo, name: str, scorers: str
) -> None:
    names = " ".join(f"quality_{scorer}" for scorer in scorers.split())
    short = ["--repeats", "1"]
    right = ran(aforo, tmp_path, f"task-{name}", answering(rows(name), lambda row: row["reference"]), *short)
    assert values(right.read_summary(), names) == pytest.approx([100] * len(scorers.split()))
    right.path.rename(tmp_path / "right")
    noise = ran(aforo, tmp_path, f"task-{name}", answering(rows(name), lambda _: NOISE), *short).read_summary()
    assert all(value is not None and value < 10 for value in values(noise, names)), values(noise, names)


def half_right(row: dict[str, Any]) -> str:
    return row["reference"] if row["id"].startswith("en") else NOISE


def test_a_right_answer_costs_twice_as_much_where_half_of_them_are_wrong(tmp_path: Path, aforo: Aforo) -> None:
    """A request: 5 prompt tokens at 1 USD per million, 3 output tokens at 2 USD: 11e-6. Half are right: 22e-6 USD."""
    prices = ["--price-input", "1", "--price-output", "2", "--repeats", "2"]
    summary = ran(aforo, tmp_path, "task-questions", answering(rows("questions"), half_right), *prices).read_summary()
    assert values(summary, "correct_ratio quality_contains") == [0.5, 50]
    assert values(summary, "usd_per_correct_answer cost_per_correct_answer") == pytest.approx([22e-6, 22e-6])
    ratio = scalar(summary, "correct_ratio")
    assert ratio.per_repeat == [0.5, 0.5]
    # 32 items, 16 of them right, however often each was asked: 0.5 ± 2.0395 × √(0.25 / 31) = 0.5 ± 0.1832.
    assert ratio.interval == pytest.approx((0.3168, 0.6832), abs=0.0001)
    assert ratio.note == "correct: contains of at least 100; 32 items"


def test_where_no_answer_is_right_none_has_a_price(tmp_path: Path, aforo: Aforo) -> None:
    prices = ["--price-input", "1", "--price-output", "2", "--repeats", "1"]
    summary = ran(
        aforo, tmp_path, "task-questions", answering(rows("questions"), lambda _: NOISE), *prices
    ).read_summary()
    found = scalar(summary, "usd_per_correct_answer")
    assert (found.value, found.reason) == (None, "no answer is correct, so there is none to divide by")
    assert values(summary, "correct_ratio") == [0]


def own(folder: Path, rows: list[Mapping[str, Any]], more: str = "") -> str:
    """Write a workload of one's own beside its data; return its path."""
    (folder / "own.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    (folder / "own.yaml").write_text(
        "id: own\nversion: 1\ndescription: Own rows.\napi: chat\noutput_tokens: 8\nstop: natural\n"
        "keep_responses: true\nprompts: {source: data, file: own.jsonl, id_column: id}\n"
        "load: {shape: closed-loop, concurrency: 1}\n"
        f"warmup_requests: 0\nrounds: 1\nrequests: {len(rows)}\n{more}",
        "utf-8",
    )
    return str(folder / "own.yaml")


OWN: list[Mapping[str, Any]] = [{"id": f"r{n}", "prompt": f"Say {n}", "reference": f"answer {n}"} for n in range(6)]


def test_what_a_language_costs_counts_the_characters_of_responses_that_are_not_kept(
    tmp_path: Path, aforo: Aforo
) -> None:
    own(tmp_path, [{**row, "language": "en"} for row in OWN])
    path = tmp_path / "own.yaml"
    path.write_text(path.read_text("utf-8").replace("keep_responses: true\n", ""), "utf-8")
    script = answering([dict(row) for row in OWN], lambda _: "sí, señor")
    with serve(script) as port:
        done = aforo("run", str(path), "--url", f"http://127.0.0.1:{port}", *ALONE)
    assert done.returncode in {0, 3}, done.stderr
    folder = RunFolder(next((tmp_path / "runs").iterdir()))
    assert not folder.answers.exists()
    assert {row.response_characters for row in folder.read_requests()} == {9}


def test_an_empty_answer_is_an_answer_that_scores_0(tmp_path: Path, aforo: Aforo) -> None:
    """The model ends at once: no token, no text, no usage. Nothing is wrong with the measurement."""

    def script(connection: socket.socket, request: bytes) -> None:
        said = json.loads(request.partition(b"\r\n\r\n")[2])["messages"][-1]["content"]
        first = [] if said == "Say 0" else [chat_token(f"answer {said[4:]}")]
        connection.sendall(HEAD + chunk(b"".join([*first, chat_token(None, "stop"), DONE])) + LAST_CHUNK)

    folder = ran(aforo, tmp_path, own(tmp_path, OWN), openai(script))
    assert {record.outcome for record in folder.read_requests()} == {Outcome.OK}
    assert min(record.completion_tokens or 0 for record in folder.read_requests()) == 0
    summary = folder.read_summary()
    assert values(summary, "quality_exact_match correct_ratio") == pytest.approx([500 / 6, 5 / 6])
    assert summary.metrics["answer_tokens"].min == 0  # type: ignore[union-attr]


def test_a_broken_answer_and_an_endless_one_are_named_and_cost_no_other_score(tmp_path: Path, aforo: Aforo) -> None:
    def script(connection: socket.socket, request: bytes) -> None:
        said = json.loads(request.partition(b"\r\n\r\n")[2])["messages"][-1]["content"]
        right = [chat_token(f"answer {said[4:]}"), chat_token(None, "stop"), DONE]
        if said == "Say 0":
            right[0] = right[0].replace(b"answer", b"\xff\xfe\xc3")
        if said == "Say 1":  # it never ends
            connection.sendall(HEAD)
            try:
                while True:
                    connection.sendall(chunk(chat_token("on and " * 1000)))
            except OSError:
                return
        connection.sendall(HEAD + chunk(b"".join(right)) + LAST_CHUNK)

    folder = ran(aforo, tmp_path, own(tmp_path, OWN), openai(script))
    outcomes = {row.item: record.outcome for row, record in pairs(folder)}
    assert outcomes == {
        "r0": Outcome.OK,
        "r1": Outcome.TOO_LONG,
        **dict.fromkeys(["r2", "r3", "r4", "r5"], Outcome.OK),
    }
    found = scalar(folder.read_summary(), "quality_exact_match")
    assert found.value == 100
    assert "4 items; 2 answers without a score: " in (found.note or "")
    reasons = {one.item: one.reason for one in scores_of(folder) if one.value is None and one.scorer == "exact_match"}
    assert reasons == {"r0": "its bytes are not UTF-8", "r1": "the request failed: too_long"}


def pairs(folder: RunFolder) -> list[tuple[Any, Any]]:
    records = {record.index: record for record in folder.read_requests()}
    return [(row, records[row.index]) for row in folder.read_answers()]


def test_rows_without_a_reference_or_with_another_type_are_named_and_asked(tmp_path: Path, aforo: Aforo) -> None:
    odd: list[Mapping[str, Any]] = [
        *OWN,
        {"id": "none", "prompt": "Say 6"},
        {"id": "map", "prompt": "Say 7", "reference": {"a": 1}},
    ]
    by_prompt = {row["prompt"]: row for row in odd}

    def say(row: dict[str, Any]) -> str:
        return f"answer {row['prompt'][4:]}"

    folder = ran(
        aforo,
        tmp_path,
        own(tmp_path, odd, "scorers: [exact_match]\n"),
        answering(list(map(dict, by_prompt.values())), say),
    )
    found = scalar(folder.read_summary(), "quality_exact_match")
    assert found.value == 100
    assert "6 items; 2 answers without a score: its row has no references" in (found.note or "")
    warnings = " ".join(folder.read_manifest().warnings)
    assert "have no reference (row 7)" in warnings
    assert "(row 8)" in warnings


@pytest.mark.parametrize(
    ("more", "line", "sentence"),
    [
        ("scorers: [bleu, macro_f1]\n", 13, "the scorer 'macro_f1' needs 'labels' and 'references' in the rows"),
        ("scorers: [retrieval_accuracy]\n", 13, "is about vectors, and 'api: chat' answers with texts"),
        ("scorers: [blue]\n", 13, "Did you mean 'bleu'?"),
        ("scorers: [bleu]\ncorrect: {scorer: chrf}\n", 14, "expected one of 'scorers'"),
    ],
)
def test_a_scorer_that_does_not_fit_is_refused_with_its_line(
    tmp_path: Path, aforo: Aforo, more: str, line: int, sentence: str
) -> None:
    done = aforo("run", own(tmp_path, OWN, more), "--url", "http://127.0.0.1:9")
    assert done.returncode == 2
    assert f"own.yaml:{line}: " in done.stderr.replace("\n", "")
    assert sentence in " ".join(done.stderr.split())


def test_embeddings_are_scored_by_what_they_retrieve(tmp_path: Path, aforo: Aforo) -> None:
    """A passage points along its own axis, and a Spanish query along that of its passage; an English one nowhere."""
    found = rows("retrieve")
    passages = [row["id"] for row in found if row["role"] == "passage"]
    by_prompt = {row["prompt"]: row for row in found}

    def script(connection: socket.socket, request: bytes) -> None:
        row = by_prompt[json.loads(request.partition(b"\r\n\r\n")[2])["input"]]
        axis = row.get("relevant", row["id"]) if row["id"].startswith("es") or row["role"] == "passage" else None
        body = json.dumps(
            {
                "data": [{"embedding": [float(name == axis) for name in passages] + [0.1]}],
                "usage": {"prompt_tokens": 4, "total_tokens": 4},
            }
        ).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)

    prices = ["--price-input", "1", "--repeats", "1"]
    summary = ran(aforo, tmp_path, "task-retrieve", openai(script), *prices).read_summary()
    # 13 of the 26 queries are Spanish; all passages are as near to the vector of an English one, which finds none.
    assert values(summary, "quality_retrieval_accuracy correct_ratio") == [50, 0.5]
    assert values(summary, "usd_per_correct_answer") == pytest.approx([2 * 4e-6])
