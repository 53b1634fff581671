"""A host on this machine: a real sshd of ours on a port of the loopback, with a home folder of its own.

It runs as whoever runs the tests. Every process that is started through it has `AFORO_TEST_HOST` in its environment, by
which all of them are found when the host is to die.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil
import pytest

from profiler.fleet.environment import COMMAND

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
_MARK = "AFORO_TEST_HOST"
_START_S = 30.0
_NEEDED_BY_ROOT = Path("/run/sshd")

CONFIG = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
AuthorizedKeysFile {folder}/client_key.pub
PidFile none
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
PermitRootLogin yes
MaxStartups 100
SetEnv {environment}
{more}
"""


class SshHost:
    """A host, from `start` to `die`."""

    def __init__(self, folder: Path, name: str, environment: Mapping[str, str] | None = None, more: str = "") -> None:
        """Make its keys and its home; `environment` is added to that of its processes, `more` to its configuration."""
        if SSHD is None:
            pytest.skip("no openssh-server: install it")
        self.folder = folder
        self.name = name
        self.home = folder / "home"
        self.home.mkdir(parents=True)
        reserved = _reserve()
        self.port: int = reserved.getsockname()[1]
        weakref.finalize(self, reserved.close)
        self._environment = {"HOME": str(self.home), _MARK: self._mark, "XDG_CACHE_HOME": "", **(environment or {})}
        self._more = more
        self._process: subprocess.Popen[bytes] | None = None
        for key in ("host_key", "client_key"):
            self.make_key(key)

    @property
    def address(self) -> str:
        """As a plan names it."""
        return f"127.0.0.1:{self.port}"

    @property
    def options(self) -> list[str]:
        """What ssh has to be told to reach it, and nothing from outside the folder."""
        return [
            f"IdentityFile={self.folder}/client_key",
            "IdentitiesOnly=yes",
            f"UserKnownHostsFile={self.folder}/known_hosts",
            "StrictHostKeyChecking=yes",
        ]

    def make_key(self, name: str) -> None:
        """Make a key pair, in place of an older one."""
        for path in (self.folder / name, self.folder / f"{name}.pub"):
            path.unlink(missing_ok=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / name)], check=True)

    def make_known(self) -> None:
        """Write its host key down for clients."""
        kind, key, *_ = (self.folder / "host_key.pub").read_text().split()
        (self.folder / "known_hosts").write_text(f"[127.0.0.1]:{self.port} {kind} {key}\n")

    def have_aforo(self) -> None:
        """Give it the Aforo under test, as `aforo fleet setup` would."""
        command = self.home / COMMAND
        command.parent.mkdir(parents=True, exist_ok=True)
        command.write_text(f'#!/bin/sh\nexec {sys.executable} -m profiler "$@"\n')
        command.chmod(0o755)

    def start(self) -> None:
        """Let it listen."""
        if os.geteuid() == 0:
            _NEEDED_BY_ROOT.mkdir(mode=0o755, exist_ok=True)
        environment = " ".join(f'"{name}={value}"' for name, value in self._environment.items())
        config = CONFIG.format(port=self.port, folder=self.folder, environment=environment, more=self._more)
        (self.folder / "sshd_config").write_text(config)
        with (self.folder / "sshd.log").open("wb") as log:
            command = [str(SSHD), "-D", "-e", "-f", str(self.folder / "sshd_config")]
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=log, start_new_session=True)
        deadline_s = time.monotonic() + _START_S
        while b"Server listening" not in (self.folder / "sshd.log").read_bytes():
            assert self._process.poll() is None, (self.folder / "sshd.log").read_text()
            assert time.monotonic() < deadline_s
            time.sleep(0.01)

    def stall(self) -> None:
        """Let nothing come from it any more; its connections stay."""
        self._signal_daemons(signal.SIGSTOP)

    def go_on(self) -> None:
        """End a stall."""
        self._signal_daemons(signal.SIGCONT)

    def disconnect(self) -> None:
        """End its sshd and all connections; whatever runs on it goes on."""
        self._signal_daemons(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()
            self._process = None

    def die(self) -> None:
        """End everything on it, as losing power does."""
        self.disconnect()
        while processes := self.processes():
            for process in processes:
                with contextlib.suppress(psutil.Error):
                    process.kill()
            psutil.wait_procs(processes, timeout=5)

    def processes(self) -> list[psutil.Process]:
        """Return what runs on it."""
        return [process for process in psutil.process_iter() if _mark_of(process) == self._mark]

    @property
    def _mark(self) -> str:
        return str(self.folder)

    def _signal_daemons(self, number: int) -> None:
        if self._process is None:
            return
        listener = psutil.Process(self._process.pid)
        for process in [listener, *listener.children(recursive=True)]:
            with contextlib.suppress(psutil.Error):
                if process == listener or process.name().startswith("sshd"):
                    process.send_signal(number)


def _mark_of(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(_MARK)
    except psutil.Error:
        return None


def _reserve() -> socket.socket:
    """Take a port of the loopback for as long as the socket lives: nobody is given it, and whoever names it may listen.

    Both sockets want to reuse the address, and this one does not listen (socket(7), SO_REUSEADDR).
    """
    reserved = socket.socket()
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    reserved.bind(("127.0.0.1", 0))
    return reserved


def free_port() -> int:
    """Return a port of the loopback that nobody uses at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@contextlib.contextmanager
def ssh_hosts(folder: Path, *names: str, environment: Mapping[str, str] | None = None) -> Iterator[list[SshHost]]:
    """Yield hosts that listen, are known, and have the Aforo under test."""
    own = {"AFORO_LOCK_FILE": str(folder / "measuring.lock")}  # they are one machine, and other tests none of theirs
    hosts = [SshHost(folder / name, name, {**own, **(environment or {})}) for name in names]
    try:
        for host in hosts:
            host.make_known()
            host.have_aforo()
            host.start()
        yield hosts
    finally:
        for host in hosts:
            host.die()
