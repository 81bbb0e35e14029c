"""The embedded store: one folder, one SQLite file, one writer.

Durable means: WAL and `synchronous = FULL`, so a commit has been synced to disk when `commit` returns. A commit that raises
left nothing behind that this process, or a later one, would take for an acknowledged batch.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Self

import apsw

from tranship.core.errors import (
    ConflictError,
    DamageError,
    InputError,
    InvariantError,
    TranshipError,
    UnavailableError,
)
from tranship.core.ledger import OUTSIDE, Bucket
from tranship.store import connect, erasure, reads
from tranship.store import statements as say
from tranship.store.connect import rows
from tranship.store.lock import WriterLock
from tranship.store.port import (
    AddressRow,
    AuditRow,
    Batch,
    HouseholdRow,
    JournalRow,
    KeyRow,
    MaskingKeyRow,
    OutboxRow,
    PayloadRow,
    PersonRow,
    TokenRow,
)

_MAY_BE_NEGATIVE = frozenset(int(bucket) for bucket in OUTSIDE)


class SqliteStore:
    """One shard in one folder (`Store` of store/port.py). Any thread may call any method; commits go one after another."""

    def __init__(self, folder: Path, *, read_only: bool, vfs: str | None, lock: WriterLock | None) -> None:
        """Use `open`."""
        self.folder = folder
        self.where = str(folder)
        self.path = folder / connect.DB_NAME
        self._mutex = threading.RLock()
        self._vfs, self._tidying = vfs, threading.Lock()
        self._tidier: apsw.Connection | None = None  # moves the log beside the writer
        self._lock = lock
        self._readers = reads.Readers(self.path, vfs)
        self._writer: apsw.Connection | None = None
        self._epoch = self._seq = 0
        if not read_only:
            self._writer = connect.connect_writer(self.path, vfs)

    @classmethod
    def open(
        cls, folder: Path, *, create: bool, read_only: bool = False, party: str = "", vfs: str | None = None
    ) -> "SqliteStore":
        """Open the store in `folder`; with `create`, make it where there is none (readable by its owner only).

        Raises InputError where there is no store or one of a newer version, DamageError where its file is empty or (for
        writing) its journal does not end where it was left, UnavailableError naming the holder where another writer has it.
        `party` is written into a new store. `vfs` names an APSW file system, for tests of broken disks.
        """
        path = folder / connect.DB_NAME
        connect.check_file(path)
        if not path.exists() and (read_only or not create):
            raise InputError("there is no run here", where=str(folder), hint="`tranship replay` or `serve` starts one")
        if read_only:
            store = cls(folder, read_only=True, vfs=vfs, lock=None)
            store._check_readable()
            return store
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = WriterLock(folder)
        except OSError as error:
            raise UnavailableError(f"{folder} cannot be written: {error.strerror}") from error
        try:
            with connect.translated(str(path)):
                if not path.exists():
                    connect.make(path, party)
                store = cls(folder, read_only=False, vfs=vfs, lock=lock)
                store._take_over()
        except BaseException:
            lock.release()
            raise
        return store

    def _check_readable(self) -> None:
        with self._readers.one() as db:
            if connect.schema_version(db, self.path) != len(connect.migrations()):
                raise InputError(
                    "has the schema of an older version",
                    where=str(self.path),
                    hint="Any command that writes brings it up to date; make a backup first",
                )

    def _take_over(self) -> None:
        """Bring the schema up to date and become the one writer: an older writer's epoch is worth nothing from here on."""
        db = self._db
        version = connect.schema_version(db, self.path)
        with db:
            connect.migrate(db, connect.migrations(), version)
            left, found = reads.left_at(db), reads.last_seq(db)
            if left != found:
                raise DamageError(
                    f"{self.path}: the journal was left at row {left[0]} and now ends at row {found[0]}"
                    f"{'' if left[0] != found[0] else ' with another chain value'}: nothing is written to it;"
                    " `tranship verify` says more, a backup restores it"
                )
            db.execute("UPDATE meta SET epoch = epoch + 1")
        self._epoch, unfinished = rows(db, "SELECT epoch, scrub FROM meta")[0]
        self._seq = reads.last_seq(db)[0]
        if unfinished:
            try:
                erasure.finish(db, self.path)
            except UnavailableError:
                pass  # stays marked: the next erase, the next open and store/check.py all see it

    @property
    def epoch(self) -> int:
        """The number under which this writer holds the run: higher than that of every writer before it; 0 for a reader."""
        return self._epoch

    def still_mine(self) -> bool:
        """Whether no later writer has taken the run over. Drivers ask before they send bytes; False for a reader."""
        with self._readers.one() as db:
            return self._writer is not None and rows(db, "SELECT epoch FROM meta") == [(self._epoch,)]

    @property
    def _db(self) -> apsw.Connection:
        if self._writer is None:
            raise UnavailableError(f"{self.folder} is not open for writing")
        return self._writer

    # ---- the writer's side -------------------------------------------------------------------------------------------

    def commit(self, batch: Batch) -> None:
        """Write the batch in one transaction, synced before this returns; all of it or nothing.

        Raises ConflictError where a key or an order was written before, InvariantError where a shelf would go below zero, a
        journal row would leave a gap or a changed row is not there, UnavailableError where disk or lock fail or another
        writer took over.
        """
        with self._mutex, self._or_nothing(batch):
            db = self._db
            db.execute(say.BEGIN)
            self._write(db, batch)
            db.execute(say.COMMIT)

    def commit_now(self, batch: Batch) -> bool:
        """As `commit`, but without waiting for anybody who writes; False where it did not come about.

        For a caller that must not stand still behind others. `commit` does it, or says what is wrong. Where not even the database can say
        what became of it the store closes itself, as it does for `commit`: then nobody may send.
        """
        if self._writer is None or not self._mutex.acquire(blocking=False):
            return False
        try:
            self._db.set_busy_timeout(0)
            try:
                self.commit(batch)
            finally:
                if self._writer is not None:
                    self._writer.set_busy_timeout(connect.BUSY_MS)
        except TranshipError:
            return False
        finally:
            self._mutex.release()
        return True

    @contextmanager
    def _or_nothing(self, batch: Batch) -> Iterator[None]:
        """A transaction is whole, or it is undone and its error told in our words."""
        try:
            yield
        except BaseException as error:
            committed = self._writer is not None and self._undo(batch)
            if not isinstance(error, (apsw.Error, InvariantError)):
                raise
            if not committed:
                raise self._explained(error, batch) from error
        if batch.journal:
            self._seq = batch.journal[-1].seq

    def _write(self, db: apsw.Connection, batch: Batch) -> None:
        cursor = db.cursor()
        journal = batch.journal
        if journal:
            first, last = self._seq + 1, journal[-1]
            if [row[0] for row in journal] != list(range(first, first + len(journal))):
                raise InvariantError(
                    f"journal rows {journal[0].seq} to {last.seq} do not follow row {self._seq} without a gap"
                )
            cursor.execute(say.ADVANCE, (last.seq, last.chain, self._epoch, self._seq))
        else:
            cursor.execute(say.HOLD, (self._epoch,))
        if db.changes() != 1:
            raise UnavailableError(f"another writer took {self.folder} over: open it again")
        if batch.audits:
            _end_of_audit(db, cursor, batch.audits)
        for sql, added in (
            (say.KEY, batch.keys),
            (say.JOURNAL, journal),
            (say.DOCUMENT, batch.documents),
            (say.ORDER, batch.orders),
            (say.LINE, batch.lines),
            (say.PART, batch.parts),
            (say.PARKED, batch.parked),
            (say.OUTBOX, batch.outbox),
            (say.EXCEPTION, batch.exceptions),
            (say.PAYLOAD, batch.payloads),
            (say.AUDIT, batch.audits),
            (say.HOUSEHOLD, batch.households),
        ):
            if added:
                cursor.executemany(sql, added)
        if batch.stock:
            _move_stock(db, cursor, batch.stock)
        for what, sql, changes in (
            ("person under another key", say.PERSON, batch.people),
            ("address of another person", say.ADDRESS, batch.addresses),
            ("masking key that is another one", say.MASKING_KEY, batch.masking_keys),
            ("token that stands for something else", say.GIVEN, batch.tokens),
            ("dispatch of another part", say.DISPATCH, batch.dispatches),
            ("alias of another article", say.SKU_ALIAS, batch.sku_aliases),
            ("order", say.ORDER_STATUS, batch.order_status),
            ("order", say.ORDER_TO, batch.order_to),
            ("part", say.PART_STATUS, batch.part_status),
            ("part", say.PART_LINES, batch.part_lines),
            ("parked part", say.PARKED_LINES, batch.parked_lines),
            ("parked part", say.UNPARK, batch.unparked),
        ):
            if changes:
                _each_changes_one(db, cursor, sql, changes, what)
        for sql, perhaps in (
            (say.EXPIRY, batch.token_expiry),
            (say.RESEALED, batch.resealed),
            (say.EXPIRED, batch.tokens_over),
        ):
            if perhaps:
                cursor.executemany(sql, perhaps)

    def _undo(self, batch: Batch) -> bool:
        """Roll back what a failed commit left open; True where the commit did take place after all.

        SQLite can report an error after the batch was synced (from the checkpoint that follows): then it is committed.
        """
        db = self._db
        try:
            if db.in_transaction:
                db.execute(say.ROLLBACK)
                return False
            if batch.journal:
                last = batch.journal[-1]
                end = rows(db, "SELECT epoch, seq, chain FROM meta")[0]
                return end == (self._epoch, last.seq, last.chain) and last.seq > self._seq
            if batch.audits:
                row = batch.audits[-1]
                return rows(db, "SELECT epoch, audit_seq, audit_chain FROM meta")[0] == (
                    self._epoch,
                    row.seq,
                    row.chain,
                )
        except apsw.Error:
            # The connection is of no further use; the file is: what was not committed is not seen by the next one.
            self._writer = None
            db.close(True)
            if self._lock:
                self._lock.release()
        return False

    def _explained(self, error: apsw.Error | InvariantError, batch: Batch) -> Exception:
        """The error in our words, with the row that caused it where that can be found."""
        if self._writer is None:
            return UnavailableError(f"{self.path}: {error}; it could not be rolled back either: open it again")
        told = connect.translate(error, str(self.path)) if isinstance(error, apsw.Error) else error
        try:
            if isinstance(told, ConflictError) and (
                used := reads.find_keys(self._writer, [row.key for row in batch.keys])
            ):
                return ConflictError(f"command {next(iter(used))!r} was carried out before")
            short = _short_shelf(self._writer, batch) if isinstance(told, InvariantError) else ""
            return InvariantError(short) if short else told
        except apsw.Error:
            return told

    def tidy(self) -> None:
        """Move the log's pages to the database once there are some, before so many have come together that a commit takes long.

        Commits go on meanwhile. What they add is moved in further, shorter passes: the log begins anew only where nothing is left in it.
        """
        with self._tidying, connect.translated(str(self.path)):
            if self._writer is None:
                return
            if self._tidier is None:
                self._tidier = connect.connect_writer(self.path, self._vfs)
            for least in (connect.TIDY_PAGES, 1, 1):
                log, moved = self._tidier.wal_checkpoint("main", apsw.SQLITE_CHECKPOINT_NOOP)
                if log - moved < least:
                    return
                self._tidier.wal_checkpoint("main", apsw.SQLITE_CHECKPOINT_PASSIVE)

    def find_key(self, key: str) -> KeyRow | None:
        """What was carried out under this key, if anything."""
        return self.find_keys((key,)).get(key)

    def find_keys(self, keys: Sequence[str]) -> dict[str, KeyRow]:
        """The same for many keys at once: those that are known."""
        with self._readers.one() as db:
            return reads.find_keys(db, keys)

    def unsent(self, limit: int) -> Sequence[OutboxRow]:
        """Outbox rows not yet handed over, oldest first."""
        with self._readers.one() as db:
            return reads.unsent(db, limit)

    def sent(self, ids: Sequence[str]) -> None:
        """Take outbox rows out of the queue; ids that are not in it are passed over."""
        with self._transaction() as db:
            db.executemany(say.SENT, ((one,) for one in ids))

    def key_id(self) -> bytes:
        """Which key file seals this store's people; b"" where none has yet."""
        with self._readers.one() as db:
            return bytes(rows(db, "SELECT key_id FROM meta")[0][0])

    def bind_key(self, key_id: bytes) -> None:
        """Remember which key file seals this store's people; UnavailableError where another one did before."""
        with self._transaction() as db:
            known = bytes(rows(db, "SELECT key_id FROM meta")[0][0])
            if known not in {b"", key_id}:
                raise UnavailableError(
                    f"{self.folder}: its people were sealed under key {known.hex()}, this key file holds {key_id.hex()}:"
                    " bring the right key file back, or point TRANSHIP_KEY_FILE to it"
                )
            if not known:
                db.execute("UPDATE meta SET key_id = ?", (key_id,))

    def erase(self, person_id: str) -> bool:
        """Delete a person's key, data and blind index from every file of the folder; True if there was one.

        Raises UnavailableError where a reader keeps the WAL alive: the person is gone from the database, the WAL still holds
        the old pages; close readers and call again.
        """
        return self.erase_many((person_id,)) == 1

    def erase_many(self, person_ids: Sequence[str]) -> int:
        """As `erase`, for many people at the cost of one; returns how many there were."""
        with self._mutex, connect.translated(str(self.path)):
            marks = erasure.Marks()
            with self._transaction() as db:
                gone = erasure.delete(db, person_ids, marks)
            erasure.finish(db, self.path, marks if gone or marks.indexed else None)  # None: what an earlier one left
            return gone

    def destroy_keys(self, key_ids: Sequence[str]) -> int:
        """Overwrite masking keys so that no file of the folder keeps them; how many there were. UnavailableError as in `erase`."""
        with self._mutex, connect.translated(str(self.path)):
            with self._transaction() as db:
                gone = erasure.destroy_keys(db, key_ids)
            erasure.finish_keys(db, self.path)
            return gone

    @contextmanager
    def _transaction(self) -> Iterator[apsw.Connection]:
        """A write outside `commit`, under the same lock and epoch."""
        with self._mutex, connect.translated(str(self.path)):
            db = self._db
            db.execute(say.BEGIN)
            try:
                db.execute(say.HOLD, (self._epoch,))
                if db.changes() != 1:
                    raise UnavailableError(f"another writer took {self.folder} over: open it again")
                yield db
                db.execute(say.COMMIT)
            finally:
                if db.in_transaction:
                    db.execute(say.ROLLBACK)

    # ---- the readers' side -------------------------------------------------------------------------------------------

    def last_seq(self) -> tuple[int, bytes]:
        """The newest journal row's `seq` and `chain` as its commit left them, whatever the journal holds; (0, b"") before the first."""
        with self._readers.one() as db:
            return reads.left_at(db)

    def journal(self, after: int = 0) -> Iterator[JournalRow]:
        """Journal rows in order, after a seq, up to the newest at the end; DamageError naming the first missing row."""
        while True:
            with self._readers.one() as db:
                page = reads.journal_page(db, after, str(self.path))
            if not page:
                return
            yield from reads.in_sequence(page, after + 1)
            after += len(page)

    def document(self, sha256: str) -> bytes:
        """A document's body by hash (DamageError where absent or changed)."""
        with self._readers.one() as db:
            return reads.document(db, sha256)

    def find_person(self, blind: bytes) -> str | None:
        """The person_id with this blind index, if known."""
        with self._readers.one() as db:
            return reads.find_person(db, blind)

    def person(self, person_id: str) -> PersonRow | None:
        """A person's sealed row; None once erased."""
        with self._readers.one() as db:
            return reads.person(db, person_id)

    def payload(self, remote_id: str) -> PayloadRow | None:
        """The sealed bytes of a dispatch; None where there are none, or the person was erased."""
        with self._readers.one() as db:
            return reads.payload(db, remote_id)

    def address(self, order_id: str) -> AddressRow | None:
        """The order's own sealed address; None where its person's row is good, or the person was erased."""
        with self._readers.one() as db:
            return reads.address(db, order_id)

    def token(self, network: str, token: str) -> TokenRow | None:
        """A network's token; None where it is unknown, another network's, or its person was erased."""
        with self._readers.one() as db:
            return reads.token(db, network, token)

    def tokens_of(self, network: str, scope: str) -> Sequence[TokenRow]:
        """The live tokens that a network got within a scope (an order)."""
        with self._readers.one() as db:
            return reads.tokens_of(db, network, scope)

    def find_token(self, network: str, kind: str, scope: str, blind: bytes) -> TokenRow | None:
        """The live token with this blind index; None where there is none."""
        with self._readers.one() as db:
            return reads.find_token(db, network, kind, scope, blind)

    def tokens(self, after: int, limit: int) -> Sequence[tuple[int, TokenRow]]:
        """Tokens with their place, in order of their place, after one."""
        with self._readers.one() as db:
            return reads.tokens(db, after, limit)

    def masking_keys(self) -> Sequence[MaskingKeyRow]:
        """All masking keys, destroyed ones too, oldest first."""
        with self._readers.one() as db:
            return reads.masking_keys(db)

    def audit(self, after: int = 0) -> Iterator[AuditRow]:
        """Audit rows in order, after a seq; what is missing among them is `masking.audit.verify`'s to say."""
        while True:
            with self._readers.one() as db:
                page = reads.audit_page(db, after)
            if not page:
                return
            yield from page
            after = page[-1].seq

    def last_audit(self) -> tuple[int, bytes]:
        """The newest audit row's `seq` and `chain` as its commit left them; (0, b"") before the first."""
        with self._readers.one() as db:
            return reads.audit_left_at(db)

    def households(self, blind: bytes) -> Sequence[HouseholdRow]:
        """The people at one address, by its keyed digest; erased ones left out."""
        with self._readers.one() as db:
            return reads.households(db, blind)

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """Read-only SQL for reports and `verify`; several questions to one moment are `snapshot`'s."""
        with self._readers.one() as db:
            return rows(db, sql, parameters)

    @contextmanager
    def snapshot(self) -> Iterator[reads.Snapshot]:
        """The run at one moment, for as many questions as needed."""
        with self._readers.one() as db:
            db.execute("BEGIN")
            try:
                rows(db, "SELECT one FROM meta")  # a read transaction starts with its first read
                yield reads.Snapshot(db, str(self.path))
            finally:
                db.execute("ROLLBACK")

    def backup(self, target: Path) -> None:
        """Copy the store, without its key file, to the new folder `target` while it is in use (store/backup.py has more)."""
        from tranship.store.backup import backup  # it opens stores itself

        backup(self.folder, target)

    def close(self) -> None:
        """Give the lock and the files back; closing twice is fine."""
        with self._mutex, self._tidying:
            self._readers.close()
            if self._tidier is not None:
                self._tidier.close()
                self._tidier = None
            if self._writer is not None:
                self._writer.close()
                self._writer = None
            if self._lock is not None:
                self._lock.release()
                self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _end_of_audit(db: apsw.Connection, cursor: apsw.Cursor, audits: Sequence[AuditRow]) -> None:
    first, last = audits[0].seq, audits[-1]
    in_line = [row[0] for row in audits] == list(range(first, first + len(audits)))
    cursor.execute(say.AUDITED, (last.seq, last.chain, first - 1))
    if db.changes() != 1 or not in_line:
        raise InvariantError(f"audit rows {first} to {last.seq} do not follow the newest one without a gap")


