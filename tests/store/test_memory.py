"""The store in memory that the engine's tests use keeps the port's contract too: what they show holds for a real one."""

import pytest

from tests.engine.memory_store import MemoryStore
from tests.store import rows
from tests.store.contract import PortContract


@pytest.fixture
def store() -> MemoryStore:
    """A new store with opening balances."""
    store = MemoryStore()
    store.commit(rows.opening(1_000_000))
    return store


@pytest.fixture
def empty() -> MemoryStore:
    """A new store in which nothing was committed yet."""
    return MemoryStore()


class TestMemoryStore(PortContract):
    """What the port promises, without tables and disks."""
