"""Clocks of a live run: the system's, and a fast one for demonstrations. Both only move forward."""

import time
from typing import Protocol


class Clock(Protocol):
    """Tells UTC microseconds, never less than before."""

    @property
    def speed(self) -> int:
        """Seconds that pass on this clock in one real second."""

    def now(self) -> int:
        """UTC microseconds."""


class SystemClock:
    """The machine's clock; where that is set back, it goes on at half speed until it has caught up. `floor` is the earliest answer.

    It never stands still: what is due would not happen, and no two ticks may bear the same time for long.
    """

    speed = 1

    def __init__(self, floor: int = 0) -> None:
        self._last, self._seen = floor, time.monotonic_ns()

    def now(self) -> int:
        """UTC microseconds."""
        wall, real = time.time_ns() // 1000, time.monotonic_ns()
        behind = self._last + (real - self._seen) // 2000
        if wall >= self._last:
            self._last, self._seen = wall, real
        elif behind > self._last:
            self._last, self._seen = behind, real
        return self._last


class FastClock:
    """Starts at a moment of one's choice and runs `speed` times as fast as real time."""

    def __init__(self, start: int, speed: int) -> None:
        if speed < 1:
            raise ValueError(f"speed must be at least 1, got {speed}")
        self.start, self.speed = start, speed
        self._began = time.monotonic_ns()

    def now(self) -> int:
        """UTC microseconds of this clock."""
        return self.start + (time.monotonic_ns() - self._began) // 1000 * self.speed
