"""Tokens, time and price by language, worked by hand."""

import pytest
from support.builders import WORKLOAD, manifest, request

from profiler.aggregation.languages import LanguageTotals
from profiler.reports import languages
from profiler.results.cost_facts import CostFacts, PriceFacts
from profiler.results.part import Source
from profiler.results.records import RequestRecord
from profiler.summaries.summarize import summarize
from profiler.workloads.messages import words_of


def asked(index: int, sent_ms: int, language: str, tokens: int, characters: int, words: int | None) -> RequestRecord:
    record = request(index, sent_ms=sent_ms)
    record.language, record.prompt_characters, record.prompt_words = language, characters, words
    record.prompt_tokens_server, record.response_characters = tokens, 10
    return record


def test_words_are_counted_where_there_are_spaces() -> None:
    assert words_of("Cold as ice.", "en") == 3
    assert words_of("水结冰后变成什么？", "zh") is None
    assert words_of("水", "zh-Hant") is None


def test_tokens_are_set_against_words_and_characters() -> None:
    totals = LanguageTotals()
    totals.take(asked(0, 0, "en", tokens=20, characters=80, words=10))
    totals.take(asked(1, 40, "en", tokens=10, characters=40, words=5))
    other = LanguageTotals()
    other.take(asked(2, 80, "en", tokens=6, characters=30, words=None))
    totals.add(other)
    assert (totals.requests, totals.tokens, totals.tokens_characters) == (3, 36, 150)
    assert (totals.word_tokens, totals.words) == (30, 15)
    assert (totals.prompt_characters, totals.response_characters) == (150, 30)


def test_tokens_of_a_chat_template_are_none_of_the_language() -> None:
    """Around 20 tokens of text the template puts 30, which would make 5 tokens a word of 2."""
    record = asked(0, 0, "en", tokens=50, characters=80, words=10)
    record.prompt_text_tokens = 20
    totals = LanguageTotals()
    totals.take(record)
    assert (totals.tokens / totals.tokens_characters, totals.word_tokens / totals.words) == (0.25, 2.0)


def test_an_empty_answer_has_no_first_token() -> None:
    empty = request(1, tokens=[0, 0, 0], arrivals_ms=(10, 20, 90))
    empty.language = "en"
    totals = LanguageTotals()
    totals.take(asked(0, 0, "en", tokens=20, characters=80, words=10))
    totals.take(empty)
    assert totals.requests == 2
    assert len(totals.ttft_ms) == 1


def test_each_language_has_its_part_of_the_price_by_time() -> None:
    # One slot, requests that take 30 ms each: whatever it costs, half of it is for each language; the text of one has
    # 30 + 2 · 10 characters, that of the other 80 + 2 · 10, so that it costs half as much per character.
    records = [
        asked(0, 0, "zh", tokens=30, characters=15, words=None),
        asked(1, 40, "en", tokens=20, characters=40, words=8),
        asked(2, 80, "zh", tokens=30, characters=15, words=None),
        asked(3, 120, "en", tokens=20, characters=40, words=8),
    ]
    price = PriceFacts(per_hour=3.6, currency="USD", kind="on-demand", source=Source(name="flag", title="a test"))
    run = manifest().model_copy(update={"cost": CostFacts(price=price)})
    summary = summarize(run, records, [], [])
    english, chinese = summary.languages
    assert [each.language for each in summary.languages] == ["en", "zh"]
    assert (english.tokens_per_word, english.tokens_per_character) == (2.5, 0.5)
    assert (chinese.tokens_per_word, chinese.tokens_per_character) == (None, 2.0)
    assert (english.characters, chinese.characters) == (100, 50)
    assert english.ttft_p50_ms == chinese.ttft_p50_ms
    assert english.cost_per_1k_characters is not None
    assert chinese.cost_per_1k_characters == pytest.approx(2 * english.cost_per_1k_characters)
    rows = languages.rows(summary)
    assert [row.language for row in rows] == ["en", "zh"]
    assert rows[0].cells[:3] == ("2", "2.50", "0.500")
    assert rows[1].cells[1] == ""
    assert languages.columns(summary)[4] == "USD per 1,000 characters"


def test_without_a_language_nothing_is_said() -> None:
    summary = summarize(manifest(), [request(0), request(1, sent_ms=40)], [], [])
    assert (summary.languages, languages.rows(summary)) == ([], [])
    assert WORKLOAD["id"]


def test_rows_without_a_language_take_their_part_of_the_price() -> None:
    # Two requests of 10 ms in English, two of 100 ms of which nothing is known: at 0.001 USD a second 0.22 s cost
    # 2.2e-4, of which 20 ms of 220 are 2e-5, for 100 characters.
    records = [asked(i, 10 * i, "en", tokens=20, characters=40, words=8) for i in range(2)]
    for record in records:
        record.read_offset_ns, record.finished_ns = [2_000_000, 5_000_000, 10_000_000], record.finished_ns - 20_000_000
    records += [request(2 + i, sent_ms=20 + 100 * i, arrivals_ms=(20, 50, 100)) for i in range(2)]
    price = PriceFacts(per_hour=3.6, currency="USD", kind="on-demand", source=Source(name="flag", title="a test"))
    run = manifest().model_copy(update={"cost": CostFacts(price=price)})
    (english,) = summarize(run, records, [], []).languages
    assert english.cost_per_1k_characters == pytest.approx(2e-4)
