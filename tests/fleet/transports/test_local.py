"""This machine as a host: its command may lie below the home folder, as on hosts of other transports."""

from pathlib import Path

import pytest

from profiler.fleet.schema import Host
from profiler.fleet.transports.local import connect

HERE = Host(name="a")


def test_the_command_may_begin_with_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    program = tmp_path / "with blank" / "aforo"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nprintf '%s|' \"$@\"\n")
    program.chmod(0o755)
    answer = connect(HERE).call(["~/with blank/aforo", "fleet-host", "a b"], timeout_s=60)
    assert (answer.exit_code, answer.stdout) == (0, b"fleet-host|a b|")


def test_a_command_that_is_not_there_is_told_as_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert connect(HERE).call(["~/none"], timeout_s=60).exit_code == 127
