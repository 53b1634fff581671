"""Traces, conversations and shared system prompts on the real command, against a server that writes down what came."""

import json
import socket
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from support.command import ALONE, Aforo
from support.scripted_server import DONE, HEAD, LAST_CHUNK, Script, chat_token, chunk, openai, serve, token

from profiler.results.folder import RunFolder
from profiler.results.records import Outcome
from profiler.units import NS_PER_MS

Bodies = list[dict[str, Any]]


def answering(bodies: Bodies) -> Script:
    """Write down each request of a run, then stream as many tokens as it asks for.

    What is sent before it, to find out which fields are refused, says no more than "Hello".
    """

    def script(connection: socket.socket, request: bytes) -> None:
        body = json.loads(request.partition(b"\r\n\r\n")[2])
        if b'"Hello"' not in request:
            bodies.append(body)
        made = chat_token if "messages" in body else token
        asked = body["max_tokens"]
        events = [made("tok", "length" if number == asked else None) for number in range(1, asked + 1)]
        connection.sendall(HEAD + chunk(b"".join(events) + DONE) + LAST_CHUNK)

    return openai(script)


def only_run(parent: Path) -> RunFolder:
    (path,) = (parent / "runs").iterdir()
    return RunFolder(path)


ROWS = [(0, 600, 4), (150, 40, 2), (200, 700, 0), (200, 700, 3), (450, 30, 5), (90_000, 10, 1)]


def trace(folder: Path) -> Path:
    """A trace in the form of Mooncake's, whose long prompts share their first block, with a failed request."""
    path = folder / "calls.jsonl"
    with path.open("w") as file:
        for number, (timestamp, tokens, out) in enumerate(ROWS):
            ids = [0, 10 + number] if tokens > 512 else [10 + number]
            row = {"timestamp": timestamp, "input_length": tokens, "output_length": out, "hash_ids": ids}
            file.write(json.dumps(row) + "\n")
    return path


def test_a_replay_sends_each_row_at_its_time_with_its_lengths(tmp_path: Path, aforo: Aforo) -> None:
    bodies: Bodies = []
    with serve(answering(bodies)) as port:
        options = (
            "--trace",
            str(trace(tmp_path)),
            "--time-scale",
            "2",
            "--max-repeat-s",
            "60",
            "--warmup-requests",
            "1",
        )
        done = aforo("run", "replay", *ALONE, "--url", f"http://127.0.0.1:{port}", *options)
    assert done.returncode in {0, 3}, done.stderr
    folder = only_run(tmp_path)
    requests = sorted((r for r in folder.read_requests() if r.phase == "repeat-1"), key=lambda r: r.scheduled_ns)
    first_ns = requests[0].scheduled_ns
    assert [(r.scheduled_ns - first_ns) / NS_PER_MS for r in requests] == [0, 300, 400, 900]
    assert [r.completion_tokens for r in requests] == [r.completion_tokens_server for r in requests] == [4, 2, 3, 5]
    asked = [(len(body["prompt"].split(" ")), body["max_tokens"]) for body in bodies]
    assert asked[0] == (600, 4)  # the warm-up first; requests of different connections may be noted in any order
    assert sorted(asked[1:]) == [(30, 5), (40, 2), (600, 4), (700, 3)]
    warmup = bodies[0]["prompt"].split(" ")
    first, third = (bodies[asked.index((tokens, out), 1)]["prompt"].split(" ") for tokens, out in ((600, 4), (700, 3)))
    assert first[:512] == third[:512]
    assert first[512] != third[512]
    assert warmup[0] != first[0]
    manifest = folder.read_manifest()
    assert manifest.workload.requests == 5
    assert f"--trace {tmp_path / 'calls.jsonl'} --time-scale 2" in " ".join(manifest.command_line)
    warnings = " ".join(manifest.warnings)
    assert "1 of the 6 rows of calls.jsonl were left out" in warnings
    assert "1 of 5 rows of calls.jsonl are due later than 60 s after the start and are not sent" in warnings
    assert "prefix cache" in warnings


