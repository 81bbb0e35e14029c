"""The masking vault on a real store: tokens survive what a run survives, and nothing of an erased person's stays."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import apsw
import pytest

from tests.store import rows
from tests.store.disks import FaultyDisk
from tests.store.servers import Server
from tests.store.test_erasure import PIECE, traces
from tranship.core.errors import UnavailableError
from tranship.core.order import Person
from tranship.masking.audit import AuditDraft, Chain, check, fingerprint
from tranship.masking.rows import TokenRow
from tranship.masking.tokens import Found
from tranship.masking.vault.session import MaskingVault, Owner
from tranship.store.backup import backup, restore
from tranship.store.check import integrity
from tranship.store.location import Database
from tranship.store.people import People
from tranship.store.port import Batch
from tranship.store.postgres.store import PostgresStore
from tranship.store.sqlite import SqliteStore
from tranship.store.vaulting import Upkeep, all_pieces, kek_of, open_vault

KINDS = ("name", "order", "line", "phone")


@pytest.fixture(autouse=True)
def _own_key_file(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TRANSHIP_KEY_FILE", "TRANSHIP_MASKING_KEY"):
        monkeypatch.delenv(name, raising=False)


def opened(store: SqliteStore) -> tuple[People, MaskingVault]:
    """The people and the vault of a store in a folder."""
    people = People.open(store, store.folder, create=True)
    return people, open_vault(store, people, kek_of(store.folder))


def filled(store: SqliteStore, count: int) -> dict[str, Found]:
    """Orders `O0` ... of persons `P0` ..., each with a token of every kind, and an audit row; what each token stands for."""
    people, vault = opened(store)
    chain, known = Chain(store.last_audit()), dict[str, Found]()
    for k in range(count):
        row = people.vault.seal(f"P{k}", "shop", Person(ref=f"customer-{k}", name=f"Nomen Nescio {k}"))
        key = people.vault.person_key(row)
        session = vault.session("AMZ", Owner(row.person_id, key))
        for kind in KINDS:
            value = f"{kind} of Nomen Nescio {k}"
            known[session.token(kind, f"O{k}", value)] = Found(kind, f"O{k}", value)
        fields = [("name", "token(name)", fingerprint(key, "name", f"Nomen Nescio {k}"))]
        draft = AuditDraft(k, "test", "create", "AMZ", "/orders", "f" * 64, f"O{k}", row.person_id, fields, "sent")
        audits = chain.rows([draft])
        store.commit(Batch(people=[row], tokens=session.rows, audits=audits))
        chain.committed(audits)
        session.committed()
    return known


def pieces(gone: Iterable[TokenRow]) -> list[bytes]:
    """What must not be found of tokens: their text, blind index and any 16 bytes in a row of what was sealed."""
    found = []
    for row in gone:
        found += [row.token.encode(), row.blind]
        found += [row.sealed[at : at + PIECE] for at in range(0, len(row.sealed) - PIECE + 1, PIECE)]
    return found


def test_tokens_are_found_after_reopening(tmp_path: Path) -> None:
    """Another process finds what each stands for, and gives the same token for the same value."""
    with rows.started(tmp_path / "run") as store:
        known = filled(store, 20)
    with SqliteStore.open(tmp_path / "run", create=False) as store:
        _, vault = opened(store)
        session = vault.session("AMZ")
        assert {token: session.found(token) for token in known} == known and integrity(store) == []
        token = next(iter(known))
        assert vault.session("AMZ", "P0").token("name", "O0", "name of Nomen Nescio 0") == token


@pytest.mark.parametrize("one_by_one", [True, False])
def test_an_erased_persons_tokens_are_in_no_file(tmp_path: Path, one_by_one: bool) -> None:
    """Token, blind index and sealed value are found nowhere in the folder; the audit stays whole; all others open."""
    folder, store = tmp_path / "run", rows.started(tmp_path / "run")
    known = filled(store, 150)
    held = [row for _, row in store.tokens(0, 9_999)]
    erased = [f"P{k}" for k in range(10, 130, 3)]
    wanted = pieces(row for row in held if row.person_id in erased)
    assert traces(folder, wanted, tmp_path / "copy"), "they were there"
    people, vault = opened(store)
    for group in [[one] for one in erased] if one_by_one else [erased]:
        assert people.erase(group) == len(group)
    assert traces(folder, wanted, tmp_path / "copy") == [] and integrity(store) == []
    session = vault.session("AMZ")
    assert {row.token: session.found(row.token) for row in held} == {
        row.token: None if row.person_id in erased else known[row.token] for row in held
    }
    assert check(store.audit(), store.last_audit()).good and store.last_audit()[0] == 150
    store.close()
    assert traces(folder, wanted, tmp_path / "copy") == []


def test_an_erasure_finds_tokens_that_moved(tmp_path: Path) -> None:
    """After rotations, new ends and sweeps nothing of an erased person's tokens is left either, in any version."""
    folder, store = tmp_path / "run", rows.started(tmp_path / "run")
    filled(store, 120)
    versions = [row for _, row in store.tokens(0, 9_999)]
    people, vault = opened(store)
    upkeep = Upkeep(store, vault)
    for _ in range(2):
        upkeep.rotate()
        all_pieces(lambda after: upkeep.reseal(after, 50))
        assert upkeep.destroy(epoch_us=0) == 11
        versions += [row for _, row in store.tokens(0, 9_999)]
    store.commit(Batch(token_expiry=[(1, "AMZ", f"O{k}") for k in range(0, 120, 2)]))
    assert all_pieces(upkeep.sweep).changed == 60 * len(KINDS)
    erased = [f"P{k}" for k in range(20, 100, 3)]
    for person in erased:
        assert store.erase(person)
    assert people.find("shop", "customer-20") is None
    wanted = pieces(row for row in versions if row.person_id in erased)
    assert traces(folder, wanted, tmp_path / "copy") == [] and integrity(store) == []
    store.close()


