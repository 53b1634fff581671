import pytest

from profiler.reports.answers.texts import Text, conversation, text
from profiler.results.records import KeptMessage


def test_a_long_text_is_cut_and_says_by_how_much() -> None:
    found = text("x" * 100_000, 2_000)
    assert (len(found.shown), found.note) == (2_000, "… 98,000 more characters")
    assert text("  short \n", 2_000) == Text("short")
    assert text("x" * 100_000, None).note == ""


@pytest.mark.parametrize("mark", ["\x00", "\x1b", "\r", "\x9f", "\u202e", "\u2067", "\ud83d"])
def test_what_must_not_be_shown_has_a_sign_in_its_place(mark: str) -> None:
    assert text(f"a{mark}b", None).shown == "a\N{REPLACEMENT CHARACTER}b"


def test_other_scripts_stay_as_they_are() -> None:
    said = "مرحبا بالعالم\n北京\té\u200d"
    assert text(said, None).shown == said


def test_a_single_message_stands_alone_and_several_have_their_roles() -> None:
    question = KeptMessage(role="user", text="2 + 3?")
    shots = [KeptMessage(role="user", text="1 + 1?"), KeptMessage(role="assistant", text="2")]
    assert conversation([question], None).shown == "2 + 3?"
    assert conversation([*shots, question], None).shown == "user: 1 + 1?\nassistant: 2\nuser: 2 + 3?"


def test_of_a_long_prompt_the_question_at_its_end_is_shown() -> None:
    found = conversation([KeptMessage(role="user", text="context " * 1000 + "So, what is it?")], 90)
    assert found.shown.endswith("So, what is it?")
    assert "[… 7,925 characters …]" in found.shown  # 8,015 less 90


def test_what_was_not_kept_is_counted() -> None:
    message = KeptMessage(role="user", text="begin", rest="end?", left_out=1_000_000)
    assert conversation([message], None).shown == "begin\n[… 1,000,000 characters, not kept …]\nend?"
