"""Counters of a host while it works: CPU frequency, throttling, TCP retransmissions, from a few small files."""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from profiler.hosts.tree import Tree, whole_number

_CPU = "sys/devices/system/cpu"
_MOST_CPUS = 8  # whose frequency is read: the mean of a few spread over the host is near that of all
_CPUINFO = "proc/cpuinfo"
_NEEDLESS = ("TCPDSACKRecv", "TCPSynRetrans")
"""Segments sent again without the loss of data: those of which the receiver reports that it had them already (duplicate
SACK, RFC 2883), as tail loss probes are that overtake a delayed acknowledgement (RFC 8985); and knocks at a server that
is too busy to accept a connection. Linux, Documentation/networking/snmp_counter.rst."""
_CPUINFO_CHARACTERS = 1 << 16  # the kernel writes as far as it is read: some 40 CPUs


class Counted(NamedTuple):
    """One sample; `None` where this host has no such counter."""

    cpu_frequency_mhz: float | None  # mean of the CPUs that were looked at
    throttle_events: int | None  # since the start of the host
    tcp_retransmissions: int | None  # segments sent again, likewise
    tcp_needless_retransmissions: int | None  # of these, the ones that no loss made necessary, likewise


class HostCounters:
    """Finds the files once, so that a sample reads a handful."""

    def __init__(self, root: Path = Path("/")) -> None:
        """Find the files under `root`."""
        self._tree = Tree(root)
        self._frequencies = _a_few(list(self._tree.matching(f"{_CPU}/cpu[0-9]*/cpufreq/scaling_cur_freq")))
        # Without these counters the kernel prints the nominal frequency, whatever the real one is.
        self._prints_frequency = not self._frequencies and "aperfmperf" in self._cpuinfo()
        self._throttles = _throttle_counters(self._tree)

    def sample(self) -> Counted:
        """Read them."""
        sent_again = _counter(self._tree, "proc/net/snmp", "Tcp:", ("RetransSegs",))
        needless = _counter(self._tree, "proc/net/netstat", "TcpExt:", _NEEDLESS)
        return Counted(self._frequency_mhz(), self._throttle_events(), sent_again, needless)

    def _frequency_mhz(self) -> float | None:
        read_khz = [khz for path in self._frequencies if (khz := self._tree.number(path))]
        if read_khz:
            return fmean(read_khz) / 1_000
        return _printed_mhz(self._cpuinfo()) if self._prints_frequency else None

    def _throttle_events(self) -> int | None:
        counts = [count for path in self._throttles if (count := self._tree.number(path)) is not None]
        return sum(counts) if counts else None

    def _cpuinfo(self) -> str:
        try:
            with (self._tree.root / _CPUINFO).open(encoding="utf-8", errors="replace") as file:
                return file.read(_CPUINFO_CHARACTERS)
        except OSError:
            return ""


def _a_few(paths: list[str]) -> list[str]:
    """Choose a few, evenly."""
    count = min(len(paths), _MOST_CPUS)
    return [paths[position * len(paths) // count] for position in range(count)]


def _printed_mhz(cpuinfo: str) -> float | None:
    """Mean of the lines `cpu MHz : 2445.428` (proc(5)); the last line may be cut off."""
    pairs = (line.partition(":") for line in cpuinfo.split("\n")[:-1])
    texts = [text.strip() for key, _, text in pairs if key.strip() == "cpu MHz"]
    printed = [float(text) for text in texts if text.replace(".", "", 1).isdigit()]
    return fmean(printed) if printed else None


def _throttle_counters(tree: Tree) -> list[str]:
    """Find the counters of slowing by heat and by power limits, each core's and each package's once.

    x86 only; Linux, drivers/thermal/intel/therm_throt.c.
    """
    found: dict[tuple[str, str], str] = {}
    for path in tree.matching(f"{_CPU}/cpu[0-9]*/thermal_throttle/*_count"):
        cpu, _, name = path.partition("/thermal_throttle/")
        place = "physical_package_id" if name.startswith("package") else "thread_siblings_list"
        found.setdefault((name, tree.text(f"{cpu}/topology/{place}") or cpu), path)
    return list(found.values())


def _counter(tree: Tree, path: str, table: str, names: Sequence[str]) -> int | None:
    """Sum of counters of a table under /proc/net (proc(5)): a line of names, then one of numbers."""
    lines = [line.split() for line in (tree.text(path) or "").splitlines() if line.startswith(table)]
    if len(lines) != 2:
        return None
    known = dict(zip(*lines, strict=False))
    counts = [whole_number(known.get(name)) for name in names]
    found = [count for count in counts if count is not None]
    return sum(found) if len(found) == len(names) else None
