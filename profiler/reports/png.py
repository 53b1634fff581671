"""A picture of a page, taken by a browser of this machine that is started for it and asked over a pipe.

The pipe speaks the Chrome DevTools Protocol, as JSON documents that end with a zero byte
(https://chromedevtools.github.io/devtools-protocol/, `--remote-debugging-pipe`): descriptor 3 of the browser is where
it listens, 4 where it answers. A page is as long as it is, which the option --screenshot cannot know.
"""

import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from profiler.errors import AforoError, UsageError
from profiler.reports.scratch import scratch_folder

BROWSER_VARIABLE = "AFORO_CHROMIUM"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "microsoft-edge", "chrome")
_MAC = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
_QUIET = (
    "--headless",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-gpu",
    "--hide-scrollbars",
)
_LISTENS, _ANSWERS = 3, 4  # descriptors of the browser
_ABOVE = 10  # descriptors of ours that are handed over are above those
_PATIENCE_S = 60.0
_LONGEST_PX = 16_000  # a browser draws no longer picture in one piece
_PIECE_BYTES = 1 << 16

Scheme = Literal["light", "dark"]


def find_browser() -> str:
    """Return the program of a Chromium-like browser. Raises `UsageError` with the remedy."""
    named = os.environ.get(BROWSER_VARIABLE)
    found = shutil.which(named) if named else next(filter(None, map(shutil.which, _NAMES)), None)
    if found:
        return found
    if not named and _MAC.is_file():
        return str(_MAC)
    seen = f"{BROWSER_VARIABLE} names {named}, which is no program" if named else "there is no Chromium or Chrome"
    raise UsageError(
        f"A picture needs a browser, and {seen}. Install one (Debian and Ubuntu: apt install chromium), or name its "
        f"program in {BROWSER_VARIABLE}. The page itself needs none: open it anywhere."
    )


def picture(page: Path, width_px: int = 1280, scheme: Scheme = "light") -> bytes:
    """Return the whole page as a PNG. Raises `UsageError` without a browser, `AforoError` where it fails."""
    program = find_browser()
    with (
        scratch_folder("aforo-browser-") as profile,
        _Browser(program, str(profile)) as browser,
    ):
        target = browser.ask("Target.createTarget", url="about:blank")["targetId"]
        browser.session = browser.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        return _shoot(browser, page, width_px, scheme)


def _shoot(browser: "_Browser", page: Path, width_px: int, scheme: Scheme) -> bytes:
    media = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.ask("Page.enable")
    browser.ask("Emulation.setEmulatedMedia", features=media)
    screen = {"width": width_px, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.ask("Emulation.setDeviceMetricsOverride", **screen)
    browser.ask("Page.navigate", url=page.resolve().as_uri())
    browser.wait_for("Page.loadEventFired")
    size = browser.ask("Page.getLayoutMetrics")["cssContentSize"]
    clip = {"x": 0, "y": 0, "width": width_px, "height": min(size["height"], _LONGEST_PX), "scale": 1}
    shot = browser.ask("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
    return base64.b64decode(shot["data"])


class _Browser:
    """A browser process, asked one thing at a time."""

    def __init__(self, program: str, profile: str) -> None:
        self.session: str | None = None
        self._number = 0
        self._unread = b""
        theirs_in, self._out = _pipe()
        self._in, theirs_out = _pipe(theirs_write=True)
        arguments = [program, *_QUIET, f"--user-data-dir={profile}", "about:blank"]
        if os.geteuid() == 0:
            arguments.insert(1, "--no-sandbox")  # the sandbox refuses to work for root
        silence = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1, 2)]
        hand_over = [(os.POSIX_SPAWN_DUP2, theirs_in, _LISTENS), (os.POSIX_SPAWN_DUP2, theirs_out, _ANSWERS)]
        try:
            self._pid = os.posix_spawn(program, arguments, os.environ, file_actions=[*silence, *hand_over], setpgroup=0)
        except OSError as error:
            self._close()
            raise AforoError(f"The browser {program} cannot be started: {error.strerror}.") from error
        finally:
            os.close(theirs_in)
            os.close(theirs_out)

    def __enter__(self) -> "_Browser":
        return self

    def __exit__(self, *_: object) -> None:
        """End it and all that it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        self._close()

    def _close(self) -> None:
        os.close(self._out)
        os.close(self._in)

    def ask(self, method: str, **parameters: object) -> dict[str, Any]:
        """Send a command and return its result; what happened in the meantime is passed over."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        self._send(json.dumps(message).encode() + b"\0")
        answer = next(said for said in self._messages() if said.get("id") == self._number)
        if "error" in answer:
            raise AforoError(f"The browser refused {method}: {answer['error'].get('message')}")
        result: dict[str, Any] = answer["result"]
        return result

    def wait_for(self, event: str) -> None:
        """Return when this has happened."""
        next(said for said in self._messages() if said.get("method") == event)

    def _send(self, data: bytes) -> None:
        try:
            while data:
                data = data[os.write(self._out, data) :]
        except OSError as error:
            raise AforoError(_ENDED) from error

    def _messages(self) -> Iterator[Mapping[str, Any]]:
        while True:
            whole, end, rest = self._unread.partition(b"\0")
            if end:
                self._unread = rest
                yield json.loads(whole)
                continue
            if not select.select([self._in], [], [], _PATIENCE_S)[0]:
                raise AforoError(f"The browser said nothing for {_PATIENCE_S:.0f} s. Try again without --png.")
            piece = os.read(self._in, _PIECE_BYTES)
            if not piece:
                raise AforoError(_ENDED)
            self._unread += piece


_ENDED = f"The browser ended before it had drawn the page. Name another in {BROWSER_VARIABLE}, or leave out --png."


def _pipe(*, theirs_write: bool = False) -> tuple[int, int]:
    """Return the reading and the writing end; the browser's is above the descriptors that it becomes."""
    reading, writing = os.pipe()
    theirs = writing if theirs_write else reading
    moved = fcntl.fcntl(theirs, fcntl.F_DUPFD_CLOEXEC, _ABOVE)
    os.close(theirs)
    return (reading, moved) if theirs_write else (moved, writing)
