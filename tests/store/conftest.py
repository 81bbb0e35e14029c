"""One PostgreSQL server for the whole run of these tests."""

from collections.abc import Iterator
from itertools import count

import pytest

from tests.store.servers import Server, started
from tranship.store.location import Database

_numbers = count()


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A server, started with the first test that needs it."""
    found = started()
    yield found
    found.close()


@pytest.fixture
def place(server: Server) -> Database:
    """A shard that nobody used before."""
    return server.place(f"s{next(_numbers)}")
