"""A gate's answer for the programs that read it: JUnit XML and the annotations of GitHub's workflows."""

from dataclasses import asdict
from typing import Any
from xml.etree import ElementTree as Xml

from profiler.change_format import outcome_word
from profiler.stats.estimates import Estimate
from profiler.verdict.gate import Answer, Gate, Limit

_LEVELS: dict[Answer, str] = {"pass": "notice", "regression": "error", "undecidable": "warning"}


def answer_text(gated: Gate) -> str:
    """The answer in capitals; of INVALID runs that were forced in, with that word."""
    return outcome_word(gated.answer).upper() + (" BY INVALID RUNS" if is_forced(gated) else "")


def is_forced(gated: Gate) -> bool:
    """Whether INVALID runs are part of the answer."""
    return any(trap.id == "invalid" for trap in gated.traps)


def as_dict(gated: Gate, limit: Limit) -> dict[str, Any]:
    """Return what `--json` prints."""
    return {
        "answer": gated.answer,
        "max_regression_ratio": limit.max_regression_ratio,
        "confidence": limit.confidence,
        "is_paired": limit.is_paired,
        "drift_ratio": limit.drift_ratio,
        "has_invalid_runs": is_forced(gated),
        "confidence_of_each": gated.each_confidence,
        "metrics": [
            {
                "metric": one.metric,
                "unit": one.unit,
                "answer": one.answer,
                "sentence": one.sentence,
                "base": _interval(one.base),
                "new": _interval(one.new),
                "change_ratio": _interval(one.change),
                "change_without_interval_ratio": one.middle if one.change is None else None,
            }
            for one in gated.metrics
        ],
        "traps": [asdict(trap) for trap in gated.traps],
        "notes": gated.notes,
    }


def _interval(known: Estimate | None) -> dict[str, float | None] | None:
    return None if known is None else {"value": known.value, "low": known.low, "high": known.high}


def as_junit(gated: Gate) -> str:
    """Return JUnit XML: a test case for each metric, a regression a failure, an inconclusive one an error."""
    counts = {answer: sum(one.answer == answer for one in gated.metrics) for answer in _LEVELS}
    suite = Xml.Element(
        "testsuite",
        name="aforo gate",
        tests=str(len(gated.metrics)),
        failures=str(counts["regression"]),
        errors=str(counts["undecidable"]),
    )
    for one in gated.metrics:
        case = Xml.SubElement(suite, "testcase", classname="aforo.gate", name=one.metric)
        if is_forced(gated):
            Xml.SubElement(case, "system-out").text = "INVALID runs are among them (--force)."
        if one.answer != "pass":
            kind = "failure" if one.answer == "regression" else "error"
            Xml.SubElement(case, kind, message=one.sentence, type=one.answer)
    Xml.indent(suite)
    return Xml.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def as_annotations(gated: Gate) -> list[str]:
    """Return a workflow command of GitHub Actions for each metric."""
    return [
        f"::{_LEVELS[one.answer]} title={_property(f'aforo gate: {one.metric}')}::{_data(one.sentence)}"
        + (" INVALID runs are among them (--force)." if is_forced(gated) else "")
        for one in gated.metrics
    ]


def _data(text: str) -> str:
    """Escape as @actions/core does, or a line break would begin another command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
