"""What a model says is kept where that is asked for, and a response that ends by itself is sound."""

import json
import socket
from pathlib import Path

import pytest
from support.command import ALONE, TINY, Aforo
from support.scripted_server import DONE, HEAD, LAST_CHUNK, chunk, openai, serve, token

from profiler.aggregation.scores import NOT_KEPT
from profiler.results.folder import RunFolder
from profiler.results.records import Outcome
from profiler.results.summary import Scalar

KEY = "sk-very-secret-0123456789"
QUESTIONS = {"sum": ("2 + 2", "4"), "capital": ("Capital of France?", "Paris"), "colour": ("Colour of snow?", "white")}
WORKLOAD = """\
id: questions
version: 1
description: Three questions with known answers.
prompts: {source: data, file: questions.jsonl, id_column: key, reference_column: answer}
output_tokens: 16
stop: natural
keep_responses: true
load: {shape: closed-loop, concurrency: 1}
warmup_requests: 0
rounds: 1
requests: 12
"""


def answer(connection: socket.socket, request: bytes) -> None:
    """Stream two tokens of the right response and end by itself; a question about snow gets the key told back."""
    prompt = json.loads(request.partition(b"\r\n\r\n")[2])["prompt"]
    said = next((right for asked, right in QUESTIONS.values() if asked == prompt), "Hello")
    events = [token(KEY if said == "white" else "It is "), token(said, "stop")]
    usage = b'data: {"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 3}}\n\n'  # one ends the sequence
    connection.sendall(HEAD + chunk(b"".join([*events, usage, DONE])) + LAST_CHUNK)


def only_run(parent: Path) -> RunFolder:
    (path,) = (parent / "runs").iterdir()
    return RunFolder(path)


def value(folder: RunFolder, name: str) -> float | None:
    metric = folder.read_summary().metrics[name]
    assert isinstance(metric, Scalar)
    return metric.value


def test_each_response_is_kept_beside_its_row_and_without_the_key(
    tmp_path: Path, aforo: Aforo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AFORO_API_KEY", KEY)
    (tmp_path / "questions.yaml").write_text(WORKLOAD, "utf-8")
    rows = [json.dumps({"key": key, "prompt": asked, "answer": right}) for key, (asked, right) in QUESTIONS.items()]
    (tmp_path / "questions.jsonl").write_text("\n".join(rows) + "\n", "utf-8")
    with serve(openai(answer)) as port:
        done = aforo(
            "run", str(tmp_path / "questions.yaml"), "--url", f"http://127.0.0.1:{port}", "--keep-responses", *ALONE
        )
    assert done.returncode in {0, 3}, done.stderr
    folder = only_run(tmp_path)
    assert "--keep-responses" in folder.read_manifest().command_line
    kept = {row.index: row for row in folder.read_answers()}
    requests = {record.index: record for record in folder.read_requests()}
    assert kept.keys() == requests.keys()
    assert {record.outcome for record in requests.values()} == {Outcome.OK}
    assert {row.item: (row.references, row.finish_reason) for row in kept.values()} == {
        key: ([right], "stop") for key, (_, right) in QUESTIONS.items()
    }
    assert {row.text for row in kept.values() if row.item == "sum"} == {"It is 4"}
    assert {row.text.endswith("white") for row in kept.values() if row.item == "colour"} == {True}
    assert KEY not in folder.answers.read_text("utf-8")
    prompts = {row.id: row.messages for row in folder.read_prompts()}
    sent = {row.item: prompts[row.prompt or ""] for row in kept.values()}
    assert {item: [message.text for message in messages] for item, messages in sent.items()} == {
        key: [asked] for key, (asked, _) in QUESTIONS.items()
    }
    assert len(prompts) == len(QUESTIONS)  # each once, however often it was sent
    assert value(folder, "token_mismatch_ratio") == 0
    assert value(folder, "output_tokens_per_s")


def test_what_an_endpoint_says_is_kept_only_when_asked(tmp_path: Path, aforo: Aforo) -> None:
    (tmp_path / "questions.yaml").write_text(WORKLOAD, "utf-8")
    rows = [json.dumps({"key": key, "prompt": asked, "answer": right}) for key, (asked, right) in QUESTIONS.items()]
    (tmp_path / "questions.jsonl").write_text("\n".join(rows) + "\n", "utf-8")
    with serve(openai(answer)) as port:
        url = ("run", str(tmp_path / "questions.yaml"), "--url", f"http://127.0.0.1:{port}", *ALONE)
        done = aforo(*url)
        refused = aforo(*url, "--run-code")
    assert done.returncode in {0, 3}, done.stderr
    assert "kept only when asked, so their quality is not measured: pass --keep-responses" in " ".join(
        done.stdout.split()
    )
    folder = only_run(tmp_path)
    assert not folder.answers.exists()
    assert not folder.prompts.exists()
    correct = folder.read_summary().metrics["correct_ratio"]
    assert isinstance(correct, Scalar)
    assert correct.reason == NOT_KEPT
    assert refused.returncode == 2
    assert "Pass --keep-responses as well" in refused.stderr or "--run-code" in refused.stderr  # no isolation here


@pytest.mark.real_server
@pytest.mark.parametrize("stop", ["natural", "length"])
def test_a_real_model_ends_by_itself_where_it_may(tmp_path: Path, aforo: Aforo, stop: str) -> None:
    """Random weights end by chance, and are helped along: the end of a sequence is made likelier."""
    options = ["--stop", stop, "--keep-responses", "--temperature", "1", "--output-tokens", "32", *ALONE, "--body"]
    done = aforo("run", "smoke", "--engine", "llama-server", "--model", TINY, *options, "logit_bias=[[2,6.0]]")
    assert done.returncode in {0, 3}, done.stderr
    folder = only_run(tmp_path)
    requests, kept = list(folder.read_requests()), {row.index: row for row in folder.read_answers()}
    assert {record.outcome for record in requests} == {Outcome.OK}
    assert kept.keys() == {record.index for record in requests}
    assert any(row.text for row in kept.values())  # some end at once
    reasons, counts = {row.finish_reason for row in kept.values()}, {r.completion_tokens_server for r in requests}
    assert ("stop" in reasons, counts == {32}) == (stop == "natural", stop == "length")
    assert value(folder, "token_mismatch_ratio") == 0
    assert f"--stop {stop}" in " ".join(folder.read_manifest().command_line)
