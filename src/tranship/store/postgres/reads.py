"""What can be asked of a shard on PostgreSQL, on a connection of its own or inside one snapshot."""

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from tranship.core.errors import DamageError, UnavailableError
from tranship.store.location import Database
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
from tranship.store.postgres.arrays import texts
from tranship.store.postgres.connect import connect, driver, rows, translate, translated
from tranship.store.reads import IDLE_READERS, JOURNAL_PAGE, TOKEN, in_sequence

if TYPE_CHECKING:
    import psycopg

    Connection = psycopg.Connection[tuple[Any, ...]]
else:
    Connection = Any

T = TypeVar("T")

STREAM_ROWS = 5_000
"""Rows that a stream fetches at a time."""


class Readers:
    """Read-only connections to one shard, for any number of threads."""

    def __init__(self, place: Database) -> None:
        self.place = place
        self._idle: deque[Connection] = deque()
        self._closed = False

    @contextmanager
    def one(self) -> Iterator[Connection]:
        """A connection for this block alone; a broken one is not used again, errors come out as the house's."""
        try:
            db = self._idle.pop()
        except IndexError:
            db = connect(self.place, read_only=True)
        try:
            yield db
        except driver().Error as error:
            raise translate(error, self.place) from error
        finally:
            if self._closed or db.broken or len(self._idle) >= IDLE_READERS:
                db.close()
            else:
                self._idle.append(db)

    def ask(self, question: Callable[[Connection], T]) -> T:
        """The answer to one question, asked on a new connection where the idle ones turn out to be broken."""
        while self._idle:
            used: Connection | None = None
            try:
                with self.one() as used:
                    return question(used)
            except UnavailableError:
                if used is None or not used.broken:
                    raise
        with self.one() as db:
            return question(db)

    def close(self) -> None:
        """Close what is idle now and what comes back later."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()


class Snapshot:
    """The shard as it was at one moment, however much is written meanwhile. Keep it short: the server keeps old rows for it."""

    def __init__(self, db: Connection, place: Database) -> None:
        self._db, self._place = db, place

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """Rows of a read-only statement; parameters are marked `?`."""
        with translated(self._place):
            return rows(self._db, sql, parameters)

    def stream(self, sql: str) -> Iterator[tuple[Any, ...]]:
        """Rows of a statement a few thousand at a time, however many there are."""
        with translated(self._place), self._db.cursor("stream", withhold=False) as cursor:
            cursor.itersize = STREAM_ROWS
            cursor.execute(sql.encode(), binary=True)
            yield from cursor

    def journal(self, after: int = 0) -> Iterator[JournalRow]:
        """Journal rows after a seq; DamageError naming the first that is missing."""
        expected = after + 1
        while page := journal_page(self._db, expected - 1, self._place):
            yield from in_sequence(page, expected)
            expected += len(page)

    def pages(self, *, full: bool = True) -> list[str]:  # noqa: ARG002 - the port's signature
        """Nothing: a page that is damaged is told by the server's own checksums when it is read."""
        return []


def journal_page(db: Connection, after: int, place: Database) -> list[JournalRow]:
    """The next rows after a seq, at most JOURNAL_PAGE."""
    sql = "SELECT seq, key, n, kind, at, payload, chain FROM journal WHERE seq > ? ORDER BY seq LIMIT ?"
    with translated(place):
        return list(map(JournalRow._make, rows(db, sql, (after, JOURNAL_PAGE))))


def left_at(db: Connection) -> tuple[int, bytes]:
    """Where the last commit left the journal, kept apart from it."""
    found = rows(db, "SELECT seq, chain FROM meta")
    if not found:
        raise DamageError("the row that says where the journal ends is missing: restore a backup")
    return int(found[0][0]), bytes(found[0][1])


def last_seq(db: Connection) -> tuple[int, bytes]:
    """The newest journal row's seq and chain."""
    found = rows(db, "SELECT seq, chain FROM journal ORDER BY seq DESC LIMIT 1")
    return (int(found[0][0]), bytes(found[0][1])) if found else (0, b"")


def find_keys(db: Connection, keys: Sequence[str]) -> dict[str, KeyRow]:
    """What was carried out under these keys."""
    if not keys:
        return {}
    sql = "SELECT key, fingerprint, seq, reply FROM command WHERE key = ANY(?::text[])"
    return {row[0]: KeyRow._make(row) for row in rows(db, sql, (texts("command", "key", keys),))}


