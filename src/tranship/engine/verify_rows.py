"""The tables that people and programs read, held against what the journal's events write: every row, every column."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import msgspec

from tranship.dispatch.model import CLOSED
from tranship.engine import events as ev
from tranship.engine.network_commands import KeepMasked
from tranship.engine.rows import expected_stock, part_id, project, rest_id
from tranship.engine.state import State
from tranship.store.port import (
    Batch,
    DispatchRow,
    DocumentRow,
    ExceptionRow,
    JournalRow,
    LineRow,
    OrderRow,
    OutboxRow,
    ParkedRow,
    PartRow,
    SkuAliasRow,
)

PAGE = 20_000
"""Rows read at once."""
SHOWN = 20
"""Problems listed; of more only the number is told."""
SECOND_KEYS = "request/"
"""Beginning of the keys that callers choose (see engine/live.py)."""

Row = tuple[Any, ...]
Key = tuple[Any, ...]
Ask = Callable[[str, Key], list[Row]]
"""Asks the store for rows."""

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(list[tuple[int, int]]).decode


class Found:
    """Problems of one kind: the first ones in words, all of them counted."""

    def __init__(self, problems: Iterable[str] = ()) -> None:
        self.shown: list[str] = []
        self.count = 0
        for problem in problems:
            self.add(problem)

    def add(self, problem: str) -> None:
        """One more."""
        self.count += 1
        if len(self.shown) < SHOWN:
            self.shown.append(problem)


def listed(kinds: Iterable[Found]) -> list[str]:
    """At most SHOWN problems, the first of every kind before the second of any, and how many more there are."""
    kinds = list(kinds)
    ranked = sorted((rank, at) for at, kind in enumerate(kinds) for rank in range(len(kind.shown)))[:SHOWN]
    lines = [kinds[at].shown[rank] for at, rank in sorted((at, rank) for rank, at in ranked)]
    more = sum(kind.count for kind in kinds) - len(lines)
    return [*lines, f"and {more:,} more problems"] if more else lines


class Books:
    """What the tables should hold, gathered event by event. Lines of orders stay where they are: in the state."""

    def __init__(self) -> None:
        self.orders: dict[str, OrderRow] = {}
        self.parts: dict[str, PartRow] = {}
        self.parked: dict[str, ParkedRow] = {}
        self.exceptions: dict[int, ExceptionRow] = {}
        self.documents: dict[str, DocumentRow] = {}
        self.outbox: dict[str, OutboxRow] = {}
        self.dispatches: dict[str, DispatchRow] = {}
        self.aliases: dict[str, SkuAliasRow] = {}
        self.commands: dict[str, int] = {}  # key -> its first journal row
        self.erased: dict[str, int] = {}  # person_id -> journal row
        self.masked_people: dict[str, int] = {}  # person_id of an order that went to a network by itself -> journal row
        self.masked_bytes: dict[str, str] = {}  # name -> person_id, of what was sent of it

    def take(self, state: State, row: JournalRow, event: ev.Event) -> None:
        """The rows of one event, already applied to `state`, in the store's order: new rows, changes, deletions."""
        if row.n == 0:
            self.commands[row.key] = row.seq
        if isinstance(event, ev.PersonErased):
            self.erased[event.person_id] = row.seq
        elif isinstance(event, ev.Took) and isinstance(event.command, KeepMasked):
            self.masked_people.update(dict.fromkeys(event.command.people, row.seq))
            self.masked_bytes.update(event.command.payloads)
        batch = Batch()
        project(state, event, row.seq, batch)
        for order in batch.orders:
            self.orders[order.order_id] = order
        for part in batch.parts:
            self.parts[part.part_id] = part
        for parked in batch.parked:
            self.parked[parked.park_id] = parked
        for sent in batch.outbox:
            self.outbox[sent.id] = sent
        for dispatch in batch.dispatches:
            self.dispatches[dispatch.remote_id] = dispatch
        for alias in batch.sku_aliases:
            self.aliases[alias.alias] = alias
        for exception in batch.exceptions:
            self.exceptions[exception.seq] = exception
        for document in batch.documents:
            self.documents.setdefault(document.sha256, document)
        for status, order_id in batch.order_status:
            self.orders[order_id] = self.orders[order_id]._replace(status=status)
        for code, state_, country, order_id in batch.order_to:
            self.orders[order_id] = self.orders[order_id]._replace(zip=code, state=state_, country=country)
        for status, pid in batch.part_status:
            self.parts[pid] = self.parts[pid]._replace(status=status)
        for units, lines, pid in batch.part_lines:
            self.parts[pid] = self.parts[pid]._replace(units=units, lines=lines)
        for units, lines, park_id in batch.parked_lines:
            self.parked[park_id] = self.parked[park_id]._replace(units=units, lines=lines)
        for (park_id,) in batch.unparked:
            del self.parked[park_id]


