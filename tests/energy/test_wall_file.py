"""Files of meters as the world writes them, and as nobody should."""

from contextlib import suppress
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from profiler.energy.resolution import last_digit, smallest_step
from profiler.energy.wall import read
from profiler.energy.wall_file import read_rows
from profiler.errors import UsageError

MOMENT = datetime(2020, 5, 24, 15, 48, 50, 162702, tzinfo=UTC)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("1590335330.162702", "1590335331.162702"),
        ("1590335330162.702", "1590335331162.702"),
        ("1590335330162702", "1590335331162702"),
        ("1590335330162702714", "1590335331162702714"),
        ("1.590335330162702e9", "1.590335331162702e9"),
        ("2020-05-24T15:48:50.162702Z", "2020-05-24T15:48:51.162702Z"),
    ],
)
def test_times_since_1970_in_any_usual_unit(tmp_path: Path, first: str, second: str) -> None:
    path = tmp_path / "m.csv"
    path.write_text(f"timestamp,watts\n{first},53.5\n{second},54\n")
    rows = read_rows(path, None)
    assert abs(rows.times[0] - MOMENT).total_seconds() < 1e-3
    assert abs((rows.times[1] - rows.times[0]).total_seconds() - 1) < 1e-3


@pytest.mark.parametrize(
    ("text", "zone", "said"),
    [
        ("timestamp,w\n" + "9" * 400 + ",1\n", None, r"line 2: '9{60}…' is no time; expected .* seconds, ms, µs or ns"),
        ("timestamp,w\n1e300,1\n2,2\n", None, "line 2: '1e300' is no time"),
        ("timestamp,w\n9999-12-31T00:00:00Z,1\n2,2\n", None, "up to the year 2261"),
        ("timestamp,w\n0001-01-01T00:00:00+14:00,1\n2,2\n", None, "is no time"),
        ("timestamp,w\n0001-01-01T00:00:00,1\n2,2\n", "Europe/Berlin", "is no time"),
        ('timestamp,w\n"' + "1" * 140_000 + '",5\n2,5\n', None, "line 2: the row is not CSV .field larger than"),
        ("timestamp,w\n1,1e400\n2,2\n", None, "line 2: inf; expected 0 or more, up to 1e.12"),
        ("timestamp,w\n1,1e308\n2,2\n", None, "expected 0 or more, up to"),
        ("timestamp,w\n1\n2,2\n", None, "line 2: '' is no number"),
        ("timestamp,w\n\n\n1,x\x1b[31m\n", None, "line 4: 'x\ufffd.31m' is no number"),
        ("timestamp;v\n1;2\n", None, "its columns are timestamp, v; expected"),
        ("timestamp,w\n1,231,5\n2,230,5\n", None, "line 2: '1,231,5' has 3 values, .* part the columns by semicolons"),
        ('timestamp,w\n1,"1,234"\n', None, "line 2: '1,234' is no number"),
        ("timestamp;w\n1;1.234\n2;987,5\n", None, "line 3: its values have decimal points as well as commas"),
        ("timestamp;w\n1;1.234,5\n", None, "line 2: '1.234,5' is no number"),
        ("date,timestamp,w\n1,2,3\n", None, "its columns date, timestamp all hold times; expected one such"),
        ("timestamp,w\n1,\n2,NaN\n3,5\n", None, "1 readings; expected at least two"),
        ("timestamp,w\n1,5\n1,5\n1,5\n", None, "1 readings; expected at least two at different times"),
        ("w" * 10_000 + "\n", None, "its columns are w{60}…; expected"),
        ("", None, "its columns are none"),
        ("timestamp,w\n1,2\n2,3\n", "+99:99", r"--timezone \+99:99: expected"),
        ("timestamp,w\n1,2\n2,3\n", "America", "--timezone America: expected"),
        ("timestamp,w\n1,2\n2,3\n", "x" * 300, "--timezone x"),
        ("timestamp,w\n1,2\n2,3\n", "../etc/passwd", "--timezone"),
    ],
)
def test_what_no_meter_writes_is_refused_with_a_sentence(
    tmp_path: Path, text: str, zone: str | None, said: str
) -> None:
    path = tmp_path / "m.csv"
    path.write_text(text)
    with pytest.raises(UsageError, match=said):
        read_rows(path, zone)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a file"):
        read_rows(tmp_path, None)


FIELDS = st.one_of(
    st.sampled_from(
        ["1", "2", "1590335330", "2026-11-20T10:00:00Z", "w", "kwh", "timestamp", "1e99", "-1", "nan", '"']
    ),
    st.text(max_size=12),
    st.floats().map(repr),
    st.integers().map(str),
    st.datetimes().map(str),
)
TABLES = st.lists(st.lists(FIELDS, max_size=4).map(",".join), max_size=8).map("\n".join)


