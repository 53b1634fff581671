"""GuideLLM and AIPerf: installing each in an environment of its own, running it, and reading its raw records.

    python benchmarks/peers.py [--peers-dir DIR]     # installs them beforehand; the benchmarks do it by themselves

They take some gigabytes of disk. Which build of torch GuideLLM gets is for pip's own configuration to say: where the
CPU build is at hand (PIP_EXTRA_INDEX_URL, PIP_FIND_LINKS), the environment stays a third of the size.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from clients import Load, Records, Seen

from profiler.cache import cache_folder
from profiler.timing.clock import sample_wall_offset
from profiler.units import NS_PER_MS, NS_PER_S, s_to_ns

_INSTALL_S = 3600
_GRACE_S = 10
_IDENTITY = re.compile(r"truth-(\d{8})")
_HUB_NAME = "aforo/truth"


class _Peer:
    """A program from the package index, pinned, with the tokenizer that it needs."""

    name: str
    version: str
    requirements: Sequence[Sequence[str]]  # one pip install each

    def __init__(self, peers_dir: Path) -> None:
        self._home = peers_dir / f"{self.name}-{self.version}"
        self._ready = self._home / "ready"
        self.tokenizer = peers_dir / f"tokenizer-{self.name}"
        if not self._ready.exists():
            self._install()
        if not (self.tokenizer / "tokenizer.json").exists():
            script = Path(__file__).with_name("peer_tokenizer.py")
            _do([self._bin("python"), str(script), str(self.tokenizer)])

    def environment(self) -> Mapping[str, str]:
        return {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}

    def _bin(self, program: str) -> str:
        return str(self._home / "bin" / program)

    def _install(self) -> None:
        print(f"Installing {self.name} {self.version} into {self._home} (some minutes, some gigabytes) …", flush=True)
        shutil.rmtree(self._home, ignore_errors=True)
        _do([sys.executable, "-m", "venv", str(self._home)])
        for requirements in self.requirements:
            _do([self._bin("python"), "-m", "pip", "install", "--quiet", *requirements])
        self._ready.touch()


class GuideLlm(_Peer):
    """GuideLLM keeps, per request, when it began, its first and its last token; no single gaps."""

    name = "guidellm"
    version = "0.8.1"
    requirements = (["torch==2.13.0"], ["guidellm==0.8.1"])

    def command(self, load: Load, url: str, model: str, folder: Path, *, detailed: bool) -> list[str]:
        path = "/v1/chat/completions" if load.api == "chat" else "/v1/completions"
        profile: dict[str, object] = {"kind": "concurrent", "streams": load.concurrency}
        if load.rate_rps is not None:
            profile = {"kind": load.arrivals, "rate": load.rate_rps}
        lengths = {"prompt_tokens": load.prompt_tokens, "output_tokens": load.output_tokens}
        backend = {"kind": "openai_http", "target": url, "model": model, "request_format": path}
        options = {
            "backend": {**backend, "validate_backend": False},  # it asks for /health, which not every server has
            "profile": profile,
            "constraint": {"kind": "max_duration", "seconds": load.duration_s},
            "tokenizer": {"kind": "huggingface_auto", "model": str(self.tokenizer)},
            "data": {"kind": "synthetic_text", **lengths},
            "output": {"kind": "json", "path": str(folder / "guidellm.json")},
        }
        flags = [text for name, value in options.items() for text in (f"--{name}", json.dumps(value))]
        return [self._bin("guidellm"), "run", *flags, "--disable-console-interactive"]

    def read(self, folder: Path) -> Records:
        document = json.loads((folder / "guidellm.json").read_text("utf-8"))
        requests = [row for run in document["benchmarks"] for row in run["requests"]["successful"]]
        return {self.name: [_guidellm_row(row, sample_wall_offset().offset_ns) for row in requests]}


def _guidellm_row(row: Mapping[str, Any], wall_offset_ns: int) -> Seen:
    gap_ms = row["inter_token_latency_ms"]
    return Seen(
        identity=_identity(row["response_id"]),
        sent_ns=s_to_ns(row["request_start_time"]) - wall_offset_ns,
        ttft_ns=row["time_to_first_token_ms"] * NS_PER_MS,
        mean_itl_ns=None if gap_ms is None else gap_ms * NS_PER_MS,
        e2e_ns=row["request_latency"] * NS_PER_S,
    )


class AiPerf(_Peer):
    """AIPerf keeps every gap between chunks; the response ids are in its raw export."""

    name = "aiperf"
    version = "0.13.0"
    requirements = (["aiperf==0.13.0"],)

    def environment(self) -> Mapping[str, str]:
        return {**super().environment(), "HF_HOME": str(self._hub())}

    def command(self, load: Load, url: str, model: str, folder: Path, *, detailed: bool) -> list[str]:
        options = {
            "-m": model,
            "--url": url,
            "--endpoint-type": "chat" if load.api == "chat" else "completions",
            "--tokenizer": _HUB_NAME,
            "--isl": load.prompt_tokens,
            "--osl": load.output_tokens,
            "--export-level": "raw" if detailed else "records",
            "--ui": "none",
            "--output-artifact-dir": folder,
            **_aiperf_load(load),
        }
        flags = [text for name, value in options.items() for text in (name, str(value))]
        return [self._bin("aiperf"), "profile", *flags, "--streaming", "--no-server-metrics", "--no-gpu-telemetry"]

    def read(self, folder: Path) -> Records:
        with (folder / "profile_export_raw.jsonl").open(encoding="utf-8") as file:
            raw = dict(_aiperf_raw(line) for line in file)
        with (folder / "profile_export.jsonl").open(encoding="utf-8") as file:
            rows = [json.loads(line) for line in file]
        counted = [row for row in rows if "time_to_first_token" in row["metrics"]]
        return {self.name: [_aiperf_row(row, *raw[row["metadata"]["x_request_id"]]) for row in counted]}

    def _hub(self) -> Path:
        """Lay the tokenizer out as the hub's cache, which is all that it takes when offline; return the folder."""
        home = self.tokenizer.with_name(f"{self.tokenizer.name}-hub")
        repository = home / "hub" / f"models--{_HUB_NAME.replace('/', '--')}"
        snapshot = repository / "snapshots" / "made-here"
        if not snapshot.exists():
            shutil.copytree(self.tokenizer, snapshot)
            (repository / "refs").mkdir(exist_ok=True)
            (repository / "refs" / "main").write_text(snapshot.name, "ascii")
        return home


