"""A key goes to the endpoint and nowhere else, whatever the endpoint does with it."""

import json
import os
import socket
import subprocess
from pathlib import Path

import pytest
from support import scripted_server as server
from support.command import AFORO, ALONE

KEY = "sk-0123456789abcdefghijklmnopqrstuvwxyz"
TEAM = "team-cheese-and-wine"
SMALL = ["--requests", "4", "--repeats", "1", "--warmup-requests", "1", "--output-tokens", "8", *ALONE]


class Echo:
    """Wants the key, and then repeats it wherever it can."""

    def __init__(self, *, lists: str = "m", refuses: str = "", answers_as: str | None = "m") -> None:
        self.lists = lists
        self.refuses = refuses
        self.answers_as = answers_as
        self.paths: set[str] = set()
        self.keys: set[str] = set()
        self.teams: set[str] = set()

    def __call__(self, connection: socket.socket, request: bytes) -> None:
        head = request.partition(b"\r\n\r\n")[0].decode()
        path = head.split(" ")[1]
        sent = dict(line.split(": ", 1) for line in head.splitlines()[1:])
        self.paths.add(path)
        self.keys.add(sent.get("Authorization", ""))
        self.teams.add(sent.get("X-Team", ""))
        said = " ".join(sent.values())
        if self.refuses and path.endswith(self.refuses):
            self.answer(connection, 401, {"error": {"message": f"no such key: {said}"}})
        elif path.endswith("/models"):
            if self.lists:
                self.answer(connection, 200, {"data": [{"id": self.lists}, {"id": said}]})
            else:
                self.answer(connection, 404, {"error": said})
        else:
            self.stream(connection, said)

    def answer(self, connection: socket.socket, status: int, payload: dict) -> None:
        body = json.dumps(payload).encode()
        connection.sendall(b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body))

    def stream(self, connection: socket.socket, said: str) -> None:
        connection.sendall(server.HEAD)
        for number in range(8):
            reason = said if number == 7 else None
            payload = {"model": self.answers_as or said, "choices": [{"text": said, "finish_reason": reason}]}
            connection.sendall(server.chunk(server.event(payload)))
        connection.sendall(server.chunk(server.DONE) + server.LAST_CHUNK)


def run(folder: Path, url: str, *more: str, key: str = KEY) -> "subprocess.CompletedProcess[str]":
    (folder / "key").write_text(key + "\n")
    secret = ["--api-key-file", str(folder / "key"), "--header", f"X-Team: {TEAM}"]
    return subprocess.run(
        [AFORO, "run", "smoke", "--url", url, *secret, *SMALL, *more],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={name: value for name, value in os.environ.items() if "API_KEY" not in name},
    )


