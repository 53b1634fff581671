"""Whole machines with GPUs, by hand. Every window is 60 s."""

import pytest
from support.energy import meter, reading

from profiler.energy import band
from profiler.energy.account import Account, Seen, accounts, headline, whole_machine
from profiler.energy.meters import describe
from profiler.results.host_facts import CloudFacts, CpuFacts, GpuFacts, HostFacts, MemoryFacts
from profiler.results.manifest import EnergyFacts, MeterFacts, PowerEstimate
from profiler.results.records import EnergyReading
from profiler.stats.ranges import Range

S = 1_000_000_000
A10G = GpuFacts(index=0, source="nvml", name="NVIDIA A10G", power_limit_w=300.0)
H100S = [GpuFacts(index=i, source="nvml", name="NVIDIA H100 80GB HBM3", power_limit_w=700.0) for i in range(8)]
FOUR_VCPUS = PowerEstimate(name="a model", idle_w=(4, 8), full_w=(16, 30), method="")
TWO_PROCESSORS = PowerEstimate(name="a model", idle_w=(200, 500), full_w=(582, 1743), method="")


def steady(channel: str, power_w: float) -> list[EnergyReading]:
    return [reading(channel, t, power_w * t) for t in range(101)]


def accounts_of(
    gpus: list[GpuFacts],
    estimate: PowerEstimate,
    busy: float,
    powers_w: dict[str, float],
    *,
    absent: dict[str, str] | None = None,
    scopes: dict[str, str] | None = None,
) -> list[Account]:
    meters = [_meter(channel, scopes or {}) for channel in powers_w]
    readings = [r for channel, power_w in powers_w.items() for r in steady(channel, power_w)]
    seen = Seen(readings, [(20 * S, 80 * S)], Range.exact(busy), [(0, 10 * S)], Range.exact(0.0), gpus)
    return accounts(EnergyFacts(meters=meters, estimates=[estimate], absent=absent or {}), seen)


def _meter(channel: str, scopes: dict[str, str]) -> MeterFacts:
    meter_class = "wall" if channel == "wall" else "model" if channel == "codecarbon" else "counter"
    default = {"wall": "whole machine", "codecarbon": "whole machine"}.get(channel, "GPU boards")
    return meter(channel, meter_class, scopes.get(channel, default))


def ends(found: Range | None) -> tuple[float, float]:
    assert found is not None
    return found.low, found.high


def test_one_card_and_four_vcpus() -> None:
    found = accounts_of([A10G], FOUR_VCPUS, 0.5, {"nvml:0:counter": 200})
    boards, whole = found
    assert headline(found) is boards
    assert (boards.scope, boards.gross_j) == ("GPU boards", Range.exact(12_000))
    # half busy the processors draw 10 to 19 W: 600 to 1,140 J; all else up to 0.890625 × 300 W: 16,031.25 J
    assert (whole.meter_class, whole.scope) == ("model", "whole machine")
    assert ends(whole.gross_j) == (12_600, pytest.approx(12_000 + 1_140 + 16_031.25))
    assert whole.gross_j is not None
    assert whole.gross_j.value is None
    # idle: the same card at 200 W, 4 to 8 W, and the fans
    assert ends(whole.idle_j) == (12_240, pytest.approx(12_000 + 480 + 16_031.25))
    assert {name: ends(part) for name, part in whole.parts.items()} == {
        "GPU boards (counter)": (12_000, 12_000),
        "CPUs and memory": (600, 1_140),
        "fans, switches, network and power supplies": (0, pytest.approx(16_031.25)),
    }
    assert whole_machine(found) is whole


def test_eight_cards_in_a_dgx() -> None:
    found = accounts_of(H100S, TWO_PROCESSORS, 1.0, {f"nvml:{i}:counter": 690 for i in range(8)})
    boards, whole = found
    # 8 × 690 W = 5,520 W; + 582 to 1,743 W of processors and memory; + up to 0.890625 × 5,600 W = 4,987.5 W
    assert boards.gross_j == Range.exact(5_520 * 60)
    low_j, high_j = ends(whole.gross_j)
    assert (low_j / 60, high_j / 60) == (pytest.approx(6_102), pytest.approx(12_250.5))
    # its data sheet says 10,200 W at the most
    assert low_j / 60 < 10_200 < high_j / 60


@pytest.mark.parametrize("absent", [{"nvml": "this machine has no NVIDIA driver"}, {"nvml:0": "cut into MIG slices"}])
def test_a_card_that_nobody_read_leaves_no_whole_machine(absent: dict[str, str]) -> None:
    (model,) = accounts_of([A10G], FOUR_VCPUS, 0.5, {}, absent=absent)
    assert (model.scope, model.gross_j) == ("machine without its GPUs", None)
    (reason,) = absent.values()
    assert model.notes[0] == (
        f"this host has 1 GPU (NVIDIA A10G) whose energy was not read ({reason}), and a model of its CPUs alone "
        "is not the machine"
    )
    assert headline([model]) is None


