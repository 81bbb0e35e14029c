"""Wiring of the proxy: its store folder, its vault, its upstream, its policy; and a clean end."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from tranship.connectors.download import Download
from tranship.connectors.http import Auth, Bearer, HttpClient
from tranship.core.errors import InputError, TranshipError
from tranship.masking.policy import load
from tranship.masking.policy.model import OUT_PLACES, Policy
from tranship.masking.remote import KINDS as KINDS  # noqa: PLC0414 - what the proxy speaks
from tranship.masking.remote import UNMASK_BYTES_MAX
from tranship.masking.vault.session import MaskingVault
from tranship.proxy.app import Handler, Shell
from tranship.proxy.calm import calm
from tranship.proxy.counts import Counts
from tranship.proxy.desk import Desk
from tranship.proxy.engine_desk import Engine, EngineDesk
from tranship.proxy.keeper import Keeper
from tranship.proxy.orders import Orders
from tranship.proxy.passage import Upstream
from tranship.proxy.reporting import Reporting
from tranship.proxy.selftest import check_policy
from tranship.proxy.settings import ProxySettings
from tranship.proxy.sink import Sink
from tranship.store.location import database
from tranship.store.people import People
from tranship.store.port import TableStore
from tranship.store.postgres.store import PostgresStore
from tranship.store.seen import Seen
from tranship.store.sqlite import SqliteStore
from tranship.store.vault_care import Caretaker
from tranship.store.vault_writer import VaultWriter
from tranship.store.vaulting import kek_of, open_vault
from tranship.wire.server import Server

log = logging.getLogger("tranship.proxy")

Ready = Callable[[str], Awaitable[None]]


class Plan(NamedTuple):
    """What is to be run: where, for which network and kind, under which policy file, against what."""

    folder: Path | None  # None: a running service masks
    settings: ProxySettings
    kind: str
    network: str
    policy_path: Path | None = None
    auth: Auth | None = None  # the proxy's own login; None: clients bring their access tokens
    sink: bool = False  # answer from a sink in this process: nothing is sent anywhere
    tell_personal: bool = False  # give clients what networks tell of people (signed for by ...); else its token
    engine: str = ""  # the service's address, where there is no folder
    engine_token: str = ""  # a reference to its token (env:NAME, file:PATH); empty: it asks for none


class Parts(NamedTuple):
    """What is open while the proxy runs."""

    store: TableStore
    people: People
    orders: Orders
    vault: MaskingVault
    writer: VaultWriter

    def erase(self, person_id: str) -> None:
        """Forget somebody in every file; for "", what an interrupted erasure left."""
        self.people.erase([person_id] if person_id else [])


def open_parts(stack: ExitStack, plan: Plan) -> Parts:
    """The shard, made where there is none, with every key of the network opened. Closed when the stack is.

    Raises UnavailableError where the folder is in use, or a key cannot be had: nothing is listened on then.
    """
    assert plan.folder is not None, "a proxy with a store of its own"
    store = _store(plan.folder)
    stack.callback(store.close)
    people = People.open(store, plan.folder, create=True)
    orders = Orders(people, plan.settings.orders_cached, seen=Seen(store))
    vault = open_vault(store, people, kek_of(plan.folder), person_key=orders.key)
    orders.forgot = lambda: vault.forgotten
    for row in vault.keys.rows():
        if row.network == plan.network and row.state != "destroyed" and row.purpose == "seal":
            vault.keys.pair(row.key_id)
    vault.keys.writing(plan.network, "order")
    writer = VaultWriter(store, upkeep=Caretaker(store, vault).turn)
    stack.callback(writer.close)
    return Parts(store, people, orders, vault, writer)


def _store(folder: Path) -> TableStore:
    place = database(folder)
    return SqliteStore.open(folder, create=True) if place is None else PostgresStore.open(place, create=True)


def checked_policy(plan: Plan) -> Policy:
    """The policy, after canaries went through every operation of it. InputError where it does not load, or one got out."""
    policy = load(plan.kind, plan.policy_path)
    _without_aliases(policy)
    check_policy(policy)
    return policy


def _without_aliases(policy: Policy) -> None:
    """A made-up code that is registered nowhere would be an article that the network does not have: no order would be taken."""
    for one in policy.operations.values():
        for place in OUT_PLACES if one.method else ():
            for leaf, rule in one.rules.get(place, {}).items():
                if (rule.action, rule.kind) == ("token", "sku"):
                    raise InputError(
                        "wants an alias that is registered there, and a proxy keeps none",
                        where=f"{policy.kind}: {one.name}: {place} {leaf}", hint="Leave it at pass(sku).",
                    )  # fmt: skip


class Back(NamedTuple):
    """What is behind the shell: a desk for each policy, and what has to be closed in the end, first things first."""

    desk: Callable[[Policy], Handler]
    close: tuple[Callable[[], Awaitable[None]], ...]


def open_back(stack: ExitStack, plan: Plan, counts: Counts) -> Back:
    """The upstream, and who masks: a shard of the proxy's own, or a running service."""
    settings, own_login = plan.settings, plan.auth is not None
    client: HttpClient | None = None
    upstream: Upstream = Sink()
    if not plan.sink:
        client = HttpClient(
            settings.upstream, plan.auth, int(settings.upstream_timeout_s * 1000), at_once=settings.requests_max,
            answer_bytes_max=settings.answer_bytes_max,
        )  # fmt: skip
        upstream = client
    closing = (client.close,) if client is not None else ()
    if plan.engine:
        link = HttpClient(
            plan.engine, Bearer(plan.engine_token, "--engine") if plan.engine_token else None,
            int(settings.vault_timeout_s * 1000), at_once=settings.requests_max, answer_bytes_max=UNMASK_BYTES_MAX,
        )  # fmt: skip
        engine = Engine(link)

        def through(now: Policy) -> Handler:
            return EngineDesk(
                now, plan.network, engine, upstream, counts, own_login=own_login, tell_personal=plan.tell_personal
            )

        return Back(through, (link.close, *closing))
    parts = open_parts(stack, plan)
    download = Download(settings.document_timeout_s)
    reporting = Reporting(
        download, settings.document_hosts, scheme="https" if settings.certificate else "http",
        bytes_max=settings.document_bytes_max,
    )  # fmt: skip
    keeper = Keeper(parts.writer, settings.vault_timeout_s)
    counts.vault = lambda: _told(parts.writer)

    def desk(now: Policy) -> Handler:
        return Desk(now, plan.network, parts.vault, parts.orders, keeper, upstream, counts, own_login=own_login,
                    tell_personal=plan.tell_personal, token_days=settings.token_days, erase=parts.erase, documents=reporting)  # fmt: skip

    return Back(desk, (keeper.close, download.close, *closing))


