import pytest

from profiler.errors import UsageError
from profiler.verdict.limits import parse_limits


def test_limits_are_read() -> None:
    limits = parse_limits(["coalesced-reads=0.5", "too-few-samples = 5"])
    assert limits == {"coalesced-reads": 0.5, "too-few-samples": 5.0}


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (["coalesced-reads"], "expected RULE=NUMBER"),
        (["coalesced-read=0.5"], "Did you mean coalesced-reads"),
        (["cheese=1"], "no rule 'cheese'.*aforo rules"),
        (["errors="], "expected a number"),
        (["errors=nan"], "expected a number"),
        (["errors=inf"], "expected a number"),
        (["errors=-1"], "0 or more"),
        (["errors=1e999"], "expected a number"),
        (["errors=0.1", "errors=0.2"], "twice"),
    ],
)
def test_what_is_no_limit_is_a_sentence(texts: list[str], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        parse_limits(texts)
