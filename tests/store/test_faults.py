"""All or nothing: whatever fails in the middle of a batch, the batch is not there and the store works on."""

import random
import shutil
from dataclasses import fields
from pathlib import Path

import apsw
import pytest

from tests.store import rows
from tests.store.disks import FaultyDisk, RecordingDisk
from tranship.core.errors import UnavailableError
from tranship.store import connect
from tranship.store.check import integrity
from tranship.store.port import AddressRow, Batch
from tranship.store.sqlite import SqliteStore


def small(store: SqliteStore) -> Batch:
    """A batch that says every statement the store has."""
    return rows.every_table(100, seq=store.last_seq()[0], audits=store.last_audit()[0])


def test_the_small_batch_has_everything(tmp_path: Path) -> None:
    """What the tests below fail at every point holds a row of every kind and changes every table."""
    with rows.started(tmp_path) as store:
        before, batch = rows.content(store), small(store)
        assert [field.name for field in fields(batch) if not getattr(batch, field.name)] == []
        store.commit(batch)
        assert [name for name, found in rows.content(store).items() if found == before[name]] == []
        tables = store.query("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'meta'")
        assert {name for (name,) in tables} == set(rows.TABLES)


@pytest.mark.parametrize("error", [apsw.FullError, apsw.IOError, KeyboardInterrupt])
def test_a_failure_at_any_statement_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    """Stopped before its first, second, ... last statement, a batch leaves no row, and goes through once nothing fails."""
    with rows.started(tmp_path) as store:
        before, batch, at = rows.content(store), small(store), 0
        expected = UnavailableError if issubclass(error, apsw.Error) else error
        while True:
            at += 1
            said = 0

            def stop(*_: object, at: int = at) -> bool:
                nonlocal said
                said += 1
                if said == at:
                    raise error("planted")
                return True

            store._db.exec_trace = stop
            try:
                store.commit(batch)
            except expected:
                store._db.exec_trace = None
                assert rows.content(store) == before, f"torn at statement {at}"
                continue
            store._db.exec_trace = None
            break
        assert at > 40  # one stop per row and statement
        assert store.last_seq()[0] == batch.journal[-1].seq and integrity(store) == []


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
@pytest.mark.parametrize(
    ("error", "reads"),
    [(apsw.FullError, False), (apsw.IOError, False), (apsw.IOError, True)],
    ids=["full", "eio", "eio too in reading"],
)
def test_a_failing_disk_operation_leaves_nothing(
    tmp_path: Path, error: type[apsw.Error], reads: bool, lasting: bool
) -> None:
    """Each write, sync (and read) refused in turn, for all n until a commit needs fewer: raised left nothing, returned everything."""
    disk = FaultyDisk(f"faulty-{error.__name__}-{reads}-{lasting}", reads=reads)
    rows.started(tmp_path / "first").close()
    refused = at = 0
    while True:
        at += 1
        folder = tmp_path / str(at)
        shutil.copytree(tmp_path / "first", folder)
        store = SqliteStore.open(folder, create=False, vfs=disk.name)
        store._db.wal_autocheckpoint(1)  # every commit also moves its pages: those operations fail in turn as well
        batch, before = small(store), rows.content(store)
        disk.arm(at, error, lasting=lasting)
        try:
            store.commit(batch)
            there = True
        except UnavailableError:
            there, refused = False, refused + 1
        reached = disk.count >= at
        disk.arm(0)
        after = rows.content(store)
        assert (after == before) is not there, f"operation {at}"
        assert there == (len(after["journal"]) == 1 + len(batch.journal))
        if not there and store._writer is not None:
            store.commit(batch)  # the very same batch, once the disk is well again
        store.close()
        with SqliteStore.open(folder, create=False) as again:
            assert integrity(again) == []
            again.commit(rows.orders(500, 2, seq=again.last_seq()[0]))
        if not reached:
            break
    assert refused >= 5 and at > 20


