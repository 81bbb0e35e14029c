"""A commit by whoever asks, without waiting for others: as whole and as durable as any, or it did not take place."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from tests.store import rows
from tests.store.disks import FaultyDisk
from tests.store.test_vault_writer import draft, entry
from tranship.core.errors import UnavailableError
from tranship.masking.audit import check
from tranship.store import vault_writer
from tranship.store.port import Batch, PayloadRow
from tranship.store.sqlite import SqliteStore
from tranship.store.vault_writer import Entry, VaultWriter


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """An empty store."""
    with SqliteStore.open(tmp_path / "run", create=True) as found:
        yield found


def batch(k: int) -> Batch:
    """Something to write."""
    return Batch(payloads=[PayloadRow(f"TR-{k}", "", b"x")])


def test_it_is_a_commit_where_nobody_else_writes(store: SqliteStore) -> None:
    """It is there when it says so; the next commit, of either kind, goes on from there."""
    assert store.commit_now(batch(1)) and store.payload("TR-1") is not None
    store.commit(batch(2))
    assert store.commit_now(batch(3)) and store.payload("TR-3") is not None


def test_it_waits_for_no_other_thread(store: SqliteStore) -> None:
    """While another thread has a transaction open it says no at once, and nothing was done."""
    inside, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with store._transaction():
            inside.set()
            leave.wait(20)

    other = threading.Thread(target=hold)
    other.start()
    assert inside.wait(20) and not store.commit_now(batch(1))
    leave.set()
    other.join(20)
    assert store.payload("TR-1") is None and store.commit_now(batch(1))


def test_it_waits_for_no_foreign_lock(store: SqliteStore) -> None:
    """Somebody else's program holds the file: it says no at once, while a commit waits as it always does."""
    other = apsw.Connection(str(store.path))
    other.execute("BEGIN IMMEDIATE")
    assert not store.commit_now(batch(1))
    waits = threading.Thread(target=lambda: store.commit(batch(2)))
    waits.start()
    other.execute("ROLLBACK")
    other.close()
    waits.join(20)
    assert store.payload("TR-1") is None and store.payload("TR-2") is not None


def test_what_is_wrong_leaves_nothing_and_commit_says_why(store: SqliteStore) -> None:
    """A token that stands for something else: nothing of the batch is there, and the next one goes through."""
    store.commit(Batch(tokens=[rows.token(1, 0)]))
    wrong = Batch(tokens=[rows.token(1, 0)._replace(sealed=b"other")], payloads=[PayloadRow("TR-9", "", b"x")])
    assert not store.commit_now(wrong) and store.payload("TR-9") is None
    assert store.commit_now(batch(1))


@pytest.mark.parametrize("at", [1, 2, 3])
def test_on_a_disk_that_fails_its_word_is_true(tmp_path: Path, at: int) -> None:
    """Where it says no nothing is there, now or after opening anew; where it says yes all of it is."""
    disk = FaultyDisk(f"commit-now-{at}")
    with SqliteStore.open(tmp_path / "run", create=True, vfs=disk.name) as store:
        store.commit(batch(1))
        disk.arm(at, apsw.FullError)
        done = store.commit_now(batch(2))
        disk.arm(0)
        assert (store.payload("TR-2") is not None) == done
        store.commit(batch(3))
    with SqliteStore.open(tmp_path / "run", create=False) as store:
        assert (store.payload("TR-2") is not None) == done and store.payload("TR-3") is not None


def several(k: int) -> Entry:
    """As many messages as their caller commits itself."""
    audits = [draft(f"O{k}-{j}") for j in range(vault_writer.LEAST_NOW)]
    return Entry(tokens=[rows.token(k, 0)], payloads=[PayloadRow(f"TR-{k}", "", b"x")], audits=audits)


class Watched(SqliteStore):
    """A store that tells which of its commits their callers made."""

    now: list[bool]

    def commit_now(self, batch: Batch) -> bool:
        self.now.append(super().commit_now(batch))
        return self.now[-1]


def test_messages_one_by_one_and_many_at_once_make_one_chain(tmp_path: Path) -> None:
    """By the loop or by the thread: each is answered once it is on disk, a wrong one is told, and the audit has no hole."""
    with Watched.open(tmp_path / "run", create=True) as store:
        store.now = []
        writer = VaultWriter(store)

        async def ask() -> None:
            for k in range(20):
                await writer.hand(several(k))
                assert store.payload(f"TR-{k}") is not None
            await asyncio.gather(*(writer.keep(entry(k)) for k in range(100, 140)), writer.hand(entry(98)))
            with pytest.raises(UnavailableError):
                await writer.hand(Entry(audits=[draft("x" * 999)]))
            await writer.hand(entry(99))

        asyncio.run(ask())
        writer.keep_now(entry(200))
        writer.close()
        assert store.now.count(True) >= 20
        audits = 20 * vault_writer.LEAST_NOW + 43
        assert (
            writer.entries == 63 and check(store.audit(), store.last_audit()).good and store.last_audit()[0] == audits
        )


def test_after_a_slow_commit_callers_leave_it_to_the_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that takes long holds up the caller's thread once, not each time."""
    monkeypatch.setattr(vault_writer, "SLOW_S", 0.0)  # every commit counts as slow
    with Watched.open(tmp_path / "run", create=True) as store:
        store.now = []
        writer = VaultWriter(store)

        async def ask() -> None:
            for k in range(10):
                await writer.hand(several(k))

        asyncio.run(ask())
        writer.close()
        assert store.now == [True] and len(store.tokens(0, 99)) == 10


def test_large_and_small_ones_queue(tmp_path: Path) -> None:
    """An entry of many messages takes its time on the thread, and one alone has time."""
    with Watched.open(tmp_path / "run", create=True) as store:
        store.now = []
        writer = VaultWriter(store)
        many = Entry(audits=[draft(f"O{k}") for k in range(vault_writer.MOST_NOW + 1)])

        async def ask() -> None:
            await writer.hand(many)
            await writer.hand(entry(1))

        asyncio.run(ask())
        writer.close()
        assert store.now == [] and store.last_audit()[0] == vault_writer.MOST_NOW + 2
