"""What the host and the wire say of a run. The only request is steady from 0 to 30 ms."""

import pytest
from support.builders import MS, manifest, observed, request

from profiler.aggregation.observations import Observations
from profiler.metrics.registry import NotMeasuredError
from profiler.metrics.trust import (
    cpu_frequency_mhz,
    cpu_slowdown_ratio,
    is_emulated_host,
    is_performance_governor,
    tcp_retransmission_ratio,
    throttle_events,
    wire_timestamp_error_us,
)
from profiler.results.host_facts import CpuFacts, HostFacts, VirtualisationFacts
from profiler.results.points import points_of
from profiler.results.records import Sample
from profiler.summaries.collect import Collected
from profiler.wire_audit.audit import Audit, Spread

ONLY = points_of(manifest())[0]


def sample(t_ms: float, **fields: float | int | None) -> Sample:
    return Sample(
        t_ns=round(t_ms * MS),
        server_cpu_cores=None,
        server_rss_bytes=None,
        host_cpu_ratio=None,
        host_steal_ratio=None,
        client_cpu_cores=None,
        **fields,  # type: ignore[arg-type]
    )


def with_frequencies(*mhz: float | None) -> Observations:
    """One sample a millisecond, from 1 ms on."""
    return observed([request()], samples=[sample(i + 1, cpu_frequency_mhz=value) for i, value in enumerate(mhz)])


def test_the_frequency_is_the_mean_within_the_steady_windows() -> None:
    samples = [sample(-1, cpu_frequency_mhz=9.0), sample(10, cpu_frequency_mhz=2000.0)]
    samples += [sample(20, cpu_frequency_mhz=3000.0), sample(25), sample(31, cpu_frequency_mhz=9.0)]
    assert cpu_frequency_mhz(observed([request()], samples=samples)) == 2500.0


def test_slowing_down_compares_the_last_quarter_with_the_first() -> None:
    # Quarters of two: first mean 3000, last mean 2400, so 1 − 2400/3000.
    assert cpu_slowdown_ratio(with_frequencies(2900, 3100, 1, 1, 1, 1, 2300, 2500)) == pytest.approx(0.2)
    assert cpu_slowdown_ratio(with_frequencies(*[2000.0] * 4, *[3000.0] * 4)) == 0.0


def test_too_few_samples_of_the_frequency_show_no_trend() -> None:
    with pytest.raises(NotMeasuredError, match="only 7 samples"):
        cpu_slowdown_ratio(with_frequencies(*[3000.0] * 7))


def test_a_host_that_does_not_tell_its_frequency() -> None:
    for measure in (cpu_frequency_mhz, cpu_slowdown_ratio):
        with pytest.raises(NotMeasuredError, match="does not report"):
            measure(with_frequencies(None, None))


@pytest.mark.parametrize(("governor", "expected"), [("performance", 1), ("powersave", 0), ("performance+powersave", 0)])
def test_the_governor(governor: str, expected: float) -> None:
    run = manifest().model_copy(update={"host": HostFacts(cpu=CpuFacts(governor=governor))})
    assert is_performance_governor(Collected(run, [request()], [], []).point(ONLY)) == expected


def test_a_governor_that_is_not_shown() -> None:
    with pytest.raises(NotMeasuredError, match="shows no frequency governor"):
        is_performance_governor(Collected(manifest(), [request()], [], []).point(ONLY))


@pytest.mark.parametrize(("emulated", "expected"), [(True, 1), (False, 0), (None, 0)])
def test_an_emulated_host(emulated: bool | None, expected: float) -> None:
    run = manifest().model_copy(update={"host": HostFacts(virtualisation=VirtualisationFacts(emulated=emulated))})
    assert is_emulated_host(Collected(run, [request()], [], []).point(ONLY)) == expected


def test_whether_a_host_elsewhere_is_emulated_is_not_known() -> None:
    engine = manifest().engine.model_copy(update={"url": "http://far:80/v1", "is_remote": True})
    run = manifest().model_copy(
        update={"host": HostFacts(virtualisation=VirtualisationFacts(emulated=True)), "engine": engine}
    )
    with pytest.raises(NotMeasuredError, match="nothing is known"):
        is_emulated_host(Collected(run, [request()], [], []).point(ONLY))


