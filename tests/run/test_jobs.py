from profiler.run.jobs import Asked


def test_what_was_asked_is_remembered_by_position() -> None:
    asked = Asked()
    asked.append(None, 16)
    asked.append(0, 1)
    asked.append(131_072, 4096)
    assert len(asked) == 3
    assert [asked.prompt_tokens(position) for position in range(3)] == [None, 0, 131_072]
    assert [asked.output_tokens(position) for position in range(3)] == [16, 1, 4096]
