"""The base install stays light: no extras, no compiler, under 150 MB.

What counts: every file that the installer recorded for Aforo and for what it requires, directly or
not, without extras; the bytecode that pip compiles is recorded and counts as well.
"""

from importlib.metadata import Distribution, distribution

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LIMIT_BYTES = 150 * 1000**2
HEAVY = {
    "boto3",
    "codecarbon",
    "duckdb",
    "gguf",
    "pandas",
    "llama-cpp-python",
    "numpy",
    "scipy",
    "torch",
    "huggingface-hub",
    "sacrebleu",
    "rouge-score",
    "py3langid",
}


@pytest.fixture(scope="module")
def base() -> dict[str, Distribution]:
    """Return the installed distributions that the base install consists of, by name."""
    found: dict[str, Distribution] = {}
    waiting = [Requirement("aforo")]
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        if name not in found or wanted.extras:
            found[name] = distribution(name)
            waiting += requirements(found[name], wanted.extras)
    return found


def requirements(installed: Distribution, extras: set[str]) -> list[Requirement]:
    every = [Requirement(text) for text in installed.requires or []]
    return [one for one in every if any(applies(one, extra) for extra in ("", *extras))]


def applies(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def size_bytes(installed: Distribution) -> int:
    paths = [installed.locate_file(file) for file in installed.files or []]
    return sum(path.stat().st_size for path in paths if path.is_file())  # type: ignore[attr-defined]


def test_it_is_under_150_mb(base: dict[str, Distribution]) -> None:
    sizes = {name: size_bytes(installed) for name, installed in base.items()}
    largest = sorted(sizes.items(), key=lambda item: -item[1])[:5]

    assert all(sizes.values()), f"nothing recorded for {[name for name, size in sizes.items() if not size]}"
    assert sum(sizes.values()) < LIMIT_BYTES, f"{sum(sizes.values()):,} bytes; the largest: {largest}"


def test_it_pulls_nothing_heavy(base: dict[str, Distribution]) -> None:
    assert {"aforo", "plotly", "pydantic", "typer"} <= set(base)
    assert HEAVY & set(base) == set()


def test_nothing_in_it_was_compiled_here(base: dict[str, Distribution]) -> None:
    """A wheel from the package index is tagged any, manylinux, musllinux or macosx; one built here, linux."""
    compiled = {name for name, installed in base.items() if any(is_local(tag) for tag in tags(installed))}

    assert compiled == set()


def tags(installed: Distribution) -> list[str]:
    lines = (installed.read_text("WHEEL") or "").splitlines()
    found = [line.partition(":")[2].strip() for line in lines if line.startswith("Tag:")]
    assert found, f"{installed.name} was not installed from a wheel"
    return found


def is_local(tag: str) -> bool:
    return tag.rpartition("-")[2].startswith("linux_")


def test_a_wheel_built_here_would_be_noticed() -> None:
    assert is_local("cp311-cp311-linux_x86_64")
    assert not is_local("cp311-cp311-manylinux_2_28_x86_64")
    assert not is_local("py3-none-any")