def test_a_replay_of_a_run_repeats_its_times(tmp_path: Path, aforo: Aforo) -> None:
    bodies: Bodies = []
    with serve(answering(bodies)) as port:
        url = ("--url", f"http://127.0.0.1:{port}")
        aforo("run", "replay", *ALONE, *url, "--trace", str(trace(tmp_path)), "--max-repeat-s", "60")
        first = only_run(tmp_path)
        lines = first.requests.read_text().splitlines()
        counted = [json.loads(line) | {"prompt_tokens": 5} for line in lines]  # no endpoint counts prompts
        (tmp_path / "again.jsonl").write_text("\n".join(json.dumps(line) for line in counted))
        aforo("run", "replay", *ALONE, *url, "--trace", "again.jsonl", "--out", "second")
    (second,) = (tmp_path / "second").iterdir()
    gaps = []
    for folder in (first, RunFolder(second)):
        due_ns = sorted(r.scheduled_ns for r in folder.read_requests() if r.phase == "repeat-1")
        gaps.append([time_ns - due_ns[0] for time_ns in due_ns])
    assert gaps[0] == gaps[1] == [0, 150 * NS_PER_MS, 200 * NS_PER_MS, 450 * NS_PER_MS]


@pytest.mark.parametrize(
    "load",
    [("--concurrency", "1"), ("--concurrency", "3"), ("--rate", "50"), ("--rate", "50", "--client-workers", "2")],
)
def test_the_turns_of_a_conversation_follow_one_another_and_grow(
    tmp_path: Path, aforo: Aforo, load: tuple[str, ...]
) -> None:
    bodies: Bodies = []
    with serve(answering(bodies)) as port:
        options = ("--output-tokens", "3", "--repeats", "1", *load)
        done = aforo("run", "conversation", *ALONE, "--url", f"http://127.0.0.1:{port}", *options)
    assert done.returncode in {0, 3}, done.stderr
    requests = sorted(only_run(tmp_path).read_requests(), key=lambda request: request.index)
    assert {request.outcome for request in requests} == {Outcome.OK}
    sent = Counter(request.phase for request in requests)
    slots = int(load[1]) if load[0] == "--concurrency" else 1
    if "--client-workers" not in load:  # two workers share a block by time
        # 24, or ten rounds of three slots in whole conversations: 36
        assert sent["repeat-1"] == (36 if slots == 3 else 24)
        # 4, or two rounds likewise: 12; arrivals go on until the first four have finished
        assert sent["warmup"] >= (12 if slots == 3 else 4)
    talks: dict[str, list[Any]] = {}
    for body in bodies:  # in the order of arrival
        talks.setdefault(body["messages"][1]["content"], []).append(body["messages"])
    assert sum(len(turns) == 4 for turns in talks.values()) >= 6  # the last ones end with the load
    for turns in talks.values():
        assert [len(messages) for messages in turns] == [2, 4, 6, 8][: len(turns)]
        roles = ["system"] + ["user", "assistant"] * 3 + ["user"]
        assert [message["role"] for message in turns[-1]] == roles[: 2 * len(turns)]
        assert all(turns[-1][: len(messages)] == messages for messages in turns)
        words = [len(message["content"].split(" ")) for message in turns[-1]]
        assert words == [64, 64, 3, 32, 3, 32, 3, 32][: 2 * len(turns)]
    for earlier, later in pairwise(requests):
        if later.index == earlier.index + 1 and later.index % 4:
            assert (later.sent_ns or 0) > earlier.scheduled_ns + earlier.read_offset_ns[-1]
    assert len({body["messages"][0]["content"] for body in bodies}) == 1


def test_a_share_of_the_requests_begins_with_the_common_system_prompt(tmp_path: Path, aforo: Aforo) -> None:
    bodies: Bodies = []
    with serve(answering(bodies)) as port:
        options = ("--system-tokens", "20", "--system-share", "0.25")
        done = aforo("run", "smoke", *ALONE, "--url", f"http://127.0.0.1:{port}", *options)
    assert done.returncode in {0, 3}, done.stderr
    measured = [body["prompt"].split(" ") for body in bodies[1:]]
    assert sorted(len(words) for words in measured) == [16] * 9 + [36] * 3
    assert len({" ".join(words[:20]) for words in measured if len(words) == 36}) == 1
    command = " ".join(only_run(tmp_path).read_manifest().command_line)
    assert "--system-tokens 20 --system-share 0.25" in command


