"""A running service masks for proxies without a store of their own: the same desk, with the engine's vault, people and writer behind it.

What a message needs on disk goes through the engine's one writer, as a command with its event, in the commit that orders share. Nothing of
a message is kept between its two ways but that: a service that was killed meanwhile makes the answer out all the same.
"""

import asyncio
import secrets
from collections.abc import Awaitable
from typing import TypeVar

from tranship.connectors.port import Request, Response
from tranship.core.errors import InputError, TranshipError, UnavailableError
from tranship.engine import commands as cmd
from tranship.engine.service import Service
from tranship.engine.shard import Submission
from tranship.masking.policy import load
from tranship.masking.remote import (
    KINDS,
    DeclinedError,
    EraseIn,
    EraseOut,
    HeaderOut,
    MaskIn,
    MaskOut,
    OnceOut,
    UnmaskIn,
    UnmaskOut,
)
from tranship.masking.tokens import KINDS as TOKEN_KINDS
from tranship.masking.tokens import Found
from tranship.masking.vault.session import MaskingVault
from tranship.proxy.counts import Counts
from tranship.proxy.desk import Desk, Exchange
from tranship.proxy.heads import Head
from tranship.proxy.keeper import Keeper
from tranship.proxy.orders import Known, Orders, Sent
from tranship.proxy.passage import Left
from tranship.proxy.refusal import RefusedError
from tranship.proxy.tokens import OrderTokens
from tranship.store.vault_writer import Entry

T = TypeVar("T")
ORDERS_CACHED = 10_000
KEEP_S = 10.0
"""Real seconds for a commit; then nothing leaves."""
TOKEN_DAYS = 180
"""Of a network that no connection of the network file speaks to."""
_STATUS = {502: 422}
"""A network's answer that is not passed on is no fault of the service."""


class _Nowhere:
    """The service sends nothing: its proxies do."""

    async def send(self, request: Request) -> Response:
        """Never asked."""
        raise UnavailableError(f"{request.op} is sent by the proxy")


class EngineWriter:
    """The engine's writer, as a proxy's keeper hands entries to it."""

    def __init__(self, service: Service) -> None:
        self._service, self._notes = service, set[asyncio.Future[None]]()
        self.failing = False

    def hand(self, entry: Entry) -> "asyncio.Future[None]":
        """Done once it is on disk, in the engine's own commit."""
        return asyncio.ensure_future(self._kept(entry))

    def note(self, entry: Entry) -> None:
        """Nobody waits for this one."""
        task = self.hand(entry)
        self._notes.add(task)
        task.add_done_callback(self._noted)

    def _noted(self, task: "asyncio.Future[None]") -> None:
        self._notes.discard(task)
        if not task.cancelled():
            task.exception()  # it was looked at: `failing` says it

    async def _kept(self, entry: Entry) -> None:
        at = self._service.clock.now()
        people = tuple(row.person_id for row in entry.people)
        command = cmd.KeepMasked(people, tuple((row.remote_id, row.person_id) for row in entry.payloads), at)
        answer = await self._service.writer.asubmit(
            Submission(
                f"masked/{secrets.token_hex(12)}",
                command,
                people=tuple(entry.people),
                payloads=tuple(entry.payloads),
                tokens=tuple(entry.tokens),
                audits=tuple(entry.audits),
                expiry=tuple(entry.expiry),
            )
        )
        self.failing = answer.error is not None
        if answer.error is not None:
            raise answer.error


