"""One self-contained HTML page about one run, readable offline."""

import shlex
from collections.abc import Iterable, Sequence
from typing import Any

from profiler.reports import energy, facts, languages, loads, page, panels, roofline, tables, tuning, variants
from profiler.reports.answers.part import ANSWER_CHARACTERS, EXPECTED_CHARACTERS, PROMPT_CHARACTERS, Part
from profiler.reports.gathered import gather
from profiler.reports.references import NOTE as REFERENCES_NOTE
from profiler.reports.references import Standing
from profiler.results.manifest import Manifest
from profiler.results.records import EnergyReading, RequestRecord, Sample
from profiler.results.summary import Summary
from profiler.stats.quantiles import QUANTILES

_LONGEST_LINE = 72  # characters of a command


def render(
    manifest: Manifest,
    summary: Summary,
    requests: Iterable[RequestRecord],
    samples: Sequence[Sample],
    wall: Sequence[EnergyReading] = (),
    answers: Part | None = None,
    standing: Standing | None = None,
) -> str:
    """Return the page. The same run gives the same bytes: nothing in it depends on when it is made.

    `requests` are gone through twice and not held. Figures of requests show the headline's, where there are several
    points. `answers` are those that the run kept, `standing` how it stands beside references.
    """
    gathered = gather(manifest, summary.headline, requests, samples)
    sections = panels.sections(manifest, summary, gathered, samples, wall)
    return page.render(
        "run.html.j2",
        ("page.js",),
        **_head(manifest, summary),
        **_tables(manifest, summary),
        failures=gathered.failures.sorted(),
        failure_text=tables.failure_text,
        failures_total=gathered.failures.total,
        **energy.tables(manifest, summary),
        sections=sections,
        answers=answers,
        standing=standing,
        references_note=REFERENCES_NOTE,
        sizes={"answer": ANSWER_CHARACTERS, "expected": EXPECTED_CHARACTERS, "prompt": PROMPT_CHARACTERS},
        figures=_specifications(
            [*(panel for section in sections.values() for panel in section), *(answers.panels if answers else ())]
        ),
    )


def _head(manifest: Manifest, summary: Summary) -> dict[str, Any]:
    return {
        "manifest": manifest,
        "calibration": facts.calibration_sentence(manifest.calibration),
        "wire": facts.wire_sentence(summary.metrics),
        "summary": summary,
        "is_invalid": summary.verdict is not None and summary.verdict.level == "INVALID",
        "title_parts": facts.title_parts(manifest, summary),
        "processor": facts.processor(manifest.server_host),
        "warnings": list(dict.fromkeys([*manifest.warnings, *summary.warnings])),
        "main_cards": tables.main_cards(summary, manifest),
        "more_cards": tables.more_cards(summary),
    }


def _tables(manifest: Manifest, summary: Summary) -> dict[str, Any]:
    rows = tables.distribution_rows(summary.metrics)
    return {
        "load_columns": [column.title for column in loads.columns(summary)],
        "load_rows": loads.rows(summary),
        "language_columns": languages.columns(summary),
        "language_rows": languages.rows(summary),
        "tried": tuning.table(manifest.tuning),
        "tried_note": tuning.NOTE,
        "variant_table": variants.table(summary, manifest.engine),
        "loads_measured": loads.measured(summary, manifest.workload),
        "distributions": [row for row in rows if row.quantiles == tuple(QUANTILES)],
        "rates": [row for row in rows if row.quantiles == tables.RATE_QUANTILES],
        "rate_quantiles": tables.RATE_QUANTILES,
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
        "engine_facts": facts.facts(manifest.engine.model_dump(), _skipped_of_engine(manifest)),
        "workload_facts": _workload_facts(manifest),
        "fleet_facts": facts.facts(manifest.fleet.model_dump(exclude_defaults=True)) if manifest.fleet else [],
        "engine_command": _command(manifest.engine.command),
        "repeat_command": _command(manifest.command_line),
    }


def _workload_facts(manifest: Manifest) -> list[facts.Fact]:
    """The definition as it was recorded, and what the user or the server changed besides."""
    recorded = manifest.workload.model_dump(mode="json", exclude_unset=True)
    return facts.facts({**recorded, **_changes(manifest)}, {"description"}, absent="none")


def _changes(manifest: Manifest) -> dict[str, Any]:
    """Return what the user changed about this run besides the workload, and what the server made necessary."""
    body = manifest.body.model_dump(exclude_defaults=True)
    return {key: value for key, value in {"limits of rules": manifest.limits, "request body": body}.items() if value}


def _skipped_of_engine(manifest: Manifest) -> set[str]:
    """Return the facts of an engine that are shown elsewhere, or not at all: the model's name as it was asked for."""
    return {"command", "notes", *([] if manifest.engine.response_model else ["response_model"])}


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
    return {panel.id: page.specification(panel.figure) for panel in drawn if panel.figure is not None}
