import secrets
from pathlib import Path

import pytest

from tranship.core.order import Person
from tranship.store import seen as room
from tranship.store.people import People
from tranship.store.port import Batch
from tranship.store.seen import Seen
from tranship.store.sqlite import SqliteStore


def test_who_is_stored_is_never_denied(tmp_path: Path) -> None:
    """Everybody in the store, or added since, may be known; of those who are new almost nobody is asked for."""
    with SqliteStore.open(tmp_path, create=True) as store:
        people = People.open(store, tmp_path, create=True)
        rows = [people.vault.seal(f"p{k}", "shop", Person(ref=f"O-{k}" if k else "")) for k in range(500)]
        store.commit(Batch(people=rows))
        seen = Seen(store)
        added = [people.vault.blind("shop", f"N-{k}") for k in range(500)]
        for blind in added:
            seen.add(blind)
        assert all(row.blind in seen for row in rows if row.blind)
        assert all(blind in seen for blind in added)
        assert sum(secrets.token_bytes(32) in seen for _ in range(2_000)) < 20


@pytest.mark.parametrize("count", [6, 7, 8])
def test_all_pieces_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """A store that is read in several pieces is read to its end, whether or not the last piece is full."""
    monkeypatch.setattr(room, "PIECE_ROWS", 3)
    with SqliteStore.open(tmp_path, create=True) as store:
        people = People.open(store, tmp_path, create=True)
        rows = [people.vault.seal(f"p{k}", "shop", Person(ref=f"O-{k}")) for k in range(count)]
        store.commit(Batch(people=rows))
        assert all(row.blind in Seen(store) for row in rows)
