"""What the rows of a data file ask, and what they say is right.

A row holds its prompt under the workload's `column`, or a template makes it of the row's columns, or it is a
conversation: `messages` as chat APIs take them (`role`, `content`), sent as they stand, but for a last message of the
assistant, which is what a right response says; or ShareGPT's `conversations` (`from`, `value`), of which the first
question is sent. Rows by the `role: example` are worked examples: they are shown, and never asked.
"""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple, TypeGuard

from profiler.definitions.mistakes import show
from profiler.errors import WorkloadError
from profiler.workloads import rows, templates
from profiler.workloads.messages import Message, Role
from profiler.workloads.rows import Row, check_beside, row_error
from profiler.workloads.schema import DataPrompts, Prompts
from profiler.workloads.templates import Template

REFERENCES = ("references", "reference")
"""Keys that say what a right response is, where the workload names no other one."""

LANGUAGE, ROLE, EXAMPLE = "language", "role", "example"

_SHARE_GPT = ("conversations", "conversation")
_MESSAGES = "messages"
_ROLES: Mapping[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    **dict.fromkeys(("gpt", "chatgpt", "bot", "model", "ai"), "assistant"),
}
_DIGEST_CHARACTERS = 16
_NAMED = 5  # of the rows that something is said of


class Item(NamedTuple):
    """A row that asks something, or shows how it is answered."""

    messages: tuple[Message, ...]
    name: str  # what it is called: its number, unless a column says
    references: tuple[str, ...] = ()  # what right responses say; none: it is not known
    language: str | None = None  # of the text, where a column says that
    values: Mapping[str, object] = {}
    """All that its row holds, by key or column."""

    @property
    def text(self) -> str:
        """What is asked: the last message."""
        return self.messages[-1].text

    @property
    def is_example(self) -> bool:
        """Whether it is shown instead of asked."""
        return self.values.get(ROLE) == EXAMPLE


