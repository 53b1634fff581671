from pathlib import Path

import pytest

from profiler.errors import UsageError
from profiler.servers.credentials import MASK, VARIABLES, Credentials, read_credentials

KEY = "sk-abcdefghij0123456789"


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_a_key_comes_from_a_file_before_a_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-other")
    (tmp_path / "key").write_text(f"{KEY}\n")
    found = read_credentials(tmp_path / "key", [])
    assert found.headers == {"Authorization": f"Bearer {KEY}"}
    assert found.origin == str(tmp_path / "key")
    assert read_credentials(None, []).headers == {"Authorization": "Bearer sk-other"}
    assert read_credentials(None, []).origin == "$OPENAI_API_KEY"


def test_our_own_variable_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-other")
    monkeypatch.setenv("AFORO_API_KEY", KEY)
    assert read_credentials(None, []).origin == "$AFORO_API_KEY"


def test_without_a_key_nothing_is_sent() -> None:
    assert read_credentials(None, []).headers == {}
    assert read_credentials(None, []).notes() == []


def test_headers_are_sent_and_named_without_their_values() -> None:
    found = read_credentials(None, ["X-Team: blue cheese", "authorization: Basic aGk6aGk="])
    assert found.headers == {"X-Team": "blue cheese", "Authorization": "Basic aGk6aGk="}
    notes = " ".join(found.notes())
    assert "X-Team" in notes
    assert "cheese" not in notes + repr(found)
    assert "aGk6aGk=" not in notes + repr(found)


@pytest.mark.parametrize(
    "text", ["cheese", "X-Team:", ": cheese", "X Team: cheese", "X-Team: a\r\nHost: b", "X-Team: ü"]
)
def test_a_header_that_cannot_be_sent_is_refused_unseen(text: str) -> None:
    with pytest.raises(UsageError, match="number 1") as caught:
        read_credentials(None, [text])
    assert "cheese" not in str(caught.value)


def test_headers_of_ours_cannot_be_replaced() -> None:
    with pytest.raises(UsageError, match="Content-Length"):
        read_credentials(None, ["Content-Length: 3"])


@pytest.mark.parametrize("content", ["", "two words", "sk-ü", "one\ntwo"])
def test_a_file_that_holds_no_key_is_refused_unseen(tmp_path: Path, content: str) -> None:
    (tmp_path / "key").write_text(content)
    with pytest.raises(UsageError, match="not shown") as caught:
        read_credentials(tmp_path / "key", [])
    assert not content or content not in str(caught.value)


def test_a_byte_order_mark_is_no_part_of_a_key(tmp_path: Path) -> None:
    """As editors of Windows write it."""
    (tmp_path / "key").write_bytes(b"\xef\xbb\xbfsk-abcdef\r\n")
    assert read_credentials(tmp_path / "key", []).headers == {"Authorization": "Bearer sk-abcdef"}


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_credentials(tmp_path / "key", [])


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (f"no such key: {KEY}", f"no such key: {MASK}"),
        (f"'Bearer {KEY}' was refused", f"'{MASK}' was refused"),
        (f"you sent {KEY[:12]}…", f"you sent {MASK}…"),
        (f"you sent {KEY[:-1]}", f"you sent {MASK}"),
        ("nothing of it", "nothing of it"),
    ],
)
def test_a_value_is_masked_whole_or_cut_off(text: str, masked: str) -> None:
    assert Credentials({"Authorization": f"Bearer {KEY}"}).mask(text) == masked


@pytest.mark.parametrize(
    ("headers", "text", "masked"),
    [
        # Short values and those of headers that hold no secret are parts of innocent words.
        ({"X-Env": "prod"}, "llama-3-prod", "llama-3-prod"),
        ({"X-Env": "production"}, "no production model", "no production model"),
        ({"Authorization": "Bearer EMPTY"}, "the list is EMPTY", "the list is EMPTY"),
        ({"Authorization": "Bearer lm-studio"}, "lm-studio-community/m", "lm-studio-community/m"),
        ({"api-key": "abcdef"}, "abcdefgh, but not abcdef", f"abcdefgh, but not {MASK}"),
        # A long value is masked wherever it stands, and half of it too.
        ({"X-Team": "team-cheese-and-wine"}, "(team-cheese-and-wine)", f"({MASK})"),
        ({"X-Team": "team-cheese-and-wine"}, "'team-cheese-an'", f"'{MASK}'"),
        ({"Cookie": "a=1; session=0123456789abcdef"}, "0123456789abcdef", MASK),
        ({"Authorization": f"Bearer {KEY}"}, f"b'{KEY[:18]}' is no chunk size", f"b'{MASK}' is no chunk size"),
        ({"Authorization": f"Bearer {KEY}"}, f"x{KEY}y", f"x{MASK}y"),
        ({"Authorization": f"Bearer {KEY}"}, f"…{KEY[9:]}", f"…{MASK}"),
    ],
)
def test_whole_secrets_are_masked_and_nothing_else(headers: dict[str, str], text: str, masked: str) -> None:
    assert Credentials(headers).mask(text) == masked


def test_a_connection_of_its_own_for_every_request_can_be_asked_for() -> None:
    assert read_credentials(None, ["Connection: close"]).headers == {"Connection": "close"}
    with pytest.raises(UsageError, match="expected close"):
        read_credentials(None, ["Connection: Upgrade"])
