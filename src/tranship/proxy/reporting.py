"""Reports through the proxy: software asks for them as at the network, and their documents are fetched, unmasked and handed out here.

The network's own address of a document never reaches a client: it gets one of the proxy's, good for a few minutes. What type of report
it is of was said when its report was asked for; by that type it is read, whole, before the first byte is passed on.
"""

import asyncio
import logging
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from tranship.connectors.download import Answer, Download, may_fetch
from tranship.connectors.http import LostError, NotSentError
from tranship.core.errors import TranshipError
from tranship.masking import audit
from tranship.masking.audit import AuditDraft, Field
from tranship.masking.policy import Operation, Report, ReportError
from tranship.masking.reports import Counts, Reader, TokenBook
from tranship.masking.reports.spool import Spool
from tranship.masking.rows import NEVER
from tranship.proxy.app import DOCUMENTS, Reply
from tranship.proxy.desk import ACTOR, Desk, Exchange
from tranship.proxy.heads import Head
from tranship.proxy.orders import Known
from tranship.proxy.passage import Left
from tranship.proxy.refusal import RefusedError
from tranship.proxy.tokens import OrderTokens
from tranship.store.vault_writer import Entry

log = logging.getLogger("tranship.proxy")

OFFER_S = 300
"""Seconds that an address of ours leads somewhere: as long as Amazon's own."""
OFFERS_MOST = 1_000
TYPES_MOST = 10_000
AT_ONCE = 4
"""Documents that are read or handed out at a time."""
BATCH_ORDERS = 200
BATCH_ROWS = 1_000
"""Orders, or rows, whose tokens are looked at before what is new is written."""
TURN_S = 0.001
"""Seconds that reading goes on before others have their turn."""
TEXT = [(b"content-type", b"text/plain; charset=UTF-8"), (b"cache-control", b"no-store")]
ROUTE = "GET /_proxy/documents/{document}"
_HOST = re.compile(rb"[A-Za-z0-9.-]{1,253}(?::\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](?::\d{1,5})?")


class _Told(msgspec.Struct):
    """Of an answer about reports: which document is of which type."""

    reportDocumentId: str = ""  # noqa: N815 - the vendor's words
    reportType: str = ""  # noqa: N815
    reports: list["_Told"] = []


_told = msgspec.json.Decoder(_Told).decode


class _Offer(NamedTuple):
    url: str
    report_type: str
    until: float

    def __repr__(self) -> str:
        return f"_Offer({self.report_type})"


