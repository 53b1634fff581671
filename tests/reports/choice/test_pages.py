"""The pages of break-even and of a switch: drawn, within the screen, and what is in a name is text."""

import pytest
from support.loads import price, sweeps, swept

from profiler.reports.choice import breakeven, decide, page, text
from profiler.selection import breakeven as question_of_demand
from profiler.selection import decide as question_of_switch
from profiler.selection.breakeven import Charged, Provisioned
from profiler.selection.candidate import candidates

EVIL = """<img src="x" onerror="window.hurt=1"></script><script>window.hurt=1</script><b>%{x}</b>| `a` *b* =1+1"""
LOADS = {1: (50.0, 100.0), 8: (120.0, 400.0)}


def runs(host: str, factor: float = 1.0, per_hour: float = 0.58):
    return sweeps(host, {c: (rate * factor, ttft) for c, (rate, ttft) in LOADS.items()}, cost=price(per_hour))


@pytest.fixture(scope="module")
def demand():
    """One bigger against several smaller, an endpoint and provisioned throughput; a host with an evil name."""
    asked = question_of_demand.Question(
        charged=Charged(0.3, 1.5), provisioned=Provisioned(1.0, 200_000), utilisation_ratio=0.4, tokens_per_day=5e6
    )
    found = question_of_demand.breakeven(candidates([*runs(EVIL), *runs("big", 3.5, 1.9)]), asked)
    return breakeven.document(found, [EVIL])


@pytest.fixture(scope="module")
def switch():
    """From an evil host to a better one."""
    asked = question_of_switch.Question(
        min_gain_ratio=0.05, switch_cost=2000.0, tokens_per_day=2e9, payback_within_days=365.0
    )
    found = question_of_switch.decide(candidates(runs(EVIL)), candidates(runs("big", 3.5, 1.7)), asked)
    return decide.document(found, [EVIL])


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("name", ["demand", "switch"])
def test_a_page_is_drawn_within_the_screen(show, request, name, width):
    with show(page.render(request.getfixturevalue(name)), width=width) as opened:
        opened.wait_for_selector(".plot .main-svg")
        assert opened.evaluate("document.documentElement.scrollWidth") == width
        assert opened.evaluate("window.hurt") is None
        assert opened.evaluate("document.querySelectorAll('img, [onerror]').length") == 0
        assert opened.evaluate("document.querySelectorAll('.plot .scatterlayer path.js-line').length") >= 1


def test_the_answer_stands_first_in_every_form(demand, switch):
    for document in (demand, switch):
        assert page.render(document) == page.render(document)
        assert document.answer in page.render(document)
        assert text.as_markdown(document).splitlines()[4] == f"**{document.answer}**"
        assert text.as_json(document).startswith("{")
    assert switch.answer.startswith("Worth it: paid back after")
    assert EVIL not in page.render(demand)


def test_a_name_is_no_formula_and_no_markup(demand):
    assert "<img" not in text.as_markdown(demand).replace("\\<img", "")
    rows = text.as_csv(demand).splitlines()
    assert rows[0].startswith("from_requests_per_day,to_requests_per_day,cheapest")
    assert len(rows) > 2


def test_what_is_measured_once_is_said_to_be() -> None:
    run = swept("box", {8: (120.0, 400.0)}, cost=price(0.58))
    point = run.summary.points[0]
    metric = point.metrics["requests_per_s"].model_copy(update={"interval": None})
    point.metrics["requests_per_s"] = metric
    asked = question_of_demand.Question(charged=Charged(3.0, 15.0))
    document = breakeven.document(question_of_demand.breakeven(candidates([run]), asked), [])
    assert any("has no interval" in note for note in document.notes)
