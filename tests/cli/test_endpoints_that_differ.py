"""`aforo run --url` on endpoints that are not quite OpenAI's: as the user finds them, from one end to the other."""

import json
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from support import scripted_server as server
from support.command import AFORO, ALONE, Aforo

SMALL = ["--requests", "12", "--repeats", "1", "--warmup-requests", "1", "--output-tokens", "4", "--quiet"]


class Gateway:
    """An Azure-like gateway: wants its query and a user agent, lists nothing, knows few fields, answers by an alias."""

    def __init__(self) -> None:
        self.targets: set[str] = set()
        self.agents: set[str] = set()
        self.bodies: list[dict[str, Any]] = []

    def __call__(self, connection: socket.socket, request: bytes) -> None:
        head, _, body = request.partition(b"\r\n\r\n")
        lines = head.decode().splitlines()
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}
        self.targets.add(lines[0])
        self.agents.add(headers.get("user-agent", ""))
        if lines[0].startswith("GET"):
            self.refuse(connection, 404, "Resource not found")
            return
        asked = json.loads(body)
        self.bodies.append(asked)
        if "max_tokens" in asked:
            self.refuse(connection, 400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
        elif "stream_options" in asked:
            self.refuse(connection, 400, "Unrecognized request argument supplied: stream_options")
        else:
            self.stream(connection, asked["max_completion_tokens"])

    def refuse(self, connection: socket.socket, status: int, sentence: str) -> None:
        text = json.dumps({"error": {"message": sentence}}).encode()
        connection.sendall(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(text), text))

    def stream(self, connection: socket.socket, tokens: int) -> None:
        connection.sendall(server.HEAD)
        for number in range(tokens):
            reason = "length" if number == tokens - 1 else None
            said = {"model": "gpt-long-name", "choices": [{"text": f" {number}", "finish_reason": reason}]}
            connection.sendall(server.chunk(server.event(said)))
        connection.sendall(server.chunk(server.DONE) + server.LAST_CHUNK)


def manifest_of(parent: Path) -> dict[str, Any]:
    (path,) = parent.glob("runs/*/run.json")
    return json.loads(path.read_text())


def test_a_gateway_with_a_query_that_refuses_fields_and_answers_by_an_alias(tmp_path: Path, aforo: Aforo) -> None:
    gateway = Gateway()
    with server.serve(gateway) as port:
        url = f"http://127.0.0.1:{port}/openai/deployments/d/completions?api-version=2024-02-01"
        body = ["--body", "ignore_eos=true", "--omit-field", "seed", "--body", 'auth_token="s3cr3t"']
        options = ["--limit", "too-few-samples=5", "--json"]
        done = aforo("run", "smoke", "--url", url, "--model", "d", *body, *options, *ALONE, *SMALL)
    assert done.returncode in {0, 3}, done.stderr  # the verdict is that of a busy machine
    assert json.loads(done.stdout)["requests_ok"] == 12
    assert gateway.targets == {
        f"{verb} /openai/deployments/d/{what}?api-version=2024-02-01 HTTP/1.1"
        for verb, what in (("GET", "models"), ("POST", "completions"))
    }
    assert all(agent.startswith("aforo/") for agent in gateway.agents)
    last = gateway.bodies[-1]
    assert (last["max_completion_tokens"], last["ignore_eos"], last["auth_token"]) == (4, True, "s3cr3t")
    assert not {"max_tokens", "stream_options", "seed"} & set(last)
    manifest = manifest_of(tmp_path)
    assert manifest["body"] == {
        "added": {"ignore_eos": True, "auth_token": "[hidden]"},
        "omitted": ["seed"],
        "refused": ["stream_options"],
        "max_tokens_field": "max_completion_tokens",
    }
    assert manifest["limits"] == {"too-few-samples": 5.0}
    assert manifest["engine"]["response_model"] == "gpt-long-name"
    warnings = " ".join(manifest["warnings"])
    assert "refuses max_tokens: max_completion_tokens was sent instead" in warnings
    assert "refuses stream_options: it was left out" in warnings
    assert warnings.count("answers as 'gpt-long-name'") == 1
    again = " ".join(manifest["command_line"])
    for words in (
        *("--body ignore_eos=true", "--omit-field seed", "--omit-field stream_options", "--limit too-few-samples=5"),
        *("--max-tokens-field max_completion_tokens", f"--url {url}"),
    ):
        assert words in again
    for path in tmp_path.glob("runs/*/*"):
        assert b"s3cr3t" not in path.read_bytes()


