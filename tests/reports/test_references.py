"""How a run stands beside references, in words and numbers."""

import pytest
from support.loads import swept
from support.pages import TOO_WIDE, shoot

from profiler.reports import html
from profiler.reports.references import Standing, host_words, standing
from profiler.results.host_facts import CpuFacts, HostFacts, VirtualisationFacts
from profiler.results.run_set import StoredRun
from profiler.results.summary import Verdict

CPU = CpuFacts(generation="AMD EPYC 9004 (Genoa, Zen 4)", usable_cpus=2)


def run(name: str, rate: float, **virtualisation: object) -> StoredRun:
    made = swept(name, {1: (rate, 50.0)})
    seen = VirtualisationFacts.model_validate({"is_virtual": True, **virtualisation})
    made.manifest.host = HostFacts(name=name, cpu=CPU, virtualisation=seen)
    return made


def test_a_run_stands_between_its_references() -> None:
    found = standing(run("own", 110.0), [run("a", 100.0), run("b", 125.0)])
    assert found.sentence == (  # 110 / 125 and 110 / 100
        "By output rate this run is 0.88 to 1.10 times as fast as 2 references of the same work, model shape, engine "
        "and CPU generation."
    )
    assert found.columns[0] == "Output rate, tokens/s"
    assert found.rows[0][0] == "this run"
    assert [name for name, _ in found.rows] == ["this run", "reference 1", "reference 2"]
    assert found.described[0].startswith(
        "reference 1: virtual machine, AMD EPYC 9004 (Genoa, Zen 4), 2 CPUs, llama-cpp-python, "
    )
    assert (found.rows[1][1][0], found.rows[1][1][-1]) == ("100.0", "1.10 times as fast")


def test_that_there_is_none_is_said_with_the_reason() -> None:
    other = run("a", 100.0)
    other.manifest.host = HostFacts(cpu=CpuFacts(generation="AWS Graviton3"))
    found = standing(run("own", 110.0), [other])
    assert found == Standing(
        "There is no reference of w@1, m, llama-cpp-python, AMD EPYC 9004 (Genoa, Zen 4): of 1 reference, none was "
        "made on this CPU generation."
    )
    assert standing(run("own", 110.0), []).sentence.endswith("Zen 4).")


def test_an_emulated_machine_is_marked_and_counts_for_no_speed() -> None:
    found = standing(run("own", 110.0), [run("arm", 3.0, emulated=True)])
    assert found.sentence.endswith("an emulated machine says nothing of speed.")
    assert "emulated machine, whose speed means nothing" in found.described[0]
    assert found.rows[1][1][-1] == ""


def test_an_invalid_run_is_set_beside_none() -> None:
    own = run("own", 110.0)
    own.summary.verdict = Verdict(level="INVALID")
    assert standing(own, [run("a", 100.0)]) == Standing("An INVALID run is not set beside references.")


def test_kinds_of_hosts() -> None:
    assert host_words(HostFacts(virtualisation=VirtualisationFacts(is_virtual=False))) == "bare metal"
    assert host_words(HostFacts()) == "kind of machine not known"


EVIL = "<img src=x>"
SHOWN = Standing(
    "By output rate this run is 0.88 times as fast as 1 reference.",
    ("Output rate, tokens/s", "TTFT p50, ms", "TTFT p99, ms", "Met SLOs, %", "this run is"),
    (
        ("this run", ("110.0", "182.1", "203†", "100.0", "")),
        ("reference 1", ("125.0", "192", "227†", "100.0", "0.88 times as fast")),
    ),
    (f"reference 1: virtual machine, AMD EPYC 9004 (Genoa, Zen 4), 2 CPUs, 23.5 GiB, llama-server 0.5.0 {EVIL}",),
)


def page_of(fake_run) -> str:
    run = fake_run()
    return html.render(run.manifest, run.summary, run.requests, run.samples, standing=SHOWN)


def test_the_page_has_sentence_and_table(fake_run) -> None:
    page = page_of(fake_run)
    assert SHOWN.sentence in page
    assert "0.88 times as fast</td>" in page
    assert EVIL not in page


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_it_fits_the_screen(show, fake_run, artefacts, width) -> None:
    with show(page_of(fake_run), width) as page:
        shoot(page, artefacts, f"references-{width}")
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.evaluate(TOO_WIDE) == []
