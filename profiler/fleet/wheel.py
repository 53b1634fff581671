"""A wheel of this very Aforo, made of the files that run here: no build tool, no index, the same bytes every time.

The format is PyPA's "Binary distribution format". A build would take a checkout; this an installed Aforo can do too,
and what arrives on a host is what is here, changes that nobody has committed included.
"""

import base64
import hashlib
import io
import tomllib
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from importlib.resources import files
from pathlib import Path
from typing import Any

from profiler import __version__
from profiler.content import KINDS, content

_DIST_INFO = f"aforo-{__version__}.dist-info"
_TAG = "Wheel-Version: 1.0\nGenerator: aforo\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_COMMANDS = "[console_scripts]\naforo = profiler.__main__:main\n"
_FIRST_DAY = (1980, 1, 1, 0, 0, 0)  # of a zip file


@dataclass(frozen=True)
class Wheel:
    """A file that pip installs on any architecture."""

    name: str
    data: bytes

    @property
    def sha256(self) -> str:
        """Digest of its bytes, and so of all the code in it."""
        return hashlib.sha256(self.data).hexdigest()


@cache
def of_this_version() -> Wheel:
    """Put it together. Raises `OSError`."""
    held = dict(sorted(_files()))
    held[f"{_DIST_INFO}/METADATA"] = _metadata().encode()
    held[f"{_DIST_INFO}/WHEEL"] = _TAG.encode()
    held[f"{_DIST_INFO}/entry_points.txt"] = _COMMANDS.encode()
    rows = [f"{name},{_digest(data)},{len(data)}\n" for name, data in held.items()]
    held[f"{_DIST_INFO}/RECORD"] = "".join([*rows, f"{_DIST_INFO}/RECORD,,\n"]).encode()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in held.items():
            entry = zipfile.ZipInfo(name, _FIRST_DAY)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED)
    return Wheel(f"aforo-{__version__}-py3-none-any.whl", packed.getvalue())


@cache
def code_sha256() -> str:
    """Return the digest of the code and content that runs here, however it was installed. Raises `OSError`."""
    digest = hashlib.sha256()
    for name, data in sorted(_code()):
        digest.update(f"{name} {len(data)}\n".encode() + data)
    return digest.hexdigest()


def _files() -> Iterator[tuple[str, bytes]]:
    """Yield what is installed, by its name in a wheel."""
    yield from _code()
    yield f"{_DIST_INFO}/licenses/LICENSE", _licence().encode()


def _code() -> Iterator[tuple[str, bytes]]:
    package = _package()
    yield from _below(package, "profiler")
    for kind in KINDS:
        folder = content(kind)
        if package not in folder.parents:  # a checkout has it beside the package
            yield from _below(folder, f"profiler/_content/{kind}")


def _below(folder: Path, name: str) -> Iterator[tuple[str, bytes]]:
    for path in folder.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            yield f"{name}/{path.relative_to(folder).as_posix()}", path.read_bytes()


def _package() -> Path:
    return Path(str(files("profiler")))


def _project() -> Path | None:
    """Return the checkout's own description of the project; None where Aforo is installed without one."""
    path = _package().parent / "pyproject.toml"
    return path if path.is_file() else None


def _licence() -> str:
    project = _project()
    if project is None:
        return metadata.distribution("aforo").read_text("licenses/LICENSE") or ""
    return project.with_name("LICENSE").read_text("utf-8")


def _metadata() -> str:
    """Return what pip reads of it; in a checkout from its own file, since an editable install may be older."""
    project = _project()
    if project is None:
        return metadata.distribution("aforo").read_text("METADATA") or ""
    stated = tomllib.loads(project.read_text("utf-8"))["project"]
    lines = ["Metadata-Version: 2.1", f"Name: {stated['name']}", f"Version: {__version__}"]
    lines += [f"Requires-Python: {stated['requires-python']}", *_requirements(stated)]
    return "\n".join([*lines, ""])


def _requirements(stated: dict[str, Any]) -> Iterator[str]:
    for needed in stated["dependencies"]:
        yield f"Requires-Dist: {needed}"
    for extra, of_extra in stated["optional-dependencies"].items():
        yield f"Provides-Extra: {extra}"
        for needed in of_extra:
            name, _, marker = needed.partition(";")
            condition = f"({marker.strip()}) and " if marker else ""
            yield f"Requires-Dist: {name.strip()}; {condition}extra == '{extra}'"


def _digest(data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=")
    return f"sha256={digest.decode()}"
