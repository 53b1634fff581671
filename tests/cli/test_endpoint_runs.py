"""`aforo run --url` on an endpoint that is none of ours, from one end to the other."""

import json
import socket
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from support import as_if_elsewhere
from support import scripted_server as server
from support.certificates import Authority
from support.command import ALONE, Aforo
from support.endpoint import endpoint as scripted

from profiler.results.folder import RunFolder
from profiler.results.manifest import Manifest
from profiler.results.records import Outcome
from profiler.workloads.phases import is_measured

TOKENS = [str(number) for number in range(16)]
SMALL = ["--requests", "24", "--repeats", "1", "--warmup-requests", "4", "--output-tokens", "16", "--quiet"]
LEAN = [*SMALL, *ALONE]


class Endpoint:
    """Names its model, streams tokens, and keeps which connection carried how many requests.

    It begins as soon as so many requests have arrived as are to be in flight.
    """

    def __init__(self, together: int = 1) -> None:
        self._together = together
        self._are_there = threading.Event()
        self.requests: Counter[int] = Counter()
        self.peak = 0
        self._in_flight = 0
        self._lock = threading.Lock()

    def __call__(self, connection: socket.socket, request: bytes) -> None:
        if request.startswith(b"GET /v1/models"):
            body = json.dumps({"data": [{"id": "m"}]}).encode()
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            return
        with self._lock:
            self._in_flight += 1
            self.peak = max(self.peak, self._in_flight)
            if self.peak == self._together:
                self._are_there.set()
        self._are_there.wait(60)
        self.requests[connection.getpeername()[1]] += 1
        connection.sendall(server.HEAD)
        for number, text in enumerate(TOKENS):
            connection.sendall(server.chunk(server.token(text, "length" if number == len(TOKENS) - 1 else None)))
            threading.Event().wait(0.002)
        with self._lock:  # before the end of the body, on which the next request is sent
            self._in_flight -= 1
        connection.sendall(server.chunk(server.DONE) + server.LAST_CHUNK)


@pytest.fixture
def endpoint() -> Endpoint:
    return Endpoint()


@pytest.fixture
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


def only_run(parent: Path) -> tuple[RunFolder, Manifest]:
    (path,) = (parent / "runs").iterdir()
    return RunFolder(path), RunFolder(path).read_manifest()


def test_two_workers_measure_an_endpoint(tmp_path: Path, aforo: Aforo) -> None:
    endpoint = Endpoint(together=4)
    with server.serve(endpoint) as port:
        options = ["--concurrency", "4", "--client-workers", "2"]
        done = aforo("run", "smoke", "--url", f"http://localhost:{port}", *options, *LEAN)
    assert done.returncode in {0, 3}, done.stderr
    folder, manifest = only_run(tmp_path)
    records = list(folder.read_requests())
    assert len({record.index for record in records}) == len(records)
    # 24 measured, by the worker that leads exactly half of them; 8 for the warm-up, at most 4 to keep the load on
    assert 12 <= sum(is_measured(record.phase) for record in records) <= 36
    assert {record.outcome for record in records} == {Outcome.OK}
    assert {record.completion_tokens for record in records} == {16}
    assert endpoint.peak == 4
    assert sum(endpoint.requests.values()) == len(records)
    assert manifest.client.workers == 2
    assert "not known" in (manifest.client.cpus_reason or "")
    assert manifest.client.cpus is None
    assert "--client-workers 2" in " ".join(manifest.command_line)
    (repeat,) = [phase for phase in manifest.phases if phase.is_measured]
    assert repeat.client_cpu_ns is not None
    assert repeat.client_busiest_cpu_ns is not None
    assert repeat.client_cpu_ns / 2 <= repeat.client_busiest_cpu_ns <= repeat.client_cpu_ns
    metrics = json.loads((folder.path / "summary.json").read_text())["metrics"]
    assert 0 < metrics["client_busiest_cpu_cores"]["value"] <= metrics["client_cpu_cores"]["value"]
    page = folder.report.read_text()
    assert "Load driver workers" in page
    assert manifest.client.cpus_reason is not None
    assert manifest.client.cpus_reason in page


def run_as_if_elsewhere(parent: Path, port: int, *options: str) -> tuple[Manifest, dict[str, Any], str]:
    """Run for which the endpoint is on another machine; return manifest, metrics and page."""
    command = [sys.executable, "-P", as_if_elsewhere.__file__, "run", "smoke", "--url", f"http://127.0.0.1:{port}"]
    done = subprocess.run(
        [*command, *options, "--out", str(parent), *SMALL],
        capture_output=True,
        text=True,
        check=False,
        cwd=parent.parent,
    )
    assert done.returncode in {0, 3}, done.stderr
    (path,) = parent.iterdir()
    folder = RunFolder(path)
    metrics = json.loads((path / "summary.json").read_text())["metrics"]
    return folder.read_manifest(), metrics, folder.report.read_text()


