"""The single writer's thread: natural group commit. It takes whatever waits (at most 500), so the batch size follows the load."""

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from tranship.core.errors import UnavailableError
from tranship.engine.shard import MOST_IN_BATCH, Answer, Shard, Submission

MOST_WAITING = 20_000
"""Submissions that may wait; above, callers are told to come back (a limit on everything)."""

T = TypeVar("T")


class Writer:
    """Owns a shard on one thread. `submit` from any thread, `asubmit` from an event loop."""

    def __init__(self, shard: Shard, *, most_waiting: int = MOST_WAITING) -> None:
        self._shard = shard
        # A SimpleQueue's put and get are single steps in C: a Queue takes and gives a lock some six times an order.
        self._queue: queue.SimpleQueue[tuple[Submission, object] | Callable[[], None] | None] = queue.SimpleQueue()
        self._most_waiting = most_waiting
        self._thread = threading.Thread(target=self._run, name="tranship-writer", daemon=True)
        self._closing = False
        self._thread.start()

    def submit(self, submission: Submission, timeout: float | None = 60) -> Answer:
        """Wait for the answer; it comes after the commit."""
        future: Future[Answer] = Future()
        self._put((submission, future))
        return future.result(timeout)

    async def asubmit(self, submission: Submission) -> Answer:
        """As `submit`, for an event loop."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._put((submission, future))
        return await future

    def call(self, function: Callable[[Shard], T], timeout: float | None = 60) -> T:
        """Run a reading function between batches, on the writer's thread, with the shard at rest."""
        future: Future[T] = Future()

        def run() -> None:
            try:
                future.set_result(function(self._shard))
            except Exception as error:  # noqa: BLE001 - handed to the caller, who asked for it
                future.set_exception(error)

        self._put(run)
        return future.result(timeout)

    def close(self) -> None:
        """Finish what waits, then stop the thread and close the store."""
        if not self._closing:
            self._closing = True
            self._queue.put(None)
            self._thread.join()
            self._shard.store.close()

    def _put(self, item: tuple[Submission, object] | Callable[[], None]) -> None:
        if self._closing:
            raise UnavailableError("the engine is stopping")
        if (
            self._queue.qsize() >= self._most_waiting
        ):  # threads that ask at the same moment may pass it together, each by one
            raise UnavailableError("too many submissions wait; try again in a moment")
        self._queue.put(item)

    def _run(self) -> None:
        while True:
            item = self._queue.get()
            if item is None:
                return
            if callable(item):
                item()
                continue
            waiting = [item]
            stop = False
            after: Callable[[], None] | None = None
            while len(waiting) < MOST_IN_BATCH and not stop and after is None:
                try:
                    more = self._queue.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    stop = True
                elif callable(more):
                    after = more
                else:
                    waiting.append(more)
            self._batch(waiting)
            if after is not None:
                after()
            if stop:
                return

    def _batch(self, waiting: list[tuple[Submission, object]]) -> None:
        try:
            answers = self._shard.submit([submission for submission, _ in waiting])
        except Exception as error:  # noqa: BLE001 - the engine loop: a bug must not leave callers waiting for ever
            text = f"the batch could not be carried out: {type(error).__name__}: {error}"
            answers = [Answer(error=UnavailableError(text)) for _ in waiting]
        loops: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Answer], Answer]]] = {}
        for (_, future), answer in zip(waiting, answers, strict=True):
            if isinstance(future, asyncio.Future):
                loops.setdefault(future.get_loop(), []).append((future, answer))
            else:
                assert isinstance(future, Future)
                future.set_result(answer)
        for loop, pairs in loops.items():
            if not loop.is_closed():
                loop.call_soon_threadsafe(_resolve, pairs)


def _resolve(pairs: list[tuple["asyncio.Future[Answer]", Answer]]) -> None:
    for future, answer in pairs:
        if not future.done():
            future.set_result(answer)
