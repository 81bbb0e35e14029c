"""A thread beside the writer that looks every few seconds whether something is due, and never stops the writer."""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Generic, TypeVar

from tranship.core.errors import UnavailableError

MOST_WAIT_S = 3600.0
"""Real seconds after which what failed is tried again at the latest."""

N = TypeVar("N")


class Watcher(ABC, Generic[N]):
    """Looks until it is closed. `now` says how it stands: a value that is replaced, never changed.

    Whatever goes wrong in a look is told and tried again: orders go on without it.
    """

    def __init__(self, name: str, now: N, look_s: float) -> None:
        """`look_s`: real seconds between two looks. The thread is there; who has all that a look needs starts it."""
        self.now = now
        self._look_s = look_s
        self._not_before, self._streak = 0.0, 0
        self._closing = threading.Event()
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def close(self) -> None:
        """End the thread. A second call does nothing."""
        self._closing.set()
        self._thread.join()

    def wait_for(self, when: Callable[[N], bool], timeout_s: float) -> bool:
        """Wait until it stands as asked for, at most so many seconds; whether it does."""
        with self._changed:
            return self._changed.wait_for(lambda: when(self.now), timeout_s)

    def _stands(self, now: N) -> None:
        with self._changed:
            self.now = now
            self._changed.notify_all()

    def _wait(self, seconds: float) -> None:
        """Do not look before so many seconds are over."""
        self._not_before = time.monotonic() + seconds

    def _wait_longer(self, first_s: float, failures: int) -> None:
        """The same, twice as long for each failure before this one."""
        self._wait(min(MOST_WAIT_S, first_s * 2 ** min(failures, 20)))

    def _run(self) -> None:
        while not self._closing.wait(self._look_s):
            if time.monotonic() < self._not_before:
                continue
            try:
                self._look()
            except UnavailableError as error:  # the writer is busy or stopping
                self._later(str(error))
            except Exception as error:  # noqa: BLE001 - the engine loop: whatever it was, orders go on without it
                if not self._closing.is_set():
                    self._failed(error)

    @abstractmethod
    def _look(self) -> None:
        """Do what is due, where something is."""

    @abstractmethod
    def _later(self, error: str) -> None:
        """The writer was not there."""

    @abstractmethod
    def _failed(self, error: Exception) -> None:
        """Something went wrong: tell it, once for failures that follow each other, and wait longer each time."""