def test_no_run_sends_the_prompts_of_another_one_unless_it_is_asked_to(tmp_path: Path, aforo: Aforo) -> None:
    bodies: Bodies = []
    runs: list[list[str]] = []
    manifests = []
    with serve(answering(bodies)) as port:
        for name, nonce in (("first", []), ("second", []), ("again", None)):
            options = ["--nonce", manifests[0].nonce] if nonce is None else []
            done = aforo("run", "smoke", *ALONE, "--url", f"http://127.0.0.1:{port}", "--out", name, *options)
            assert done.returncode in {0, 3}, done.stderr
            (folder,) = (tmp_path / name).iterdir()
            manifests.append(RunFolder(folder).read_manifest())
            runs.append([body["prompt"] for body in bodies if body["max_tokens"] == 8])
            bodies.clear()
    first, second, again = runs
    assert len(first) == len(second) == len(again) == 13
    assert not {" ".join(text.split(" ")[:2]) for text in first} & {" ".join(text.split(" ")[:2]) for text in second}
    assert {len(text.split(" ")) for text in first + second} == {16}
    assert again == first
    assert [manifest.prompts_are_new for manifest in manifests] == [True, True, False]
    assert [("--nonce" in manifest.command_line) for manifest in manifests] == [False, False, True]


def test_a_nonce_for_rows_of_a_file_is_refused(forked: Aforo) -> None:
    done = forked("run", "chat-short", "--nonce", "a")
    assert done.returncode == 2
    assert "rows of a file" in " ".join(done.stderr.split())
    assert forked("run", "smoke", "--nonce", "a b").returncode == 2


def test_data_of_ones_own_is_asked_by_a_template_and_odd_rows_are_named(tmp_path: Path, aforo: Aforo) -> None:
    bodies: Bodies = []
    (tmp_path / "mine.csv").write_text("question,label\nIs snow white?,yes\n,\nIs coal white?,\n", "utf-8")
    (tmp_path / "mine.yaml").write_text('system: "Yes or no."\ninput: "Q: {question}"\noutput: "{label}"\n', "utf-8")
    own = ["--data", "mine.csv", "--template", "mine.yaml", "--reference-column", "label"]
    with serve(answering(bodies)) as port:
        asked = [*own, "--output-tokens", "2", "--requests", "12", "--keep-responses"]
        done = aforo("run", "chat-short", *ALONE, "--url", f"http://127.0.0.1:{port}", *asked)
    assert done.returncode in {0, 3}, done.stderr
    folder = only_run(tmp_path)
    said = {tuple((message["role"], message["content"]) for message in body["messages"]) for body in bodies}
    questions = ("Q: Is snow white?", "Q: Is coal white?")
    assert said == {(("system", "Yes or no."), ("user", question)) for question in questions}
    assert {(row.item, tuple(row.references)) for row in folder.read_answers()} == {("2", ("yes",)), ("4", ())}
    manifest = folder.read_manifest()
    notes = [text for text in manifest.warnings if "mine.csv" in text]
    assert [note.partition(" mine.csv ")[2].partition(":")[0] for note in notes] == [
        "were left out (row 3)",
        "have no reference (row 4)",
    ]
    repeated = manifest.command_line
    assert str(tmp_path / "mine.csv") in repeated
    assert str(tmp_path / "mine.yaml") in repeated


def test_a_template_with_an_unknown_field_is_refused_with_the_known_ones(tmp_path: Path, forked: Aforo) -> None:
    (tmp_path / "mine.csv").write_text("question,label\nIs snow white?,yes\n", "utf-8")
    (tmp_path / "mine.yaml").write_text('input: "{questoin}"\n', "utf-8")
    done = forked("run", "chat-short", "--data", "mine.csv", "--template", "mine.yaml")
    assert done.returncode == 2
    assert "has the field {questoin}, and no row of" in " ".join(done.stderr.split())
    assert "Its rows have: question, label." in " ".join(done.stderr.split())
    assert not (tmp_path / "runs").exists()


