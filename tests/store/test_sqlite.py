import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from tests.store import rows
from tests.store.contract import StoreContract
from tests.store.disks import NoNewFiles
from tranship.core.errors import DamageError, InputError, InvariantError, UnavailableError
from tranship.core.ledger import OUTSIDE
from tranship.store import connect
from tranship.store.check import integrity
from tranship.store.port import AddressRow, Batch, PayloadRow, Store
from tranship.store.sqlite import SqliteStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """A new store with opening balances."""
    with rows.started(tmp_path / "run") as store:
        yield store


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[SqliteStore]:
    """A new store in which nothing was committed yet."""
    with SqliteStore.open(tmp_path / "empty", create=True) as store:
        yield store


class TestSqliteStore(StoreContract):
    """SQLite keeps the contract of all stores."""


def test_it_is_the_port(store: SqliteStore) -> None:
    """The type checker and this line agree that SqliteStore is a Store."""
    port: Store = store
    assert port.last_seq()[0] == 1


def test_the_schema_allows_the_ledgers_outside_accounts_to_be_negative() -> None:
    """The buckets named in the schema are those of the ledger."""
    assert [int(bucket) for bucket in OUTSIDE] == [0, 1, 14]


def test_settings_are_the_durable_ones(store: SqliteStore) -> None:
    """WAL, a sync at each commit, deleted content overwritten, nothing in temporary files."""
    db = store._db
    assert [db.pragma(name) for name in ("journal_mode", "synchronous", "secure_delete", "temp_store")] == [
        "wal",
        2,
        1,
        2,
    ]


def test_what_was_committed_is_there_after_reopening(tmp_path: Path) -> None:
    """A store that was closed, or not even closed, opens with all it had."""
    with rows.started(tmp_path) as store:
        store.commit(rows.every_table(3, seq=1))
        before = rows.content(store)
    with SqliteStore.open(tmp_path, create=False) as store:
        assert rows.content(store) == before
        assert store.last_seq()[0] == 7
        store.commit(rows.orders(10, 1, seq=7))
        assert integrity(store) == []


