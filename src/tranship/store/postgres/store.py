"""The store on a server: one shard is one schema, one writer holds its lease.

Durable means: the server runs with `fsync`, and a commit returned after its log was on disk. A COMMIT whose answer was lost is
looked up before anybody is told anything (store/postgres/doubt.py).
"""

import secrets
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Self

from tranship.core.errors import (
    ConflictError,
    DamageError,
    InputError,
    InvariantError,
    TranshipError,
    UnavailableError,
)
from tranship.core.ledger import OUTSIDE, Bucket
from tranship.store.location import Database
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
from tranship.store.postgres import connect, doubt, erasure, lease, make, reads
from tranship.store.postgres import statements as say
from tranship.store.postgres.arrays import texts
from tranship.store.postgres.commit import Step, steps
from tranship.store.postgres.connect import driver, rows, translated
from tranship.store.postgres.reads import Connection
from tranship.store.reads import in_sequence


class PostgresStore:
    """One shard on a server (`Store` of store/port.py). Any thread may call any method; commits go one after another."""

    def __init__(self, place: Database) -> None:
        """Use `open`."""
        self.place = place
        self.where = place.shown
        self._mutex = threading.RLock()
        self._readers = reads.Readers(place)
        self._writer: Connection | None = None
        self._epoch = self._seq = 0
        self._owner = ""
        self._beat_at = 0.0  # monotonic seconds: when the server last heard of us
        self._ended = threading.Event()

    @classmethod
    def open(
        cls,
        place: Database,
        *,
        create: bool,
        read_only: bool = False,
        party: str = "",
        lease_ms: int = lease.LEASE_MS,
        take: bool = False,
    ) -> "PostgresStore":
        """Open a shard; with `create`, make it where there is none.

        Raises InputError where there is none, it is of a newer version or psycopg is missing, DamageError where its journal does
        not end where it was left, UnavailableError where the server cannot be had or naming the writer that holds the shard.
        `lease_ms`: how long this writer may be silent before another may take over. `take` takes the shard from a writer that
        holds it; whatever that one has not committed yet is refused from then on.
        """
        store = cls(place)
        if read_only:
            try:
                store._check_readable()
            except BaseException:
                store.close()
                raise
            return store
        db = connect.connect(place)
        try:
            connect.check_durable(db, place)
            make.prepare(db, place, party, create=create)
            store._epoch, store._owner = lease.take(db, place, lease_ms, force=take)
            store._writer, store._beat_at = db, time.monotonic()
            with translated(place):
                store._go_on(db)
        except BaseException:
            db.close()
            raise
        threading.Thread(target=store._keep, args=(lease_ms / 3000,), name="tranship-lease", daemon=True).start()
        return store

    def _check_readable(self) -> None:
        if self._readers.ask(lambda db: make.version(db, self.place)) != len(connect.migrations()):
            hint = "Any command that writes brings it up to date; make a backup first"
            raise InputError("has the schema of an older version", where=self.where, hint=hint)

    def _go_on(self, db: Connection) -> None:
        db.execute(
            f"SET idle_in_transaction_session_timeout = {2 * lease.LEASE_MS}"
        )  # a paused writer locks nobody out
        left, found = reads.left_at(db), reads.last_seq(db)
        if left != found:
            lease.give_back(db, self._epoch)
            raise DamageError(
                f"{self.where}: the journal was left at row {left[0]} and now ends at row {found[0]}"
                f"{'' if left[0] != found[0] else ' with another chain value'}: nothing is written to it;"
                " `tranship verify` says more, a backup restores it"
            )
        self._seq = found[0]
        with suppress(UnavailableError):  # stays marked: the next erase, the next open and store/check.py all see it
            erasure.finish(db, self.place)

    # ---- the lease ---------------------------------------------------------------------------------------------------

    @property
    def epoch(self) -> int:
        """The number under which this writer holds the shard, higher than that of every writer before it; 0 for a reader."""
        return self._epoch

    def still_mine(self) -> bool:
        """Whether no other writer has taken the shard over, asked of the server. False for a reader."""
        if self._writer is None:
            return False
        return self._readers.ask(lambda db: rows(db, "SELECT epoch FROM meta") == [(self._epoch,)])

    def commit_now(self, batch: Batch) -> bool:  # noqa: ARG002 - the port's
        """Never: a server is always waited for."""
        return False

    def tidy(self) -> None:
        """Nothing: the server does that by itself."""

    def _keep(self, every: float) -> None:
        """Tells the server now and then that the writer lives; where it cannot be told, the lease runs out by itself."""
        while not self._ended.wait(every):
            with suppress(TranshipError, driver().Error), self._mutex:
                if self._writer is not None and time.monotonic() - self._beat_at >= every / 2:
                    if not lease.beat(self._db, self._epoch):
                        return  # taken over: the next commit says by whom
                    self._beat_at = time.monotonic()

    @property
    def _db(self) -> Connection:
        """The writer's connection; made anew where it broke. UnavailableError where it cannot be, or somebody took over."""
        if self._writer is None:
            raise UnavailableError(f"{self.where} is not open for writing")
        if self._writer.closed:
            db = connect.connect(self.place)
            with translated(self.place):
                mine = lease.resume(db, self._epoch)
            if not mine:
                db.close()
                raise self._taken()
            self._writer = db
        return self._writer

    def _taken(self) -> UnavailableError:
        held = self._readers.ask(lease.look)
        if held.epoch == self._epoch:
            return UnavailableError(
                f"another writer took {self.where} over without its lease: its journal is not where it was left; open it again"
            )
        by = held.owner or "another writer, gone since,"
        return UnavailableError(
            f"{by} took {self.where} over (epoch {held.epoch}, this was {self._epoch}): open it again"
        )

    # ---- the writer's side -------------------------------------------------------------------------------------------

    def commit(self, batch: Batch) -> None:
        """Write the batch in one transaction, on the server's disk before this returns; all of it or nothing.

        Raises ConflictError where a key or an order was written before, InvariantError where a shelf would go below zero, a
        journal row would leave a gap or a changed row is not there, UnavailableError where the server fails or another
        writer took over. Where nobody can tell whether the batch is there, the store is closed for writing and says so.
        """
        mark = secrets.token_bytes(16)
        plan = [self._advance(batch, mark), *steps(batch)]
        with self._mutex:
            try:
                db = self._sent(plan)
            except (driver().Error, InvariantError) as error:
                raise self._explained(error, batch) from error
            try:
                db.execute(say.COMMIT, prepare=False)
            except BaseException as error:
                told = self._doubtful(db, mark, batch, error)
                if told is not None:
                    raise told from error
                if not isinstance(error, driver().Error):
                    self._committed(batch)
                    raise
            self._committed(batch)

    def _committed(self, batch: Batch) -> None:
        self._beat_at = time.monotonic()
        if batch.journal:
            self._seq = batch.journal[-1].seq

    def _advance(self, batch: Batch, mark: bytes) -> Step:
        journal = batch.journal
        if not journal:
            return Step(say.HOLD, (mark, self._epoch))
        first, last = self._seq + 1, journal[-1]
        if [row[0] for row in journal] != list(range(first, first + len(journal))):
            raise InvariantError(
                f"journal rows {journal[0].seq} to {last.seq} do not follow row {self._seq} without a gap"
            )
        return Step(say.ADVANCE, (last.seq, last.chain, mark, self._epoch, self._seq))

    def _sent(self, plan: Sequence[Step]) -> Connection:
        """The connection on which the plan waits for its COMMIT. A connection that broke before that costs nothing but a second one."""
        for last in (False, True):
            db = self._db
            try:
                self._send(db, plan)
            except BaseException as error:
                self._undo(db)
                if last or not db.closed or not isinstance(error, driver().Error):
                    raise
            else:
                return db
        raise AssertionError("not reached")

    def _send(self, db: Connection, plan: Sequence[Step]) -> None:
        """All statements in one go; what each of them changed is looked at before anything is committed."""
        with db.pipeline():
            db.execute(say.BEGIN)
            cursors = [db.execute(step.sql, step.parameters) for step in plan]
        if cursors[0].rowcount != 1:
            raise self._taken()
        for step, cursor in zip(plan, cursors, strict=True):
            if step.expected not in {-1, cursor.rowcount}:
                apart = step.expected - cursor.rowcount
                raise InvariantError(f"{apart} of {step.expected} changes name a {step.what} that is not there")

    def _undo(self, db: Connection) -> None:
        """Before COMMIT was said nothing is committed, whatever became of the connection."""
        try:
            if not db.closed:
                db.execute(say.ROLLBACK)
        except driver().Error:
            db.close()

    def _doubtful(self, db: Connection, mark: bytes, batch: Batch, error: BaseException) -> BaseException | None:
        """COMMIT was said and no answer came: None where it took place, else what to tell (see store/postgres/doubt.py)."""
        db.close()
        found = doubt.settle(self.place, self._epoch, mark, batch, self._ended)
        self._writer = found.db or db  # a closed one: the next use of it says who took over
        if found.committed is None:
            self._writer = None
            return UnavailableError(
                f"{found.reason}; whether the last batch was committed is not known: open the shard again, its journal tells"
            )
        if found.committed:
            return None
        if found.db is None:
            return self._taken()
        return connect.translate(error, self.place) if isinstance(error, driver().Error) else error

    def _explained(self, error: Exception, batch: Batch) -> Exception:
        """The error in our words, with the row that caused it where that can be found."""
        told = connect.translate(error, self.place) if isinstance(error, driver().Error) else error
        try:
            with self._readers.one() as db:
                if isinstance(told, ConflictError) and (used := reads.find_keys(db, [row.key for row in batch.keys])):
                    return ConflictError(f"command {next(iter(used))!r} was carried out before")
                short = _short_shelf(db, batch) if isinstance(told, InvariantError) else ""
                return InvariantError(short) if short else told
        except TranshipError:
            return told

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        """A write outside `commit`, under the same lease."""
        with self._mutex, translated(self.place):
            db = self._sent([Step(say.HOLD, (secrets.token_bytes(16), self._epoch))])
            try:
                yield db
                db.execute(say.COMMIT)
            except BaseException:
                self._undo(db)
                raise

    def find_key(self, key: str) -> KeyRow | None:
        """What was carried out under this key, if anything."""
        return self.find_keys((key,)).get(key)

    def find_keys(self, keys: Sequence[str]) -> dict[str, KeyRow]:
        """The same for many keys at once: those that are known."""
        return self._readers.ask(lambda db: reads.find_keys(db, keys))

    def unsent(self, limit: int) -> Sequence[OutboxRow]:
        """Outbox rows not yet handed over, oldest first."""
        return self._readers.ask(lambda db: reads.unsent(db, limit))

    def sent(self, ids: Sequence[str]) -> None:
        """Take outbox rows out of the queue; ids that are not in it are passed over."""
        with self._transaction() as db:
            db.execute(say.SENT, (texts("outbox", "id", list(ids)) if ids else "{}",))

    def key_id(self) -> bytes:
        """Which key file seals this store's people; b"" where none has yet."""
        return self._readers.ask(lambda db: bytes(rows(db, "SELECT key_id FROM meta")[0][0]))

    def bind_key(self, key_id: bytes) -> None:
        """Remember which key file seals this store's people; UnavailableError where another one did before."""
        with self._transaction() as db:
            known = bytes(rows(db, "SELECT key_id FROM meta")[0][0])
            if known not in {b"", key_id}:
                raise UnavailableError(
                    f"the people of {self.where} were sealed under key file {known.hex()}, not {key_id.hex()}"
                )
            rows(db, "UPDATE meta SET key_id = ? RETURNING 1", (key_id,))

    def erase(self, person_id: str) -> bool:
        """Delete a person's key, data and blind index from the shard's tables and their files; True if there was one.

        Raises UnavailableError where a reader keeps the old rows alive: the person is gone from the tables, the table still has
        to be written anew; close readers and call again.
        """
        return self.erase_many((person_id,)) == 1

    def erase_many(self, person_ids: Sequence[str]) -> int:
        """As `erase`, for many people at the cost of one; returns how many there were."""
        with self._mutex, translated(self.place):
            gone = 0
            if person_ids:
                with self._transaction() as db:
                    gone = erasure.delete(db, person_ids)
            erasure.finish(self._db, self.place)
            return gone

    def destroy_keys(self, key_ids: Sequence[str]) -> int:
        """Overwrite masking keys and write their table anew; how many there were. UnavailableError as in `erase`."""
        with self._mutex, translated(self.place):
            gone = 0
            if key_ids:
                with self._transaction() as db:
                    gone = erasure.destroy_keys(db, key_ids)
            erasure.finish(self._db, self.place)
            return gone

    # ---- the readers' side -------------------------------------------------------------------------------------------

    def last_seq(self) -> tuple[int, bytes]:
        """The newest journal row's `seq` and `chain` as its commit left them, whatever the journal holds; (0, b"") before the first."""
        return self._readers.ask(reads.left_at)

    def journal(self, after: int = 0) -> Iterator[JournalRow]:
        """Journal rows in order, after a seq, up to the newest at the end; DamageError naming the first missing row."""
        while True:
            page = self._readers.ask(partial(reads.journal_page, after=after, place=self.place))
            if not page:
                return
            yield from in_sequence(page, after + 1)
            after += len(page)

    def document(self, sha256: str) -> bytes:
        """A document's body by hash (DamageError where absent or changed)."""
        return self._readers.ask(lambda db: reads.document(db, sha256))

    def find_person(self, blind: bytes) -> str | None:
        """The person_id with this blind index, if known."""
        return self._readers.ask(lambda db: reads.find_person(db, blind))

    def person(self, person_id: str) -> PersonRow | None:
        """A person's sealed row; None once erased."""
        return self._readers.ask(lambda db: reads.person(db, person_id))

    def payload(self, remote_id: str) -> PayloadRow | None:
        """The sealed bytes of a dispatch; None where there are none, or the person was erased."""
        return self._readers.ask(lambda db: reads.payload(db, remote_id))

    def address(self, order_id: str) -> AddressRow | None:
        """The order's own sealed address; None where its person's row is good, or the person was erased."""
        return self._readers.ask(lambda db: reads.address(db, order_id))

    def households(self, blind: bytes) -> Sequence[HouseholdRow]:
        """The people at one address, by its keyed digest; erased ones left out."""
        return self._readers.ask(lambda db: reads.households(db, blind))

    def token(self, network: str, token: str) -> TokenRow | None:
        """A network's token; None where it is unknown, another network's, or its person was erased."""
        return self._readers.ask(lambda db: reads.token(db, network, token))

    def tokens_of(self, network: str, scope: str) -> Sequence[TokenRow]:
        """The live tokens that a network got within a scope (an order)."""
        return self._readers.ask(lambda db: reads.tokens_of(db, network, scope))

    def find_token(self, network: str, kind: str, scope: str, blind: bytes) -> TokenRow | None:
        """The live token with this blind index; None where there is none."""
        return self._readers.ask(lambda db: reads.find_token(db, network, kind, scope, blind))

    def tokens(self, after: int, limit: int) -> Sequence[tuple[int, TokenRow]]:
        """Tokens with their place, in order of their place, after one."""
        return self._readers.ask(lambda db: reads.tokens(db, after, limit))

    def masking_keys(self) -> Sequence[MaskingKeyRow]:
        """All masking keys, destroyed ones too, oldest first."""
        return self._readers.ask(reads.masking_keys)

    def audit(self, after: int = 0) -> Iterator[AuditRow]:
        """Audit rows in order, after a seq; what is missing among them is `masking.audit.verify`'s to say."""
        while page := self._readers.ask(partial(reads.audit_page, after=after)):
            yield from page
            after = page[-1].seq

    def last_audit(self) -> tuple[int, bytes]:
        """The newest audit row's `seq` and `chain` as its commit left them; (0, b"") before the first."""
        return self._readers.ask(reads.audit_left_at)

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """Read-only SQL for reports and `verify`, parameters marked `?`; several questions to one moment are `snapshot`'s."""
        return self._readers.ask(lambda db: rows(db, sql, parameters))

    @contextmanager
    def snapshot(self) -> Iterator[reads.Snapshot]:
        """The shard at one moment, for as many questions as needed."""
        self._readers.ask(lambda db: rows(db, "SELECT 1"))  # so that the connection that comes next is a whole one
        with self._readers.one() as db:
            db.execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            try:
                rows(db, "SELECT one FROM meta")  # the moment is that of the first question
                yield reads.Snapshot(db, self.place)
            finally:
                with suppress(driver().Error):
                    db.execute(say.ROLLBACK)

    def backup(self, target: Path) -> None:
        """Copy the shard, without its key file, to the new folder `target`: a run on SQLite (store/backup.py has more)."""
        from tranship.store.backup import backup  # it opens stores itself

        backup(Path(self.address_of()), target)

    def address_of(self) -> str:
        """The address as it is opened again; it may hold a password."""
        mark = "&" if "?" in self.place.conninfo else "?"
        return f"{self.place.conninfo}{mark}shard={self.place.shard}"

    def close(self) -> None:
        """Give the lease and the connections back; closing twice is fine."""
        self._ended.set()
        with self._mutex:
            self._readers.close()
            if self._writer is not None:
                with suppress(TranshipError, driver().Error):
                    if not self._writer.closed:
                        lease.give_back(self._writer, self._epoch)
                self._writer.close()
                self._writer = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _short_shelf(db: Connection, batch: Batch) -> str:
    """The first shelf that cannot give what the batch takes, in words; empty where stock was not the cause."""
    for (node, sku, bucket), delta in batch.stock.items():
        if delta < 0 and bucket not in OUTSIDE:
            sql = "SELECT qty FROM stock WHERE node = ? AND sku = ? AND bucket = ?"
            found: list[tuple[Any, ...]] = rows(db, sql, (node, sku, int(bucket)))
            held = int(found[0][0]) if found else 0
            if held + delta < 0:
                name = Bucket(bucket).name if bucket in set(Bucket) else f"bucket {bucket}"
                return f"{name} of {sku} at {node} holds {held} in the database, cannot give {-delta}"
    return ""