@pytest.mark.parametrize("index", ["token_place", "token_token"])
def test_a_stale_copy_in_an_index_goes_with_the_erasure(tmp_path: Path, index: str) -> None:
    """What moved together on a page of an index may leave pieces behind: planted there, they are gone after the erasure."""
    folder = tmp_path / "run"
    with rows.started(folder) as store:
        filled(store, 40)
        row = next(row for _, row in store.tokens(0, 999) if row.person_id == "P7")
        sql = "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' ORDER BY unused DESC LIMIT 1"
        page = int(str(store.query(sql, (index,))[0][0]))
    piece = row.blind if index == "token_place" else row.token.encode()
    with (folder / "tranship.db").open("r+b") as file:
        file.seek((page - 1) * 4096)
        content = bytearray(file.read(4096))
        cells, start = int.from_bytes(content[3:5], "big"), int.from_bytes(content[5:7], "big")
        at = 8 + 2 * cells + 2
        assert at + len(piece) < start, "the planted copy needs room between the cell pointers and the cells"
        content[at : at + len(piece)] = piece
        file.seek((page - 1) * 4096)
        file.write(content)
    with SqliteStore.open(folder, create=False) as store:
        assert integrity(store) == [] and traces(folder, [piece], tmp_path / "copy")
        assert store.erase("P7")
        assert traces(folder, [piece], tmp_path / "copy") == [] and integrity(store) == []


def test_destroyed_keys_are_in_no_file(tmp_path: Path) -> None:
    """A masking key that was rotated out and destroyed is found nowhere in the folder."""
    folder, store = tmp_path / "run", rows.started(tmp_path / "run")
    filled(store, 5)
    old = [row.wrapped for row in store.masking_keys()]
    assert traces(folder, [wrapped[:PIECE] for wrapped in old], tmp_path / "copy")
    _, vault = opened(store)
    upkeep = Upkeep(store, vault)
    upkeep.rotate()
    all_pieces(upkeep.reseal)
    assert upkeep.destroy(epoch_us=0) == 11
    wanted = [wrapped[at : at + PIECE] for wrapped in old for at in range(0, len(wrapped) - PIECE, PIECE)]
    assert traces(folder, wanted, tmp_path / "copy") == [] and integrity(store) == []
    store.close()