def assert_nothing_leaked(folder: Path, done: "subprocess.CompletedProcess[str]") -> None:
    """No file of the run and no word of the command holds the key, the header, or the first half of either."""
    said = {"stdout": done.stdout, "stderr": done.stderr}
    said |= {
        str(path): path.read_bytes().decode("utf-8", "replace") for path in folder.glob("runs/**/*") if path.is_file()
    }
    for secret in (KEY, TEAM):
        for place, text in said.items():
            assert secret[: len(secret) // 2] not in text, place


def test_an_endpoint_that_repeats_the_key_in_every_answer(tmp_path: Path) -> None:
    echo = Echo()
    with server.serve(echo) as port:
        done = run(tmp_path, f"http://127.0.0.1:{port}", "--model", "m", "--json")
    assert json.loads(done.stdout)["requests_ok"] == 4
    assert echo.keys == {f"Bearer {KEY}"}
    assert echo.teams == {TEAM}
    manifest = next(tmp_path.glob("runs/*/run.json")).read_text()
    assert "X-Team" in manifest  # that it was sent is said
    assert_nothing_leaked(tmp_path, done)


def test_an_endpoint_that_refuses_the_key_in_its_answer_to_every_request(tmp_path: Path) -> None:
    with server.serve(Echo(refuses="/completions")) as port:
        done = run(tmp_path, f"http://127.0.0.1:{port}", "--model", "m")
    assert done.returncode == 2  # with the first request
    assert "HTTP 401" in done.stderr
    assert "--api-key-file" in done.stderr
    (manifest,) = tmp_path.glob("runs/*/run.json")
    assert json.loads(manifest.read_text())["status"] == "failed"
    assert_nothing_leaked(tmp_path, done)


def test_an_endpoint_that_refuses_the_key_at_once(tmp_path: Path) -> None:
    with server.serve(Echo(refuses="/models")) as port:
        done = run(tmp_path, f"http://127.0.0.1:{port}", "--model", "m")
    assert done.returncode == 2
    assert "HTTP 401" in done.stderr
    assert "--api-key-file" in done.stderr
    assert_nothing_leaked(tmp_path, done)


def test_an_endpoint_that_lists_the_key_among_its_models(tmp_path: Path) -> None:
    with server.serve(Echo()) as port:
        done = run(tmp_path, f"http://127.0.0.1:{port}")
        other = run(tmp_path, f"http://127.0.0.1:{port}", "--model", "other")
    assert done.returncode == 2
    assert "serves m, " in done.stderr
    assert "does not list the model 'other'" in next(tmp_path.glob("runs/*/run.json")).read_text()
    assert_nothing_leaked(tmp_path, other)
    assert_nothing_leaked(tmp_path, done)


def test_an_endpoint_below_a_path_that_lists_no_models(tmp_path: Path) -> None:
    echo = Echo(lists="")
    with server.serve(echo) as port:
        done = run(tmp_path, f"http://127.0.0.1:{port}/gate/v1/", "--model", "m", "--json")
    assert json.loads(done.stdout)["requests_ok"] == 4
    assert echo.paths == {"/gate/v1/models", "/gate/v1/completions"}
    assert "does not list its models" in next(tmp_path.glob("runs/*/run.json")).read_text()
    assert_nothing_leaked(tmp_path, done)


@pytest.mark.parametrize("answers_as", ["another", None])  # None: by the key
def test_an_endpoint_that_answers_as_another_model(tmp_path: Path, answers_as: str | None) -> None:
    with server.serve(Echo(lists="", answers_as=answers_as)) as port:
        done = run(tmp_path, f"http://127.0.0.1:{port}", "--model", "m-1", "--json")
    assert json.loads(done.stdout)["requests_ok"] == 4  # an alias does so, too
    manifest = json.loads(next(tmp_path.glob("runs/*/run.json")).read_text())
    warnings = [each for each in manifest["warnings"] if "Asked for the model 'm-1'" in each]
    assert f"answers as {manifest['engine']['response_model']!r}" in warnings[0]
    assert len(warnings) <= 4
    assert_nothing_leaked(tmp_path, done)


def test_a_header_that_is_no_secret_changes_nothing_that_is_sent_or_shown(tmp_path: Path) -> None:
    echo = Echo(lists="llama-3-prod", answers_as="llama-3-prod")
    asked: set[str] = set()

    def remember(connection: socket.socket, request: bytes) -> None:
        if body := request.partition(b"\r\n\r\n")[2]:
            asked.add(json.loads(body)["model"])
        echo(connection, request)

    with server.serve(remember) as port:
        done = run(tmp_path, f"http://127.0.0.1:{port}", "--model", "llama-3-prod", "--header", "X-Env: prod", "--json")
    assert json.loads(done.stdout)["requests_ok"] == 4
    assert asked == {"llama-3-prod"}
    manifest = json.loads(next(tmp_path.glob("runs/*/run.json")).read_text())
    assert manifest["model"]["name"] == "llama-3-prod"
    assert not any("the model" in warning for warning in manifest["warnings"])
    assert_nothing_leaked(tmp_path, done)


@pytest.mark.parametrize("url", [f"http://user:{KEY}@127.0.0.1:9", f"http://127.0.0.1:9/v1?key={KEY}"])
def test_a_key_within_the_url_is_refused_unseen(tmp_path: Path, url: str) -> None:
    done = run(tmp_path, url)
    assert done.returncode == 2
    assert "--api-key-file" in done.stderr
    assert_nothing_leaked(tmp_path, done)


def test_a_key_of_two_words_is_refused_unseen(tmp_path: Path) -> None:
    done = run(tmp_path, "http://127.0.0.1:9", key=f"{KEY} {KEY}")
    assert done.returncode == 2
    assert "expected one key" in done.stderr
    assert_nothing_leaked(tmp_path, done)
