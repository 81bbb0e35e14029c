"""Wiring of a run: one shard, in a folder (SQLite) or on a server (PostgreSQL), and its key file.

The place where adapters are chosen.
"""

from collections.abc import Callable
from pathlib import Path

from tranship.core.errors import InputError
from tranship.engine.shard import Ids, RecordedIds, Shard
from tranship.store.location import database
from tranship.store.people import People
from tranship.store.port import TableStore
from tranship.store.postgres.store import PostgresStore
from tranship.store.sqlite import SqliteStore


def open_shard(
    folder: Path, *, create: bool = False, ids: Ids | None = None, progress: Callable[[int], None] | None = None
) -> Shard:
    """Open the run in `folder` for writing (made where `create`), rebuilt from its journal."""
    store = open_store(folder, create=create)
    try:
        return Shard(store, People.open(store, folder, create=create), ids or RecordedIds(), progress=progress)
    except BaseException:
        store.close()
        raise


def open_store(folder: Path, *, create: bool = False, read_only: bool = False) -> TableStore:
    """The store of a run: of a folder, or of `postgresql://USER@HOST/DATABASE?shard=NAME`. InputError where there is none."""
    place = database(folder)
    if place is not None:
        return PostgresStore.open(place, create=create, read_only=read_only)
    if not create and not folder.is_dir():
        raise InputError("no run here", where=str(folder), hint="`tranship replay FILE --run DIR` makes one.")
    return SqliteStore.open(folder, create=create, read_only=read_only)
