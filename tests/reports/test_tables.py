from profiler.reports import tables
from profiler.results.records import Outcome
from profiler.results.summary import Distribution, NotMeasured, Scalar
from profiler.workloads.schema import Slo


def distribution(mean=8.123, indicative=(), **changes):
    quantiles = {"p50": 8.1, "p90": 8.46, "p95": 8.56, "p99": 41.2678}
    given = {"unit": "ms", "n": 600, "mean": mean, "min": 7.0, "max": 70.0, "quantiles": quantiles}
    return Distribution(**{**given, "indicative": list(indicative), "per_repeat_mean": [8.10, 8.15], **changes})


def test_a_row_of_percentiles():
    (row,) = tables.distribution_rows({"itl_ms": distribution(indicative=["p99"])})
    # The mean of two repeats of 8.10 and 8.15 is known to ± 0.32 (12.7 × 0.035 / √2); the others have no interval.
    assert [cell.text for cell in row.cells] == ["8.1", "8.10", "8.46", "8.56", "41.3"]
    assert [cell.is_indicative for cell in row.cells] == [False, False, False, False, True]
    assert (row.unit, row.n, row.repeats) == ("ms", 600, "8.1–8.2")
    assert tables.has_indicative([row])


def test_what_was_not_measured_says_why_and_is_never_zero():
    metrics = {
        "ttft_ms": NotMeasured(unit="ms", reason="no request finished"),
        "output_tokens_per_s": Scalar(unit="tokens/s", value=None, reason="too few requests"),
    }
    assert tables.distribution_rows(metrics)[0].missing == "no request finished"
    assert tables.scalar_rows(metrics)[0].missing == "too few requests"
    assert tables.value_text(metrics["output_tokens_per_s"]) == "not measured: too few requests"


def test_trust_metrics_have_rows_of_their_own_with_their_formula():
    metrics = {
        "read_lag_us": distribution(unit="us", mean=44.0, quantiles={"p50": 40.2, "p99": 21_028.3}),
        "coalesced_read_ratio": Scalar(unit="ratio", value=0.0),
        "total_tokens_per_s": Scalar(unit="tokens/s", value=829.0),
    }
    assert [row.metric_id for row in tables.scalar_rows(metrics)] == ["total_tokens_per_s"]
    assert tables.distribution_rows(metrics) == []
    gap, coalesced = tables.trust_rows(metrics)
    assert gap.value == "p50 40.2\u00a0µs, p99 21.0\u00a0ms"
    assert coalesced.value == "0\u00a0%"
    assert gap.formula


def test_metrics_that_this_version_does_not_know_are_shown_all_the_same():
    metrics = {"peak_other_bytes": Scalar(unit="bytes", value=2**30), "power_w": distribution(unit="W")}
    assert tables.scalar_rows(metrics)[0].value == "1.00\u00a0GiB"
    assert tables.distribution_rows(metrics)[0].label == "Power w"
    assert tables.formula("peak_other_bytes") == ""


def test_the_engines_own_rate_stands_beside_ours():
    metrics = {
        "decode_tokens_per_s": distribution(unit="tokens/s", mean=150.0, per_repeat_mean=[122.8, 123.6]),
        "client_decode_tokens_per_s": Scalar(unit="tokens/s", value=123.2, per_repeat=[122.8, 123.6]),
        "engine_decode_tokens_per_s": Scalar(unit="tokens/s", value=139.7),
        "prefill_tokens_per_s": distribution(unit="tokens/s", mean=900.0, per_repeat_mean=[900.0]),
        "client_prefill_tokens_per_s": Scalar(unit="tokens/s", value=800.0, per_repeat=[800.0]),
        "engine_prefill_tokens_per_s": Scalar(unit="tokens/s", value=1000.0),
    }
    decode, prefill = tables.engine_comparisons(metrics)
    # 139.7 / 123.2 = 1.1339; 1000 / 800 = 1.25
    # Student's interval over 122.8 and 123.6 is ± 5.1.
    assert (decode.client, decode.engine) == ("123\u00a0tokens/s", "140\u00a0tokens/s")
    assert (decode.difference, prefill.difference) == ("+13.4\u00a0%", "+25.0\u00a0%")


def test_nothing_stands_beside_ours_where_the_engine_says_nothing():
    metrics = {
        "client_prefill_tokens_per_s": Scalar(unit="tokens/s", value=800.0),
        "engine_prefill_tokens_per_s": Scalar(unit="tokens/s", value=None, reason="no log"),
    }
    assert tables.engine_comparisons(metrics) == []


