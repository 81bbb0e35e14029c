"""Between the event loop and the vault's writer: what waits at one moment goes over together, and waking a thread is paid for once.

Which entry shares a transaction with which is the writer's business and this module's; who waits is told of his own entry only.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Protocol

from tranship.core.errors import InvariantError, TranshipError, UnavailableError
from tranship.store.vault_writer import Entry

NOTES_MOST = 2_000
"""Entries that nobody waits for and that wait for company."""
NOTES_S = 0.05
"""How long they wait for it, at most."""

Waiting = tuple[Entry, "asyncio.Future[None]"]


class Writing(Protocol):
    """Who writes: the vault's writer of the proxy's own store, or a running engine's."""

    @property
    def failing(self) -> bool:
        """Whether the newest commit did not come about."""

    def hand(self, entry: Entry) -> "asyncio.Future[None]":
        """Done once it is on disk. UnavailableError where it is not even taken."""

    def note(self, entry: Entry) -> None:
        """Nobody waits for this one."""


class Keeper:
    """Hands entries to the writer. For one event loop."""

    def __init__(self, writer: Writing, timeout_s: float) -> None:
        """`timeout_s`: after which an entry counts as not kept, whatever becomes of it."""
        self._writer, self._timeout_s = writer, timeout_s
        self._waiting: list[Waiting] = []
        self._notes: list[Entry] = []
        self._under_way = self._called = False
        self._timer: asyncio.TimerHandle | None = None  # for notes
        self._limit: asyncio.TimerHandle | None = None  # for who waits

    @property
    def failing(self) -> bool:
        """Whether the newest commit did not come about."""
        return self._writer.failing

    async def keep(self, entry: Entry) -> None:
        """Returns once it is on disk. TimeoutError where that took too long, a TranshipError where it is not: nothing may be sent."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        if not self._waiting:  # the limit counts from here, also while an older group is stuck
            self._limit = loop.call_later(self._timeout_s, self._too_late, self._waiting)
        self._waiting.append((entry, future))
        if not self._under_way and not self._called:
            self._called = True
            loop.call_soon(self._go)
        await future

    def note(self, entry: Entry) -> None:
        """Have it written soon, with others. UnavailableError where too many wait."""
        if len(self._notes) >= NOTES_MOST:
            raise UnavailableError("too much waits for the audit")
        self._notes.append(entry)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(NOTES_S, self._notes_due)

    async def close(self) -> None:
        """Write what nobody waited for."""
        if self._notes:
            await self.keep(Entry())

    def _too_late(self, group: list[Waiting]) -> None:
        """Tell a group that its time is over. What the writer did not get yet it will not get: nobody wants it any more."""
        if group is self._waiting:
            self._waiting, self._limit = [], None
        _fail(group, TimeoutError())

    def _notes_due(self) -> None:
        self._timer = None
        if self._notes and not self._under_way:
            self._go()

    def _go(self) -> None:
        self._called = False
        if self._under_way or not (self._waiting or self._notes):
            return
        group, self._waiting = self._waiting, []
        limit, self._limit = self._limit, None
        notes, self._notes = self._notes, []
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        try:
            done = self._writer.hand(_together([*notes, *(entry for entry, _ in group)]))
        except TranshipError as error:
            _fail(group, error)
            return
        self._under_way = True

        def over(done: "asyncio.Future[None]") -> None:
            self._under_way = False
            self._told(group, notes, done.exception())
            if limit is not None and all(future.done() for _, future in group):
                limit.cancel()
            if self._waiting or (self._notes and self._timer is None):
                self._go()

        done.add_done_callback(over)

    def _told(self, group: Sequence[Waiting], notes: Sequence[Entry], error: BaseException | None) -> None:
        if error is None:
            for _, future in group:
                if not future.done():
                    future.set_result(None)
        elif isinstance(error, (InvariantError, ValueError)) and len(group) + len(notes) > 1:
            self._one_by_one(group, notes)  # one of them is wrong: the others must not suffer from it
        else:
            _fail(group, error)

    def _one_by_one(self, group: Sequence[Waiting], notes: Sequence[Entry]) -> None:
        for note in notes:
            with suppress(TranshipError):  # nobody waits for it
                self._writer.note(note)
        for entry, future in group:
            if future.done():
                continue
            try:
                self._writer.hand(entry).add_done_callback(partial(_pass_on, future))
            except TranshipError as error:
                future.set_exception(error)


def _pass_on(future: "asyncio.Future[None]", done: "asyncio.Future[None]") -> None:
    error = done.exception()
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)


def _fail(group: Sequence[Waiting], error: BaseException) -> None:
    for _, future in group:
        if not future.done():
            future.set_exception(error)


def _together(entries: Sequence[Entry]) -> Entry:
    """One entry that holds all of them."""
    if len(entries) == 1:
        return entries[0]
    return Entry(
        tokens=[row for entry in entries for row in entry.tokens],
        audits=[row for entry in entries for row in entry.audits],
        people=[row for entry in entries for row in entry.people],
        payloads=[row for entry in entries for row in entry.payloads],
        addresses=[row for entry in entries for row in entry.addresses],
        expiry=[row for entry in entries for row in entry.expiry],
        keys=[row for entry in entries for row in entry.keys],
    )
