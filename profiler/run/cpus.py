"""Which processors the load driver and the model server stay on, so that neither takes the other's."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from profiler.errors import UsageError

_CLIENT, _SERVER = "--client-cpus", "--server-cpus"


@dataclass(frozen=True)
class CpuSets:
    """Logical processors of each side, and why they are these; without any, the kernel decides."""

    reason: str
    client: tuple[int, ...] = ()
    server: tuple[int, ...] = ()
    warnings: tuple[str, ...] = ()


def parse_cpus(text: str, option: str, usable: frozenset[int] | None) -> tuple[int, ...]:
    """Read a list like `0-1,4`, as taskset(1) does. Raises `UsageError`."""
    if usable is None:
        raise UsageError(f"{option} {text}: only Linux can keep a process on chosen CPUs. Run without it.")
    cpus: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.strip().partition("-")
        last = last if dash else first
        if not (first.isdecimal() and last.isdecimal() and int(first) <= int(last)):
            raise UsageError(f"{option} {text}: expected CPUs like 0-1,4.")
        beyond = max(*usable, int(first)) + 1  # a number behind this one would say nothing more
        cpus.update(range(int(first), min(int(last), beyond) + 1))
    if unknown := cpus - usable:
        raise UsageError(
            f"{option} {text}: this process may not use CPU {format_cpus(unknown)}. It may use {format_cpus(usable)}."
        )
    return tuple(sorted(cpus))


def format_cpus(cpus: Iterable[int]) -> str:
    """Write processors as `parse_cpus` reads them."""
    runs = groupby(enumerate(sorted(cpus)), key=lambda pair: pair[1] - pair[0])
    ends = ([cpu for _, cpu in run] for _, run in runs)
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in ends)


def room_for_server(client: str | None, server: str | None, usable: frozenset[int] | None) -> int | None:
    """Return how many processors the options leave to the server; None where they say nothing. Raises `UsageError`."""
    if client is None and server is None:
        return None
    return len(_as_asked(client, server, usable).server)


def choose_cpus(
    client: str | None,
    server: str | None,
    usable: frozenset[int] | None,
    threads: int | None,
    workers: int,
    slow: Collection[int] = (),
) -> CpuSets:
    """Return the processors as asked for, or else disjoint ones where there are enough. Raises `UsageError`.

    Each client worker gets one of its own and the server all others, if these are more than the server's threads: one
    is for the profiler and the system. `threads` is None where nobody knows how many the server has. The client gets
    `slow` ones where there are any: each step of the server waits for the slowest of its threads.
    """
    if client is not None or server is not None:
        return _as_asked(client, server, usable)
    if usable is None:
        return CpuSets("not pinned: only Linux can keep a process on chosen CPUs")
    if threads is None:
        return CpuSets("not pinned: how many threads the server runs is not known")
    wanted = f"{_count(threads, 'server thread')}, {_count(workers, 'client worker')} and one to spare"
    if len(usable) < threads + workers + 1:
        return CpuSets(f"not pinned: {_count(len(usable), 'usable CPU')}, too few for {wanted}")
    ordered = sorted(usable, key=lambda cpu: (cpu in slow, cpu))
    reason = f"kept apart: {_count(len(usable), 'usable CPU')}, enough for {wanted}"
    return CpuSets(reason, tuple(ordered[-workers:]), tuple(sorted(ordered[:-workers])))


def _as_asked(client: str | None, server: str | None, usable: frozenset[int] | None) -> CpuSets:
    """Return what the options say; a side that they leave out gets the rest."""
    asked = [f"{option} {text}" for option, text in ((_CLIENT, client), (_SERVER, server)) if text is not None]
    client_cpus = () if client is None else parse_cpus(client, _CLIENT, usable)
    server_cpus = () if server is None else parse_cpus(server, _SERVER, usable)
    client_cpus = client_cpus or _rest(server_cpus, usable, asked[0], f"the load driver. Pass {_CLIENT} too")
    server_cpus = server_cpus or _rest(client_cpus, usable, asked[0], f"the model server. Pass {_SERVER} too")
    shared = set(client_cpus) & set(server_cpus)
    warning = (
        f"The load driver and the model server share CPU {format_cpus(shared)}, as asked: they take time from "
        "each other."
    )
    return CpuSets(f"as asked: {' '.join(asked)}", client_cpus, server_cpus, (warning,) if shared else ())


def _rest(taken: Sequence[int], usable: frozenset[int] | None, asked: str, other: str) -> tuple[int, ...]:
    rest = tuple(sorted((usable or frozenset()) - set(taken)))
    if not rest:
        raise UsageError(f"{asked}: that leaves no CPU of {format_cpus(usable or ())} to {other}.")
    return rest


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
