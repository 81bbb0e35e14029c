"""What is usual for one interface: latency by operation and how often calls fail. Learned slowly, and only from healthy times."""

import math

_COLD = 64
"""Calls after which a learned latency is used; before, four times the median of what is there is (lognormal, p99 / median = 4)."""
_STEP_FIRST, _STEP = 0.2, 0.02
"""Steps of the running quantile, in parts of e: about ten minutes of two calls a second to follow a drift."""
_P99 = 0.99
_RATE_STEP = 1 / 10_000
"""Weight of one call in the learned shares: one and a half hours of two calls a second."""
_LEAST_FAILING, _LEAST_SLOW, _MOST = 0.0007, 0.001, 0.02
"""Learned shares stay between these: less could not be known, more is not usual. So no two calls alone are proof of anything."""


class Latency:
    """The running p99 of one operation, as its logarithm in microseconds."""

    def __init__(self) -> None:
        self.calls = 0
        self._log = 0.0
        self._p99 = 0
        self._first: list[int] = []

    @property
    def cold(self) -> bool:
        """Whether too few calls were seen to know."""
        return self.calls < _COLD

    def p99(self, usual: int) -> int:
        """Microseconds; while cold the larger of `usual` and what the first answers suggest."""
        return max(usual, self._p99) if self.cold else self._p99

    def learn(self, latency: int) -> None:
        """Take in the latency of one call of a healthy time."""
        self.calls += 1
        if self.calls <= _COLD:
            self._first = sorted((*self._first, latency))
            self._p99 = max(1, 4 * self._first[len(self._first) // 2])
            self._log = math.log(self._p99)
        else:
            self._first = []
            step = max(_STEP, _STEP_FIRST * _COLD / self.calls)
            above = latency > 0 and math.log(latency) > self._log
            self._log += step * (_P99 if above else _P99 - 1)
            self._p99 = round(math.exp(self._log))

    def forget(self) -> None:
        """Begin anew: what is usual has changed for good."""
        self.__init__()  # type: ignore[misc]  # the same beginning, not a copy of it


class Shares:
    """How often a call fails, and how often it is slow, in healthy times."""

    def __init__(self) -> None:
        self.failed = 0.001
        self.slow = 0.001

    def learn(self, *, failed: bool, slow: bool) -> None:
        """Take in one call of a healthy time."""
        self.failed += (failed - self.failed) * _RATE_STEP
        self.slow += (slow - self.slow) * _RATE_STEP

    def failing(self) -> float:
        """The usual share of failed calls, within what can be usual."""
        return min(_MOST, max(_LEAST_FAILING, self.failed))

    def slowing(self) -> float:
        """The usual share of slow calls, within what can be usual."""
        return min(_MOST, max(_LEAST_SLOW, self.slow))
