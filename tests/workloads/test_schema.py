import re
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError
from support.definitions import VALID, written

from profiler.content import content
from profiler.workloads import load, schema
from profiler.workloads.schema import Workload

FIRST_LINE = "# yaml-language-server: $schema=schema.json"
SHIPPED = sorted(content("workloads").glob("*.yaml"))


def test_the_schema_file_is_current() -> None:
    assert (content("workloads") / "schema.json").read_text("utf-8") == schema.json_schema_text(), (
        "Write it again: aforo workloads schema > workloads/schema.json"
    )


def test_every_key_is_described() -> None:
    for definition in [schema.json_schema(), *schema.json_schema()["$defs"].values()]:
        for key, fragment in definition["properties"].items():
            assert "const" in fragment or fragment.get("description"), key


def test_a_workload_cannot_be_changed() -> None:
    workload = Workload.model_validate(yaml.safe_load(VALID))
    with pytest.raises(ValidationError):
        workload.requests = 5  # type: ignore[misc]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_definition_names_its_schema_and_is_called_by_its_id(path: Path) -> None:
    assert path.read_text("utf-8").splitlines()[0] == FIRST_LINE
    workload = load.load(path.stem).workload
    assert workload.id == path.stem
    assert len(workload.description) > 100


def test_quickstart_takes_enough_requests_for_a_p90_and_about_a_minute() -> None:
    workload = load.load("quickstart").workload
    assert workload.measured_requests == 66  # a p90 at 0.99 confidence needs 64
    assert workload.max_repeat_s * workload.repeats <= 90


def test_each_repeat_of_chat_short_asks_every_question_once() -> None:
    workload = load.load("chat-short").workload
    rows = (content("workloads") / "chat-short.jsonl").read_text("utf-8").splitlines()
    assert workload.requests == len(set(rows)) == len(rows)


def test_the_example_in_the_readme_is_valid(tmp_path: Path) -> None:
    readme = (content("workloads") / "README.md").read_text("utf-8")
    example, prompts = re.findall(r"```yaml\n(.*?)```", readme, flags=re.DOTALL)
    (tmp_path / "questions.jsonl").write_text('{"prompt": "Why?"}\n')
    assert load.load(str(written(tmp_path, example))).workload.measured_requests == 66
    synthetic = re.sub(r"prompts:\n(  .*\n)+", prompts, example)
    assert load.load(str(written(tmp_path, synthetic))).workload.prompts.source == "synthetic"


def test_the_other_prompts_in_the_readme_are_valid(tmp_path: Path) -> None:
    readme = (content("workloads") / "README.md").read_text("utf-8")
    (tmp_path / "calls.csv").write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,7,3\n")
    snippets = re.findall(r"```\n(prompts:.*?)```", readme, flags=re.DOTALL)
    rest = re.sub(r"prompts:\n(  .*\n)+", "", VALID).replace("requests: 2", "requests: 4")
    sources = []
    for snippet in snippets:
        text = re.sub(r"load:\n(  .*\n)+", "", rest) if "load:" in snippet else rest
        sources.append(load.load(str(written(tmp_path, text + snippet))).workload.prompts.source)
    assert sources == ["synthetic", "synthetic", "conversations", "trace"]
