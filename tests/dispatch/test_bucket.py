"""The token bucket: never more than the published rate, never less than it without a word from the server."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tranship.core.capability import Rate
from tranship.dispatch.bucket import TokenBucket

S = 1_000_000
TWO = Rate(2_000, 30)


def drained(bucket: TokenBucket, at: int) -> int:
    """How many calls can be made at this moment."""
    count = 0
    while bucket.take(at):
        count += 1
    return count


def test_a_full_bucket_gives_its_burst_and_then_its_rate() -> None:
    """30 at once, then two a second, to the microsecond."""
    bucket = TokenBucket(TWO, 0)
    assert drained(bucket, 0) == 30
    assert bucket.next_at(0) == S // 2
    assert not bucket.take(S // 2 - 1)
    assert bucket.take(S // 2)
    assert drained(bucket, 100 * S) == 30


@given(st.integers(1, 50_000), st.integers(1, 50), st.integers(0, 5), st.lists(st.integers(0, 3 * S), max_size=60))
def test_no_window_ever_gets_more_than_the_rate(rate: int, burst: int, reserve: int, gaps: list[int]) -> None:
    """Between any two takes: at most the burst and what was filled meanwhile."""
    bucket, at, taken = TokenBucket(Rate(rate, burst), 0, reserve=reserve), 0, []
    for gap in gaps:
        at += gap
        taken += [at] * drained(bucket, at)
    for i, first in enumerate(taken):
        for j in range(i, len(taken)):
            assert (j - i + 1 - burst) * 10**9 <= (taken[j] - first) * rate


@given(st.integers(1, 50_000), st.integers(1, 50), st.integers(0, 5), st.integers(0, 10 * S), st.booleans())
def test_next_at_is_exact(rate: int, burst: int, reserve: int, at: int, probe: bool) -> None:
    """At the time it names a take succeeds, a microsecond earlier none does."""
    bucket = TokenBucket(Rate(rate, burst), 0, reserve=reserve, empty=True)
    then = bucket.next_at(at, probe=probe)
    assert then >= at
    if then > at:
        assert not bucket.take(then - 1, probe=probe)
    assert bucket.take(then, probe=probe)


def test_the_reserve_is_for_probes() -> None:
    """Ordinary calls leave it, probes take it, and the rate in the long run is the same."""
    bucket = TokenBucket(TWO, 0, reserve=2)
    assert drained(bucket, 0) == 28
    assert bucket.take(0, probe=True) and bucket.take(0, probe=True)
    assert not bucket.take(0, probe=True)
    bucket = TokenBucket(TWO, 0, reserve=2)
    drained(bucket, 0)
    assert sum(bucket.take(at) for at in range(0, 100 * S, S // 10)) == 199


def test_a_burst_of_one_has_no_reserve() -> None:
    """A reserve that nobody but probes could ever pass would stop all work."""
    assert TokenBucket(Rate(1_000, 1), 0, reserve=3).take(0)


def test_the_server_has_the_last_word() -> None:
    """After a refusal nothing goes before the time it named; without one, not before a token's time."""
    bucket = TokenBucket(TWO, 0)
    bucket.throttled(0, 5_000)
    assert bucket.next_at(0) == 5 * S
    assert not bucket.take(5 * S - 1) and not bucket.take(5 * S - 1, probe=True)
    assert bucket.take(5 * S)
    bucket.throttled(6 * S)
    assert bucket.next_at(6 * S) == 6 * S + S // 2


def test_a_lower_limit_holds_and_a_higher_one_is_not_believed() -> None:
    """The header may shrink the rate and give it back, up to the published one."""
    bucket = TokenBucket(TWO, 0, empty=True)
    bucket.limited(0, 500)
    assert bucket.next_at(0) == 2 * S
    bucket.limited(0, 9_000)
    assert bucket.next_at(0) == S // 2
    bucket.limited(0, 0)
    assert bucket.rate == TWO


def test_a_clock_that_jumps_gives_nothing_away() -> None:
    """Set back by a day, the bucket goes on filling from there; set ahead, it is full and no more."""
    bucket = TokenBucket(TWO, 86_400 * S)
    drained(bucket, 86_400 * S)
    bucket.throttled(86_400 * S, 1_000)
    assert not bucket.take(0)
    assert bucket.next_at(0) == S
    assert bucket.take(S)
    assert drained(bucket, 900_000 * S) == 30


@pytest.mark.parametrize("rate", [Rate(0, 5), Rate(5, 0)])
def test_a_rate_of_nothing_is_refused(rate: Rate) -> None:
    """A bucket that never fills would be an outage of our own making."""
    with pytest.raises(ValueError, match="above zero"):
        TokenBucket(rate, 0)
