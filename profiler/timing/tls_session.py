"""The TLS side of a connection: OpenSSL working on memory, while the socket stays ours."""

import socket
import ssl
from contextlib import suppress

from profiler.timing.kernel_timestamps import READ_BYTES
from profiler.timing.messages import TlsOptions

_MOST_TICKETS = 16  # reads between two responses
_MOST_UNSENT_BYTES = 65_536
_HOST_MISMATCH, _IP_MISMATCH = 62, 64  # X509_V_ERR_… of openssl/x509_vfy.h
_NOT_YET_VALID, _EXPIRED = 9, 10
_NO_TLS = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG"}


def make_context(options: TlsOptions) -> ssl.SSLContext:
    """Return what connections are made with. Raises `OSError` where the file of certificates cannot be used."""
    context = ssl.create_default_context(cafile=options.ca_file)
    context.set_alpn_protocols(["http/1.1"])
    if options.is_insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def explain(error: OSError, host: str) -> str | None:
    """Say in a sentence why a TLS connection could not be made and what to do; None for an error that is not TLS's."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"{_mistrust(error, host)} ({error.verify_message.rstrip('.')}). Name a certificate to trust with "
            "--ca-file FILE, or pass --insecure to believe any."
        )
    if isinstance(error, ssl.SSLEOFError):
        return "the server hung up during the TLS handshake: check that it speaks TLS on this port"
    if isinstance(error, ssl.SSLError):
        if error.reason in _NO_TLS:
            return "the server does not speak TLS on this port: use http:// instead of https://"
        return f"the TLS handshake failed: {error.reason or error}"
    return None


def _mistrust(error: ssl.SSLCertVerificationError, host: str) -> str:
    if error.verify_code in {_HOST_MISMATCH, _IP_MISMATCH}:
        return f"the server's certificate is not for {host}"
    if error.verify_code in {_NOT_YET_VALID, _EXPIRED}:
        return "the server's certificate is not valid today"
    return "nobody whom this host trusts has signed the server's certificate"


class TlsSession:
    """The TLS side of one connection."""

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        """Begin before the handshake."""
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._object = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self.is_closed = False  # by the server, which said so
        self._unsent = b""

    def shake_hands(self, sock: socket.socket) -> bool:
        """Go on with the handshake, as far as it goes; return whether it is done. Raises `OSError`."""
        while True:
            try:
                self._object.do_handshake()
            except ssl.SSLWantReadError:
                if not self._exchange(sock):
                    return False
            except ssl.SSLError:
                self.flush(sock)  # the alert that tells the server why
                raise
            else:
                self.flush(sock)
                return True

    def _exchange(self, sock: socket.socket) -> bool:
        """Send what the handshake has to say and take what came back; return whether anything came."""
        self.flush(sock)
        try:
            ciphertext = sock.recv(READ_BYTES)
        except BlockingIOError:
            return False
        self._take(ciphertext)
        return True

    def flush(self, sock: socket.socket) -> None:
        """Send what OpenSSL has to say of its own accord, as far as the socket has room. Raises `OSError`."""
        if self._outgoing.pending:
            self._unsent += self._outgoing.read()
        if not self._unsent:
            return
        if len(self._unsent) > _MOST_UNSENT_BYTES:
            raise OSError("the server asks for TLS messages, and does not take them")
        with suppress(BlockingIOError):  # what has arrived meanwhile must not be lost for it
            self._unsent = self._unsent[sock.send(self._unsent) :]

    def encrypt(self, data: memoryview) -> bytes:
        """Return the ciphertext of some data."""
        while data:
            data = data[self._object.write(data) :]
        return self._outgoing.read()

    def decrypt(self, ciphertext: bytes) -> tuple[bytes, bool]:
        """Return the data that some ciphertext completes, and whether there can be more behind it.

        Raises `OSError` for ciphertext that is damaged.
        """
        self._take(ciphertext)
        pieces: list[bytes] = []
        try:
            while piece := self._object.read(READ_BYTES):
                pieces.append(piece)
            self.is_closed = True
        except ssl.SSLWantReadError:
            return b"".join(pieces), True
        except ssl.SSLEOFError:
            pass  # the connection has ended without a word
        return b"".join(pieces), False

    def _take(self, ciphertext: bytes) -> None:
        if ciphertext:
            self._incoming.write(ciphertext)
        else:
            self._incoming.write_eof()

    def is_quiet(self, sock: socket.socket) -> bool:
        """Whether the server has neither closed the connection nor sent any data unasked.

        What a server tells OpenSSL between answers, such as tickets for later sessions (RFC 8446 §4.6), is taken.
        """
        try:
            for _ in range(_MOST_TICKETS):
                data, can_go_on = self.decrypt(sock.recv(READ_BYTES))
                if data or not can_go_on:
                    return False
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False
