"""What the requests in one language add up to."""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from profiler.aggregation.not_measured import NotMeasuredError
from profiler.aggregation.request import prompt_tokens, ttft_ms
from profiler.results.records import RequestRecord
from profiler.stats.pieces import Pieces
from profiler.stats.values import Values


@dataclass
class LanguageTotals:
    """Sums over the finished requests of a steady window that are in one language."""

    requests: int = 0
    busy_ns: int = 0  # how long they took
    prompt_characters: int = 0
    response_characters: int = 0
    tokens: int = 0  # of prompts whose tokens are known …
    tokens_characters: int = 0  # … and their characters
    word_tokens: int = 0  # tokens of prompts whose words are known, too …
    words: int = 0  # … and their words
    ttft_ms: Values = field(default_factory=Values)

    @classmethod
    def noted(cls) -> "LanguageTotals":
        """Return sums for another to `add`, which is then as if it had taken the requests itself."""
        in_turn: Any = Pieces()
        return cls(ttft_ms=in_turn)

    def take(self, request: RequestRecord) -> None:
        """Add one request."""
        characters = request.prompt_characters or 0
        tokens = request.prompt_text_tokens or prompt_tokens(request)  # a template is no text of the language
        self.requests += 1
        self.busy_ns += request.ended_ns - request.begun_ns
        self.prompt_characters += characters
        self.response_characters += request.response_characters or 0
        with suppress(NotMeasuredError):  # of an empty answer there is none
            self.ttft_ms.extend((ttft_ms(request),))
        if tokens:
            self.tokens += tokens
            self.tokens_characters += characters
            if request.prompt_words:
                self.word_tokens += tokens
                self.words += request.prompt_words

    def add(self, other: "LanguageTotals") -> None:
        """Add those of another repeat."""
        for name in ("requests", "busy_ns", "prompt_characters", "response_characters"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("tokens", "tokens_characters", "word_tokens", "words"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.ttft_ms.append(other.ttft_ms)
