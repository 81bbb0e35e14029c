"""A transaction that one thread writes and another commits: as whole, as durable and as alone as one in a single step."""

import asyncio
import subprocess
import sys
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
from tranship.store.port import Batch, PayloadRow
from tranship.store.sqlite import SqliteStore
from tranship.store.turn import Turn
from tranship.store.vault_writer import Entry, VaultWriter


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """An empty store."""
    with SqliteStore.open(tmp_path / "run", create=True) as found:
        yield found


def batch(k: int) -> Batch:
    """Something to write."""
    return Batch(payloads=[PayloadRow(f"TR-{k}", "", b"x")])


def elsewhere(work: object) -> None:
    """On another thread, and wait for it."""
    assert callable(work)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()


def test_what_is_begun_is_seen_once_it_is_finished_on_whatever_thread(store: SqliteStore) -> None:
    """Nobody sees it before; afterwards it is as if it had been committed."""
    assert store.begin(batch(1)) and store.payload("TR-1") is None
    elsewhere(store.finish)
    assert store.payload("TR-1") is not None
    store.commit(batch(2))
    assert store.payload("TR-2") is not None


def test_while_one_is_begun_nobody_else_writes(store: SqliteStore) -> None:
    """A second one is not begun, by no thread; a commit waits until the first is finished."""
    assert store.begin(batch(1)) and not store.begin(batch(2))
    waits = threading.Thread(target=lambda: store.commit(batch(3)))
    waits.start()
    assert store.payload("TR-3") is None
    store.finish()
    waits.join(20)
    assert [store.payload(f"TR-{k}") is not None for k in (1, 2, 3)] == [True, False, True]
    assert store.begin(batch(2))
    store.finish()
    assert store.payload("TR-2") is not None


def test_what_is_wrong_is_not_begun_and_commit_says_why(store: SqliteStore) -> None:
    """A row that is there already: nothing is left open, the next one goes through."""
    store.commit(Batch(tokens=[rows.token(1, 0)]))
    wrong = Batch(tokens=[rows.token(1, 0)._replace(sealed=b"other")], payloads=[PayloadRow("TR-9", "", b"x")])
    assert not store.begin(wrong)
    assert store.payload("TR-9") is None and store.begin(batch(1))
    store.finish()


def test_a_batch_that_is_no_batch_leaves_nothing_open(store: SqliteStore) -> None:
    """A fault of the caller is raised, and does not hold up anybody else."""
    with pytest.raises(TypeError):
        store.begin(Batch(payloads=[PayloadRow("TR-1", "", object())]))  # type: ignore[arg-type]
    store.commit(batch(1))
    assert store.payload("TR-1") is not None


def test_a_foreign_lock_is_not_waited_for(store: SqliteStore) -> None:
    """Somebody else's program holds the file: beginning says no at once, a commit waits as it always does."""
    other = apsw.Connection(str(store.path))
    other.execute("BEGIN IMMEDIATE")
    assert not store.begin(batch(1))
    other.execute("ROLLBACK")
    other.close()
    assert store.begin(batch(1))
    store.finish()


@pytest.mark.parametrize("at", [1, 2, 3])
def test_a_disk_that_fails_at_the_end_leaves_nothing(tmp_path: Path, at: int) -> None:
    """Where the commit is told to have failed nothing of it is there, now or after opening anew; otherwise all of it is."""
    disk = FaultyDisk(f"two-steps-{at}")
    with SqliteStore.open(tmp_path / "run", create=True, vfs=disk.name) as store:
        store.commit(batch(1))
        assert store.begin(batch(2))
        disk.arm(at, apsw.FullError)
        told = False
        try:
            store.finish()
        except UnavailableError:
            told = True
        disk.arm(0)
        assert (store.payload("TR-2") is None) == told
        store.commit(batch(3))
    with SqliteStore.open(tmp_path / "run", create=False) as store:
        assert (store.payload("TR-2") is None) == told and store.payload("TR-3") is not None


_KILLED = """
import os, sys
from pathlib import Path
from tests.store.test_two_steps import batch
from tranship.store.sqlite import SqliteStore
store = SqliteStore.open(Path(sys.argv[1]), create=True)
store.commit(batch(1))
assert store.begin(batch(2))
os.kill(os.getpid(), 9)
"""


def test_a_process_killed_between_the_steps_leaves_nothing_of_it(tmp_path: Path) -> None:
    """What was begun is gone, what was committed before is there, and the next writer writes."""
    done = subprocess.run([sys.executable, "-c", _KILLED, str(tmp_path / "run")], check=False)
    assert done.returncode == -9
    with SqliteStore.open(tmp_path / "run", create=False) as store:
        assert store.payload("TR-1") is not None and store.payload("TR-2") is None
        store.commit(batch(2))


def test_a_turn_is_taken_again_by_its_thread_and_by_no_other() -> None:
    """It is free once it was given back as often as it was taken; what was left belongs to nobody until it is adopted."""
    turn, seen = Turn(), []
    with turn, turn:
        elsewhere(lambda: seen.append(turn.taken()))
    elsewhere(lambda: seen.append(turn.taken()))
    assert seen == [False, True]
    turn = Turn()
    assert turn.taken() and not turn.taken()
    turn.leave()
    elsewhere(lambda: seen.append(turn.taken()))
    turn.adopt()
    with turn:
        pass
    turn.__exit__()
    assert seen[2:] == [False] and turn.taken()


def test_messages_that_come_one_by_one_and_many_at_once_make_one_chain(store: SqliteStore) -> None:
    """Begun by the loop or queued for the thread: each is answered once it is on disk, and the audit has no hole."""
    writer = VaultWriter(store)
    begun: list[bool] = []
    begin = store.begin

    def seen(batch: Batch) -> bool:
        begun.append(begin(batch))
        return begun[-1]

    store.begin = seen  # type: ignore[method-assign]

    async def ask() -> None:
        for k in range(20):
            await writer.keep(entry(k))
            assert store.payload(f"TR-{k}") is not None
        await asyncio.gather(*(writer.keep(entry(k)) for k in range(100, 140)))
        worse = await asyncio.gather(writer.keep(Entry(audits=[draft("x" * 999)])), return_exceptions=True)
        assert isinstance(worse[0], UnavailableError)
        await writer.keep(entry(99))

    asyncio.run(ask())
    writer.keep_now(entry(200))
    writer.close()
    assert begun.count(True) >= 10, "most that came alone were begun at once"
    assert writer.entries == 62 and check(store.audit(), store.last_audit()).good and store.last_audit()[0] == 62


def test_one_that_is_begun_before_the_end_is_kept(store: SqliteStore) -> None:
    """Closing while a message is under way writes it; what is handed in afterwards is turned away."""
    writer = VaultWriter(store)

    async def ask() -> list[object]:
        first = writer.hand(entry(1))
        writer.close()
        with pytest.raises(UnavailableError, match="closing"):
            writer.hand(entry(2))
        return list(await asyncio.gather(first, return_exceptions=True))

    assert asyncio.run(ask()) == [None]
    assert store.payload("TR-1") is not None and store.begin(batch(7))
    store.finish()
