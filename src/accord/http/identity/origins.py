"""Which pages a cookie works for: those of the gateway's own origin, and of frontends that the deployment names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

from accord.http.responses import HttpError

PORTS: Final = {"http": 80, "https": 443}
READING: Final = frozenset({"GET", "HEAD"})


class Origins:
    """The origins from which a browser may use its cookie."""

    def __init__(self, public_url: str, others: Iterable[str] = ()) -> None:
        self.own = origin_of(public_url)
        self.allowed = frozenset({self.own, *(origin_of(other) for other in others)})

    def require(self, connection: HTTPConnection) -> None:
        """Raises ORIGIN_NOT_ALLOWED unless the browser says that one of these pages asks.

        Changes and sockets have to name their origin. A browser leaves it out when a page reads from its own origin,
        and says so in `Sec-Fetch-Site`, which no page can set.
        """
        named = connection.headers.getlist("origin")
        if named:
            allowed = len(named) == 1 and named[0] in self.allowed
        else:
            reads = connection.scope["type"] == "http" and connection.scope["method"] in READING
            allowed = reads and connection.headers.getlist("sec-fetch-site") == ["same-origin"]
        if not allowed:
            raise HttpError(403, "ORIGIN_NOT_ALLOWED", "A session works from the pages of this service alone.")


def origin_of(address: str) -> str:
    """Scheme, host and port as a browser writes them in `Origin`."""
    parts = urlsplit(address)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = "" if parts.port in (None, PORTS.get(parts.scheme)) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"