def test_counters_grow_from_the_sample_before_a_window_to_the_one_after_it() -> None:
    counts = [(-500, 1), (-5, 4), (10, 4), (40, 9), (500, 100)]  # the window is 0 to 30 ms: from 4 to 9
    samples = [
        sample(t_ms, throttle_events=count, tcp_retransmissions=count, tcp_needless_retransmissions=3)
        for t_ms, count in counts
    ]
    seen = observed([request()], samples=samples)
    assert throttle_events(seen) == 5
    assert tcp_retransmission_ratio(seen) == 5.0


def test_probes_of_segments_that_had_arrived_are_no_losses() -> None:
    # 38 sent again, of which the receiver had 38 already: the client was late to acknowledge, nothing was lost.
    for needless, ratio in ((38, 0.0), (36, 2.0), (39, 0.0)):
        samples = [
            sample(-5, tcp_retransmissions=100, tcp_needless_retransmissions=60),
            sample(40, tcp_retransmissions=138, tcp_needless_retransmissions=60 + needless),
        ]
        assert tcp_retransmission_ratio(observed([request()], samples=samples)) == ratio


def test_a_run_that_did_not_count_them_apart_blames_nobody() -> None:
    """Samples of earlier versions: where nothing was sent again there is nothing to tell apart."""
    grown = [sample(-5, tcp_retransmissions=1), sample(40, tcp_retransmissions=3)]
    with pytest.raises(NotMeasuredError, match="not counted which segments"):
        tcp_retransmission_ratio(observed([request()], samples=grown))
    still = [sample(-5, tcp_retransmissions=1), sample(40, tcp_retransmissions=1)]
    assert tcp_retransmission_ratio(observed([request()], samples=still)) == 0.0


def test_at_the_edges_of_a_run_the_nearest_samples_are_taken() -> None:
    inside = [sample(10, throttle_events=4), sample(20, throttle_events=6)]
    assert throttle_events(observed([request()], samples=inside)) == 2


def counted(t_ms: float, sent_again: int) -> Sample:
    return sample(t_ms, tcp_retransmissions=sent_again, tcp_needless_retransmissions=0)


def test_counters_are_added_up_over_the_repeats_and_not_between_them() -> None:
    requests = [request(0), request(1, phase="repeat-2", sent_ms=1000)]
    counts = [(-1, 0), (31, 1), (999, 50), (1031, 53)]
    seen = observed(requests, samples=[counted(t, n) for t, n in counts], repeats=2)
    assert tcp_retransmission_ratio(seen) == (1 + 3) / 2


def test_counters_that_cannot_be_compared() -> None:
    for measure in (throttle_events, tcp_retransmission_ratio):
        with pytest.raises(NotMeasuredError, match=r"counts no throttling|cannot be read"):
            measure(observed([request()], samples=[sample(10)]))
    with pytest.raises(NotMeasuredError, match="too few samples"):
        throttle_events(observed([request()], samples=[sample(10, throttle_events=1)]))
    with pytest.raises(NotMeasuredError, match="no steady state"):
        throttle_events(observed([], samples=[sample(10, throttle_events=1)]))


def wired(agrees: bool | None, arrival_us: float = 4.0, sent_us: float = 3.0) -> Observations:
    spreads = [Spread(10, 1.0, p99_us, p99_us) for p99_us in (arrival_us, sent_us)]
    outcome = Audit(20, 0, 10, 10, 0, *spreads, agrees=agrees, verdict="The capture was cut off.")
    return Collected(manifest(), [request()], [], [], outcome).point(ONLY)


def test_the_wire_counts_with_the_larger_error() -> None:
    assert wire_timestamp_error_us(wired(True)) == 4.0
    assert wire_timestamp_error_us(wired(False, 4.0, 300.0)) == 300.0


def test_a_wire_that_was_not_captured_or_cannot_tell() -> None:
    with pytest.raises(NotMeasuredError, match="without --wire-audit"):
        wire_timestamp_error_us(observed([request()]))
    with pytest.raises(NotMeasuredError, match="cut off"):
        wire_timestamp_error_us(wired(None))
