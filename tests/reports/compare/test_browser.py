"""The comparison's page in a real Chromium: drawn, quiet, offline; it sorts, filters and highlights."""

import pytest
from support.pages import figures_of, shoot

from profiler.reports.compare import page
from profiler.reports.compare.comparison import compare
from profiler.results.host_facts import HostFacts

pytestmark = pytest.mark.browser

FIGURES = ["price-USD-0", "tokens-per-USD-0", "curves-0", "carbon-0", "tokens-per-joule-0", "mbu-0"]
NAMES = """() => [...document.querySelectorAll("#table-runs tbody tr:not([hidden]) .name")].map(e => e.textContent)"""
TOO_WIDE = """() => [...document.querySelectorAll("body *")]
  .filter(element => !element.closest("svg, .visually-hidden, .skip, .scroll table"))
  .filter(element => element.getBoundingClientRect().right > innerWidth + 1)
  .map(element => element.outerHTML.slice(0, 120))"""
PICKED = "id => document.getElementById(id).data.filter(trace => trace.meta).map(trace => trace.selectedpoints)"


def column(page, title):
    """The texts of a column, top to bottom, without intervals."""
    return page.evaluate(
        """title => {
          const table = document.getElementById("table-runs");
          const at = [...table.tHead.rows[0].cells].findIndex(cell => cell.textContent.startsWith(title));
          return [...table.tBodies[0].rows].map(row => row.cells[at].childNodes[0].textContent.trim());
        }""",
        title,
    )


def heading(page, title):
    return page.locator("#table-runs thead th", has=page.get_by_role("button", name=title))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_figure_is_drawn_within_the_screen(show, six, artefacts, width, scheme):
    with show(page.render(six()), width, scheme) as opened:
        shoot(opened, artefacts, f"compare-{width}-{scheme}")
        assert figures_of(opened) == FIGURES
        assert opened.evaluate("document.documentElement.scrollWidth") == width
        assert opened.evaluate(TOO_WIDE) == []
        if width == 1280:  # every column is seen without scrolling
            room = "[...document.querySelectorAll('.scroll')].map(table => table.scrollWidth - table.clientWidth)"
            assert opened.evaluate(room) == [0, 0, 0]


@pytest.mark.parametrize("width", [1280, 390])
def test_two_hundred_runs(show, a_run, parts, artefacts, width):
    def setting(number):
        def change(manifest, _):
            manifest.host = HostFacts(name=f"host-{number % 5}")
            manifest.engine.threads = number

        return change

    runs = [
        a_run(
            number,
            tuple(50.0 + number + spread for spread in (-1, 0, 1)),
            cost=parts.price(0.1 + number % 7),
            used=parts.energy("model", number, 2 * number) if number % 2 else parts.energy("wall", number),
            change=setting(number),
        )
        for number in range(1, 201)
    ]
    html = page.render(compare(runs))
    assert len(html.encode()) < 10_000_000
    with show(html, width) as opened:
        shoot(opened, artefacts, f"compare-200-{width}-light")
        assert figures_of(opened) == FIGURES
        assert opened.evaluate("document.documentElement.scrollWidth") == width
        opened.fill("#filter", "host-3")
        opened.locator("#shown", has_text="40 of 200 runs").wait_for()
        assert len(opened.evaluate(NAMES)) == 40
        opened.fill("#filter", "r17")
        opened.locator("#shown", has_text="1 of 200 runs").wait_for()
        assert opened.evaluate(NAMES) == ["r17"]


def test_columns_sort_by_number_and_say_so(show, six):
    with show(page.render(six())) as opened:
        rate = heading(opened, "Output rate")
        rate.get_by_role("button").click()  # the best first
        assert rate.get_attribute("aria-sort") == "descending"
        assert column(opened, "Output rate") == ["400.0", "300.0", "250.0", "120.0", "100.0", "80.0"]
        rate.get_by_role("button").click()
        assert rate.get_attribute("aria-sort") == "ascending"
        assert opened.evaluate(NAMES) == ["r3", "r1", "r2", "r6", "r5", "r4"]
        assert opened.locator("#table-runs th[aria-sort]").count() == 1


