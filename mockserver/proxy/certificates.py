"""A certification authority that is made on the spot, trusted by nobody but the programs that are given its file."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterable
from pathlib import Path

from mockserver.errors import StartupError

AUTHORITY = "mockserver-ca.pem"
BUNDLE = "mockserver-bundle.pem"


class Certificates:
    """Issues a certificate for each host that is asked about. Raises StartupError without trustme."""

    def __init__(self) -> None:
        try:
            import trustme
        except ImportError:
            raise StartupError(
                "the proxy for wired-in hosts needs trustme; pip install 'labelbox-mockserver[exec]' or give --no-proxy"
            ) from None
        self._authority = trustme.CA(organization_name="mockserver, for tests on this machine")
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._lock = threading.Lock()

    def context_of(self, host: str) -> ssl.SSLContext:
        """The server's side of TLS for a host. HTTP/2 is not offered."""
        with self._lock:
            if host not in self._contexts:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                self._authority.issue_cert(host).configure_cert(context)
                self._contexts[host] = context
            return self._contexts[host]

    def write(self, folder: Path, others: Iterable[Path] = ()) -> tuple[Path, Path]:
        """Writes the authority's certificate alone, and together with those of other files that are there."""
        own = self._authority.cert_pem.bytes()
        alone, bundle = folder / AUTHORITY, folder / BUNDLE
        alone.write_bytes(own)
        bundle.write_bytes(b"\n".join([own, *(file.read_bytes() for file in others if file.is_file())]))
        return alone, bundle