def test_a_counter_that_never_moves_is_the_reason() -> None:
    model = accounts_of([A10G], FOUR_VCPUS, 0.5, {"nvml:0:counter": 0})[-1]
    assert "was not read (nvml:0:counter: its counter did not move in 60 s of steady load" in model.notes[0]


def test_codecarbon_does_not_stand_for_a_machine_with_a_card() -> None:
    (model,) = accounts_of([A10G], FOUR_VCPUS, 0.5, {"codecarbon": 45})
    assert (model.gross_j, set(model.parts)) == (None, {"a model"})
    assert describe([_meter("codecarbon", {})], [FOUR_VCPUS], {}, has_gpus=True).scope == "machine without its GPUs"


def test_of_cards_that_count_only_in_part_the_machine_is_not_known() -> None:
    found = accounts_of(H100S, TWO_PROCESSORS, 1.0, {"nvml:0:counter": 690})
    assert headline(found) is not None
    assert whole_machine(found) is None
    assert found[-1].notes[0].startswith("1 of 8 GPUs (NVIDIA H100 80GB HBM3) were read")


def test_without_a_power_limit_the_rest_is_not_known() -> None:
    found = accounts_of([GpuFacts(index=0, source="pci")], FOUR_VCPUS, 0.5, {"nvml:0:counter": 200})
    assert whole_machine(found) is None
    assert "of unknown power limit" in found[-1].notes[0]


def test_a_wall_meter_is_the_whole_machine() -> None:
    found = accounts_of([A10G], FOUR_VCPUS, 0.5, {"wall": 350, "nvml:0:counter": 200})
    whole = whole_machine(found)
    assert whole is not None
    assert whole.meter_class == "wall"


def test_a_superchips_module_has_its_processors_in_it() -> None:
    found = accounts_of(
        [GpuFacts(index=0, source="nvml", name="NVIDIA GH200 480GB", power_limit_w=900.0)],
        TWO_PROCESSORS,
        1.0,
        {"nvml:0:counter": 600},
        scopes={"nvml:0:counter": "GPU modules"},
    )
    whole = whole_machine(found)
    assert whole is not None
    # no processors beside the module; all else up to 0.890625 × 900 W
    assert ends(whole.gross_j) == (36_000, pytest.approx(36_000 + 0.890625 * 900 * 60))


def test_packages_of_amd_cards_stand_for_their_boards() -> None:
    """As hwmon or amdsmi read them, with the power limit that the driver shows."""
    cards = [GpuFacts(index=i, source="pci", name="AMD Instinct MI300X", power_limit_w=750.0) for i in (0, 1)]
    scopes = {f"amdsmi:{i}:counter": "GPU packages" for i in (0, 1)}
    found = accounts_of(cards, TWO_PROCESSORS, 1.0, dict.fromkeys(scopes, 500), scopes=scopes)
    packages, whole = found[0], whole_machine(found)
    assert (packages.scope, packages.gross_j) == ("GPU packages", Range.exact(60_000))
    assert whole is not None
    # 1,000 W, 582 to 1,743 W of processors and memory, and up to 0.890625 × 1,500 W
    assert ends(whole.gross_j) == (1_582 * 60, pytest.approx((1_000 + 1_743 + 0.890625 * 1_500) * 60))


def test_counted_processors_beside_a_card_that_nobody_read() -> None:
    found = accounts_of([A10G], FOUR_VCPUS, 0.5, {"rapl:package-0": 50}, scopes={"rapl:package-0": "CPU packages"})
    assert found[0].notes == ("the GPUs of this host were not read and are no part of it",)
    assert whole_machine(found) is None


@pytest.mark.parametrize(("counted_w", "low_w", "high_w"), [(10, 10, 19), (15, 15, 19), (100, 100, 100)])
def test_a_whole_is_never_below_its_part(counted_w: float, low_w: float, high_w: float) -> None:
    found = accounts_of([], FOUR_VCPUS, 0.5, {"rapl:package-0": counted_w}, scopes={"rapl:package-0": "CPU packages"})
    packages, whole = found
    assert packages.gross_j == Range.exact(counted_w * 60)
    assert ends(whole.gross_j) == (low_w * 60, high_w * 60)


GIB = 2**30


def host(
    design: str, vcpus: int, memory_gib: int, card: str, limit_w: float, cards: int, instance: str | None
) -> HostFacts:
    """A GPU host as its provider, or its maker, describes it."""
    return HostFacts(
        machine="x86_64",
        cpu=CpuFacts(microarchitecture=design, logical_cpus=vcpus, threads_per_core=2),
        memory=MemoryFacts(total_bytes=memory_gib * GIB),
        gpus=[GpuFacts(index=i, source="nvml", name=card, power_limit_w=limit_w) for i in range(cards)],
        cloud=CloudFacts(provider="aws" if instance else None, instance_type=instance),
    )


