"""A writer made to be killed: commits batch after batch and says so on standard output only after each commit returned."""

import os
import sys
from pathlib import Path

from tests.store import rows
from tranship.store.sqlite import SqliteStore


def main() -> None:
    """Arguments: folder, orders a batch. Each line written is `last journal row of the batch`."""
    folder, size = Path(sys.argv[1]), int(sys.argv[2])
    store = SqliteStore.open(folder, create=True)
    if store.last_seq()[0] == 0:
        store.commit(rows.opening(1_000_000))
    seq = store.last_seq()[0]
    os.write(1, b"%d\n" % seq)
    while True:
        store.commit(rows.orders((seq - 1) // rows.EVENTS, size, seq=seq))
        seq += rows.EVENTS * size
        os.write(1, b"%d\n" % seq)


if __name__ == "__main__":
    main()
