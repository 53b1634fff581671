"""`aforo run --wire-audit` on a real endpoint, and `aforo audit` on what it leaves."""

import json
import struct
from pathlib import Path

from support.capture import need_capture
from support.command import ALONE, Aforo
from support.endpoint import endpoint

GOLDEN = Path(__file__).parents[1] / "golden" / "v1-smoke"


def test_a_run_is_audited_from_one_end_to_the_other(tmp_path: Path, aforo: Aforo) -> None:
    need_capture()
    with endpoint() as server:
        done = aforo("run", "smoke", "--url", server.url, "--wire-audit", "--requests", "80", "--quiet", "-v", *ALONE)
    assert done.returncode in {0, 3}, done.stderr  # this host may be busy; that is another rule's matter
    assert "Wire audit" in done.stdout
    (path,) = (tmp_path / "runs").iterdir()
    summary = json.loads((path / "summary.json").read_text())
    error_us = summary["metrics"]["wire_timestamp_error_us"]["value"]
    assert 0 < error_us <= 100
    assert "wire-audit" not in {item["rule"] for item in summary["verdict"]["unchecked"]}
    assert "Wire audit" in (path / "report.html").read_text()

    done = aforo("audit", str(path))
    assert done.returncode == 0, done.stderr
    assert "Our timestamps agree with the wire" in done.stdout
    outcome = json.loads(aforo("audit", str(path), "--json").stdout)
    assert max(outcome["arrival"]["p99_abs_us"], outcome["sent"]["p99_abs_us"]) == error_us
    assert outcome["reads_found"] == outcome["reads"] > 81
    assert outcome["sent"]["count"] == 81  # one of them warm-up

    shift_captured_stamps(path / "wire.bin", by_ns=-150_000)
    done = aforo("audit", str(path))
    assert done.returncode == 3
    assert "do not agree with the wire" in done.stderr
    assert aforo("summarize", str(path)).returncode == 0
    summary = json.loads((path / "summary.json").read_text())
    assert summary["verdict"]["level"] == "INVALID"
    assert "wire-audit" in {item["rule"] for item in summary["verdict"]["findings"]}

    data = (path / "wire.bin").read_bytes()
    (path / "wire.bin").write_bytes(data[:-10])
    done = aforo("audit", str(path))
    assert done.returncode == 3
    assert "The capture was cut off before the run ended: repeat the run." in done.stderr

    (path / "wire.bin").write_bytes(b"?" + data)
    for verb in ("audit", "summarize"):
        done = aforo(verb, str(path))
        assert done.returncode == 2
        assert "it is damaged" in done.stderr
        assert "Traceback" not in done.stderr


def shift_captured_stamps(file: Path, by_ns: int) -> None:
    """Make the capture say that everything happened earlier, by moving the wall clock of all its batches."""
    data = bytearray(file.read_bytes())
    batch, segment = struct.Struct("<qqqII"), struct.Struct("<qH?xII")
    position = 8
    _, offset_ns, _ = struct.unpack_from("<qqq", data, position)
    struct.pack_into("<q", data, position + 8, offset_ns - by_ns)
    position += 24
    while position < len(data):
        _, offset_ns, _, _, count = batch.unpack_from(data, position)
        struct.pack_into("<q", data, position + 8, offset_ns - by_ns)
        position += batch.size + count * segment.size
    file.write_bytes(data)


def test_a_run_that_was_not_captured(aforo: Aforo) -> None:
    done = aforo("audit", str(GOLDEN))
    assert done.returncode == 2
    assert "wire.bin does not exist: the run was not audited. Repeat it with --wire-audit, as root." in done.stderr


def test_a_folder_that_is_no_run(tmp_path: Path, aforo: Aforo) -> None:
    done = aforo("audit", str(tmp_path))
    assert done.returncode == 2
    assert "is not a run folder" in done.stderr
