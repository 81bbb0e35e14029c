"""Published limits as token buckets on the sandbox's clock."""

from typing import NamedTuple

from tranship.sandbox.common.clock import SECOND


class Limit(NamedTuple):
    """Requests a second, in thousandths, and how many may come at once. A rate of 0 is no limit."""

    per_s_milli: int = 0
    burst: int = 0


class Bucket:
    """A token bucket that is full at the start. Integers: a millionth of a token is the smallest part."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self._parts = limit.burst * SECOND
        self._at: int | None = None

    def take(self, now: int) -> int:
        """Take a token at this time: 0, or how many microseconds to wait for one. A clock set back refills nothing.

        >>> bucket = Bucket(Limit(per_s_milli=2000, burst=1))
        >>> bucket.take(0), bucket.take(0), bucket.take(500_000)
        (0, 500000, 0)
        """
        if self.limit.per_s_milli <= 0:
            return 0
        passed = 0 if self._at is None else max(0, now - self._at)
        self._at = now
        self._parts = min(self.limit.burst * SECOND, self._parts + passed * self.limit.per_s_milli // 1000)
        if self._parts >= SECOND:
            self._parts -= SECOND
            return 0
        return -(-(SECOND - self._parts) * 1000 // self.limit.per_s_milli)
