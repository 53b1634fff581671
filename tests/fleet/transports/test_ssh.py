"""The ssh transport against a real sshd on the loopback, and what it makes of a host that is not as it should be."""

import io
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from support.sshd import SshHost, free_port, ssh_hosts

from profiler.errors import HostLostError, HostRefusedError, UsageError
from profiler.fleet.schema import Host
from profiler.fleet.transports import ssh

EVERY_BYTE = bytes(range(256)) * 1000
LIMIT_S = 60.0


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshHost]:
    with ssh_hosts(tmp_path_factory.mktemp("hosts"), "a") as (only,):
        yield only


@pytest.fixture
def own_host(tmp_path: Path) -> Iterator[SshHost]:
    """One that may come to harm."""
    with ssh_hosts(tmp_path, "b") as (only,):
        yield only


def to(host: SshHost, *options: str, address: str | None = None) -> ssh.SshTransport:
    of_plan = Host(
        name=host.name, transport="ssh", address=address or host.address, ssh_options=[*options, *host.options]
    )
    return ssh.connect(of_plan)


def test_bytes_and_exit_code_are_exact_both_ways(host: SshHost) -> None:
    way = to(host)
    answer = way.call(["sh", "-c", "cat; echo said >&2; exit 7"], stdin=EVERY_BYTE, timeout_s=LIMIT_S)
    way.close()
    assert (answer.exit_code, answer.stdout == EVERY_BYTE, answer.stderr) == (7, True, "said")


def test_words_arrive_as_they_were_given(host: SshHost) -> None:
    words = ["", " ", "a b", "'", '"', "$HOME", "`id`", "\\", "*", "~", "!x", "-n", "é\n;", "#", "a=b", "{x,y}"]
    way = to(host)
    answer = way.call(["printf", "%s|", *words], timeout_s=LIMIT_S)
    way.close()
    assert answer.stdout.decode() == "".join(f"{word}|" for word in words)


def test_output_and_lines_are_handed_on_as_they_come(host: SshHost) -> None:
    taken, lines = io.BytesIO(), list[str]()
    way = to(host)
    script = "echo one >&2; echo >&2; echo two >&2; cat"
    answer = way.call(["sh", "-c", script], stdin=EVERY_BYTE, timeout_s=LIMIT_S, output=taken, on_line=lines.append)
    way.close()
    assert taken.getvalue() == EVERY_BYTE
    assert (answer.stdout, lines) == (b"", ["one", "", "two"])


def test_calls_share_a_connection_and_closing_ends_it(host: SshHost) -> None:
    way = to(host)
    clients = {way.call(["sh", "-c", "echo $SSH_CLIENT"], timeout_s=LIMIT_S).stdout for _ in range(3)}
    assert len(clients) == 1
    assert way.socket is not None
    assert way.socket.exists()
    way.close()
    assert not way.socket.exists()
    assert way.call(["true"], timeout_s=LIMIT_S).exit_code == 0
    way.close()


def test_a_connection_that_the_users_configuration_keeps_is_left_alone(host: SshHost, tmp_path: Path) -> None:
    way = to(host, "ControlMaster=auto", f"ControlPath={tmp_path}/own", "ControlPersist=5")
    assert way.socket is None
    assert way.call(["echo", "there"], timeout_s=LIMIT_S).stdout == b"there\n"
    assert (tmp_path / "own").exists()


def test_calls_may_overlap(host: SshHost) -> None:
    way, codes = to(host), list[int]()
    waits = threading.Thread(
        target=lambda: codes.append(way.call(["cat", str(host.home / "pipe")], timeout_s=LIMIT_S).exit_code)
    )
    os.mkfifo(host.home / "pipe")
    waits.start()
    codes.append(way.call(["sh", "-c", f"echo > {host.home}/pipe; exit 3"], timeout_s=LIMIT_S).exit_code)
    waits.join(LIMIT_S)
    way.close()
    assert sorted(codes) == [0, 3]


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_what_a_profile_prints_is_no_output(tmp_path: Path, shell: str) -> None:
    greeting = tmp_path / "greeting.sh"
    said = "echo 'Welcome to the lab!'; echo 'Mind the step.' >&2"
    greeting.write_text(f'{said}; exec {shell} -c "$SSH_ORIGINAL_COMMAND"\n')
    host = SshHost(tmp_path / "greets", "greets", more=f"ForceCommand sh {greeting}")
    host.make_known()
    host.start()
    way = to(host)
    answer = way.call(["sh", "-c", "printf out; printf err >&2"], timeout_s=LIMIT_S)
    way.close()
    host.die()
    assert (answer.stdout, answer.stderr) == (b"out", "err")


def test_a_command_below_the_home_folder(host: SshHost) -> None:
    tool = host.home / "my tools" / "aforo"
    tool.parent.mkdir()
    tool.write_text('#!/bin/sh\necho "own $1"\n')
    tool.chmod(0o755)
    way = to(host)
    assert way.call(["~/my tools/aforo", "x y"], timeout_s=LIMIT_S).stdout == b"own x y\n"
    way.close()


def test_aforo_is_that_of_fleet_setup(host: SshHost) -> None:
    way = to(host)
    answer = way.call(["aforo", "--version"], timeout_s=LIMIT_S)
    way.close()
    assert answer.exit_code == 0, answer.stderr


# Faults -------------------------------------------------------------------------------------------


