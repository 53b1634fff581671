"""All scorers, in the order in which they are shown; importing this module declares them."""

from collections.abc import Mapping

from profiler.quality import answers, checks, code, json_answers, labels, languages, overlap, retrieval
from profiler.quality.scorer import Scorer, declared

_IN_ORDER = (answers, labels, overlap, json_answers, languages, checks, retrieval, code)

SCORERS: Mapping[str, Scorer] = {
    one.id: one
    for module in _IN_ORDER
    for one in declared().values()
    if one.score.__module__ == module.__name__  # whichever was imported first
}
