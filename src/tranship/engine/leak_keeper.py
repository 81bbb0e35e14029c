"""Keeps a live run's leak plans fresh: one a week for each network with a budget, and one at once where the dial was moved.

A thread of its own looks every few seconds. What a plan is made from is read between two batches of the writer, made here in a few
milliseconds, and submitted as a command like any other. Where that fails, the plan in force serves on for some weeks, a person is
told, and it is tried again; a network without a fresh plan is shown nothing in the end.
"""

import msgspec

from tranship.core.network import LeakBudget
from tranship.engine import commands as cmd
from tranship.engine.clock import Clock
from tranship.engine.leak_plans import due, made, material
from tranship.engine.shard import Submission
from tranship.engine.watching import Watcher
from tranship.engine.writer import Writer

LOOK_S = 5.0
"""Real seconds between two looks at whether a plan is due."""
REST_S = 30.0
"""Real seconds after a failure; twice as long after each one that follows, at most an hour."""


class KeepingNow(msgspec.Struct, frozen=True):
    """How the making of plans stands. `error` is what went wrong last, empty once it went well again."""

    made: int = 0
    failed: int = 0
    error: str = ""


class LeakKeeper(Watcher[KeepingNow]):
    """Makes leak plans for one writer until it is closed."""

    def __init__(self, writer: Writer, clock: Clock, secret: bytes, *, look_s: float = LOOK_S) -> None:
        """`secret`: what the plans' keys come from (`Vault.leak_secret`). Starts its thread."""
        super().__init__("tranship-leak-plans", KeepingNow(), look_s)
        self._writer, self._clock, self._secret = writer, clock, secret
        self._thread.start()

    def _look(self) -> None:
        at = self._clock.now()
        for budget in self._writer.call(lambda shard: due(shard.state, at)):
            self._make(budget, at)
        self._streak = 0

    def _make(self, budget: LeakBudget, at: int) -> None:
        found = self._writer.call(lambda shard: material(shard.state, budget, at))
        command = made(found, self._secret, "schedule" if found.previous is not None else "begin", at)
        answer = self._writer.submit(Submission(f"leak/{budget.network}/{at}", command))
        if answer.error is not None:
            raise answer.error
        self._stands(KeepingNow(self.now.made + 1, self.now.failed))

    def _later(self, error: str) -> None:
        self._wait_longer(REST_S, self._streak)
        self._stands(msgspec.structs.replace(self.now, error=error))

    def _failed(self, error: Exception) -> None:
        self._later(f"{type(error).__name__}: {error}")
        self._streak += 1
        self._stands(msgspec.structs.replace(self.now, failed=self.now.failed + 1))
        if self._streak > 1:
            return
        at = self._clock.now()
        detail = f"the leak plan stays as it is, at most for some weeks: {type(error).__name__}"
        try:
            self._writer.submit(
                Submission(f"leak-failed/{at}", cmd.ReportException("no_leak_plan", "leak plan", detail, at))
            )
        except Exception:  # noqa: BLE001, S110 - it is shown in `now`; the writer is stopping or full
            pass
