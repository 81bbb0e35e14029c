"""`tranship verify`: rebuild from the journal and hold everything against it. Says what it checked and names what is wrong."""

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import msgspec

from tranship.core.errors import DamageError, TranshipError
from tranship.engine import commands as cmd
from tranship.engine import events as ev
from tranship.engine import leaks
from tranship.engine.decide import execute
from tranship.engine.digest import GENESIS, run_hash
from tranship.engine.evolve import evolve
from tranship.engine.shard import checked, decoded
from tranship.engine.state import State
from tranship.engine.verify_rows import Books, Found, check_rows, listed
from tranship.masking.audit import check as check_audit
from tranship.store.check import problems
from tranship.store.port import AuditRow, JournalRow, Moment, Store, TableStore
from tranship.store.unaudited import unaudited


class Verdict(msgspec.Struct):
    """What was checked and what was found. Sound when `problems` is empty."""

    checks: list[str] = []
    problems: list[str] = []
    events: int = 0
    orders: int = 0
    hash: str = ""
    decided: int = 0

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return not self.problems


def verify(store: TableStore, *, decide: bool = False, progress: Callable[[int], None] | None = None) -> Verdict:
    """Rebuild the state, check store, chain, invariants and every derived row, all of one moment; `decide` takes every decision again."""
    verdict = Verdict()
    with store.snapshot() as snapshot:
        kinds = [Found(problems(snapshot, full=False))]
        verdict.checks.append("store: pages, and where the journal begins and ends")
        with _no_collector():
            kinds.extend(_verify(store, snapshot, verdict, progress))
        kinds.append(Found(_audit(snapshot, verdict)))
        if decide and verdict.hash:
            kinds.append(Found(_decide_again(store, snapshot, verdict, progress)))
    verdict.problems.extend(listed(kinds))
    return verdict


def _verify(
    store: TableStore,
    snapshot: Moment,
    verdict: Verdict,
    progress: Callable[[int], None] | None,
) -> Iterator[Found]:
    """What is wrong, kind by kind."""
    state, books = State(store.document), Books()
    try:
        chain = _rebuild(snapshot, state, verdict, books, progress)
    except TranshipError as error:
        yield Found([str(error)])
        return
    verdict.hash = run_hash(chain, state)
    verdict.orders = len(state.orders)
    verdict.checks.append(f"journal: {verdict.events} events read, chain recomputed row by row")
    yield Found(_invariants(state, verdict))
    for check, found in check_rows(snapshot.query, state, books):
        verdict.checks.append(check)
        yield found


def _audit(snapshot: Moment, verdict: Verdict) -> list[str]:
    """What is wrong with the chain of the audit, the first bad row is named; or what left and is not in it."""
    ((seq, chain),) = snapshot.query("SELECT audit_seq, audit_chain FROM meta") or [(0, b"")]
    found = check_audit(_audit_rows(snapshot), (int(str(seq)), bytes(cast("bytes", chain))))
    verdict.checks.append(
        f"audit: {found.rows} rows read, chain recomputed row by row, held against tokens and sent bytes"
    )
    return [found.wrong] if found.wrong else unaudited(snapshot.query)


def _audit_rows(snapshot: Moment) -> Iterator[AuditRow]:
    after = 0
    while page := snapshot.query("SELECT * FROM audit WHERE seq > ? ORDER BY seq LIMIT 4096", (after,)):
        rows = [AuditRow(*cast("tuple[Any, ...]", row)) for row in page]
        yield from rows
        after = rows[-1].seq


