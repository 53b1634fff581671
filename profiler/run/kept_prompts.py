"""What was sent, kept beside the responses to it: each prompt once, however often it is sent."""

from collections.abc import Callable

from profiler.results.folder import Journal
from profiler.results.records import KeptMessage, KeptPrompt
from profiler.workloads.messages import Message, Prompt

_MOST_CHARACTERS = 32_768  # of a message; of a longer one as much of it, half from its beginning and half from its end


class KeptPrompts:
    """Writes the prompts of a run to their journal."""

    def __init__(self, journal: Journal, hide: Callable[[str], str]) -> None:
        """Begin with none; `hide` takes secrets out of a text."""
        self._journal = journal
        self._hide = hide
        self._known: set[str] = set()

    def keep(self, prompt: Prompt) -> None:
        """Write a prompt, unless it stands there. Raises `RecordError`."""
        if prompt.digest not in self._known:
            self._known.add(prompt.digest)
            messages = [_kept(message, self._hide(message.text)) for message in prompt.messages]
            self._journal.append(KeptPrompt(id=prompt.digest, messages=messages))


def _kept(message: Message, text: str) -> KeptMessage:
    if len(text) <= _MOST_CHARACTERS:
        return KeptMessage(role=message.role, text=text)
    half = _MOST_CHARACTERS // 2
    return KeptMessage(role=message.role, text=text[:half], rest=text[-half:], left_out=len(text) - 2 * half)
