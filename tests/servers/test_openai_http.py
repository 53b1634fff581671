import socket

import psutil
import pytest

from profiler.servers.openai_http import is_here


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.9.1", "::1", "0.0.0.0", "::"])  # noqa: S104 - asked, not bound
def test_the_loopback_is_here(host: str) -> None:
    assert is_here(host)


def test_so_is_every_address_of_an_interface() -> None:
    addresses = [each.address for several in psutil.net_if_addrs().values() for each in several]
    own = [address for address in addresses if "." in address]
    assert own
    assert all(is_here(address) for address in own)


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1"])  # addresses of documentation, RFC 5737 and RFC 3849
def test_any_other_address_is_elsewhere(host: str) -> None:
    assert not is_here(host)


def test_a_name_that_nobody_knows_is_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object) -> list[object]:
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert not is_here("nowhere.invalid")
