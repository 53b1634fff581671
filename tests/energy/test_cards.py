import pytest

from profiler.energy.cards import AMD_VARIABLES, INTEL_VARIABLES, Listed, check_wanted, select, select_by
from profiler.errors import UsageError

CARDS = [Listed(i, "H100", uuid) for i, uuid in enumerate(["GPU-4ae6-0", "GPU-4ae7-1", "GPU-99-2", "GPU-77-3"])]
EVERY = {0, 1, 2, 3}


@pytest.mark.parametrize(
    ("environ", "counted"),
    [
        ({}, EVERY),
        ({"CUDA_VISIBLE_DEVICES": "0"}, {0}),
        ({"CUDA_VISIBLE_DEVICES": "2,0"}, {0, 2}),
        ({"CUDA_VISIBLE_DEVICES": " 1 , 3"}, {1, 3}),
        # what comes after the first entry that is no card is hidden, too
        ({"CUDA_VISIBLE_DEVICES": "1,-1,2"}, {1}),
        ({"CUDA_VISIBLE_DEVICES": "1,9,2"}, {1}),
        ({"CUDA_VISIBLE_DEVICES": "-1"}, set()),
        ({"CUDA_VISIBLE_DEVICES": ""}, set()),
        ({"CUDA_VISIBLE_DEVICES": "NoDevFiles"}, set()),
        ({"CUDA_VISIBLE_DEVICES": "GPU-99-2"}, {2}),
        ({"CUDA_VISIBLE_DEVICES": "GPU-77,GPU-4ae7"}, {1, 3}),
        # GPU-4ae could be two cards
        ({"CUDA_VISIBLE_DEVICES": "GPU-4ae"}, set()),
        ({"CUDA_VISIBLE_DEVICES": "MIG-GPU-99-2/1/0"}, {2}),
        ({"NVIDIA_VISIBLE_DEVICES": "all"}, EVERY),
        ({"NVIDIA_VISIBLE_DEVICES": "void"}, EVERY),
        ({"NVIDIA_VISIBLE_DEVICES": ""}, EVERY),
        ({"NVIDIA_VISIBLE_DEVICES": "none"}, set()),
        # a container that sees more than it was given is a privileged one
        ({"NVIDIA_VISIBLE_DEVICES": "1,2"}, {1, 2}),
        # else what it sees is what it was given, by numbers of its own
        ({"NVIDIA_VISIBLE_DEVICES": "4,5,6,7"}, EVERY),
        # of NVIDIA's device plugin for Kubernetes (DEVICE_LIST_STRATEGY=volume-mounts), and of CDI
        ({"NVIDIA_VISIBLE_DEVICES": "/var/run/nvidia-container-devices"}, EVERY),
        ({"NVIDIA_VISIBLE_DEVICES": "nvidia.com/gpu=2"}, EVERY),
        ({"NVIDIA_VISIBLE_DEVICES": "1,2", "CUDA_VISIBLE_DEVICES": "2"}, {2}),
    ],
)
def test_the_environment_selects(environ: dict[str, str], counted: set[int]) -> None:
    assert select(CARDS, None, environ).indices == counted


@pytest.mark.parametrize(
    ("wanted", "counted"), [("all", EVERY), ("0", {0}), ("0, 3", {0, 3}), ("GPU-99-2,1", {1, 2}), ("GPU-99", {2})]
)
def test_an_option_goes_before_the_environment(wanted: str, counted: set[int]) -> None:
    check_wanted(wanted)
    found = select(CARDS, wanted, {"CUDA_VISIBLE_DEVICES": "-1"})
    assert (found.indices, found.by) == (counted, None if wanted == "all" else f"--gpus {wanted}")


@pytest.mark.parametrize("wanted", ["", "x", "0,", "-1", "1.5", "0 1"])
def test_what_names_no_card(wanted: str) -> None:
    with pytest.raises(UsageError, match="expected all, or indices or UUIDs"):
        check_wanted(wanted)


def test_a_card_that_is_not_there() -> None:
    with pytest.raises(UsageError, match=r"--gpus 0,8: this machine has 0 \(GPU-4ae6-0\), 1 \(GPU-4ae7-1\)"):
        select(CARDS, "0,8", {})


def test_a_mig_slice_is_of_its_card() -> None:
    """`nvidia-smi -L` since driver 470: MIG-c7384736-a75d-5afc-978f-d2f1294409fd."""
    cut = [Listed(0, "A100", "GPU-a", ("MIG-c738-1", "MIG-c738-2")), Listed(1, "A100", "GPU-b", ("MIG-d1",))]
    assert select(cut, None, {"CUDA_VISIBLE_DEVICES": "MIG-c738-2"}).indices == {0}
    assert select(cut, "MIG-d1", {}).indices == {1}
    # of one card, whichever slice is meant
    assert select(cut, None, {"CUDA_VISIBLE_DEVICES": "MIG-c738"}).indices == {0}
    assert select(cut, None, {"CUDA_VISIBLE_DEVICES": "MIG-"}).indices == set()
    check_wanted("MIG-c738-2")


@pytest.mark.parametrize(
    ("environ", "counted"),
    [
        ({}, EVERY),
        ({"ROCR_VISIBLE_DEVICES": "1,2"}, {1, 2}),
        # HIP counts what ROCR has left, in its order: of 3 and 1 the second is 1
        ({"ROCR_VISIBLE_DEVICES": "3,1", "HIP_VISIBLE_DEVICES": "1"}, {1}),
        ({"HIP_VISIBLE_DEVICES": "2", "CUDA_VISIBLE_DEVICES": "0"}, {2}),
        ({"CUDA_VISIBLE_DEVICES": "0"}, {0}),
        ({"ROCR_VISIBLE_DEVICES": "GPU-99"}, {2}),
        ({"HIP_VISIBLE_DEVICES": "-1"}, set()),
    ],
)
def test_amd_cards_are_left_twice(environ: dict[str, str], counted: set[int]) -> None:
    found = select_by(AMD_VARIABLES, CARDS, None, environ)
    assert (found.indices, found.by is None) == (counted, not environ)


def test_tiles_of_an_intel_card_are_of_their_card() -> None:
    assert select_by(INTEL_VARIABLES, CARDS, None, {"ZE_AFFINITY_MASK": "0.1,2"}).indices == {0, 2}


def test_unlike_cards_may_be_counted_otherwise_by_cuda() -> None:
    unlike = [Listed(0, "T4", "GPU-a"), Listed(1, "H100", "GPU-b")]
    found = select(unlike, None, {"CUDA_VISIBLE_DEVICES": "0"})
    assert (found.indices, "CUDA_DEVICE_ORDER=PCI_BUS_ID only" in (found.by or "")) == ({0}, True)
    for environ in (
        {"CUDA_VISIBLE_DEVICES": "0", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"},
        {"CUDA_VISIBLE_DEVICES": "GPU-a"},
    ):
        assert "order" not in (select(unlike, None, environ).by or "")
