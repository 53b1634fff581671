from profiler.reports import html, tuning
from profiler.reports.run_text import markdown
from profiler.results.manifest import Tried, TuningFacts

FACTS = TuningFacts(
    run_id="search",
    metric="tpot_ms.p50",
    aim="least",
    budget_s=90,
    lasted_s=81,
    settings={"threads": "2"},
    is_found=True,
    sentence="Best setting: threads 2.",
    tried=[
        # Geometric means: sqrt(16 × 25) = 20; cbrt(8 × 10 × 12.5) = cbrt(1,000) = 10; nothing measured.
        Tried(settings={"threads": "1"}, values=[16.0, 25.0], load_s=[1.0, 2.0], lasted_s=[10.0, 12.0]),
        Tried(settings={"threads": "2"}, values=[8.0, 10.0, 12.5], load_s=[1.0, 1.0, 1.0], lasted_s=[9.0, 9.0, 9.0]),
        Tried(settings={"threads": "64"}, load_s=[3.0], lasted_s=[4.0]),
    ],
)


def test_the_best_setting_stands_first_and_one_that_measured_nothing_last() -> None:
    table = tuning.table(FACTS)
    assert table is not None
    assert [row.setting for row in table.rows] == ["threads 2", "threads 1", "threads 64"]
    assert [row.mean for row in table.rows] == ["10", "20", "–"]
    assert [row.values for row in table.rows] == ["8, 10, 12", "16, 25", "not measured"]
    assert [row.visits for row in table.rows] == [3, 2, 1]
    assert [row.is_chosen for row in table.rows] == [True, False, False]
    assert [row.load.split()[0] for row in table.rows] == ["1.00", "1.50", "3.00"]
    assert [row.lasted.split()[0] for row in table.rows] == ["27.0", "22.0", "4.00"]
    assert table.heading == "TPOT p50, ms"
    assert table.lead.replace("\u00a0", " ") == "6 visits took 81.0 s, of 90.0 s allowed."


def test_of_a_rate_the_highest_stands_first() -> None:
    facts = FACTS.model_copy(update={"aim": "most", "metric": "output_tokens_per_s"})
    table = tuning.table(facts)
    assert table is not None
    assert [row.setting for row in table.rows] == ["threads 1", "threads 2", "threads 64"]


def test_a_run_without_a_search_has_no_table() -> None:
    assert tuning.table(None) is None
    assert tuning.table(FACTS.model_copy(update={"tried": []})) is None


def test_a_search_of_an_earlier_version_does_not_say_how_long_visits_took() -> None:
    tried = [each.model_copy(update={"lasted_s": []}) for each in FACTS.tried]
    table = tuning.table(FACTS.model_copy(update={"tried": tried}))
    assert table is not None
    assert {row.lasted for row in table.rows} == {""}


def test_page_and_markdown_show_it(fake_run) -> None:
    run = fake_run()
    run.manifest.tuning = FACTS.model_copy(update={"sentence": "Best <b>setting</b>."})
    page = html.render(run.manifest, run.summary, run.requests, run.samples)
    assert '<section id="tuning"' in page
    assert "Best &lt;b&gt;setting&lt;/b&gt;." in page
    assert "threads 64" in page
    assert "| threads 2 (chosen) | 3 | 10 |" in markdown(run.manifest, run.summary)
    assert 'id="tuning"' not in fake_run().page()
