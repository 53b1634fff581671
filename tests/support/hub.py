"""A Hugging Face Hub on loopback, as far as its client needs it to download a repository."""

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def oid(content: bytes) -> str:
    """Name a file by its content."""
    return hashlib.sha256(content).hexdigest()


def entry(name: str, content: bytes) -> dict[str, object]:
    """Describe a file of the tree."""
    return {"type": "file", "path": name, "size": len(content), "oid": oid(content)}


@contextmanager
def serve(repository: str, files: Mapping[str, bytes]) -> Iterator[tuple[str, list[str]]]:
    """Serve the files of one repository; yield the hub's address and, growing, the names of those downloaded."""
    downloaded: list[str] = []

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.answer()

        def do_GET(self) -> None:
            self.answer()

        def answer(self) -> None:
            path = self.path.partition("?")[0]
            name = path.removeprefix(f"/{repository}/resolve/").partition("/")[2]
            if path.startswith(f"/api/models/{repository}/tree/"):  # huggingface_hub 2
                self.reply(json.dumps([entry(name, content) for name, content in files.items()]).encode())
            elif path.startswith(f"/api/models/{repository}"):
                listed = [{"rfilename": name} for name in files]
                self.reply(json.dumps({"id": repository, "sha": COMMIT, "siblings": listed}).encode())
            elif name in files:
                downloaded.extend([name] if self.command == "GET" else [])
                self.reply(files[name])
            else:
                self.send_response(404)
                self.send_header("X-Error-Code", "EntryNotFound" if repository in path else "RepoNotFound")
                self.send_header("Content-Length", "0")
                self.end_headers()

        def reply(self, content: bytes) -> None:
            self.send_response(200)
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("ETag", f'"{oid(content)}"')
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", downloaded
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
