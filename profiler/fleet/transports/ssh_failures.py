"""What OpenSSH says where it does not reach a host, and what is to be done. Its messages are English everywhere."""

import re
from collections.abc import Iterable

from profiler.errors import HostError, HostLostError, HostRefusedError

# (what a line of ssh says, kind of error, sentence). The first that is found counts, so the more telling come first.
_TABLE: tuple[tuple[str, type[HostError], str], ...] = (
    (
        r"REMOTE HOST IDENTIFICATION HAS CHANGED|[Hh]ost key .*has changed",
        HostRefusedError,
        "{host}: its host key is not the one that is known. The machine was set up anew, or another one answers in its "
        "place: ask whoever runs it. If that is as it should be, forget the old key ('ssh-keygen -R {name}') and "
        "connect once by hand ('ssh {by_hand}').",
    ),
    (
        r"Host key verification failed|No \S+ host key is known",
        HostRefusedError,
        "{host}: its host key is not known here. Connect once by hand ('ssh {by_hand}') and compare the fingerprint, "
        "or put its key into ~/.ssh/known_hosts.",
    ),
    (
        r"Temporary failure in name resolution",
        HostLostError,
        "{host}: names cannot be looked up at the moment. See that the network of this machine works.",
    ),
    (
        r"Could not resolve hostname",
        HostRefusedError,
        "{host}: there is no host of this name. Correct 'address' in the plan, or name it in ~/.ssh/config.",
    ),
    (
        r"UNPROTECTED PRIVATE KEY FILE|: bad permissions",
        HostRefusedError,
        "{host}: ssh does not use a key that others may read. Keep it to yourself: chmod 600 ~/.ssh/KEY",
    ),
    (
        r"Identity file .* not accessible",
        HostRefusedError,
        "{host}: the key that 'ssh_options' names is not on this machine. Correct its path in the plan.",
    ),
    (
        r"Unable to negotiate",
        HostRefusedError,
        "{host}: its ssh server and this client have no method in common. Allow one that it offers in the plan, "
        "such as ssh_options: ['HostKeyAlgorithms=+ssh-rsa'].",
    ),
    (
        r"Permission denied|Too many authentication failures|No supported authentication methods",
        HostRefusedError,
        "{host}: it accepts no key of ours. Put the public key into its ~/.ssh/authorized_keys "
        "('ssh-copy-id {by_hand}'), "
        "start ssh-agent if the key has a passphrase, or name another key in the plan: "
        "ssh_options: ['IdentityFile=~/.ssh/KEY'].",
    ),
    (
        r"Bad configuration option|Bad owner or permissions|terminating, \d+ bad configuration|[Uu]nsupported option"
        r"|keyword .* extra arguments|[Mm]issing argument|[Bb]ad number|no argument after keyword",
        HostRefusedError,
        "{host}: ssh cannot use its configuration. Correct 'ssh_options' in the plan, or ~/.ssh/config.",
    ),
    (
        r"Connection refused",
        HostLostError,
        "{host}: nothing listens there. Start its ssh server, or correct the port in 'address'.",
    ),
    (
        r"timed out|not responding|No route to host|[Nn]etwork is (?:unreachable|down)|[Hh]ost is down",
        HostLostError,
        "{host}: nothing comes back from it. See that it is running, and that network and firewall let ssh through.",
    ),
)


def error_of(host: str, name: str, by_hand: str, lines: Iterable[str]) -> HostError:
    """Return what the lines that ssh wrote mean. `name` is what known_hosts calls the host,
    `by_hand` what a person says to ssh.
    """
    said = [line.strip() for line in lines if line.strip()]
    text = "\n".join(said)
    last = said[-1] if said else "ssh said nothing"
    for pattern, kind, sentence in _TABLE:
        if re.search(pattern, text):
            return kind(f"{sentence.format(host=host, name=name, by_hand=by_hand)} (ssh: {_telling(pattern, said)})")
    return HostLostError(f"{host}: the connection failed. (ssh: {last})")


def _telling(pattern: str, said: list[str]) -> str:
    return next(line for line in said if re.search(pattern, line)).removeprefix("ssh: ")
