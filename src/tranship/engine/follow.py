"""Keeps a board up to date and tells everybody who watches. The view is made once per step, however many are watching.

Watchers hold no queue: each waits for a newer version and takes the newest when it is ready for it, so a slow one misses
versions in between and never holds anybody up.
"""

import asyncio
import time

from tranship.core.errors import TranshipError
from tranship.engine.service import Service
from tranship.engine.view import View

EVERY_S = 0.5
"""Real seconds between two steps."""


class Follower:
    """The newest view of a live run, on an event loop."""

    def __init__(self, service: Service, *, every_s: float = EVERY_S) -> None:
        self._service, self._every_s = service, every_s
        self._view: View | None = None
        self.version = 0
        self._made = time.monotonic()
        self._newer = asyncio.Event()
        self._closed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Make the first view, then keep it up to date in a task of its own."""
        await self.step()
        self._task = asyncio.create_task(self._run(), name="tranship-follower")

    @property
    def view(self) -> View:
        """The newest view."""
        assert self._view is not None, "the follower was not started"
        return self._view

    @property
    def age_s(self) -> float:
        """Real seconds since the newest view was made."""
        return time.monotonic() - self._made

    @property
    def closed(self) -> bool:
        """Whether the service is going away: streams end then."""
        return self._closed.is_set()

    async def newer(self, seen: int, timeout_s: float) -> int:
        """The newest version, after waiting (at most `timeout_s`) for one newer than `seen`."""
        if self.version <= seen and not self.closed:
            try:
                async with asyncio.timeout(timeout_s):
                    await self._newer.wait()
            except TimeoutError:
                pass
        return self.version

    async def step(self) -> None:
        """Take in what was committed and make a new view."""
        self._view = await asyncio.to_thread(self._service.view)
        self._made = time.monotonic()
        self.version += 1
        watchers, self._newer = self._newer, asyncio.Event()
        watchers.set()

    def close(self) -> None:
        """Let every watcher go. Called on the event loop."""
        self._closed.set()
        self._newer.set()
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        while not self.closed:
            try:
                async with asyncio.timeout(self._every_s):
                    await self._closed.wait()
            except TimeoutError:
                pass
            try:
                await self.step()
            except (TranshipError, TimeoutError):
                continue  # the engine is busy or stopping; the view's age says so to everybody who watches
