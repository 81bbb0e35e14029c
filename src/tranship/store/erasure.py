"""Erasing people so that no file of the folder keeps them (scope and steps: docs/erasure.md).

Deleting is not enough: the WAL keeps old pages until it is truncated, and a page that was rearranged earlier can carry a
stale copy of a row in its slack. So: delete (zeros over the cell), truncate the WAL, look at the bytes of the table's pages,
and where anything is found, or too much is sought, write the table and its indexes anew.
"""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import apsw

from tranship.core.errors import DamageError, UnavailableError
from tranship.store import statements as say
from tranship.store.connect import rows

PIECE = 16
"""Bytes of a mark that are looked for: a copy that was half overwritten counts as found."""

MARKS_SOUGHT = 30
"""Up to so many marks (three a person) pages are searched; beyond, writing anew (8 us a person) is the cheaper way to be sure."""

INDEXES = ("token_token", "token_place", "household_blind")
"""Indexes over what is zeros once a person is erased."""
INDEXED_SOUGHT = 100
"""The same for them: a token has two marks."""

SEALED = ("payload", "address", "token", "household")
"""Tables whose rows are sealed under a person's key, and go with it.

Theirs are overwritten with zeros where they lie, byte for byte of the same length, and marked as forgotten: to delete a row is to
make room on its page, and what SQLite then moves together leaves pieces of the neighbors in the gaps, which would outlive their
own erasure. Nothing of it could be opened without the key, but nothing of it is the promise.
"""
FORGOTTEN = "person_id >= '-' AND person_id < '.'"
"""Which rows those are: the person is a row of dashes."""


class Marks:
    """What must be found nowhere: bytes of people's rows, and bytes that indexes of other tables held of theirs."""

    def __init__(self) -> None:
        self.people: list[bytes] = []
        self.indexed: list[bytes] = []
        self.unknown = False  # whether indexes held something that can no longer be told, so that they are written anew

    @property
    def many(self) -> bool:
        """Whether to look for all of it takes longer than to write the person table anew."""
        return len(self.people) > MARKS_SOUGHT


def delete(db: apsw.Connection, person_ids: Iterable[str], marks: Marks) -> int:
    """Inside a transaction: delete the rows, add what must be found nowhere to `marks`, mark the erasure as unfinished."""
    gone = 0
    for person_id in person_ids:
        sql = "DELETE FROM person WHERE person_id = ? RETURNING blind, wrapped_key, sealed"
        for row in rows(db, sql, (person_id,)):
            gone += 1
            marks.people.extend(bytes(value) for value in row if value)
        if person_id:
            _zero(db, person_id, marks)
    if gone or marks.indexed:
        # More than 1: an earlier erasure was interrupted, so there is more to look for than these marks.
        db.execute("UPDATE meta SET scrub = min(scrub + 1, 3)")
    return gone


def _zero(db: apsw.Connection, person_id: str, marks: Marks) -> None:
    """Zeros over what was sealed for a person, where it lies."""
    for token, blind, state in rows(db, "SELECT token, blind, state FROM token WHERE person_id = ?", (person_id,)):
        marks.indexed += [token.encode(), bytes(blind)]
        marks.unknown |= state == "over"  # its blind index was taken out before, and is zeros by now
    for (blind,) in rows(db, "SELECT blind FROM household WHERE person_id = ?", (person_id,)):
        marks.indexed.append(bytes(blind))
    db.execute(say.ERASED, (person_id,))
    forgotten = "person_id = printf('%.*c', length(person_id), '-')"
    db.execute(f"UPDATE household SET {forgotten}, blind = zeroblob(length(blind)) WHERE person_id = ?", (person_id,))  # noqa: S608 - from above
    for table in ("payload", "address"):
        sql = f"UPDATE {table} SET {forgotten}, sealed = zeroblob(length(sealed)) WHERE person_id = ?"  # noqa: S608 - names from above
        db.execute(sql, (person_id,))


def finish(db: apsw.Connection, path: Path, marks: Marks | None = None) -> None:
    """Drive what was deleted out of every file. Without marks (after a crash or a busy reader) all is written anew.

    Raises UnavailableError where a reader keeps the WAL alive; the mark stays and the same call finishes later.
    """
    unfinished = rows(db, "SELECT scrub FROM meta")[0][0]
    if not unfinished:
        return
    if unfinished > 1:
        rewrite(db, "masking_key")  # it may have been keys that were to be destroyed
    told = marks if marks is not None and unfinished == 1 else None
    truncate_wal(db, path)
    _finish_people(db, path, told)
    _finish_indexes(db, path, told)
    if told is None or told.many:
        for table in SEALED:
            if _mostly_forgotten(db, table):
                rewrite(db, table, f"WHERE NOT ({FORGOTTEN})")
                truncate_wal(db, path)
    db.execute("UPDATE meta SET scrub = 0")


