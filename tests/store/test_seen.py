import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from tranship.core.order import Person
from tranship.store import seen as room
from tranship.store.location import Database
from tranship.store.people import Vault
from tranship.store.port import Batch, PersonRow, TableStore
from tranship.store.postgres.store import PostgresStore
from tranship.store.seen import Seen
from tranship.store.sqlite import SqliteStore

VAULT = Vault(b"k" * 32)


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TableStore]:
    """A store in a folder, and one on a server."""
    if request.param == "sqlite":
        with SqliteStore.open(tmp_path, create=True) as found:
            yield found
        return
    place: Database = request.getfixturevalue("place")
    with PostgresStore.open(place, create=True) as server:
        yield server


def people(count: int, *, guest: int = -1) -> list[PersonRow]:
    """So many people; `guest` has no reference."""
    return [VAULT.seal(f"p{k}", "shop", Person(ref=f"O-{k}" if k != guest else "")) for k in range(count)]


def test_who_is_stored_is_never_denied(store: TableStore) -> None:
    """Everybody in the store, or added since, may be known; of those who are new almost nobody is asked for."""
    rows = people(500, guest=0)
    store.commit(Batch(people=rows))
    seen = Seen(store)
    added = [VAULT.blind("shop", f"N-{k}") for k in range(500)]
    for blind in added:
        seen.add(blind)
    assert all(row.blind in seen for row in rows if row.blind)
    assert all(blind in seen for blind in added)
    assert sum(secrets.token_bytes(32) in seen for _ in range(2_000)) < 20


@pytest.mark.parametrize("count", [6, 7, 8])
def test_all_pieces_are_read(store: TableStore, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """A store that is read in several pieces is read to its end, whether or not the last piece is full."""
    monkeypatch.setattr(room, "PIECE_ROWS", 3)
    rows = people(count)
    store.commit(Batch(people=rows))
    assert all(row.blind in Seen(store) for row in rows)
