import pytest

from profiler.errors import UsageError
from profiler.run.cpus import choose_cpus, format_cpus, parse_cpus, room_for_server

EIGHT = frozenset(range(8))


@pytest.mark.parametrize(
    ("text", "cpus"), [("0", (0,)), ("0-2", (0, 1, 2)), ("4,0-1", (0, 1, 4)), ("1-1", (1,)), ("2,2", (2,))]
)
def test_a_list_is_read_and_written(text: str, cpus: tuple[int, ...]) -> None:
    assert parse_cpus(text, "--client-cpus", EIGHT) == cpus
    assert parse_cpus(format_cpus(cpus), "--client-cpus", EIGHT) == cpus


def test_neighbours_are_written_as_a_range() -> None:
    assert format_cpus({5, 0, 1, 2, 7}) == "0-2,5,7"
    assert format_cpus(()) == ""


@pytest.mark.parametrize("text", ["", "a", "1-", "-1", "3-1", "0,,1", "0x1", "1.5"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="expected CPUs like 0-1,4"):
        parse_cpus(text, "--client-cpus", EIGHT)


@pytest.mark.parametrize(("text", "unknown"), [("7-8", "8"), ("9", "9"), ("0-99999999999", "8"), ("6-9", "8")])
def test_a_processor_that_may_not_be_used_is_named(text: str, unknown: str) -> None:
    with pytest.raises(UsageError, match=rf"may not use CPU {unknown}\. It may use 0-7\."):
        parse_cpus(text, "--server-cpus", EIGHT)


def test_only_linux_can_pin() -> None:
    with pytest.raises(UsageError, match="only Linux"):
        parse_cpus("0", "--client-cpus", None)
    chosen = choose_cpus(None, None, None, threads=1, workers=1)
    assert (chosen.client, chosen.server) == ((), ())
    assert "only Linux" in chosen.reason


def test_client_and_server_are_kept_apart_where_there_are_enough() -> None:
    # 5 threads, 2 workers and one to spare are 8: just enough.
    chosen = choose_cpus(None, None, EIGHT, threads=5, workers=2)
    assert chosen.client == (6, 7)
    assert chosen.server == (0, 1, 2, 3, 4, 5)
    assert chosen.reason == (
        "kept apart: 8 usable CPUs, enough for 5 server threads, 2 client workers and one to spare"
    )


def test_the_client_takes_no_fast_core_from_the_server() -> None:
    # A GB10 has slow cores at 0 to 4 and 10 to 14; the server's ten threads are for the ten fast ones.
    slow = {*range(5), *range(10, 15)}
    chosen = choose_cpus(None, None, frozenset(range(20)), threads=10, workers=1, slow=slow)
    assert (chosen.client, len(chosen.server)) == ((14,), 19)
    assert set(range(20)) - slow <= set(chosen.server)


def test_nothing_is_pinned_where_there_are_too_few() -> None:
    chosen = choose_cpus(None, None, EIGHT, threads=6, workers=2)
    assert (chosen.client, chosen.server) == ((), ())
    assert chosen.reason == (
        "not pinned: 8 usable CPUs, too few for 6 server threads, 2 client workers and one to spare"
    )


def test_nothing_is_pinned_for_a_server_that_is_not_known() -> None:
    chosen = choose_cpus(None, None, EIGHT, threads=None, workers=1)
    assert (chosen.client, chosen.server) == ((), ())
    assert "not known" in chosen.reason


def test_what_is_asked_for_is_done() -> None:
    chosen = choose_cpus("7", "0-3", EIGHT, threads=4, workers=1)
    assert (chosen.client, chosen.server, chosen.warnings) == ((7,), (0, 1, 2, 3), ())
    assert chosen.reason == "as asked: --client-cpus 7 --server-cpus 0-3"


def test_the_side_that_is_not_named_gets_the_rest() -> None:
    assert choose_cpus("7", None, EIGHT, threads=4, workers=1).server == (0, 1, 2, 3, 4, 5, 6)
    assert choose_cpus(None, "2-7", EIGHT, threads=4, workers=1).client == (0, 1)
    assert room_for_server("6-7", None, EIGHT) == 6
    assert room_for_server(None, None, EIGHT) is None


def test_processors_are_shared_only_when_both_sides_are_named() -> None:
    with pytest.raises(UsageError, match=r"--client-cpus 0-7: that leaves no CPU of 0-7 to the model server"):
        choose_cpus("0-7", None, EIGHT, threads=4, workers=1)
    with pytest.raises(UsageError, match=r"leaves no CPU of 0-7 to the load driver\. Pass --client-cpus too"):
        choose_cpus(None, "0-7", EIGHT, threads=4, workers=1)
    (warning,) = choose_cpus("3", "0-3", EIGHT, threads=4, workers=1).warnings
    assert "share CPU 3, as asked" in warning
