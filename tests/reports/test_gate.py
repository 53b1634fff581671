from xml.etree import ElementTree as Xml

from profiler.reports.gate import as_annotations, as_dict, as_junit
from profiler.stats.estimates import Estimate
from profiler.verdict.gate import Gate, Gated, Limit

CHANGE = Estimate(-0.1, -0.12, -0.08, 4)
GATED = Gate(
    "regression",
    [
        Gated("a", "ms", "pass", "a: fine.", CHANGE, CHANGE, CHANGE),
        Gated("b.p95", "ms", "regression", "b: <slow> & 10 %\nworse.", CHANGE, CHANGE, CHANGE),
        Gated("c", "ms", "undecidable", "c: who knows?"),
    ],
    0.98,
    ["a note"],
)


def test_as_junit() -> None:
    suite = Xml.fromstring(as_junit(GATED))  # noqa: S314 - what we wrote ourselves
    assert suite.attrib == {"name": "aforo gate", "tests": "3", "failures": "1", "errors": "1"}
    cases = {case.attrib["name"]: [(child.tag, child.attrib["message"]) for child in case] for case in suite}
    assert cases["a"] == []
    assert cases["b.p95"][0][0] == "failure"
    assert "<slow> & 10 %" in cases["b.p95"][0][1]
    assert cases["c"] == [("error", "c: who knows?")]


def test_as_annotations() -> None:
    assert as_annotations(GATED) == [
        "::notice title=aforo gate%3A a::a: fine.",
        "::error title=aforo gate%3A b.p95::b: <slow> & 10 %25%0Aworse.",
        "::warning title=aforo gate%3A c::c: who knows?",
    ]


def test_as_json() -> None:
    document = as_dict(GATED, Limit(0.05))
    assert document["answer"] == "regression"
    assert document["confidence_of_each"] == 0.98
    assert document["metrics"][0]["change_ratio"] == {"value": -0.1, "low": -0.12, "high": -0.08}
    assert document["metrics"][2]["change_ratio"] is None
