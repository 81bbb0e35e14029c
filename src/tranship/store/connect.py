"""Connections to SQLite with the house's settings, its errors in our words, its schema in versions."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote

import apsw

from tranship.core.errors import (
    ConflictError,
    DamageError,
    InputError,
    InvariantError,
    TranshipError,
    UnavailableError,
)
from tranship.store.files import sync_folder

DB_NAME = "tranship.db"
APPLICATION_ID = 0x54524E53  # "TRNS": tells a run's database from any other SQLite file

BUSY_MS = 5_000
"""How long a statement waits for another process's lock before it says so."""
CACHE_KIB = 64 * 1024
"""Page cache of the writer; a reader has a quarter of it."""
CHECKPOINT_PAGES = 4_000
"""WAL pages (4 KiB) after which a commit also moves them to the database: 16 MB, some 20 ms once in ten batches of 500."""
TIDY_PAGES = 1_000
"""The same for whoever moves them beside the commits (`Store.tidy`): well before a commit has to."""

_SETTINGS = (
    "PRAGMA synchronous = FULL",  # WAL is synced before a commit returns
    "PRAGMA fullfsync = ON",  # only macOS looks at it: there fsync alone does not reach the disk
    "PRAGMA checkpoint_fullfsync = ON",
    "PRAGMA foreign_keys = OFF",  # store/check.py looks for orphans; the hot path does not pay for it
    "PRAGMA temp_store = MEMORY",  # no temporary file can keep what an erasure removed
    "PRAGMA trusted_schema = OFF",
)


def migrations() -> list[str]:
    """The schema, one script per version, oldest first; script i makes version i + 1 out of version i."""
    folder = resources.files("tranship.store") / "schema"
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".sql"))
    return [(folder / name).read_text(encoding="utf-8") for name in names]


def translate(error: apsw.Error, where: str) -> TranshipError:
    """The house's error for one of SQLite's."""
    text = f"{where}: {error}"
    if isinstance(error, apsw.ConstraintError):
        used_before = any(name in str(error) for name in ("command.key", "orders.order_id", "orders.number"))
        return ConflictError(text) if used_before else InvariantError(text)
    if isinstance(error, (apsw.CorruptError, apsw.NotADBError)):
        return DamageError(text)
    if isinstance(error, apsw.FullError):
        return UnavailableError(f"{text}: nothing of this was written; make room, then try again")
    if isinstance(error, (apsw.BindingsError, apsw.SQLError, apsw.MismatchError, apsw.RangeError)):
        return InvariantError(text)
    return UnavailableError(text)


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Turns SQLite's errors inside the block into the house's."""
    try:
        yield
    except apsw.Error as error:
        raise translate(error, where) from error


def rows(db: apsw.Connection, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """All rows of one statement."""
    return db.execute(sql, tuple(parameters)).fetchall()


def connect_reader(path: Path, vfs: str | None = None) -> apsw.Connection:
    """A connection that cannot write, beside a writer or alone, also on a read-only disk."""
    try:
        return _reader(str(path), apsw.SQLITE_OPEN_READONLY, vfs)
    except apsw.CantOpenError:
        if not path.is_file() or path.with_name(path.name + "-wal").exists():
            raise
        # WAL wants a helper file beside the database; where none can be made nobody writes either.
        uri = f"file:{quote(str(path.resolve()))}?immutable=1"
        return _reader(uri, apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI, vfs)


def _reader(name: str, flags: int, vfs: str | None) -> apsw.Connection:
    db = apsw.Connection(name, flags=flags, vfs=vfs)
    db.set_busy_timeout(BUSY_MS)
    for pragma in (*_SETTINGS, f"PRAGMA cache_size = -{CACHE_KIB // 4}", "PRAGMA query_only = ON"):
        db.execute(pragma)
    db.execute("SELECT count(*) FROM sqlite_schema").fetchall()  # opens the files now, not at the first question
    return db


def connect_writer(path: Path, vfs: str | None = None) -> apsw.Connection:
    """The writer's connection. The caller holds the folder's lock."""
    db = apsw.Connection(str(path), vfs=vfs)
    db.set_busy_timeout(BUSY_MS)
    db.execute("PRAGMA secure_delete = ON")  # deleted content is overwritten with zeros
    mode = rows(db, "PRAGMA journal_mode = WAL")[0][0]
    if mode != "wal":
        raise UnavailableError(f"{path}: this file system cannot hold a write-ahead log (journal mode {mode})")
    for pragma in _SETTINGS:
        db.execute(pragma)
    db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    db.wal_autocheckpoint(CHECKPOINT_PAGES)
    return db


def schema_version(db: apsw.Connection, path: Path) -> int:
    """The schema's version. InputError where the file is not a run's, or newer than this program; DamageError where it is empty."""
    application, version = db.pragma("application_id"), db.pragma("user_version")
    tables = rows(db, "SELECT count(*) FROM sqlite_schema")[0][0]
    if application != APPLICATION_ID and (tables or application or version):
        raise InputError("is not a database of Tranship", where=str(path))
    assert isinstance(version, int)
    if not (tables and version):
        raise _emptied(path)
    known = len(migrations())
    if version > known:
        raise InputError(
            f"has schema version {version}, this program knows versions up to {known}",
            where=str(path),
            hint="It was written by a newer Tranship: use that one, or a newer one",
        )
    return version


def check_file(path: Path) -> None:
    """Before SQLite sees the files: DamageError where the database is empty or gone beside a log that it would throw away.

    A run is never half made (see `make`), so an empty file is one that lost its content.
    """
    if path.exists():
        if path.stat().st_size == 0:
            raise _emptied(path)
        return
    log = path.with_name(path.name + "-wal")
    if log.exists() and log.stat().st_size:
        raise DamageError(f"{path} is missing beside its log {log.name}: bring it back, or restore a backup")


def _emptied(path: Path) -> DamageError:
    return DamageError(
        f"{path} is empty, the run that was in it is gone: restore a backup (delete the file to begin a new run)"
    )


def make(path: Path, party: str) -> None:
    """A new run's database with nothing in it. It is there whole or not at all: written beside its place, synced, renamed."""
    db = apsw.Connection(":memory:")
    try:
        migrate(db, migrations(), 0)
        db.execute("INSERT INTO meta VALUES (1, ?, ?, 0, 0, x'', x'', 0, 0, x'')", (party, time.time_ns() // 1000))
        image = bytearray(db.serialize("main"))
    finally:
        db.close()
    image[18:20] = b"\2\2"  # its journal mode is WAL from the first byte on (SQLite file format, 1.3.3)
    draft = path.with_name(path.name + ".new")
    try:
        with draft.open("wb") as file:
            file.write(image)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        sync_folder(path.parent)  # a folder that is forgotten in a power cut forgets its files
        sync_folder(path.parent.absolute().parent)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise UnavailableError(f"{path} cannot be written: {error.strerror}") from error


def migrate(db: apsw.Connection, scripts: list[str], version: int) -> None:
    """Brings the schema from `version` to the last script's, in one transaction."""
    if version == len(scripts):
        return
    with db:
        db.pragma("application_id", APPLICATION_ID)
        for script in scripts[version:]:
            db.execute(script)
        db.pragma("user_version", len(scripts))
