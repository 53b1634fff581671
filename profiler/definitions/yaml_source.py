"""A YAML file as plain values, with the line of every key.

A narrow YAML on purpose: one mapping of text keys, no anchors, aliases, merges or tags, little depth. Plain
scalars follow the core schema of YAML 1.2.2 (section 10.3), so that `no` is a word and `1:30` is not 90.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml

from profiler.errors import DefinitionError

KeyPath = tuple[str | int, ...]
Problem = tuple[int, str]
"""(line, sentence)"""

LARGEST_FILE_BYTES = 32 * 1024
DEEPEST_NESTING = 16
MOST_PROBLEMS_SHOWN = 20

_PLAIN_SCALARS: list[tuple[re.Pattern[str], Callable[[str], object]]] = [
    (re.compile(r"~|null|Null|NULL|"), lambda text: None),
    (re.compile(r"true|True|TRUE|false|False|FALSE"), lambda text: text.lower() == "true"),
    (re.compile(r"[-+]?[0-9]{1,30}"), int),
    (re.compile(r"0x[0-9a-fA-F]{1,30}"), lambda text: int(text, 16)),
    (re.compile(r"0o[0-7]{1,30}"), lambda text: int(text, 8)),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
    (re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"), lambda text: float(text.replace(".", ""))),
]


@dataclass(frozen=True)
class Source:
    """The contents of a file and where in it they are."""

    values: dict[str, object]
    lines: dict[KeyPath, int]
    """Line, from 1, of each key and list item."""

    def line(self, path: KeyPath) -> int:
        """Return the line of a key, or of the nearest one around it that is in the file."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def listed(path: Path, problems: list[Problem]) -> str:
    """Return a text that names each problem in a line of its own."""
    shown = [f"{path}:{line}: {sentence}" for line, sentence in sorted(problems)[:MOST_PROBLEMS_SHOWN]]
    if len(problems) > len(shown):
        shown.append(f"{path}: and {len(problems) - len(shown)} more.")
    return "\n".join(shown)


def read(path: Path) -> Source:
    """Read the YAML file at `path`; raises DefinitionError with file and line for all that is wrong with it."""
    text = _text(path)
    try:
        _check_events(path, text)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise _syntax_error(path, text, error) from None
    except (ValueError, OverflowError):
        raise DefinitionError(f"{path}:1: not valid YAML: a number in it is out of range.") from None
    if not isinstance(node, yaml.MappingNode):
        raise DefinitionError(f"{path}:1: {_kind(node)}, expected a mapping of 'key: value' lines.")
    builder = _Builder()
    values = builder.mapping(node, ())
    if builder.problems:
        raise DefinitionError(listed(path, builder.problems))
    return Source(values, builder.lines)


def _text(path: Path) -> str:
    """Return the contents of a small UTF-8 text file."""
    try:
        if not path.is_file():
            what = "is not a file" if path.exists() else "does not exist"
            raise DefinitionError(f"The file {path} {what}. Expected a YAML file; check the path.")
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE_BYTES + 1)
    except OSError as error:
        raise DefinitionError(f"The file {path} cannot be read: {error.strerror}.") from error
    if len(data) > LARGEST_FILE_BYTES:
        raise DefinitionError(
            f"The file {path} has more than {LARGEST_FILE_BYTES} bytes. "
            "Expected a short definition; keep prompts in a data file beside it."
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DefinitionError(f"{path}:{line}: not UTF-8 text. Save the file as UTF-8.") from None


def _check_events(path: Path, text: str) -> None:
    """Refuse what could make a small file big or run code, before any node is built."""
    problems: list[Problem] = []
    depth = documents = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        documents += isinstance(event, yaml.DocumentStartEvent)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if sentence := _forbidden(event):
            problems.append((line, sentence))
        if depth > DEEPEST_NESTING:
            problems.append((line, f"nested more than {DEEPEST_NESTING} levels deep. Expected a flat mapping."))
            break
        if documents > 1:
            problems.append((line, "a second document begins here. Expected one; remove the '---' line."))
            break
    if problems:
        raise DefinitionError(listed(path, problems))


def _forbidden(event: yaml.Event) -> str | None:
    if isinstance(event, yaml.AliasEvent):
        return f"the alias '*{event.anchor}' is not allowed. Write the value out."
    if not isinstance(event, yaml.NodeEvent):
        return None
    if event.anchor is not None:
        return f"the anchor '&{event.anchor}' is not allowed. Write the value out where it is needed."
    tag = getattr(event, "tag", None)
    return f"the tag {tag!r} is not allowed. Write a plain value." if tag is not None else None


def _syntax_error(path: Path, text: str, error: yaml.YAMLError) -> DefinitionError:
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, int(error.position)) + 1
        reason = "a character that YAML does not allow"
    else:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 1
        reason = getattr(error, "problem", None) or "it cannot be parsed"
    hint = "Indent with spaces, not tabs." if r"'\t'" in reason else "Expected 'key: value' lines; quote odd texts."
    return DefinitionError(f"{path}:{line}: not valid YAML: {reason}. {hint}")


def _kind(node: yaml.Node | None) -> str:
    if node is None:
        return "the file is empty"
    return "the file holds a list" if isinstance(node, yaml.SequenceNode) else "the file holds a single value"


class _Builder:
    """Turns nodes into values, and remembers lines and problems on the way."""

    def __init__(self) -> None:
        self.lines: dict[KeyPath, int] = {}
        self.problems: list[Problem] = []

    def mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, object]:
        values: dict[str, object] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.problems.append((line, "a key is a list or a mapping. Expected a word."))
                continue
            key = self._whole(key_node)
            key_path = (*path, key)
            if key in values:
                first = self.lines[key_path]
                self.problems.append((line, f"the key {key!r} is there twice, first in line {first}. Remove one."))
            self.lines.setdefault(key_path, line)
            values[key] = self._value(value_node, key_path)
        return values

    def _value(self, node: yaml.Node, path: KeyPath) -> object:
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self._item(child, (*path, index)) for index, child in enumerate(node.value)]
        text = self._whole(node)
        is_quoted = isinstance(node, yaml.ScalarNode) and bool(node.style)
        return text if is_quoted else _plain(text)

    def _item(self, node: yaml.Node, path: KeyPath) -> object:
        self.lines[path] = node.start_mark.line + 1
        return self._value(node, path)

    def _whole(self, node: yaml.Node) -> str:
        """Return the text of a scalar, complaining of half characters (lone surrogates)."""
        text = str(node.value)
        if any("\ud800" <= character <= "\udfff" for character in text):
            self.problems.append((node.start_mark.line + 1, f"{text!r} is not valid Unicode. Write the character."))
        return text


def _plain(text: str) -> object:
    for pattern, convert in _PLAIN_SCALARS:
        if pattern.fullmatch(text):
            return convert(text)
    return text
