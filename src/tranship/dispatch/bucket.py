"""A network's published rate limit as a token bucket: whole numbers, time passed in.

A reserve of the last tokens is kept for probes, so that a network whose budget is used up by a drain can still be asked how it is.
What the server itself says (429, a lower limit in a header) only ever makes the bucket smaller.
"""

from tranship.core.capability import Rate

ONE = 1_000_000_000
"""One token. Thousandths of a request a second times microseconds are exactly this unit, so nothing is ever rounded away."""
MICROS_PER_MS = 1_000
JUMP = 60_000_000
"""Microseconds: a clock that goes back further was set; below, times only arrive out of order and fill nothing."""


class TokenBucket:
    """One operation's calls. Full at `at`, or empty where it is not known what was used before (after a restart)."""

    def __init__(self, rate: Rate, at: int, *, reserve: int = 0, empty: bool = False) -> None:
        if rate.per_s_milli <= 0 or rate.burst <= 0:
            raise ValueError(f"a rate and a burst above zero are needed, not {rate}")
        self.published = rate
        self.rate = rate
        self.reserve = min(reserve, rate.burst - 1)  # with a burst of one there is nothing to keep back
        self._level = 0 if empty else rate.burst * ONE
        self._at = at
        self._not_before = at

    def take(self, now: int, *, probe: bool = False) -> bool:
        """Take a token; False where there is none, or only the reserve and this is no probe."""
        self._fill(now)
        if now < self._not_before or self._level < self._needed(probe):
            return False
        self._level -= ONE
        return True

    def next_at(self, now: int, *, probe: bool = False) -> int:
        """When `take` succeeds at the earliest, if nobody else takes one: `now`, or later."""
        self._fill(now)
        lacking = self._needed(probe) - self._level
        filled = self._at + max(0, -(-lacking // self.rate.per_s_milli))
        return max(now, filled, self._not_before)

    def throttled(self, now: int, retry_after_ms: int = 0) -> None:
        """The server refused a call: somebody else uses the same budget, so nothing is left, and not before its own word.

        Without a word of its own, one token's time is waited.
        """
        self._fill(now)
        self._level = 0
        wait = retry_after_ms * MICROS_PER_MS if retry_after_ms > 0 else -(-ONE // self.rate.per_s_milli)
        self._not_before = max(self._not_before, now + wait)

    def limited(self, now: int, per_s_milli: int) -> None:
        """The server named its limit: ours becomes that, never more than the published one. Zero and less say nothing."""
        if per_s_milli > 0:
            self._fill(now)
            self.rate = Rate(min(per_s_milli, self.published.per_s_milli), self.published.burst)

    def left(self, now: int) -> int:
        """Whole tokens that are there, the reserve included."""
        self._fill(now)
        return self._level // ONE if now >= self._not_before else 0

    def _needed(self, probe: bool) -> int:
        return ONE if probe else (1 + self.reserve) * ONE

    def _fill(self, now: int) -> None:
        if now < self._at - JUMP:  # the clock was set back: what it will show again is time that has yet to pass
            self._not_before -= self._at - now
            self._at = now
        elif now > self._at:
            self._level = min(self.rate.burst * ONE, self._level + (now - self._at) * self.rate.per_s_milli)
            self._at = now