def test_headline_cards(fake_run):
    run = fake_run()
    cards = {card.label: card for card in tables.headline_cards(run.summary, run.manifest)}
    ttft = cards["Time to first token (TTFT)"]
    assert (ttft.unit, ttft.statistic, ttft.notes[0]) == ("ms", "p50", "p50 of 60 requests")
    assert ttft.notes[1].startswith("p90 ")
    assert ttft.notes[1].endswith(", indicative")  # 60 requests, and p90 needs 64
    assert ttft.repeats.startswith("repeat means ")
    assert cards["Requests finished"].notes == ("none failed",)
    assert cards["Peak memory (RSS)"].repeats == "the same in every repeat"


def test_the_slo_card_says_what_was_met_and_what_is_wanted(fake_run):
    run = fake_run()
    run.manifest.workload = run.manifest.workload.model_copy(update={"slo": Slo(ttft_ms=180.0)})
    card = tables.main_cards(run.summary, run.manifest)[-1]
    assert (card.label, card.number, card.mark) == ("SLO", "FAIL", "fail")
    assert "of requests met TTFT ≤ 180\N{NO-BREAK SPACE}ms; target 99\N{NO-BREAK SPACE}%" in card.notes[0]
    run.manifest.workload = run.manifest.workload.model_copy(update={"slo": Slo(ttft_ms=500.0)})
    assert tables.main_cards(run.summary, run.manifest)[-1].number == "PASS"
    short = fake_run(repeats=1, requests=3)  # INVALID: too few samples
    assert tables.main_cards(short.summary, short.manifest)[-1].missing == "the run is INVALID, so it passes nothing"
    run.manifest.workload = run.manifest.workload.model_copy(update={"slo": Slo()})
    assert all(card.label != "SLO" for card in tables.main_cards(run.summary, run.manifest))


def test_cards_of_a_run_in_which_nothing_finished(fake_run):
    run = fake_run(requests=2, failures=dict.fromkeys(range(20), Outcome.RESET))
    cards = tables.headline_cards(run.summary, run.manifest)
    assert (cards[0].number, cards[0].unit, cards[0].notes) == ("0", "of 6", ("6 failed",))
    assert all(card.missing for card in cards[1:5])
    assert (cards[5].label, cards[5].number) == ("SLO", "FAIL")


def test_of_a_rate_the_slow_tail_is_shown():
    quantiles = {"p50": 100.0, "p90": 120.0, "p95": 121.0, "p99": 122.0, "p5": 60.0, "p1": 40.0}
    rate = distribution(unit="tokens/s", mean=98.0, per_repeat_mean=[], quantiles=quantiles, indicative=["p1"])
    (row,) = tables.distribution_rows({"decode_tokens_per_s": rate})
    assert row.quantiles == ("p50", "p5", "p1")
    assert [cell.text for cell in row.cells] == ["98.0", "100", "60.0", "40.0"]
    assert [cell.is_indicative for cell in row.cells] == [False, False, False, True]


def test_a_summary_of_an_earlier_version_has_no_slow_tail():
    (row,) = tables.distribution_rows({"decode_tokens_per_s": distribution(unit="tokens/s", per_repeat_mean=[])})
    assert [cell.text for cell in row.cells] == ["8.12", "8.10", "–", "–"]


def test_what_few_runs_have_is_left_out_of_the_others():
    missing = {
        "ttft_answer_ms": NotMeasured(unit="ms", reason="no response had reasoning"),
        "reasoning_token_ratio": Scalar(unit="ratio", value=None, reason="no response had reasoning"),
    }
    assert tables.distribution_rows(missing) == []
    assert tables.scalar_rows(missing) == []
    measured = {"ttft_answer_ms": distribution(), "reasoning_token_ratio": Scalar(unit="ratio", value=0.75)}
    assert [row.label for row in tables.distribution_rows(measured)] == ["Time to first answer token"]
    assert [row.value for row in tables.scalar_rows(measured)] == ["75.0\u00a0%"]


def test_a_run_without_reasoning_has_no_card_for_it(fake_run):
    run = fake_run()
    labels = [card.label for card in tables.headline_cards(run.summary, run.manifest)]
    assert "Time to first token (TTFT)" in labels
    assert "Time to first answer token" not in labels
