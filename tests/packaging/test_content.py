"""Every content file of the project is found through `content()`, however Aforo is installed."""

from typing import get_args

import pytest
from support.checkout import ROOT, tracked

from profiler.content import Kind, content

KINDS = get_args(Kind)


@pytest.mark.parametrize("kind", KINDS)
def test_every_tracked_file_resolves(kind: Kind) -> None:
    files = tracked(kind)

    assert files
    for path in files:
        installed = content(kind).joinpath(*path.split("/")[1:])
        assert installed.is_file(), f"{path} is not in the installed package: looked at {installed}"
        assert installed.read_bytes() == (ROOT / path).read_bytes(), f"{path} differs from the installed one"