def test_no_value_is_in_any_file(tmp_path: Path) -> None:
    """The clear text of a token is in no file, live or not."""
    with rows.started(tmp_path / "run") as store:
        filled(store, 30)
        assert traces(tmp_path / "run", [b"Nomen", b"Nescio", b"customer-"], tmp_path / "copy") == []
    assert traces(tmp_path / "run", [b"Nomen", b"Nescio", b"customer-"], tmp_path / "copy") == []


def test_a_backup_brings_tokens_back(tmp_path: Path) -> None:
    """After a restore with the key file every token opens; without it, the error says what is missing."""
    with rows.started(tmp_path / "run") as store:
        known = filled(store, 20)
    backup(tmp_path / "run", tmp_path / "saved", with_key=True)
    backup(tmp_path / "run", tmp_path / "keyless")
    shutil.rmtree(tmp_path / "run")
    restore(tmp_path / "saved", tmp_path / "run")
    with SqliteStore.open(tmp_path / "run", create=False) as store:
        _, vault = opened(store)
        session = vault.session("AMZ")
        assert {token: session.found(token) for token in known} == known
        assert check(store.audit(), store.last_audit()).good
    restore(tmp_path / "keyless", tmp_path / "other")
    with (
        SqliteStore.open(tmp_path / "other", create=False),
        pytest.raises(UnavailableError, match=r"key file .*No such file"),
    ):
        kek_of(tmp_path / "other")