class Table(NamedTuple):
    """A table to look at: what a row is called, its columns, those of its key, those that it is read by."""

    what: str
    name: str
    columns: tuple[str, ...]
    key: int  # so many columns, the first ones
    by_pos: bool = False  # read by arrival; else by its key, which the schema keeps unique

    def rows(self, ask: Ask) -> Iterator[Row]:
        """Every row, page by page."""
        by = ("pos",) if self.by_pos else self.columns[: self.key]
        chosen, marks = ", ".join((*by, *self.columns)), ", ".join("?" for _ in by)
        after: Key = ()
        while True:
            where = f"WHERE ({', '.join(by)}) > ({marks})" if after else ""
            page = ask(f"SELECT {chosen} FROM {self.name} {where} ORDER BY {', '.join(by)} LIMIT {PAGE}", after)  # noqa: S608
            yield from (row[len(by) :] for row in page)
            if len(page) < PAGE:
                return
            after = page[-1][: len(by)]


_ORDERS = Table("order", "orders", OrderRow._fields, 1)
_LINES = Table("line", "order_line", LineRow._fields, 2)
_PARTS = Table("fulfillment order", "part", PartRow._fields, 1)
_PARKED = Table("parked part", "parked", ParkedRow._fields, 1)
_EXCEPTIONS = Table("exception", "exception", ExceptionRow._fields, 1, by_pos=True)
_DOCUMENTS = Table("document", "document", DocumentRow._fields, 1, by_pos=True)
_OUTBOX = Table("outbox row", "outbox", OutboxRow._fields, 1, by_pos=True)
_DISPATCHES = Table("dispatch", "dispatch", DispatchRow._fields, 1, by_pos=True)
_ALIASES = Table("alias", "sku_alias", SkuAliasRow._fields, 1)
_PAYLOADS = Table("payload", "payload", ("remote_id", "person_id"), 1)
_COMMANDS = Table("command", "command", ("key", "seq"), 1)


def check_rows(ask: Ask, state: State, books: Books) -> Iterator[tuple[str, Found]]:
    """(what was checked, what is wrong) of each table."""
    yield "rows: what events write about orders and their parts is what the state holds", Found(_apart(state, books))
    for table, held in (
        (_ORDERS, books.orders),
        (_PARTS, books.parts),
        (_PARKED, books.parked),
        (_EXCEPTIONS, books.exceptions),
        (_DOCUMENTS, books.documents),
        (_DISPATCHES, books.dispatches),
        (_ALIASES, books.aliases),
    ):
        yield _same(ask, table, held)
    yield _lines(ask, state)
    yield _commands(ask, books)
    found = Found()
    queued = sum(1 for _ in _compare(ask, _OUTBOX, lambda row: books.outbox.get(row[0]), found))
    yield f"outbox table: each of {queued} rows is one that an event made", found
    yield _payloads(ask, state, books)
    yield _people(ask, state, books)
    if state.network is not None:
        yield _stock(ask, state)