def test_a_host_without_aforo_is_told_of_setup(tmp_path: Path) -> None:
    host = SshHost(tmp_path / "bare", "bare", {"PATH": "/usr/bin:/bin"})
    host.make_known()
    host.start()
    way = to(host)
    with pytest.raises(HostRefusedError, match=r"it has no aforo that can be run.*'aforo fleet setup PLAN'"):
        way.call(["aforo", "fleet-host", "check"], timeout_s=LIMIT_S)
    way.close()
    host.die()


def test_a_command_whose_interpreter_is_gone_is_one_that_cannot_be_run(host: SshHost) -> None:
    broken = host.home / "broken"
    broken.write_text("#!/no/such/python\n")
    broken.chmod(0o755)
    way = to(host)
    with pytest.raises(HostRefusedError, match=r"it has no ~/broken that can be run \(.*not found"):
        way.call(["~/broken"], timeout_s=LIMIT_S)
    way.close()


def test_a_refused_key(own_host: SshHost) -> None:
    own_host.make_key("client_key.other")
    (own_host.folder / "client_key.pub").write_text((own_host.folder / "client_key.other.pub").read_text())
    with pytest.raises(HostRefusedError, match=r"accepts no key of ours.*ssh-copy-id -p \d+ 127\.0\.0\.1.*Permission"):
        to(own_host).call(["true"], timeout_s=LIMIT_S)


def test_a_host_key_that_is_not_known(own_host: SshHost) -> None:
    (own_host.folder / "known_hosts").unlink()
    with pytest.raises(HostRefusedError, match=r"its host key is not known here\. Connect once by hand"):
        to(own_host).call(["true"], timeout_s=LIMIT_S)


def test_a_host_key_that_has_changed(own_host: SshHost) -> None:
    own_host.disconnect()
    own_host.make_key("host_key")
    own_host.start()
    with pytest.raises(HostRefusedError, match=r"not the one that is known.*ssh-keygen -R \[127\.0\.0\.1\]:\d+"):
        to(own_host).call(["true"], timeout_s=LIMIT_S)


def test_a_port_where_nothing_listens(host: SshHost) -> None:
    with pytest.raises(HostLostError, match=r"nothing listens there\. Start its ssh server, or correct the port"):
        to(host, address=f"127.0.0.1:{free_port()}").call(["true"], timeout_s=LIMIT_S)


def test_an_option_that_ssh_does_not_know(host: SshHost) -> None:
    with pytest.raises(HostRefusedError, match=r"ssh cannot use its configuration.*colour"):
        to(host, "Colour=blue").call(["true"], timeout_s=LIMIT_S)


@pytest.mark.parametrize("address", ["-oProxyCommand=x", "a b", "", "user@", "host:port", "host:1234567", "[::1"])
def test_an_address_that_is_none(address: str) -> None:
    with pytest.raises(UsageError, match=r"none that ssh takes\. Expected: \[USER@\]HOST\[:PORT\]"):
        ssh.connect(Host.model_construct(name="h", transport="ssh", address=address, ssh_options=None))


def test_a_host_that_dies_in_the_middle(own_host: SshHost) -> None:
    way = to(own_host)
    with pytest.raises(HostLostError, match=r"the connection ended before the command did"):
        way.call(["sh", "-c", "echo here >&2; sleep 100"], timeout_s=LIMIT_S, on_line=lambda _: own_host.die())
    with pytest.raises(HostLostError, match=r"nothing listens there"):
        way.call(["true"], timeout_s=LIMIT_S)
    own_host.start()
    assert way.call(["true"], timeout_s=LIMIT_S).exit_code == 0
    way.close()


def test_a_host_that_falls_silent(own_host: SshHost) -> None:
    way = to(own_host)
    began_s = time.monotonic()
    with pytest.raises(HostLostError, match=rf"{own_host.address}: Nothing came for 1 s"):
        way.call(["sh", "-c", "echo here >&2; sleep 100"], timeout_s=1, on_line=lambda _: own_host.stall())
    assert time.monotonic() - began_s < LIMIT_S
    own_host.go_on()
    assert way.call(["true"], timeout_s=LIMIT_S).exit_code == 0
    way.close()


def test_ssh_itself_notices_a_host_that_falls_silent(own_host: SshHost) -> None:
    way = to(own_host, "ServerAliveInterval=1", "ServerAliveCountMax=1")
    with pytest.raises(HostLostError, match=r"the connection ended before the command did"):
        way.call(["sh", "-c", "echo here >&2; sleep 100"], timeout_s=LIMIT_S, on_line=lambda _: own_host.stall())


def test_a_host_that_accepts_and_says_nothing(own_host: SshHost) -> None:
    own_host.stall()
    with pytest.raises(HostLostError, match=r"nothing comes back from it"):
        to(own_host, "ConnectTimeout=1").call(["true"], timeout_s=LIMIT_S)


def test_an_account_that_is_allowed_one_command_only(tmp_path: Path) -> None:
    host = SshHost(tmp_path / "forced", "forced", more="ForceCommand echo Only backups here.")
    host.make_known()
    host.start()
    way = to(host)
    with pytest.raises(HostRefusedError, match=r"did not run the command, and said 'Only backups here\.'"):
        way.call(["true"], timeout_s=LIMIT_S)
    way.close()
    host.die()


def test_a_caller_that_gives_up_leaves_no_client_behind(own_host: SshHost) -> None:
    way = to(own_host)

    def give_up(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        way.call(["sh", "-c", "echo here >&2; sleep 100"], timeout_s=LIMIT_S, on_line=give_up)
    way.close()
    assert [child for child in psutil.Process().children() if child.name() == "ssh"] == []
