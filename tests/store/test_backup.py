import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.store import rows
from tranship.core.errors import DamageError, InputError, UnavailableError
from tranship.core.order import Person
from tranship.store.backup import backup, examine, restore
from tranship.store.check import integrity
from tranship.store.people import People
from tranship.store.port import Batch
from tranship.store.sqlite import SqliteStore

ADA = Person(ref="17850", name="Ada Example")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A closed run with some orders and one person."""
    folder = tmp_path / "run"
    with rows.started(folder) as store:
        people = People.open(store, folder, create=True)
        store.commit(Batch(people=[people.vault.seal("P1", "shop", ADA)]))
        store.commit(rows.orders(0, 50, seq=1))
    return folder


def names(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


def test_a_backup_restores_to_the_same_run(run: Path, tmp_path: Path) -> None:
    """What was backed up is what comes back, row for row, and it goes on from there."""
    progress: list[float] = []
    manifest = backup(run, tmp_path / "saved", progress=progress.append)
    assert names(tmp_path / "saved") == ["manifest.json", "tranship.db"] and progress[-1] == 1
    assert (manifest.seq, manifest.party) == (101, "demo")
    assert restore(tmp_path / "saved", tmp_path / "again") == manifest
    with SqliteStore.open(run, create=False) as one, SqliteStore.open(tmp_path / "again", create=False) as two:
        assert rows.content(one) == rows.content(two)
        two.commit(rows.orders(50, 5, seq=101))
        assert integrity(two) == []
        with pytest.raises(UnavailableError, match="No such file"):
            People.open(two, tmp_path / "again", create=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again", "run", "saved"]


def test_with_the_key_people_come_back_too(run: Path, tmp_path: Path) -> None:
    """With the key file in the backup the restored run reads its people; the file stays private."""
    backup(run, tmp_path / "saved", with_key=True)
    restore(tmp_path / "saved", tmp_path / "again")
    for folder in ("saved", "again"):
        assert (tmp_path / folder / "tranship.key").stat().st_mode & 0o777 == 0o600
        assert (tmp_path / folder).stat().st_mode & 0o777 == 0o700
    with SqliteStore.open(tmp_path / "again", create=False) as store:
        assert People.open(store, tmp_path / "again", create=False).read("P1") == ADA


def test_a_backup_while_orders_come_in_is_one_moment(run: Path, tmp_path: Path) -> None:
    """Taken beside a busy writer, a copy holds whole batches up to some row, whatever came after."""
    with SqliteStore.open(run, create=False) as store:
        stop = threading.Event()

        def write() -> None:
            while not stop.is_set():
                seq = store.last_seq()[0]
                store.commit(rows.orders((seq - 1) // rows.EVENTS, 20, seq=seq))

        writer = threading.Thread(target=write)
        writer.start()
        manifests = [backup(run, tmp_path / f"saved{k}") for k in range(3)]
        stop.set()
        writer.join()
        assert store.last_seq()[0] > manifests[-1].seq > manifests[0].seq
        assert integrity(store) == []
    for k, manifest in enumerate(manifests):
        restore(tmp_path / f"saved{k}", tmp_path / f"again{k}")
        with SqliteStore.open(tmp_path / f"again{k}", create=False, read_only=True) as copy:
            assert copy.last_seq()[0] == manifest.seq and (manifest.seq - 1) % 20 == 0
            assert integrity(copy) == []


def test_the_ports_backup_opens_as_a_store(run: Path, tmp_path: Path) -> None:
    """`Store.backup` makes the same copy; it opens where it lies."""
    with SqliteStore.open(run, create=False) as store:
        store.backup(tmp_path / "saved")
    with SqliteStore.open(tmp_path / "saved", create=False, read_only=True) as copy:
        assert copy.last_seq()[0] == 101


def test_nothing_is_overwritten(run: Path, tmp_path: Path) -> None:
    """Neither a backup nor a run that is there already; an empty folder is fine."""
    backup(run, tmp_path / "saved")
    with pytest.raises(InputError, match="holds something"):
        backup(run, tmp_path / "saved")
    with pytest.raises(InputError, match="holds something"):
        restore(tmp_path / "saved", run)
    (tmp_path / "empty").mkdir()
    restore(tmp_path / "saved", tmp_path / "empty")
    assert "tranship.db" in names(tmp_path / "empty")
    with pytest.raises(InputError, match="no run here"):
        backup(tmp_path / "nowhere", tmp_path / "saved2")
    assert not (tmp_path / "saved2").exists()


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lambda saved: flip(saved / "tranship.db", 5_000), r"tranship\.db has changed since the backup was made"),
        (lambda saved: flip(saved / "tranship.key", 20), r"tranship\.key has changed"),
        (lambda saved: cut(saved / "tranship.db"), r"tranship\.db has \d+ bytes, the manifest says"),
        (lambda saved: (saved / "tranship.key").unlink(), r"tranship\.key is missing"),
        (lambda saved: cut(saved / "manifest.json"), r"manifest\.json cannot be read"),
        (lambda saved: edit(saved, lambda m: m["files"].update({"../evil": m["files"]["tranship.db"]})), "no part of a backup"),
        (lambda saved: edit(saved, lambda m: m.update(seq=99)), "does not end where its manifest says"),
        (lambda saved: (saved / "manifest.json").unlink(), r"has no manifest\.json"),
        (lambda saved: edit(saved, lambda m: m.update(format=2)), "backup format 2"),
    ],
)  # fmt: skip
def test_a_damaged_backup_is_refused_by_name(
    run: Path, tmp_path: Path, harm: Callable[[Path], object], told: str
) -> None:
    """Changed, cut, missing, interrupted or too new: the restore says which file and leaves nothing behind."""
    backup(run, tmp_path / "saved", with_key=True)
    harm(tmp_path / "saved")
    with pytest.raises((DamageError, InputError), match=told):
        restore(tmp_path / "saved", tmp_path / "again")
    assert names(tmp_path) == ["run", "saved"]


def test_a_damaged_run_makes_no_backup(run: Path, tmp_path: Path) -> None:
    """A copy that does not check out is not called a backup."""
    with SqliteStore.open(run, create=False) as store:
        store._db.execute("DELETE FROM journal WHERE seq = 50")
    with pytest.raises(DamageError, match="journal row 50 is missing"):
        backup(run, tmp_path / "saved")
    assert names(tmp_path) == ["run"]


def test_a_backup_can_be_examined_alone(run: Path, tmp_path: Path) -> None:
    """Its manifest agrees with its files."""
    manifest = backup(run, tmp_path / "saved")
    assert examine(tmp_path / "saved") == manifest and manifest.key_id


def flip(path: Path, at: int) -> None:
    """Change one bit."""
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def cut(path: Path) -> None:
    """Lose the end of a file."""
    path.write_bytes(path.read_bytes()[:-100])


def edit(saved: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the manifest."""
    manifest = json.loads((saved / "manifest.json").read_text())
    change(manifest)
    (saved / "manifest.json").write_text(json.dumps(manifest))
