from profiler.reports.roofline import roofline_rows
from profiler.results.host_facts import RooflineFacts
from profiler.results.summary import Scalar

LIMITS = RooflineFacts.model_validate(
    {
        "fingerprint": "0",
        "tool_version": "0",
        "memory_bytes_per_s": 20e9,
        "measured_utc": "2026-11-20T10:00:00Z",
        "threads": 2,
        "peaks": {
            "int8": {"operations_per_s": 400e9},
            "bf16": {"operations_per_s": None, "reason": "no such instruction"},
        },
    }
)


def text_of(run, summary):
    return {row.label: row.text.replace("\u00a0", " ") for row in roofline_rows(run.manifest, summary)}


def test_what_was_used_of_each_limit(fake_run):
    run = fake_run(repeats=1, requests=2)
    run.manifest.host = run.manifest.host.model_copy(update={"roofline": LIMITS})
    summary = run.summary
    summary.metrics |= {"mbu_ratio": Scalar(unit="ratio", value=0.75), "mfu_ratio": Scalar(unit="ratio", value=0.02)}
    rows = text_of(run, summary)
    assert rows["Memory bandwidth (MBU)"] == "75.0 %: 15.0 GB/s of 20.0 GB/s"
    assert rows["Arithmetic (MFU)"] == "2.00 % of the peak"
    assert rows["Peak, int8"] == "400 GFLOP/s"
    assert rows["Peak, bf16"] == "not measured: no such instruction"
    assert "2026-11-20" in rows["Limits measured"]


def test_without_measured_limits_the_reason_stands_there(fake_run):
    run = fake_run(repeats=1, requests=2)
    assert "aforo host roofline" in text_of(run, run.summary)["Memory bandwidth (MBU)"]


def test_limits_of_gpus_say_how_they_are_known(fake_run):
    run = fake_run(repeats=1, requests=2)
    sheet = {"is_data_sheet": True, "how": "data sheet: A made-up card, 2026"}
    peaks = {
        "f32": {"operations_per_s": 19.4e12, "how": "fma.f32"},
        "f16": {"operations_per_s": 312e12, **sheet},
        "int8": {"operations_per_s": 1979e12, **sheet},
        "fp8": {"operations_per_s": None, "reason": "no such instruction"},
    }
    gpus = [
        {"index": 0, "memory_bytes_per_s": 1555e9, "peaks": peaks, **sheet},
        {"index": 1, "memory_bytes_per_s": None, "reason": "no nvcc was found"},
    ]
    limits = RooflineFacts.model_validate({**LIMITS.model_dump(), "gpus": gpus})
    run.manifest.host = run.manifest.host.model_copy(update={"roofline": limits})
    summary = run.summary
    summary.metrics["mbu_ratio"] = Scalar(unit="ratio", value=0.5, note="limit of 1 GPU, data sheet")
    rows = [(row.label, row.text.replace("\u00a0", " "), row.folded) for row in roofline_rows(run.manifest, summary)]
    assert rows[0] == ("Memory bandwidth (MBU)", "50.0 %: limit of 1 GPU, data sheet", None)
    assert rows[2:6] == [
        ("GPU 0, memory", "1,560 GB/s, data sheet", sheet["how"]),
        ("GPU 0, peaks", "f32 19.4 Top/s, measured", "fma.f32"),
        ("GPU 0, peaks", "f16 312, int8 1,980 Top/s, data sheet", sheet["how"]),
        ("GPU 1, memory", "not measured: no nvcc was found", None),
    ]
