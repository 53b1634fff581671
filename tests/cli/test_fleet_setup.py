"""`aforo fleet setup`, as it is called; what it does on hosts is tested in `tests/fleet/test_setup.py`."""

import json
from pathlib import Path

import pytest
from support.command import Aforo

PLAN = """
id: two
hosts:
  - {name: mine, transport: ssh, address: lab, aforo: [/opt/aforo]}
  - {name: gone, transport: ssh, address: lab:2222}
models: ["synthetic:tiny-1m/Q8_0"]
workloads: [smoke]
"""


@pytest.fixture
def plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A plan whose hosts nobody can reach: `ssh` is made up."""
    (tmp_path / "two.yaml").write_text(PLAN)
    ssh = tmp_path / "bin" / "ssh"
    ssh.parent.mkdir()
    ssh.write_text("#!/bin/sh\necho 'ssh: connect to host lab port 2222: Connection refused' >&2; exit 255\n")
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{ssh.parent}:/usr/bin:/bin")
    return str(tmp_path / "two.yaml")


def test_every_host_has_a_row_and_one_that_fails_ends_it_with_a_sentence(aforo: Aforo, plan: str) -> None:
    done = aforo("fleet", "setup", plan, "--json")
    assert done.returncode == 1
    mine, gone = json.loads(done.stdout)
    assert mine["state"] == "own"
    assert (gone["host"], gone["state"]) == ("gone", "failed")
    assert gone["sentence"].startswith("lab:2222: nothing listens there.")
    assert "1 of 2 hosts could not be set up: gone." in done.stderr


def test_hosts_that_have_one_of_their_own_are_left_alone(aforo: Aforo, plan: str) -> None:
    done = aforo("fleet", "setup", plan, "--host", "mine")
    assert (done.returncode, "left as it is" in " ".join(done.stdout.split())) == (0, True)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--host", "nobody"], "--host: the plan has no host nobody. It has: mine, gone."),
        (["--engine", "vllm"], "--engine: 'vllm' cannot be built. Expected: llama-server"),
        (["--wheels", "nowhere"], "--wheels: nowhere is no folder. Fill one with: pip download"),
    ],
)
def test_what_is_wrong_here_is_told_before_a_host_is_called(
    aforo: Aforo, plan: str, words: list[str], sentence: str
) -> None:
    done = aforo("fleet", "setup", plan, *words)
    assert done.returncode == 2
    assert sentence in " ".join(done.stderr.split())
