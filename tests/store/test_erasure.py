import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import apsw
import numpy as np
import pytest

from tests.store import rows
from tranship.core.errors import UnavailableError
from tranship.core.order import Person
from tranship.store import erasure
from tranship.store.check import integrity
from tranship.store.people import People, Vault
from tranship.store.port import AddressRow, Batch, PayloadRow, PersonRow
from tranship.store.sqlite import SqliteStore

ORDERS = 10_000 if os.environ.get("TRANSHIP_SOAK") else 1_000
ERASED = 100
PIECE = 16


def someone(k: int) -> Person:
    """A person whose every field can be found again."""
    return Person(
        ref=f"customer-{k:06d}", name=f"Nomen Nescio {k:06d}", street=f"{k:06d} Forget-me-not Lane", city=f"Oblivion {k:06d}",
        phone=f"+1-555-{k:06d}", email=f"nomen.{k:06d}@example.com",
    )  # fmt: skip


def filled(folder: Path, count: int) -> tuple[SqliteStore, People]:
    """A run in which each order has a person of its own, committed in batches of several sizes."""
    store = rows.started(folder)
    people = People.open(store, folder, create=True)
    number, sizes = 0, (1, 16, 50)
    while number < count:
        size = min(sizes[number % 3], count - number)
        batch = rows.orders(number, size, seq=store.last_seq()[0])
        for k in range(number, number + size):
            batch.people.append(people.vault.seal(person_id(k), "shop", someone(k)))
            order = batch.orders[k - number] = batch.orders[k - number]._replace(person_id=person_id(k))
            batch.dispatches.append(rows.sending(f"TR-{k}", order.order_id))
            batch.payloads.append(PayloadRow(f"TR-{k}", person_id(k), sealed_bytes(k)))
            if k % 3 == 0:
                batch.addresses.append(AddressRow(order.order_id, person_id(k), sealed_bytes(-k - 1)))
        store.commit(batch)
        number += size
    return store, people


def sealed_bytes(k: int) -> bytes:
    """What was sealed for a person: mostly a part of a page, now and then more than one."""
    return random.Random(f"{k}").randbytes(6_000 if k % 40 == 0 else 100 + abs(k) % 400)


def person_id(k: int) -> str:
    """Ids in no order, as keyed ids are: their index is filled everywhere at once."""
    return f"P{(k * 7_919_777) % 10_000_019:08d}"


def secrets_of(row: PersonRow, person: Person) -> Iterable[bytes]:
    """What must not be found: clear text, and any 16 bytes in a row of key, sealed data and blind index."""
    for text in (person.ref, person.name, person.street, person.city, person.phone, person.email):
        yield text.encode()
    for value in (row.wrapped_key, row.sealed, row.blind):
        for at in range(0, len(value) - PIECE + 1, PIECE):
            yield value[at : at + PIECE]


def traces(folder: Path, wanted: Iterable[bytes], copy: Path) -> list[str]:
    """Where any of the byte strings is in any file of the folder (of a copy: reading the originals would break their locks)."""
    shutil.rmtree(copy, ignore_errors=True)
    subprocess.run(["cp", "-r", str(folder), str(copy)], check=True)
    return [f"{piece!r} in {path.name}" for path in copy.rglob("*") for piece in among(path.read_bytes(), wanted)]


