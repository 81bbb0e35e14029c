"""A request's way through the proxy, whoever masks: what leaves is made, sent to the one upstream, and its answer is made out."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import NamedTuple, Protocol
from urllib.parse import parse_qsl

import msgspec

from tranship.connectors.http import LostError, NotSentError
from tranship.connectors.port import Request, Response
from tranship.masking.policy import Operation, Policy
from tranship.proxy import heads
from tranship.proxy.app import Handling, Reply
from tranship.proxy.counts import Counts
from tranship.proxy.heads import Head
from tranship.proxy.orders import Known, Sent
from tranship.proxy.refusal import RefusedError
from tranship.proxy.tokens import OrderTokens

JSON = [(b"content-type", b"application/json")]


class Upstream(Protocol):
    """Who sends: the client of the one configured upstream, or a sink."""

    async def send(self, request: Request) -> Response:
        """The whole answer; NotSentError or LostError where there is none."""


class _Named(msgspec.Struct):
    """Only what names the order in a body; the rest is for masking to judge."""

    sellerFulfillmentOrderId: str = ""  # noqa: N815 - the vendor's word
    orderId: str = ""  # noqa: N815


_named = msgspec.json.Decoder(_Named).decode


class Left(NamedTuple):
    """A request that may leave: all that has to be kept of it is on disk. The rest is what its answer is made out with."""

    sent: Sent
    known: Known | None = None
    tokens: OrderTokens | None = None
    once: Mapping[str, tuple[str, str]] = {}  # token -> kind and value, of a message without an order

    def __repr__(self) -> str:
        return f"Left({self.sent!r})"


class Front(ABC):
    """What every desk has: a policy, and an upstream."""

    def __init__(
        self, policy: Policy, network: str, upstream: Upstream, counts: Counts, *, own_login: bool = False
    ) -> None:
        self.policy, self.network, self.upstream, self.counts = policy, network, upstream, counts
        self.own_login = own_login

    def route(self, head: Head) -> Handling:
        """The operation that is asked for; RefusedError where the policy has none."""
        found = self.policy.match(head.method, head.segments)
        if found is None:
            raise RefusedError(404, "no-route", "no operation of the policy has this method and path", leaf="path")
        return self.passage(*found)

    @abstractmethod
    def passage(self, operation: Operation, parameters: Mapping[str, str]) -> Handling:
        """One request of one operation."""


class Passage(ABC):
    """One request of one operation."""

    def __init__(self, front: Front, operation: Operation, parameters: Mapping[str, str]) -> None:
        self._front, self._operation, self._parameters = front, operation, parameters
        self.operation = operation.name
        self.wants_body = "body" in operation.rules
        self._place, _, self._leaf = operation.order.partition(".")

    async def answer(self, head: Head, body: bytes) -> Reply:
        """See Handling."""
        access = () if self._front.own_login else heads.access_token(head.headers)
        left = await self.leave(head, body)
        return await self.back(await self._send(left.sent, access), left)

    @abstractmethod
    async def leave(self, head: Head, body: bytes) -> Left:
        """What leaves, once what must be kept of it is on disk. RefusedError: nothing may."""

    @abstractmethod
    async def back(self, answer: Response, left: Left) -> Reply:
        """The answer in the client's words, once what it brought is on disk. RefusedError: nothing of it is passed on."""

    def _order_id(self, head: Head, body: bytes) -> str:
        """The order that the request names; empty where it names none (then masking says what is wrong with it)."""
        if self._place == "path":
            return self._parameters.get(self._leaf, "")
        if self._place == "query":
            return head.query.get(self._leaf, "")
        if not self._place:
            return ""
        try:
            return str(getattr(_named(body), self._leaf))
        except msgspec.DecodeError:
            return ""

    def _policy_headers(self, head: Head) -> list[tuple[str, bytes]]:
        wanted = self._operation.rules.get("header", {})
        return [(name, value) for name in wanted if (value := head.headers.get(name.encode())) is not None]

    async def _send(self, sent: Sent, access: tuple[tuple[str, str], ...]) -> Response:
        query = tuple(parse_qsl(sent.query, keep_blank_values=True, strict_parsing=True)) if sent.query else ()
        request = Request(self.operation, self._operation.method, sent.path, query, (*sent.headers, *access), sent.body)
        try:
            return await self._front.upstream.send(request)
        except NotSentError as error:
            raise RefusedError(503, "not-sent", f"no connection ({error.kind})", retry_after_s=1) from None
        except LostError as error:
            self._front.counts.event("answer_lost")
            raise RefusedError(
                504, "lost", f"ask again: the same bytes are sent ({error.kind})", sent="maybe"
            ) from None