class Reporting:
    """What a proxy knows of reports while it runs: types of documents, and addresses that it gave out. Any of it may be lost."""

    def __init__(self, download: Download, hosts: tuple[str, ...], *, scheme: str, bytes_max: int) -> None:
        """`hosts`: where documents may be fetched from; `scheme`: how clients reach us; `bytes_max`: of a document."""
        self.download, self._hosts, self._scheme, self.bytes_max = download, hosts, scheme, bytes_max
        self._types: dict[str, str] = {}  # a document's token -> its type
        self._offers: dict[str, _Offer] = {}
        self._turns = asyncio.Semaphore(AT_ONCE)

    # -- what is known -------------------------------------------------------------------------------------------------

    def learn(self, body: bytes) -> None:
        """An answer about reports, as the client gets it: which document is of which type."""
        try:
            told = _told(body)
        except msgspec.DecodeError:
            return
        for one in (told, *told.reports):
            if one.reportDocumentId and one.reportType:
                self._types.pop(one.reportDocumentId, None)
                self._types[one.reportDocumentId] = one.reportType
                if len(self._types) > TYPES_MOST:
                    del self._types[next(iter(self._types))]

    def type_of(self, desk: Desk, document: str) -> str:
        """Of which type a document is. RefusedError where nobody has said that, or nobody can read it."""
        name = self._types.get(document, "")
        if not name:
            why = "ask for its report first (getReport): its type says how it is read"
            raise RefusedError(409, "document", why, leaf="path reportDocumentId")
        _report(desk, name)
        return name

    def offer(self, url: str, report_type: str, host: bytes) -> str:
        """An address of ours for one of theirs. RefusedError where theirs is not one that may be fetched."""
        if not may_fetch(url, self._hosts):
            why = "the document lies at a host that is not on the list (--document-host)"
            raise RefusedError(502, "document", why, leaf="answer url", sent="yes")
        name = secrets.token_urlsafe(24)
        now = time.monotonic()
        self._offers = {key: one for key, one in self._offers.items() if one.until > now}
        if len(self._offers) >= OFFERS_MOST:
            del self._offers[next(iter(self._offers))]
        self._offers[name] = _Offer(url, report_type, now + OFFER_S)
        return f"{self._scheme}://{host.decode('ascii')}/{'/'.join(DOCUMENTS)}/{name}"

    def passage(self, desk: Desk, operation: Operation, parameters: Mapping[str, str]) -> Exchange:
        """One request about reports."""
        return ReportExchange(self, desk, operation, parameters)

    # -- a document ----------------------------------------------------------------------------------------------------

    async def document(self, desk: Desk, name: str) -> Reply:
        """What an address of ours leads to: fetched now, read to its end, and only then passed on."""
        offer = self._offers.get(name)
        if offer is None or offer.until <= time.monotonic():
            raise RefusedError(
                404, "document", "this address leads nowhere, or not any more: ask for the document again"
            )
        report = _report(desk, offer.report_type)
        if self._turns.locked():
            raise RefusedError(503, "busy", "too many documents are under way", retry_after_s=1)
        spool = Spool()
        await self._turns.acquire()
        try:
            async with self.download.fetch(offer.url) as answer:
                await _Unmasking(desk, report, spool, self.bytes_max).run(answer)
        except BaseException as error:
            self._done(spool)
            if isinstance(error, (NotSentError, LostError)):
                desk.counts.event("document_lost")
                why = f"the document did not arrive ({error.kind}): ask for it again"
                raise RefusedError(502, "lost", why, sent="yes") from None
            if isinstance(error, OSError):
                raise RefusedError(
                    503, "vault", "there is no room for the document", sent="yes", retry_after_s=1
                ) from None
            raise
        return Reply(200, TEXT, b"", Handed(self, spool))

    def _done(self, spool: Spool) -> None:
        spool.close()
        self._turns.release()


def _erased_meanwhile() -> RefusedError:
    return RefusedError(503, "busy", "an order was erased meanwhile: ask again", sent="yes", retry_after_s=1)


def _report(desk: Desk, name: str) -> Report:
    """A type of report under the policy that is in force now."""
    found = desk.policy.reports.get(name)
    if found is None:
        raise RefusedError(422, "document", "the policy cannot read this type of report", leaf="reportType")
    return found


class Handed:
    """A document on its way to a client: see app.Stream."""

    def __init__(self, reporting: Reporting, spool: Spool) -> None:
        self._reporting, self._spool, self.size = reporting, spool, spool.size

    def read(self) -> Iterator[bytes]:
        """All of it."""
        return self._spool.read()

    def close(self) -> None:
        """It is over, or nobody wants it any more."""
        self._reporting._done(self._spool)


class ReportExchange(Exchange):
    """One request about reports: types are learned from answers, and an address elsewhere becomes one of ours."""

    def __init__(self, reporting: Reporting, desk: Desk, operation: Operation, parameters: Mapping[str, str]) -> None:
        super().__init__(desk, operation, parameters)
        self._reporting = reporting
        self._links = any(rule.action == "link" for rule in operation.rules.get("answer", {}).values())
        self._type = ""
        self._host = b""

    async def leave(self, head: Head, body: bytes) -> Left:
        """See Passage."""
        if self._links:
            self._host = head.headers.get(b"host", b"")
            if not _HOST.fullmatch(self._host):
                raise RefusedError(400, "header", "is no host", leaf="host")
            self._type = self._reporting.type_of(self._desk, self._parameters.get("reportDocumentId", ""))
        return await super().leave(head, body)

    def link(self, url: str) -> str:
        """See Exchange."""
        return self._reporting.offer(url, self._type, self._host) if self._type else ""

    def learn(self, body: bytes) -> None:
        """See Exchange."""
        self._reporting.learn(body)


