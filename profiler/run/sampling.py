"""Utilisation of CPUs, memory and GPUs, sampled and journaled in the profiler's own process, with the energy meters."""

from collections.abc import Collection, Sequence

import psutil

from profiler.energy.card_sources import Cards
from profiler.hosts.counters import HostCounters
from profiler.results.records import Sample
from profiler.run.context import RunContext
from profiler.timing.clock import Clock
from profiler.units import NS_PER_S, ns_to_s

SAMPLES_PER_S = 2
INTERVAL_NS = NS_PER_S // SAMPLES_PER_S


class Sampler:
    """Takes samples of the server's process tree, the host and the load driver."""

    def __init__(self, clock: Clock, server_pid: int | None, driver_pids: Sequence[int]) -> None:
        """Name the processes; rates need two looks, so the first one is taken here."""
        self._clock = clock
        self._server_pid = server_pid
        self._drivers = [psutil.Process(pid) for pid in driver_pids]
        self._counters = HostCounters()
        self._due_ns = 0
        self._tree: dict[int, psutil.Process] = {}
        self._last_ns = clock.monotonic_ns()
        self._last_server_s = self._server_cpu_s()
        self._last_driver_s = self._driver_cpu_s()
        self._last_host = psutil.cpu_times()

    def watch(self, server_pid: int) -> None:
        """Look at another server from now on: the one before it has been stopped."""
        self._server_pid, self._tree = server_pid, {}
        self._last_server_s = self._server_cpu_s()

    @property
    def server_pids(self) -> Collection[int]:
        """The server's process tree, as the last sample found it."""
        return self._tree.keys()

    def take_if_due(self) -> Sample | None:
        """Return a sample when the last one is old enough."""
        now_ns = self._clock.monotonic_ns()
        if now_ns < self._due_ns:
            return None
        self._due_ns = now_ns + INTERVAL_NS
        return self._take(now_ns)

    def _take(self, now_ns: int) -> Sample:
        elapsed_s = ns_to_s(now_ns - self._last_ns) or 1.0
        server_s, driver_s = self._server_cpu_s(), self._driver_cpu_s()
        host_ratio, steal_ratio = self._host_ratios()
        counted = self._counters.sample()
        sample = Sample(
            t_ns=now_ns,
            server_cpu_cores=_rate(self._last_server_s, server_s, elapsed_s),
            server_rss_bytes=self._server_rss_bytes(),
            host_cpu_ratio=host_ratio,
            host_steal_ratio=steal_ratio,
            client_cpu_cores=_rate(self._last_driver_s, driver_s, elapsed_s),
            cpu_frequency_mhz=counted.cpu_frequency_mhz,
            throttle_events=counted.throttle_events,
            tcp_retransmissions=counted.tcp_retransmissions,
            tcp_needless_retransmissions=counted.tcp_needless_retransmissions,
        )
        self._last_ns, self._last_server_s, self._last_driver_s = now_ns, server_s, driver_s
        return sample

    def _driver_cpu_s(self) -> float | None:
        times = [used for process in self._drivers if (used := _cpu_s(process)) is not None]
        return sum(times) if times else None

    def _server_cpu_s(self) -> float | None:
        """Return the processor time of the server's process tree, which is looked up anew each time."""
        if self._server_pid is None:
            return None
        try:
            root = self._tree.get(self._server_pid) or psutil.Process(self._server_pid)
            members = [root, *root.children(recursive=True)]
        except psutil.Error:
            self._tree = {}
            return None
        self._tree = {process.pid: self._tree.get(process.pid, process) for process in members}
        times = [used for process in self._tree.values() if (used := _cpu_s(process)) is not None]
        return sum(times) if times else None

    def _server_rss_bytes(self) -> int | None:
        sizes = []
        for process in self._tree.values():
            try:
                sizes.append(int(process.memory_info().rss))
            except psutil.Error:
                continue
        return sum(sizes) if sizes else None

    def _host_ratios(self) -> tuple[float | None, float | None]:
        """Return the share of all processors' time that was busy, and beside it the share that was stolen."""
        now, last = psutil.cpu_times(), self._last_host
        self._last_host = now
        # guest time is already contained in user time (proc(5))
        spent = {
            name: getattr(now, name) - getattr(last, name)
            for name in now._fields
            if name not in {"guest", "guest_nice"}
        }
        total_s = sum(spent.values())
        if total_s <= 0:
            return None, None
        steal = spent.get("steal")  # other guests' time, which no process here has used
        idle_s = spent.get("idle", 0.0) + spent.get("iowait", 0.0) + (steal or 0.0)
        return 1 - idle_s / total_s, None if steal is None else steal / total_s


class Recorder:
    """Journals what processes, host and meters show while a run goes on."""

    def __init__(self, run: RunContext, cards: Cards) -> None:
        """Look for the first time; the server has been started."""
        self._cards = cards
        server = run.plan.server
        self._sampler = Sampler(run.clock, server.pid if server else None, run.driver.pids)
        self._run = run

    def watch_server(self) -> None:
        """Look at the server that has been started anew."""
        if self._run.plan.server is not None:
            self._sampler.watch(self._run.plan.server.pid)

    def sample_if_due(self) -> None:
        """Take a sample and read the meters when the last sample is old enough. Raises `RecordError`."""
        if sample := self._sampler.take_if_due():
            sample.energy = self._run.meters.read()
            sample.cards = self._cards.read(self._sampler.server_pids)
            self._run.samples.append(sample)

    def read_meters(self) -> None:
        """Read the meters now, where a measured phase begins or ends; without any, do nothing. Raises `RecordError`."""
        if readings := self._run.meters.read():
            self._run.samples.append(Sample(t_ns=self._run.clock.monotonic_ns(), energy=readings))


def _cpu_s(process: psutil.Process) -> float | None:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return None
    return float(times.user + times.system)


def _rate(before_s: float | None, after_s: float | None, elapsed_s: float) -> float | None:
    """Return cores busy; a process that left the tree makes the difference negative, which says nothing."""
    if before_s is None or after_s is None or after_s < before_s:
        return None
    return (after_s - before_s) / elapsed_s
