"""The line to a network whose weather changes at set times: usual days, a brownout, a blackout. And a building where work stops."""

from collections.abc import Callable
from random import Random
from typing import TypeVar

from tranship.sandbox.common.faults import Fault
from tranship.sandbox.common.faults import Faults as NetworkFaults
from tranship.sim.drill.scenarios import BROWN_ERRORS, BROWN_LATENCY
from tranship.sim.handover.loop import Loop
from tranship.sim.handover.wire import Faults, Wire

R = TypeVar("R")
USUAL_ERRORS = 0.001
"""Server errors on an ordinary day (assumption)."""


class Weather(Wire[R]):
    """A line with an outage between two times (`kind`: dark, brown; anything else: none)."""

    def __init__(self, loop: Loop, rng: Random, kind: str, starts_at: int, ends_at: int, timeout_s: int) -> None:
        dark = ((starts_at, ends_at),) if kind == "dark" else ()
        super().__init__(loop, rng, Faults(error=USUAL_ERRORS, report_late_s=5, blackouts=dark), timeout_s)
        self._brown = (starts_at, ends_at) if kind == "brown" else (0, 0)
        self.slow = 1

    def carry(self, execute: Callable[[], R], hear: Callable[[R | str], None]) -> None:
        """Send one call; in a brownout it is slow, and an answer that comes after the caller gave up is not heard."""
        brown = self._brown[0] <= self.loop.now < self._brown[1]
        self.slow = BROWN_LATENCY if brown else 1
        if not brown:
            super().carry(execute, hear)
            return
        self.calls += 1
        there, back = self._way(), self._way()
        if self.rng.random() < BROWN_ERRORS:
            self._error(execute, hear)
        elif there + back <= self.timeout:
            self.loop.after(there, lambda: self.loop.after(back, hear, execute()))
        else:
            self._unheard(hear)
            self.loop.after(there, self._again, execute)

    def _way(self) -> int:
        return super()._way() * self.slow


class Standstill(NetworkFaults):
    """Orders of some nodes that nobody works on between two times, though they are taken."""

    def __init__(self, seed: int, is_there: Callable[[str], bool], starts_at: int, ends_at: int) -> None:
        super().__init__(seed)
        self._is_there = is_there
        self._rule = Fault("F1", "frozen", begins=starts_at, ends=ends_at)

    def standing(self, kind: str, now: int, key: str, *, sku: str = "") -> Fault | None:  # noqa: ARG002 - the faults' signature
        """The standstill, for an order of these nodes."""
        held = kind == "frozen" and self._rule.begins <= now < self._rule.ends and self._is_there(key)
        return self._rule if held else None