def _aiperf_load(load: Load) -> dict[str, object]:
    if load.count is None:
        length: dict[str, object] = {
            "--benchmark-duration": f"{load.duration_s:g}",
            "--benchmark-grace-period": _GRACE_S,
        }
    else:
        length = {"--request-count": load.count}
    if load.rate_rps is None:
        return {"--concurrency": load.concurrency, **length}
    return {"--request-rate": f"{load.rate_rps:g}", "--arrival-pattern": load.arrivals, **length}


def _aiperf_raw(line: str) -> tuple[str, tuple[int | None, int]]:
    """Take AIPerf's own id of a request, the server's, and when it began."""
    row = json.loads(line)
    return row["metadata"]["x_request_id"], (_identity(line), row["start_perf_ns"])


def _aiperf_row(row: Mapping[str, Any], identity: int | None, sent_ns: int) -> Seen:
    metrics = {name: metric["value"] for name, metric in row["metrics"].items()}
    ttft_ms, gap_ms = metrics["time_to_first_token"], metrics.get("inter_token_latency")
    arrivals_ms = accumulate(metrics.get("inter_chunk_latency") or [], initial=ttft_ms)
    return Seen(
        identity=identity,
        sent_ns=sent_ns,
        ttft_ns=ttft_ms * NS_PER_MS,
        mean_itl_ns=None if gap_ms is None else gap_ms * NS_PER_MS,
        e2e_ns=metrics["request_latency"] * NS_PER_MS,
        events_ns=[arrival_ms * NS_PER_MS for arrival_ms in arrivals_ms],
    )


def _identity(text: str) -> int | None:
    found = _IDENTITY.search(text)
    return int(found[1]) if found else None


def _do(command: Sequence[str]) -> None:
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_INSTALL_S)
    if result.returncode:
        raise SystemExit(f"{' '.join(command[:6])} … failed:\n{result.stderr.strip()[-1500:]}")


def default_folder() -> Path:
    """Return where the peers live unless the user says otherwise."""
    return cache_folder() / "peers"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--peers-dir", type=Path, default=default_folder(), help="[%(default)s]")
    peers_dir = parser.parse_args().peers_dir.resolve()
    for peer in (GuideLlm(peers_dir), AiPerf(peers_dir)):
        print(f"{peer.name} {peer.version} is ready.")


if __name__ == "__main__":
    main()
