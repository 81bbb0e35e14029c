"""The single writer of a shard that has no engine: what masking must keep, committed in groups, before anything leaves.

Whoever hands something in hears of it only once it is on disk. What cannot be written is told, and then nothing may be sent.

Where nothing is under way and the disk is quick, whoever hands something in commits it then and there: two threads that take turns at one
interpreter, and at one core's cache, cost more than the commit. Once a commit took long, callers leave it to the thread for a while, so
that a disk that hangs holds up nobody twice.
"""

import asyncio
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress

from tranship.core.errors import InvariantError, TranshipError, UnavailableError
from tranship.masking.audit import AuditDraft, Chain
from tranship.store.port import AddressRow, AuditRow, Batch, MaskingKeyRow, PayloadRow, PersonRow, Store, TokenRow

MOST_IN_GROUP = 500
"""Entries that share one transaction at most."""
MOST_WAITING = 10_000
"""Entries that may wait; above, callers are told to come back."""
LEAST_NOW, MOST_NOW = 6, 64
"""Audit rows of an entry that its caller commits itself. Fewer have time: the sync goes on beside what comes next."""
SLOW_S, SLOW_FOR_S = 0.05, 1.0
"""A commit that took longer, and for how long callers leave their commits to the thread from then on."""
TIMES_KEPT = 4_096
"""Commits whose durations are remembered."""
TIDY_EVERY_S = 0.1
"""How often the store may do beside the commits what they would have to do later."""
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
    """Commits for one store, one after another. `keep` from an event loop, `keep_now` from any other thread.

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
        self._slow_until = 0.0
        self._pending = 0  # handed in, and not answered yet
        self._handing = threading.Lock()  # what is pending and what is in the queue are seen together
        self.commits = self.entries = self.failures = 0
        self.failing = False  # the newest commit did not come about
        self.times_s: deque[float] = deque(maxlen=TIMES_KEPT)
        self._closing = False
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tranship-vault-writer", daemon=True)
        self._tidier = threading.Thread(target=self._tidy, name="tranship-vault-tidier", daemon=True)
        self._thread.start()
        self._tidier.start()

    async def keep(self, entry: Entry) -> None:
        """Returns once the entry is on disk. UnavailableError where it is not: then nothing may be sent."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._put(entry, future)
        await future

    def hand(self, entry: Entry) -> "asyncio.Future[None]":
        """As `keep`, for who has brought together all that waits: where it can be, it is committed before this returns.

        UnavailableError where it is not even taken.
        """
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if self._kept_now(entry):
            future.set_result(None)
        else:
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
        with self._handing:
            closed, self._closing = self._closing, True
            if not closed:
                self._queue.put(None)  # nothing is handed in behind it
        if not closed:
            self._thread.join()
            self._over.set()
            self._tidier.join()

    def _put(self, entry: Entry, future: object) -> None:
        with self._handing:
            if self._closing:
                raise UnavailableError("the vault is closing")
            if self._queue.qsize() >= self._most_waiting:
                raise UnavailableError("too many messages wait for the vault; try again in a moment")
            self._pending += 1
            self._queue.put((entry, future))

    def _kept_now(self, entry: Entry) -> bool:
        """Commit it here where nothing is under way, it is small, and the disk is quick; False: it has to queue."""
        if not LEAST_NOW <= len(entry.audits) <= MOST_NOW:
            return False
        with self._handing:
            began = time.perf_counter()
            if self._pending or self._closing or began < self._slow_until:
                return False
            try:
                batch = self._batch([entry])
                done = self._store.commit_now(batch)
            except Exception:  # noqa: BLE001 - whatever is wrong with it: whoever queues hears of it
                return False
            finally:
                self._time(began)
            if done:
                self._committed(1, batch.audits, began)
            return done

    def _run(self) -> None:
        while True:
            try:
                item = self._queue.get(timeout=self._idle_s)
            except queue.Empty:
                self._take_turn()
                continue
            if item is None:
                return
            if self._answer_with(item):
                return

    def _tidy(self) -> None:
        """Now and then, where something was committed since, spare the commits what they would have to do later."""
        seen = 0
        while not self._over.wait(TIDY_EVERY_S):
            if self.commits != seen:
                seen = self.commits
                with suppress(TranshipError):  # a disk that fails says so at the next commit
                    self._store.tidy()

    def _take_turn(self) -> None:
        """Upkeep, until something waits again; what goes wrong in it stops nobody."""
        assert self._upkeep is not None
        try:
            while self._upkeep() and self._queue.empty():
                pass
        except TranshipError:
            self.failures += 1

    def _answer_with(self, first: tuple[Entry, object]) -> bool:
        """Answer it, and what came meanwhile; True where that was the end of all."""
        group, stop = [first], False
        while len(group) < MOST_IN_GROUP and not stop:
            try:
                more = self._queue.get_nowait()
            except queue.Empty:
                break
            if more is None:
                stop = True
            else:
                group.append(more)
        self._answer(group, self._commit([entry for entry, _ in group]))
        return stop

    def _answer(self, group: Sequence[tuple[Entry, object]], told: Sequence[Exception | None]) -> None:
        """Tell each what became of it. By then the next one may begin."""
        with self._handing:
            self._pending -= len(group)
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
        self._committed(len(entries), batch.audits, began)
        return [None] * len(entries)

    def _committed(self, entries: int, audits: Sequence[AuditRow], began: float) -> None:
        self.times_s.append(self._time(began))
        self._chain.committed(audits)
        self.commits += 1
        self.failing = False
        self.entries += entries

    def _time(self, began: float) -> float:
        """How long a commit took, whatever came of it; where that was long, callers do not commit themselves for a while."""
        now = time.perf_counter()
        if now - began > SLOW_S:
            self._slow_until = now + SLOW_FOR_S
        return now - began

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