def test_a_sweep_over_depths_sends_contexts_of_their_own_and_one_that_is_kept(tmp_path: Path, aforo: Aforo) -> None:
    bodies: Bodies = []
    short = ["--prompt-tokens", "8", "--output-tokens", "2", "--requests", "12", "--warmup-requests", "1"]
    with serve(answering(bodies)) as port:
        asked = ["--url", f"http://127.0.0.1:{port}", *short, "--repeats", "1", "--depth", "0,1K"]
        done = aforo("run", "quickstart", *ALONE, *asked)
    assert done.returncode in {0, 3}, done.stderr
    folder = only_run(tmp_path)
    manifest, summary = folder.read_manifest(), folder.read_summary()
    assert [point.name for point in manifest.points] == ["d0-cold-c1", "d1024-cold-c1", "d1024-warm-c1"]
    assert [(point.depth_tokens, point.settings["prompt_cache"]) for point in manifest.points] == [
        *((0, "cold"), (1024, "cold"), (1024, "warm"))
    ]
    assert summary.headline == "d0-cold-c1"
    words = [body["prompt"].split(" ") for body in bodies]
    assert Counter(map(len, words)).keys() == {8, 1032}
    beginnings = Counter(" ".join(each[:1024]) for each in words if len(each) > 8)
    assert sorted(beginnings.values())[:-1] == [1] * (len(beginnings) - 1)  # cold: each has its own
    assert beginnings.most_common(1)[0][1] >= 13  # warm: warm-up and repeat have the same
    page = folder.report.read_text("utf-8")
    assert "Speed against depth" in page
    assert "--depth 0,1K" in " ".join(manifest.command_line)
    assert "depth 1,024, cache warm, 1 in flight" in page


def test_worked_examples_are_swept_over_and_languages_set_side_by_side(tmp_path: Path, aforo: Aforo) -> None:
    bodies: Bodies = []
    with serve(answering(bodies)) as port:
        asked = ["--url", f"http://127.0.0.1:{port}", "--stop", "length", "--output-tokens", "2", "--price", "1"]
        more = ["--shots", "0,2", "--prompt-cache", "cold", "--repeats", "1"]
        done = aforo("run", "task-languages", *ALONE, *asked, *more)
    assert done.returncode in {0, 3}, done.stderr
    folder = only_run(tmp_path)
    manifest, summary = folder.read_manifest(), folder.read_summary()
    assert [(point.name, point.shots) for point in manifest.points] == [("s0-cold-c1", 0), ("s2-cold-c1", 2)]
    roles = Counter(tuple(message["role"] for message in body["messages"]) for body in bodies)
    assert set(roles) == {("user",), ("user", "assistant", "user", "assistant", "user")}
    chinese = next(body for body in bodies if len(body["messages"]) > 1 and "颜色" in body["messages"][0]["content"])
    assert chinese["messages"][1]["content"] == "蓝色"  # the examples are in the language of what is asked
    assert [each.language for each in summary.languages] == ["ar", "de", "en", "es", "fr", "zh"]
    assert {each.requests for each in summary.languages} == {8}
    assert all(each.cost_per_1k_characters and each.ttft_p50_ms for each in summary.languages)
    assert len(summary.points) == 2
    requests = list(folder.read_requests())
    assert {request.language for request in requests} == {"ar", "de", "en", "es", "fr", "zh"}
    assert {request.prompt_words is None for request in requests if request.language == "zh"} == {True}
    page = folder.report.read_text("utf-8")
    assert "What worked examples cost and bring" in page
    assert "USD per 1,000 characters" in page


def test_depths_that_an_endpoint_has_no_context_for_are_left_out_by_name(tmp_path: Path, aforo: Aforo) -> None:
    listed = json.dumps({"data": [{"id": "m", "owned_by": "vllm", "max_model_len": 2048}]}).encode()
    script = answering([])

    def of_vllm(connection: socket.socket, request: bytes) -> None:
        if request.startswith(b"GET /v1/models"):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(listed), listed))
        else:
            script(connection, request)

    short = ["--prompt-tokens", "8", "--output-tokens", "2", "--requests", "12", "--warmup-requests", "1"]
    with serve(of_vllm) as port:
        asked = ["--url", f"http://127.0.0.1:{port}", *short, "--repeats", "1"]
        done = aforo("run", "quickstart", *ALONE, *asked, "--depth", "0,1K,4K")
        none = aforo("run", "quickstart", *ALONE, *asked, "--depth", "4K,8K")
    assert done.returncode in {0, 3}, done.stderr
    manifest = only_run(tmp_path).read_manifest()
    assert {point.depth_tokens for point in manifest.points} == {0, 1024}
    (left_out,) = (warning for warning in manifest.warnings if warning.startswith("Depth 4,096 was left out"))
    assert "the server says that it has 2,048" in left_out
    assert none.returncode == 2
    assert "Depth 8,192 was left out" in none.stderr