class Served:
    """What `/v1/masking` asks. For the event loop of the service."""

    def __init__(self, service: Service) -> None:
        self._service, self._counts = service, Counts()
        self._keeper = Keeper(EngineWriter(service), KEEP_S)
        self._orders = Orders(service.people, ORDERS_CACHED)
        self._desks: dict[tuple[str, str, bool], Desk] = {}
        self._opening = asyncio.Lock()

    async def mask(self, asked: MaskIn) -> MaskOut:
        """What may leave of a message. DeclinedError where nothing may."""
        desk = await self._desk(asked.kind, asked.network, asked.policy)
        try:
            headers = {name.encode(): value.encode("latin-1") for name, value in asked.headers.items()}
        except UnicodeEncodeError:
            raise DeclinedError(422, "header", "holds signs that no header has", "header") from None
        head = Head("", (), dict(asked.query), headers, asked.target.encode())
        left = await _declined(self._exchange(desk, asked.operation, asked.path).leave(head, asked.body))
        once = left.tokens.once if left.tokens is not None else {}
        return MaskOut(
            asked.ref,
            desk.policy.hash,
            left.sent.path,
            left.sent.query,
            [HeaderOut(name, value) for name, value in left.sent.headers],
            left.sent.body,
            left.sent.subject,
            [OnceOut(token, found.kind, found.value) for token, found in once.items()],
        )

    async def unmask(self, asked: UnmaskIn) -> UnmaskOut:
        """An answer in the client's words. DeclinedError where nothing of it may be passed on."""
        desk = await self._desk(asked.kind, asked.network, asked.policy, tell=asked.tell_personal)
        known = self._known(asked.order)
        tokens = OrderTokens(desk.vault, desk.network, self._orders, known, desk.tell)
        tokens.once.update({each.token: Found(each.kind, "", each.value) for each in asked.once})
        sent = Sent("/", "", (), b"", asked.subject)
        exchange = self._exchange(desk, asked.operation, {})
        reply = await _declined(exchange.back(Response(asked.status, {}, asked.body), Left(sent, known, tokens)))
        return UnmaskOut(asked.ref, desk.policy.hash, reply.status, reply.body)

    async def erase(self, asked: EraseIn) -> EraseOut:
        """Forget an order of theirs: no file keeps a trace of whose it was."""
        await self._vault()
        desk = next(iter(self._desks.values()), None)
        if desk is None:  # since the start nobody had anything masked
            kind = KINDS[0]
            network = min((node.network for node in self._service.network.nodes if node.network), default="")
            desk = await self._desk(kind, network, load(kind).hash)
        return EraseOut(asked.ref, await _declined(desk.erase(asked.order)))

    def _known(self, order_id: str) -> Known | None:
        if not order_id:
            return None
        try:
            known = self._orders.find(order_id)
        except TranshipError as error:
            raise DeclinedError(503, "vault", f"it cannot be asked ({type(error).__name__})") from None
        if known is None:
            raise DeclinedError(422, "quarantine", "its order was erased meanwhile")
        return known

    def _exchange(self, desk: Desk, operation: str, path: dict[str, str]) -> Exchange:
        made = desk.policy.operations.get(operation)
        if made is None or not made.method:
            raise DeclinedError(404, "no-route", "the policy has no such operation")
        return Exchange(desk, made, path)

    async def _desk(self, kind: str, network: str, policy_hash: str, *, tell: bool = False) -> Desk:
        if kind not in KINDS:
            raise DeclinedError(422, "kind", f"is none of {', '.join(KINDS)}", "kind")
        if network not in {node.network for node in self._service.network.nodes}:
            raise DeclinedError(422, "network", "is no network of the network file", "network")
        desk = self._desks.get((kind, network, tell))
        if desk is None:
            async with self._opening:
                vault = await self._vault()
                await asyncio.to_thread(self._opened, vault, network)
            desk = Desk(
                load(kind), network, vault, self._orders, self._keeper, _Nowhere(), self._counts, tell_personal=tell,
                token_days=self._token_days(network), erase=self._erase,
            )  # fmt: skip
            self._desks[kind, network, tell] = desk
        if policy_hash != desk.policy.hash:
            raise DeclinedError(409, "policy", "proxy and service have other policies: give both the same release")
        return desk

    async def _vault(self) -> MaskingVault:
        try:
            vault = (await asyncio.to_thread(self._service.masker)).vault
        except TranshipError as error:
            raise DeclinedError(503, "vault", f"it cannot be opened ({type(error).__name__})") from None
        self._orders.forgot = lambda: vault.forgotten
        return vault

    def _opened(self, vault: MaskingVault, network: str) -> None:
        """Have every key of a network at hand, so that no message waits for a key service on the event loop."""
        try:
            for kind in TOKEN_KINDS:
                vault.keys.writing(network, kind)
            for row in vault.keys.rows():
                if row.network == network and row.state != "destroyed" and row.purpose == "seal":
                    vault.keys.pair(row.key_id)
        except TranshipError as error:
            raise DeclinedError(503, "vault", f"a key cannot be had ({type(error).__name__})") from None

    def _token_days(self, network: str) -> int:
        document = self._service.network
        codes = {node.connection for node in document.nodes if node.network == network and node.connection}
        days = [each.token_days for each in document.connections if each.code in codes]
        return max(days) if days and all(days) else TOKEN_DAYS if not days else 0

    def _erase(self, person_id: str) -> None:
        if person_id:
            answer = self._service.writer.submit(
                Submission(f"erase/{person_id}", cmd.ErasePerson(person_id, self._service.clock.now()))
            )
            if answer.error is not None:
                raise answer.error
        self._service.people.erase([person_id] if person_id else [])


async def _declined(work: Awaitable[T]) -> T:
    try:
        return await work
    except RefusedError as refused:
        status = _STATUS.get(refused.status, refused.status)
        raise DeclinedError(status, refused.name, refused.why, refused.leaf) from None
    except InputError:
        raise DeclinedError(422, "masking", "is not a message of this operation") from None
