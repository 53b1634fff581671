from datetime import datetime
from pathlib import Path

import pytest

from profiler.energy import wall
from profiler.energy.use import used
from profiler.errors import UsageError

S = 1_000_000_000
TEN_UTC = round(datetime.fromisoformat("2026-11-20T10:00:00+00:00").timestamp()) * S  # the run's second 0


def read(folder: Path, text: str, zone: str | None = None) -> wall.Meter:
    path = folder / "meter.csv"
    path.write_text(text, "utf-8")
    return wall.read(path, TEN_UTC, zone)


def test_watts_are_summed_by_the_trapezoidal_rule(tmp_path: Path) -> None:
    meter = read(
        tmp_path, "Timestamp,Watts\n2026-11-20T10:00:00Z,100\n2026-11-20T10:00:10Z,200\n2026-11-20T10:00:20Z,200\n"
    )
    # 10 s at 150 W on average, 10 s at 200 W
    assert [(r.t_ns, r.energy_j, r.covered_ns) for r in meter.readings] == [
        (0, 0, 0),
        (10 * S, 1500, 10 * S),
        (20 * S, 3500, 20 * S),
    ]
    assert (meter.facts.meter_class, meter.facts.scope, meter.facts.channel) == ("wall", "whole machine", "wall")


@pytest.mark.parametrize(("column", "per_s"), [("wh", 100 / 3600), ("kWh", 0.1 / 3600), ("joules", 100)])
def test_counters_of_energy(tmp_path: Path, column: str, per_s: float) -> None:
    rows = "".join(f"{TEN_UTC // S + t},{7 + per_s * t}\n" for t in (0, 10, 300))
    readings = read(tmp_path, f"time,{column}\n{rows}").readings
    use = used(readings, [(5 * S, 205 * S)])
    assert use.energy_j == pytest.approx(20_000)
    assert use.coverage_ratio == 1  # a counter knows what happened in a gap


@pytest.mark.parametrize(
    ("written", "zone"),
    [
        ("2026-11-20T11:00:0{}", "Europe/Berlin"),
        ("2026-11-20 12:00:0{}", "+02:00"),
        ("2026-11-20T05:30:0{}-04:30", None),
    ],
)
def test_time_zones(tmp_path: Path, written: str, zone: str | None) -> None:
    text = "timestamp,w\n" + "".join(f"{written.format(t)},50\n" for t in (0, 1))
    assert [r.t_ns for r in read(tmp_path, text, zone).readings] == [0, S]


def test_a_gap_in_power_is_not_covered(tmp_path: Path) -> None:
    seconds = [0, 1, 2, 3, 4, 14, 15, 16]
    text = "timestamp,w\n" + "".join(f"{TEN_UTC // S + t},100\n" for t in seconds)
    use = used(read(tmp_path, text).readings, [(0, 16 * S)])
    assert (use.energy_j, use.covered_ns) == (600, 6 * S)


@pytest.mark.parametrize(
    ("text", "zone", "said"),
    [
        ("a,b\n1,2\n1,2\n", None, "its columns are a, b; expected one of times"),
        ("timestamp,w,wh\n1,2,3\n2,3,4\n", None, "its columns w, wh all hold values; expected one such column"),
        ("timestamp,w\n1,2\n", None, "1 readings; expected at least two"),
        ("timestamp,w\nnoon,2\n2,3\n", None, "line 2: 'noon' is no time"),
        ("timestamp,w\n2026-11-20T10:00:00,2\n2,3\n", None, "line 2: .* has no time zone. Pass --timezone"),
        ("timestamp,w\n2026-11-20T10:00:00,2\n2,3\n", "Mars/Base", "--timezone Mars/Base: expected UTC"),
        ("timestamp,w\n1,x\n2,3\n", None, "line 2: 'x' is no number"),
        ("timestamp,w\n1,-5\n2,3\n", None, "line 2: -5; expected 0 or more"),
        ("timestamp,w\n1,5\n1,3\n", None, "line 3: .* is not after the line before"),
        ("timestamp,wh\n1,5\n2,3\n", None, "line 3: the counter fell from 5 to 3 Wh"),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, text: str, zone: str | None, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        read(tmp_path, text, zone)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        wall.read(tmp_path / "none.csv", 0)
