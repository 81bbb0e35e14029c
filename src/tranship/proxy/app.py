"""The shell: one ASGI application that reads a request whole, has it handled, and answers. It knows bytes, not orders.

Whatever goes wrong in here or below ends in an answer of our own making: no exception, and no byte of a message that was not
handled, gets past this module in either direction.
"""

import asyncio
import hmac
import logging
from collections.abc import Iterator, Mapping
from typing import NamedTuple, Protocol
from urllib.parse import parse_qs

import msgspec

from tranship.proxy import heads
from tranship.proxy.counts import Counts
from tranship.proxy.heads import Head
from tranship.proxy.refusal import RefusedError
from tranship.proxy.settings import ProxySettings
from tranship.wire.asgi import Message, Receive, Scope, Send
from tranship.wire.settings import is_local_name

log = logging.getLogger("tranship.proxy")

RETRY_AFTER_S = 1
EMPTY = frozenset({b"", b"{}", b"null", b'""'})
"""Bodies that say nothing."""
OWN_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
"""Answered here; no operation of a network has such a path."""
OPEN_PATHS = frozenset({"/healthz", "/readyz"})
"""Of those, the ones that say nothing to anybody: whoever asks, under whatever name."""
ORDERS = ("_proxy", "orders")
"""Where the proxy's own knowledge of an order is: DELETE forgets it. Answered here, never upstream."""
DOCUMENTS = ("_proxy", "documents")
"""Where unmasked reports are fetched. Whoever has such an address may: it is random, short-lived, and given to one client."""
LOGIN_PATH = "/auth/o2/token"
"""Where clients log in; answered here where the proxy logs in itself."""

NOBODYS = "Atza|tranship"
"""The access token of clients where none is asked for: the proxy shows its own to the network."""
_OWN = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"))


class Stream(Protocol):
    """A body that is too long for memory. It is whole before its first byte is sent."""

    size: int

    def read(self) -> Iterator[bytes]:
        """All of it, in pieces."""

    def close(self) -> None:
        """Nobody wants more of it."""


