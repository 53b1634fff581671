"""A bounded run of the fuzzer; by hand it runs for longer: `python tests/support/fuzz_streams.py 600`."""

import random
import socket
import ssl
import threading

import pytest
from support.certificates import Authority
from support.fuzz_streams import SEEDS, end_of, fuzz

from profiler.timing.messages import TlsOptions
from profiler.timing.tls_session import TlsSession, make_context


def test_mutated_responses_are_read_or_refused() -> None:
    assert sum(1 for _ in fuzz(seed=1, may_go_on=lambda done: done < 1500)) == 1500


def test_the_seeds_reach_beyond_the_heads() -> None:
    # Three that say where they end, and three that end with the connection or are cut off.
    assert [end_of([seed]) for seed in SEEDS] == ["complete", "complete", "complete", "open", "complete", "complete"]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


def mutated(data: bytes, chance: random.Random) -> bytes:
    raw = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        start = chance.randrange(len(raw) + 1)
        raw[start : start + chance.choice((0, 1, 1, 5, 40))] = chance.randbytes(chance.choice((0, 1, 1, 5, 40)))
    return bytes(raw)


def records_of(client: ssl.SSLContext, server: ssl.SSLContext) -> tuple[TlsSession, bytes]:
    """Shake hands for real; return the session and the ciphertext of a response, not yet decrypted."""
    ours, theirs = socket.socketpair()
    sent = threading.Event()

    def respond() -> None:
        with server.wrap_socket(theirs, server_side=True) as connection:
            connection.sendall(SEEDS[0])
            sent.set()
            connection.recv(1)

    thread = threading.Thread(target=respond)
    thread.start()
    with ours:
        ours.settimeout(60)
        session = TlsSession(client, "localhost")
        assert session.shake_hands(ours)
        assert sent.wait(60)
        ciphertext = ours.recv(65_536)
    thread.join(60)
    return session, ciphertext


def test_mutated_records_of_tls_are_decrypted_or_refused(authority: Authority) -> None:
    chance = random.Random(1)  # noqa: S311 - inputs must be repeatable, not secret
    client, server = make_context(TlsOptions(ca_file=str(authority.ca_file))), authority.server("localhost")
    refused = 0
    for _ in range(60):
        session, ciphertext = records_of(client, server)
        data = mutated(ciphertext, chance)
        try:
            for start in range(0, len(data), 500):
                session.decrypt(data[start : start + 500])
            session.decrypt(b"")
        except OSError:
            refused += 1
    assert refused > 30  # nearly every change breaks a record's authentication


def test_a_mutated_handshake_is_refused() -> None:
    chance, context = random.Random(1), make_context(TlsOptions(is_insecure=True))  # noqa: S311
    for _ in range(100):
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            session = TlsSession(context, "localhost")
            assert not session.shake_hands(ours)
            theirs.sendall(mutated(b"\x16\x03\x03\x00\x5a\x02\x00\x00\x56\x03\x03" + chance.randbytes(84), chance))
            theirs.shutdown(socket.SHUT_WR)
            with pytest.raises(OSError, match=r"."):
                session.shake_hands(ours)
