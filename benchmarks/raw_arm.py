"""The raw arm of the intake benchmark: the statements of a durable order through APSW alone, no engine above it.

N clients put an order on a queue and wait; one writer thread takes what is waiting (at most 500), builds the rows of each
order (order, 2 lines, 1 part, 4 stock moves, 1 outbox row, 2 events, 1 key), commits them in one synced transaction and
answers. Whatever the engine adds to this (decoding, deciding, the chain, checks) is the difference between the two arms.

    python -m benchmarks.raw_arm --clients 256 --seconds 5 --json
    python -m benchmarks.raw_arm --batches 1 16 256 500 --filled 100000 --ids scattered
"""

import argparse
import asyncio
import json
import queue
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import apsw

from tranship.core.ids import keyed_id
from tranship.core.ledger import Bucket
from tranship.store import connect
from tranship.store import statements as say

BATCH_MAX = 500
SKUS = 1_000
NODES = 4
ROWS = "order + 2 lines + 1 part + 4 stock + 1 outbox + 2 journal + 1 key"

# As many bytes as the engine writes for the orders of benchmarks.intake: two events, chain, answer and effect.
ACCEPTED, ROUTED, CHAIN, REPLY, EFFECT = bytes(242), bytes(163), bytes(16), bytes(220), bytes(16)
ORDER_REST = ("94110", "CA", "US", 2, 3, 4500, "USD", 20_000, "placed")
PART_REST = (20_000, 20_004, 0, 3, 8_450_000, "placed", b"\x92\x92\x00\x01\x92\x01\x02")
INSERTS = (say.KEY, say.JOURNAL, say.ORDER, say.LINE, say.PART, say.OUTBOX)
FROM, TO = int(Bucket.FULFILLABLE), int(Bucket.RESERVED)

Rows = list[tuple[object, ...]]
Waiting = tuple[int, asyncio.Future[None]]


def ordered_id(number: int) -> str:
    """An id that grows with the number: new rows go to the end of each tree."""
    return f"{number:08d}" + keyed_id(b"bench", str(number), size=8)


def scattered_id(number: int) -> str:
    """An id in no order: each new row goes to a page of its own. Three times the work for the database."""
    return keyed_id(b"bench", str(number))


def prepared(folder: Path, *, skus: int = SKUS, nodes: int = NODES) -> apsw.Connection:
    """A new database with the house's schema and settings, and stock enough for any run."""
    db = connect.connect_writer(folder / connect.DB_NAME)
    connect.migrate(db, connect.migrations(), 0)
    with db:
        db.execute("INSERT INTO meta VALUES (1, 'bench', 0, 1, 0, x'', x'', 0)")
        accounts = (
            (f"N{n}", f"SKU{s:05d}", b, 10**12 * (b == FROM))
            for n in range(nodes)
            for s in range(skus)
            for b in (FROM, TO)
        )
        db.executemany(say.STOCK_IN, accounts)
    return db


@dataclass
class RawWriter:
    """Writes batches of orders. `seq` is the newest journal row, `written` counts orders."""

    db: apsw.Connection
    order_id: Callable[[int], str] = ordered_id
    skus: int = SKUS
    nodes: int = NODES
    seq: int = 0
    written: int = 0
    chance: random.Random = field(default_factory=lambda: random.Random(7))

    def commit(self, numbers: list[int]) -> None:
        """The rows of these orders in one transaction, synced."""
        orders, lines, parts, journal, outbox, keys = (Rows() for _ in range(6))
        stock: dict[tuple[str, str, int], int] = {}
        seq, draw = self.seq, self.chance.random
        for number in numbers:
            order_id, name, node = self.order_id(number), str(number), f"N{int(draw() * self.nodes)}"
            placed_at = 1_700_000_000_000_000 + number
            orders.append((order_id, "bench", name, "web", placed_at, "", *ORDER_REST))
            for line in (0, 1):
                sku = f"SKU{int(draw() * self.skus):05d}"
                lines.append((order_id, line, str(line), sku, 1 + line, 1500))
                stock[node, sku, FROM] = stock.get((node, sku, FROM), 0) - 1 - line
                stock[node, sku, TO] = stock.get((node, sku, TO), 0) + 1 + line
            parts.append((order_id + "-1", order_id, node, "mcf", placed_at, *PART_REST))
            key = "order/bench/" + name
            journal.append((seq + 1, key, 0, "accepted", placed_at, ACCEPTED, CHAIN))
            journal.append((seq + 2, key, 1, "routed", placed_at, ROUTED, CHAIN))
            seq += 2
            outbox.append((f"{seq}-0", seq, "dispatch", EFFECT))
            keys.append((key, CHAIN, seq, REPLY))
        tables = list(zip(INSERTS, (keys, journal, orders, lines, parts, outbox), strict=True))
        self._write(seq, tables, stock)
        self.written += len(numbers)

    def _write(self, seq: int, tables: list[tuple[str, Rows]], stock: dict[tuple[str, str, int], int]) -> None:
        cursor = self.db.cursor()
        cursor.execute(say.BEGIN)
        cursor.execute(say.ADVANCE, (seq, CHAIN, 1, self.seq))
        for sql, rows in tables:
            cursor.executemany(sql, rows)
        cursor.executemany(say.STOCK_IN, [(*account, delta) for account, delta in stock.items() if delta >= 0])
        cursor.executemany(say.STOCK_OUT, [(*account, delta) for account, delta in stock.items() if delta < 0])
        cursor.execute(say.COMMIT)
        self.seq = seq


