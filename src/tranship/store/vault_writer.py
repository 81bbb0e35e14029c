"""The single writer of a shard that has no engine: what masking must keep, committed in groups, before anything leaves.

Whoever hands something in hears of it only once it is on disk. What cannot be written is told, and then nothing may be sent.
"""

import asyncio
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from tranship.core.errors import InvariantError, TranshipError, UnavailableError
from tranship.masking.audit import AuditDraft, Chain
from tranship.store.port import AddressRow, Batch, MaskingKeyRow, PayloadRow, PersonRow, Store, TokenRow

MOST_IN_GROUP = 500
"""Entries that share one transaction at most."""
MOST_WAITING = 10_000
"""Entries that may wait; above, callers are told to come back."""
TIMES_KEPT = 4_096
"""Commits whose durations are remembered."""
UPKEEP_EVERY_S = 1.0
"""How long nothing has to wait before upkeep has a turn."""

_NOBODY: Future[None] = Future()
_NOBODY.set_result(None)  # answered before it was asked


class Entry:
    """What one message needs on disk before it leaves, or what came of one that was refused. Written as a whole or not at all."""

    __slots__ = ("addresses", "audits", "expiry", "keys", "payloads", "people", "tokens")

    def __init__(
        self,
        *,
        tokens: Sequence[TokenRow] = (),
        audits: Sequence[AuditDraft] = (),
        people: Sequence[PersonRow] = (),
        payloads: Sequence[PayloadRow] = (),
        addresses: Sequence[AddressRow] = (),
        expiry: Sequence[tuple[int, str, str]] = (),
        keys: Sequence[MaskingKeyRow] = (),
    ) -> None:
        """`expiry` is (expires_at, network, scope), as in Batch.token_expiry."""
        self.tokens, self.audits, self.people, self.payloads = tokens, audits, people, payloads
        self.addresses, self.expiry, self.keys = addresses, expiry, keys


class VaultWriter:
    """Owns the writing of one store on one thread. `keep` from an event loop, `keep_now` from any other thread.

    `commits` counts the transactions, each with one sync of the log; `times_s` are the durations of the latest. `upkeep` is called on
    the writer's thread while nothing waits; it says whether it wants another turn soon.
    """

    def __init__(
        self,
        store: Store,
        *,
        upkeep: Callable[[], bool] | None = None,
        most_waiting: int = MOST_WAITING,
        idle_s: float = UPKEEP_EVERY_S,
    ) -> None:
        """`idle_s`: how long nothing has to wait before upkeep has a turn."""
        self._store, self._upkeep, self._most_waiting = store, upkeep, most_waiting
        self._idle_s = idle_s if upkeep else None
        self._chain = Chain(store.last_audit())
        self._queue: queue.SimpleQueue[tuple[Entry, object] | None] = queue.SimpleQueue()
        self.commits = self.entries = self.failures = 0
        self.failing = False  # the newest commit did not come about
        self.times_s: deque[float] = deque(maxlen=TIMES_KEPT)
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="tranship-vault-writer", daemon=True)
        self._thread.start()

    async def keep(self, entry: Entry) -> None:
        """Returns once the entry is on disk. UnavailableError where it is not: then nothing may be sent."""
        await self.hand(entry)

    def hand(self, entry: Entry) -> "asyncio.Future[None]":
        """As `keep`, for who does not wait at once. UnavailableError where it is not even taken."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._put(entry, future)
        return future

    def note(self, entry: Entry) -> None:
        """Hand in what nobody waits for (the audit of an answer). Where it cannot be written, `failures` counts it."""
        self._put(entry, _NOBODY)

    def keep_now(self, entry: Entry, timeout_s: float | None = 60) -> None:
        """As `keep`, waiting. TimeoutError where it took longer: nobody knows then whether it is there, and nothing may be sent."""
        future: Future[None] = Future()
        self._put(entry, future)
        future.result(timeout_s)

    @property
    def waiting(self) -> int:
        """Entries that wait."""
        return self._queue.qsize()

    def close(self) -> None:
        """Write what waits, then stop the thread. The store stays open."""
        if not self._closing:
            self._closing = True
            self._queue.put(None)
            self._thread.join()

    def _put(self, entry: Entry, future: object) -> None:
        if self._closing:
            raise UnavailableError("the vault is closing")
        if self._queue.qsize() >= self._most_waiting:
            raise UnavailableError("too many messages wait for the vault; try again in a moment")
        self._queue.put((entry, future))

    def _run(self) -> None:
        while True:
            try:
                item = self._queue.get(timeout=self._idle_s)
            except queue.Empty:
                self._take_turn()
                continue
            if item is None:
                return
            group, stop = [item], False
            while len(group) < MOST_IN_GROUP:
                try:
                    more = self._queue.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    stop = True
                    break
                group.append(more)
            self._answer(group)
            if stop:
                return

    def _take_turn(self) -> None:
        """Upkeep, until something waits again; what goes wrong in it stops nobody."""
        assert self._upkeep is not None
        try:
            while self._upkeep() and self._queue.empty():
                pass
        except TranshipError:
            self.failures += 1

    def _answer(self, group: Sequence[tuple[Entry, object]]) -> None:
        told = self._commit([entry for entry, _ in group])
        loops: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[None], Exception | None]]] = {}
        for (_, future), error in zip(group, told, strict=True):
            if isinstance(future, asyncio.Future):
                loops.setdefault(future.get_loop(), []).append((future, error))
            else:
                assert isinstance(future, Future)
                _resolve([(future, error)])
        for loop, pairs in loops.items():
            if not loop.is_closed():
                loop.call_soon_threadsafe(_resolve, pairs)

    def _commit(self, entries: Sequence[Entry]) -> list[Exception | None]:
        """What became of each: None where it is on disk. One that is wrong does not take others with it."""
        try:
            batch = self._batch(entries)
            began = time.perf_counter()
            self._store.commit(batch)
        except Exception as error:  # noqa: BLE001 - the writer's loop: whatever it was, nothing of this is on disk and others wait
            self._chain = self._as_stored()
            if len(entries) == 1 or not isinstance(error, (InvariantError, ValueError)):
                self.failures += len(entries)
                self.failing = True
                ours = error if isinstance(error, TranshipError) else UnavailableError(type(error).__name__)
                return [ours] * len(entries)
            middle = len(entries) // 2
            return self._commit(entries[:middle]) + self._commit(entries[middle:])
        self.times_s.append(time.perf_counter() - began)
        self._chain.committed(batch.audits)
        self.commits += 1
        self.failing = False
        self.entries += len(entries)
        return [None] * len(entries)

    def _as_stored(self) -> Chain:
        """The audit's end after a commit that failed: the store's word, where it can be had (it may have come about after all)."""
        try:
            return Chain(self._store.last_audit())
        except TranshipError:
            return self._chain

    def _batch(self, entries: Sequence[Entry]) -> Batch:
        batch = Batch()
        for entry in entries:
            batch.tokens += entry.tokens
            batch.people += entry.people
            batch.payloads += entry.payloads
            batch.addresses += entry.addresses
            batch.token_expiry += entry.expiry
            batch.masking_keys += entry.keys
        batch.audits = self._chain.rows(draft for entry in entries for draft in entry.audits)
        return batch


def _resolve(pairs: Sequence[tuple["asyncio.Future[None] | Future[None]", Exception | None]]) -> None:
    for future, error in pairs:
        if future.done():  # who asked went away meanwhile
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)