def test_a_server_elsewhere_is_not_given_what_this_machine_draws_and_costs(tmp_path: Path, endpoint: Endpoint) -> None:
    with server.serve(endpoint) as port:
        manifest, metrics, page = run_as_if_elsewhere(tmp_path / "left", port)
        told, known, _ = run_as_if_elsewhere(tmp_path / "told", port, "--price", "3", "--grid", "us-east-1")
    assert manifest.engine.is_remote
    assert (manifest.energy.meter_class, manifest.energy.meters, manifest.energy.estimates) == ("none", [], [])
    assert (manifest.cost.price, manifest.cost.grid, manifest.cost.embodied) == (None, [], None)
    for name in ("energy_j_per_output_token", "mean_power_w", "gco2e_per_1m_output_tokens"):
        assert "the server runs on another machine" in metrics[name]["reason"]
    assert "what this one draws and costs is not set beside its tokens" in page
    assert manifest.host.name != manifest.server_host.name == "127.0.0.1"
    assert "The server ran on 127.0.0.1, about which nothing more is known." in page
    assert told.cost.price is not None
    assert known["usd_per_1m_output_tokens"]["value"] > 0
    assert "another machine" in known["gco2e_per_1m_output_tokens"]["reason"]


def test_an_endpoint_that_charges_by_the_token(tmp_path: Path, aforo: Aforo) -> None:
    prices = ["--price-input", "1", "--price-output", "4"]
    with scripted(tokens=16) as (url, _):
        done = aforo("run", "smoke", "--url", url, *prices, "--json", *LEAN)
        euros = aforo("run", "smoke", "--url", url, *prices, "--currency", "EUR", "--out", "euros", "--json", *LEAN)
    assert {done.returncode, euros.returncode} <= {0, 3}, done.stderr
    folder, manifest = only_run(tmp_path)
    assert manifest.cost.token_price is not None
    assert "--price-input 1 --price-output 4" in " ".join(manifest.command_line)
    metrics = json.loads(done.stdout)["metrics"]
    # Every request has 4 tokens in, as the server says, and 16 out: 4 × 1 + 16 × 4 millionths of a dollar.
    assert metrics["usd_per_request"]["value"] == pytest.approx(68e-6, rel=0.1)
    assert metrics["usd_per_1m_output_tokens"]["value"] == pytest.approx(68 / 16, rel=0.1)
    assert metrics["tokens_per_usd"]["value"] == pytest.approx(1e6 * 16 / 68, rel=0.1)
    assert "1.00\u00a0USD per 1M input tokens, 4.00\u00a0USD per 1M output tokens" in folder.report.read_text()
    in_euros = json.loads(euros.stdout)["metrics"]
    assert "EUR" in in_euros["usd_per_request"]["reason"]
    assert (in_euros["cost_per_request"]["unit"], in_euros["cost_per_1m_output_tokens"]["unit"]) == (
        "EUR",
        "EUR/1M tokens",
    )
    assert in_euros["cost_per_request"]["value"] == pytest.approx(68e-6, rel=0.1)
    compared = aforo("compare", "runs", "euros", "--force", "--json")
    assert compared.returncode == 0, compared.stderr
    (row, *_) = json.loads(compared.stdout)["runs"]
    assert "price_per_1m_output_tokens" in json.dumps(row)


def test_an_endpoint_behind_tls(tmp_path: Path, aforo: Aforo, endpoint: Endpoint, authority: Authority) -> None:
    with server.serve(endpoint, authority.server("localhost")) as port:
        url = ["--url", f"https://localhost:{port}"]
        refused = aforo("run", "smoke", *url, *LEAN)
        audited = aforo("run", "smoke", *url, "--insecure", "--wire-audit", *LEAN)
        trusted = aforo("run", "smoke", *url, "--ca-file", str(authority.ca_file), "--out", "trusted", *LEAN)
        insecure = aforo("run", "smoke", *url, "--insecure", *LEAN)
    assert refused.returncode == audited.returncode == 2
    assert "--ca-file FILE" in refused.stderr
    assert "--wire-audit" in audited.stderr
    assert trusted.returncode in {0, 3}, trusted.stderr
    assert insecure.returncode in {0, 3}, insecure.stderr
    folder, manifest = only_run(tmp_path)
    assert {record.outcome for record in folder.read_requests()} == {Outcome.OK}
    assert manifest.engine.url == f"https://localhost:{port}/v1"
    assert any("was not checked (--insecure)" in warning for warning in manifest.warnings)
    (path,) = (tmp_path / "trusted").iterdir()
    manifest = RunFolder(path).read_manifest()
    assert not any("--insecure" in warning for warning in manifest.warnings)
    assert f"--ca-file {authority.ca_file}" in " ".join(manifest.command_line)
