"""A ladder of quantisations as rows of words: for the terminal and for Markdown."""

from collections import Counter
from typing import NamedTuple

from profiler.reports import format as fmt
from profiler.reports.markdown import grid, plain
from profiler.results.ladder import Divergence, Figure, Ladder, Rung
from profiler.stats.estimates import Estimate
from profiler.summaries.estimates import Unknown

Z = 1.96  # 95 % of a normal distribution
_NONE = "–"
_PM = f"{fmt.NBSP}±{fmt.NBSP}"
_FIGURES = {
    "prefill_tokens_per_s": "prefill",
    "decode_tokens_per_s": "decode",
    "cost_per_1m_output_tokens": "cost of output",
    "energy_j_per_output_token": "energy",
}


class Table(NamedTuple):
    """A table of words; the first column says which file."""

    head: list[str]
    rows: list[list[str]]


def tables(ladder: Ladder) -> list[Table]:
    """Return what the files lose, and what they gain where that was measured; the least quantised first."""
    names = file_names(ladder)
    head = ["file", "size", "bits/weight", "mean KLD", "same top token", "perplexity"]
    lost = Table(head, [[name, *_of_file(rung)] for name, rung in zip(names, ladder.rungs, strict=True)])
    scales = {metric: scale for metric in _FIGURES if (scale := _scale(metric, ladder)) is not None}
    if not scales:
        return [lost]
    gained = Table(
        ["file", *(f"{_FIGURES[metric]}, {scale.unit}" for metric, scale in scales.items())],
        [
            [name, *(_figure(rung.figures.get(metric), scale) for metric, scale in scales.items())]
            for name, rung in zip(names, ladder.rungs, strict=True)
        ],
    )
    return [lost, gained]


def sentences(ladder: Ladder) -> list[str]:
    """Return what has to be said beside the table."""
    said = list(ladder.notes)
    tokens = next((rung.divergence.tokens for rung in ladder.rungs if rung.divergence), None)
    if tokens:
        said.append(
            f"Predictions of {tokens:,} tokens of {ladder.text}, against {ladder.rungs[0].name}. KLD in nats, ± at "
            "95 %, tokens taken as independent; same top token: how often both think the same token the most likely."
        )
    for name, rung in zip(file_names(ladder), ladder.rungs, strict=True):
        said.append(f"{name}: {rung.path}{f', made here from {rung.made_from}' if rung.made_from else ''}")
        if rung.no_divergence and rung is not ladder.rungs[0]:
            said.append(f"{name}: predictions {rung.no_divergence}.")
        if rung.no_run:
            said.append(f"{name} was not measured: {rung.no_run}")
        elif rung.verdict not in {None, "VALID"}:
            said.append(f"{name}: its run is {rung.verdict}: {rung.run}")
    if ladder.run_command is not None:
        said.append(
            f"Speed by one run of each, one after the other (aforo run {ladder.run_command}). For differences with "
            "intervals between runs, repeat them and pass their folders to aforo compare."
        )
    return list(dict.fromkeys(said))


def as_markdown(ladder: Ladder) -> str:
    """Return the tables with their sentences."""
    lines = [f"# Quantisations of {plain(ladder.rungs[0].name)}", ""]
    for table in tables(ladder):
        lines += [*grid(table.head, table.rows), ""]
    return "\n".join([*lines, *(f"- {plain(sentence)}" for sentence in sentences(ladder))]) + "\n"


def file_names(ladder: Ladder) -> list[str]:
    """Return what each file is called in tables: its quantisation, or its name where two have the same."""
    types = Counter(rung.quantisation for rung in ladder.rungs)
    return [
        rung.quantisation if rung.quantisation and types[rung.quantisation] == 1 else rung.name for rung in ladder.rungs
    ]


def _scale(metric: str, ladder: Ladder) -> fmt.Scale | None:
    """Return how a metric is shown in all rows, after its largest value; None where no file has one."""
    known = [rung.figures[metric] for rung in ladder.rungs if metric in rung.figures]
    largest = max((each for each in known if each.value is not None), key=lambda each: each.value or 0, default=None)
    return None if largest is None else fmt.estimate_scale(_known(largest), largest.unit)


def _of_file(rung: Rung) -> list[str]:
    bits = _NONE if rung.bits_per_weight is None else f"{rung.bits_per_weight:.2f}"
    return [fmt.quantity(rung.size_bytes, "bytes"), bits, *_of_divergence(rung.divergence)]


def _of_divergence(found: Divergence | None) -> list[str]:
    if found is None:
        return [_NONE] * 3
    top = fmt.estimate_scale(_estimate(found.same_top_ratio * 100, found.same_top_error * 100), "%")
    return [
        _with_error(found.mean_kld, found.mean_kld_error, ""),
        f"{top.number(found.same_top_ratio * 100)}{_PM}{top.number(Z * found.same_top_error * 100)}{fmt.NBSP}%",
        fmt.quantity(found.perplexity, ""),
    ]


def _with_error(value: float, error: float, unit: str) -> str:
    scale = fmt.estimate_scale(_estimate(value, error), unit)
    return f"{scale.number(value)}{_PM}{scale.number(Z * error)}"


def _estimate(value: float, error: float) -> Estimate:
    return Estimate(value, value - Z * error, value + Z * error)


def _known(found: Figure) -> Estimate | Unknown:
    if found.value is None or found.low is None or found.high is None:
        return Unknown(found.reason or "", found.value)
    return Estimate(found.value, found.low, found.high)


def _figure(found: Figure | None, shown: fmt.Scale) -> str:
    """Return a number with its own digits, in the unit of its column."""
    if found is None or found.value is None:
        return _NONE
    own = fmt.estimate_scale(_known(found), found.unit, (shown.factor, shown.unit))
    interval = "" if found.low is None or found.high is None else f" ({own.span([found.low, found.high])})"
    return f"{own.number(found.value)}{interval}"
