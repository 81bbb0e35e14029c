"""What can be asked of a run's database: the same questions on a fresh connection or inside one snapshot."""

import hashlib
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import apsw

from tranship.core.errors import DamageError
from tranship.store.connect import connect_reader, rows, translate, translated
from tranship.store.port import (
    AddressRow,
    AuditRow,
    HouseholdRow,
    JournalRow,
    KeyRow,
    MaskingKeyRow,
    OutboxRow,
    PayloadRow,
    PersonRow,
    TokenRow,
)

JOURNAL_PAGE = 4_096
"""Journal rows read at a time: between pages no reader stands in the way of a checkpoint."""
KEYS_AT_ONCE = 512
"""Keys that one statement looks for."""
IDLE_READERS = 4
"""Connections kept for the next question; more are opened when needed and closed after."""


class Readers:
    """Read connections of one database, for any number of threads."""

    def __init__(self, path: Path, vfs: str | None = None) -> None:
        self.path = path
        self._vfs = vfs
        self._idle: deque[apsw.Connection] = deque()
        self._closed = False

    @contextmanager
    def one(self) -> Iterator[apsw.Connection]:
        """A connection for this block alone; SQLite's errors come out as the house's."""
        try:
            db = self._idle.pop()
        except IndexError:
            with translated(str(self.path)):
                db = connect_reader(self.path, self._vfs)
        try:
            yield db
        except apsw.Error as error:
            raise translate(error, str(self.path)) from error
        finally:
            if self._closed or len(self._idle) >= IDLE_READERS:
                db.close()
            else:
                self._idle.append(db)

    def close(self) -> None:
        """Close what is idle now and what comes back later."""
        self._closed = True
        while self._idle:
            with suppress(
                apsw.Error
            ):  # a disk that fails now takes nothing from a reader; the writer's lock must still be given back
                self._idle.pop().close()


class Snapshot:
    """The run as it was at one moment, however much is written meanwhile. Keep it short: the WAL grows as long as it lives."""

    def __init__(self, db: apsw.Connection, where: str) -> None:
        self._db, self._where = db, where

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """Rows of a read-only statement."""
        with translated(self._where):
            return rows(self._db, sql, parameters)

    def pages(self, *, full: bool = True) -> list[str]:
        """What SQLite finds wrong with the file: nothing, or texts; `full` compares every index with its table, at twice the time."""
        try:
            found = self.query("PRAGMA integrity_check(20)" if full else "PRAGMA quick_check(20)")
        except DamageError as error:
            return [str(error)]
        return [str(row[0]) for row in found if row != ("ok",)]

    def journal(self, after: int = 0) -> Iterator[JournalRow]:
        """Journal rows after a seq; DamageError naming the first that is missing or unreadable."""
        expected = after + 1
        while page := journal_page(self._db, expected - 1, self._where):
            yield from in_sequence(page, expected)
            expected += len(page)


def journal_page(db: apsw.Connection, after: int, where: str) -> list[JournalRow]:
    """The next rows after a seq, at most JOURNAL_PAGE."""
    page: list[JournalRow] = []
    try:
        sql = "SELECT seq, key, n, kind, at, payload, chain FROM journal WHERE seq > ? ORDER BY seq LIMIT ?"
        page.extend(map(JournalRow._make, db.execute(sql, (after, JOURNAL_PAGE))))
    except (apsw.CorruptError, apsw.NotADBError) as error:
        bad = page[-1].seq + 1 if page else after + 1
        raise DamageError(f"{where}: journal row {bad} cannot be read: {error}") from error
    except apsw.Error as error:
        raise translate(error, where) from error
    return page


def in_sequence(page: Sequence[JournalRow], expected: int) -> Sequence[JournalRow]:
    """The rows, checked to be without a gap; DamageError naming the first missing one."""
    for seq, row in enumerate(page, expected):
        if row.seq != seq:
            raise DamageError(f"journal row {seq} is missing: the next one is {row.seq}")
    return page


def last_seq(db: apsw.Connection) -> tuple[int, bytes]:
    """The newest journal row's seq and chain."""
    found = rows(db, "SELECT seq, chain FROM journal ORDER BY seq DESC LIMIT 1")
    return (int(found[0][0]), bytes(found[0][1])) if found else (0, b"")


def left_at(db: apsw.Connection) -> tuple[int, bytes]:
    """The same as the last commit left it, kept apart from the journal: what a journal that lost its end is known by."""
    found = rows(db, "SELECT seq, chain FROM meta")
    if not found:
        raise DamageError("the row that says where the journal ends is missing: restore a backup")
    return int(found[0][0]), bytes(found[0][1])


def find_keys(db: apsw.Connection, keys: Sequence[str]) -> dict[str, KeyRow]:
    """What was carried out under these keys."""
    found: dict[str, KeyRow] = {}
    for start in range(0, len(keys), KEYS_AT_ONCE):
        some = list(keys[start : start + KEYS_AT_ONCE])
        room = 1 << (len(some) - 1).bit_length()  # few lengths, so that the statements stay prepared
        sql = f"SELECT key, fingerprint, seq, reply FROM command WHERE key IN (?{',?' * (room - 1)})"  # noqa: S608 - marks only
        for row in db.execute(sql, some + some[-1:] * (room - len(some))):
            found[row[0]] = KeyRow._make(row)
    return found


