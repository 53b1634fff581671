"""Hosts that are reached by the OpenSSH client as the user has it: keys, agent, ~/.ssh/config, jump hosts.

One connection is kept for all calls to a host (ControlMaster) where the user's own configuration does not do that
already. It belongs to nobody's process, so nothing hangs on it if Aforo is killed, and it ends a minute after
the last call.
"""

import contextlib
import os
import re
import secrets
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from profiler.errors import HostError, HostLostError, HostRefusedError, UsageError
from profiler.fleet.schema import Host
from profiler.fleet.streams import exchange
from profiler.fleet.transport import Answer
from profiler.fleet.transports.framed import Framed
from profiler.fleet.transports.ssh_failures import error_of

CONNECT_TIMEOUT_S = 20
ALIVE_INTERVAL_S = 10  # the server is asked so often whether it is there …
ALIVE_COUNT = 3  # … and is lost after so many questions without an answer
_PERSIST_S = 60
_LONGEST_SOCKET = 86  # bytes: a socket's path may have 103 on macOS, and ssh adds 17 while it makes it
_FAILED = 255  # of ssh itself
_CANNOT_RUN = {126, 127}  # of a shell
_NAME = r"\[[\w:.%]+\]|[^@:\s\[\]]+|[0-9A-Fa-f:]+:[0-9A-Fa-f:.]+"  # the last: IPv6 without brackets
_PORTS = range(1, 2**16)
_ADDRESS = re.compile(rf"(?:(?P<user>\S+)@)?(?P<name>{_NAME})(?::(?P<port>\d{{1,5}}))?")


@dataclass
class SshTransport:
    """The way to one host."""

    address: str  # as the plan has it, to be named in messages
    words: list[str]  # ssh with its options
    destination: str  # [USER@]NAME
    known_as: str  # in known_hosts
    by_hand: str  # what a person says to ssh: [-p PORT] DESTINATION
    socket: Path | None = None  # of the kept connection; None where there is none of ours
    name: str = field(default="ssh", init=False)
    _connecting: threading.Lock = field(default_factory=threading.Lock, init=False)

    def call(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        timeout_s: float,
        output: BinaryIO | None = None,
        on_line: Callable[[str], None] | None = None,
    ) -> Answer:
        """Run a command, as `Transport.call`."""
        framed = Framed(argv, output, on_line)
        try:
            self._connect()
            process = self._start([*self._kept("no"), "-T", "--", self.destination, framed.command])
        except OSError as error:
            raise HostLostError(
                f"{self.address}: ssh cannot be started here: {error.strerror}. If many hosts are called at once, "
                "lower limits.hosts_at_once."
            ) from None
        try:
            whole = exchange(process, stdin, timeout_s, framed.sink, framed.take_line)
        except HostLostError as error:
            self._forget()
            raise HostLostError(f"{self.address}: {error}") from None
        framed.sink.finish()
        return self._answer(framed, whole.exit_code, argv[0])

    def close(self) -> None:
        """End the kept connection."""
        if self.socket is not None and self.socket.exists():
            command = [*self.words, "-o", f"ControlPath={self.socket}", "-O", "exit", "--", self.destination]
            with contextlib.suppress(subprocess.TimeoutExpired, OSError):
                subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=5, check=False)
            self._forget()

    def _forget(self) -> None:
        """Have the next call connect anew, instead of waiting behind this one; other calls keep the connection."""
        if self.socket is not None:
            self.socket.unlink(missing_ok=True)

    def _answer(self, framed: Framed, exit_code: int, program: str) -> Answer:
        sink = framed.sink
        if sink.exit_code in _CANNOT_RUN or sink.is_missing:
            said = f" ({framed.lines[-1]})" if framed.lines else ""
            raise HostRefusedError(
                f"{self.address}: it has no {program} that can be run{said}. Put this version there with "
                "'aforo fleet setup PLAN', or name the command of the host in the plan: aforo: [PATH]."
            )
        if sink.exit_code is not None:
            return Answer(sink.exit_code, framed.stdout, "\n".join(framed.lines))
        if not sink.has_begun and exit_code != _FAILED:
            greeting = sink.greeting.decode("utf-8", "replace").strip() or "nothing"
            raise HostRefusedError(
                f"{self.address}: its login shell did not run the command, and said {greeting[:200]!r}. The key, or "
                "the account, is to be allowed any command (no 'command=' in authorized_keys, no ForceCommand)."
            )
        self._forget()
        if not sink.has_begun:
            raise self._error(framed.around)
        last = framed.lines[-1] if framed.lines else "ssh said nothing"
        raise HostLostError(f"{self.address}: the connection ended before the command did ({last}).")

    def _error(self, lines: Iterable[str]) -> HostError:
        return error_of(self.address, self.known_as, self.by_hand, lines)

    def _connect(self) -> None:
        """Make the connection that is kept, unless it is there. Raises `HostError`."""
        if self.socket is None:
            return
        with self._connecting:
            if self.socket.exists():
                return
            # Its standard error is a file: older versions keep it open for as long as the connection lasts.
            with tempfile.TemporaryFile() as said:
                kept = [*self._kept("yes"), "-o", f"ControlPersist={_PERSIST_S}", "-N", "-f"]
                try:
                    done = subprocess.run(
                        [*self.words, *kept, "--", self.destination],
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.DEVNULL,
                        stderr=said,
                        start_new_session=True,
                        timeout=2 * CONNECT_TIMEOUT_S,
                        check=False,
                    )
                except subprocess.TimeoutExpired:
                    raise HostLostError(f"{self.address}: no connection within {2 * CONNECT_TIMEOUT_S} s.") from None
                if done.returncode != 0:
                    said.seek(0)
                    raise self._error(said.read().decode("utf-8", "replace").splitlines())

    def _start(self, more: Sequence[str]) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [*self.words, *more],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # out of reach of a Ctrl-C, and of a terminal to ask for passwords at
        )

    def _kept(self, master: str) -> list[str]:
        return [] if self.socket is None else ["-o", f"ControlMaster={master}", "-o", f"ControlPath={self.socket}"]


