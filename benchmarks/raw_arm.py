"""The raw arm of the intake benchmark: the statements of a durable order through APSW alone, no engine above it.

N clients put an order on a queue and wait; one writer thread takes what is waiting (at most 500), builds the rows of each
order (order, 2 lines, 1 part, 4 stock moves, 1 outbox row, 2 events, 1 key), commits them in one synced transaction and
answers. Whatever the engine adds to this (decoding, deciding, the chain, checks) is the difference between the two arms.

    python -m benchmarks.raw_arm --clients 256 --seconds 5 --json
"""

import argparse
import asyncio
import json
import queue
import random
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

PAYLOAD, CHAIN, REPLY, EFFECT = bytes(180), bytes(32), bytes(80), bytes(60)
PART_LINES = b"\x92\x92\x00\x01\x92\x01\x02"
FROM, TO = int(Bucket.FULFILLABLE), int(Bucket.RESERVED)

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
        orders, lines, parts, journal, outbox, keys = [], [], [], [], [], []
        stock: dict[tuple[str, str, int], int] = {}
        seq, draw = self.seq, self.chance.random
        for number in numbers:
            order_id, name, node = self.order_id(number), str(number), f"N{int(draw() * self.nodes)}"
            placed_at, part_id = 1_700_000_000_000_000 + number, order_id + "-1"
            orders.append(
                (
                    order_id,
                    "bench",
                    name,
                    "web",
                    placed_at,
                    "",
                    "94110",
                    "CA",
                    "US",
                    2,
                    3,
                    4500,
                    "USD",
                    20_000,
                    "placed",
                )
            )
            for line in (0, 1):
                sku = f"SKU{int(draw() * self.skus):05d}"
                lines.append((order_id, line, str(line), sku, 1 + line, 1500))
                stock[node, sku, FROM] = stock.get((node, sku, FROM), 0) - 1 - line
                stock[node, sku, TO] = stock.get((node, sku, TO), 0) + 1 + line
            parts.append(
                (part_id, order_id, node, "mcf", placed_at, 20_000, 20_004, 0, 3, 8_450_000, "placed", PART_LINES)
            )
            key = "bench:" + name
            journal.append((seq + 1, key, 0, "accepted", placed_at, PAYLOAD, CHAIN))
            journal.append((seq + 2, key, 1, "placed", placed_at, PAYLOAD, CHAIN))
            seq += 2
            outbox.append((f"{seq}-0", seq, "dispatch", EFFECT))
            keys.append((key, CHAIN[:16], seq, REPLY))
        self._write(seq, [(say.KEY, keys), (say.JOURNAL, journal), (say.ORDER, orders), (say.LINE, lines), (say.PART, parts),
                          (say.OUTBOX, outbox)], stock)  # fmt: skip
        self.written += len(numbers)

    def _write(
        self, seq: int, tables: list[tuple[str, list[tuple[object, ...]]]], stock: dict[tuple[str, str, int], int]
    ) -> None:
        cursor = self.db.cursor()
        cursor.execute(say.BEGIN)
        cursor.execute(say.ADVANCE, (seq, CHAIN, 1, self.seq))
        for sql, rows in tables:
            cursor.executemany(sql, rows)  # type: ignore[arg-type]
        cursor.executemany(say.STOCK_IN, [(*account, delta) for account, delta in stock.items() if delta >= 0])
        cursor.executemany(say.STOCK_OUT, [(*account, delta) for account, delta in stock.items() if delta < 0])
        cursor.execute(say.COMMIT)
        self.seq = seq


async def _clients(writer: RawWriter, clients: int, seconds: float) -> float:
    loop = asyncio.get_running_loop()
    waiting: queue.SimpleQueue[Waiting | None] = queue.SimpleQueue()
    number, end = 0, time.perf_counter() + seconds

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
    return writer.written / elapsed


def run(clients: int, seconds: float, folder: Path, *, order_id: Callable[[int], str] = ordered_id) -> float:
    """Durable orders a second with so many waiting clients, in the new or empty folder `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    db = prepared(folder)
    try:
        return asyncio.run(_clients(RawWriter(db, order_id), clients, seconds))
    finally:
        db.close()


def main() -> None:
    """One figure for each number of clients."""
    parser = argparse.ArgumentParser(description="durable orders a second without an engine")
    parser.add_argument("--clients", type=int, nargs="*", default=[1, 16, 256, 1000])
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--ids", choices=("ordered", "scattered"), default="ordered")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    order_id = ordered_id if chosen.ids == "ordered" else scattered_id
    figures = {}
    for clients in chosen.clients:
        with tempfile.TemporaryDirectory(dir=".") as folder:
            figures[clients] = round(run(clients, chosen.seconds, Path(folder), order_id=order_id))
        if not chosen.json:
            print(f"{clients:5d} clients: {figures[clients]:7d} durable orders/s ({ROWS}, {chosen.ids} ids)")
    if chosen.json:
        print(json.dumps({"arm": "raw", "rows": ROWS, "ids": chosen.ids, "orders_per_s": figures}))


if __name__ == "__main__":
    main()
