"""All scorers: importing this module declares them."""

from collections.abc import Mapping

# isort: off
from profiler.quality import (  # noqa: F401 - importing declares, in the order in which scorers are shown
    answers,
    labels,
    overlap,
    json_answers,
    checks,
    languages,
    retrieval,
    code,
)

# isort: on
from profiler.quality.scorer import Scorer, declared

SCORERS: Mapping[str, Scorer] = declared()
