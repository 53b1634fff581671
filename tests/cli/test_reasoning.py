"""A model that reasons before it answers: what is measured, kept and shown of it, from a server to the page."""

import json
import socket
from pathlib import Path

import pytest
from support.command import ALONE, Aforo
from support.scripted_server import DONE, HEAD, LAST_CHUNK, Script, chunk, event, openai, serve

from profiler.results.folder import RunFolder
from profiler.results.summary import Distribution, NotMeasured, Scalar

WORKLOAD = """\
id: sums
version: 1
description: One sum.
api: chat
prompts: {source: data, file: sums.jsonl}
output_tokens: 16
stop: natural
keep_responses: true
load: {shape: closed-loop, concurrency: 1}
warmup_requests: 0
rounds: 1
requests: 12
"""


def streaming(*deltas: dict[str, str]) -> Script:
    """Stream each delta in a chunk of its own, so that each is a read of its own or shares one, as it happens."""

    def script(connection: socket.socket, request: bytes) -> None:
        events = [event({"choices": [{"index": 0, "delta": delta}]}) for delta in deltas]
        last = event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        connection.sendall(HEAD)
        for each in (*events, last, DONE):
            connection.sendall(chunk(each))
        connection.sendall(LAST_CHUNK)

    return script


def run(tmp_path: Path, aforo: Aforo, script: Script) -> RunFolder:
    (tmp_path / "sums.yaml").write_text(WORKLOAD, "utf-8")
    (tmp_path / "sums.jsonl").write_text(json.dumps({"prompt": "2 + 2", "reference": "4"}) + "\n", "utf-8")
    with serve(openai(script)) as port:
        done = aforo(
            "run", str(tmp_path / "sums.yaml"), "--url", f"http://127.0.0.1:{port}", "--keep-responses", *ALONE
        )
    assert done.returncode in {0, 3}, done.stderr
    (path,) = (tmp_path / "runs").iterdir()
    return RunFolder(path)


PARSED = [{"reasoning_content": "2"}, {"reasoning_content": " + 2"}, {"content": "4"}, {"content": "!"}]
TAGGED = [{"content": "<think>"}, {"content": "2 + 2</think>"}, {"content": "4"}, {"content": "!"}]


@pytest.mark.parametrize("deltas", [PARSED, TAGGED], ids=["parsed by the server", "tags in the text"])
def test_reasoning_is_measured_and_kept_apart(tmp_path: Path, aforo: Aforo, deltas: list[dict[str, str]]) -> None:
    folder = run(tmp_path, aforo, streaming(*deltas))
    metrics = folder.read_summary().metrics
    share, answer, first = (metrics[name] for name in ("reasoning_token_ratio", "ttft_answer_ms", "ttft_ms"))
    assert isinstance(share, Scalar)
    assert share.value == 0.5  # two of four tokens
    assert isinstance(answer, Distribution)
    assert isinstance(first, Distribution)
    assert answer.n == first.n
    assert answer.min >= first.min
    assert {(row.text, row.reasoning.replace(" ", "")) for row in folder.read_answers()} == {("4!", "2+2")}
    assert "Time to first answer token" in folder.report.read_text("utf-8")


def test_of_a_model_that_does_not_reason_nothing_is_said(tmp_path: Path, aforo: Aforo) -> None:
    folder = run(tmp_path, aforo, streaming({"content": "4"}, {"content": "!"}))
    found = folder.read_summary().metrics["ttft_answer_ms"]
    assert isinstance(found, NotMeasured)
    assert found.reason == "no response had reasoning"
    page = folder.report.read_text("utf-8")
    assert "Time to first answer token" not in page
    assert "Share of reasoning tokens" not in page
