"""What every page is made of besides its content: the style, the scripts and a policy that lets no other script run."""

import base64
import hashlib
import re
from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from plotly import graph_objects as go
from plotly.offline import get_plotlyjs

from profiler.content import content

_OPTION = re.compile(r"--[a-z][a-z-]*")


def render(template: str, scripts: tuple[str, ...], **context: Any) -> str:
    """Return a page by the name of its template; `scripts` are files of `reports/` that it runs, in this order.

    A page without scripts has no figures, and so needs no plotly.
    """
    codes = [*([get_plotlyjs()] if scripts else []), *(_asset(name) for name in scripts)]
    page: str = (
        _templates()
        .get_template(template)
        .render(
            **context,
            style=Markup(_asset("page.css")),  # noqa: S704 (our own file)
            scripts=[Markup(code) for code in codes],  # noqa: S704 (our own files and plotly's)
            script_hashes=[_script_hash(code) for code in codes],
        )
    )
    return page


def specification(figure: go.Figure) -> dict[str, Any]:
    """Return a figure as the page's script takes it."""
    found: dict[str, Any] = figure.to_plotly_json()
    found["layout"].pop("template", None)  # the page brings its own
    return found


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(content("reports")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["unbroken"] = _unbroken
    environment.filters["options"] = _options
    return environment


def _unbroken(text: str) -> str:
    """Keep a range of numbers on one line."""
    return text.replace("\N{EN DASH}", "\N{WORD JOINER}\N{EN DASH}\N{WORD JOINER}")


def _options(text: str) -> Markup:
    """Keep each option of a command on one line, as it is to be copied."""
    return Markup(_OPTION.sub(r'<span class="option">\g<0></span>', str(escape(text))))  # noqa: S704 (escaped before)


def _asset(name: str) -> str:
    return (content("reports") / name).read_text(encoding="utf-8")


def _script_hash(script: str) -> str:
    """What the page's security policy knows a script by: any other, injected one does not run."""
    digest = hashlib.sha256(script.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
