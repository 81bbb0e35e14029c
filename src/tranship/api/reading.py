"""Reading bodies within limits of size and time, whole or line by line."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from litestar import Request

from tranship.api import problems

AnyRequest = Request[Any, Any, Any]


def check_type(request: AnyRequest, allowed: str) -> None:
    """Refuse another content type with 415: a browser's form or a stray text must not be taken for an order."""
    found = request.headers.get("content-type", "")
    if found.partition(";")[0].strip().lower() != allowed:
        raise problems.wrong_type(found, [allowed])


def announced(request: AnyRequest) -> int:
    """The length that the caller announced; 0 where it did not."""
    text = request.headers.get("content-length", "0")
    return int(text) if text.isascii() and text.isdigit() else 0


async def whole(request: AnyRequest, limit: int, timeout_s: float) -> bytes:
    """The body, refused above `limit` bytes or after `timeout_s` seconds."""
    if announced(request) > limit:
        raise problems.too_large(limit, "this body")
    body = bytearray()
    try:
        async with asyncio.timeout(timeout_s):
            async for piece in pieces(request):
                body += piece
                if len(body) > limit:
                    raise problems.too_large(limit, "this body")
    except TimeoutError:
        raise problems.too_slow(timeout_s) from None
    return bytes(body)


async def pieces(request: AnyRequest) -> AsyncIterator[bytes]:
    """The body as it arrives; ends early where the caller went away."""
    receive = request.receive
    more = True
    while more:
        event = await receive()
        if event["type"] != "http.request":
            raise problems.ProblemError(400, "gone", "The caller went away", "the body broke off")
        if event.get("body"):
            yield event["body"]
        more = event.get("more_body", False)


class Line:
    """A line of a bulk body: its number, and its bytes or what is wrong with it."""

    __slots__ = ("body", "number", "problem")

    def __init__(self, number: int, body: bytes, problem: problems.ProblemError | None = None) -> None:
        self.number, self.body, self.problem = number, body, problem


async def lines(
    request: AnyRequest, *, bytes_max: int, line_max: int, lines_max: int, timeout_s: float
) -> AsyncGenerator[Line, None]:
    """Lines of an NDJSON body as they arrive; blank ones are passed over but counted. A limit ends it with one last problem."""
    rest, number, total, skipping, found = bytearray(), 0, 0, False, 0
    source = aiter(pieces(request))
    while True:
        try:
            async with asyncio.timeout(timeout_s):
                piece = await anext(source, None)
        except TimeoutError:
            yield Line(number + 1, b"", problems.too_slow(timeout_s))
            return
        except problems.ProblemError as error:
            yield Line(number + 1, b"", error)
            return
        if piece is None:
            break
        total += len(piece)
        if total > bytes_max:
            yield Line(number + 1, b"", problems.too_large(bytes_max, "a bulk body"))
            return
        rest += piece
        *whole_lines, left = rest.split(b"\n")
        for body in whole_lines:
            number += 1
            was_skipping, skipping = skipping, False
            if not body.strip() and not was_skipping:
                continue
            found += 1
            if found > lines_max:
                yield Line(number, b"", problems.too_many_lines(lines_max))
                return
            too_long = was_skipping or len(body) > line_max
            yield Line(number, b"", problems.too_large(line_max, "a line")) if too_long else Line(number, bytes(body))
        if skipping or len(left) > line_max:  # forget what is too long to be used, remember that it was
            left, skipping = bytearray(), True
        rest = left
    if rest.strip() or skipping:
        last = number + 1
        yield Line(last, b"", problems.too_large(line_max, "a line")) if skipping else Line(last, bytes(rest))
