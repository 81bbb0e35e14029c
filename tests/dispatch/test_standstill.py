"""A node where accepted orders stand still is given up for itself, and comes back in stages once orders leave."""

from hypothesis import given
from hypothesis import strategies as st

from tranship.core.health import Health
from tranship.dispatch.health import CLOSED, HALF_OPEN, OPEN, STEPS
from tranship.dispatch.standstill import Standstill

SECOND = 1_000_000
TRIAL = 3600 * SECOND
HEALTH = Health(stalled_bp=3_000, stalled_min=4, open_s=20, step_s=60)


def watched() -> Standstill:
    """A node that was given up at second 0: five of ten stood still."""
    watch = Standstill(HEALTH, TRIAL)
    watch.aged(5, 10, 0, 0)
    return watch


def at(watch: Standstill, second: int) -> tuple[str, int]:
    """State and share at a second."""
    verdict = watch.verdict(second * SECOND)
    return verdict.state, verdict.share_bp


def test_it_opens_beyond_both_limits_and_not_below():
    """Share and number: three of three are too few, four of twenty too small a part."""
    for stalled, accepted, state in ((3, 3, CLOSED), (4, 20, CLOSED), (4, 13, OPEN), (4, 4, OPEN)):
        watch = Standstill(HEALTH, TRIAL)
        watch.aged(stalled, accepted, 0, SECOND)
        assert watch.verdict(SECOND).state == state
        assert watch.stands is (state == OPEN)


def test_that_nothing_is_left_to_stand_still_is_no_sign_of_work():
    """The stalled orders were called back: it stays closed to new work, until something leaves."""
    watch = watched()
    watch.aged(0, 0, 0, 60 * SECOND)
    assert at(watch, 600) == (OPEN, 0)
    watch.aged(0, 3, 700 * SECOND, 701 * SECOND)
    assert at(watch, 701) == (HALF_OPEN, STEPS[1])


def test_it_returns_in_stages_and_only_while_orders_leave():
    """10, 25, 50, 100 %: each step waits for its time and for an order that left in it."""
    watch = watched()
    second, shares = 30, []
    while watch.stands:
        watch.aged(0, 5, second * SECOND, second * SECOND)
        shares.append(watch.verdict(second * SECOND).share_bp)
        second += 30
    assert list(dict.fromkeys(shares)) == [*STEPS[1:], 10_000]
    watch = watched()
    watch.aged(0, 5, 30 * SECOND, 30 * SECOND)
    assert [at(watch, second)[1] for second in (30, 300, 3000)] == [STEPS[1]] * 3


def test_an_empty_node_is_tried_again_after_as_long_as_a_stall_takes_to_see():
    """No orders, no news: a small share goes there, and more only after as long again."""
    watch = watched()
    watch.aged(0, 0, 0, SECOND)
    assert at(watch, 3599) == (OPEN, 0)
    assert at(watch, 3600) == (HALF_OPEN, STEPS[1])
    assert at(watch, 7199) == (HALF_OPEN, STEPS[1])
    assert at(watch, 7200) == (HALF_OPEN, STEPS[2])


def test_between_the_limits_nothing_changes():
    """Below the limit that opened it and above half of it, it neither opens nor returns: no ping-pong."""
    watch = watched()
    watch.aged(2, 10, 100 * SECOND, 101 * SECOND)
    assert at(watch, 200) == (OPEN, 0)
    fresh = Standstill(HEALTH, TRIAL)
    fresh.aged(2, 10, 0, SECOND)
    assert at(fresh, 200) == (CLOSED, 10_000)


def test_a_relapse_is_given_up_at_once_and_waits_longer():
    """Twice the pause before the second return begins."""
    watch = watched()
    watch.aged(0, 5, 30 * SECOND, 30 * SECOND)
    watch.aged(5, 10, 30 * SECOND, 40 * SECOND)
    assert at(watch, 40) == (OPEN, 0)
    watch.aged(0, 5, 50 * SECOND, 50 * SECOND)
    assert at(watch, 79) == (OPEN, 0)
    assert at(watch, 80) == (HALF_OPEN, STEPS[1])


def test_what_was_given_up_before_a_restart_still_is():
    """Not a clean sheet."""
    watch = Standstill(HEALTH, TRIAL, 1000 * SECOND)
    watch.resume(900 * SECOND)
    assert at(watch, 1000) == (OPEN, 0)


@given(st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8), st.booleans(), st.integers(0, 900)), max_size=60))
def test_shares_fit_states_and_asking_changes_nothing(steps: list[tuple[int, int, bool, int]]):
    """Whatever comes: closed takes all, open nothing, half-open one of the steps; the second answer is the first."""
    watch, now, left = Standstill(HEALTH, TRIAL), 0, 0
    for stalled, more, leaves, seconds in steps:
        now += seconds * SECOND
        left = now if leaves else left
        watch.aged(stalled, stalled + more, left, now)
        verdict = watch.verdict(now)
        assert verdict == watch.verdict(now)
        allowed = {CLOSED: (10_000,), OPEN: (0,), HALF_OPEN: STEPS[1:]}
        assert verdict.share_bp in allowed[verdict.state] and watch.stands is (verdict.state != CLOSED)