def _apart(state: State, books: Books) -> Iterator[str]:
    """Where the rows that events write and the state they lead to part ways: then the engine is wrong, not the tables."""
    parts = rests = 0
    for order_id, held in state.orders.items():
        if (status := books.orders[order_id].status) != held.status():
            yield f"order {order_id}: status: its events write {status}, the state holds {held.status()}"
        for number, part in held.parts.items():
            row = books.parts.get(part_id(order_id, number))
            wanted = (part.status, part.units(), _pack(list(zip(part.lines, part.quantities, strict=True))))
            if row is None or (row.status, row.units, row.lines) != wanted:
                yield f"fulfillment order {order_id}/{number}: its events write other rows than the state holds"
        for number, rest in held.rests.items():
            waits = books.parked.get(rest_id(order_id, number))
            if waits is None or waits.lines != _pack(list(zip(rest.lines, rest.quantities, strict=True))):
                yield f"parked part {rest_id(order_id, number)}: its events write other rows than the state holds"
        parts, rests = parts + len(held.parts), rests + len(held.rests)
    if (parts, rests) != (len(books.parts), len(books.parked)):
        yield f"events leave {len(books.parts)} parts and {len(books.parked)} parked ones, the state {parts} and {rests}"


def _compare(ask: Ask, table: Table, expected: Callable[[Row], Row | None], found: Found) -> Iterator[Row]:
    """Holds each row against `expected` (None: there should be no such row); yields those that belong there."""
    seen: set[Key] = set()
    for row in table.rows(ask):
        key, want = row[: table.key], expected(row)
        name = f"{table.what} {' '.join(map(str, key))}"
        if want is None:
            found.add(f"{name}: the journal knows no such row")
            continue
        if row != want:
            for column, there, right in zip(table.columns, row, want, strict=True):
                if there != right:
                    found.add(f"{name}: {column}: the table says {_plain(there)}, the journal {_plain(right)}")
        if table.by_pos:
            if key in seen:
                found.add(f"{name}: its row is there twice")
                continue
            seen.add(key)
        yield row


def _all(
    ask: Ask, table: Table, expected: Callable[[Row], Row | None], wanted: Callable[[], Iterator[Key]], total: int
) -> tuple[str, Found]:
    """As `_compare`, and every wanted key must be there; who is missing is looked up only where somebody is."""
    found = Found()
    if sum(1 for _ in _compare(ask, table, expected, found)) < total:
        there = {row[: table.key] for row in table.rows(ask)}
        for key in wanted():
            if key not in there:
                found.add(f"{table.what} {' '.join(map(str, key))}: its row is missing")
    return f"{table.what} table: {total} rows equal the journal", found


def _same(ask: Ask, table: Table, held: dict[Any, Any]) -> tuple[str, Found]:
    return _all(ask, table, lambda row: held.get(row[0]), lambda: ((key,) for key in held), len(held))


def _lines(ask: Ask, state: State) -> tuple[str, Found]:
    orders = state.orders

    def expected(row: Row) -> Row | None:
        held = orders.get(row[0])
        if held is None or not 0 <= row[1] < len(held.order.lines):
            return None
        line = held.order.lines[row[1]]
        return row[0], row[1], line.key, line.sku, line.qty, line.unit_price_minor

    def wanted() -> Iterator[Key]:
        return ((key, i) for key, held in orders.items() for i in range(len(held.order.lines)))

    return _all(ask, _LINES, expected, wanted, sum(len(held.order.lines) for held in orders.values()))


def _commands(ask: Ask, books: Books) -> tuple[str, Found]:
    """A caller's own key is a second one of the same command: the journal has the first."""
    commands = books.commands
    begins = set(commands.values())
    found = Found()

    def expected(row: Row) -> Row | None:
        if row[0] in commands:
            return row[0], commands[row[0]]
        return row if row[0].startswith(SECOND_KEYS) and row[1] in begins else None

    there = {row[0] for row in _compare(ask, _COMMANDS, expected, found)}
    for key in commands:
        if key not in there:
            found.add(f"command {key}: its row is missing")
    return f"command table: {len(commands)} rows equal the journal", found


