"""Calls of one interface, and how much they speak for its being sick. Pure; whole thousandths of a nat, so no order of adding matters.

Every call that began lately is good, failed, slow or very slow; one in flight is as slow as it is old. Each kind speaks for or against
sickness by the logarithm of how much more often it happens then (likelihood ratio). The score is the most that the calls since any
moment say together: a change-point test (Page 1954), which needs no window of its own and lets healthy calls speak against bad ones.
"""

import math
from collections import OrderedDict
from collections.abc import Iterator

from tranship.core.health import Health
from tranship.dispatch.usual import Latency, Shares

SECOND = 1_000_000
GOOD, NEUTRAL, FAILED, SLOW, VERY_SLOW = range(5)
OUTCOME = {
    "ok": GOOD, "exists": GOOD, "refused": GOOD, "not_found": GOOD,
    "throttled": NEUTRAL,
    "unauthorized": FAILED, "unknown": FAILED, "violation": FAILED,
}  # fmt: skip
"""What an outcome (dispatch.model.OUTCOMES) says of the interface: an answer is an answer, a refusal for its rate says nothing."""
QUIET_CALLS, QUIET_S = 12, 1_800
"""A quiet window reaches back until it has so many calls, and never further than this."""
_VERY = 2.0
"""Very slow is this much above slow."""
_VERY_SHARE = 0.0001
"""How often a healthy call is very slow, at most: four times the p99 of a lognormal latency is far rarer."""


class Call:
    """One call; `ended` is 0 while it is in flight."""

    __slots__ = ("began", "call_id", "ended", "kind", "op", "outcome")

    def __init__(self, call_id: str, op: str, began: int) -> None:
        self.call_id, self.op, self.began, self.ended, self.outcome, self.kind = call_id, op, began, 0, NEUTRAL, NEUTRAL


class Calls:
    """The calls of the window, in the order in which they began."""

    def __init__(self, settings: Health) -> None:
        self.settings = settings
        self.usual: dict[str, Latency] = {}
        self.shares = Shares()
        self.pending: dict[str, Call] = {}
        self.seen: OrderedDict[int, Call] = OrderedDict()
        self._number = 0
        self._bad = 0  # ended calls in the window that are worse than good

    def start(self, call_id: str, op: str, at: int) -> None:
        """A call begins; one of the same id that never ended is forgotten."""
        call = Call(call_id, op, at)
        self.pending[call_id] = call
        self.seen[self._number] = call
        self._number += 1

    def end(self, call_id: str, at: int, outcome: str) -> Call | None:
        """A call ended; None where none of this id is in flight."""
        call = self.pending.pop(call_id, None)
        if call is None:
            return None
        call.ended, call.outcome = max(at, call.began + 1), OUTCOME.get(outcome, FAILED)
        call.kind = self._kind(call, call.ended)
        self._bad += call.kind >= FAILED
        return call

    def slow_after(self, op: str) -> int:
        """Microseconds above which a call of this operation is slow."""
        latency = self.usual.setdefault(op, Latency())
        lately = [] if not latency.cold else self._lately(op)
        usual = latency.p99(self.settings.usual_ms * 1000, lately)
        return max(self.settings.floor_ms * 1000, usual * self.settings.slow_bp // 10_000)

    def _lately(self, op: str) -> list[int]:
        return [
            call.ended - call.began
            for call in self.seen.values()
            if call.op == op and call.ended and call.outcome == GOOD
        ]

    def _kind(self, call: Call, at: int) -> int:
        if call.ended and call.outcome == NEUTRAL:
            return NEUTRAL
        age, slow = (call.ended or at) - call.began, self.slow_after(call.op)
        late = VERY_SLOW if age > slow * _VERY else SLOW if age > slow else GOOD
        if not call.ended:
            return late if late != GOOD else NEUTRAL
        if call.outcome == FAILED and late == SLOW:
            return FAILED if self.weight(FAILED) > self.weight(SLOW) else SLOW
        return late if late != GOOD else call.outcome

    def weight(self, kind: int) -> int:
        """What one call of this kind says, in thousandths of a nat; above zero speaks for sickness."""
        sick = self.settings.sick_bp / 10_000
        if kind == NEUTRAL:
            return 0
        if kind == GOOD:
            return round(1000 * math.log(1 - 2 * sick)) if sick < 0.5 else -3000
        usual = {FAILED: self.shares.failing(), SLOW: self.shares.slowing(), VERY_SLOW: _VERY_SHARE}[kind]
        return max(0, round(1000 * math.log(sick / usual)))

    def prune(self, at: int) -> Iterator[Call]:
        """The calls that leave the window, oldest first."""
        limit, last = at - self.settings.window_s * SECOND, at - QUIET_S * SECOND
        while self.seen:
            number, call = next(iter(self.seen.items()))
            if call.began >= limit or (len(self.seen) <= QUIET_CALLS and call.began >= last):
                return
            del self.seen[number]
            self._bad -= call.kind >= FAILED
            if self.pending.get(call.call_id) is call:  # nobody ever said how it ended
                del self.pending[call.call_id]
            yield call

    def quiet(self, at: int) -> bool:
        """Whether no call in the window is worse than good: then nothing needs to be weighed."""
        return not self._bad and all(at - call.began <= self.slow_after(call.op) for call in self.pending.values())

    def kinds(self, at: int, since: int = 0) -> list[tuple[int, int]]:
        """(began, kind) of every call of the window that began at `since` or later, the newest first; equal times side by side."""
        found = [
            (call.began, call.kind if call.ended else self._kind(call, at))
            for call in self.seen.values()
            if call.began >= since
        ]
        return sorted(found, reverse=True)

    def score(self, at: int, since: int = 0) -> int:
        """The most that the calls since any moment say together for sickness; never below zero."""
        if self.quiet(at):
            return 0
        weights = [self.weight(kind) for kind in range(5)]
        best = total = 0
        kinds = self.kinds(at, since)
        for i, (began, kind) in enumerate(kinds):
            total += weights[kind]
            if total > best and (
                i + 1 == len(kinds) or kinds[i + 1][0] != began
            ):  # what began together counts together
                best = total
        return best

    def usual_is_cold(self, call: Call) -> bool:
        """Whether nothing is known yet of what is usual for this call's operation."""
        return self.usual.setdefault(call.op, Latency()).cold

    def learn(self, call: Call) -> None:
        """Take in a call of a healthy time as usual."""
        if call.ended and call.outcome != NEUTRAL:
            self.shares.learn(failed=call.outcome == FAILED, slow=call.kind == SLOW)
            if call.outcome == GOOD:
                self.usual.setdefault(call.op, Latency()).learn(call.ended - call.began)
