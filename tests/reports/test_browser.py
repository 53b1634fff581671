"""Pages in a real Chromium: drawn, quiet, offline, as wide as the screen."""

import re

import pytest
from support.pages import TOO_WIDE, figures_of, shoot

from profiler.results.records import Outcome

pytestmark = pytest.mark.browser

FIGURES = ["ttft_ms", "itl_ms", "tpot_ms", "e2e_ms", "timeline", "gaps", "cores", "host", "memory"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_figure_is_drawn_within_the_screen(show, fake_run, artefacts, width, scheme):
    with show(fake_run().page(), width, scheme) as page:
        shoot(page, artefacts, f"run-{width}-{scheme}")
        assert figures_of(page) == FIGURES
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.evaluate(TOO_WIDE) == []


@pytest.mark.parametrize("width", [1280, 390])
def test_five_thousand_requests(show, fake_run, artefacts, width):
    failures = {9: Outcome.RESET, 45: Outcome.NO_RESPONSE, 100: Outcome.STALLED}
    run = fake_run(repeats=5, requests=1000, concurrency=32, sample_hz=10, failures=failures)
    with show(run.page(), width, "dark") as page:
        shoot(page, artefacts, f"many-{width}-dark")
        assert figures_of(page) == FIGURES
        assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("width", [1280, 390])
def test_an_invalid_run_is_watermarked_on_every_screen_and_in_nobodys_way(show, fake_run, artefacts, width):
    with show(fake_run(repeats=1, requests=3).page(), width) as page:
        page.evaluate("document.querySelector('.verdict details').open = true")
        shoot(page, artefacts, f"invalid-{width}-light")
        mark = page.evaluate("""() => {
          const style = getComputedStyle(document.body, "::before");
          const text = Object.assign(document.createElement("span"), {textContent: "INVALID"});
          text.style.cssText = `position: fixed; font: ${style.font}; letter-spacing: ${style.letterSpacing}`;
          document.body.append(text);
          const width = text.getBoundingClientRect().width;
          text.remove();
          return {content: style.content, wrap: style.whiteSpace, clicks: style.pointerEvents, width};
        }""")
        assert (mark["content"], mark["wrap"], mark["clicks"]) == ('"INVALID"', "nowrap", "none")
        assert width / 3 < mark["width"] < width
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.evaluate(TOO_WIDE) == []


def test_long_names_on_a_phone(show, fake_run, artefacts):
    run = fake_run(repeats=2, requests=8, concurrency=4)
    run.manifest.model.name = "Organisation/" + "Extremely-Long-Model-Name-" * 4 + "Q4_K_M-00001-of-00002.gguf"
    long = "ip-172-31-255-254.eu-central-1.compute.internal." + "subdomain." * 5
    run.manifest.host = run.manifest.host.model_copy(update={"name": long})
    run.manifest.engine.command = ["/opt/" + "x" * 300, "--model", "y" * 200]
    run.manifest.status, run.manifest.status_reason = "interrupted", "signal 2 after 12 s"
    run.manifest.warnings = ["w" * 200, "The governor is 'powersave'."]
    with show(run.page(), 390) as page:
        shoot(page, artefacts, "long-names-390-light")
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        assert page.evaluate(TOO_WIDE) == []


@pytest.mark.parametrize("requests", [1, 0])
def test_runs_with_next_to_nothing_in_them(show, fake_run, artefacts, requests):
    run = fake_run(repeats=1, requests=1)
    if not requests:
        run.requests, run.samples, run.timings = [], [], []
    with show(run.page(), 390) as page:
        shoot(page, artefacts, f"requests-{requests}-390-light")
        expected = ["itl_ms", "timeline", "gaps", "cores", "host", "memory"] if requests else []
        assert figures_of(page) == expected


def test_figures_follow_the_colour_scheme(show, fake_run):
    plot = "document.querySelector('#plot-ttft_ms')"
    colors = f"{plot}._fullLayout.font.color + ' ' + {plot}.data[0].line.color"
    light, dark = "#1c2126 #0072B2", "#e6e9ec #5FB3EC"
    with show(fake_run().page(), bypass_csp=True) as page:  # waiting for a condition evaluates text
        assert page.evaluate(colors) == light
        page.emulate_media(color_scheme="dark")
        page.wait_for_function(f"{colors} === '{dark}'")
        page.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert page.evaluate(colors) == light
        page.evaluate("dispatchEvent(new Event('afterprint'))")
        assert page.evaluate(colors) == dark


def test_a_finger_scrolls_the_page_and_a_mouse_zooms(show, fake_run):
    html, dragmode = fake_run().page(), "document.querySelector('#plot-timeline')._fullLayout.dragmode"
    with show(html, 390, has_touch=True, is_mobile=True) as page:
        assert page.evaluate(dragmode) is False
    with show(html) as page:
        assert page.evaluate(dragmode) == "zoom"


def test_the_keyboard_reaches_the_numbers_first(show, fake_run):
    with show(fake_run().page()) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the numbers"
        page.keyboard.press("Enter")
        assert page.evaluate("location.hash") == "#headline"
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('main') !== null")


def test_injected_script_does_not_run(show, fake_run):
    evil = """</script><script>window.hurt=1</script><img src="x" onerror="window.hurt=1"><a href="javascript:hurt">"""
    run = fake_run(failures={3: Outcome.SERVER_ERROR})
    run.manifest.model.name = run.requests[3].detail = evil
    run.manifest.host = run.manifest.host.model_copy(update={"name": evil})
    run.manifest.workload = run.manifest.workload.model_copy(update={"description": evil})
    run.manifest.warnings = [evil]
    for record in [*run.manifest.phases, *run.requests]:
        name = "name" if hasattr(record, "name") else "phase"
        setattr(record, name, getattr(record, name).replace("repeat-2", f"repeat-{evil}"))
    with show(run.page()) as page:
        assert page.evaluate("window.hurt") is None
        assert page.locator("h1").inner_text().count("window.hurt") == 4
        assert page.evaluate("document.querySelectorAll('img, svg a').length") == 0
        assert figures_of(page) == FIGURES


def test_the_policy_of_the_page_stops_a_script_that_slipped_in(chromium, fake_run, tmp_path):
    page_text = fake_run(repeats=1, requests=2).page()
    file = tmp_path / "tampered.html"
    file.write_text(re.sub("</main>", "</main><script>window.hurt=1</script>", page_text, count=1), encoding="utf-8")
    page = chromium.new_page()
    page.goto(file.as_uri())
    assert page.evaluate("window.hurt") is None
    assert page.evaluate("typeof Plotly") == "object"
    page.close()


def test_the_toolbar_shows_on_hover_only_and_covers_nothing(show, fake_run):
    plot = "document.querySelector('#plot-ttft_ms')"
    shown = f"getComputedStyle({plot}.querySelector('.modebar-group')).opacity"
    box = "getBoundingClientRect()"
    with show(fake_run().page(), bypass_csp=True) as page:
        assert page.evaluate(shown) == "0"
        page.hover("#plot-ttft_ms")
        page.wait_for_function(f"{shown} === '1'")
        assert page.evaluate(f"{plot}.{box}.top - {plot}.querySelector('.modebar').{box}.bottom") > -1
    with show(fake_run().page(), 390, has_touch=True, is_mobile=True) as page:
        assert page.evaluate("document.querySelectorAll('.modebar').length") == 0