async def _clients(writer: RawWriter, clients: int, seconds: float) -> float:
    loop = asyncio.get_running_loop()
    waiting: queue.SimpleQueue[Waiting | None] = queue.SimpleQueue()
    before = number = writer.written
    end = time.perf_counter() + seconds

    def answer(batch: list[Waiting]) -> None:
        for _, answered in batch:
            answered.set_result(None)

    def write() -> None:
        while (first := waiting.get()) is not None:
            batch = [first]
            while len(batch) < BATCH_MAX and not waiting.empty() and (more := waiting.get()) is not None:
                batch.append(more)
            writer.commit([number for number, _ in batch])
            loop.call_soon_threadsafe(answer, batch)

    async def client() -> None:
        nonlocal number
        while time.perf_counter() < end:
            number += 1
            answered: asyncio.Future[None] = loop.create_future()
            waiting.put((number, answered))
            await answered

    thread = threading.Thread(target=write, name="raw writer")
    thread.start()
    begun = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    elapsed = time.perf_counter() - begun
    waiting.put(None)
    thread.join()
    return (writer.written - before) / elapsed


def filled_writer(folder: Path, order_id: Callable[[int], str], filled: int) -> RawWriter:
    """A writer on a new database that has `filled` orders already: the deeper the trees, the dearer a row in no order."""
    folder.mkdir(parents=True, exist_ok=True)
    writer = RawWriter(prepared(folder), order_id)
    for first in range(1, filled, BATCH_MAX):
        writer.commit(list(range(first, min(first + BATCH_MAX, filled + 1))))
    return writer


def run(
    clients: int, seconds: float, folder: Path, *, order_id: Callable[[int], str] = ordered_id, filled: int = 0
) -> float:
    """Durable orders a second with so many waiting clients, in the new or empty folder `folder`."""
    writer = filled_writer(folder, order_id, filled)
    try:
        return asyncio.run(_clients(writer, clients, seconds))
    finally:
        writer.db.close()


def cost(
    size: int, seconds: float, folder: Path, *, order_id: Callable[[int], str] = ordered_id, filled: int = 0
) -> float:
    """Microseconds an order in batches of `size`, written one after another without clients (median of the batches)."""
    writer = filled_writer(folder, order_id, filled)
    took, end = [], time.perf_counter() + seconds
    try:
        while (begun := time.perf_counter()) < end:
            writer.commit(list(range(writer.written + 1, writer.written + 1 + size)))
            took.append(time.perf_counter() - begun)
        return statistics.median(took) / size * 1e6
    finally:
        writer.db.close()


def main() -> None:
    """One figure for each number of clients, or for each size of batch."""
    parser = argparse.ArgumentParser(description="durable orders a second without an engine")
    parser.add_argument("--clients", type=int, nargs="*", default=[1, 16, 256, 1000])
    parser.add_argument("--batches", type=int, nargs="*", help="sizes: microseconds an order without clients instead")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--filled", type=int, default=0, help="orders written before the clock starts")
    parser.add_argument("--ids", choices=("ordered", "scattered"), default="ordered")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    order_id = ordered_id if chosen.ids == "ordered" else scattered_id
    measure, unit = (cost, "us_per_order") if chosen.batches else (run, "orders_per_s")
    figures = {}
    for size in chosen.batches or chosen.clients:
        with tempfile.TemporaryDirectory(dir=".") as folder:  # on the disk of the checkout, not in memory
            figures[size] = round(
                measure(size, chosen.seconds, Path(folder), order_id=order_id, filled=chosen.filled), 1
            )
    told = {"arm": "raw", "rows": ROWS, "ids": chosen.ids, "filled": chosen.filled, unit: figures}
    if chosen.json:
        print(json.dumps(told))
    else:
        print("\n".join(f"{size:5d}: {figure:10,.1f} {unit}" for size, figure in figures.items()))


if __name__ == "__main__":
    main()
