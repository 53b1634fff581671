"""The GPUs that a build of llama.cpp's server fills by itself, before the machine's own memory."""

import re
from pathlib import Path

from profiler.errors import AforoError
from profiler.servers.engine import Cards
from profiler.servers.options import EngineOptions
from profiler.servers.programs import ask
from profiler.units import BYTES_PER_MIB

_DEVICE = re.compile(r"^\s+(\S+): (.*) \((\d+) MiB, (\d+) MiB free\)\s*$", re.MULTILINE)
_SHARES_MEMORY = ("MTL", "Metal")  # Apple's GPUs: their memory is that of the machine
_SHARING = re.compile(  # likewise: NVIDIA's of a GB10 or a Jetson, and graphics within processors of AMD and Intel
    r"\b(?:GB10|Orin|Xavier|Thor|Tegra)\b|Radeon (?:\d{3}M |8\d{3}S |)Graphics|U?HD Graphics|Iris|Arc\(TM\) Graphics",
    re.IGNORECASE,
)
_AUTO = re.compile(r"--n-gpu-layers.*?\(default: auto\)", re.DOTALL)
_LONGEST_HELP = 400  # characters of what the help says of one option
_PLACES = ("-ngl", "--gpu-layers", "--n-gpu-layers", "-dev", "--device", "-fit", "--fit", "-ts", "--tensor-split")


def cards(program: Path, options: EngineOptions, remedy: str) -> Cards | None:
    """Return the GPUs of a build, with the memory that the default of --gpu-layers makes it fill; None without any.

    Newer builds put as many layers onto GPUs as fit, and the rest into main memory; of older ones, and where the user
    passes on where layers go, how much is put there is not known.
    """
    if options.gpu_layers is not None:
        return None
    try:
        told = _DEVICE.findall(ask(program, "--list-devices", remedy))
        known = ask(program, "--help", remedy)
    except AforoError:  # an old build does not know the question
        return None
    own = [each for each in told if not each[0].startswith(_SHARES_MEMORY) and not _SHARING.search(each[1])]
    found = [(name, card, int(mib)) for name, card, _, mib in own if int(mib)]
    if not found:
        return None
    at = known.find("--n-gpu-layers")
    is_auto = _AUTO.search(known[at : at + _LONGEST_HELP]) is not None
    is_told = is_auto and not any(map(options.has_argument, _PLACES))
    names = ", ".join(f"{name} ({card})" for name, card, _ in found)
    return Cards(names, sum(mib for *_, mib in found) * BYTES_PER_MIB if is_told else None)
