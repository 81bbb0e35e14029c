"""A virtual clock and what is to happen on it. One thread, no waiting: the next event is simply next."""

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

SECOND = 1_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR


class Loop:
    """Events in order of time, then of coming in. `now` is UTC microseconds."""

    def __init__(self, now: int) -> None:
        self.now = now
        self.done = 0
        self._heap: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._count = 0

    def at(self, when: int, act: Callable[..., None], *args: Any) -> None:
        """Let `act(*args)` happen at `when`, or now where that is past."""
        self._count += 1
        heappush(self._heap, (max(when, self.now), self._count, act, args))

    def after(self, wait: int, act: Callable[..., None], *args: Any) -> None:
        """Let `act(*args)` happen after so many microseconds."""
        self._count += 1
        heappush(self._heap, (self.now + wait, self._count, act, args))

    def run(self, until: int, check: Callable[[], None] | None = None) -> None:
        """Let everything happen that is due by `until`; `check` is asked after each event."""
        heap = self._heap
        while heap and heap[0][0] <= until:
            self.now, _, act, args = heappop(heap)
            act(*args)
            self.done += 1
            if check is not None:
                check()
        self.now = max(self.now, until)