class Data(NamedTuple):
    """The items of a data file in their order, and what is to be said of them."""

    items: list[Item]
    examples: Sequence[Item] = ()
    notes: Sequence[str] = ()
    template: Template = Template()

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits that neither other rows have, nor the same ones asked by another template."""
        found = sha256(self.template.model_dump_json().encode())
        for item in (*self.items, *self.examples):
            said = json.dumps([item.name, item.messages, item.references])
            found.update(said.encode())
        return found.hexdigest()[:_DIGEST_CHARACTERS]


class _LeftOutError(Exception):
    """A row asks nothing that can be sent: what it has (none: it is empty), and what was expected."""

    def __init__(self, seen: str = "", expected: str = "") -> None:
        super().__init__(seen, expected)
        self.seen, self.expected = seen, expected


def load(prompts: DataPrompts, folder: Path, defined: Prompts | None = None) -> Data:
    """Return the items of the data file that prompts name, with their template. Raises WorkloadError as `read`.

    `folder` is the definition's, and `defined` what stands in it where the command line has changed that. What a
    definition names lies beside it, so that nobody's definition has any file of this machine sent to a server; what the
    command line names lies anywhere.
    """
    own = (defined or prompts).model_dump()

    def located(key: str, name: str) -> Path:
        return folder / (check_beside(name) if own.get(key) == name else name)

    template = prompts.template and templates.read(located("template", prompts.template))
    data = read(prompts, located("file", prompts.file), template or None)
    check_shots(data, prompts, prompts.file)
    return data


def read(prompts: DataPrompts, path: Path, template: Template | None = None) -> Data:
    """Return every item of a data file; rows that cannot be sent are left out, and named.

    Raises WorkloadError with file and line where the file is missing or malformed, where no row can be sent, or where
    no row has what the workload or its template names.
    """
    found = rows.read(path, prompts.column)
    known = list(dict.fromkeys(key for row in found for key in row.values))
    if template is not None:
        template.check_fields(known, path)
    _check_columns(prompts, known, path)
    reader = _Reader(path, prompts, template)
    items = [item for row in found if (item := reader.item(row)) is not None]
    asked = [item for item in items if not item.is_example]
    if not asked:
        nothing = f"The data file {path} holds no prompts. Expected at least one row."
        raise reader.first_error or WorkloadError(nothing)
    return Data(asked, [item for item in items if item.is_example], reader.notes(len(found)), template or Template())


def asked(data: Data, item: Item, shots: int, *, is_chat: bool) -> tuple[Message, ...]:
    """Return the messages that ask an item behind so many worked examples, the first ones of its language."""
    shown = [(each.text, data.template.answer(each.values, each.references)) for each in _examples(data, item.language)]
    return data.template.shown(shown[:shots], item.messages, is_chat=is_chat)


def check_shots(data: Data, prompts: DataPrompts, path: str) -> None:
    """Raise WorkloadError where a language of the items has fewer worked examples than are to be shown."""
    most = max(prompts.shots, default=0) if isinstance(prompts.shots, list) else prompts.shots
    found = {item.language: len(_examples(data, item.language)) for item in data.items}
    few = [f"{count}{f' in {language}' if language else ''}" for language, count in found.items() if count < most]
    if few:
        raise WorkloadError(
            f"'prompts.shots' asks for {most} worked examples, and {path} has {', '.join(few)}. Expected {most} rows "
            "by the role 'example' in each language of its items: add some, or pass fewer with --shots."
        )


def _examples(data: Data, language: str | None) -> list[Item]:
    return [each for each in data.examples if language is None or each.language == language]


def _check_columns(prompts: DataPrompts, known: Sequence[str], path: Path) -> None:
    """Raise WorkloadError for a column that no row has."""
    for key, column in (("id_column", prompts.id_column), ("reference_column", prompts.reference_column)):
        if column is not None and known and column not in known:
            raise WorkloadError(
                f"'prompts.{key}' is {column!r}, and no row of {path} has it. Its rows have: {', '.join(known)}."
            )


class _Reader:
    """Makes items of rows, and remembers what was wrong with them."""

    def __init__(self, path: Path, prompts: DataPrompts, template: Template | None) -> None:
        self._path = path
        self._prompts = prompts
        self._template = template
        self._empty: list[int] = []
        self._wrong: list[int] = []
        self._in_part: list[int] = []  # of which only the text is sent
        self._no_text: list[int] = []  # whose reference is neither a text nor a number
        self._unknown: list[int] = []  # without a reference
        self._known = 0  # with one
        self.first_error: WorkloadError | None = None

    def item(self, row: Row) -> Item | None:
        """Return the item of a row; None where it asks nothing that can be sent."""
        try:
            messages = self._messages(row)
            references = self._references(row)
            if messages[-1].role == "assistant":
                said = messages.pop().text  # blank where it calls a tool
                references = references or ((said,) if said.strip() else ())
            language = row.values.get(LANGUAGE)
            item = Item(
                messages=tuple(messages),
                name=self._name(row),
                references=references,
                language=language if isinstance(language, str) else None,
                values=row.values,
            )
            self._look_at_references(row, item)
        except _LeftOutError as error:
            self._leave_out(row, error)
            return None
        return item

    def notes(self, rows_read: int) -> list[str]:
        """Say which rows were not taken over as they stand."""
        of = f"of the {rows_read} rows of {self._path.name}"
        found = (
            (self._empty, "were left out", "they hold no prompt."),
            (self._wrong, "were left out", f"the first of them is {self.first_error}"),
            (self._in_part, "hold messages with parts that are no text, such as pictures", "only their text is sent."),
            (self._no_text, "hold a reference that is no text, number or list of these", "no score counts them."),
            (
                self._unknown if self._known else [],
                "have no reference",
                "they are measured like the others, and no score counts them.",
            ),
        )
        return [f"{len(those)} {of} {what} (row {listed(those)}): {why}" for those, what, why in found if those]

    def _leave_out(self, row: Row, error: _LeftOutError) -> None:
        if not error.seen:
            self._empty.append(row.number)
            return
        self._wrong.append(row.number)
        self.first_error = self.first_error or row_error(self._path, row.number, error.seen, error.expected)

    def _messages(self, row: Row) -> list[Message]:
        """Return what a row says, up to the message that is asked or the one that answers it."""
        values = row.values
        if not any(map(_has_something, values.values())):
            raise _LeftOutError
        if self._template is not None:
            messages = self._template.messages(values)
            return [*messages[:-1], _checked(messages[-1])]
        if _is_conversation(said := values.get(self._prompts.column)):  # as sets of preferences have it
            return self._said(row, said, is_whole=True)
        if self._prompts.column in values:
            return [Message("user", _text(values[self._prompts.column]))]
        for key in (*_SHARE_GPT, _MESSAGES):
            if isinstance(said := values.get(key), list):
                return self._said(row, said, is_whole=key == _MESSAGES)
        kind = "column" if self._path.suffix.lower() == ".csv" else "key"
        raise _LeftOutError(f"has the {kind}s {', '.join(map(repr, values))}", f"the {kind} {self._prompts.column!r}")

    def _said(self, row: Row, said: Sequence[object], *, is_whole: bool) -> list[Message]:
        if any(map(_has_other_parts, said)):
            self._in_part.append(row.number)
        return _conversation(said, is_whole=is_whole)

    def _name(self, row: Row) -> str:
        named = None if self._prompts.id_column is None else row.values.get(self._prompts.id_column)
        return str(named) if _is_text(named) else str(row.number)

    def _references(self, row: Row) -> tuple[str, ...]:
        keys = REFERENCES if self._prompts.reference_column is None else (self._prompts.reference_column,)
        value = next((row.values[key] for key in keys if _has_something(row.values.get(key))), None)
        several = value if isinstance(value, list) else [] if value is None else [value]
        if all(map(_is_text, several)):
            return tuple(map(str, several))
        self._no_text.append(row.number)
        return ()

    def _look_at_references(self, row: Row, item: Item) -> None:
        if item.is_example and not (self._template or Template()).answer(item.values, item.references).strip():
            raise _LeftOutError("is an example without its answer", "a reference")
        if item.is_example:
            return
        if item.references:
            self._known += 1
        elif row.number not in self._no_text[-1:]:
            self._unknown.append(row.number)


def _is_conversation(value: object) -> TypeGuard[list[object]]:
    """Whether a value is a list of messages."""
    return isinstance(value, list) and bool(value) and all(isinstance(each, dict) and "role" in each for each in value)


def _conversation(said: Sequence[object], *, is_whole: bool) -> list[Message]:
    """Return the messages of a conversation, or those up to the first question. Raises `_LeftOutError`."""
    messages: list[Message] = []
    for message in said:
        if not isinstance(message, dict):
            raise _LeftOutError(f"has the message {show(message)}", '{"role": "user", "content": "…"}')
        called = str(message.get("role", message.get("from")))
        if called not in _ROLES:
            raise _LeftOutError(f"has a message of the role {called!r}", "system, user or assistant")
        messages.append(Message(_ROLES[called], _joined(message.get("content", message.get("value")))))
        if messages[-1].role == "user" and not is_whole:
            return [*(message for message in messages[:-1] if message.role == "system"), _checked(messages[-1])]
    asked = [number for number, message in enumerate(messages) if message.role == "user"]
    if not asked or not is_whole:
        raise _LeftOutError
    _checked(messages[asked[-1]])
    return messages[: asked[-1] + 2]


def _checked(message: Message) -> Message:
    return Message(message.role, _text(message.text))


def _joined(content: object) -> str:
    """Return the text of a message, whose content may be a list of parts. Raises `_LeftOutError`."""
    parts = content if isinstance(content, list) else [{"text": content}]
    texts = [part["text"] for part in parts if isinstance(part, dict) and part.get("text") is not None]
    return "\n".join(_as_text(text) for text in texts)


def _has_other_parts(message: object) -> bool:
    """Whether a message has a part that is no text: a picture, audio, a file."""
    content = message.get("content", message.get("value")) if isinstance(message, dict) else None
    return isinstance(content, list) and any(not isinstance(part, dict) or part.get("text") is None for part in content)


def _text(value: object) -> str:
    """Return a prompt. Raises `_LeftOutError` for what is blank, or no text."""
    if not _has_something(value):
        raise _LeftOutError
    return _as_text(value)


def _as_text(value: object) -> str:
    if not isinstance(value, str):
        raise _LeftOutError(f"holds {show(value)} as its prompt", "a text that is not blank")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise _LeftOutError("holds a broken Unicode escape", "whole characters")
    return value


def _has_something(value: object) -> bool:
    return value is not None and value != [] and not (isinstance(value, str) and not value.strip())


def _is_text(value: object) -> bool:
    is_right_kind = isinstance(value, str | int | float) and not isinstance(value, bool)
    return is_right_kind and bool(str(value).strip())


def listed(those: Sequence[object]) -> str:
    """Name the first few of several rows."""
    return ", ".join(map(str, those[:_NAMED])) + (", …" if len(those) > _NAMED else "")
