"""Where the content folders (`workloads`, `hosts`, `reports`) are, installed or in a checkout."""

from importlib.resources import files
from pathlib import Path
from typing import Literal, get_args

Kind = Literal["workloads", "hosts", "reports"]
KINDS: tuple[Kind, ...] = get_args(Kind)


def content(kind: Kind) -> Path:
    """Return the folder that holds this kind of content.

    A wheel carries it inside the package as `_content/KIND`; an editable install or a checkout has
    it at the top level.
    """
    package = Path(str(files("profiler")))
    installed = package / "_content" / kind
    return installed if installed.is_dir() else package.parent / kind