def test_a_second_writer_is_refused_by_name(store: SqliteStore) -> None:
    """Whoever holds the run is named with process id, in this process and for another one."""
    with pytest.raises(UnavailableError, match=f"being written by process {os.getpid()}"):
        SqliteStore.open(store.folder, create=False)
    code = (
        "import sys; from pathlib import Path; from tranship.store.sqlite import SqliteStore as S\n"
        "S.open(Path(sys.argv[1]), create=True)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(store.folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and f"being written by process {os.getpid()}" in done.stderr
    store.commit(rows.orders(0, 1, seq=1))


def test_readers_open_beside_the_writer(store: SqliteStore) -> None:
    """Another process reads the newest commit and cannot write."""
    store.commit(rows.orders(0, 3, seq=1))
    code = (
        "import sys, json; from pathlib import Path; from tranship.store.sqlite import SqliteStore as S\n"
        "s = S.open(Path(sys.argv[1]), create=False, read_only=True)\n"
        "print(json.dumps([s.last_seq()[0], len(list(s.journal())), s.query('select count(*) from orders')[0][0]]))\n"
        "from tranship.store.port import Batch\n"
        "try: s.commit(Batch())\nexcept Exception as e: print(json.dumps(type(e).__name__))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(store.folder)], capture_output=True, text=True, check=True)
    assert [json.loads(line) for line in done.stdout.splitlines()] == [[7, 7, 3], "UnavailableError"]
    store.commit(rows.orders(3, 1, seq=7))


def test_a_writer_that_was_replaced_cannot_commit(store: SqliteStore) -> None:
    """A higher epoch in the database refuses the older writer's commits (a lock lost on a network disk, a paused machine)."""
    other = apsw.Connection(str(store.path))
    assert store.still_mine()
    other.execute("UPDATE meta SET epoch = epoch + 1")
    assert not store.still_mine()
    for batch in (rows.orders(0, 1, seq=1), Batch(stock={("N0", "SKU0", 1): -1, ("N0", "SKU0", 4): 1})):
        with pytest.raises(UnavailableError, match=r"took .* over"):
            store.commit(batch)
    with pytest.raises(UnavailableError, match=r"took .* over"):
        store.sent(["1-0"])
    other.close()
    assert store.last_seq()[0] == 1


def test_another_process_that_wrote_is_noticed(store: SqliteStore) -> None:
    """A journal row that this writer did not write refuses the next commit instead of being overwritten or skipped."""
    other = apsw.Connection(str(store.path))
    other.execute("INSERT INTO journal VALUES (2, 'x', 0, 'x', 0, x'', x''); UPDATE meta SET seq = 2")
    other.close()
    with pytest.raises(UnavailableError, match=r"took .* over"):
        store.commit(rows.orders(0, 1, seq=1))


def test_no_run_is_told_from_a_broken_one(tmp_path: Path) -> None:
    """An absent run, a file that is something else and a folder that cannot be made have words of their own."""
    for read_only in (False, True):
        with pytest.raises(InputError, match="no run here"):
            SqliteStore.open(tmp_path / "absent", create=False, read_only=read_only)
    assert not (tmp_path / "absent").exists()
    (tmp_path / connect.DB_NAME).write_bytes(b"this is not a database, it is a note to self" * 40)
    with pytest.raises(DamageError, match="not a database"):
        SqliteStore.open(tmp_path, create=True)
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    db = apsw.Connection(str(foreign / connect.DB_NAME))
    db.execute("CREATE TABLE invoices (number)")
    db.close()
    with pytest.raises(InputError, match="not a database of Tranship"):
        SqliteStore.open(foreign, create=True)
    (tmp_path / "file").write_text("")
    with pytest.raises(UnavailableError, match="cannot be written"):
        SqliteStore.open(tmp_path / "file" / "run", create=True)


@pytest.mark.parametrize("beside", ["nothing", "a key file", "a log"])
@pytest.mark.parametrize("how", ["read", "write", "create"])
def test_an_empty_file_is_damage(tmp_path: Path, how: str, beside: str) -> None:
    """A run that lost its content is neither an old one nor made anew; nothing beside it is touched."""
    if beside == "a log":
        with rows.started(tmp_path):  # its writer still holds the log
            log = (tmp_path / (connect.DB_NAME + "-wal")).read_bytes()
        (tmp_path / (connect.DB_NAME + "-wal")).write_bytes(log)
    if beside == "a key file":
        (tmp_path / "tranship.key").write_text("a key")
    (tmp_path / connect.DB_NAME).write_bytes(b"")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(DamageError, match="is empty, the run that was in it is gone"):
        SqliteStore.open(tmp_path, create=how == "create", read_only=how == "read")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize("read_only", [False, True])
def test_a_database_without_tables_is_damage(tmp_path: Path, read_only: bool) -> None:
    """A run is made whole: a database in which nothing is was one."""
    db = apsw.Connection(str(tmp_path / connect.DB_NAME))
    db.execute("PRAGMA journal_mode = WAL")
    db.close()
    assert (tmp_path / connect.DB_NAME).stat().st_size
    with pytest.raises(DamageError, match="is empty"):
        SqliteStore.open(tmp_path, create=not read_only, read_only=read_only)


def test_a_log_without_its_database_is_not_thrown_away(tmp_path: Path) -> None:
    """SQLite would delete it when a new database is made beside it."""
    log = tmp_path / (connect.DB_NAME + "-wal")
    log.write_bytes(b"what was written last")
    with pytest.raises(DamageError, match="is missing beside its log"):
        SqliteStore.open(tmp_path, create=True)
    assert log.read_bytes() == b"what was written last"


def test_a_run_that_could_not_be_made_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk while the file is written: said in words, and the next try makes it."""

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(UnavailableError, match="No space left"):
            SqliteStore.open(tmp_path, create=True)
    assert [path.name for path in tmp_path.iterdir()] == ["writer.lock"]
    SqliteStore.open(tmp_path, create=True).close()


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    """A run written by a newer program says so instead of being misread, and stays as it is."""
    rows.started(tmp_path).close()
    db = apsw.Connection(str(tmp_path / connect.DB_NAME))
    db.pragma("user_version", 99)
    db.close()
    for read_only in (False, True):
        with pytest.raises(
            InputError, match=f"schema version 99, this program knows versions up to {len(connect.migrations())}"
        ):
            SqliteStore.open(tmp_path, create=True, read_only=read_only)


def test_an_older_schema_is_brought_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer applies the missing versions in one transaction; a reader asks for that; a failing version changes nothing."""
    rows.started(tmp_path).close()
    scripts = connect.migrations()
    monkeypatch.setattr(connect, "migrations", lambda: [*scripts, "CREATE TABLE fresh (x); CREATE TABLE fresh (x)"])
    with pytest.raises(InvariantError, match="fresh"):
        SqliteStore.open(tmp_path, create=False)
    monkeypatch.setattr(connect, "migrations", lambda: [*scripts, "CREATE TABLE fresh (x INTEGER NOT NULL) STRICT"])
    with pytest.raises(InputError, match="older version"):
        SqliteStore.open(tmp_path, create=False, read_only=True)
    with SqliteStore.open(tmp_path, create=False) as store:
        assert store.query("SELECT count(*) FROM fresh") == [(0,)]
        store.commit(rows.orders(0, 1, seq=1))
    with SqliteStore.open(tmp_path, create=False, read_only=True) as store:
        assert store.last_seq()[0] == 3


def test_a_run_opens_on_a_read_only_disk(tmp_path: Path) -> None:
    """A copy on a disk where nothing can be made is read all the same."""
    rows.started(tmp_path).close()
    disk = NoNewFiles("no-new-files")
    with SqliteStore.open(tmp_path, create=False, read_only=True, vfs=disk.name) as store:
        assert store.last_seq()[0] == 1 and integrity(store) == []
    assert disk.refused > 0
    # With a WAL beside it the database alone is not the whole story.
    (tmp_path / (connect.DB_NAME + "-wal")).write_bytes(b"")
    with pytest.raises(UnavailableError, match="read-only disk"):
        SqliteStore.open(tmp_path, create=False, read_only=True, vfs=disk.name)


def test_a_snapshot_stands_still(store: SqliteStore) -> None:
    """Several questions inside one snapshot are answered as of one moment."""
    with store.snapshot() as snapshot:
        store.commit(rows.orders(0, 5, seq=1))
        assert snapshot.query("SELECT count(*) FROM orders") == [(0,)]
        assert [row.seq for row in snapshot.journal()] == [1]
    assert store.query("SELECT count(*) FROM orders") == [(5,)]


def test_a_missing_journal_row_is_named(store: SqliteStore) -> None:
    """Reading stops at the first row that is not there."""
    store.commit(rows.orders(0, 5, seq=1))
    store._db.execute("DELETE FROM journal WHERE seq IN (6, 9)")
    with pytest.raises(DamageError, match="journal row 6 is missing"):
        list(store.journal())
    found = integrity(store)
    assert "journal row 6 is missing" in found and "journal row 9 is missing" in found


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("DELETE FROM journal WHERE seq >= 10", "the journal was left at row 11 and now ends at row 9"),
        ("DELETE FROM journal WHERE seq = 1", "the journal begins with row 2"),
        ("UPDATE journal SET chain = x'00' WHERE seq = 11", "journal row 11 has another chain value"),
        ("DELETE FROM order_line WHERE order_id LIKE '00000003%'", "order 00000003ABCDEFGH has no lines"),
        ("DELETE FROM orders WHERE order_id LIKE '00000003%'", "line 0 of order 00000003ABCDEFGH has no order"),
        (
            "DELETE FROM orders WHERE order_id LIKE '00000003%'",
            "part 00000003ABCDEFGH-1 belongs to order 00000003ABCDEFGH",
        ),
        ("UPDATE command SET seq = 77 WHERE key = 'test:2'", "command test:2 names journal row 77"),
        ("UPDATE outbox SET seq = 77 WHERE id = '3-0'", "outbox row 3-0 follows from journal row 77"),
        (
            "UPDATE stock SET qty = qty + 1 WHERE node = 'N1' AND sku = 'SKU5' AND bucket = 4",
            "accounts of SKU5 at N1 sum to 1",
        ),
        ("DELETE FROM part WHERE part_id LIKE '00000000%'", "dispatch TR-0 hands over part 00000000ABCDEFGH-1"),
        ("DELETE FROM dispatch", "payload TR-0 belongs to no dispatch"),
        ("DELETE FROM person", "payload TR-0 is sealed under the key of person P0"),
        ("DELETE FROM orders WHERE order_id LIKE '00000000%'", "address of order 00000000ABCDEFGH, which is not there"),
        ("DELETE FROM person", "address of order 00000000ABCDEFGH is sealed under the key of person P0"),
        ("UPDATE meta SET scrub = 1", "an erasure is unfinished"),
    ],
)
def test_damage_is_told_in_words(store: SqliteStore, damage: str, told: str) -> None:
    """Each kind of damage to the rows is found and named."""
    batch = rows.orders(0, 5, seq=1)
    rows.add_person(batch, "P0", 0)
    batch.addresses.append(AddressRow(batch.orders[0].order_id, "P0", b"sealed"))
    store.commit(batch)
    assert integrity(store) == []
    store._db.execute(damage)
    assert [line for line in integrity(store) if line.startswith(told)], integrity(store)


