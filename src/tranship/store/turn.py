"""Whose turn it is to write, within one process: a lock that its holder may leave to another thread."""

import threading

_NOBODY, _LEFT = 0, -1


class Turn:
    """One thread at a time has it; the thread that has it may take it again. `leave` it, and whoever calls `adopt` has it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._owner, self._depth = _NOBODY, 0

    def __enter__(self) -> None:
        me = threading.get_ident()
        if self._owner != me:
            self._lock.acquire()
            self._owner = me
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if not self._depth:
            self._owner = _NOBODY
            self._lock.release()

    def taken(self) -> bool:
        """Take it where nobody has it, this thread included; False where somebody has. Never waits."""
        if not self._lock.acquire(blocking=False):
            return False
        self._owner, self._depth = threading.get_ident(), 1
        return True

    def leave(self) -> None:
        """Nobody has it from here on, and nobody gets it, until `adopt`."""
        self._owner = _LEFT

    def adopt(self) -> None:
        """Have what was left; exactly one thread calls this, once for each `leave`."""
        assert self._owner == _LEFT, "nothing was left"
        self._owner = threading.get_ident()
