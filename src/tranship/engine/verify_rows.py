"""The tables that people and programs read, held against the state that the journal gives: every row, every column that follows."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec

from tranship.engine.rows import part_id, rest_id
from tranship.engine.state import OrderState, RestKey, State
from tranship.store.port import ExceptionRow, Store

PAGE = 20_000
"""Rows read at once."""
SHOWN = 5
"""Rows named per table."""
SECOND_KEYS = "request/"
"""Beginning of the keys that callers choose (see engine/live.py)."""

Key = tuple[object, ...]
Row = tuple[object, ...]

_unpack = msgspec.msgpack.Decoder(list[tuple[int, int]]).decode


class Table(NamedTuple):
    """A table to look at: what a row is called, its columns (those of its key first), where its keys begin."""

    what: str
    name: str
    columns: tuple[str, ...]
    first: Key

    def pages(self, store: Store) -> Iterator[Row]:
        """Every row, page by page."""
        keys = ", ".join(self.columns[: len(self.first)])
        marks = ", ".join("?" for _ in self.first)
        sql = (
            f"SELECT {', '.join(self.columns)} FROM {self.name} WHERE ({keys}) > ({marks}) ORDER BY {keys} LIMIT {PAGE}"  # noqa: S608
        )
        after: Key = self.first
        while page := store.query(sql, after):
            yield from page
            after = page[-1][: len(self.first)]


def check_rows(
    store: Store, state: State, commands: Mapping[str, int], exceptions: Iterable[ExceptionRow]
) -> Iterator[tuple[str, list[str]]]:
    """(what was checked, what is wrong) of each table. `commands`: key -> its first journal row."""
    orders = state.orders
    yield _compare(store, _ORDERS, lambda row: _order(orders.get(str(row[0]))), lambda: ((key,) for key in orders))
    yield _compare(store, _LINES, lambda row: _line(orders.get(str(row[0])), row[1]), lambda: _line_keys(orders))
    parts = {part_id(key, n): (key, n) for key, held in orders.items() for n in held.parts}
    yield _compare(store, _PARTS, lambda row: _part(state, parts.get(str(row[0]))), lambda: ((key,) for key in parts))
    rests = {rest_id(key, n): (key, n) for key, held in orders.items() for n in held.rests}
    yield _compare(store, _PARKED, lambda row: _rest(state, rests.get(str(row[0]))), lambda: ((key,) for key in rests))
    noted = {row.seq: row[1:] for row in exceptions}
    yield _compare(store, _EXCEPTIONS, lambda row: noted.get(_int(row[0])), lambda: ((seq,) for seq in noted))
    begins = set(commands.values())

    def command(row: Row) -> Row | None:
        """A caller's own key is a second one of the same command: the journal has the first."""
        second = str(row[0]).startswith(SECOND_KEYS) and row[1] in begins
        return (row[1],) if second else (commands[str(row[0])],) if row[0] in commands else None

    yield _compare(store, _COMMANDS, command, lambda: ((key,) for key in commands))


_ORDERS = Table(
    "order",
    "orders",
    (
        *("order_id", "source", "number", "channel", "placed_at", "person_id", "zip", "state", "country"),
        *("lines", "units", "value_minor", "currency", "deliver_by", "status"),
    ),
    ("",),
)
_LINES = Table("line", "order_line", ("order_id", "line", "key", "sku", "qty", "unit_price_minor"), ("", -1))
_PARTS = Table(
    "fulfillment order",
    "part",
    ("part_id", "order_id", "node", "ship_day", "deliver_day", "late", "units", "cost", "status", "lines"),
    ("",),
)
_PARKED = Table(
    "parked part", "parked", ("park_id", "order_id", "reason", "since", "until_day", "units", "lines"), ("",)
)
_EXCEPTIONS = Table("exception", "exception", ("seq", "at", "kind", "subject", "detail"), (-1,))
_COMMANDS = Table("command", "command", ("key", "seq"), ("",))

Expected = Callable[[Row], Row | None]
"""What the columns behind the key of a row should be; None where there should be no such row."""


def _compare(
    store: Store, table: Table, expected: Expected, wanted: Callable[[], Iterable[Key]]
) -> tuple[str, list[str]]:
    width, found, wrong = len(table.first), 0, []
    for row in table.pages(store):
        name, want = _named(row[:width]), expected(row)
        if want is None:
            wrong.append(f"{table.what} {name}: the journal knows no such row")
            continue
        found += 1
        for column, there, right in zip(table.columns[width:], row[width:], want, strict=True):
            if _plain(there) != right:
                wrong.append(f"{table.what} {name}: {column}: the table says {_plain(there)}, the journal {right}")
    total = sum(1 for _ in wanted())
    if found < total:
        there = {row[:width] for row in table.pages(store)}
        wrong += [f"{table.what} {_named(key)}: its row is missing" for key in wanted() if key not in there]
    more = [f"{table.what} table: {len(wrong) - SHOWN:,} more"] if len(wrong) > SHOWN else []
    return f"{table.what} table: {total} rows equal the journal", [*wrong[:SHOWN], *more]


def _order(held: OrderState | None) -> Row | None:
    if held is None:
        return None
    order, to = held.order, held.order.to
    units = sum(line.qty for line in order.lines)
    return (
        *(order.source, order.number, order.channel, order.placed_at, order.person_id, to.zip, to.state, to.country),
        *(len(order.lines), units, order.value_minor, order.currency, held.promise_day, held.status()),
    )


def _line(held: OrderState | None, position: object) -> Row | None:
    if held is None or not 0 <= _int(position) < len(held.order.lines):
        return None
    line = held.order.lines[_int(position)]
    return line.key, line.sku, line.qty, line.unit_price_minor


def _line_keys(orders: Mapping[str, OrderState]) -> Iterator[Key]:
    return ((key, i) for key, held in orders.items() for i in range(len(held.order.lines)))


def _part(state: State, key: RestKey | None) -> Row | None:
    if key is None:
        return None
    part = state.orders[key[0]].parts[key[1]]
    lines = list(zip(part.lines, part.quantities, strict=True))
    node = state.require_network().nodes[part.node].code
    return (
        *(key[0], node, part.ship_day, part.deliver_day, int(part.late)),
        *(part.units(), part.cost, part.status, lines),
    )


def _rest(state: State, key: RestKey | None) -> Row | None:
    if key is None:
        return None
    rest = state.orders[key[0]].rests[key[1]]
    lines = list(zip(rest.lines, rest.quantities, strict=True))
    return key[0], rest.reason, rest.since, rest.until_day, sum(rest.quantities), lines


def _int(value: object) -> int:
    assert isinstance(value, int)
    return value


def _named(key: Key) -> str:
    return " ".join(str(part) for part in key)


def _plain(value: object) -> object:
    """A packed column as what it means."""
    return _unpack(value) if isinstance(value, bytes) else value
