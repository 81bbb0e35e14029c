"""Whole runs from one kind of database to the other, table by table: a backup of a shard is a folder, and a folder becomes a shard.

Both kinds have the same tables with the same columns. What only a server needs (the lease) is made anew there.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import apsw

from tranship.core.errors import InputError
from tranship.store import connect, erasure
from tranship.store.location import Database
from tranship.store.postgres import connect as server
from tranship.store.postgres import make
from tranship.store.postgres.arrays import Table
from tranship.store.postgres.reads import Connection
from tranship.store.postgres.store import PostgresStore

ROWS_AT_ONCE = 2_000
"""Rows read and written in one piece."""
_META = ("party", "created", "epoch", "seq", "chain", "key_id", "audit_seq", "audit_chain")
_TYPES = {"TEXT": "text", "INTEGER": "bigint", "BLOB": "bytea"}

Progress = Callable[[float], None]


def tables(db: apsw.Connection) -> list[Table]:
    """The tables of a run except `meta`, as an SQLite database says."""
    names = connect.rows(db, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'meta' ORDER BY name")
    found = []
    for (name,) in names:
        columns = connect.rows(db, "SELECT name, type FROM pragma_table_info(?) ORDER BY cid", (name,))
        found.append(Table(name, tuple(row[0] for row in columns), tuple(_TYPES[row[1]] for row in columns)))
    return found


def to_folder(place: Database, folder: Path, progress: Progress) -> None:
    """Write the shard, as it is at one moment, into the database of a new run in the existing folder `folder`."""
    path = folder / connect.DB_NAME
    with PostgresStore.open(place, create=False, read_only=True) as store, store.snapshot() as moment:
        connect.make(path, "")
        with connect.translated(str(path)):
            db = connect.connect_writer(path)
            try:
                with db:
                    chosen = tables(db)
                    for done, table in enumerate(chosen):
                        marks = ", ".join("?" for _ in table.columns)
                        names = ", ".join(table.columns)
                        rows = moment.stream(f"SELECT {names} FROM {table.name}")  # noqa: S608 - names of this house
                        db.executemany(f"INSERT INTO {table.name} ({names}) VALUES ({marks})", rows)  # noqa: S608
                        progress((done + 1) / (len(chosen) + 1))
                    (meta,) = moment.query(f"SELECT {', '.join(_META)} FROM meta")  # noqa: S608
                    db.execute(f"UPDATE meta SET {', '.join(f'{name} = ?' for name in _META)}", meta)  # noqa: S608
                db.wal_checkpoint("main", apsw.SQLITE_CHECKPOINT_TRUNCATE)
            finally:
                db.close()
    progress(1.0)


def to_server(folder: Path, place: Database) -> None:
    """Make a new shard from the run in `folder`, in one transaction. InputError where the shard is there already."""
    with connect.translated(str(folder)):
        source = connect.connect_reader(folder / connect.DB_NAME)
    db = server.connect(place)
    try:
        server.check_durable(db, place)
        with server.translated(place), connect.translated(str(folder)), db.transaction():
            if make.there(db, place):
                raise InputError("holds something already", where=place.shown, hint="Name a shard that is new")
            make.prepare(db, place, "", create=True)
            for table in tables(source):
                names = ", ".join(table.columns)
                kept = f" WHERE NOT ({erasure.FORGOTTEN})" if table.name in erasure.SEALED else ""
                rows = iter(source.execute(f"SELECT {names} FROM {table.name}{kept}"))  # noqa: S608 - names of this house
                for piece in _pieces(rows):
                    db.execute(table.insert.encode(), table.packed(piece))
                if table.columns[0] == "pos":
                    _continue_counting(db, table.name)
            (meta,) = connect.rows(source, f"SELECT {', '.join(_META)} FROM meta")  # noqa: S608
            server.rows(db, f"UPDATE meta SET {', '.join(f'{name} = ?' for name in _META)} RETURNING 1", meta)  # noqa: S608
    finally:
        db.close()
        source.close()


def _pieces(rows: Iterator[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    while piece := list(islice(rows, ROWS_AT_ONCE)):
        yield piece


def _continue_counting(db: Connection, name: str) -> None:
    last = f"SELECT setval(pg_get_serial_sequence('{name}', 'pos'), coalesce(max(pos), 0) + 1, false) FROM {name}"  # noqa: S608
    server.rows(db, last)