class _Unmasking:
    """One document: its rows for the client, its tokens into the vault, one row into the audit."""

    def __init__(self, desk: Desk, report: Report, spool: Spool, most: int) -> None:
        self._desk, self._report, self._spool, self._most = desk, report, spool, most
        self._of: dict[str, tuple[Known, OrderTokens]] = {}  # by the order's id in the client's words
        self._erased = len(desk.orders.gone)
        self._since = 0  # rows since the newest commit
        self._turn_at = time.perf_counter()

    async def run(self, answer: Answer) -> None:
        """Read it to its end. RefusedError where nothing of it may be passed on."""
        desk = self._desk
        book = TokenBook(desk.policy, OrderTokens(desk.vault, desk.network, desk.orders, None, desk.tell), self._tokens)
        try:
            reader = Reader(desk.policy, self._report.name, book, charset=answer.charset, most=self._most)
            async for piece in answer.pieces():
                await self._taken(reader.feed(piece))
            await self._taken(reader.close())
        except ReportError as error:
            desk.counts.event("document_refused")
            await desk.keep(Entry(audits=[self._draft(audit.QUARANTINED, ((error.place, "refused", b""),))]), "yes")
            raise RefusedError(502, "document", error.why, leaf=error.place, sent="yes") from None
        except TranshipError as error:
            if isinstance(error, (NotSentError, LostError)):
                raise
            desk.counts.event("vault_failed")
            why = f"it cannot be asked ({type(error).__name__})"
            raise RefusedError(503, "vault", why, sent="yes", retry_after_s=1) from None
        if len(desk.orders.gone) != self._erased:
            raise _erased_meanwhile()
        await self._kept(self._audited(reader))
        self._counted(reader.counts)

    def _tokens(self, order_id: str) -> OrderTokens | None:
        """The tokens of an order that is still known."""
        held = self._of.get(order_id)
        if held is None:
            desk = self._desk
            known = desk.orders.find(order_id)
            if known is None or known.row.person_id in desk.orders.gone:
                return None
            held = self._of[order_id] = known, OrderTokens(desk.vault, desk.network, desk.orders, known, desk.tell)
        return held[1]

    async def _taken(self, made: Iterator[bytes]) -> None:
        for data in made:
            self._spool.write(data)
            self._since += 1
            if len(self._of) >= BATCH_ORDERS or self._since >= BATCH_ROWS:
                await self._kept(None)
            if time.perf_counter() - self._turn_at > TURN_S:
                await asyncio.sleep(0)  # orders go first
                self._turn_at = time.perf_counter()

    async def _kept(self, draft: AuditDraft | None) -> None:
        """What is new is on disk before anything of it is passed on."""
        desk, rows, expiry = self._desk, [], []
        for known, tokens in self._of.values():
            # Nothing waits between this look and the writer's queue: what is queued before an erasure is there when it begins.
            if known.row.person_id in desk.orders.gone:
                raise _erased_meanwhile()
            new = tokens.rows
            rows += new
            # What comes late about an order that is over ends with its other tokens.
            own = desk.orders.token_of(desk.vault, desk.network, known) if new else None
            if own is not None and own.expires_at != NEVER:
                expiry.append((own.expires_at, desk.network, own.token))
        if rows or draft is not None:
            await desk.keep(Entry(tokens=rows, audits=[draft] if draft is not None else [], expiry=expiry), "yes")
        for _, tokens in self._of.values():
            tokens.committed()
        self._of.clear()
        self._since = 0

    def _audited(self, reader: Reader) -> AuditDraft:
        rules = self._report.columns
        fields: list[Field] = [
            (column, rules[column].action, b"")
            for column in reader.columns
            if rules[column].action in {"unmask", "token_in"}
        ]
        held = reader.counts.quarantined
        fields += [(f"{column}, {count} rows: {why}", "quarantined", b"") for (column, why), count in held.items()]
        return self._draft(audit.QUARANTINED if held else audit.RECEIVED, tuple(fields))

    def _draft(self, verdict: str, fields: tuple[Field, ...]) -> AuditDraft:
        desk = self._desk
        at = time.time_ns() // 1000
        return AuditDraft(at, ACTOR, self._report.name, desk.network, ROUTE, desk.policy.hash, "", "", fields, verdict)

    def _counted(self, counts: Counts) -> None:
        told = {"passed": counts.passed, "of_other_orders": counts.others, "quarantined": counts.held}
        for name, count in told.items():
            self._desk.counts.event(f"report_rows_{name}", count)
        if counts.held:
            log.warning("%s: %s rows were quarantined", self._report.name, counts.held)
