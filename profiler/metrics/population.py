"""What a metric is computed over: which part of a run, how repeats are pooled, and what failed requests do to it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Population:
    """Three short answers for the reference page; `window` is what of a run is looked at."""

    window: str
    repeats: str
    failed: str


_STEADY, _SUMS, _NO_PART = "steady windows", "quotient of the sums", "no part"

FINISHED_REQUESTS = Population(_STEADY, "values of all repeats together", "left out")
FIRST_BURST = Population("requests that the load began with", "values of all repeats together", "left out")
FINISHED_SUMS = Population(_STEADY, _SUMS, "left out")
RATES = Population(_STEADY, _SUMS, "their time counts, their tokens do not")
SENT_SUMS = Population(_STEADY, _SUMS, "counted")
WINDOWS = Population(_STEADY, "sum over the windows", "counted")
ANSWERS = Population("all measured requests", "answers of all repeats together", "left out")
ALL_MEASURED = Population("all measured requests", _SUMS, "counted")
MEASURED_PHASES = Population("measured phases", _SUMS, "counted, where the engine counts them")
DRIVER = Population("measured phases", "sum over the phases", "counted")
BUSIEST = Population("measured phases", "the highest", "counted")
HOST_SAMPLES = Population("samples within the steady windows", "mean of all samples", _NO_PART)
HOST_COUNTERS = Population("samples around the steady windows", "sum over the windows", _NO_PART)
ALL_SAMPLES = Population("all samples", "the highest", _NO_PART)
STEADY_PEAK = Population("samples within the steady windows", "the highest", _NO_PART)
WHOLE_RUN = Population("whole run", "one for the run", _NO_PART)
