"""A price book: one version of all opportunity prices, as it lies beside the journal, and its arrays as decisions read them.

A price is what the orders still to come would pay for one more of something: a unit of a SKU at a node, a unit of a node's work on a
day, one more of a share cap's measure. Decisions add it to the cost, so that what is scarce goes where it is worth most.
Money is micros; days are day numbers.
"""

import msgspec
import numpy as np
from numpy.typing import NDArray

from tranship.core.errors import InputError

Ints = NDArray[np.int64]
MOST_MICROS = 1_000_000_000_000
"""Highest price taken (a million dollars): above, a book is damaged, not dear."""


class PriceMaking(msgspec.Struct, frozen=True):
    """How a book came about, for people and for the record."""

    reason: str  # schedule | stock | node | cap | network | by hand
    futures: int = 0
    passes: int = 0
    seed: int = 0
    orders_seen: int = 0  # of the brand's own orders, what the forecast was made from
    orders_ahead: int = 0  # expected until `until_day`
    tested_bp: int = 0  # basis points of cost saved against no prices on futures it was not made from
    note: str = ""


class PriceBook(msgspec.Struct, frozen=True):
    """The document of one version. Cells not named have price 0; positions are those of the network document `network`."""

    network: str  # sha256 of the network document whose positions these are
    made_at: int  # time of the state it was made from
    until_day: int  # the futures end here: from the day after on the book is not used
    skus: int
    nodes: int
    cells: bytes = b""  # int64 little endian: sku * nodes + node, ascending
    micros: bytes = b""  # int64 little endian: price of a unit there, > 0
    node_days: tuple[tuple[int, int, int], ...] = ()  # (node, ship day, micros per unit)
    caps: tuple[tuple[str, int], ...] = ()  # (network, micros per one of the cap's measure: entry, unit or minor unit)
    making: PriceMaking = PriceMaking("by hand")


class PriceTables:
    """A book in force. `stock[s, n]`: micros a unit; `node_days[n, day]`: micros a unit shipped that day; `caps[network]`."""

    __slots__ = (
        "any_days",
        "caps",
        "highest",
        "made_at",
        "node_days",
        "paid",
        "priced",
        "stock",
        "until_day",
        "version",
    )

    def __init__(self, book: PriceBook, version: int, skus: int, nodes: int) -> None:
        cells, micros = _pairs(book)
        if book.skus > skus or book.nodes > nodes:
            raise InputError(
                f"prices for {book.skus} SKUs and {book.nodes} nodes, found {skus} and {nodes}", where="prices"
            )
        self.version, self.made_at, self.until_day = version, book.made_at, book.until_day
        self.stock = np.zeros((skus, nodes), np.int64)
        self.stock[cells // book.nodes, cells % book.nodes] = micros
        self.node_days = {(node, day): price for node, day, price in book.node_days}
        self.any_days = bool(self.node_days)
        # False: its stock and day prices saved nothing in rehearsal (one that was not rehearsed is taken at its word)
        self.paid = book.making.tested_bp > 0 or not book.making.futures
        self.caps = dict(book.caps)
        # per SKU: whether a unit of it has a price anywhere
        self.priced: list[bool] = (self.stock.max(axis=1, initial=0) > 0).tolist()
        days = max(self.node_days.values(), default=0)
        self.highest = (int(micros.max()) if micros.size else 0) + days  # no unit is charged more, bundles apart


def encode(book: PriceBook) -> bytes:
    """The document's bytes: the same book gives the same bytes."""
    return msgspec.msgpack.encode(book)


def decode(document: bytes) -> PriceBook:
    """Read a document; InputError where it is no price book or holds a price that cannot be one."""
    try:
        book = msgspec.msgpack.decode(document, type=PriceBook)
    except msgspec.MsgspecError as error:
        raise InputError(f"not a price book: {error}", where="prices") from error
    _pairs(book)
    named = [price for _, _, price in book.node_days] + [price for _, price in book.caps]
    if any(not 0 <= price <= MOST_MICROS for price in named):
        raise InputError(f"a price below 0 or above {MOST_MICROS} micros", where="prices")
    if any(not 0 <= node < book.nodes for node, _, _ in book.node_days):
        raise InputError("a node-day names a node that the book does not cover", where="prices")
    return book


def book_of(
    network: str, made_at: int, until_day: int, stock: Ints, node_days: dict[tuple[int, int], int],
    caps: dict[str, int], making: PriceMaking,
) -> PriceBook:  # fmt: skip
    """A book of dense arrays: `stock[S, N]` micros a unit, `node_days[node, day]`, `caps[network]`; zeros are left out."""
    flat = np.ascontiguousarray(stock, "<i8").reshape(-1)
    cells = np.flatnonzero(flat)
    return PriceBook(
        network, made_at, until_day, stock.shape[0], stock.shape[1], cells.astype("<i8").tobytes(), flat[cells].tobytes(),
        tuple(sorted((n, d, p) for (n, d), p in node_days.items() if p)),
        tuple(sorted((name, p) for name, p in caps.items() if p)), making,
    )  # fmt: skip


def _pairs(book: PriceBook) -> tuple[Ints, Ints]:
    if len(book.cells) != len(book.micros) or len(book.cells) % 8 or book.skus < 0 or book.nodes < 0:
        raise InputError("cells and prices do not pair", where="prices")
    cells, micros = np.frombuffer(book.cells, "<i8"), np.frombuffer(book.micros, "<i8")
    if cells.size and (cells[0] < 0 or cells[-1] >= book.skus * book.nodes or int(np.diff(cells).min(initial=1)) <= 0):
        raise InputError("cells are not ascending positions inside the book", where="prices")
    if micros.size and (micros.min() <= 0 or micros.max() > MOST_MICROS):
        raise InputError(f"a stock price is not between 1 and {MOST_MICROS} micros", where="prices")
    return cells.astype(np.int64), micros.astype(np.int64)
