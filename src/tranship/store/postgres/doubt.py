"""COMMIT was said and no answer came: it took place or it did not, and the caller is told which.

Whoever asks waits for the row that every batch changes, so that a transaction still on its way has ended, one way or the other,
before it is looked for. Not reaching the server for `DOUBT_S` is an answer too: nobody knows.
"""

import threading
import time
from typing import NamedTuple

from tranship.core.errors import UnavailableError
from tranship.store.location import Database
from tranship.store.port import Batch
from tranship.store.postgres import lease
from tranship.store.postgres.connect import connect, rows, translated
from tranship.store.postgres.reads import Connection

DOUBT_S = 30.0
"""How long the server is looked for before the caller hears that nobody knows."""
ASK_AGAIN_S = 0.2
"""Pause between two attempts to reach it."""


class Settled(NamedTuple):
    """`committed`: None where nobody could be asked. `db`: a new connection that holds the lease; None where it is lost."""

    committed: bool | None
    db: Connection | None
    reason: str = ""


def settle(place: Database, epoch: int, mark: bytes, batch: Batch, ended: threading.Event) -> Settled:
    """Find out about the batch that was marked with `mark`; `ended` stops the asking early."""
    until = time.monotonic() + DOUBT_S
    while True:
        try:
            return _asked(place, epoch, mark, batch)
        except UnavailableError as error:
            if time.monotonic() >= until or ended.wait(ASK_AGAIN_S):
                return Settled(None, None, str(error))


def _asked(place: Database, epoch: int, mark: bytes, batch: Batch) -> Settled:
    db = connect(place)
    mine = False
    try:
        with translated(place), db.transaction():
            (last,) = rows(db, "SELECT batch FROM meta FOR UPDATE")
            committed = bytes(last[0]) == mark
            if not committed and batch.journal:  # another writer may have committed since: the journal remembers ours
                row = batch.journal[-1]
                sql = "SELECT 1 FROM journal WHERE seq = ? AND chain = ? AND key = ?"
                committed = bool(rows(db, sql, (row.seq, row.chain, row.key)))
            mine = lease.resume(db, epoch)
        return Settled(committed, db if mine else None)
    finally:
        if not mine:
            db.close()