async def serve(plan: Plan, ready: Ready) -> None:
    """Run until a signal comes. `ready` is told the address once it is listened on."""
    settings, counts = plan.settings, Counts()
    policy = checked_policy(plan)
    with ExitStack() as stack:
        back = open_back(stack, plan, counts)
        shell = Shell(settings, back.desk(policy), counts, own_login=plan.auth is not None)

        def reload() -> None:
            """Take the policy file anew; a bad one changes nothing, and says so."""
            try:
                fresh = checked_policy(plan)
            except TranshipError as error:
                counts.event("policy_refused")
                log.error("the policy was not taken anew: %s", error)  # noqa: TRY400 - the sentence is the message
                return
            shell.handler = back.desk(fresh)
            counts.event("policy_taken")
            log.warning("policy %s is in force for requests from now on", fresh.hash[:16])

        server = Server(
            shell, settings, reload=reload, certificate=settings.certificate, certificate_key=settings.certificate_key
        )
        asyncio.get_running_loop().set_exception_handler(_quiet)
        calm()
        try:
            task = asyncio.create_task(server.run_until_stopped())
            await server.up.wait()
            if not server.failed:
                scheme = "https" if settings.certificate else "http"
                host = f"[{settings.host}]" if ":" in settings.host else settings.host
                await ready(f"{scheme}://{host}:{server.port}")
            await task
        finally:
            for close in back.close:
                await close()


def _told(writer: VaultWriter) -> dict[str, int]:
    return {
        "commits": writer.commits,
        "entries": writer.entries,
        "failures": writer.failures,
        "waiting": writer.waiting,
    }


def _quiet(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What nobody waited for is told by its name: its text may hold anything."""
    error = context.get("exception")
    log.error("left over: %s", type(error).__name__ if error is not None else "a message of the event loop")