def _move_stock(db: apsw.Connection, cursor: apsw.Cursor, stock: dict[tuple[str, str, int], int]) -> None:
    arriving, leaving = [], []
    for (node, sku, bucket), delta in stock.items():
        if delta < 0 and bucket not in _MAY_BE_NEGATIVE:
            leaving.append((node, sku, bucket, delta))
        else:
            arriving.append((node, sku, bucket, delta))
    if arriving:
        cursor.executemany(say.STOCK_IN, arriving)
    if leaving:
        _each_changes_one(db, cursor, say.STOCK_OUT, leaving, "stock account")


def _each_changes_one(db: apsw.Connection, cursor: apsw.Cursor, sql: str, rows: Sequence[object], what: str) -> None:
    before = db.total_changes()
    cursor.executemany(sql, rows)  # type: ignore[arg-type]
    changed = db.total_changes() - before
    if changed != len(rows):
        raise InvariantError(f"{len(rows) - changed} of {len(rows)} changes name a {what} that is not there")


def _short_shelf(db: apsw.Connection, batch: Batch) -> str:
    """The first shelf that cannot give what the batch takes, in words; empty where stock was not the cause."""
    for (node, sku, bucket), delta in batch.stock.items():
        if delta < 0 and bucket not in _MAY_BE_NEGATIVE:
            sql = "SELECT qty FROM stock WHERE node = ? AND sku = ? AND bucket = ?"
            found = rows(db, sql, (node, sku, bucket))
            held = int(found[0][0]) if found else 0
            if held + delta < 0:
                name = Bucket(bucket).name if bucket in set(Bucket) else f"bucket {bucket}"
                return f"{name} of {sku} at {node} holds {held} in the database, cannot give {-delta}"
    return ""
