"""Where measured rooflines are kept: in the user's cache, one file for each kind of host."""

from pathlib import Path

from pydantic import ValidationError

from profiler.cache import cache_folder
from profiler.errors import ModelError, RecordError
from profiler.models.files import replacing
from profiler.results.host_facts import RooflineFacts


def read(fingerprint: str) -> RooflineFacts | None:
    """Return the roofline of a host, or `None` where none is kept that can be read."""
    try:
        kept = RooflineFacts.model_validate_json(_file(fingerprint).read_text("utf-8"))
    except (OSError, ValidationError, ModelError, UnicodeError):
        return None
    return kept if kept.fingerprint == fingerprint else None


def write(roofline: RooflineFacts) -> Path:
    """Keep a roofline; return the file. Raises `RecordError` where it cannot be written."""
    file = _file(roofline.fingerprint)
    try:
        with replacing(file) as temporary:
            temporary.write_text(roofline.model_dump_json(indent=2) + "\n", "utf-8")
    except OSError as error:
        raise RecordError(f"Cannot keep the roofline in {file}: {error.strerror}. Free some space there.") from error
    return file


def _file(fingerprint: str) -> Path:
    return cache_folder() / "rooflines" / f"{fingerprint}.json"
