"""Certificates of a test's own, and servers that show them."""

import ssl
from datetime import UTC, datetime
from pathlib import Path

import trustme

PAST = datetime(2001, 1, 1, tzinfo=UTC)


class Authority:
    """Signs certificates for servers; its own certificate is in `ca_file`."""

    def __init__(self, folder: Path) -> None:
        self._ca = trustme.CA()
        self._folder = folder
        self.ca_file = folder / "ca.pem"
        self._ca.cert_pem.write_to_path(str(self.ca_file))

    def server(self, *names: str, is_expired: bool = False) -> ssl.SSLContext:
        """Return what a server of these names is set up with."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._ca.issue_cert(*names, not_after=PAST if is_expired else None).configure_cert(context)
        return context

    def self_signed_server(self) -> ssl.SSLContext:
        """Return the set-up of a server that shows a certificate signed by nobody but itself."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        key = self._folder / "key.pem"
        self._ca.private_key_pem.write_to_path(str(key))
        context.load_cert_chain(self.ca_file, key)
        return context