def document(db: apsw.Connection, sha256: str) -> bytes:
    """A document's body, checked against its hash."""
    found = rows(db, "SELECT body FROM document WHERE sha256 = ?", (sha256,))
    if not found:
        raise DamageError(f"document {sha256} is missing: decisions that name it cannot be read without it")
    body = bytes(found[0][0])
    if hashlib.sha256(body).hexdigest() != sha256:
        raise DamageError(f"document {sha256} has changed: its content has another hash")
    return body


def find_person(db: apsw.Connection, blind: bytes) -> str | None:
    """The person with this blind index."""
    sql = (
        "SELECT person_id FROM person WHERE blind = ? AND blind <> x''"  # the second half lets it use the partial index
    )
    found = rows(db, sql, (blind,))
    return str(found[0][0]) if found else None


def person(db: apsw.Connection, person_id: str) -> PersonRow | None:
    """A person's sealed row."""
    sql = "SELECT person_id, blind, wrapped_key, sealed FROM person WHERE person_id = ?"
    found = rows(db, sql, (person_id,))
    return PersonRow._make(found[0]) if found else None


GONE = "AND NOT (person_id >= '-' AND person_id < '.')"
"""Not what was sealed for somebody who was erased since: store/erasure.py."""


def payload(db: apsw.Connection, remote_id: str) -> PayloadRow | None:
    """A dispatch's sealed bytes."""
    found = rows(db, f"SELECT remote_id, person_id, sealed FROM payload WHERE remote_id = ? {GONE}", (remote_id,))  # noqa: S608 - from above
    return PayloadRow._make(found[0]) if found else None


def address(db: apsw.Connection, order_id: str) -> AddressRow | None:
    """An order's own sealed address."""
    found = rows(db, f"SELECT order_id, person_id, sealed FROM address WHERE order_id = ? {GONE}", (order_id,))  # noqa: S608 - from above
    return AddressRow._make(found[0]) if found else None


TOKEN = "SELECT token, network, kind, scope, person_id, blind, sealed, key_id, created_at, expires_at, state FROM token"  # noqa: S105 - a statement


def token(db: apsw.Connection, network: str, name: str) -> TokenRow | None:
    """A network's token."""
    found = rows(db, f"{TOKEN} WHERE token = ? AND network = ? AND state <> 'gone'", (name, network))
    return TokenRow._make(found[0]) if found else None


def tokens_of(db: apsw.Connection, network: str, scope: str) -> list[TokenRow]:
    """The live tokens of a network within a scope."""
    sql = f"{TOKEN} WHERE scope = ? AND network = ? AND state = 'live' ORDER BY pos"
    return list(map(TokenRow._make, rows(db, sql, (scope, network))))


def find_token(db: apsw.Connection, network: str, kind: str, scope: str, blind: bytes) -> TokenRow | None:
    """The live token with this blind index."""
    sql = f"{TOKEN} WHERE scope = ? AND blind = ? AND state = 'live' AND network = ? AND kind = ?"
    found = rows(db, sql, (scope, blind, network, kind))
    return TokenRow._make(found[0]) if found else None


def tokens(db: apsw.Connection, after: int, limit: int) -> list[tuple[int, TokenRow]]:
    """The next tokens after a place."""
    sql = TOKEN.replace("SELECT ", "SELECT pos, ", 1) + " WHERE pos > ? AND state <> 'gone' ORDER BY pos LIMIT ?"
    return [(int(row[0]), TokenRow._make(row[1:])) for row in rows(db, sql, (after, limit))]


def masking_keys(db: apsw.Connection) -> list[MaskingKeyRow]:
    """All masking keys."""
    sql = "SELECT key_id, network, kind, purpose, wrapped, kek_id, created_at, state FROM masking_key ORDER BY pos"
    return list(map(MaskingKeyRow._make, rows(db, sql)))


def audit_page(db: apsw.Connection, after: int) -> list[AuditRow]:
    """The next audit rows after a seq, at most JOURNAL_PAGE."""
    sql = "SELECT * FROM audit WHERE seq > ? ORDER BY seq LIMIT ?"
    return list(map(AuditRow._make, rows(db, sql, (after, JOURNAL_PAGE))))


def audit_left_at(db: apsw.Connection) -> tuple[int, bytes]:
    """Where the last commit left the audit, kept apart from it."""
    (seq, chain) = rows(db, "SELECT audit_seq, audit_chain FROM meta")[0]
    return int(seq), bytes(chain)


def households(db: apsw.Connection, blind: bytes) -> list[HouseholdRow]:
    """The people at one address."""
    sql = f"SELECT household_id, person_id, blind FROM household WHERE blind = ? {GONE} ORDER BY pos"  # noqa: S608 - from above
    return list(map(HouseholdRow._make, rows(db, sql, (blind,))))


def unsent(db: apsw.Connection, limit: int) -> list[OutboxRow]:
    """The oldest outbox rows."""
    sql = "SELECT id, seq, topic, payload FROM outbox ORDER BY pos LIMIT ?"
    return list(map(OutboxRow._make, db.execute(sql, (limit,))))
