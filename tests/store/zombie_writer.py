"""A writer made to be paused and replaced: commits until it is refused, says so, and takes its turn again when it is told to.

Lines on standard output: `epoch N` when it holds the shard, `ok SEQ` after each commit, `refused TEXT` when one was refused.
A line on standard input lets it open the shard again. The kind of its journal rows is its epoch.
"""

import os
import sys

from tests.store import rows
from tranship.core.errors import TranshipError
from tranship.store.location import database
from tranship.store.port import Batch
from tranship.store.postgres.store import PostgresStore


def tagged(store: PostgresStore, size: int, seq: int) -> Batch:
    """Orders whose events say under which epoch they were written; `seq` is where this writer left the journal."""
    batch = rows.orders((seq - 1) // rows.EVENTS, size, seq=seq)
    name = f"epoch-{store.epoch}"
    batch.journal = [row._replace(kind=name, chain=f"{name} {row.seq}".encode()) for row in batch.journal]
    return batch


def tell(text: str) -> None:
    """One line, at once."""
    os.write(1, f"{text}\n".encode())


def main() -> None:
    """Argument: the shard's address."""
    place = database(sys.argv[1])
    assert place is not None
    while sys.stdin.readline():
        with PostgresStore.open(place, create=False) as store:
            tell(f"epoch {store.epoch}")
            seq = store.last_seq()[0]
            try:
                while True:
                    store.commit(tagged(store, 3, seq))
                    seq += 3 * rows.EVENTS
                    tell(f"ok {seq}")
            except TranshipError as error:
                tell(f"refused {type(error).__name__} {store.still_mine()} {error}")


if __name__ == "__main__":
    main()