# What the machines are: EC2's pages of the instance types (processor, vCPUs, memory, cards); the limits of the boards
# as nvidia-smi shows them (A10G), else from data sheets (L4, H100 SXM; DGX H100: 2 Xeon 8480C, 2 TB, 10,200 W at most).
MACHINES = {
    "g5.xlarge": host("zen2", 4, 16, "NVIDIA A10G", 300, 1, "g5.xlarge"),
    "g6.xlarge": host("zen3", 4, 16, "NVIDIA L4", 72, 1, "g6.xlarge"),
    "p5.48xlarge": host("zen3", 192, 2048, "NVIDIA H100 80GB HBM3", 700, 8, "p5.48xlarge"),
    "DGX H100": host("sapphirerapids", 224, 2048, "NVIDIA H100 80GB HBM3", 700, 8, None),
}


@pytest.mark.parametrize(
    ("machine", "board_w", "processors_w", "supplies_w"),
    [
        # Processors and memory fully busy, the hull of two estimates; memory draws 0.392 W per GB of 10⁹ bytes.
        # g5.xlarge, EPYC 7R32: coefficients 4 × 1.69296 = 6.7718 W. Share of the TDP: 4 × 200/128 to 4 × 225/128 W,
        # and 17.1799 GB: 6.7345 W; (6.25 + 6.7345) × 0.891 = 11.569 to (7.03125 + 6.7345) × 1.2 = 16.519 W.
        # Beside them up to 0.890625 × 300 = 267.1875 W.
        ("g5.xlarge", 250.0, (6.7718, 16.519), 267.1875),
        # g6.xlarge, EPYC 7R13: 4 × 1.957334 = 7.8293 W; 4 × 280/128 = 8.75 W, and memory as above:
        # 15.4845 × 0.863 = 13.363 to 15.4845 × 1.27 = 19.665 W. Beside them up to 0.890625 × 72 = 64.125 W.
        ("g6.xlarge", 70.0, (7.8293, 19.665), 64.125),
        # p5.48xlarge, EPYC 7R13: 192 × 1.957334 = 375.81 W; 192 × 280/128 = 420 W, 2,199.02 GB: 862.02 W;
        # 1,282.02 × 0.863 = 1,106.4 to 1,282.02 × 1.27 = 1,628.2 W. Beside them up to 0.890625 × 5,600 = 4,987.5 W.
        ("p5.48xlarge", 690.0, (375.81, 1628.16), 4987.5),
        # DGX H100, Sapphire Rapids: 224 × 4.160476 = 931.95 W; 224 × 185/64 = 647.5 to 224 × 270/64 = 945 W, memory as
        # above: (647.5 + 862.02) × 0.676 = 1,020.4 to (945 + 862.02) × 1.3 = 2,349.1 W. Beside them as above.
        ("DGX H100", 690.0, (931.95, 2349.12), 4987.5),
    ],
)
def test_machines_as_they_are_rented_and_bought(
    machine: str, board_w: float, processors_w: tuple[float, float], supplies_w: float
) -> None:
    facts = MACHINES[machine]
    cards, (found, _) = len(facts.gpus), band.estimates(facts)
    channels = [f"nvml:{gpu.index}:counter" for gpu in facts.gpus]
    readings = [r for channel in channels for r in steady(channel, board_w)]
    meters = [_meter(channel, {}) for channel in channels]
    seen = Seen(readings, [(20 * S, 80 * S)], Range.exact(1.0), gpus=facts.gpus)
    boards, whole = accounts(EnergyFacts(meters=meters, estimates=found), seen)
    # its own class stays beside the whole, with its own number
    assert (boards.meter_class, boards.gross_j) == ("counter", Range.exact(cards * board_w * 60))
    parts = {name: tuple(end / 60 for end in ends(part)) for name, part in whole.parts.items()}
    assert parts["GPU boards (counter)"] == (cards * board_w, cards * board_w)
    assert parts["CPUs and memory"] == (
        pytest.approx(processors_w[0], rel=1e-4),
        pytest.approx(processors_w[1], rel=1e-4),
    )
    assert parts["fans, switches, network and power supplies"] == (0, pytest.approx(supplies_w))
    low_w, high_w = (end / 60 for end in ends(whole.gross_j))
    assert low_w == pytest.approx(cards * board_w + processors_w[0], rel=1e-4)
    assert high_w == pytest.approx(cards * board_w + processors_w[1] + supplies_w, rel=1e-4)
