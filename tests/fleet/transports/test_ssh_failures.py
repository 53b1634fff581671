"""What we make of what OpenSSH 9.2 says; and which calls of ssh there are, with one that is made up."""

import shutil
from pathlib import Path

import pytest

from profiler.errors import HostError, HostLostError, HostRefusedError, UsageError
from profiler.fleet.schema import Host
from profiler.fleet.transports import ssh
from profiler.fleet.transports.ssh_failures import error_of

CASES: dict[str, tuple[type[HostError], str]] = {
    "ssh: Could not resolve hostname nowhere: Name or service not known": (HostRefusedError, "no host of this name"),
    "ssh: Could not resolve hostname h: Temporary failure in name resolution": (HostLostError, "cannot be looked up"),
    "ann@h: Permission denied (publickey,password).": (HostRefusedError, "accepts no key of ours"),
    "@ WARNING: UNPROTECTED PRIVATE KEY FILE! @\nPermissions 0644 for '/home/ann/.ssh/lab' are too open.\n"
    'Load key "/home/ann/.ssh/lab": bad permissions\nann@h: Permission denied (publickey).': (
        HostRefusedError,
        "chmod 600",
    ),
    "Warning: Identity file /home/ann/.ssh/lba not accessible: No such file or directory.\nann@h: Permission denied "
    "(publickey).": (HostRefusedError, "is not on this machine"),
    "Unable to negotiate with 10.0.0.1 port 22: no matching host key type found. Their offer: ssh-rsa,ssh-dss": (
        HostRefusedError,
        "HostKeyAlgorithms=+ssh-rsa",
    ),
    "Received disconnect from 10.0.0.1 port 22:2: Too many authentication failures": (
        HostRefusedError,
        "no key of ours",
    ),
    "No ED25519 host key is known for h and you have requested strict checking.": (
        HostRefusedError,
        "is not known here",
    ),
    "Host key verification failed.": (HostRefusedError, "is not known here"),
    "Host key for h has changed and you have requested strict checking.\nHost key verification failed.": (
        HostRefusedError,
        "not the one that is known",
    ),
    "command-line: line 0: Bad configuration option: colour": (HostRefusedError, "cannot use its configuration"),
    "Bad owner or permissions on /home/ann/.ssh/config": (HostRefusedError, "cannot use its configuration"),
    "ssh: connect to host h port 22: Connection refused": (HostLostError, "nothing listens there"),
    "ssh: connect to host h port 22: Connection timed out": (HostLostError, "nothing comes back"),
    "ssh: connect to host h port 22: No route to host": (HostLostError, "nothing comes back"),
    "ssh: connect to host h port 22: Network is unreachable": (HostLostError, "nothing comes back"),
    "Connection timed out during banner exchange\nConnection to 10.0.0.1 port 22 timed out": (
        HostLostError,
        "nothing comes back",
    ),
    "Timeout, server h not responding.": (HostLostError, "nothing comes back"),
    "kex_exchange_identification: Connection closed by remote host": (HostLostError, "the connection failed"),
    "client_loop: send disconnect: Broken pipe": (HostLostError, "the connection failed"),
    "": (HostLostError, "ssh said nothing"),
}


@pytest.mark.parametrize("said", CASES)
def test_every_message_has_a_meaning(said: str) -> None:
    kind, sentence = CASES[said]
    error = error_of("ann@h", "h", "ann@h", said.splitlines())
    assert type(error) is kind
    assert str(error).startswith("ann@h: ")
    assert sentence in str(error)


def test_the_line_that_tells_is_repeated() -> None:
    lines = ["Warning: remote port forwarding failed", "h: Permission denied (publickey).", "Connection closed."]
    assert str(error_of("h", "h", "h", lines)).endswith("(ssh: h: Permission denied (publickey).)")
    assert str(error_of("h", "h", "h", ["ssh: No route to host"])).endswith("(ssh: No route to host)")


def fake_ssh(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> Path:
    """An `ssh` that keeps no connections, writes its calls down, and is otherwise as told; its last word is $last."""
    log = folder / "calls.txt"
    script = f"""#!/bin/sh
for word do last=$word; done
case " $* " in
  *" -G "*) echo asked >>{log}; echo "controlpath /kept/by/the/user"; exit 0;;
esac
echo called >>{log}
{body}
"""
    (folder / "ssh").write_text(script)
    (folder / "ssh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return log


def to(address: str) -> ssh.SshTransport:
    return ssh.connect(Host(name="h", transport="ssh", address=address))


def test_nothing_is_opened_before_the_first_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = fake_ssh(tmp_path, monkeypatch, 'sh -c "$last"')
    way = to("ann@lab:2222")
    assert log.read_text() == "asked\n"  # for the user's configuration, which opens no connection
    assert way.call(["echo", "hello"], timeout_s=10).stdout == b"hello\n"
    way.close()
    assert log.read_text() == "asked\ncalled\n"


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("lab", ["Port=", "lab"]),
        ("ann@lab:2222", ["Port=2222", "ann@lab"]),
        ("ann@[fe80::1%eth0]:22", ["Port=22", "ann@fe80::1%eth0"]),
        ("::1", ["Port=", "::1"]),
        ("ann@corp.example@lab", ["Port=", "ann@corp.example@lab"]),  # whose directory knows users by their mail
    ],
)
def test_user_name_and_port_go_where_ssh_takes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, told: list[str]
) -> None:
    fake_ssh(tmp_path, monkeypatch, "exit 0")
    way = to(address)
    port = next((word for word in way.words if word.startswith("Port=")), "Port=")
    assert [port, way.destination] == told


@pytest.mark.parametrize("address", ["lab:0", "lab:65536", "ssh://lab", "-lab", "ann@", "a b"])
def test_what_ssh_takes_for_no_address_is_refused_beforehand(address: str) -> None:
    with pytest.raises(UsageError, match="is none that ssh takes"):
        to(address)


def test_a_name_that_nobody_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = "ssh: Could not resolve hostname nowhere: Name or service not known"
    fake_ssh(tmp_path, monkeypatch, f"echo '{said}' >&2; exit 255")
    with pytest.raises(HostRefusedError, match=r"^nowhere: there is no host of this name\. Correct 'address'"):
        to("nowhere").call(["true"], timeout_s=10)


def test_output_that_stops_in_the_middle_is_a_lost_host_even_if_ssh_is_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_ssh(tmp_path, monkeypatch, 'sh -c "$last" | head -c 60')
    with pytest.raises(HostLostError, match="the connection ended before the command did"):
        to("h").call(["sh", "-c", "printf %0200d 1"], timeout_s=10)


def test_exit_codes_of_commands_are_not_those_of_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_ssh(tmp_path, monkeypatch, 'sh -c "$last"')
    assert to("h").call(["sh", "-c", "exit 255"], timeout_s=10).exit_code == 255


def test_without_ssh_it_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(UsageError, match=r"ssh was not found. Debian, Ubuntu: apt-get install openssh-client"):
        to("h")


def test_a_client_that_cannot_be_started_is_a_host_that_is_not_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_ssh(tmp_path, monkeypatch, "exit 0")
    way = to("ann@lab")
    (tmp_path / "ssh").unlink()
    with pytest.raises(HostLostError, match="ssh cannot be started here: No such file or directory"):
        way.call(["aforo"], timeout_s=5)
