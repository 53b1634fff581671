"""Words of a text in any language, for every scorer that compares words."""

import re
import unicodedata
from collections.abc import Iterator
from itertools import groupby

_IN_WORDS = "LMN"  # first letters of the Unicode categories of letters, marks and numbers
_WITHOUT_SPACES = (  # scripts that put no space between words: there each character is a token
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x3005, 0x30FF),  # ideographic marks, Hiragana, Katakana
    (0x3400, 0x4DBF),  # CJK extension A
    (0x4E00, 0x9FFF),  # CJK unified ideographs
    (0xF900, 0xFAFF),  # CJK compatibility ideographs
    (0x20000, 0x3FFFF),  # CJK extensions B and later
)
_FIRST_WITHOUT_SPACES = _WITHOUT_SPACES[0][0]
CHINESE = {"zh", "yue", "cmn", "wuu"}
LANGUAGES_WITHOUT_SPACES = CHINESE | {"ja", "th", "lo", "km", "my", "bo"}
"""Languages (ISO 639) that put no spaces between words, so that nobody can count them without a dictionary."""

_ARTICLES = {
    "en": {"a", "an", "the"},
    "es": {"un", "una", "unos", "unas", "el", "la", "los", "las"},
    "de": {"ein", "eine", "einen", "einem", "eines", "einer", "der", "die", "das", "den", "dem", "des"},
    "fr": {"un", "une", "des", "le", "la", "les", "l"},
}
_TAG = re.compile(r"(?P<language>[a-z]{2,3})([-_][a-z0-9]+)*")
_GROUPED = re.compile(r"(?<!\d)\d{1,3}(?:[,.'’\u00a0\u202f]\d{3})+(?!\d)")  # 1,000,000 as languages write it
_DECIMAL = r"(?<![\d{marks}])(\d+)[{marks}](\d+)(?![{marks}]?\d)"
_DECIMAL_POINT, _DECIMAL_MARK = re.compile(_DECIMAL.format(marks=".")), re.compile(_DECIMAL.format(marks=".,"))
_WITH_DECIMAL_COMMA = {  # and not point
    *("cs", "da", "de", "el", "es", "fi", "fr", "hu", "id", "it", "nb", "nl", "no", "pl", "pt", "ro", "ru", "sv"),
    *("tr", "uk", "vi"),
}
_MINUS = re.compile(r"(?<![\w)\]])[-\u2212](?=\d)")
_MARK_WITHIN, _MARK_OF_MINUS = "\u02cc", "\u02cd"  # letters, which no text has in their place
_ARABIC = "ar"
_ARABIC_ARTICLE = re.compile(r"^ال(?=\w{3})")  # written together with its noun; what is left has a root's three letters
_ARABIC_VOWELS = re.compile(
    "[\u064b-\u0652\u0670\u0640]"
)  # which few texts write, and a stroke that makes words longer


def tokens(text: str) -> list[str]:
    """Return the words of a text, folded to lower case: runs of letters, marks and digits of any script.

    NFKC (Unicode Annex 15) and `casefold` come first. Scripts that do without spaces give a token for each character
    (with its marks), as MLQA does for Chinese. Of a text in ASCII the tokens are those of rouge-score's own tokenizer,
    which keeps only a to z and 0 to 9.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    runs = groupby(folded, key=lambda character: unicodedata.category(character)[0] in _IN_WORDS)
    return [token for is_word, run in runs if is_word for token in _cut(run)]


def content_tokens(text: str, language: str | None) -> list[str]:
    """Return the words without articles: English ones where the language is not known, none where it has none here.

    A text of articles alone keeps them: the option "A" is an answer, and no empty one.

    As SQuAD (Rajpurkar et al., 2016) and MLQA (Lewis et al., 2020) compare answers, but for punctuation, which parts
    words here, and there does not. Arabic loses its article and the signs of its short vowels.
    A number is one word, with its decimal mark and its minus, as there: 3.5 does not hold 5, nor is −5 the same.
    Signs that part a long number in groups of three digits are left out.
    """
    articles = _ARTICLES.get(language or "en", set())
    text = _whole_numbers(text, language)
    words = tokens(_ARABIC_VOWELS.sub("", text) if language == _ARABIC else text)
    if language == _ARABIC:
        return [_ARABIC_ARTICLE.sub("", word) for word in words]
    return [word for word in words if word not in articles] or words


def _whole_numbers(text: str, language: str | None) -> str:
    text = _GROUPED.sub(lambda number: re.sub(r"\D", "", number[0]), text)
    decimal = _DECIMAL_MARK if language in _WITH_DECIMAL_COMMA else _DECIMAL_POINT
    return _MINUS.sub(_MARK_OF_MINUS, decimal.sub(rf"\1{_MARK_WITHIN}\2", text))


def primary_language(tag: str) -> str | None:
    """Return the language of a tag (BCP 47), ISO 639: es of es-MX, zh of zh_Hant; None for no tag, such as Spanish."""
    found = _TAG.fullmatch(tag.strip().lower())
    return found["language"] if found else None


def _cut(run: Iterator[str]) -> Iterator[str]:
    """Cut a run of letters before and after each character of a script without spaces; marks stay where they are."""
    word = ""
    for character in run:
        is_mark = unicodedata.category(character)[0] == "M"
        if word and not is_mark and (stands_alone(character) or stands_alone(word[0])):
            yield word
            word = ""
        word += character
    yield word


def occurs(text: str, phrase: str) -> bool:
    """Whether a phrase, which is not empty, stands in a text in any case: as whole words where spaces part words."""
    text, phrase = unicodedata.normalize("NFC", text), unicodedata.normalize("NFC", phrase)
    before, after = "" if stands_alone(phrase[0]) else r"(?<!\w)", "" if stands_alone(phrase[-1]) else r"(?!\w)"
    return re.search(f"{before}{re.escape(phrase)}{after}", text, re.IGNORECASE) is not None


def stands_alone(character: str) -> bool:
    """Whether a character is of a script that puts no space between words."""
    code = ord(character)
    return code >= _FIRST_WITHOUT_SPACES and any(low <= code <= high for low, high in _WITHOUT_SPACES)