def fill(store: SqliteStore) -> None:
    """Commit batches of ten orders until the store refuses one."""
    while True:
        seq = store.last_seq()[0]
        store.commit(rows.orders((seq - 1) // rows.EVENTS, 10, seq=seq))


def test_a_full_database_refuses_and_goes_on(tmp_path: Path) -> None:
    """No room left (SQLite's own SQLITE_FULL): a clear error, everything acknowledged stays, and room cures it."""
    with rows.started(tmp_path) as store:
        store._db.pragma("max_page_count", store._db.pragma("page_count") + 40)
        with pytest.raises(UnavailableError, match=r"full.*make room"):
            fill(store)
        number = (store.last_seq()[0] - 1) // rows.EVENTS
        assert number > 0 and store.last_seq()[0] == 1 + rows.EVENTS * number
        assert store.query("SELECT count(*) FROM orders") == [(number,)] and integrity(store) == []
        store._db.pragma("max_page_count", 1_000_000)
        store.commit(rows.orders(number, 10, seq=store.last_seq()[0]))


def recorded(folder: Path, name: str, *, synchronous: str) -> tuple[RecordingDisk, list[int]]:
    """A run of 60 batches on a disk that keeps a log; the log's length at each acknowledgement."""
    disk = RecordingDisk(name)
    acknowledged = []
    with rows.started(folder, vfs=name) as store:
        store._db.pragma("synchronous", synchronous)
        store._db.wal_autocheckpoint(60)
        for number in range(0, 300, 5):
            acknowledged.append(len(disk.log))
            batch = rows.orders(number, 5, seq=1 + rows.EVENTS * number)
            rows.add_person(batch, f"P{number}", number)
            batch.dispatches.append(batch.dispatches[0]._replace(state="HELD"))
            batch.addresses.append(AddressRow(batch.orders[0].order_id, f"P{number}", b"a" * 64))
            store.commit(batch)
        acknowledged.append(len(disk.log))
    return disk, acknowledged


def lost(folder: Path, least: int) -> str:
    """What is wrong after a power cut, empty where nothing is: at least `least` batches are there, each of them whole."""
    try:
        with SqliteStore.open(folder, create=False) as store:
            found = integrity(store)
            seq = store.last_seq()[0]
            if found:
                return found[0]
            if (seq - 1) % 10 or (seq - 1) // 10 < least:
                return f"{least} batches were acknowledged, the journal ends at row {seq}"
            orders = store.query("SELECT count(*) FROM orders")[0][0]
            if orders != (seq - 1) // rows.EVENTS:
                return f"{orders} orders beside {seq} events"
            tables = ("dispatch", "payload", "address", "person")  # one row of each a batch
            counts = [store.query(f"SELECT count(*) FROM {table}")[0][0] for table in tables]
            return "" if counts == [(seq - 1) // 10] * 4 else f"{counts} rows of {tables} beside {seq} events"
    except Exception as error:  # noqa: BLE001  (a store that does not open has lost everything)
        return repr(error)


def cuts(disk: RecordingDisk, acknowledged: list[int], folder: Path, count: int) -> list[str]:
    """What was lost in `count` power cuts at random moments after the store was made."""
    chance = random.Random(20_101_201)
    problems = []
    for cut in range(count):
        moment = chance.randrange(acknowledged[0], len(disk.log))
        target = folder / str(cut)
        target.mkdir()
        disk.cut(moment, target, chance)
        problem = lost(target, sum(moment >= point for point in acknowledged) - 1)
        if problem:
            problems.append(f"cut {cut} after operation {moment}: {problem}")
    return problems


def test_a_power_cut_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """Whatever of the unsynced writes survives, torn or not: every acknowledged batch is there, none is there in part."""
    disk, acknowledged = recorded(tmp_path / "run", "recording-full", synchronous="FULL")
    assert cuts(disk, acknowledged, tmp_path, 120) == []


def test_a_power_cut_while_a_run_is_made_costs_nothing(tmp_path: Path) -> None:
    """Whatever half of a new run is on the disk, the same command makes it, or goes on with it."""
    disk, acknowledged = recorded(tmp_path / "run", "recording-new", synchronous="FULL")
    chance = random.Random(1)
    for cut in range(40):
        target = tmp_path / str(cut)
        target.mkdir()
        disk.cut(chance.randrange(acknowledged[0] + 1), target, chance)
        with SqliteStore.open(target, create=True) as store:
            if store.last_seq()[0] == 0:
                store.commit(rows.opening(1_000_000))
            store.commit(rows.orders(0, 5, seq=1))
            assert integrity(store) == [], f"cut {cut}"


def test_the_power_cut_test_can_fail(tmp_path: Path) -> None:
    """With synchronous = NORMAL acknowledged batches do get lost: the test above would see it."""
    disk, acknowledged = recorded(tmp_path / "run", "recording-normal", synchronous="NORMAL")
    assert len(cuts(disk, acknowledged, tmp_path, 40)) > 10


@pytest.mark.soak
def test_ten_thousand_power_cuts(tmp_path: Path) -> None:
    """The same, many more times."""
    disk, acknowledged = recorded(tmp_path / "run", "recording-soak", synchronous="FULL")
    assert cuts(disk, acknowledged, tmp_path, 10_000) == []


def test_the_database_is_where_the_name_says(tmp_path: Path) -> None:
    """One file per run, readable by its owner only through the folder."""
    rows.started(tmp_path / "run").close()
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == [connect.DB_NAME, "writer.lock"]
    assert (tmp_path / "run").stat().st_mode & 0o777 == 0o700
