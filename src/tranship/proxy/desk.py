"""From a request to its answer under one policy: mask, commit, send, unmask, commit, answer. There is no other way to the upstream.

What cannot be masked is not sent; what was not committed is not sent; what cannot be unmasked is not passed on. Each of these is counted,
written to the audit and told to the log by the names of operation and leaf.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from tranship.connectors.port import Response
from tranship.core.errors import TranshipError
from tranship.masking import audit
from tranship.masking.audit import AuditDraft, Field
from tranship.masking.message import Masked, Message, mask
from tranship.masking.policy import MaskingError, Operation, Policy, QuarantineError
from tranship.masking.rows import NEVER, TokenRow
from tranship.masking.unmask import Unmasked, unmask
from tranship.masking.vault.session import MaskingVault
from tranship.proxy import heads
from tranship.proxy.app import Reply
from tranship.proxy.counts import Counts
from tranship.proxy.ending import DAY_US, ended, tells
from tranship.proxy.heads import Head
from tranship.proxy.keeper import Keeper
from tranship.proxy.orders import Answered, Known, Orders, Sent
from tranship.proxy.passage import JSON, Front, Left, Passage, Upstream
from tranship.proxy.refusal import RefusedError
from tranship.proxy.tokens import MEMO_MOST, OrderTokens
from tranship.store.vault_writer import Entry

ACTOR = "proxy"
REPORTS = "/reports/"
"""How paths of the interface for reports begin."""
NAMES_KEPT_US = 120 * DAY_US
"""Until names that belong to no order are forgotten: pages of lists, reports, which Amazon keeps for 90 days itself."""
RESENT: tuple[Field, ...] = (("the body", "resent", b""),)
"""Fields of a message that left before: it tells the network nothing new."""
_STATUS_CODES = {400: "InvalidInput", 401: "Unauthorized", 403: "Unauthorized", 404: "NotFound", 413: "RequestTooLarge",
                 415: "UnsupportedMediaType", 429: "QuotaExceeded", 500: "InternalFailure", 503: "ServiceUnavailable"}  # fmt: skip
_SAFE = "The network refused this request. What it said besides is not passed on: networks repeat in it what they were sent."
_encode = msgspec.json.Encoder().encode


class Documents(Protocol):
    """What a proxy makes of reports (reporting.py)."""

    def passage(self, desk: "Desk", operation: Operation, parameters: Mapping[str, str]) -> "Exchange":
        """One request about reports."""

    async def document(self, desk: "Desk", name: str) -> Reply:
        """An unmasked report."""


class Desk(Front):
    """A policy, a vault and an upstream: what a request is handled with from its beginning to its end."""

    def __init__(
        self, policy: Policy, network: str, vault: MaskingVault, orders: Orders, keeper: Keeper, upstream: Upstream,
        counts: Counts, *, own_login: bool = False, tell_personal: bool = False, token_days: int = 0,
        erase: Callable[[str], None] = lambda _: None, documents: Documents | None = None,
    ) -> None:  # fmt: skip
        """`token_days`: after an order is over, until its tokens are forgotten; 0: never. `erase`: forgets a person, on any thread.

        `documents`: who fetches and reads reports; None: nobody does.
        """
        super().__init__(policy, network, upstream, counts, own_login=own_login)
        self.vault, self.orders, self.keeper = vault, orders, keeper
        self.tell = frozenset({"person_in"}) if tell_personal else frozenset()
        self.kept_us, self._erase, self._documents = token_days * DAY_US, erase, documents

    def passage(self, operation: Operation, parameters: Mapping[str, str]) -> "Exchange":
        """One request of one operation."""
        if self._documents is not None and operation.path.startswith(REPORTS):
            return self._documents.passage(self, operation, parameters)
        return Exchange(self, operation, parameters)

    async def document(self, name: str) -> Reply:
        """See Handler."""
        if self._documents is None:
            raise RefusedError(404, "document", "this address leads nowhere")
        return await self._documents.document(self, name)

    def ready(self) -> str:
        """Whether the vault can be written: a commit that failed is forgotten once one succeeds."""
        return "" if not self.keeper.failing else "the vault cannot be written"

    async def keep(self, entry: Entry, sent: str = "no") -> None:
        """Returns once it is on disk. RefusedError where it is not, or takes too long: nothing is passed on then."""
        try:
            await self.keeper.keep(entry)
        except TimeoutError:
            self.counts.event("vault_timeout")
            raise RefusedError(503, "vault", "it did not answer in time", sent=sent, retry_after_s=1) from None
        except TranshipError as error:
            self.counts.event("vault_failed")
            why = f"nothing can be kept ({type(error).__name__})"
            raise RefusedError(503, "vault", why, sent=sent, retry_after_s=1) from None

    async def erase(self, order_id: str) -> bool:
        """Forget an order: no file keeps a trace of whose it was. False where it is not known, or not any more.

        What is under way with it is on disk before, and what its network says of it after is not passed on.
        """
        async with self.orders.lock(order_id):
            try:
                known = self.orders.find(order_id)
                if known is not None:
                    await self._last_word(known)
                await asyncio.to_thread(self._erase, known.row.person_id if known is not None else "")
            except TranshipError as error:
                self.counts.event("erasure_unfinished")
                why = f"it may be unfinished: ask again ({type(error).__name__})"
                raise RefusedError(503, "vault", why, retry_after_s=1) from None
            finally:
                self.orders.forget()
                self.vault.forget()
            if known is not None:
                self.counts.event("erased")
            return known is not None

    async def _last_word(self, known: Known) -> None:
        """What was handed to the writer before is on disk when this is; what comes after knows that the order is gone."""
        person_id = known.row.person_id
        draft = AuditDraft(
            time.time_ns() // 1000, ACTOR, "erase", self.network, "DELETE /_proxy/orders/{orderId}", self.policy.hash, "", person_id,
            (("the order", "erased", b""),), audit.RECEIVED,
        )  # fmt: skip
        self.orders.gone.add(person_id)
        try:
            await self.keep(Entry(audits=[draft]))
        except RefusedError:
            self.orders.gone.discard(person_id)
            raise


class Exchange(Passage):
    """One request of one operation, masked here."""

    def __init__(self, desk: Desk, operation: Operation, parameters: Mapping[str, str]) -> None:
        super().__init__(desk, operation, parameters)
        self._desk = desk

    # ---- out -----------------------------------------------------------------------------------------------------------

    async def leave(self, head: Head, body: bytes) -> Left:
        """See Passage."""
        order_id = self._order_id(head, body)
        if not order_id:
            return await self._prepared(head, body, None, fresh=False)
        async with self._desk.orders.lock(order_id):
            found, fresh = self._found(order_id)
            return await self._prepared(head, body, found, fresh=fresh)

    def _found(self, order_id: str) -> tuple[Known, bool]:
        """The order, and whether it is a new one. Only an operation that names it in its body may bring one."""
        try:
            found = self._desk.orders.find(order_id)
            if found is not None:
                return found, False
            if self._place == "body":
                return self._desk.orders.new(order_id), True
        except TranshipError as error:
            raise self._no_vault(error) from None
        raise RefusedError(
            404, "unknown-order", "no such order went through here, or it was erased", leaf=self._operation.order
        )

    async def _prepared(self, head: Head, body: bytes, known: Known | None, *, fresh: bool) -> Left:
        """What leaves, committed. A request that came before leaves as it left then."""
        desk = self._desk
        keeps = known is not None and self.wants_body
        try:
            tokens = OrderTokens(desk.vault, desk.network, desk.orders, known, desk.tell, fresh=fresh)
            name = ""
            if known is not None and keeps:
                name = desk.orders.stored_under(
                    known, b"\0".join((desk.network.encode(), self.operation.encode(), head.target, body))
                )
                sent = None if fresh else desk.orders.stored(known, name)
                if sent is not None:
                    again = self._draft(audit.SENT, RESENT, sent.subject, known)._replace(policy=sent.policy)
                    await desk.keep(Entry(audits=[again]))
                    desk.counts.event("sent_again")
                    return Left(sent, known, tokens)
            masked = await self._masked(head, body, tokens)
        except TranshipError as error:
            raise self._no_vault(error) from None
        sent = Sent(masked.path, masked.query, masked.headers, masked.body, masked.subject, desk.policy.hash)
        rows = tokens.rows
        entry = Entry(
            tokens=rows,
            people=[known.row] if known is not None and fresh else (),
            payloads=[desk.orders.to_store(known, name, sent)] if known is not None and keeps else (),
            audits=[self._draft(audit.SENT, _fields(masked.fields, known), masked.subject, known)],
        )
        await desk.keep(entry)
        tokens.committed()
        if rows:
            desk.counts.event("tokens_made")
        if known is not None and keeps:
            desk.orders.recall(known, name, sent)
        if known is not None and fresh:
            desk.orders.remember(known)
        return Left(sent, known, tokens)

    async def _masked(self, head: Head, body: bytes, tokens: OrderTokens) -> Masked:
        headers = {name: value.decode("latin-1") for name, value in self._policy_headers(head)}
        message = Message(body, self._parameters, head.query, headers)
        try:
            return mask(message, self._operation, self._desk.policy, tokens, now_day=time.time_ns() // 1000 // DAY_US)
        except MaskingError as error:
            draft = self._draft(audit.REFUSED, ((error.leaf, "refused", b""),), "", None)
            await self._desk.keep(Entry(audits=[draft]))
            raise RefusedError(422, "masking", error.why, leaf=error.leaf) from None

    # ---- in ------------------------------------------------------------------------------------------------------------

    async def back(self, answer: Response, left: Left) -> Reply:
        """See Passage."""
        desk, status = self._desk, answer.status
        sent, known, tokens = left.sent, left.known, left.tokens
        assert tokens is not None, "they are those of `leave`"
        try:
            self._check_status(status)
            found = self._unmasked(answer, sent.subject, known, tokens)
        except QuarantineError as error:
            raise await self._quarantined(error.leaf, error.why, sent, known) from None
        except TranshipError as error:
            refused = self._no_vault(error)
            refused.sent = "yes"
            raise refused from None
        if known is not None and known.row.person_id in desk.orders.gone:
            raise await self._quarantined(self._operation.order, "was erased meanwhile", sent, None)
        await self._kept(found, tokens, known)
        headers = [*JSON, *heads.back(answer.headers)]
        if status >= 400:
            desk.counts.event("network_refused")
            return Reply(status, headers, _reduced(found.body, status))
        if status == 204:
            return Reply(status, headers, b"")
        self.learn(found.body)
        return Reply(status, headers, found.body or (b"{}" if answer.body else b""))

    def _unmasked(self, answer: Response, subject: str, known: Known | None, tokens: OrderTokens) -> Unmasked:
        """The answer in the client's words; the same one about the same order is not unmasked twice."""
        policy, status, body = self._desk.policy, answer.status, answer.body
        held = known.memo.answers.get(self.operation) if known is not None else None
        if held is not None and held.is_of(status, body, subject, policy.hash):
            return held.found
        found = unmask(body, self._operation, policy, tokens, status=status, subject=subject, link=self.link)
        # Not where it brought new tokens, which may be not on disk yet, or was in part taken out: that is looked at each time.
        if known is not None and not (tokens.rows or found.quarantined):
            self._desk.orders.answered(known, self.operation, Answered(status, body, subject, found))
        return found

    def link(self, url: str) -> str:  # noqa: ARG002 - for who fetches
        """What the client is told instead of an address elsewhere; "" where nobody fetches what is there."""
        return ""

    def learn(self, body: bytes) -> None:
        """Look at an answer as the client gets it."""

    def _check_status(self, status: int) -> None:
        if not (200 <= status < 300 or 400 <= status < 600):
            raise QuarantineError(
                self._desk.policy.kind, self.operation, "status", "", "is neither an answer nor an error"
            )

    async def _kept(self, found: Unmasked, tokens: OrderTokens, known: Known | None) -> None:
        desk = self._desk
        fields = _fields(found.fields, known) if found.fields else []
        fields += [(leaf, "left out", b"") for leaf in found.dropped]
        for one in found.quarantined:
            desk.counts.event("quarantined_in_list")
            fields.append((one.leaf, "quarantined", b""))
        if found.dropped:
            desk.counts.event("leaves_dropped")
        rows = [self._ending(row) for row in tokens.rows]
        over = self._over(found.body, again=bool(rows)) if tells(self._operation) else []
        expiry = [(at, desk.network, token) for _, at, token in over]
        entry = Entry(tokens=rows, audits=[self._draft(audit.RECEIVED, fields, found.subject, known)], expiry=expiry)
        if rows or expiry:
            await desk.keep(entry, "yes")
            for each, at, token in over:
                each.memo.ends[desk.network] = (at, token)
        else:
            self._noted(entry)
        tokens.committed()

    def _ending(self, row: TokenRow) -> TokenRow:
        """The row of a new token; what belongs to no order (a page's, a report's name) has its end from the start."""
        if row.kind == "text" and not row.person_id:
            return row._replace(expires_at=self._desk.vault.now() + NAMES_KEPT_US)
        return row

    def _over(self, body: bytes, *, again: bool) -> list[tuple[Known, int, str]]:
        """Orders that an answer says are over, until when their tokens are kept, and each order's own token.

        Once said, the time stays; `again`: also where it was said before, because there are new tokens.
        """
        desk, found = self._desk, []
        for order_id in ended(body) if desk.kept_us else ():
            known = desk.orders.find(order_id)
            if known is None:
                continue
            at, token = known.memo.ends.get(desk.network, (NEVER, ""))
            if not token:
                row = desk.orders.token_of(desk.vault, desk.network, known)
                at, token = (row.expires_at, row.token) if row is not None else (0, "")
                if at == NEVER:
                    at = desk.vault.now() + desk.kept_us
                elif token and not again:
                    known.memo.ends[desk.network] = (at, token)
                    continue
            elif not again:
                continue
            if token:
                found.append((known, at, token))
        return found

    def _noted(self, entry: Entry) -> None:
        try:
            self._desk.keeper.note(entry)
        except TranshipError:
            self._desk.counts.event("audit_of_answer_lost")

    async def _quarantined(self, leaf: str, why: str, sent: Sent, known: Known | None) -> RefusedError:
        self._desk.counts.event("quarantined")
        self._noted(Entry(audits=[self._draft(audit.QUARANTINED, ((leaf, "quarantined", b""),), sent.subject, known)]))
        return RefusedError(502, "quarantine", why, leaf=leaf, sent="yes")

    # ---- both ----------------------------------------------------------------------------------------------------------

    def _draft(self, verdict: str, fields: Sequence[Field], subject: str, known: Known | None) -> AuditDraft:
        desk, route = self._desk, f"{self._operation.method} {self._operation.path}"
        person_id = known.row.person_id if known is not None else ""
        return AuditDraft(
            time.time_ns() // 1000,
            ACTOR,
            self.operation,
            desk.network,
            route,
            desk.policy.hash,
            subject,
            person_id,
            fields,
            verdict,
        )

    def _no_vault(self, error: TranshipError) -> RefusedError:
        self._desk.counts.event("vault_failed")
        return RefusedError(503, "vault", f"it cannot be asked ({type(error).__name__})", retry_after_s=1)


def _fields(told: Sequence[tuple[str, str, str]], known: Known | None) -> list[Field]:
    """The audit's fields: a token's fingerprint where one was given, under the order's own key."""
    if known is None:
        return [(leaf, action, b"") for leaf, action, _ in told]
    marks, found = known.memo.marks, []
    for leaf, action, token in told:
        mark = b""
        if token:
            held = marks.get((leaf, token))
            mark = held or audit.marked(known.mac, leaf, token)
            if held is None and len(marks) < MEMO_MOST:
                marks[leaf, token] = mark
        found.append((leaf, action, mark))
    return found


def _reduced(body: bytes, status: int) -> bytes:
    """An error in the network's form: its codes where the policy knows them, and a sentence of ours."""
    codes: list[str] = []
    if body:
        told: Any = msgspec.json.decode(body)
        errors = told.get("errors") if isinstance(told, dict) else None
        codes = [one["code"] for one in errors or () if isinstance(one, dict) and one.get("code")]
    codes = codes or [_STATUS_CODES.get(status, "InvalidInput" if status < 500 else "InternalFailure")]
    return _encode({"errors": [{"code": code, "message": _SAFE} for code in codes]})
