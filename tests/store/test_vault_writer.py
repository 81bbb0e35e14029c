import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from tests.masking.vault.vaults import Ground
from tests.store import rows
from tests.store.disks import FaultyDisk
from tranship.core.errors import InvariantError, UnavailableError
from tranship.masking.audit import AuditDraft, check
from tranship.store.port import Batch, PayloadRow
from tranship.store.sqlite import SqliteStore
from tranship.store.vault_writer import Entry, VaultWriter


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """An empty store."""
    with SqliteStore.open(tmp_path, create=True) as found:
        yield found


@pytest.fixture
def writer(store: SqliteStore) -> Iterator[VaultWriter]:
    """Its writer."""
    found = VaultWriter(store)
    yield found
    found.close()


def draft(subject: str) -> AuditDraft:
    """What an audit hears of a message."""
    return AuditDraft(1, "proxy", "create", "AMZ", "/orders", "f" * 64, subject, "", [("name", "drop", b"")], "sent")


def entry(k: int) -> Entry:
    """A message with a token, its bytes and its audit row."""
    return Entry(tokens=[rows.token(k, 0)], payloads=[PayloadRow(f"TR-{k}", "", b"x")], audits=[draft(f"O{k}")])


async def all_kept(writer: VaultWriter, entries: list[Entry]) -> list[object]:
    """What became of entries that were handed in at once."""
    return list(await asyncio.gather(*map(writer.keep, entries), return_exceptions=True))


def test_what_is_answered_is_on_disk_in_few_transactions(store: SqliteStore, writer: VaultWriter) -> None:
    """Many at once share commits; each is in the store when its caller hears of it; the audit is one chain."""
    assert asyncio.run(all_kept(writer, [entry(k) for k in range(400)])) == [None] * 400
    assert writer.entries == 400 and writer.commits < 100 and len(writer.times_s) == writer.commits
    writer.keep_now(entry(400))
    assert len(store.tokens(0, 999)) == 401 and store.payload("TR-400") is not None
    assert check(store.audit(), store.last_audit()).good and store.last_audit()[0] == 401


def test_the_same_token_from_two_messages_is_fine(store: SqliteStore, writer: VaultWriter) -> None:
    """Two requests for one order bring the same row: both are answered."""
    row = rows.token(1, 0)
    assert asyncio.run(all_kept(writer, [Entry(tokens=[row]), Entry(tokens=[row])])) == [None, None]
    assert [each for _, each in store.tokens(0, 9)] == [row]


def test_a_wrong_entry_takes_no_other_with_it(store: SqliteStore, writer: VaultWriter) -> None:
    """A row that the store refuses fails its own message; all the others are kept, and the audit has no hole."""
    bad = Entry(tokens=[rows.token(3, 0)._replace(sealed=b"other")], audits=[draft("bad")])
    worse = Entry(audits=[draft("x" * 999)])
    told = asyncio.run(all_kept(writer, [*map(entry, range(10)), bad, worse, *map(entry, range(10, 20))]))
    assert [type(each) for each in told] == [type(None)] * 10 + [InvariantError, UnavailableError] + [type(None)] * 10
    assert check(store.audit(), store.last_audit()).good and store.last_audit()[0] == 20


def test_a_disk_that_fails_answers_nobody_with_success(tmp_path: Path) -> None:
    """Every message of the group hears that it is not kept; afterwards the same ones go through."""
    disk = FaultyDisk("vault-writer-disk")
    store = SqliteStore.open(tmp_path, create=True, vfs=disk.name)
    writer = VaultWriter(store)
    writer.keep_now(entry(1000))
    entries = [entry(k) for k in range(30)]
    disk.arm(1, apsw.FullError, lasting=True)
    told = asyncio.run(all_kept(writer, entries))
    disk.arm(0)
    assert all(isinstance(each, UnavailableError) for each in told) and len(store.tokens(0, 99)) == 1
    assert writer.failures == 30
    again = asyncio.run(all_kept(writer, entries))
    writer.close()
    assert again == [None] * 30 and len(store.tokens(0, 99)) == 31
    assert check(store.audit(), store.last_audit()).good
    store.close()


class Slow(SqliteStore):
    """A store whose commits wait until they may."""

    may = threading.Event()

    def commit(self, batch: Batch) -> None:
        self.may.wait(10)
        super().commit(batch)

    def commit_now(self, batch: Batch) -> bool:
        return self.may.is_set() and super().commit_now(batch)


def test_the_queue_is_bounded_and_is_emptied_at_the_end(tmp_path: Path) -> None:
    """More than so many are turned away at once; those that wait are written before the writer ends."""
    with Slow.open(tmp_path, create=True) as store:
        store.may.clear()
        writer = VaultWriter(store, most_waiting=5)

        async def ask() -> list[object]:
            tasks = [asyncio.ensure_future(writer.keep(entry(k))) for k in range(20)]
            await asyncio.sleep(0)
            store.may.set()
            return list(await asyncio.gather(*tasks, return_exceptions=True))

        told = asyncio.run(ask())
        turned = [each for each in told if isinstance(each, UnavailableError)]
        assert 13 <= len(turned) <= 15 and "too many" in str(turned[0])
        store.may.clear()
        waiting = threading.Thread(target=lambda: writer.keep_now(entry(99)))
        waiting.start()
        store.may.set()
        waiting.join()
        writer.close()
        writer.close()
        assert store.payload("TR-99") is not None and len(store.tokens(0, 99)) == 21 - len(turned)
        with pytest.raises(UnavailableError, match="closing"):
            writer.keep_now(entry(100))


def test_a_caller_that_goes_away_harms_nobody(store: SqliteStore, writer: VaultWriter) -> None:
    """A request that was given up is written or not, and the next ones are answered."""

    async def ask() -> None:
        task = asyncio.ensure_future(writer.keep(entry(1)))
        await asyncio.sleep(0)
        task.cancel()
        await writer.keep(entry(2))

    asyncio.run(ask())
    assert store.payload("TR-2") is not None


def test_upkeep_has_its_turn_while_nothing_waits(store: SqliteStore) -> None:
    """It is called again and again until it has had enough; what goes wrong in it stops nobody."""
    turns: list[int] = []
    done = threading.Event()

    def upkeep() -> bool:
        turns.append(1)
        if len(turns) == 3:
            done.set()
            raise UnavailableError("no key")
        return True

    writer = VaultWriter(store, upkeep=upkeep, idle_s=0.01)
    assert done.wait(10)
    writer.keep_now(entry(1))
    writer.close()
    assert writer.failures >= 1 and len(turns) >= 3


def test_a_memory_store_is_written_alike() -> None:
    """The writer needs the port only."""
    ground = Ground()
    writer = VaultWriter(ground.store)
    session = ground.vault.session("AMZ")
    token = session.token("name", "O1", "Ada")
    writer.keep_now(Entry(tokens=session.rows, audits=[draft("O1")]))
    writer.close()
    assert ground.store.token("AMZ", token) is not None and ground.store.last_audit()[0] == 1
