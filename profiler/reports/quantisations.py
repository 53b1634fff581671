"""A ladder of quantisations as rows of words: for the terminal and for Markdown."""

from profiler.reports import format as fmt
from profiler.reports.markdown import grid, plain
from profiler.results.ladder import Divergence, Figure, Ladder, Rung
from profiler.stats.estimates import Estimate
from profiler.summaries.estimates import Unknown

_Z = 1.96  # 95 % of a normal distribution
_NONE = "–"
_FIGURES = {
    "prefill_tokens_per_s": "prefill",
    "decode_tokens_per_s": "decode",
    "cost_per_1m_output_tokens": "cost of output",
    "energy_j_per_output_token": "energy",
}


def head(ladder: Ladder) -> list[str]:
    """Return the titles of the columns; figures that no file has are left out."""
    return ["file", "type", "size", "bits/weight", "mean KLD", "same top token", "perplexity", *_shown(ladder).values()]


def rows(ladder: Ladder) -> list[list[str]]:
    """Return a row for each file, the least quantised first."""
    return [
        [*_of_file(rung), *(_figure(rung.figures.get(metric)) for metric in _shown(ladder))] for rung in ladder.rungs
    ]


def sentences(ladder: Ladder) -> list[str]:
    """Return what has to be said beside the table."""
    said = list(ladder.notes)
    tokens = next((rung.divergence.tokens for rung in ladder.rungs if rung.divergence), None)
    if tokens:
        said.append(
            f"Predictions of {tokens:,} tokens of {ladder.text}, against {ladder.rungs[0].name}. KLD in nats, ± at "
            "95 %, tokens taken as independent; same top token: how often both think the same token the most likely."
        )
    for rung in ladder.rungs:
        if rung.no_divergence and rung is not ladder.rungs[0]:
            said.append(f"{rung.name}: predictions {rung.no_divergence}.")
        if rung.no_run:
            said.append(f"{rung.name} was not measured: {rung.no_run}")
        elif rung.verdict not in {None, "VALID"}:
            said.append(f"{rung.name}: its run is {rung.verdict}, see {rung.run}.")
    if ladder.run_command is not None:
        said.append(
            f"Speed by one run of each, one after the other (aforo run {ladder.run_command}). For differences with "
            "intervals between runs, repeat them and pass their folders to aforo compare."
        )
    return list(dict.fromkeys(said))


def as_markdown(ladder: Ladder) -> str:
    """Return a table with its sentences."""
    lines = [f"# Quantisations of {plain(ladder.rungs[0].name)}", "", *grid(head(ladder), rows(ladder)), ""]
    return "\n".join([*lines, *(f"- {plain(sentence)}" for sentence in sentences(ladder))]) + "\n"


def _shown(ladder: Ladder) -> dict[str, str]:
    return {
        metric: title
        for metric, title in _FIGURES.items()
        if any(rung.figures[metric].value is not None for rung in ladder.rungs if metric in rung.figures)
    }


def _of_file(rung: Rung) -> list[str]:
    bits = _NONE if rung.bits_per_weight is None else f"{rung.bits_per_weight:.2f}"
    size = fmt.quantity(rung.size_bytes, "bytes")
    return [rung.name, rung.quantisation or _NONE, size, bits, *_of_divergence(rung.divergence)]


def _of_divergence(found: Divergence | None) -> list[str]:
    if found is None:
        return [_NONE] * 3
    top = fmt.estimate_scale(_estimate(found.same_top_ratio * 100, found.same_top_error * 100), "%")
    return [
        _with_error(found.mean_kld, found.mean_kld_error, ""),
        f"{top.number(found.same_top_ratio * 100)} ± {top.number(_Z * found.same_top_error * 100)} %",
        fmt.quantity(found.perplexity, ""),
    ]


def _with_error(value: float, error: float, unit: str) -> str:
    scale = fmt.estimate_scale(_estimate(value, error), unit)
    return f"{scale.number(value)} ± {scale.number(_Z * error)}"


def _estimate(value: float, error: float) -> Estimate:
    return Estimate(value, value - _Z * error, value + _Z * error)


def _figure(found: Figure | None) -> str:
    if found is None or found.value is None:
        return _NONE
    if found.low is None or found.high is None:
        return fmt.estimate_scale(Unknown("", found.value), found.unit).quantity(found.value)
    scale = fmt.estimate_scale(Estimate(found.value, found.low, found.high), found.unit)
    return f"{scale.number(found.value)} ({scale.span([found.low, found.high])}) {scale.unit}"
