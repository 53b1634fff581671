"""What of a response is reasoning and what is the answer, however a server tells them apart.

Most servers do it themselves (`reasoning_content` of DeepSeek, llama-server and SGLang, `reasoning` of vLLM and
OpenRouter, `thinking` of Ollama, parts of type `thinking` of Mistral). One that does not streams the tags of the model
among the text. There a response reasons up to the closing tag, whether it opened with the tag or the chat template did,
and to its end where it opened and never closes; a tag further on is part of an answer. vLLM's and SGLang's own parsers
read it so. The answer begins with its first text that is not blank, or with a call of a tool.
"""

from collections import Counter
from typing import NamedTuple

from profiler.timing.stream import Stream

# DeepSeek-R1, Qwen3, GLM and most others; Magistral; Seed-OSS; Kimi.
_TAGS = (("<think>", "</think>"), ("[THINK]", "[/THINK]"), ("<seed:think>", "</seed:think>"), ("◁think▷", "◁/think▷"))


class Split(NamedTuple):
    """The reasoning in a text, without its tags, and what comes behind it."""

    reasoning: str
    answer: str


class Reasoning(NamedTuple):
    """Of a stream whose model reasoned: what of it was streamed, and where the answer begins.

    `answer_offset` is where in the body the first event that shows some of the answer ends; None where none does.
    """

    tokens: int
    answer_offset: int | None


def split(text: str) -> Split:
    """Part a text at the tags that its model sets."""
    for opening, closing in _TAGS:
        before, found, after = text.partition(closing)
        opens = before.lstrip().startswith(opening)
        if opens or (found and opening not in before):
            return Split(before.lstrip().removeprefix(opening) if opens else before, after)
    return Split("", text)


def reasoning_in(stream: Stream) -> Reasoning | None:
    """Return what a stream says of its reasoning; None where there was none, neither streamed nor counted."""
    texts = [part or "" for part in stream.parts]
    whole = split("".join(texts))
    thought = sum(map(len, texts)) - len(whole.answer) if whole.reasoning.strip() else 0
    told = stream.usage.reasoning_tokens if stream.usage is not None else 0
    if not (thought or stream.has_reasoning or told):
        return None
    per_event, end, tokens, answer_offset = Counter(stream.token_offsets), 0, 0, None
    for offset, part, text in zip(stream.event_offsets, stream.parts, texts, strict=True):
        begin, end = end, end + len(text)
        if text[max(0, thought - begin) :].strip():
            answer_offset = answer_offset or offset
        elif part is None or begin < thought:
            tokens += per_event[offset]
    return Reasoning(tokens, answer_offset)
