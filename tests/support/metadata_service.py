"""The metadata services of AWS, Google Cloud and Azure, as their documentation describes them, on loopback."""

import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN_PATH = "/latest/api/token"  # noqa: S105 - a path
LIFETIME, TOKEN = "X-aws-ec2-metadata-token-ttl-seconds", "X-aws-ec2-metadata-token"
DOCUMENT = {
    "architecture": "arm64",
    "availabilityZone": "us-east-1a",
    "instanceId": "i-0abcdef1234567890",
    "instanceType": "c7g.xlarge",
    "region": "us-east-1",
}
AWS_PAGES = {
    "/latest/dynamic/instance-identity/document": json.dumps(DOCUMENT),
    "/latest/meta-data/instance-life-cycle": "spot",
}
GCP = "/computeMetadata/v1/instance"
GCP_PAGES = {
    f"{GCP}/machine-type": "projects/123/machineTypes/c4a-standard-4",
    f"{GCP}/zone": "projects/123/zones/us-central1-a",
    f"{GCP}/scheduling/preemptible": "FALSE",
}
AZURE_PATH = "/metadata/instance?api-version=2021-02-01"
AZURE = {"compute": {"location": "eastus", "vmSize": "Standard_D4ps_v6", "zone": "2", "priority": "Regular"}}


class _Handler(BaseHTTPRequestHandler):
    provider: str
    silence: threading.Event
    pages: dict[str, str]
    tokens: set[str]

    def do_PUT(self) -> None:
        if not 1 <= int(self.headers.get(LIFETIME, "0")) <= 21600 or self.path != TOKEN_PATH:
            return self._answer(400, "")
        token = secrets.token_urlsafe()
        self.tokens.add(token)
        return self._answer(200, token)

    def do_GET(self) -> None:
        self.silence.wait()
        if self.provider == "aws" and self.headers.get(TOKEN) not in self.tokens:
            return self._answer(401, "")
        if self.provider == "gcp" and self.headers.get("Metadata-Flavor") != "Google":
            return self._answer(403, "")
        if self.provider == "azure" and self.headers.get("Metadata") != "true":
            return self._answer(400, "")
        page = self.pages.get(self.path)
        return self._answer(404, "") if page is None else self._answer(200, page)

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text.encode())))
        if self.provider == "gcp":
            self.send_header("Metadata-Flavor", "Google")
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        pass


PAGES = {"aws": AWS_PAGES, "gcp": GCP_PAGES, "azure": {AZURE_PATH: json.dumps(AZURE)}}


@contextmanager
def metadata_service(provider: str, pages: dict[str, str] | None = None, *, silent: bool = False) -> Iterator[str]:
    """Serve one provider's metadata; yield its address. A silent one accepts a question and never answers."""
    speaking = threading.Event()
    if not silent:
        speaking.set()
    members = {"provider": provider, "silence": speaking, "tokens": set(), "pages": pages or PAGES[provider]}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), members))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.daemon_threads = True
        server.block_on_close = False
        speaking.set()
        server.shutdown()
        thread.join()
        server.server_close()
