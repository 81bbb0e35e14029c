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
    """The machine's clock; where it is set back, it stands still until it has caught up. `floor` is the earliest answer."""

    speed = 1

    def __init__(self, floor: int = 0) -> None:
        self._last = floor

    def now(self) -> int:
        """UTC microseconds."""
        self._last = max(self._last, time.time_ns() // 1000)
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