def test_tokens_move_to_a_server_and_back(
    server: Server, place: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shard on PostgreSQL made from a folder's backup opens every token, makes the same ones, erases, and comes back as a folder."""
    monkeypatch.setenv("TRANSHIP_KEY_FILE", str(tmp_path / "a.key"))
    with rows.started(tmp_path / "run") as store:
        known = filled(store, 10)
    backup(tmp_path / "run", tmp_path / "saved")
    address = Path(server.address(place.shard))
    restore(tmp_path / "saved", address)
    with PostgresStore.open(place, create=False) as far:
        people = People.open(far, address, create=True)
        vault = open_vault(far, people, kek_of(address))
        session = vault.session("AMZ")
        assert {token: session.found(token) for token in known} == known
        token = next(iter(known))
        assert vault.session("AMZ", "P0").token("name", "O0", "name of Nomen Nescio 0") == token
        upkeep = Upkeep(far, vault)
        assert upkeep.rotate() == 11 and all_pieces(upkeep.reseal).changed == 40 and upkeep.destroy(epoch_us=0) == 11
        assert people.erase(["P1"]) == 1 and integrity(far) == []
    backup(address, tmp_path / "back")
    restore(tmp_path / "back", tmp_path / "again")
    with SqliteStore.open(tmp_path / "again", create=False) as store:
        session = opened(store)[1].session("AMZ")
        left = {token: found for token, found in known.items() if found.scope != "O1"}
        assert {token: session.found(token) for token in known} == {**dict.fromkeys(known), **left}
        assert check(store.audit(), store.last_audit()).good and integrity(store) == []


def test_another_key_file_opens_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A vault whose keys another key wrapped says so, and masks nothing."""
    with rows.started(tmp_path / "run") as store:
        filled(store, 2)
        people = People.open(store, store.folder, create=True)
        monkeypatch.setenv("WRONG", "cd" * 32)
        vault = open_vault(store, people, kek_of(store.folder, "env:WRONG"))
        with pytest.raises(UnavailableError, match="bring the right one back"):
            vault.session("AMZ").token("name", "O1", "x")


def test_a_full_disk_gives_no_token_away(tmp_path: Path) -> None:
    """Whatever write fails, the commit is told as failed, the token is not in the store, and it goes through afterwards."""
    disk = FaultyDisk("vault-disk")
    store = rows.started(tmp_path / "run", vfs=disk.name)
    filled(store, 2)
    _, vault = opened(store)
    at = 0
    while True:
        at += 1
        session = vault.session("AMZ", "P1")
        token = session.token("name", f"N{at}", "x")
        disk.arm(at, apsw.FullError)
        try:
            store.commit(Batch(tokens=session.rows))
        except UnavailableError:
            disk.arm(0)
            assert store.token("AMZ", token) is None and vault.session("AMZ").found(token) is None
            continue
        disk.arm(0)
        break
    assert at > 2 and store.token("AMZ", token) is not None
    store.close()


WRITER = """
import os, sys
from pathlib import Path
from tests.store.test_vaulting import opened
from tranship.store.sqlite import SqliteStore
from tranship.store.vault_writer import Entry, VaultWriter
store = SqliteStore.open(Path(sys.argv[1]), create=False)
people, vault = opened(store)
writer = VaultWriter(store)
k = 0
while True:
    k += 1
    session = vault.session("AMZ", f"P{k % 5}")
    token = session.token("name", f"K{os.getpid()}-{k}", f"value {k}")
    writer.keep_now(Entry(tokens=session.rows))
    session.committed()
    os.write(1, f"{token} {k}\\n".encode())  # the network has seen it
"""


def test_a_killed_writer_left_no_token_outside_that_is_not_inside(tmp_path: Path) -> None:
    """Killed at any moment: every token that a network may have seen is in the store, and opens."""
    with rows.started(tmp_path / "run") as store:
        filled(store, 5)
    seen: list[str] = []
    for least in (1, 20, 60):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path / "run")], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            seen += [process.stdout.readline() for _ in range(least)]
            os.kill(process.pid, signal.SIGKILL)
            seen += process.stdout.readlines()
    whole = [line.rsplit(maxsplit=1) for line in seen if line.endswith("\n")]
    assert len(whole) >= 81
    with SqliteStore.open(tmp_path / "run", create=False) as store:
        _, vault = opened(store)
        session = vault.session("AMZ")
        for token, number in whole:
            found = session.found(token)
            assert found is not None and found.value == f"value {number}"
        assert integrity(store) == []


ROTATOR = """
import os, sys
from pathlib import Path
from tests.store.test_vaulting import opened
from tranship.store.sqlite import SqliteStore
from tranship.store.vaulting import Upkeep, all_pieces
store = SqliteStore.open(Path(sys.argv[1]), create=False)
upkeep = Upkeep(store, opened(store)[1])
while True:
    os.write(1, b"begin\\n")
    upkeep.rotate()
    all_pieces(lambda after: upkeep.reseal(after, 7))
    upkeep.destroy(epoch_us=0)
"""


def test_a_rotation_that_is_killed_loses_no_token(tmp_path: Path) -> None:
    """Killed at any moment of it: every token opens, every value has its token, and the next rotation clears up."""
    with rows.started(tmp_path / "run") as store:
        known = filled(store, 30)
    for least in (1, 2, 4):
        with subprocess.Popen(
            [sys.executable, "-c", ROTATOR, str(tmp_path / "run")], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            for _ in range(least):
                process.stdout.readline()
            os.kill(process.pid, signal.SIGKILL)
        with SqliteStore.open(tmp_path / "run", create=False) as store:
            session = opened(store)[1].session("AMZ")
            assert {token: session.found(token) for token in known} == known and integrity(store) == []
            token = next(iter(known))
            assert opened(store)[1].session("AMZ", "P0").token("name", "O0", "name of Nomen Nescio 0") == token
    with SqliteStore.open(tmp_path / "run", create=False) as store:
        upkeep = Upkeep(store, opened(store)[1])
        upkeep.rotate()
        assert all_pieces(upkeep.reseal).changed == len(known)
        upkeep.destroy(epoch_us=0)
        assert upkeep.reading() == [] and integrity(store) == []
