"""What is recorded of a search for the best settings."""

from profiler.results.manifest import Tried, TuningFacts
from profiler.run.tune import notes


def facts(budget_s: float = 600, load_s: tuple[float, ...] = (1.0, 2.0, 3.0)) -> TuningFacts:
    tried = [Tried(settings={"threads": "1"}, load_s=[9.0]), Tried(settings={"threads": "2"}, load_s=list(load_s))]
    return TuningFacts(
        run_id="r",
        metric="tpot_ms",
        aim="least",
        budget_s=budget_s,
        lasted_s=1,
        settings={"threads": "2"},
        is_found=True,
        sentence="Best.",
        tried=tried,
    )


def test_a_time_is_written_as_it_is_said() -> None:
    assert facts(90).words == "tuned within 90 s for tpot_ms"
    assert facts(600).words == "tuned within 10 min for tpot_ms"


def test_the_time_to_load_has_an_interval_over_its_starts() -> None:
    # 1, 2, 3 s: mean 2 s, standard error 1 / sqrt(3) = 0.577 s, t = 4.303 at 2 degrees of freedom: ± 2.48 s, above 0
    said, started = (text.replace("\u00a0", " ") for text in notes(facts()))
    assert said == "Best."
    assert started == "Starting the server took 2.00 s (0.00–4.48 s, 95 % over 3 starts)."
    assert notes(facts(load_s=(1.0,))) == ["Best."]