class Reply(NamedTuple):
    """What goes back to the client: a body of JSON, or a `stream` instead, and the few headers that may come back."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    stream: Stream | None = None


class Handling(Protocol):
    """One request under one policy, from its route to its answer."""

    operation: str
    wants_body: bool

    async def answer(self, head: Head, body: bytes) -> Reply:
        """The answer for the client; RefusedError where there is none to pass on."""


class Handler(Protocol):
    """What a policy, a vault and an upstream make of requests."""

    def route(self, head: Head) -> Handling:
        """Who handles this request; RefusedError where the policy has no such operation."""

    def ready(self) -> str:
        """What is missing for requests to be taken; empty where nothing is."""

    async def document(self, name: str) -> Reply:
        """An unmasked report, by the last part of its address. RefusedError where there is none to pass on."""

    async def erase(self, order_id: str) -> bool:
        """Forget an order; False where there is none. RefusedError where it is not certain that no trace is left."""


class Shell:
    """The application. `handler` may be replaced at any time: a request that began with one ends with it."""

    def __init__(self, settings: ProxySettings, handler: Handler, counts: Counts, *, own_login: bool = False) -> None:
        self.handler, self.counts = handler, counts
        self._settings, self._own_login = settings, own_login
        self._token = settings.token.encode()
        self._turns = asyncio.Semaphore(settings.requests_max)
        self._waiting = self._reading = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        operation = ""
        try:
            head = heads.read(scope["method"], scope["raw_path"], scope["query_string"], scope["headers"])
            if not self._token and scope["path"] not in OPEN_PATHS:
                _check_host(head)
            if scope["path"] in OWN_PATHS:
                reply = self._own(scope["path"], head)
            elif head.segments[:2] == DOCUMENTS:
                operation = "document"
                reply = await self._document(head)
                self.counts.passed(operation)
            elif head.segments[0] == "_proxy":
                operation = "erase"
                reply = await self._erased(head)
            elif self._own_login and scope["path"] == LOGIN_PATH:
                operation = "login"
                reply = await self._logged_in(head, receive)
            else:
                self._admit(head)
                handling = self.handler.route(head)
                operation = handling.operation
                heads.check_body(head.headers, wanted=handling.wants_body)
                reply = await self._in_turn(handling, head, receive)
                self.counts.passed(operation)
        except RefusedError as refused:
            reply = self._refused(refused, operation)
        except Exception as error:  # noqa: BLE001 - a fault of ours ends as a sentence, never as a trace with values in it
            log.error(  # noqa: TRY400 - a trace could hold values
                "fault in %s: %s", operation or "a request", type(error).__name__
            )
            reply = self._refused(
                RefusedError(500, "internal", "nothing is passed on", sent="maybe", close=True), operation
            )
        length = str(len(reply.body) if reply.stream is None else reply.stream.size).encode()
        start = {
            "type": "http.response.start",
            "status": reply.status,
            "headers": [*reply.headers, (b"content-length", length)],
        }
        if reply.stream is not None:
            await self._streamed(start, reply.stream, send)
            return
        await send(start)
        await send({"type": "http.response.body", "body": reply.body})

    async def _streamed(self, start: Message, stream: Stream, send: Send) -> None:
        """A long body. A client that does not take it in time gets no more of it."""
        try:
            async with asyncio.timeout(self._settings.document_timeout_s):
                await send(start)
                for piece in stream.read():
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                await send({"type": "http.response.body", "body": b""})
        except TimeoutError:  # the connection ends with the answer unfinished: the client sees that it is not whole
            log.warning("document: its client did not take it in time")
        except OSError as error:  # likewise: what is kept of it cannot be read back
            log.error("document: %s", type(error).__name__)  # noqa: TRY400 - a trace could hold values
        finally:
            stream.close()

    def _admit(self, head: Head) -> None:
        if not heads.admitted(head.headers, self._token, own_login=self._own_login):
            raise RefusedError(401, "unauthorized", "send Authorization: Bearer TOKEN, or x-tranship-token", close=True)

    def _refused(self, refused: RefusedError, operation: str) -> Reply:
        self.counts.refused(operation, refused.name)
        log.warning("%s: %s", operation or "no operation", refused)
        return Reply(refused.status, refused.headers(), refused.body())

    async def _in_turn(self, handling: Handling, head: Head, receive: Receive) -> Reply:
        """Handle it when there is room: so many at a time, so many that wait, and not for ever. A slow body takes nobody's turn."""
        body = await self._body(handling, head, receive)
        if self._turns.locked():
            await self._wait()
        else:
            await self._turns.acquire()
        self.counts.under_way += 1
        try:
            return await handling.answer(head, body)
        finally:
            self.counts.under_way -= 1
            self._turns.release()

    async def _body(self, handling: Handling, head: Head, receive: Receive) -> bytes:
        if self._reading > self._settings.requests_max + self._settings.waiting_max:
            raise RefusedError(503, "busy", "too many bodies are under way", retry_after_s=RETRY_AFTER_S, close=True)
        self._reading += 1
        try:
            if b"content-length" in head.headers or b"transfer-encoding" in head.headers:
                async with asyncio.timeout(self._settings.body_timeout_s):
                    body = await self._whole(receive)
            else:
                body = await self._whole(receive)  # there is none: it is whole already
        except TimeoutError:
            why = f"the body did not arrive within {self._settings.body_timeout_s:g} seconds"
            raise RefusedError(408, "too-slow", why, close=True) from None
        finally:
            self._reading -= 1
        if body and not handling.wants_body:
            if body.strip() not in EMPTY:
                raise RefusedError(422, "masking", "this operation has no body", leaf="body")
            return b""  # some clients write nothing in this way; it does not leave
        return body

    async def _wait(self) -> None:
        if self._waiting >= self._settings.waiting_max:
            raise RefusedError(503, "busy", "too many requests wait", retry_after_s=RETRY_AFTER_S)
        self._waiting += 1
        try:
            async with asyncio.timeout(self._settings.waiting_timeout_s):
                await self._turns.acquire()
        except TimeoutError:
            raise RefusedError(503, "busy", "no turn came in time", retry_after_s=RETRY_AFTER_S) from None
        finally:
            self._waiting -= 1

    async def _whole(self, receive: Receive) -> bytes:
        """The whole body, within the limit of bytes."""
        message = await self._next(receive)
        if not message.get("more_body"):
            return self._fits(message["body"], 0)
        pieces, size = [message["body"]], len(message["body"])
        while message.get("more_body"):
            self._fits(b"", size)
            message = await self._next(receive)
            pieces.append(message["body"])
            size += len(message["body"])
        return self._fits(b"".join(pieces), 0)

    async def _next(self, receive: Receive) -> Mapping[str, bytes]:
        message = await receive()
        if message["type"] != "http.request":
            raise RefusedError(400, "too-slow", "the client went away", close=True)
        return message

    def _fits(self, body: bytes, more: int) -> bytes:
        limit = self._settings.body_bytes_max
        if len(body) + more > limit:
            raise RefusedError(413, "too-large", f"a body may have {limit:,} bytes", close=True)
        return body

    async def _erased(self, head: Head) -> Reply:
        """`DELETE /_proxy/orders/ORDER`: forget it, while the proxy runs."""
        self._admit(head)
        if head.segments[:2] != ORDERS or len(head.segments) != 3:
            raise RefusedError(404, "no-route", "there is DELETE /_proxy/orders/ORDER", leaf="path")
        if head.method != "DELETE":
            raise RefusedError(405, "no-route", "ask with DELETE", leaf="path")
        found = await self.handler.erase(head.segments[2])
        log.warning("an order was erased" if found else "an order to be erased is not known here")
        return Reply(200, list(_OWN), msgspec.json.encode({"erased": found}))

    async def _document(self, head: Head) -> Reply:
        """`GET /_proxy/documents/NAME`: an unmasked report."""
        if len(head.segments) != 3:
            raise RefusedError(404, "no-route", "there is GET /_proxy/documents/NAME", leaf="path")
        if head.method != "GET":
            raise RefusedError(405, "no-route", "ask with GET", leaf="path")
        return await self.handler.document(head.segments[2])

    async def _logged_in(self, head: Head, receive: Receive) -> Reply:
        """A token for clients that log in as they would at the network: ours, for who shows it. What else they say is not read."""
        if head.method != "POST":
            raise RefusedError(405, "no-route", "ask with POST", leaf="path")
        try:
            async with asyncio.timeout(self._settings.body_timeout_s):
                body = await self._whole(receive)
            form = parse_qs(body.decode("latin-1"), max_num_fields=20)
        except TimeoutError:
            raise RefusedError(408, "too-slow", "the body did not arrive in time", close=True) from None
        except ValueError:
            raise RefusedError(422, "masking", "is no form", leaf="body") from None
        shown = [value.encode() for name in ("client_secret", "refresh_token") for value in form.get(name, ())]
        known = any([hmac.compare_digest(one, self._token) for one in shown])  # noqa: C419 - each is compared
        if self._token and not known:
            self._admit(head)
        found = {"access_token": self._settings.token or NOBODYS, "token_type": "bearer", "expires_in": 3600}
        return Reply(200, list(_OWN), msgspec.json.encode(found))

    def _own(self, path: str, head: Head) -> Reply:
        """Whether the proxy is up, whether it takes requests, and what it has counted."""
        if head.method not in {"GET", "HEAD"}:
            raise RefusedError(405, "no-route", "ask with GET", leaf="path")
        headers = list(_OWN)
        if path == "/healthz":
            return Reply(200, headers, b'{"status":"up"}')
        if path == "/readyz":
            missing = self.handler.ready()
            body = msgspec.json.encode({"status": "not ready" if missing else "ready", "why": missing})
            return Reply(503 if missing else 200, headers, body)
        self._admit(head)
        return Reply(200, headers, msgspec.json.encode(self.counts.document()))


def _check_host(head: Head) -> None:
    """Without a token only this machine may ask, and a page in its browser, whose name was made to lead here, is not this machine."""
    if not is_local_name(head.headers[b"host"]):
        why = "without a token this proxy answers to localhost, 127.0.0.1 and [::1] only"
        raise RefusedError(403, "host", why, leaf="host", close=True)
