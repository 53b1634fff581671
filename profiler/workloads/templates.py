"""Templates: how a row of a data file becomes what is asked, and how worked examples stand before it."""

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import chain
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from profiler.content import content
from profiler.definitions.kind import Kind
from profiler.definitions.mistakes import Mistake
from profiler.errors import WorkloadError
from profiler.workloads.messages import Message

REFERENCE = "reference"
"""Field of a template that stands for what a right response says, whatever its column is called."""

_Text = Annotated[str, Field(min_length=1)]


class Template(BaseModel):
    """How a row is asked. Texts hold `{field}` for what a row has under that key or column; `{{` is a brace."""

    model_config = ConfigDict(strict=True, frozen=True, json_schema_extra={"additionalProperties": False})

    system: _Text | None = Field(default=None, description="System message before all others, the same for every row.")
    input: _Text = Field(default="{prompt}", description="What is asked of a row: 'Question: {question}'.")
    output: _Text = Field(
        default="{reference}", description="How a worked example is answered; {reference} is its first reference."
    )
    form: Literal["messages", "text"] | None = Field(
        default=None,
        description="messages: each worked example is a message of the user and one of the assistant; text: all is one "
        "message. If not given, messages through the chat endpoint and text through the other.",
    )
    between: str = Field(default="\n\n", description="What stands between worked examples where all is one text.")

    def check_fields(self, known: Sequence[str], path: Path) -> None:
        """Raise WorkloadError for a field that no row of a data file has."""
        for key, allowed in (("input", known), ("output", [*known, REFERENCE])):
            for name in fields_of(getattr(self, key)):
                if name not in allowed:
                    raise WorkloadError(
                        f"'{key}' of the template has the field {{{name}}}, and no row of {path} has it. "
                        f"Its rows have: {', '.join(known) or 'nothing'}."
                    )

    def messages(self, values: Mapping[str, object]) -> list[Message]:
        """Return how a row is asked; the last message is blank where the row lacks one of the fields."""
        system = [Message("system", self.system)] if self.system else []
        return [*system, Message("user", _filled(self.input, values))]

    def answer(self, values: Mapping[str, object], references: Sequence[str]) -> str:
        """Return how a worked example is answered; blank where it lacks one of the fields."""
        return _filled(self.output, {**values, REFERENCE: references[0] if references else None})

    def shown(
        self, shots: Sequence[tuple[str, str]], asked: Sequence[Message], *, is_chat: bool
    ) -> tuple[Message, ...]:
        """Return messages with worked examples, each a question and its answer, before what they ask.

        A system message stays the first.
        """
        if not shots:
            return tuple(asked)
        if (self.form or ("messages" if is_chat else "text")) == "text":
            texts = [f"{question}{'' if question[-1:].isspace() else ' '}{answer}" for question, answer in shots]
            return (*asked[:-1], Message("user", self.between.join([*texts, asked[-1].text])))
        systems = sum(1 for message in asked if message.role == "system")
        pairs = [(Message("user", question), Message("assistant", answer)) for question, answer in shots]
        return (*asked[:systems], *chain.from_iterable(pairs), *asked[systems:])


def read(path: Path) -> Template:
    """Return the template of a file. Raises WorkloadError, with a line for everything that is wrong."""
    return _TEMPLATES.read(path)


def _contradictions(template: Template) -> list[Mistake]:
    """Return a sentence for each text whose fields cannot be read."""
    found = []
    for key in ("input", "output"):
        try:
            fields_of(getattr(template, key))
        except ValueError as error:
            sentence = f"'{key}' has a brace that is no field ({error}): expected {{name}}, or {{{{ for a brace."
            found.append(Mistake((key,), sentence))
    return found


def fields_of(text: str) -> list[str]:
    """Return the names of the fields of a text. Raises ValueError for one that is not a plain name."""
    names = []
    for _, name, form, conversion in Formatter().parse(text):
        if name is None:
            continue
        if not name or form or conversion:
            raise ValueError("a field is a name and nothing else")
        names.append(name)
    return names


def _filled(text: str, values: Mapping[str, object]) -> str:
    """Return a text with its fields filled in; blank where one of them is."""
    parts = []
    for literal, name, _, _ in Formatter().parse(text):
        parts.append(literal)
        if name is None:
            continue
        value = values.get(name)
        if value is None or not str(value).strip():
            return ""
        parts.append(str(value))
    return "".join(parts)


@cache
def _json_schema() -> dict[str, Any]:
    return Template.model_json_schema()


_TEMPLATES = Kind("template", Template, _json_schema, _contradictions, lambda: content("workloads"), WorkloadError)
