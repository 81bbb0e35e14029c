"""An answer that is sent while the request is still being read.

Litestar's own streaming response listens for the caller going away, and swallows whatever of the body comes in meanwhile; this one
leaves the body to whoever reads it.
"""

from collections.abc import AsyncIterator
from typing import Any

from litestar import Response
from litestar.response.base import ASGIResponse
from litestar.types import HTTPResponseBodyEvent, Receive, Send


class Pour(Response[bytes]):
    """A response whose body comes from an asynchronous iterator of bytes."""

    def __init__(self, source: AsyncIterator[bytes], *, media_type: str, status_code: int = 200) -> None:
        super().__init__(content=b"", media_type=media_type, status_code=status_code)
        self._source = source

    def to_asgi_response(self, *arguments: Any, **options: Any) -> ASGIResponse:  # noqa: ARG002 - the port's
        """The response as it is sent."""
        return _Pouring(self._source, media_type=str(self.media_type), status_code=self.status_code)


class _Pouring(ASGIResponse):
    __slots__ = ("source",)

    _should_set_content_length = False

    def __init__(self, source: AsyncIterator[bytes], *, media_type: str, status_code: int | None) -> None:
        super().__init__(media_type=media_type, status_code=status_code)
        self.source = source

    async def send_body(self, send: Send, receive: Receive) -> None:  # noqa: ARG002 - the port's
        """Send pieces as they come, then the end."""
        async for piece in self.source:
            await send(_event(piece, more=True))
        await send(_event(b"", more=False))


def _event(body: bytes, *, more: bool) -> HTTPResponseBodyEvent:
    return {"type": "http.response.body", "body": body, "more_body": more}
