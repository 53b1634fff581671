"""Instructions that a program can check: how each kind of check is stated, and when it is met.

The kinds are those of `workloads/data/README.md`, in the manner of IFEval (Zhou et al., 2023, arXiv:2311.07911).
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from profiler.quality.item import Answer, Item
from profiler.quality.json_answers import is_valid
from profiler.quality.languages import is_in
from profiler.quality.scorer import POINTS, NotScoredError, library, scorer
from profiler.quality.words import occurs, primary_language

Check = Mapping[str, Any]

_MATCH_S = 1.0
_ENDS_OF_SENTENCES = re.compile(r"(?:[!?…。！？｡؟۔]|\.(?!\d))+")  # no point within a number, as in 3.5


class _Kind(NamedTuple):
    """What a kind of check is stated with, by name and type or the texts it may be, and whether a text meets it."""

    stated: Mapping[str, type | tuple[str, ...]]
    is_met: Callable[[str, Check], bool]


@scorer(
    "Meets all checks",
    needs={"checks"},
    source="prompt-level strict accuracy of IFEval, Zhou et al., 2023 (arXiv:2311.07911)",
    correct_from=POINTS,
    is_binary=True,
)
def checks_met(answer: Answer, item: Item) -> float:
    """100 where the answer, without the white space around it, meets every check of its item, else 0.

    An empty answer follows no instruction, though it has none of the words that are forbidden.
    """
    return POINTS * (not unmet(answer.text, item) and bool(answer.text.strip()))


def unmet(text: str, item: Item) -> list[str]:
    """Return the kinds of the checks that a text does not meet. Raises `NotScoredError` for one stated wrongly."""
    wrong = next(filter(None, map(mistake_in, item.checks)), None)
    if wrong is not None:
        raise NotScoredError(wrong)
    stripped = _composed(text.strip())
    return [check["kind"] for check in item.checks if not _KINDS[check["kind"]].is_met(stripped, check)]


def mistake_in(check: Check) -> str | None:
    """Return what is wrong with how a check is stated, as in "the check 'wrods'"; None where it is right."""
    name = check.get("kind")
    kind = _KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        return f"the check {name!r}: expected one of {', '.join(_KINDS)}"
    lacking = [key for key, form in kind.stated.items() if not _is(check.get(key), form)]
    if lacking:
        return f"the check {name!r} without a right {' or '.join(map(repr, lacking))}"
    if not _compiles(check.get("pattern", "")):
        return f"the check {name!r} with a pattern that is no regular expression"
    if "least" in kind.stated and check["least"] > check["most"]:
        return f"the check {name!r} with a 'least' above its 'most'"
    if kind is _KINDS["language"] and primary_language(check["is"]) is None:
        return f"the check {name!r} of {check['is']!r}: expected a tag such as es or zh-Hant"
    return None


def _is(value: object, form: type | tuple[str, ...]) -> bool:
    if isinstance(form, tuple):
        return value in form
    if form is list:
        return isinstance(value, list) and bool(value) and all(isinstance(each, str) and each for each in value)
    return isinstance(value, form) and not isinstance(value, bool)


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError):  # of a{99999999999}, and of thousands of brackets
        return False
    return True


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def _sentences(text: str) -> list[str]:
    return [part for part in _ENDS_OF_SENTENCES.split(text) if part.strip()]


def _within(count: Callable[[str], int]) -> _Kind:
    return _Kind({"least": int, "most": int}, lambda text, check: check["least"] <= count(text) <= check["most"])


def _composed(text: str) -> str:
    """Return a text with each letter and its accent in one (NFC), as nearly all texts are written."""
    return unicodedata.normalize("NFC", text)


def _lacks(text: str, characters: str) -> bool:
    return set(_composed(characters)).isdisjoint(text)


def _matches(pattern: str, text: str) -> bool:
    """Whether a pattern matches all of a text; one that goes back and forth for too long gives no score.

    Where `regex` is not installed, which comes with the other libraries of scores, nothing can end such a search.
    """
    try:
        engine = library("regex")
    except NotScoredError:
        return re.fullmatch(pattern, text) is not None
    try:
        return engine.fullmatch(pattern, text, timeout=_MATCH_S) is not None
    except TimeoutError:
        raise NotScoredError(f"the pattern {pattern!r} takes longer than {_MATCH_S} s on it") from None


_KINDS: Mapping[str, _Kind] = {
    "words": _within(lambda text: len(text.split())),
    "characters": _within(len),
    "lines": _within(lambda text: len(_lines(text))),
    "sentences": _within(lambda text: len(_sentences(text))),
    "contains": _Kind({"texts": list}, lambda text, check: all(occurs(text, each) for each in check["texts"])),
    "excludes": _Kind({"texts": list}, lambda text, check: not any(occurs(text, each) for each in check["texts"])),
    "excludes_characters": _Kind({"characters": str}, lambda text, check: _lacks(text, check["characters"])),
    "starts_with": _Kind({"text": str}, lambda text, check: text.startswith(_composed(check["text"]))),
    "ends_with": _Kind({"text": str}, lambda text, check: text.endswith(_composed(check["text"]))),
    "matches": _Kind({"pattern": str}, lambda text, check: _matches(check["pattern"], text)),
    "each_line_matches": _Kind(
        {"pattern": str}, lambda text, check: all(_matches(check["pattern"], line) for line in _lines(text))
    ),
    "case": _Kind(
        {"is": ("upper", "lower")},
        lambda text, check: text == (text.upper() if check["is"] == "upper" else text.lower()),
    ),
    "json": _Kind({"schema": dict}, lambda text, check: is_valid(text, check["schema"])),
    "language": _Kind({"is": str}, lambda text, check: is_in(text, primary_language(check["is"]))),
}
