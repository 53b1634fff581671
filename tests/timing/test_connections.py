import socket

import pytest

from profiler.timing.connections import Habit, reachable


def listed(monkeypatch: pytest.MonkeyPatch, *hosts: str) -> None:
    """Let every name stand for these addresses, in this order."""

    def getaddrinfo(host: str, port: int, **more: int) -> list[tuple[int, int, int, str, tuple[str, int]]]:
        families = [socket.AF_INET6 if ":" in host else socket.AF_INET for host in hosts]
        return [(family, 1, 6, "", (host, port)) for family, host in zip(families, hosts, strict=True)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.mark.parametrize("silent", [("127.0.0.2",), ("127.0.0.2", "127.0.0.3", "127.0.0.2"), ("::1",)])
def test_the_first_address_that_accepts_is_taken(monkeypatch: pytest.MonkeyPatch, silent: tuple[str, ...]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        listed(monkeypatch, *silent, "127.0.0.1")
        assert reachable("dual", port).sockaddr == ("127.0.0.1", port)


def test_where_none_accepts_the_first_stands_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    listed(monkeypatch, "127.0.0.2", "127.0.0.1")
    assert reachable("dual", port).sockaddr == ("127.0.0.2", port)


def test_a_single_address_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert reachable("127.0.0.1", port).sockaddr == ("127.0.0.1", port)
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_a_habit_is_seen_three_times_and_in_every_fourth_chance() -> None:
    habit = Habit()
    for _ in range(2):
        habit.seen()
    assert not habit.is_one
    habit.seen()
    assert habit.is_one
    for _ in range(12):
        habit.could_be_seen()
    assert habit.is_one  # 3 of 12
    habit.could_be_seen()
    assert not habit.is_one
