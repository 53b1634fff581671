"""Results of llama-bench (`-o json` or `-o jsonl`): tests of prompt processing (pp) and of text generation (tg).

They time the engine's library in one process, without a client or HTTP: a prompt of random tokens at once, or one token
after the other. Source: llama.cpp, tools/llama-bench/README.md.
"""

from pathlib import PurePosixPath, PureWindowsPath

from profiler.exchange import source
from profiler.exchange.source import Object, Said
from profiler.results.imported import ImportedMetric, ImportedPoint, SourceTool
from profiler.units import NS_PER_S

_REQUIRED = {"n_prompt", "n_gen", "avg_ts", "model_filename"}
_TEST = {"n_prompt", "n_gen", "n_depth", "test_time", "model_size", "model_n_params", "model_type"}
_NOTES = ("Times of the engine's library in one process: no client, no HTTP, no sampling of tokens.",)


class LlamaBench:
    """The files of llama-bench."""

    NAME: SourceTool = "llama-bench"
    MADE_BY = "llama-bench -o json"

    def recognises(self, parts: list[Object]) -> bool:
        """Whether every part is a test."""
        return all(part.keys() >= _REQUIRED for part in parts)

    def read(self, parts: list[Object]) -> Said:
        """Take every test."""
        first, differing = parts[0], _differing(parts)
        threads = None if "n_threads" in differing else source.count(first, "n_threads")
        backends = source.joined(source.text(part, "backends") for part in parts)
        details = filter(None, [backends, None if threads is None else f"{threads} threads"])
        return Said(
            points=[_point(part, differing) for part in parts],
            tool_version=source.text(first, "build_commit"),
            measured_utc=source.text(first, "test_time"),
            model=source.joined(_model(part) for part in parts),
            engine=f"llama.cpp ({', '.join(details)})" if backends or threads else "llama.cpp",
            host=source.joined(source.text(part, "gpu_info") or source.text(part, "cpu_info") for part in parts),
            notes=_NOTES,
        )


def _differing(parts: list[Object]) -> list[str]:
    """Return the settings that are not the same in all tests."""
    settings = [key for key in parts[0] if key not in _TEST and not key.startswith(("avg_", "stddev_", "samples_"))]
    return [key for key in settings if any(part.get(key) != parts[0][key] for part in parts)]


def _point(part: Object, differing: list[str]) -> ImportedPoint:
    prompt, made, depth = (source.count(part, key) or 0 for key in ("n_prompt", "n_gen", "n_depth"))
    name = "+".join([*([f"pp{prompt}"] if prompt else []), *([f"tg{made}"] if made else [])]) or "empty"
    metric = {(True, False): "prefill_tokens_per_s", (False, True): "decode_tokens_per_s"}.get((prompt > 0, made > 0))
    samples = part.get("samples_ts")
    n = len(samples) if isinstance(samples, list) else None
    said: dict[str, ImportedMetric] = {}
    if metric is not None:
        said[metric] = source.measured(metric, f"avg_ts of {name}", source.number(part, "avg_ts"), n=n)
    mean_ns = source.number(part, "avg_ns")
    return ImportedPoint(
        name=" ".join([name, *([f"d{depth}"] if depth else []), *(_setting(part, key) for key in differing)]),
        duration_s=None if mean_ns is None else mean_ns * (n or 1) / NS_PER_S,
        metrics=source.every(LlamaBench.NAME, said),
    )


def _setting(part: Object, key: str) -> str:
    value = _file(part) if key == "model_filename" else part.get(key)
    return source.setting(key, value)


def _model(part: Object) -> str | None:
    """Name the model by its file and type; the path is of another machine."""
    return f"{_file(part)} ({kind})" if (kind := source.text(part, "model_type")) else _file(part)


def _file(part: Object) -> str:
    path = source.text(part, "model_filename") or "unnamed"
    return min(PureWindowsPath(path).name, PurePosixPath(path).name, key=len)
