"""Entries that go to disk together: each is told of its own fate, and none waits for ever."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from tranship.core.errors import InvariantError, UnavailableError
from tranship.masking.audit import AuditDraft
from tranship.masking.rows import LIVE, NEVER, TokenRow
from tranship.proxy.keeper import Keeper
from tranship.store.sqlite import SqliteStore
from tranship.store.vault_writer import Entry, VaultWriter


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    """A real one."""
    found = SqliteStore.open(tmp_path, create=True)
    yield found
    found.close()


@pytest.fixture
def writer(store: SqliteStore) -> Iterator[VaultWriter]:
    """Its writer."""
    found = VaultWriter(store)
    yield found
    found.close()


def row(number: int, token: str = "") -> TokenRow:
    """A token of its own, or another row under a token that is taken."""
    mark = number.to_bytes(16, "big")
    return TokenRow(token or f"T{number}", "AMZ", "line", "", "", mark, mark, "k" * 16, 1, NEVER, LIVE)


def draft(subject: str) -> AuditDraft:
    """A row of the audit."""
    return AuditDraft(1, "proxy", "op", "AMZ", "GET /a", "p", subject, "", (), "sent")


def test_one_that_is_wrong_does_not_take_others_with_it(store: SqliteStore, writer: VaultWriter):
    """Twenty at once, one of them impossible: nineteen are on disk, and that one is told."""

    async def all_of_them() -> list[object]:
        keeper = Keeper(writer, 10)
        await keeper.keep(Entry(tokens=[row(1)]))
        entries = [Entry(tokens=[row(n)], audits=[draft(str(n))]) for n in range(2, 21)]
        entries.insert(7, Entry(tokens=[row(99, "T1")], audits=[draft("wrong")]))
        return await asyncio.gather(*(keeper.keep(entry) for entry in entries), return_exceptions=True)

    found = asyncio.run(all_of_them())
    assert [type(one) for one in found if one is not None] == [InvariantError] and found.index(
        next(one for one in found if one)
    ) == 7
    assert all(store.token("AMZ", f"T{n}") is not None for n in range(1, 21))
    assert "wrong" not in {each.subject for each in store.audit()}


def test_who_is_handed_in_again_is_told_also_where_the_writer_takes_no_more(store: SqliteStore):
    """One of three is wrong, and the writer closes before the others are tried alone: they hear of it, and nobody waits for ever."""

    class Closing(VaultWriter):
        """Closes after it has answered once."""

        def hand(self, entry: Entry) -> "asyncio.Future[None]":
            if self.commits + self.failures:
                raise UnavailableError("the vault is closing")
            return super().hand(entry)

    async def three(writer: VaultWriter) -> list[object]:
        keeper = Keeper(writer, 10)
        entries = [Entry(tokens=[row(n)]) for n in (1, 2)] + [Entry(tokens=[row(99, "T1")])]
        waiting = asyncio.gather(*(keeper.keep(entry) for entry in entries), return_exceptions=True)
        return await asyncio.wait_for(waiting, 5)

    writer = Closing(store)
    try:
        found = asyncio.run(three(writer))
    finally:
        writer.close()
    assert [type(one) for one in found] == [UnavailableError] * 3
    assert store.token("AMZ", "T2") is None


def test_what_comes_together_shares_a_commit(writer: VaultWriter):
    """A hundred at one moment are a few transactions, not a hundred."""

    async def all_of_them() -> None:
        keeper = Keeper(writer, 10)
        await asyncio.gather(*(keeper.keep(Entry(audits=[draft(str(n))])) for n in range(100)))

    asyncio.run(all_of_them())
    assert writer.commits <= 3


def test_nobody_waits_for_ever(store: SqliteStore, writer: VaultWriter):
    """Another process holds the database: who waits is told in time, and what comes after that is kept."""

    async def one() -> None:
        keeper = Keeper(writer, 0.2)
        holder = apsw.Connection(str(store.path))
        holder.execute("BEGIN IMMEDIATE")
        for subject in (
            "late",
            "behind it",
            "behind that",
        ):  # they wait for the first, and not longer than their own time
            with pytest.raises(TimeoutError):
                await keeper.keep(Entry(audits=[draft(subject)]))
        holder.execute("ROLLBACK")
        holder.close()
        for _ in range(100):
            try:
                await keeper.keep(Entry(audits=[draft("after")]))
                break
            except TimeoutError:
                continue

    asyncio.run(one())
    kept = {each.subject for each in store.audit()}
    assert "after" in kept and not kept & {"behind it", "behind that"}


def test_notes_are_written_without_anybody_waiting(store: SqliteStore, writer: VaultWriter):
    """The audit of answers: with the next commit, or at the end."""

    async def some() -> None:
        keeper = Keeper(writer, 10)
        for n in range(5):
            keeper.note(Entry(audits=[draft(str(n))]))
        await keeper.close()

    asyncio.run(some())
    assert [each.subject for each in store.audit()] == ["0", "1", "2", "3", "4"]