def test_a_refusal_without_a_remedy_ends_the_run_in_the_servers_words(tmp_path: Path, aforo: Aforo) -> None:
    def refuse(connection: socket.socket, request: bytes) -> None:
        Gateway().refuse(connection, 400, "This model does not support embeddings")

    with server.serve(server.openai(refuse)) as port:
        done = aforo("run", "embeddings", "--url", f"http://127.0.0.1:{port}", *ALONE, "--quiet")
    assert done.returncode == 2
    assert "This model does not support embeddings" in done.stderr
    (path,) = tmp_path.glob("runs/*/run.json")
    assert json.loads(path.read_text())["status"] == "failed"


def test_a_server_that_takes_what_it_is_sent_is_sent_nothing_else(tmp_path: Path, aforo: Aforo) -> None:
    seen: list[bytes] = []

    def count(connection: socket.socket, request: bytes) -> None:
        seen.append(request)
        Gateway().stream(connection, 4)

    with server.serve(server.openai(count)) as port:
        done = aforo("run", "smoke", "--url", f"http://127.0.0.1:{port}", *ALONE, *SMALL)
    assert done.returncode in {0, 3}, done.stderr  # a server that takes no time leaves slots idle
    assert len(seen) == 13  # one to warm up, twelve to measure


def test_a_first_request_that_fails_for_another_reason_is_no_secret(tmp_path: Path, aforo: Aforo) -> None:
    seen: list[bytes] = []

    def fail_once(connection: socket.socket, request: bytes) -> None:
        seen.append(request)
        if len(seen) == 1:
            Gateway().refuse(connection, 409, "still loading")
        else:
            Gateway().stream(connection, 4)

    with server.serve(server.openai(fail_once)) as port:
        done = aforo("run", "smoke", "--url", f"http://127.0.0.1:{port}", *ALONE, *SMALL)
    assert done.returncode in {0, 3}, done.stderr
    (path,) = tmp_path.glob("runs/*/run.json")
    manifest = json.loads(path.read_text())
    assert any("still loading" in warning for warning in manifest["warnings"])
    assert [phase["name"] for phase in manifest["phases"]].count("warmup") == 1
    assert len(path.with_name("requests.jsonl").read_text().splitlines()) == 13


def test_a_redirect_names_the_url_to_pass(tmp_path: Path, aforo: Aforo) -> None:
    moved = b"HTTP/1.1 301 Moved Permanently\r\nLocation: https://llm.example/v1/models\r\nContent-Length: 0\r\n\r\n"
    with server.serve(server.send_bytes(moved)) as port:
        done = aforo("run", "smoke", "--url", f"http://127.0.0.1:{port}", "--model", "m", *SMALL)
    assert done.returncode == 2
    assert "pass --url https://llm.example/v1/models" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_heard_while_a_list_of_models_drips_in(tmp_path: Path, number: int) -> None:
    asked = []

    def drip(connection: socket.socket, request: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        asked.append(True)
        while True:
            connection.sendall(b" ")
            time.sleep(0.1)

    with server.serve(drip) as port:
        command = [AFORO, "run", "smoke", "--url", f"http://127.0.0.1:{port}", *SMALL]
        with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
            while not asked and process.poll() is None:
                time.sleep(0.02)
            process.send_signal(number)
            _, said = process.communicate(timeout=300)
    assert process.returncode == 128 + number
    assert said.strip() == f"aforo: Interrupted by signal {int(number)}."
