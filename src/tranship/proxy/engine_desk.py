"""The desk of a proxy without a store: a running service masks and unmasks, and what it says is held against what was asked.

Whatever is not a sound answer to just this question (none, late, refused, from another release, of other bytes) sends nothing, or passes
nothing on.
"""

import secrets
from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import parse_qsl

import msgspec

from tranship.connectors.http import HttpClient, LostError, NotSentError
from tranship.connectors.port import Request, Response
from tranship.masking.policy import Operation, Policy
from tranship.masking.remote import (
    EraseIn,
    EraseOut,
    MaskIn,
    MaskOut,
    OnceOut,
    UnmaskIn,
    UnmaskOut,
)
from tranship.proxy import heads
from tranship.proxy.app import Reply
from tranship.proxy.counts import Counts
from tranship.proxy.heads import Head
from tranship.proxy.orders import Sent
from tranship.proxy.passage import JSON, Front, Left, Passage, Upstream
from tranship.proxy.refusal import RefusedError

T = TypeVar("T", MaskOut, UnmaskOut, EraseOut)
PROBLEM = "urn:tranship:problem:masking:"
ANSWERS = {"masking": 422, "header": 400, "unknown-order": 404, "quarantine": 502}
"""What the service may say no with, and what clients are told then; anything else is a vault that cannot be used."""
_encode = msgspec.json.Encoder().encode
NO_DOCUMENTS = (
    "reports are read by a proxy with a store of its own, or by `tranship unmask-report` on the service's run"
)
_LEAF_MOST = 120
_WHY_MOST = 200


class _Field(msgspec.Struct):
    field: str = ""


class _Problem(msgspec.Struct):
    type: str
    detail: str = ""
    errors: list[_Field] = []


class Engine:
    """A running service, as a proxy asks it. `failing`: the newest question got no sound answer."""

    def __init__(self, client: HttpClient) -> None:
        self._client, self.failing = client, False

    async def ask(self, way: str, asked: MaskIn | UnmaskIn | EraseIn, shape: type[T], *, sent: str) -> T:
        """The answer to this question. RefusedError where there is none; `sent`: what became of the client's request by then."""
        request = Request(f"masking {way}", "POST", f"/v1/masking/{way}", (), (), _encode(asked))
        try:
            answer = await self._client.send(request)
            if answer.status == 200:
                found = msgspec.json.decode(answer.body, type=shape)
                if found.ref != asked.ref:
                    raise self._no("it answered another question", sent)
                self.failing = False
                return found
            problem = msgspec.json.decode(answer.body, type=_Problem)
        except (NotSentError, LostError) as error:
            raise self._no(f"the service did not answer ({error.kind})", sent) from None
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise self._no("the service answered something else", sent) from None
        raise self._told(answer.status, problem, sent)

    def _told(self, status: int, problem: _Problem, sent: str) -> RefusedError:
        name = problem.type.removeprefix(PROBLEM) if problem.type.startswith(PROBLEM) else ""
        if name in ANSWERS:
            self.failing = False
            leaf = problem.errors[0].field[:_LEAF_MOST] if problem.errors else ""
            return RefusedError(ANSWERS[name], name, problem.detail[:_WHY_MOST], leaf=leaf, sent=sent)
        words = {401: "the token is not the service's", 404: "the service is an older one, or has no masking"}
        return self._no(
            words.get(status, f"the service says {status} {name[:20] if name.isalpha() else ''}".strip()), sent
        )

    def _no(self, why: str, sent: str) -> RefusedError:
        self.failing = True
        return RefusedError(503, "vault", why, sent=sent, retry_after_s=1)


