"""`aforo decide` from end to end, on folders."""

import json

import pytest
from support.loads import price, swept


@pytest.fixture
def runs(tmp_path):
    """Three runs each of two hosts for 1 USD an hour: 100 and 125 tokens/s."""
    for host, middle in (("now", 100.0), ("then", 125.0)):
        for number, share in enumerate((0.999, 1.0, 1.001), start=1):
            folder = tmp_path / host / f"{host}-{number}"
            swept(host, {8: (middle * share, 400.0)}, cost=price(1.0), number=number, folder=folder)
    return tmp_path


ASKED = ("decide", "--current", "now", "--candidate", "then", "--switch-cost", "2000", "--tokens-per-day", "390M")


def test_the_answer_is_an_exit_code_too(aforo, runs):
    done = aforo(*ASKED)
    assert done.returncode == 0, done.stderr
    # 46 hosts against 37, at 24 USD a day each: 216 saved
    assert done.stdout.startswith("Worth it: paid back after 9.3 days")
    assert done.stdout.splitlines()[-1] == "Page  decision.html"
    assert "From now to then" in (runs / "decision.html").read_text("utf-8")
    refused = aforo(*ASKED, "--min-gain", "30%", "-q")
    assert (refused.returncode, refused.stdout) == (1, "Page  decision.html\n")
    single = aforo(*ASKED[:2], "now/now-1", "--candidate", "then/then-1", *ASKED[5:], "--json")
    assert single.returncode == 3
    assert json.loads(single.stdout)["verdict"] == "cannot be told"


def test_more_than_twice_as_much_may_be_asked_for(aforo, runs):
    """125 tokens/s are a quarter more than 100, and surely not 100 % more."""
    found = aforo(*ASKED, "--metric", "output_tokens_per_s", "--min-gain", "100%", "--json")
    assert found.returncode == 1, found.stderr
    assert json.loads(found.stdout)["verdict"] == "not worth it"


def test_other_forms(aforo, runs):
    document = json.loads(aforo(*ASKED, "--json").stdout)
    assert document["payback_days"]["value"] == pytest.approx(2000 / 216, rel=1e-6)
    assert document["current"]["hosts"] == {"value": 46, "least": 46, "most": 46}
    assert aforo(*ASKED, "--format", "markdown").stdout.startswith("## From now to then")
    assert aforo(*ASKED, "--format", "csv").stdout.splitlines()[-1] == "verdict,,,,,worth it"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--current", "now"), "--candidate: expected a run"),
        (("--current", "now", "--candidate", "then"), "Pass --tokens-per-day"),
        ((*ASKED[1:], "--min-gain", "ten"), "--min-gain ten: expected a percentage"),
        ((*ASKED[1:], "--min-gain", "inf%"), "--min-gain inf%: expected a percentage from 0%, such as 5%."),
        ((*ASKED[1:], "--min-gain", "100%"), "would have to fall to nothing. Expected below 100%, or --metric"),
        ((*ASKED[1:], "--switch-cost", "-1"), "--switch-cost -1: expected 0"),
        ((*ASKED[1:], "--tokens-per-day", "0"), "such as 5M"),
        ((*ASKED[1:4], "now", *ASKED[5:]), "is on both sides"),
        ((*ASKED[1:], "--metric", "prompt_tokens_per_request"), "neither more nor less of it is better"),
        ((*ASKED[1:], "--at-most", "ttft_ms.p95=1"), "no measured load surely meets the targets"),
    ],
)
def test_mistakes_get_a_sentence(aforo, runs, options, sentence):
    done = aforo("decide", *options)
    assert done.returncode == 2
    assert sentence in " ".join(done.stderr.split())


def test_runs_of_two_workloads_are_refused(aforo, runs):
    other = {"output_tokens": 99}
    swept("other", {8: (200.0, 400.0)}, cost=price(1.0), folder=runs / "other", workload=other)
    done = aforo("decide", "--current", "now", "--candidate", "other", *ASKED[5:])
    assert done.returncode == 2
    assert "do not measure the same thing" in done.stderr


def test_another_model_is_what_a_switch_can_be_about(aforo, runs):
    model = {"sha256": "1" * 64, "is_synthetic": False}
    swept("other", {8: (200.0, 400.0)}, cost=price(1.0), folder=runs / "other", model=model)
    done = aforo("decide", "--current", "now", "--candidate", "other", *ASKED[5:], "--drift", "1%", "--json")
    assert done.returncode == 0, done.stderr
    assert any("may answer better or worse" in note for note in json.loads(done.stdout)["notes"])


def test_a_load_that_is_invalid_is_marked_where_it_is_taken_all_the_same(aforo, tmp_path):
    for host, rate, invalid in (("now", 100.0, []), ("then", 125.0, [8])):
        for number, share in enumerate((0.999, 1.0, 1.001), start=1):
            folder = tmp_path / host / f"{host}-{number}"
            swept(host, {8: (rate * share, 400.0)}, cost=price(1.0), number=number, folder=folder, invalid=invalid)
    assert "no load of its runs is VALID" in aforo(*ASKED, "-q").stderr
    forced = aforo(*ASKED, "--force", "--format", "markdown").stdout
    assert "**With INVALID runs (--force): Worth it: paid back after 9.3 days" in forced
    assert "INVALID by the rules of trust" in forced
    broken = aforo("breakeven", "then", "--api-price", "3,15", "--force", "--json").stdout
    assert json.loads(broken)["answer"].startswith("With INVALID runs (--force): Self-hosting is cheapest from")
