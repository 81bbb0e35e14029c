"""What a live run adds: random ids, keys that give nothing away, clocks that only move forward."""

import time

import pytest

from tranship.core.order import Destination, Order, OrderLine, Person
from tranship.engine.clock import FastClock, SystemClock
from tranship.engine.live import LiveIds, placing, request_row
from tranship.engine.state import State


def order(placed_at: int = 0) -> Order:
    """A small order."""
    return Order("shop", "1", "web", placed_at, Destination("60614"), (OrderLine("1", "A", 1),))


def test_a_live_person_id_is_random_and_never_looks_like_a_counted_one():
    """`R` and twenty letters: recorded runs count P1, P2 ..., and the state counts only those."""
    state = State(lambda sha256: b"")
    ids = {LiveIds().person(state) for _ in range(1000)}
    assert len(ids) == 1000
    assert all(len(person) == 21 and person[0] == "R" and person[1:].isalnum() for person in ids)


def test_an_order_without_a_time_is_the_same_request_later():
    """Left out, the time is when it was taken, and does not count as content; said, it does."""
    first, later = placing(order(), 1_000), placing(order(), 2_000)
    assert first.content == later.content and first.key == later.key == "order/shop/1"
    assert first.command.order.placed_at == 1_000  # type: ignore[union-attr]
    assert placing(order(5), 1_000).content != first.content


def test_personal_data_is_no_part_of_the_content_digest():
    """It has a digest of its own, under the person's key."""
    assert placing(order(), 1, Person(name="A")).content == placing(order(), 1).content


def test_a_callers_key_is_kept_as_a_digest():
    """Whatever somebody put into it, it cannot be read from the table."""
    row = request_row("jane.doe@example.com")
    assert row.startswith("request/") and "jane" not in row and len(row) == 40
    assert request_row("") == "" and request_row("a") != request_row("b")


def test_a_clock_never_goes_back():
    """Not below the run's last event, not from one call to the next."""
    floor = 4_000_000_000_000_000
    assert floor <= SystemClock(floor).now() < floor + 1_000_000
    clock = SystemClock()
    times = [clock.now() for _ in range(1000)]
    assert times == sorted(times)


def test_a_clock_that_was_set_back_goes_on_at_half_speed(monkeypatch: pytest.MonkeyPatch):
    """A day ahead, then put right: time does not stand still until the day is over, or nothing that is due would happen."""
    wall, real = [1_000_000_000_000_000], [0]
    monkeypatch.setattr(time, "time_ns", lambda: wall[0] * 1000)
    monkeypatch.setattr(time, "monotonic_ns", lambda: real[0] * 1000)
    clock = SystemClock()
    wall[0] += 86_400_000_000
    ahead = clock.now()
    wall[0] -= 86_400_000_000
    for _ in range(10):
        wall[0] += 60_000_000
        real[0] += 60_000_000
        clock.now()
    assert clock.now() == ahead + 10 * 30_000_000
    wall[0] += 2 * 86_400_000_000
    assert clock.now() == wall[0]


def test_a_fast_clock_starts_where_it_is_told_and_runs_fast():
    """A million times as fast: an hour passes between two calls before long."""
    clock = FastClock(1_000, 1_000_000)
    first = clock.now()
    assert first >= 1_000
    while clock.now() - first < 3_600_000_000:
        pass
    with pytest.raises(ValueError, match="speed"):
        FastClock(0, 0)
