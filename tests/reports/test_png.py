import struct
from pathlib import Path

import pytest

from profiler.errors import AforoError, UsageError
from profiler.reports.png import BROWSER_VARIABLE, find_browser, picture

PAGE = '<!doctype html><body style="margin:0;background:rgb(1,2,3)"><div style="height:2345px"></div>'


def size_px(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])  # of its header, https://www.w3.org/TR/png-3/#11IHDR
    return width, height


def open_files() -> int:
    """How many descriptors this process has open, where the system tells."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0


def test_without_a_browser_a_picture_is_refused_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(BROWSER_VARIABLE, raising=False)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UsageError, match=r"apt install chromium.*AFORO_CHROMIUM"):
        find_browser()


def test_a_browser_that_is_named_wrongly_is_not_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(BROWSER_VARIABLE, "/no/such/browser")
    with pytest.raises(UsageError, match="names /no/such/browser, which is no program"):
        find_browser()


@pytest.mark.parametrize("script", ["#!/bin/sh\nexit 0\n", "#!/bin/sh\nhead -c 1 <&3 >&2\n"])
def test_a_program_that_is_no_browser_ends_in_a_sentence(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "browser"
    program.write_text(script)
    program.chmod(0o755)
    monkeypatch.setenv(BROWSER_VARIABLE, str(program))
    before = open_files()
    with pytest.raises(AforoError, match="ended before it had drawn the page"):
        picture(tmp_path / "page.html")
    assert open_files() == before


@pytest.mark.browser
@pytest.mark.parametrize("width_px", [1280, 390])
def test_a_picture_holds_the_whole_page(width_px: int, tmp_path: Path) -> None:
    try:
        find_browser()
    except UsageError:
        pytest.skip("no Chromium on this system")
    page = tmp_path / "page.html"
    page.write_text(PAGE)
    assert size_px(picture(page, width_px)) == (width_px, 2345)