def test_the_keyboard_sorts_as_well(show, six):
    with show(page.render(six())) as opened:
        heading(opened, "Output rate").get_by_role("button").focus()
        opened.keyboard.press("Enter")
        assert opened.evaluate(NAMES)[0] == "r4"


@pytest.mark.parametrize("clicks", [1, 2])
def test_sorting_by_energy_keeps_classes_apart_and_models_unranked(show, six, clicks):
    with show(page.render(six())) as opened:
        for _ in range(clicks):
            heading(opened, "Energy").get_by_role("button").click()
        # model (r1, r2: in the order given), wall (r3), counter (0.5 and 0.7 J), polled (r6)
        counters = ["r4", "r5"] if clicks == 1 else ["r5", "r4"]
        assert opened.evaluate(NAMES) == ["r1", "r2", "r3", *counters, "r6"]


def test_a_run_that_is_pressed_stands_out_in_every_figure(show, six):
    with show(page.render(six())) as opened:
        opened.get_by_role("button", name="r4").click()
        for figure in ("plot-price-USD", "plot-curves"):
            assert opened.evaluate(PICKED, figure) == [[], [], [], [0], [], []]
        opened.get_by_role("button", name="r4").click()
        assert opened.evaluate(PICKED, "plot-curves") == [None] * 6


def test_a_sweep_that_is_pressed_stands_out_as_a_whole(show, a_run, swept):
    opacities = "document.getElementById('plot-curves').data.map(trace => trace.opacity)"
    with show(page.render(compare([a_run(1, change=swept), a_run(2, change=swept)]))) as opened:
        opened.get_by_role("button", name="r2").click()
        assert opened.evaluate(opacities) == [0.12, 1]


def test_another_latency_is_drawn_when_it_is_chosen(show, six):
    title = "document.getElementById('plot-price-USD').layout.xaxis.title.text"
    with show(page.render(six())) as opened:
        assert opened.evaluate(title).startswith("TTFT p50, ms")
        opened.locator("#panel-price-USD select").select_option(label="TPOT p99")
        assert opened.evaluate(title).startswith("TPOT p99, ms")


def test_a_forced_run_is_marked_and_the_page_watermarked(show, a_run, artefacts):
    with show(page.render(compare([a_run(1), a_run(2, level="INVALID")]))) as opened:
        shoot(opened, artefacts, "compare-invalid-1280-light")
        assert opened.evaluate("getComputedStyle(document.body, '::before').content") == '"INVALID"'
        assert "INVALID" in opened.locator("#table-runs tbody tr").nth(1).inner_text()
        assert opened.locator(".verdict h2").first.inner_text() == "INVALID: 1 run"


def test_currencies_have_a_figure_each(show, a_run, parts):
    prices = [parts.price(1.0), parts.price(2.0), parts.price(1.5, "EUR"), parts.price(1.2, "EUR")]
    runs = [a_run(number, cost=cost) for number, cost in enumerate(prices)]
    with show(page.render(compare(runs))) as opened:
        drawn = figures_of(opened)
        assert [name for name in drawn if name.startswith("price")] == ["price-USD-0", "price-EUR-0"]
        assert "Currencies are never converted" in opened.locator("#panel-price-EUR figcaption").inner_text()


def test_a_page_prints_its_tables_whole(show, six):
    with show(page.render(six())) as opened:
        opened.emulate_media(media="print")
        opened.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert opened.evaluate("getComputedStyle(document.querySelector('.scroll')).overflow") == "visible"
        assert opened.evaluate("[...document.querySelectorAll('details')].every(folded => folded.open)")
        assert opened.evaluate("document.querySelector('#plot-curves')._fullLayout.font.color") == "#1c2126"
