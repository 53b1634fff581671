"""`aforo endpoints` and `--url auto`, with a real server on a port of its own."""

import json
from pathlib import Path

import pytest
from support.command import Aforo
from support.scripted_server import openai, serve, stream_tokens

from profiler.cli.run import at_local_server
from profiler.run.options import Options
from profiler.servers import local_servers


def test_a_server_is_listed_with_the_command_that_measures_it(aforo: Aforo, tmp_path: Path) -> None:
    with serve(openai(stream_tokens(["tok"] * 8, 0.002), model="my model")) as port:
        listed = aforo("endpoints", "--port", str(port))
        assert f"OpenAI-compatible server at http://127.0.0.1:{port}" in listed.stdout, listed.stderr
        command = f"aforo run --url http://127.0.0.1:{port} --model 'my model'"
        assert command in [line.strip() for line in listed.stdout.splitlines()]
        (server,) = [
            each
            for each in json.loads(aforo("endpoints", "--port", str(port), "--json").stdout)["servers"]
            if each["url"].endswith(str(port))
        ]
        (model,) = server["models"]
        sizes = ("--requests", "12", "--output-tokens", "8", "--prompt-tokens", "4", "--warmup-requests", "0")
        done = aforo("run", "smoke", *model["command"][2:], *sizes)
    assert "Serves at least 1 user" in done.stdout, done.stderr
    assert len(list((tmp_path / "runs").iterdir())) == 1


def test_url_auto_is_replaced_by_what_was_found(monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(openai(stream_tokens(["tok"]))) as port:
        found = local_servers.look([port])
        only = local_servers.Look((port,), tuple(each for each in found.servers if each.port == port), ())
    monkeypatch.setattr(local_servers, "look", lambda: only)
    assert at_local_server(Options(url="auto")).url == f"http://127.0.0.1:{port}"
    assert at_local_server(Options(url="http://h:1")).url == "http://h:1"
