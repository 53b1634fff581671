"""What a server is given in tests."""

from profiler.results.manifest import ModelFacts
from profiler.servers.base import Launch


def model(path: str = "/models/m.gguf") -> ModelFacts:
    return ModelFacts(name="m", source="s", path=path, size_bytes=1, sha256="0", is_synthetic=True)


def launch(
    of: ModelFacts | None = None,
    *,
    streams: int | None = 1,
    threads: int = 1,
    context_tokens: int = 512,
    start_timeout_s: float = 300.0,
    api: str = "completions",
) -> Launch:
    return Launch(of or model(), threads, context_tokens, streams, start_timeout_s, api=api)