def _payloads(ask: Ask, state: State, books: Books) -> tuple[str, Found]:
    """The bytes of every dispatch are there until their person is erased, and none that nobody intended to send."""
    found = Found()
    there: dict[str, str] = {row[0]: row[1] for row in _PAYLOADS.rows(ask)}
    unknown = there.keys() - state.dispatches.keys() - books.masked_bytes.keys()
    if state.network is None:  # the proxy's own store: no engine, no journal of what it sent
        unknown = {name for name in unknown if "/" not in name}
    for remote_id in sorted(unknown):
        found.add(f"payload {remote_id}: the journal knows no such dispatch")
    for name, person_id in books.masked_bytes.items():
        held = there.get(name)
        forgotten = person_id in books.erased and (held is None or not held.strip("-"))
        if held != person_id and not forgotten:
            found.add(f"payload {name}: {'its row is missing' if held is None else 'is sealed for somebody else'}")
    for remote_id, d in state.dispatches.items():
        person_id = state.orders[d.order_id].order.person_id
        if there.get(remote_id, "") == person_id and remote_id in there:
            continue
        if remote_id in there and not there[remote_id].strip("-") and person_id in books.erased:
            continue  # its bytes were overwritten with the person's key
        if remote_id in there:
            found.add(f"payload {remote_id}: sealed for {there[remote_id] or 'nobody'}, its order names {person_id}")
        elif person_id not in books.erased and d.state not in CLOSED:
            found.add(f"payload {remote_id}: the bytes of an open dispatch are missing")
    return f"payload table: the bytes of {len(there)} dispatches belong to them", found


def _people(ask: Ask, state: State, books: Books) -> tuple[str, Found]:
    """Whoever an order names has a row until an event erases them, and none after."""
    found = Found()
    there = {row[0] for row in Table("person", "person", ("person_id",), 1, by_pos=True).rows(ask)}
    named: dict[str, str] = {}
    for order_id, held in state.orders.items():
        if held.order.person_id:
            named.setdefault(held.order.person_id, order_id)
    for person_id, order_id in named.items():
        if person_id not in there and person_id not in books.erased:
            found.add(f"person {person_id}: its row is missing; order {order_id} names it, no event erased it")
    for person_id, seq in books.masked_people.items():
        if person_id not in there and person_id not in books.erased:
            found.add(f"person {person_id}: its row is missing; journal row {seq} brought it, no event erased it")
    for person_id in sorted(there & books.erased.keys()):
        text = f"erased in journal row {books.erased[person_id]}: run the erasure again"
        found.add(f"person {person_id}: the table has its row, the journal says {text}")
    return f"person table: {len(named)} people of orders are there or erased by an event", found


def _stock(ask: Ask, state: State) -> tuple[str, Found]:
    found, expected = Found(), expected_stock(state)
    table = Table("stock row", "stock", ("node", "sku", "bucket", "qty"), 3)
    there: dict[Key, int] = {row[:3]: row[3] for row in table.rows(ask)}
    for key in sorted(there.keys() | expected.keys()):
        held, right = there.get(key, 0), expected.get(key, 0)
        if held != right:
            found.add(f"stock row {key}: qty: the table says {held}, the journal {right}")
        elif not right and not (key[0] in state.nodes and key[1] in state.skus):
            found.add(f"stock row {key}: the journal knows no such row")
    return f"stock table: {len(expected)} accounts equal the ledger", found


def _plain(value: object) -> object:
    """A packed column as what it means."""
    if not isinstance(value, bytes):
        return value
    try:
        return _unpack(value)
    except msgspec.DecodeError:
        return value.hex() if len(value) <= 32 else f"{len(value)} bytes {value[:16].hex()}..."
