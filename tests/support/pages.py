"""What a page in a real browser is asked: what is drawn, what is wider than the screen."""

DRAWN = """() => [...document.querySelectorAll("[data-figure]")].map(plot => {
  const svg = plot.querySelector("svg.main-svg");
  const box = svg ? svg.getBoundingClientRect() : {width: 0, height: 0};
  const marks = plot.querySelectorAll(".trace path, .traces path, .point").length;
  return {id: plot.dataset.figure, width: box.width, height: box.height, traces: plot.data.length, marks};
})"""
TOO_WIDE = """() => [...document.querySelectorAll("body *")]
  .filter(element => !element.closest("svg, .visually-hidden, .skip"))
  .filter(element => element.getBoundingClientRect().right > innerWidth + 1)
  .map(element => element.outerHTML.slice(0, 120))"""


def shoot(page, artefacts, name):
    """Keep a picture for people, where they asked for it."""
    if artefacts is not None:
        page.screenshot(path=artefacts / f"{name}.png", full_page=True)


def figures_of(page):
    drawn = page.evaluate(DRAWN)
    for figure in drawn:
        assert figure["width"] > 250, figure
        assert figure["height"] > 100, figure
        assert figure["traces"] > 0, figure
        assert figure["marks"] > 0, figure
    return [figure["id"] for figure in drawn]