def connect(host: Host) -> SshTransport:
    """Return the way to a host of a plan; nothing is opened yet. Raises `UsageError`."""
    program = shutil.which("ssh")
    if program is None:
        raise UsageError("ssh was not found. Debian, Ubuntu: apt-get install openssh-client")
    user, name, port = _parsed(host)
    options = [*(host.ssh_options or []), *([f"Port={port}"] if port else [])]  # of two, ssh takes the first
    options += ["BatchMode=yes", f"ConnectTimeout={CONNECT_TIMEOUT_S}", "LogLevel=INFO"]
    options += [f"ServerAliveInterval={ALIVE_INTERVAL_S}", f"ServerAliveCountMax={ALIVE_COUNT}"]
    options += ["ClearAllForwardings=yes", "RemoteCommand=none"]  # of what ~/.ssh/config has for people
    words = [program, *(word for option in options for word in ("-o", option))]
    destination = f"{user}@{name}" if user else name
    known_as = f"[{name}]:{port}" if port and port != "22" else name
    by_hand = f"-p {port} {destination}" if port and port != "22" else destination
    return SshTransport(host.address or name, words, destination, known_as, by_hand, _socket(words, destination))


def _parsed(host: Host) -> tuple[str | None, str, str | None]:
    """Return user, name and port."""
    found = _ADDRESS.fullmatch(host.address or "")
    if found is None or (host.address or "").startswith("-") or int(found["port"] or 1) not in _PORTS:
        raise UsageError(
            f"The address {host.address!r} of the host {host.name} is none that ssh takes. Expected: "
            "[USER@]HOST[:PORT], an IPv6 address in brackets, or a name of ~/.ssh/config."
        )
    return found["user"], found["name"].strip("[]"), found["port"]


def _socket(words: Sequence[str], destination: str) -> Path | None:
    """Return where a kept connection has its socket; None where the user keeps connections, or none can be."""
    if _has_its_own(words, destination):
        return None
    folder = Path(tempfile.gettempdir()) / f"aforo-ssh-{os.getuid()}"
    name = secrets.token_hex(6)  # of its own: two that make one at a time would be in each other's way
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        about = folder.lstat()
    except OSError:
        return None
    is_ours = about.st_uid == os.getuid() and about.st_mode & 0o77 == 0 and not folder.is_symlink()
    return folder / name if is_ours and len(os.fsencode(folder / name)) <= _LONGEST_SOCKET else None


def _has_its_own(words: Sequence[str], destination: str) -> bool:
    """Whether ssh keeps connections already, or cannot say so; this asks its configuration only."""
    try:
        asked = subprocess.run(
            [*words, "-G", "--", destination], stdin=subprocess.DEVNULL, capture_output=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return True
    told = dict(line.partition(" ")[::2] for line in asked.stdout.decode("utf-8", "replace").splitlines())
    return asked.returncode != 0 or told.get("controlpath", "none") != "none"
