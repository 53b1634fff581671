"""What GPUs reach: the bandwidth of their memory, and their arithmetic by type.

`gpu_peak.cu` is compiled for the cards of this host where there is nvcc, and measures one card of each kind. What
cannot be measured is what the data sheet of a card of that name says, and marked so. The matrix units of Hopper and of
the data centre's Blackwell are reached by instructions of these generations only (wgmma, tcgen05; PTX ISA), which the
program does not use: their peaks are those of data sheets, too.
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from profiler.hosts.gpu_sheets import TYPES, DataSheet, data_sheet
from profiler.hosts.peak import COMPILE_LIMIT_S, RUN_LIMIT_S, UnavailableError, best_pass, run_program
from profiler.results.host_facts import GpuFacts, GpuRoofFacts, PeakFacts

_SOURCE = Path(__file__).with_name("gpu_peak.cu")
_USUAL_FOLDER = "/usr/local/cuda"
_MEMORY, _PASSES = "memory", 10
_OWN_INSTRUCTIONS = ("9.", "10.", "11.")  # compute capabilities whose matrix units mma.sync does not fill
_NO_COMPILER = "no nvcc was found; install the CUDA toolkit, then: aforo host roofline --refresh"

Limits = Mapping[str, PeakFacts]  # by type, and of the memory in bytes/s


def roofs(gpus: Sequence[GpuFacts], on_card: Callable[[float], None] = lambda _: None) -> list[GpuRoofFacts]:
    """Return the limits of every card; what is not known carries the reason. `on_card` hears the share that is done.

    Takes about ten seconds to compile and five for each kind of card, and none without nvcc or a CUDA card.
    """
    measured = _measured(gpus, on_card)
    return [_roof(gpu, measured) for gpu in gpus]


def compiler() -> str | None:
    """Return nvcc: on the path, in $CUDA_HOME, or where CUDA's installer puts it."""
    folders = [os.environ.get(name) for name in ("CUDA_HOME", "CUDA_PATH")] + [_USUAL_FOLDER]
    return shutil.which("nvcc") or next(
        (found for folder in folders if folder and (found := shutil.which("nvcc", path=f"{folder}/bin"))), None
    )


def _measured(gpus: Sequence[GpuFacts], on_card: Callable[[float], None]) -> Mapping[str, Limits] | str:
    """Return what was measured, by name of card; or why nothing could be."""
    if not any(gpu.compute_capability for gpu in gpus):
        return "no CUDA card is known here"
    try:
        with _compiled(sorted({gpu.compute_capability for gpu in gpus if gpu.compute_capability})) as program:
            devices = _devices(program)
            found = {}
            for number, (name, device) in enumerate(devices.items()):
                found[name] = _limits(program, device)
                on_card((number + 1) / len(devices))
            return found
    except UnavailableError as reason:
        return str(reason)


@contextmanager
def _compiled(capabilities: Sequence[str]) -> Iterator[Path]:
    nvcc = compiler()
    if nvcc is None:
        raise UnavailableError(_NO_COMPILER)
    numbers = [capability.replace(".", "") for capability in capabilities]
    targets = [f"-gencode=arch=compute_{number},code=sm_{number}" for number in numbers]
    with tempfile.TemporaryDirectory(prefix="aforo-gpu-peak-") as folder:
        program = Path(folder) / "gpu_peak"
        answer = run_program([nvcc, "-O3", "-std=c++17", *targets, str(_SOURCE), "-o", str(program)], COMPILE_LIMIT_S)
        if answer.returncode:
            last = (answer.stderr.strip() or answer.stdout.strip() or "it says nothing").splitlines()[-1]
            raise UnavailableError(f"{nvcc} could not compile gpu_peak.cu: {last}")
        yield program


def _devices(program: Path) -> dict[str, str]:
    """Return the first device of each name that CUDA shows: those that the environment hides are left alone."""
    answer = run_program([str(program), "list"], RUN_LIMIT_S)
    if answer.returncode:
        raise UnavailableError(f"CUDA shows no device: {answer.stderr.strip() or 'it does not say why'}")
    lines = [line.split(" ", 2) for line in answer.stdout.splitlines()]
    return {name: device for device, _, name in reversed(lines)}


def _limits(program: Path, device: str) -> Limits:
    return {kind: _limit(program, device, kind) for kind in (_MEMORY, *TYPES)}


def _limit(program: Path, device: str, kind: str) -> PeakFacts:
    try:
        answer = run_program([str(program), kind, device, str(_PASSES)], RUN_LIMIT_S)
    except UnavailableError as reason:
        return PeakFacts(operations_per_s=None, reason=str(reason))
    if answer.returncode == 1:
        return PeakFacts(operations_per_s=None, reason=f"CUDA says: {answer.stderr.strip()}")
    return best_pass(answer.stdout, answer.returncode, nothing="this generation of GPUs has no instruction for it")


def _roof(gpu: GpuFacts, measured: Mapping[str, Limits] | str) -> GpuRoofFacts:
    """Put together what was measured of cards of this kind, and else their data sheet."""
    if gpu.mig_mode:
        reason = (
            "it is cut into MIG slices, and neither a measurement nor the data sheet of the whole card is that of one"
        )
        return GpuRoofFacts(index=gpu.index, name=gpu.name, memory_bytes_per_s=None, reason=reason)
    seen: Limits | str = (
        measured if isinstance(measured, str) else measured.get(gpu.name or "", "CUDA does not show it")
    )
    sheet = data_sheet(gpu.name)
    peaks = {kind: _peak(gpu, kind, seen, sheet) for kind in TYPES}
    memory = _best(_seen(seen, _MEMORY), sheet.memory_bytes_per_s if sheet else None, sheet, gpu.name)
    return GpuRoofFacts(
        index=gpu.index,
        name=gpu.name,
        memory_bytes_per_s=memory.operations_per_s,
        how=memory.how,
        is_data_sheet=memory.is_data_sheet,
        reason=memory.reason,
        peaks=peaks,
    )


def _peak(gpu: GpuFacts, kind: str, seen: Limits | str, sheet: DataSheet | None) -> PeakFacts:
    found = _seen(seen, kind)
    if kind != "f32" and (gpu.compute_capability or "").startswith(_OWN_INSTRUCTIONS):
        reason = "the matrix units of this generation are reached by wgmma or tcgen05, which is not measured"
        found = PeakFacts(operations_per_s=None, reason=reason)
    return _best(found, sheet.operations_per_s.get(kind) if sheet else None, sheet, gpu.name)


def _seen(seen: Limits | str, kind: str) -> PeakFacts:
    return PeakFacts(operations_per_s=None, reason=seen) if isinstance(seen, str) else seen[kind]


def _best(found: PeakFacts, stated: float | None, sheet: DataSheet | None, name: str | None) -> PeakFacts:
    """Return what was measured, else what is stated, else both reasons."""
    if found.operations_per_s is not None:
        return found
    if sheet is not None and stated is not None:
        return PeakFacts(operations_per_s=stated, how=f"data sheet: {sheet.source}", is_data_sheet=True)
    unknown = "its data sheet does not say" if sheet else f"no data sheet is known of {name or 'a card without a name'}"
    return PeakFacts(operations_per_s=None, reason=f"{found.reason}; {unknown}")
