from collections.abc import Iterator

import pytest

from tests.store import rows
from tests.store.contract import StoreContract
from tranship.store.location import Database
from tranship.store.port import Store
from tranship.store.postgres.store import PostgresStore


@pytest.fixture
def empty(place: Database) -> Iterator[PostgresStore]:
    """A new shard in which nothing was committed yet."""
    with PostgresStore.open(place, create=True, party="demo") as store:
        yield store


@pytest.fixture
def store(empty: PostgresStore) -> PostgresStore:
    """A new shard with opening balances."""
    empty.commit(rows.opening(1_000_000))
    return empty


class TestPostgresStore(StoreContract):
    """PostgreSQL keeps the contract of all stores."""


def test_it_is_the_port(store: PostgresStore) -> None:
    """The type checker and this line agree that PostgresStore is a Store."""
    port: Store = store
    assert port.last_seq()[0] == 1
