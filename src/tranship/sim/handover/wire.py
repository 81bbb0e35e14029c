"""The way to a network and back, as an adversary has it: lost, late, doubled, cut off. What it does is drawn from the world's seed."""

from collections.abc import Callable
from random import Random
from typing import Generic, TypeVar

import msgspec

from tranship.sim.handover.loop import SECOND, Loop

R = TypeVar("R")
LATEST_S = 4_000
"""Longest after which a request that seemed lost is still carried out."""


class Faults(msgspec.Struct, frozen=True):
    """How often each thing goes wrong, of 1. A call that none of them hits is carried out and answered."""

    lost_request: float = 0.0
    lost_reply: float = 0.0
    late: float = 0.0  # carried out after 15 to LATEST_S seconds, unheard
    error: float = 0.0  # a 5xx; half of them after it was carried out
    throttled: float = 0.0  # a 429
    doubled: float = 0.0  # answered, and carried out once more later
    late_answer: float = 0.0  # of the unheard: the answer comes after the caller has given up
    report_lost: float = 0.0
    report_copies: int = 1  # at most
    report_late_s: int = 5
    blackouts: tuple[tuple[int, int], ...] = ()  # (from, until), UTC microseconds

    def without(self, name: str) -> "Faults":
        """The same with one kind of fault left out."""
        return msgspec.structs.replace(self, **{name: type(self)().__getattribute__(name)})


ERROR, THROTTLED, SILENCE = "error", "throttled", "silence"
"""What comes instead of an answer."""


class Wire(Generic[R]):
    """One network's line. `carry` sends a call over it; answers come back through the loop."""

    def __init__(self, loop: Loop, rng: Random, faults: Faults, timeout_s: int = 8) -> None:
        self.loop, self.rng, self.faults = loop, rng, faults
        self.timeout = timeout_s * SECOND
        self.calls = 0
        f, total = faults, 0.0
        self._steps = []
        for share, act in (
            (f.lost_request, self._lost_request), (f.lost_reply, self._lost_reply), (f.late, self._late),
            (f.error, self._error), (f.throttled, self._throttled), (f.doubled, self._doubled),
        ):  # fmt: skip
            total += share
            self._steps.append((total, act))

    def carry(self, execute: Callable[[], R], hear: Callable[[R | str], None]) -> None:
        """Send one call: `execute` runs at the network whenever the wire lets it, `hear` gets its answer or one of the words."""
        self.calls += 1
        if self.faults.blackouts and self.is_dark():
            self._into_the_dark(execute, hear)
            return
        draw = self.rng.random()
        for limit, act in self._steps:
            if draw < limit:
                act(execute, hear)
                return
        self.loop.after(self._way(), self._carried_out, execute, hear)

    def is_dark(self) -> bool:
        """Whether nothing is heard of the network now."""
        return any(a <= self.loop.now < b for a, b in self.faults.blackouts)

    def report(self, tell: Callable[[], None]) -> None:
        """A notification on its way here: late, doubled, out of order, or never."""
        f, rng = self.faults, self.rng
        if f.report_lost and rng.random() < f.report_lost:
            return
        for _ in range(rng.randint(1, f.report_copies)):
            self.loop.after(int(rng.random() * f.report_late_s * SECOND), self._told, tell)

    def _told(self, tell: Callable[[], None]) -> None:
        if not self.is_dark():
            tell()

    def _way(self) -> int:
        return 50_000 + int(self.rng.random() * 400_000)

    def _carried_out(self, execute: Callable[[], R], hear: Callable[[R | str], None]) -> None:
        self.loop.after(self._way(), hear, execute())

    def _unheard(self, hear: Callable[[R | str], None]) -> None:
        self.loop.after(self.timeout, hear, SILENCE)

    def _lost_request(self, _execute: Callable[[], R], hear: Callable[[R | str], None]) -> None:
        self._unheard(hear)

    def _lost_reply(self, execute: Callable[[], R], hear: Callable[[R | str], None]) -> None:
        self._unheard(hear)
        self.loop.after(self._way(), self._whispered, execute, hear)

    def _late(self, execute: Callable[[], R], hear: Callable[[R | str], None]) -> None:
        self._unheard(hear)
        self.loop.after(self._later(), self._whispered, execute, hear)

    def _later(self) -> int:
        return int((15 + self.rng.random() ** 2 * (LATEST_S - 15)) * SECOND)

    def _whispered(self, execute: Callable[[], R], hear: Callable[[R | str], None]) -> None:
        """Carried out although the caller has given up, or will; now and then the answer comes all the same."""
        answer = execute()
        if self.faults.late_answer and self.rng.random() < self.faults.late_answer:
            self.loop.after(self.timeout + self._way(), hear, answer)

    def _error(self, execute: Callable[[], R], hear: Callable[[R | str], None]) -> None:
        if self.rng.random() < 0.5:
            execute()
        self.loop.after(self._way(), hear, ERROR)

    def _throttled(self, _execute: Callable[[], R], hear: Callable[[R | str], None]) -> None:
        self.loop.after(self._way(), hear, THROTTLED)

    def _doubled(self, execute: Callable[[], R], hear: Callable[[R | str], None]) -> None:
        self.loop.after(self._way(), self._carried_out, execute, hear)
        self.loop.after(self._later(), self._again, execute)

    def _again(self, execute: Callable[[], R]) -> None:
        execute()

    def _into_the_dark(self, execute: Callable[[], R], hear: Callable[[R | str], None]) -> None:
        """Half of what is sent into a blackout is carried out once it ends."""
        self._unheard(hear)
        if self.rng.random() < 0.5:
            end = max(b for a, b in self.faults.blackouts if a <= self.loop.now < b)
            longest = self.loop.now + LATEST_S * SECOND
            self.loop.at(min(end + int(self.rng.random() * 120 * SECOND), longest), self._again, execute)