def document(db: Connection, sha256: str) -> bytes:
    """A document's body, checked against its hash."""
    found = rows(db, "SELECT body FROM document WHERE sha256 = ?", (sha256,))
    if not found:
        raise DamageError(f"document {sha256} is missing: decisions that name it cannot be read without it")
    body = bytes(found[0][0])
    if hashlib.sha256(body).hexdigest() != sha256:
        raise DamageError(f"document {sha256} has changed: its content has another hash")
    return body


def find_person(db: Connection, blind: bytes) -> str | None:
    """The person with this blind index."""
    found = rows(db, "SELECT person_id FROM person WHERE blind = ? AND blind <> ''::bytea", (blind,))
    return str(found[0][0]) if found else None


def person(db: Connection, person_id: str) -> PersonRow | None:
    """A person's sealed row."""
    sql = "SELECT person_id, blind, wrapped_key, sealed FROM person WHERE person_id = ?"
    found = rows(db, sql, (person_id,))
    return PersonRow._make(found[0]) if found else None


def payload(db: Connection, remote_id: str) -> PayloadRow | None:
    """A dispatch's sealed bytes."""
    found = rows(db, "SELECT remote_id, person_id, sealed FROM payload WHERE remote_id = ?", (remote_id,))
    return PayloadRow._make(found[0]) if found else None


def address(db: Connection, order_id: str) -> AddressRow | None:
    """An order's own sealed address."""
    found = rows(db, "SELECT order_id, person_id, sealed FROM address WHERE order_id = ?", (order_id,))
    return AddressRow._make(found[0]) if found else None


def households(db: Connection, blind: bytes) -> list[HouseholdRow]:
    """The people at one address."""
    found = rows(db, "SELECT household_id, person_id, blind FROM household WHERE blind = ? ORDER BY pos", (blind,))
    return list(map(HouseholdRow._make, found))


def token(db: Connection, network: str, name: str) -> TokenRow | None:
    """A network's token."""
    found = rows(db, f"{TOKEN} WHERE token = ? AND network = ? AND state <> 'gone'", (name, network))
    return TokenRow._make(found[0]) if found else None


def tokens_of(db: Connection, network: str, scope: str) -> list[TokenRow]:
    """The live tokens of a network within a scope."""
    sql = f"{TOKEN} WHERE scope = ? AND network = ? AND state = 'live' ORDER BY pos"
    return list(map(TokenRow._make, rows(db, sql, (scope, network))))


def find_token(db: Connection, network: str, kind: str, scope: str, blind: bytes) -> TokenRow | None:
    """The live token with this blind index."""
    sql = f"{TOKEN} WHERE scope = ? AND blind = ? AND state = 'live' AND network = ? AND kind = ?"
    found = rows(db, sql, (scope, blind, network, kind))
    return TokenRow._make(found[0]) if found else None


def tokens(db: Connection, after: int, limit: int) -> list[tuple[int, TokenRow]]:
    """The next tokens after a place."""
    sql = TOKEN.replace("SELECT ", "SELECT pos, ", 1) + " WHERE pos > ? AND state <> 'gone' ORDER BY pos LIMIT ?"
    return [(int(row[0]), TokenRow._make(row[1:])) for row in rows(db, sql, (after, limit))]


def masking_keys(db: Connection) -> list[MaskingKeyRow]:
    """All masking keys."""
    sql = "SELECT key_id, network, kind, purpose, wrapped, kek_id, created_at, state FROM masking_key ORDER BY pos"
    return list(map(MaskingKeyRow._make, rows(db, sql)))


def audit_page(db: Connection, after: int) -> list[AuditRow]:
    """The next audit rows after a seq, at most JOURNAL_PAGE."""
    sql = "SELECT * FROM audit WHERE seq > ? ORDER BY seq LIMIT ?"
    return list(map(AuditRow._make, rows(db, sql, (after, JOURNAL_PAGE))))


def audit_left_at(db: Connection) -> tuple[int, bytes]:
    """Where the last commit left the audit, kept apart from it."""
    (seq, chain) = rows(db, "SELECT audit_seq, audit_chain FROM meta")[0]
    return int(seq), bytes(chain)


def unsent(db: Connection, limit: int) -> list[OutboxRow]:
    """The oldest outbox rows."""
    return list(
        map(OutboxRow._make, rows(db, "SELECT id, seq, topic, payload FROM outbox ORDER BY pos LIMIT ?", (limit,)))
    )