def among(content: bytes, wanted: Iterable[bytes]) -> set[bytes]:
    """Which of the byte strings (8 bytes or more) the content holds, at whatever place; thousands are sought at once."""
    by_start: dict[int, list[bytes]] = {}
    for piece in wanted:
        by_start.setdefault(int.from_bytes(piece[:8], "little"), []).append(piece)
    starts, found = np.array(list(by_start), np.uint64), set()
    for shift in range(min(8, max(0, len(content) - 7))):
        words = np.frombuffer(content, "<u8", (len(content) - shift) // 8, shift)
        for k in np.flatnonzero(np.isin(words, starts)):
            at = shift + 8 * int(k)
            found |= {piece for piece in by_start[int(words[k])] if content.startswith(piece, at)}
    return found


def test_erased_people_are_in_no_file(tmp_path: Path) -> None:
    """A hundred people erased out of many: no name, street, e-mail, key or sealed byte is left; the journal is as it was."""
    folder = tmp_path / "run"
    store, people = filled(folder, ORDERS)
    chosen = [k * (ORDERS // ERASED) + k % 7 for k in range(ERASED)]
    held = {k: store.person(person_id(k)) for k in chosen}
    wanted = [piece for k, row in held.items() if row for piece in secrets_of(row, someone(k))]
    sent = [sealed_bytes(one) for k in chosen for one in (k, *((-k - 1,) if k % 3 == 0 else ()))]
    wanted += [data[at : at + PIECE] for data in sent for at in range(0, len(data) - PIECE + 1, PIECE)]
    journal, others = list(store.journal()), rows.content(store)
    assert traces(folder, wanted, tmp_path / "copy"), "the search finds what is there before the erasure"
    assert people.read(person_id(chosen[0])) == someone(chosen[0])

    alone, together = chosen[:10], chosen[10:]
    for k in alone:
        assert store.erase(person_id(k)) is True
    people.forget([person_id(k) for k in alone])
    assert people.erase([person_id(k) for k in together]) == len(together)

    assert traces(folder, wanted, tmp_path / "copy") == []
    assert list(store.journal()) == journal
    after = rows.content(store)
    assert {name for name in after if after[name] != others[name]} == {"person", "payload", "address"}
    for k in chosen:
        assert store.payload(f"TR-{k}") is None and store.address(f"{k:08d}ABCDEFGH") is None
    for k in range(ORDERS):
        expected = None if k in chosen else someone(k)
        assert people.read(person_id(k)) == expected
        assert people.find("shop", someone(k).ref) == (None if k in chosen else person_id(k))
    assert integrity(store) == []
    store.close()
    assert traces(folder, wanted, tmp_path / "copy") == []


def test_the_room_of_what_was_sealed_is_given_back(tmp_path: Path) -> None:
    """Zeros stay where a few people were erased; where they are a third of a table it is written anew without them."""
    store, _ = filled(tmp_path / "run", 200)
    assert store.erase_many([person_id(k) for k in range(60)]) == 60
    sql = "SELECT count(*), sum(sealed = zeroblob(length(sealed))) FROM payload"
    assert store.query(sql) == [(200, 60)] and integrity(store) == []
    assert store.erase_many([person_id(k) for k in range(60, 120)]) == 60
    assert store.query(sql) == [(80, 0)] and integrity(store) == []
    assert [store.payload(f"TR-{k}") is None for k in range(200)] == [True] * 120 + [False] * 80
    indexes = "SELECT count(*) FROM sqlite_schema WHERE type = 'index' AND tbl_name IN ('payload', 'address', 'person')"
    assert store.query(indexes) == [(6,)]
    store.close()


def test_no_clear_text_is_ever_written(tmp_path: Path) -> None:
    """Names and streets are in no file of the folder, erased or not."""
    store, _ = filled(tmp_path / "run", 60)
    words = [b"Nomen Nescio", b"Forget-me-not", b"Oblivion", b"example.com", b"+1-555-0", b"customer-"]
    assert traces(tmp_path / "run", words, tmp_path / "copy") == []
    store.close()
    assert traces(tmp_path / "run", words, tmp_path / "copy") == []


def test_a_reader_in_the_way_is_told_and_the_next_call_finishes(tmp_path: Path) -> None:
    """While someone reads, the WAL cannot be cut: that is said, nothing is claimed, and calling again completes it."""
    folder = tmp_path / "run"
    store, people = filled(folder, 200)
    row = store.person(person_id(7))
    assert row is not None
    store._db.set_busy_timeout(20)
    wanted = list(secrets_of(row, someone(7)))
    with SqliteStore.open(folder, create=False, read_only=True) as reader, reader.snapshot() as snapshot:
        with pytest.raises(UnavailableError, match=r"erased in the database; the WAL still holds.*Close readers"):
            people.erase([person_id(7)])
        assert store.person(person_id(7)) is None and people.find("shop", someone(7).ref) is None
        assert snapshot.query("SELECT count(*) FROM person") == [(200,)]  # the reader's moment was before
        assert traces(folder, wanted, tmp_path / "copy")
        assert any("erasure is unfinished" in line for line in integrity(store))
        store.commit(rows.orders(200, 5, seq=store.last_seq()[0]))  # the run goes on meanwhile
    assert store.erase(person_id(7)) is False
    assert traces(folder, wanted, tmp_path / "copy") == []
    assert integrity(store) == []
    store.close()


def test_an_erasure_that_was_cut_off_finishes_at_the_next_start(tmp_path: Path) -> None:
    """Killed right after the row was deleted: whoever opens the run for writing next completes it."""
    folder = tmp_path / "run"
    store, _ = filled(folder, 200)
    row = store.person(person_id(9))
    assert row is not None
    store.close()
    code = (
        "import os, sys; from pathlib import Path\n"
        "from tranship.store import erasure; from tranship.store.sqlite import SqliteStore\n"
        "erasure.finish = lambda *_: os.kill(os.getpid(), 9)\n"
        "SqliteStore.open(Path(sys.argv[1]), create=False).erase(sys.argv[2])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder), person_id(9)], check=False)
    assert done.returncode == -9
    wanted = list(secrets_of(row, someone(9)))
    assert traces(folder, wanted, tmp_path / "copy")
    with SqliteStore.open(folder, create=False) as again:
        assert traces(folder, wanted, tmp_path / "copy") == []
        assert again.person(person_id(9)) is None and integrity(again) == []


def test_stale_copies_are_found_and_written_over(tmp_path: Path) -> None:
    """A copy of a key in the slack of a page, where deleting does not reach, is seen; writing the table anew removes it."""
    folder = tmp_path / "run"
    store, _ = filled(folder, 120)
    row = store.person(person_id(3))
    assert row is not None
    page = int(str(store.query("SELECT pageno FROM dbstat WHERE name = 'person' AND pagetype = 'leaf' LIMIT 1")[0][0]))
    store.close()
    with (folder / "tranship.db").open("r+b") as file:
        file.seek((page - 1) * 4096)
        content = bytearray(file.read(4096))
        cells, start = int.from_bytes(content[3:5], "big"), int.from_bytes(content[5:7], "big")
        slack = 8 + 2 * cells
        assert start - slack > 61, "the planted copy needs room between the cell pointers and the cells"
        content[slack + 2 : slack + 2 + 61] = row.wrapped_key
        file.seek((page - 1) * 4096)
        file.write(content)
    with SqliteStore.open(folder, create=False) as store:
        assert integrity(store) == []
        assert store.erase(person_id(3)) is True
        assert traces(folder, list(secrets_of(row, someone(3))), tmp_path / "copy") == []
        assert store.query("SELECT count(*) FROM person") == [(119,)] and integrity(store) == []
        assert store.erase(person_id(4)) is True  # the table written anew is one like the first
        erasure.rewrite(store._db)
        erasure.rewrite(store._db)
        assert store.query("SELECT count(*) FROM person") == [(118,)] and integrity(store) == []
        with pytest.raises(apsw.ConstraintError):
            store._db.execute(
                "INSERT INTO person (person_id, blind, wrapped_key, sealed) SELECT person_id, x'01', x'', x'' FROM person"
            )


def test_an_old_address_is_forgotten_with_the_new_one(tmp_path: Path) -> None:
    """All versions of a person's data are under one key: erasing it leaves none that can be read, and none that can be found."""
    folder = tmp_path / "run"
    store, people = filled(folder, 60)
    first = store.person(person_id(5))
    assert first is not None
    moved = people.vault.reseal(
        first, Person(ref=someone(5).ref, name="Somebody Else", street="A much longer street name than before")
    )
    store.commit(Batch(people=[moved]))
    assert people.erase([person_id(5)]) == 1
    wanted = [*secrets_of(moved, someone(5)), *secrets_of(first, someone(5))]
    assert traces(folder, wanted, tmp_path / "copy") == []
    store.close()


def test_the_vaults_keys_stay_out_of_the_folder(tmp_path: Path) -> None:
    """With the key file elsewhere, no file of the folder opens anybody."""
    vault = Vault(b"k" * 32)
    with rows.started(tmp_path / "run") as store:
        store.commit(Batch(people=[vault.seal("P1", "shop", someone(1))]))
        assert traces(tmp_path / "run", [b"k" * 32, (b"k" * 32).hex().encode()], tmp_path / "copy") == []


def test_neighbors_erased_one_after_another_leave_nothing(tmp_path: Path) -> None:
    """Each erasure makes room on a page; what the database moves about then must not survive in the gaps."""
    folder = tmp_path / "run"
    store, _ = filled(folder, 150)
    data = [sealed_bytes(k) for k in range(40, 100)]
    wanted = [piece[at : at + PIECE] for piece in data for at in range(0, len(piece) - PIECE + 1, PIECE)]
    for k in [*range(40, 100, 2), *range(41, 100, 2)]:
        assert store.erase(person_id(k)) is True
    assert traces(folder, wanted, tmp_path / "copy") == [] and integrity(store) == []
    store.close()
