"""Documents of older format versions in the form of today: the only place that knows how they were."""

from collections.abc import Callable, Mapping

Document = dict[str, object]

OF_RUN: Mapping[int, Callable[[Document], Document]] = {}
"""What makes a `run.json` of version n one of version n + 1; one function per version that was left behind."""


def migrated(document: Document, newest: int, steps: Mapping[int, Callable[[Document], Document]] = OF_RUN) -> Document:
    """Return a document, whose `format_version` is a readable one, in the form of the newest version."""
    oldest = document["format_version"]
    for version in range(oldest if isinstance(oldest, int) else newest, newest):
        document = {**steps[version](document), "format_version": version + 1}
    return document