def _finish_people(db: apsw.Connection, path: Path, marks: Marks | None) -> None:
    sought = marks.people if marks is not None and not marks.many else None
    if sought is None or found(db, sought):
        rewrite(db)
        truncate_wal(db, path)
        if sought is not None and found(db, sought):
            raise DamageError(f"{path}: erased data is still in the file after its table was written anew")


def _finish_indexes(db: apsw.Connection, path: Path, marks: Marks | None) -> None:
    """What moved together on the pages of an index keeps pieces of what was taken out: looked for, or written anew from the rows."""
    sought = marks.indexed if marks is not None and not marks.unknown and len(marks.indexed) <= INDEXED_SOUGHT else None
    if sought is None or found(db, sought, INDEXES):
        for name in INDEXES:
            db.execute(f"REINDEX {name}")
        truncate_wal(db, path)


def destroy_keys(db: apsw.Connection, key_ids: Iterable[str]) -> int:
    """Inside a transaction: zeros over masking keys, the erasure marked as unfinished; how many keys there were."""
    gone = 0
    for key_id in key_ids:
        db.execute(say.KEY_DESTROYED, (key_id,))
        gone += db.changes()
    if gone:
        db.execute("REINDEX token_place")  # a rotation moved all of it, and what it was before is no longer known
        db.execute("UPDATE meta SET scrub = 2 + (scrub > 0)")
    return gone


def finish_keys(db: apsw.Connection, path: Path) -> None:
    """Drive destroyed masking keys out of every file: their table is a small one, and is written anew."""
    unfinished = rows(db, "SELECT scrub FROM meta")[0][0]
    if not unfinished:
        return
    rewrite(db, "masking_key")
    truncate_wal(db, path)
    if unfinished == 2:
        db.execute("UPDATE meta SET scrub = 0")
    else:
        finish(db, path)  # people's, left over from before


def _mostly_forgotten(db: apsw.Connection, table: str) -> bool:
    """Whether a third of the rows are zeros: then their room is worth writing the table anew."""
    gone = rows(db, f"SELECT count(*) FROM {table} WHERE {FORGOTTEN}")[0][0]  # noqa: S608 - names from above
    return bool(gone) and 3 * int(gone) > int(rows(db, f"SELECT count(*) FROM {table}")[0][0])  # noqa: S608


def truncate_wal(db: apsw.Connection, path: Path) -> None:
    """Move the WAL into the database and cut it to nothing; waits for readers as long as the busy timeout."""
    try:
        db.wal_checkpoint("main", apsw.SQLITE_CHECKPOINT_TRUNCATE)
    except (apsw.BusyError, apsw.LockedError) as error:
        raise UnavailableError(
            f"{path}: erased in the database; the WAL still holds the old pages because someone is reading."
            " Close readers (reports, backups) and run the erasure again"
        ) from error


def found(db: apsw.Connection, marks: Iterable[bytes], names: Sequence[str] = ()) -> bool:
    """Whether a piece of any mark is in the pages of these indexes; of the person table and its indexes where none are named."""
    pieces = {mark[at : at + PIECE] for mark in marks for at in range(0, max(1, len(mark) - PIECE + 1), PIECE)}
    pieces.discard(b"")
    size = db.pragma("page_size")
    assert isinstance(size, int)
    if not names:
        sql = "SELECT name FROM sqlite_schema WHERE tbl_name = 'person' AND type = 'index'"
        names = ["person", *(row[0] for row in db.execute(sql))]
    for name in names if pieces else ():
        for (number,) in db.execute("SELECT pageno FROM dbstat WHERE name = ?", (name,)):
            # Read through SQLite: opening the file here and closing it would drop this process's locks on it (POSIX).
            page = db.read("main", 0, (number - 1) * size, size)[1]
            if any(piece in page for piece in pieces):
                return True
    return False


def rewrite(db: apsw.Connection, name: str = "person", where: str = "") -> None:
    """Copy a table into new pages and zero the old ones, in one transaction; with `where` only the rows that it holds for."""
    parts = rows(db, "SELECT type, name, sql FROM sqlite_schema WHERE tbl_name = ? AND sql IS NOT NULL", (name,))
    table = next(sql for kind, _, sql in parts if kind == "table")
    with db:
        db.execute(re.sub(rf'^CREATE TABLE "?{name}"?', f"CREATE TABLE {name}_anew", table))
        db.execute(f"INSERT INTO {name}_anew SELECT * FROM {name} {where} ORDER BY pos")  # noqa: S608 - names of this house
        db.execute(f"DROP TABLE {name}")
        db.execute(f"ALTER TABLE {name}_anew RENAME TO {name}")
        for kind, _, sql in parts:
            if kind == "index":
                db.execute(sql)
