"""Reading requests: uvicorn's HTTP/1.1 with limits that it lacks, and stricter. What could be read in two ways is not read at all."""

import asyncio
from typing import Protocol

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADERS_MAX = 64
"""Headers of one request."""
_HEADER_EXTRA = len(b": \r\n")
_UNREADABLE = "The request cannot be read."


class UnclearError(Exception):
    """A request that a second reader might read differently, or with a head above its limit."""


class HeadLimits(Protocol):
    """What a face's settings say of a request line with its headers: bytes, and seconds until it is whole."""

    @property
    def head_bytes_max(self) -> int:
        """Bytes."""

    @property
    def head_timeout_s(self) -> float:
        """Real seconds; a caller that sends it drop by drop is let go then."""


class Strict(HttpToolsProtocol):
    """Uvicorn's protocol with limits on the head, without absolute addresses, trailers, upgrades or HTTP/1.0.

    `fronted`: whatever speaks HTTP may ask. HTTP/1.0 is read, as load balancers speak it by default, and an offer to upgrade
    is passed over, as some clients make one with their first request (RFC 9110, 7.8: it may be ignored).
    """

    limits: HeadLimits
    fronted: bool
    _head_timer: asyncio.TimerHandle | None = None
    _head_bytes = _held_bytes = 0
    _in_head = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A new connection: its first head is due."""
        super().connection_made(transport)
        self._start_head()

    def data_received(self, data: bytes) -> None:
        """Some bytes of a request."""
        super().data_received(data)
        if self._in_head:  # pieces of a name or value that the parser still holds back
            self._held_bytes += len(data)
            if self._held_bytes > self.limits.head_bytes_max:
                self.send_400_response(_UNREADABLE)

    def on_message_begin(self) -> None:
        """A request begins."""
        if not self._in_head:  # a further request on the same connection
            self._start_head()
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """A piece of its target."""
        super().on_url(url)
        self._count(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header of the head; UnclearError for one behind the body."""
        # A header behind the body (a trailer) could be taken for one of the head, and one too many hides another.
        if not self._in_head or len(self.headers) >= HEADERS_MAX or not name:
            raise UnclearError
        super().on_header(name, value)
        self._count(len(name) + len(value) + _HEADER_EXTRA)

    def on_headers_complete(self) -> None:
        """The head is whole; UnclearError where it can be read in two ways."""
        self._end_head()
        # `GET http://elsewhere/` and `CONNECT` ask for another host than ours; `//` hides one. A fragment is never sent.
        if not self.url.startswith(b"/") or self.url.startswith(b"//") or b"#" in self.url:
            raise UnclearError
        if not self.fronted and (self.parser.get_http_version() != "1.1" or self.parser.should_upgrade()):
            raise UnclearError
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - the parser's words are not for clients
        """Refuse in words of ours: the parser's are not for clients."""
        if not self.transport.is_closing():
            super().send_400_response(_UNREADABLE)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._end_head()
        super().connection_lost(exc)

    def _start_head(self) -> None:
        self._in_head, self._head_bytes, self._held_bytes = True, 0, 0
        self._head_timer = self.loop.call_later(self.limits.head_timeout_s, self._let_go)

    def _end_head(self) -> None:
        self._in_head = False
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _count(self, size: int) -> None:
        """Also of a head that came whole in one packet. What is raised in here ends the request with a 400."""
        self._head_bytes += size
        if self._head_bytes > self.limits.head_bytes_max:
            raise UnclearError

    def _let_go(self) -> None:
        if self._in_head and not self.transport.is_closing():
            self.transport.close()


def protocol(limits: HeadLimits, *, fronted: bool) -> type[Strict]:
    """The protocol under these limits."""
    return type("Limited", (Strict,), {"limits": limits, "fronted": fronted})