def test_a_damaged_file_is_told_in_words(tmp_path: Path) -> None:
    """Bytes that changed on disk are reported, and reading the journal names the row it cannot give."""
    with rows.started(tmp_path) as store:
        for number in range(0, 2_000, 500):
            store.commit(rows.orders(number, 500, seq=store.last_seq()[0]))
        pages = store.query("SELECT pageno FROM dbstat WHERE name = 'journal' AND pagetype = 'leaf'")
    bad = int(str(pages[len(pages) // 2][0]))
    with (tmp_path / connect.DB_NAME).open("r+b") as file:
        file.seek((bad - 1) * 4096)
        file.write(b"\xff" * 4096)
    with SqliteStore.open(tmp_path, create=False, read_only=True) as store:
        assert integrity(store) != []
        with pytest.raises(DamageError, match=r"journal row \d+ cannot be read"):
            list(store.journal())


def test_a_closed_store_is_closed_for_good(tmp_path: Path) -> None:
    """Closing twice is fine, writing after it is not, and the next writer gets the folder."""
    store = rows.started(tmp_path)
    store.close()
    store.close()
    with pytest.raises(UnavailableError, match="not open for writing"):
        store.commit(Batch())
    SqliteStore.open(tmp_path, create=False).close()


def test_the_log_is_moved_in_small_pieces_where_there_is_time(tmp_path: Path) -> None:
    """A tidy store's log does not grow until a commit has to wait for all of it; before there is a piece nothing is done."""

    def in_log(store: SqliteStore) -> int:
        log, moved = store._db.wal_checkpoint("main", apsw.SQLITE_CHECKPOINT_NOOP)
        return log - moved

    with SqliteStore.open(tmp_path, create=True) as store:
        store.commit(Batch(payloads=[PayloadRow("TR-1", "", b"x")]))
        store.tidy()
        assert 0 < in_log(store) < connect.TIDY_PAGES
        most = 0
        for k in range(40):
            store.commit(Batch(payloads=[PayloadRow(f"TR-{k}-{j}", "", b"x" * 3_000) for j in range(50)]))
            store.tidy()
            most = max(most, in_log(store))
        assert most < connect.TIDY_PAGES and store.payload("TR-39-49") is not None