@settings(max_examples=600, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    content=st.one_of(
        st.binary(max_size=200),
        TABLES.map(lambda text: text.encode("utf-8", "surrogatepass")),
        TABLES.map(lambda text: f"timestamp,w\n{text}".encode("utf-8", "surrogatepass")),
        TABLES.map(lambda text: f"time,kwh\n1590335330,1\n{text}".encode("utf-8", "surrogatepass")),
    ),
    zone=st.one_of(st.none(), st.sampled_from(["UTC", "Europe/Berlin", "+01:00"]), st.text(max_size=8)),
)
def test_any_file_is_read_or_refused(tmp_path: Path, content: bytes, zone: str | None) -> None:
    path = tmp_path / "m.csv"
    path.write_bytes(content)
    with suppress(UsageError):
        readings = read(path, 0, zone).readings
        assert all(after.t_ns > before.t_ns for before, after in pairwise(readings))


def test_how_finely_numbers_are_written() -> None:
    assert last_digit(["12.3", "0.12", "4"]) == 0.01
    assert last_digit(["1e3", "7"]) == 1
    assert last_digit(["1e-999999999"]) == 1e-12
    # shown in thousandths, moved in tenths
    assert smallest_step(["1.000", "1.100", "1.500"], [1.0, 1.1, 1.5], fewest=2) == pytest.approx(0.1)
    assert smallest_step(["1.000", "1.100", "1.500"], [1.0, 1.1, 1.5], fewest=10) == 0.001
    assert smallest_step(["2", "2"], [2.0, 2.0], fewest=2) == 1


AT = datetime(2026, 11, 20, 10, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "unit", "values"),
    [
        ("timestamp;watts\n2026-11-20T10:15:00Z;231,5\n2026-11-20T10:15:10Z;1000\n", "W", [231.5, 1000]),
        ("timestamp;kwh\r\n2026-11-20T10:15:00Z;12,345\r\n2026-11-20T10:15:10Z;12,346\r\n", "kWh", [12.345, 12.346]),
        ("timestamp\twatts\n2026-11-20T10:15:00Z\t231.5\n2026-11-20T10:15:10Z\t1000\n", "W", [231.5, 1000]),
        ('timestamp,watts\n2026-11-20T10:15:00Z,"231,5"\n2026-11-20T10:15:10Z,"1000,25"\n', "W", [231.5, 1000.25]),
        ("1,Time,Power (W)\n1,2026-11-20 10:15:00 UTC,5\n2,2026-11-20 10:15:10 UTC,6\n", "W", [5, 6]),
        ("Time,Energy [kWh],Voltage (V)\n2026/11/20 10:15:00Z,5,230\n2026/11/20 10:15:10Z,6,230\n", "kWh", [5, 6]),
        ("Date,Time,Power\n2026-11-20,10:15:00Z,5\n2026-11-20,10:15:10Z,6\n", "W", [5, 6]),
        ("timestamp;w\n1795169700,0;5\n1795169710,0;6\n", "W", [5, 6]),
        ("timestamp,w,\n2026-11-20T10:15:00Z,5,\n2026-11-20T10:15:10Z,6,\n", "W", [5, 6]),
        ("timestamp,w\n2026-11-20T10:15:10Z,6\n2026-11-20T10:15:00Z,5\n", "W", [5, 6]),  # the newest first
        ("timestamp,w\n2026-11-20T10:15:00Z,5\n2026-11-20T11:15:00+01:00,5\n2026-11-20T10:15:10Z,6\n", "W", [5, 6]),
    ],
)
def test_files_as_plugs_and_spreadsheets_write_them(tmp_path: Path, text: str, unit: str, values: list[float]) -> None:
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        path = tmp_path / f"{encoding}.csv"
        path.write_bytes(text.encode(encoding))
        rows = read_rows(path, None)
        assert (rows.unit, rows.values, rows.without_value) == (unit, values, 0)
        assert [(time - AT).total_seconds() for time in rows.times] == [0, 10]


def test_the_step_of_a_display_with_decimal_commas(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text("timestamp;kwh\n1795169700;12,34\n1795169760;12,35\n1795169820;12,37\n")
    assert read(path, 0).facts.resolution_j == pytest.approx(36_000)


def test_moments_without_an_answer_are_left_out_and_said(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text("timestamp,watts\n1795169700,100\n1795169705,unavailable\n1795169710,100\n1795169715,\n")
    meter = read(path, 0)
    assert [reading.power_w for reading in meter.readings] == [100, 100]
    assert meter.facts.provenance.endswith(", 2 rows without a value left out")


def test_the_hour_that_the_end_of_summer_time_repeats(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    clocks = ("02:59:50", "02:00:00", "02:00:10", "02:59:59", "03:00:00")
    path.write_text("timestamp,watts\n" + "".join(f"2026-10-25 {clock},100\n" for clock in clocks))
    times = read_rows(path, "Europe/Berlin").times
    assert [(time - times[0]).total_seconds() for time in (each.astimezone(UTC) for each in times)] == [
        *(0, 10, 20, 3609),
        3610,
    ]


def test_the_hour_that_the_begin_of_summer_time_leaves_out(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_text("timestamp,watts\n2026-03-29 01:59:50,100\n2026-03-29 03:00:00,100\n")
    (start, end) = read(path, 0, "Europe/Berlin").readings
    assert end.t_ns - start.t_ns == 10 * 10**9