@contextmanager
def _no_collector() -> Iterator[None]:
    """Rebuilding makes much that stays and nothing that refers to itself: looking for such things takes a third of the time."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def _rebuild(
    snapshot: Moment, state: State, verdict: Verdict, books: Books, progress: Callable[[int], None] | None
) -> bytes:
    """Evolve every row; the rows that follow from it are noted on the way."""
    chain, seq = GENESIS, 0
    for row in snapshot.journal():
        chain = checked(row, seq, chain)
        seq = row.seq
        event = decoded(row)
        try:
            evolve(state, event)
            books.take(state, row, event)
        except Exception as error:
            raise DamageError(f"journal row {row.seq} ({row.kind}, key {row.key}) cannot be true: {error}") from error
        verdict.events += 1
        if progress and seq % 2000 == 0:
            progress(seq)
    return chain


def _invariants(state: State, verdict: Verdict) -> Iterator[str]:
    yield from state.ledger.problems()
    verdict.checks.append("ledger: every account balances, no shelf is below zero")
    for order_id, held in state.orders.items():
        for i, line in enumerate(held.order.lines):
            placed = sum(q for p in held.parts.values() for at, q in zip(p.lines, p.quantities, strict=True) if at == i)
            waits = sum(q for r in held.rests.values() for at, q in zip(r.lines, r.quantities, strict=True) if at == i)
            if placed + waits > line.qty:
                yield f"order {order_id} line {line.key}: {placed}+{waits} of {line.qty} units placed"
    verdict.checks.append(f"orders: no line of {len(state.orders)} orders is placed more than once")
    yield from _reserved(state, verdict)
    yield from leaks.problems(state)
    if state.leaks is not None:
        verdict.checks.append("leak budgets: what each network was shown, counted again from fulfillment orders")
    for cap in state.caps:
        for name, window in (("total", cap.total), *cap.channels.items()):
            if window.recount() != (window.inside, window.inside_capped):
                yield f"cap {cap.cap.network} {name}: running counts differ from a recount"
            if window.highest_bp() > window.max_share_bp:
                yield f"cap {cap.cap.network} {name}: some window reaches {window.highest_bp()} bp, above the highest that was counted"
            if window.max_share_bp > cap.highest_bp:
                yield f"cap {cap.cap.network} {name}: reached {window.max_share_bp} bp unbooked"
        verdict.checks.append(
            f"cap {cap.cap.network}: counters recounted, maximum {cap.total.max_share_bp / 100:.2f} %"
        )


def _reserved(state: State, verdict: Verdict) -> Iterator[str]:
    """Units reserved in the ledger are exactly those of fulfillment orders that have not shipped."""
    from tranship.core.ledger import Bucket

    wanted: dict[tuple[int, int], int] = {}
    for held in state.orders.values():
        for part in held.parts.values():
            if part.status == "PROCESSING":
                for line, quantity in zip(part.lines, part.quantities, strict=True):
                    sku = held.skus[line]
                    for piece, count in state.bundles.get(sku, [(sku, 1)]):
                        key = (piece, part.node)
                        wanted[key] = wanted.get(key, 0) + quantity * count
    reserved = state.ledger.balance[Bucket.RESERVED]
    found = {(int(s), int(n)): int(reserved[s, n]) for s, n in zip(*reserved.nonzero(), strict=True)}
    if found != {key: q for key, q in wanted.items() if q}:
        yield "reserved units differ from the units of open fulfillment orders"
    verdict.checks.append("reservations: each reserved unit belongs to one open fulfillment order")


def _decide_again(
    store: TableStore, snapshot: Moment, verdict: Verdict, progress: Callable[[int], None] | None
) -> Iterator[str]:
    """Decide every journaled command again and compare each event.

    As read, not as bytes: an event of an earlier release lacks a field that came later, and says the same.
    """
    state = State(store.document)
    for rows in commands_of(snapshot.journal()):
        events = [decoded(row) for row in rows]
        command = command_of(store, state, events)
        try:
            again = list(execute(state, command))
        except Exception as error:  # noqa: BLE001 - whatever breaks: it did not break when the command was carried out
            what = f"{type(error).__name__}: {error}"
            yield f"command {rows[0].key} (journal row {rows[0].seq}) cannot be decided now: {what}"
            return
        if again != events:
            yield (
                f"command {rows[0].key} (journal row {rows[0].seq}) decides otherwise now: if another release wrote it, its rules"
                " were others, and the books above are what counts"
            )
            return
        verdict.decided += 1
        if progress and verdict.decided % 500 == 0:
            progress(rows[-1].seq)
    verdict.checks.append(f"decisions: {verdict.decided} commands decided again, every event equal")


def commands_of(journal: Iterable[JournalRow]) -> Iterator[list[JournalRow]]:
    """The rows of each command, in order."""
    rows: list[JournalRow] = []
    for row in journal:
        if row.n == 0 and rows:
            yield rows
            rows = []
        rows.append(row)
    if rows:
        yield rows


def command_of(store: Store, state: State, events: list[ev.Event]) -> cmd.Command:
    """The command that a journaled group of events came from: its first event carries all of it."""
    first = events[0]
    if isinstance(first, ev.OrderAccepted):
        return cmd.PlaceOrder(first.order, first.at)
    if isinstance(first, ev.StockReceived):
        return cmd.ReceiveStock(first.ref, first.node, first.source, first.skus, first.quantities, first.at)
    if isinstance(first, ev.Ticked):
        return cmd.Tick(first.at)
    if isinstance(first, ev.NetworkLoaded):
        return cmd.LoadNetwork(store.document(first.sha256), first.sha256, first.at)
    if isinstance(first, ev.PricesSet):
        return cmd.SetPrices(store.document(first.sha256), first.sha256, first.reason, first.at)
    if isinstance(first, ev.LeakPlanSet):
        document = store.document(first.sha256)
        return cmd.SetLeakPlan(document, first.sha256, first.terms, first.reason, first.at)
    if isinstance(first, ev.NodeSwitched):
        return cmd.SwitchNode(state.require_network().nodes[first.node].code, first.closed, first.reason, first.at)
    if isinstance(first, ev.CancelTaken):
        line = state.orders[first.order_id].order.lines[first.line]
        return cmd.TakeBack(first.order_id, line.key, first.quantity, first.ref, first.at)
    if isinstance(first, ev.FileTaken):
        return cmd.TakeFile(first)
    if isinstance(first, ev.PersonErased):
        return cmd.ErasePerson(first.person_id, first.at)
    if isinstance(first, ev.Took):
        return first.command
    if isinstance(first, ev.Excepted):
        return cmd.ReportException(first.kind, first.subject, first.detail, first.at)
    raise DamageError(f"no command begins with {ev.kind_of(first)}")
