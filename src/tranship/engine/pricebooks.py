"""The price books of a run, for people: which versions there were, when, why, and what they price highest."""

import msgspec
import numpy as np

from tranship.connectors.netfile import from_document
from tranship.core.errors import InputError
from tranship.core.network import NetworkFile
from tranship.core.time import day_to_date, from_micros
from tranship.engine import events as ev
from tranship.engine.shard import Shard, Submission
from tranship.engine.snapshots import HistoryLog, Solve, solve_now
from tranship.routing.prices.model import PriceBook, PriceMaking, decode
from tranship.routing.prices.snapshot import FEWEST_ORDERS
from tranship.store.port import Store

TOP = 10
"""Highest prices that are named."""


class StockPrice(msgspec.Struct, frozen=True):
    """What one unit of a SKU at a node is worth to orders still to come, in micros."""

    sku: str
    node: str
    micros: int


class DayPrice(msgspec.Struct, frozen=True):
    """What the work on one unit is worth at a node on a ship day, in micros."""

    node: str
    day: str
    micros: int


class RoomPrice(msgspec.Struct, frozen=True):
    """What room under a cap is worth, in micros per one of the measure: fulfillment order, unit or minor unit of value."""

    network: str
    measure: str
    micros: int


class BookNow(msgspec.Struct, frozen=True):
    """One version. `used` says whether it is the newest one, `until` the last day on which it may be used."""

    version: int
    seq: int
    at: str
    reason: str
    until: str
    network_version: int
    cells: int  # prices of stock above 0
    possible: int  # SKUs x nodes
    node_days: int
    highest: tuple[StockPrice, ...]
    highest_days: tuple[DayPrice, ...]
    room: tuple[RoomPrice, ...]
    making: PriceMaking
    sha256: str


def price_books(store: Store, last: int = 20) -> list[BookNow]:
    """The newest `last` price books of a run, newest first (0: all of them)."""
    sql = "SELECT seq, payload FROM journal WHERE kind IN ('network', 'prices') ORDER BY seq"
    networks: dict[str, tuple[int, str]] = {}
    found: list[tuple[int, ev.PricesSet]] = []
    for seq, payload in store.query(sql):
        event = ev.decode(bytes(payload)) if isinstance(payload, bytes) else None
        if isinstance(event, ev.NetworkLoaded):
            networks[event.sha256] = (event.version, event.sha256)
        elif isinstance(event, ev.PricesSet):
            found.append((int(str(seq)), event))
    documents: dict[str, NetworkFile] = {}
    out = []
    for seq, event in reversed(found[-last:] if last else found):
        if event.network not in documents:
            documents[event.network] = from_document(store.document(event.network))
        book = decode(store.document(event.sha256))
        out.append(_told(seq, event, book, documents[event.network], networks[event.network][0]))
    return out


def _told(seq: int, event: ev.PricesSet, book: PriceBook, network: NetworkFile, version: int) -> BookNow:
    cells, micros = np.frombuffer(book.cells, "<i8"), np.frombuffer(book.micros, "<i8")
    top = np.lexsort((cells, -micros))[:TOP]
    days = sorted(book.node_days, key=lambda row: (-row[2], row))[:TOP]
    measures = {cap.network: cap.measure for cap in network.caps}
    return BookNow(
        version=event.version,
        seq=seq,
        at=_time(event.at),
        reason=event.reason,
        until=day_to_date(book.until_day).isoformat(),
        network_version=version,
        cells=len(cells),
        possible=book.skus * book.nodes,
        node_days=len(book.node_days),
        highest=tuple(
            StockPrice(
                network.skus[int(cells[i]) // book.nodes].code,
                network.nodes[int(cells[i]) % book.nodes].code,
                int(micros[i]),
            )
            for i in top
        ),
        highest_days=tuple(
            DayPrice(network.nodes[node].code, day_to_date(day).isoformat(), price) for node, day, price in days
        ),
        room=tuple(RoomPrice(name, measures.get(name, ""), price) for name, price in book.caps),
        making=book.making,
        sha256=event.sha256,
    )


def solve_on(shard: Shard, solve: Solve | None = None) -> BookNow:
    """Make prices of a stopped run as it stands and journal them; the new book. InputError where there can be none yet."""
    state = shard.state
    network = state.require_network()
    if network.policy.prices != "on":
        raise InputError(
            "the network file switches prices off", where="prices", hint='[policy] prices = "on" makes them.'
        )
    if len(state.orders) < FEWEST_ORDERS:
        raise InputError(f"{len(state.orders)} own orders, prices need {FEWEST_ORDERS}", where="prices")
    at = state.last_at
    command = solve_now(state, HistoryLog(), at, "by hand", solve)
    assert command is not None, "both reasons for no prices were looked at"
    (answer,) = shard.submit([Submission(f"prices/by-hand/{state.price_version + 1}/{at}", command)])
    if answer.error is not None:
        raise answer.error
    return price_books(shard.store, 1)[0]


def _time(at: int) -> str:
    return from_micros(at).isoformat(timespec="seconds").replace("+00:00", "Z")
