"""The page of a ladder of quantisations: what it says first, what it draws, and how it looks."""

import pytest
from support.pages import TOO_WIDE, figures_of, shoot

from profiler.reports.quantisations_page import document, render
from profiler.results.ladder import Divergence, Figure, Ladder, Rung

MIB = 2**20


def rung(name: str, mib: int, kld: float | None = None, top: float = 0.0, decode: float | None = None) -> Rung:
    divergence = None
    if kld is not None:
        divergence = Divergence(
            tokens=5100,
            mean_kld=kld,
            mean_kld_error=kld / 40,
            p99_kld=5 * kld,
            same_top_ratio=top,
            same_top_error=0.004,
            perplexity=16.0 + kld,
            base_perplexity=16.0,
        )
    figures = {}
    if decode is not None:
        figures["decode_tokens_per_s"] = Figure(unit="tokens/s", value=decode, low=decode * 0.98, high=decode * 1.02)
    return Rung(
        name=f"model {name}",
        path=f"/m/{name}.gguf",
        sha256="0",
        quantisation=name,
        size_bytes=mib * MIB,
        bits_per_weight=mib / 17,
        divergence=divergence,
        no_divergence="it is the base" if kld is None else None,
        figures=figures,
        verdict="VALID" if figures else None,
        run=f"runs/{name}" if figures else None,
    )


def ladder(*rungs: Rung, **more: object) -> Ladder:
    return Ladder(
        tool_version="1",
        started_utc="2026-01-01T00:00:00Z",
        text="<b>mine</b>.txt",
        text_sha256="0",
        chunks=20,
        context_tokens=512,
        run_command="quickstart",
        rungs=list(rungs),
        **more,  # type: ignore[arg-type]
    )


WHOLE = ladder(
    rung("F16", 257, decode=40.0),
    rung("Q8_0", 138, 0.0021, 0.972, decode=71.0),
    rung("Q4_K_M", 100, 0.041, 0.891, decode=84.0),
    rung("Q3_K_M", 89, 0.136, 0.801, decode=90.0),
)


def test_the_answer_is_the_nearest_and_the_smallest_file() -> None:
    found = document(WHOLE)
    assert found.answer == (
        "Q8_0 is nearest to F16, with the same top token for 97.2 % of the text; "
        "Q3_K_M, the smallest, has the same top token for 80.1 % of the text."
    )
    # 89 of 257 MiB are 34.6 %, 90 of 40 tokens/s 2.25
    assert found.reasons[-1] == (
        "Q3_K_M: 35 % of the size, the same top token for 80.1 % of the text, 2.25 times the decode speed."
    )
    assert [section.id for section in found.sections] == ["lost", "gained"]


def test_what_was_not_compared_or_measured_is_not_drawn() -> None:
    found = document(ladder(rung("F16", 257), rung("Q8_0", 138)))
    assert found.answer == "Predictions were not compared: it is the base."
    assert [(section.id, section.drawing) for section in found.sections] == [("lost", None)]


def test_names_are_escaped() -> None:
    page = render(ladder(rung("F16", 257), rung("<i>x", 138, 0.1, 0.9)))
    assert "<i>x" not in page
    assert "<b>mine" not in page


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_every_figure_is_drawn_within_the_screen(show, artefacts, width):
    with show(render(WHOLE), width) as page:
        shoot(page, artefacts, f"quantisations-{width}")
        assert figures_of(page) == ["kld", "decode"]
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.evaluate(TOO_WIDE) == []
