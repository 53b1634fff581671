"""A host as the controller sees it: what its `aforo fleet-host` answers, over whatever transport."""

import sys
from collections.abc import Callable, Mapping
from typing import BinaryIO, TypeVar

import msgspec

from profiler.errors import HostError, HostLostError, HostRefusedError
from profiler.fleet.messages import (
    PROTOCOL,
    CheckAnswer,
    CheckRequest,
    Job,
    JobRequest,
    JobThere,
    StartAnswer,
    StartRequest,
    WaitRequest,
    decoded,
)
from profiler.fleet.schema import Host
from profiler.fleet.transport import Transport

T = TypeVar("T")

OnLine = Callable[[str], None]
_WAIT_S = 3_600.0  # then it is asked again: a call that never ends would hide a host that has forgotten us
_NOT_FOUND = {126, 127}  # of a shell: no such command, or none that can be run


class RemoteHost:
    """One host of a plan. Every method raises `HostLostError` and `HostRefusedError`, each with the host's name."""

    def __init__(self, host: Host, transport: Transport, silence_s: float) -> None:
        """Take the way to it; nothing is called yet."""
        self.host = host
        self.transport = transport
        self._silence_s = silence_s

    def check(self, request: CheckRequest, on_line: OnLine | None = None) -> CheckAnswer:
        """Ask what the host is and has; synthetic models are made there."""
        return self._ask("check", request, CheckAnswer, on_line)

    def start(self, request: StartRequest) -> StartAnswer:
        """Begin a job."""
        return self._ask("start", request, StartAnswer)

    def wait(self, job: Job, on_line: OnLine | None = None, for_s: float = _WAIT_S) -> JobThere:
        """Return once a job is not running any more, or after an hour, whatever it is then."""
        return self._ask("wait", WaitRequest(job=job, for_s=for_s), JobThere, on_line)

    def cancel(self, job: Job) -> JobThere:
        """Ask a job to end; from another thread than the one that waits for it."""
        return self._ask("cancel", JobRequest(job=job), JobThere)

    def collect(self, job: Job, output: BinaryIO) -> None:
        """Write what a job left, a tar, into `output`."""
        self._call("collect", JobRequest(job=job), None, output)

    def close(self) -> None:
        """Give up what is kept open."""
        self.transport.close()

    def _ask(self, verb: str, request: msgspec.Struct, kind: type[T], on_line: OnLine | None = None) -> T:
        data = self._call(verb, request, on_line)
        try:
            return decoded(data, kind)
        except ValueError as error:
            raise HostRefusedError(
                f"{self.host.name}: its answer to {verb} cannot be read ({error}): {_shown(data)}. Does 'aforo' there "
                "print something by itself, or is it another version? 'aforo fleet setup' installs this one."
            ) from None

    def _call(
        self, verb: str, request: msgspec.Struct, on_line: OnLine | None, output: BinaryIO | None = None
    ) -> bytes:
        argv = [*command_of(self.host), "fleet-host", verb]
        try:
            answer = self.transport.call(
                argv, stdin=msgspec.json.encode(request), timeout_s=self._silence_s, output=output, on_line=on_line
            )
        except HostError as error:
            raise type(error)(f"{self.host.name}: {error}") from error
        if answer.exit_code in _NOT_FOUND:
            raise HostRefusedError(
                f"{self.host.name}: there is no command {argv[0]} there ({_shown(answer.stderr)}). 'aforo fleet setup' "
                "installs it, or 'aforo' of the host in the plan names it."
            )
        if answer.exit_code:
            kind = HostLostError if verb == "collect" else HostRefusedError
            raise kind(f"{self.host.name}: {verb} ended with exit code {answer.exit_code}: {_shown(answer.stderr)}")
        return answer.stdout


def command_of(host: Host) -> list[str]:
    """Return the host's command, word by word."""
    if host.aforo is not None:
        return list(host.aforo)
    return [sys.executable, "-P", "-m", "profiler"] if host.transport == "local" else ["aforo"]


def environment_of(host: Host, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that a host is to have, from those of here. Raises `HostRefusedError` for unset ones."""
    names = host.environment or []
    missing = [name for name in names if name not in environment]
    if missing:
        raise HostRefusedError(
            f"{host.name}: its 'environment' names {', '.join(missing)}, which is not set here. Set it before the "
            "call, or take the name out of the plan."
        )
    return {name: environment[name] for name in names}


def other_code(answer: CheckAnswer, code_sha256: str) -> str | None:
    """Say that a host of this very version runs other code; None where it does not, or has not told."""
    if answer.code_sha256 in {None, code_sha256}:
        return None
    return (
        f"it has Aforo {answer.version} as this is, but other code: its numbers may be of another kind. 'aforo fleet "
        "setup' installs this one there, or install the same in both places."
    )


def understood(answer: CheckAnswer, version: str) -> str | None:
    """Say what is wrong with the version of a host; None where it is this one."""
    if answer.protocol == PROTOCOL and answer.version == version:
        return None
    return (
        f"it has Aforo {answer.version}, and this is {version}: their numbers would not be of one kind. 'aforo fleet "
        "setup' installs this version there."
    )


def _shown(text: str | bytes) -> str:
    """Return the end of what somebody said, on one line."""
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    return (lines[-1] if lines else "it said nothing")[-400:]
