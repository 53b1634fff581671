import pytest

from profiler.errors import UsageError
from profiler.servers.body import BodyChanges, read_changes

BODY = {"model": "m", "prompt": "p", "max_tokens": 8, "temperature": 0.0, "seed": 1, "stream": True}


def test_fields_are_added_left_out_and_renamed() -> None:
    changes = read_changes(["ignore_eos=true", 'extra={"a":[1]}'], ["seed"], "max_completion_tokens")
    assert changes.apply(BODY) == {
        "model": "m",
        "prompt": "p",
        "max_completion_tokens": 8,
        "temperature": 0.0,
        "stream": True,
        "ignore_eos": True,
        "extra": {"a": [1]},
    }
    assert BodyChanges().apply(BODY) == BODY


def test_what_to_type_makes_the_same_changes() -> None:
    changes = read_changes(['user="a b"', "top_k=1", "z=null"], ["seed"], "max_new_tokens")
    assert read_changes(changes.texts(), changes.omitted, changes.max_tokens_field) == changes


def test_what_a_server_refused_is_told_from_what_was_left_out() -> None:
    changes = read_changes([], ["seed"], None).without("stream_options")
    facts = changes.facts()
    assert (facts.omitted, facts.refused, facts.max_tokens_field) == (["seed"], ["stream_options"], "max_tokens")


def test_keys_are_sent_but_neither_written_down_nor_shown() -> None:
    changes = read_changes(['api_key="s3cr3t"', 'gateway={"auth_token":"s3cr3t","to":"x"}'], [], None)
    assert changes.apply({})["api_key"] == "s3cr3t"
    assert changes.facts().added == {"api_key": "[hidden]", "gateway": {"auth_token": "[hidden]", "to": "x"}}
    assert "s3cr3t" not in " ".join(changes.texts())


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "expected KEY=JSON"),
        ("ignore_eos", "expected KEY=JSON"),
        ("=1", "expected KEY=JSON"),
        ("user=me", "not JSON.*'user=\"text\"'"),
        ("user=", "not JSON"),
        ("user={", "not JSON"),
        ("top_k=NaN", "not JSON"),
        ("top_k=-Infinity", "not JSON"),
        ("deep=" + "[" * 100_000, "not JSON"),
        ('user="\\ud800"', "not JSON"),
        ("top_k=" + "9" * 5000, "not JSON"),
        ("stream=false", "tokens can be timed in a stream only"),
        ("stream=1", "in a stream only"),
        ("n=2", "with one response"),
        ("best_of=3", "with one response"),
        ("echo=true", "prompt would come back"),
        ('encoding_format="base64"', "read as numbers"),
        ('model="x"', "pass --model"),
        ("messages=[]", "the workload makes the prompts"),
        ("max_tokens=5", "pass --output-tokens"),
        ("max_completion_tokens=5", "--max-tokens-field max_completion_tokens"),
        ("temperature=1", "pass --temperature"),
        ("seed=1", "pass --seed"),
    ],
)
def test_what_would_break_the_measurement_is_a_sentence(text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says) as caught:
        read_changes([text], [], None)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("text", ["stream=true", "n=1", "echo=false", 'stream_options={"include_usage":false}'])
def test_what_changes_nothing_that_matters_may_be_said(text: str) -> None:
    assert read_changes([text], [], None).added


@pytest.mark.parametrize("name", ["model", "messages", "prompt", "input", "stream"])
def test_no_request_goes_without_these(name: str) -> None:
    with pytest.raises(UsageError, match="without it"):
        read_changes([], [name], None)


def test_contradictions_are_sentences() -> None:
    with pytest.raises(UsageError, match="--max-tokens-field"):
        read_changes([], ["max_tokens"], None)
    with pytest.raises(UsageError, match="adds it"):
        read_changes(["top_k=1"], ["top_k"], None)
    with pytest.raises(UsageError, match="twice"):
        read_changes(["top_k=1", "top_k=2"], [], None)
    with pytest.raises(UsageError, match="max_completion_tokens"):
        read_changes([], [], "max tokens")