class EngineDesk(Front):
    """A policy, a running service that masks, and an upstream."""

    def __init__(
        self, policy: Policy, network: str, engine: Engine, upstream: Upstream, counts: Counts, *, own_login: bool = False,
        tell_personal: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(policy, network, upstream, counts, own_login=own_login)
        self.engine, self.tell_personal = engine, tell_personal

    def passage(self, operation: Operation, parameters: Mapping[str, str]) -> "Forwarded":
        """One request of one operation."""
        if any(rule.action == "link" for rule in operation.rules.get("answer", {}).values()):
            raise RefusedError(501, "document", NO_DOCUMENTS, leaf="path")
        return Forwarded(self, operation, parameters)

    async def document(self, name: str) -> Reply:  # noqa: ARG002 - there is none
        """See Handler."""
        raise RefusedError(501, "document", NO_DOCUMENTS, leaf="path")

    def ready(self) -> str:
        """Whether the service masked, when it was asked last."""
        return "the service that masks cannot be asked" if self.engine.failing else ""

    async def erase(self, order_id: str) -> bool:
        """Have the service forget an order; False where it knows none."""
        asked = EraseIn(new_ref(), order_id)
        return (await self.engine.ask("erase", asked, EraseOut, sent="no")).erased


class Forwarded(Passage):
    """One request of one operation, masked by a service."""

    def __init__(self, desk: EngineDesk, operation: Operation, parameters: Mapping[str, str]) -> None:
        super().__init__(desk, operation, parameters)
        self._desk, self._order = desk, ""

    async def leave(self, head: Head, body: bytes) -> Left:
        """See Passage."""
        desk = self._desk
        self._order = self._order_id(head, body)
        headers = {name: value.decode("latin-1") for name, value in self._policy_headers(head)}
        asked = MaskIn(
            new_ref(), desk.policy.kind, desk.network, desk.policy.hash, self.operation, dict(self._parameters), head.query,
            headers, head.target.decode("ascii"), body,
        )  # fmt: skip
        made = await self._asked("mask", asked, MaskOut, "no")
        if made.policy != desk.policy.hash or not self._is_of_here(made):
            desk.engine.failing = True
            raise RefusedError(503, "vault", "the service answered something else", retry_after_s=1)
        sent = Sent(
            made.path, made.query, tuple((one.name, one.value) for one in made.headers), made.body, made.subject
        )
        return Left(sent, once={one.token: (one.kind, one.value) for one in made.once})

    def _is_of_here(self, made: MaskOut) -> bool:
        """Whether what came is a message of this operation, as far as that shows without masking it."""
        wanted = self._operation.path.split("/")
        given = made.path.split("/")
        fits = len(wanted) == len(given) and all(
            a == b or (a.startswith("{") and b) for a, b in zip(wanted, given, strict=True)
        )
        names = set(self._operation.rules.get("header", {}))
        texts = (made.path, made.query, *(one.value for one in made.headers))
        try:
            parse_qsl(made.query, keep_blank_values=True, strict_parsing=bool(made.query))
        except ValueError:
            return False
        plain = all(text.isascii() and text.isprintable() for text in texts) and "?" not in made.path
        return fits and plain and {one.name for one in made.headers} <= names and bool(made.body) == self.wants_body

    async def back(self, answer: Response, left: Left) -> Reply:
        """See Passage."""
        desk = self._desk
        once = [OnceOut(token, kind, value) for token, (kind, value) in left.once.items()]
        asked = UnmaskIn(
            new_ref(), desk.policy.kind, desk.network, desk.policy.hash, self.operation, answer.status, self._order,
            left.sent.subject, once, desk.tell_personal, answer.body,
        )  # fmt: skip
        made = await self._asked("unmask", asked, UnmaskOut, "yes")
        if made.status != answer.status or made.policy != desk.policy.hash:
            raise RefusedError(503, "vault", "the service answered something else", sent="yes", retry_after_s=1)
        return Reply(made.status, [*JSON, *heads.back(answer.headers)], made.body)

    async def _asked(self, way: str, asked: MaskIn | UnmaskIn, shape: type[T], sent: str) -> T:
        try:
            return await self._desk.engine.ask(way, asked, shape, sent=sent)
        except RefusedError as refused:
            if refused.name == "vault":
                self._desk.counts.event("engine_failed")
            elif refused.name == "quarantine":
                self._desk.counts.event("quarantined")
            raise


def new_ref() -> str:
    """A name for one question."""
    return secrets.token_hex(16)
