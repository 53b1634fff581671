from pathlib import Path

from profiler.results.folder import Journal, RunFolder
from profiler.results.records import KeptMessage, KeptPrompt
from profiler.run.kept_prompts import KeptPrompts
from profiler.workloads.messages import Message, Prompt


def kept(path: Path, *prompts: Prompt) -> list[KeptPrompt]:
    folder = RunFolder(path)
    keeping = KeptPrompts(Journal(folder.prompts), lambda text: text.replace("sk-1", "***"))
    for prompt in prompts:
        keeping.keep(prompt)
    return list(folder.read_prompts())


def test_a_prompt_is_kept_once_with_all_its_messages(tmp_path: Path) -> None:
    asked = Prompt((Message("system", "Be brief."), Message("user", "2 + 2?")), None, item="sum")
    other = Prompt((Message("user", "2 + 3?"),), None, item="sum")
    first, second = kept(tmp_path, asked, other, asked, asked._replace(item="again"))
    assert (first.id, second.id) == (asked.digest, other.digest)
    assert [(message.role, message.text) for message in first.messages] == [
        ("system", "Be brief."),
        ("user", "2 + 2?"),
    ]


def test_who_says_it_is_part_of_a_prompt() -> None:
    one, other = (Prompt((Message(role, "Hello"),), None) for role in ("user", "system"))
    assert one.digest != other.digest
    assert len(one.digest) == 16


def test_of_a_long_message_beginning_and_end_are_kept(tmp_path: Path) -> None:
    (prompt,) = kept(tmp_path, Prompt((Message("user", "a" * 50_000 + "the question?"),), None))
    (message,) = prompt.messages
    assert (len(message.text), len(message.rest), message.left_out) == (16_384, 16_384, 50_013 - 32_768)
    assert message.rest.endswith("the question?")


def test_keys_are_hidden(tmp_path: Path) -> None:
    (prompt,) = kept(tmp_path, Prompt((Message("user", "my key is sk-1"),), None))
    assert prompt.messages == [KeptMessage(role="user", text="my key is ***")]
