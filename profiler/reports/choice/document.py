"""What is said in answer to a question, once: every form only writes it down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from plotly import graph_objects as go

Standing = Literal["good", "bad", "open"]


@dataclass(frozen=True)
class Table:
    """Rows of texts under headings; the first cell of a row names it."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


@dataclass(frozen=True)
class Drawing:
    """A figure with what it shows in words."""

    id: str
    figure: go.Figure
    alternative: str
    note: str = ""


@dataclass(frozen=True)
class Section:
    """A part of an answer with its heading."""

    id: str
    title: str
    table: Table | None = None
    drawing: Drawing | None = None
    paragraphs: Sequence[str] = ()


@dataclass(frozen=True)
class Document:
    """The whole answer: what it is first, then why."""

    kicker: str
    title: str
    about: Sequence[str]  # what was asked, in a few words each
    answer: str
    standing: Standing
    reasons: Sequence[str]
    notes: Sequence[str]  # what to know before believing it
    sections: Sequence[Section]
    data: Mapping[str, Any]  # all of it, for programs
    csv: Table = field(repr=False)
