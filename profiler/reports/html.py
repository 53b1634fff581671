"""One self-contained HTML page about one run, readable offline."""

import base64
import hashlib
import re
import shlex
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from plotly import graph_objects as go
from plotly.offline import get_plotlyjs

from profiler.content import content
from profiler.metrics.summarize import QUANTILES
from profiler.reports import energy, facts, loads, panels, roofline, tables
from profiler.reports.gathered import Gathered
from profiler.results.manifest import Manifest
from profiler.results.records import EnergyReading, RequestRecord, Sample
from profiler.results.summary import Summary

_OPTION = re.compile(r"--[a-z][a-z-]*")
_LONGEST_LINE = 72  # characters of a command


def render(
    manifest: Manifest,
    summary: Summary,
    requests: Iterable[RequestRecord],
    samples: Sequence[Sample],
    wall: Sequence[EnergyReading] = (),
) -> str:
    """Return the page. The same run gives the same bytes: nothing in it depends on when it is made.

    `requests` are gone through twice and not held. Figures of requests show the headline's, where there are several
    points.
    """
    gathered = Gathered(manifest, summary.headline, requests, samples)
    sections = panels.sections(manifest, summary, gathered, samples, wall)
    script, plotly_js = _asset("page.js"), get_plotlyjs()
    page: str = _template().render(
        **_head(manifest, summary),
        **_tables(manifest, summary),
        failures=gathered.failures.sorted(),
        failures_total=gathered.failures.total,
        **energy.tables(manifest, summary),
        sections=sections,
        figures=_specifications([panel for section in sections.values() for panel in section]),
        style=Markup(_asset("page.css")),  # noqa: S704 (our own file)
        script=Markup(script),  # noqa: S704 (our own file)
        plotly_js=Markup(plotly_js),  # noqa: S704 (plotly's own file)
        script_hashes=[_script_hash(plotly_js), _script_hash(script)],
    )
    return page


def _head(manifest: Manifest, summary: Summary) -> dict[str, Any]:
    return {
        "manifest": manifest,
        "calibration": facts.calibration_sentence(manifest.calibration),
        "wire": facts.wire_sentence(summary.metrics),
        "summary": summary,
        "title_parts": title_parts(manifest, summary),
        "warnings": list(dict.fromkeys([*manifest.warnings, *summary.warnings])),
        "cards": tables.headline_cards(summary),
    }


def title_parts(manifest: Manifest, summary: Summary) -> list[str]:
    """What the run is about: host, engine, model, workload."""
    engine = " ".join(part for part in (manifest.engine.name, manifest.engine.version) if part)
    return [facts.host_name(manifest.host), engine, manifest.model.name, summary.workload]


def _tables(manifest: Manifest, summary: Summary) -> dict[str, Any]:
    rows = tables.distribution_rows(summary.metrics)
    return {
        "load_columns": [name for name, _, _ in loads.COLUMNS],
        "load_rows": loads.rows(summary),
        "distributions": rows,
        "has_indicative": tables.has_indicative(rows),
        "indicative_note": tables.INDICATIVE_NOTE,
        "quantiles": list(QUANTILES),
        "scalars": tables.scalar_rows(summary.metrics),
        "engine_comparisons": tables.engine_comparisons(summary.metrics),
        "trust": tables.trust_rows(summary.metrics),
        "formula": tables.formula,
        "roofline_rows": roofline.roofline_rows(manifest, summary),
        "host_facts": facts.host_facts(manifest.host),
        "model_facts": _model_facts(manifest),
        "engine_facts": facts.facts(manifest.engine.model_dump(), {"command", "notes"}),
        "workload_facts": facts.facts(manifest.workload, {"description"}, absent="none"),
        "engine_command": _command(manifest.engine.command),
        "repeat_command": _command(manifest.command_line),
    }


def _model_facts(manifest: Manifest) -> list[facts.Fact]:
    """The model, and the adapter where one was used."""
    skipped = set() if manifest.model.changed_from else {"changed_from"}
    rows = facts.facts(manifest.model.model_dump(), skipped)
    return rows if manifest.lora is None else [*rows, *facts.facts({"lora": manifest.lora.model_dump()})]


def _command(arguments: Sequence[str]) -> str:
    """A command to copy; a long one has a line for every option."""
    quoted = [shlex.quote(argument) for argument in arguments]
    whole = " ".join(quoted)
    if len(whole) <= _LONGEST_LINE:
        return whole
    return " ".join(f"\\\n  {word}" if word.startswith("--") else word for word in quoted)


def _specifications(drawn: Sequence[panels.Panel]) -> dict[str, Any]:
    return {panel.id: _specification(panel.figure) for panel in drawn if panel.figure is not None}


def _specification(figure: go.Figure) -> dict[str, Any]:
    specification: dict[str, Any] = figure.to_plotly_json()
    specification["layout"].pop("template", None)  # the page brings its own
    return specification


@cache
def _template() -> Any:
    environment = Environment(
        loader=FileSystemLoader(content("reports")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["unbroken"] = _unbroken
    environment.filters["options"] = _options
    return environment.get_template("run.html.j2")


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
