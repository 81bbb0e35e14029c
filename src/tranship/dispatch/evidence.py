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
MOST_CALLS = 1_000
"""A busy window holds no more than these: far more than are needed to tell."""
_VERY = 2.0
"""Very slow is this much above slow."""
_VERY_SHARE = 0.0001
"""How often a healthy call is very slow, at most: four times the p99 of a lognormal latency is far rarer."""


class Call:
    """One call; `ended` is 0 while it is in flight."""

    __slots__ = ("began", "call_id", "ended", "kind", "learned", "op", "outcome")

    def __init__(self, call_id: str, op: str, began: int) -> None:
        self.call_id, self.op, self.began, self.ended, self.outcome, self.kind = call_id, op, began, 0, NEUTRAL, NEUTRAL
        self.learned = False


class Calls:
    """The calls of the window, in the order in which they began."""

    def __init__(self, settings: Health) -> None:
        self.settings = settings
        self.usual: dict[str, Latency] = {}
        self.shares = Shares()
        self.pending: dict[str, Call] = {}
        self.seen: OrderedDict[int, Call] = OrderedDict()
        self.known_from = 0  # calls that began earlier tell nothing of what is usual
        self._number = 0
        self._bad = 0  # ended calls in the window that are worse than good

    def start(self, call_id: str, op: str, at: int) -> None:
        """A call begins; one of the same id that never ended is forgotten."""
        self.usual.setdefault(op, Latency())
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
        usual = self.usual[call.op]
        if usual.cold and call.outcome == GOOD and call.began >= self.known_from:
            usual.learn(
                call.ended - call.began
            )  # at first any answer is how it is: there is nothing to compare it with
            call.learned = True
        return call

    def slow_after(self, op: str) -> int:
        """Microseconds above which a call of this operation is slow."""
        usual = self.usual[op].p99(self.settings.usual_ms * 1000)
        return max(self.settings.floor_ms * 1000, usual * self.settings.slow_bp // 10_000)

    def _kind(self, call: Call, at: int) -> int:
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
            young = call.began >= limit or (len(self.seen) <= QUIET_CALLS and call.began >= last)
            if young and len(self.seen) <= MOST_CALLS:
                return
            del self.seen[number]
            self._bad -= call.kind >= FAILED
            if self.pending.get(call.call_id) is call:  # nobody ever said how it ended
                del self.pending[call.call_id]
            yield call

    def bad(self, at: int) -> int:
        """How many calls of the window are worse than good, those in flight with their age."""
        return self._bad + sum(at - call.began > self.slow_after(call.op) for call in self.pending.values())

    def kinds(self, at: int, since: int = 0) -> Iterator[tuple[int, int]]:
        """(began, kind) of every call of the window that began at `since` or later, the newest first."""
        for call in reversed(self.seen.values()):
            if call.began < since:
                return
            yield call.began, call.kind if call.ended else self._kind(call, at)

    def score(self, at: int, since: int = 0) -> int:
        """The most that the calls since any moment say together for sickness; never below zero."""
        left = self.bad(at)
        if not left:
            return 0
        weights = [self.weight(kind) for kind in range(5)]
        most, best, total, before = max(weights), 0, 0, -1
        for began, kind in self.kinds(at, since):
            if began != before:  # what began together counts together
                best = max(best, total)
                if total + left * most <= best:
                    break  # what is left to find cannot change it
            before = began
            total += weights[kind]
            left -= kind >= FAILED
        return max(best, total)

    def learn(self, call: Call) -> None:
        """Take in a call of a healthy time as usual."""
        if call.ended and call.outcome != NEUTRAL:
            self.shares.learn(failed=call.outcome == FAILED, slow=call.kind == SLOW)
            if call.outcome == GOOD and not call.learned and call.began >= self.known_from:
                self.usual[call.op].learn(call.ended - call.began)
