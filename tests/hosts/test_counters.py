"""What changes while a host works, from files laid out as the kernel has them."""

from collections.abc import Callable

from support.recorded_host import Recording

from profiler.hosts.counters import HostCounters

CPU = "sys/devices/system/cpu"
SNMP = """Ip: Forwarding DefaultTTL
Ip: 1 64
Tcp: RtoAlgorithm RtoMin RtoMax MaxConn OutSegs RetransSegs InErrs
Tcp: 1 200 120000 -1 3833 {count} 0
Udp: InDatagrams
Udp: 7
"""


def test_a_guest_that_prints_the_nominal_frequency_has_none(recording: Callable[[str], Recording]) -> None:
    """Its /proc/cpuinfo says 2100.000 MHz for ever: no 'aperfmperf' among the flags."""
    assert HostCounters(recording("x86-guest").root).sample() == (None, None, None, None)


def test_with_its_counters_the_kernel_prints_the_real_frequency(empty: Recording) -> None:
    text = "processor : {}\nflags : fpu aperfmperf\ncpu MHz\t\t: {}\n\n"
    empty.write("proc/cpuinfo", text.format(0, "3000.125") + text.format(1, "1000.125"))
    signs = HostCounters(empty.root)
    assert signs.sample().cpu_frequency_mhz == 2000.125
    empty.write("proc/cpuinfo", text.format(0, "2500.000"))
    assert signs.sample().cpu_frequency_mhz == 2500.0
    empty.write("proc/cpuinfo", text.format(0, "2.5.0") + "cpu MHz : 99")  # garbage, and a line that was cut off
    assert signs.sample().cpu_frequency_mhz is None


def test_a_frequency_driver_comes_first(empty: Recording) -> None:
    empty.write("proc/cpuinfo", "processor : 0\nflags : aperfmperf\ncpu MHz : 99.0\n\n")
    for cpu, khz in ((0, "1000000"), (1, "2000000"), (2, "<unknown>")):
        empty.write(f"{CPU}/cpu{cpu}/cpufreq/scaling_cur_freq", khz)
    assert HostCounters(empty.root).sample().cpu_frequency_mhz == 1500.0


def test_of_many_cpus_a_few_are_looked_at_spread_over_all(empty: Recording) -> None:
    for cpu in range(64):
        empty.write(f"{CPU}/cpu{cpu}/cpufreq/scaling_cur_freq", f"{cpu + 1}000")
    # Every eighth in the order of the names: 0, 16, 23, 30, 38, 45, 52, 6; the mean of one more each is 27.25.
    assert HostCounters(empty.root).sample().cpu_frequency_mhz == 27.25


def test_a_core_and_a_package_count_once(empty: Recording) -> None:
    """Two cores of two threads in one package: each thread shows its core's count and the package's."""
    for cpu in range(4):
        core = cpu // 2
        empty.write(f"{CPU}/cpu{cpu}/topology/thread_siblings_list", f"{core * 2}-{core * 2 + 1}")
        empty.write(f"{CPU}/cpu{cpu}/topology/physical_package_id", "0")
        empty.write(f"{CPU}/cpu{cpu}/thermal_throttle/core_throttle_count", str(3 + core))
        empty.write(f"{CPU}/cpu{cpu}/thermal_throttle/core_power_limit_count", "1")
        empty.write(f"{CPU}/cpu{cpu}/thermal_throttle/package_throttle_count", "10")
        empty.write(f"{CPU}/cpu{cpu}/thermal_throttle/core_throttle_total_time_ms", "9999")
    # Cores 3 + 4, their power limits 1 + 1, the package 10; times are no counts.
    signs = HostCounters(empty.root)
    assert signs.sample().throttle_events == 19
    empty.write(f"{CPU}/cpu2/thermal_throttle/core_throttle_count", "6")
    assert signs.sample().throttle_events == 21


def test_without_a_topology_every_cpu_counts(empty: Recording) -> None:
    for cpu in range(2):
        empty.write(f"{CPU}/cpu{cpu}/thermal_throttle/core_throttle_count", "2")
    assert HostCounters(empty.root).sample().throttle_events == 4


def test_segments_sent_again_without_a_loss_are_counted_apart(empty: Recording) -> None:
    """Duplicate SACKs (segments that had arrived) and knocks at a full backlog; both columns are needed."""
    signs = HostCounters(empty.root)
    assert signs.sample().tcp_needless_retransmissions is None
    empty.write(
        "proc/net/netstat", "TcpExt: TCPDSACKRecv TCPLossProbes TCPSynRetrans\nTcpExt: 38 40 4\nIpExt: X\nIpExt: 1\n"
    )
    assert signs.sample().tcp_needless_retransmissions == 38 + 4
    empty.write("proc/net/netstat", "TcpExt: TCPDSACKRecv\nTcpExt: 38\n")
    assert signs.sample().tcp_needless_retransmissions is None


def test_segments_sent_again_are_found_by_name(empty: Recording) -> None:
    signs = HostCounters(empty.root)
    assert signs.sample().tcp_retransmissions is None
    empty.write("proc/net/snmp", SNMP.format(count=6))
    assert signs.sample().tcp_retransmissions == 6
    empty.write("proc/net/snmp", "Tcp: RtoMin\nTcp: 200\n")  # a kernel without the column
    assert signs.sample().tcp_retransmissions is None
    empty.write("proc/net/snmp", "Tcp: RetransSegs\n")
    assert signs.sample().tcp_retransmissions is None
