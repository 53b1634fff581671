"""What a model's licence allows, by the identifier that model cards and GGUF files give it.

The identifiers are those of the Hugging Face Hub ("Licenses", huggingface.co/docs/hub/repositories-licenses), which are
SPDX's where SPDX has one. The class is a reading of the licence's own text, to sort candidates by: no legal advice.
"""

from typing import Literal, get_args

LicenceClass = Literal["permissive", "restricted", "non-commercial", "unknown"]
"""permissive: any use, commercial use and derivatives included, with notices at most. restricted: commercial use, with
conditions on use, size of the user, or derivatives (copyleft and share-alike included). non-commercial: none."""

CLASSES: tuple[LicenceClass, ...] = get_args(LicenceClass)

_PERMISSIVE = {
    "0bsd", "afl-3.0", "apache-2.0", "artistic-2.0", "bsd", "bsd-2-clause", "bsd-3-clause", "bsd-3-clause-clear",
    "bsl-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0", "cc0-1.0", "cdla-permissive-1.0",
    "cdla-permissive-2.0", "ecl-2.0", "etalab-2.0", "isc", "mit", "mit-0", "ms-pl", "ncsa", "odc-by", "openmdw-1.0",
    "pddl", "postgresql", "unlicense", "wtfpl", "zlib",
}  # fmt: skip
_RESTRICTED = {
    "agpl-3.0", "bigcode-openrail-m", "bigscience-bloom-rail-1.0", "bigscience-openrail-m", "cc-by-nd-4.0",
    "cc-by-sa-3.0", "cc-by-sa-4.0", "cdla-sharing-1.0", "creativeml-openrail-m", "deepseek", "epl-1.0", "epl-2.0",
    "eupl-1.1", "eupl-1.2", "falcon-llm-license", "gemma", "gfdl", "gpl", "gpl-2.0", "gpl-3.0", "lfm1.0", "lgpl",
    "lgpl-2.1", "lgpl-3.0", "lgpl-lr", "llama2", "llama3", "llama3.1", "llama3.2", "llama3.3", "llama4", "mpl-2.0",
    "nvidia-open-model-license", "odbl", "openrail", "openrail++", "osl-3.0", "qwen", "stabilityai-ai-community",
    "tongyi-qianwen",
}  # fmt: skip
_NON_COMMERCIAL = {
    "apple-amlr", "exaone", "fair-noncommercial-research-license", "h-research", "intel-research", "mnpl", "mrl",
    "qwen-research",
}  # fmt: skip
_NON_COMMERCIAL_PARTS = ("-nc-", "non-commercial", "noncommercial", "research-only")  # as in cc-by-nc-4.0


def licence_class(licence: str | None) -> LicenceClass:
    """Return the class of a licence by its identifier, whatever its case; unknown for one that is not listed."""
    name = (licence or "").strip().lower().replace(" ", "-")
    if name in _NON_COMMERCIAL or any(part in name for part in _NON_COMMERCIAL_PARTS):
        return "non-commercial"
    if name in _PERMISSIVE:
        return "permissive"
    return "restricted" if name in _RESTRICTED else "unknown"
