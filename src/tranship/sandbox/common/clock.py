"""The sandbox's clock and its agenda: time can stand still, run at any pace, or be set; what falls due is done in order."""

import heapq
import time
from collections.abc import Callable
from datetime import UTC, datetime

SECOND = 1_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
FOREVER = 1 << 62


def parse_time(text: object) -> int:
    """UTC microseconds of an ISO time with a zone, or of an integer that is microseconds already; ValueError otherwise."""
    if isinstance(text, bool) or not isinstance(text, int | str):
        raise ValueError("a time is ISO 8601 with a zone, or integer microseconds")  # noqa: TRY004
    if isinstance(text, int):
        return text
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text[:40]!r} is no time in ISO 8601") from None
    if moment.tzinfo is None:
        raise ValueError("a time needs its zone (Z for UTC)")
    return round(moment.timestamp() * SECOND)


def iso(us: int) -> str:
    """ISO 8601 in UTC, to the second as the vendors write it; the fraction only where there is one."""
    moment = datetime.fromtimestamp(us // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{moment}Z" if us % SECOND == 0 else f"{moment}.{us % SECOND // 1000:03d}Z"


class Clock:
    """Time in UTC microseconds at a pace of `rate` sandbox seconds a second: 1 is real time, 0 stands still until it is set."""

    def __init__(self, start: int | None = None, rate: float = 1.0) -> None:
        self.rate = rate
        self._base = time.time_ns() // 1000 if start is None else start
        self._mark = time.monotonic_ns()

    def now(self) -> int:
        """The time."""
        return self._base + int((time.monotonic_ns() - self._mark) // 1000 * self.rate)

    def set(self, *, at: int | None = None, advance: int = 0, rate: float | None = None) -> None:
        """Jump to a time, jump ahead, or change the pace; in that order."""
        self._base = (self.now() if at is None else at) + advance
        self._mark = time.monotonic_ns()
        self.rate = self.rate if rate is None else rate

    def wall_s(self, us: int) -> float:
        """Seconds of wall time until the clock shows `us`; a very long time where it stands still."""
        left = us - self.now()
        if left <= 0:
            return 0.0
        return left / SECOND / self.rate if self.rate > 0 else 3600.0


class Agenda:
    """What is to be done when. Each thing sees the time it was due, so a clock that jumps a day changes nothing but the wait."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._due: list[tuple[int, int, Callable[[int], None]]] = []
        self._count = 0

    def at(self, us: int, action: Callable[[int], None]) -> None:
        """Do it at this time; `action` is told the time. Things of one time are done in the order they were put in."""
        self._count += 1
        heapq.heappush(self._due, (us, self._count, action))

    def settle(self) -> int:
        """Do everything that is due; the time now."""
        now = self.clock.now()
        while self._due and self._due[0][0] <= now:
            due, _, action = heapq.heappop(self._due)
            action(due)
        return now

    def next_at(self) -> int:
        """When the next thing is due; FOREVER where nothing is."""
        return self._due[0][0] if self._due else FOREVER

    def __len__(self) -> int:
        return len(self._due)
