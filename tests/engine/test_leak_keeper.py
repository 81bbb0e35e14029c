"""Leak plans of a live run: made on time, told of when they fail, and never in the way of orders."""

import time

import pytest

from tests.engine.leaked import budgeted
from tests.engine.test_pricing import Hands
from tests.engine.worlds import AMZ, MONDAY, PL, Run, order, placing
from tranship.engine import leak_keeper
from tranship.engine.leak_keeper import LeakKeeper
from tranship.engine.shard import Shard
from tranship.engine.writer import Writer
from tranship.routing.leak.model import MICROS_PER_WEEK, week_of

PATIENCE_S = 60


class Live:
    """A writer over a run with a budget and some orders, and a keeper on a clock that stands."""

    def __init__(self) -> None:
        self.run = Run(budgeted())
        for node in (AMZ, PL):
            self.run.stock(node, MUG=100)
        self.run.shard.submit([placing(order(n, ("MUG", 1))) for n in range(5)])
        self.clock = Hands()
        self.writer = Writer(self.run.shard)
        self.keeper = LeakKeeper(self.writer, self.clock, b"s" * 32, look_s=0.02)

    def plan(self) -> tuple[int, int]:
        """Version and week of the plan in force; zeros where there is none."""

        def read(shard: Shard) -> tuple[int, int]:
            held = shard.state.leaks.plans.get("AMZ")
            return (held.version, held.plan.week) if held else (0, 0)

        return self.writer.call(read)

    def close(self) -> None:
        """Keeper first, then the writer."""
        self.keeper.close()
        self.writer.close()


@pytest.fixture
def live():
    """A live run."""
    made = Live()
    yield made
    made.close()


def test_a_plan_is_made_at_once_and_one_a_week(live: Live) -> None:
    """The clock moves on by a week: another plan; while it stands: none."""
    assert live.keeper.wait_for(lambda now: now.made >= 1, PATIENCE_S)
    assert live.plan() == (1, week_of(MONDAY))
    live.clock.at += MICROS_PER_WEEK
    assert live.keeper.wait_for(lambda now: now.made >= 2, PATIENCE_S)
    assert live.plan() == (2, week_of(MONDAY) + 1)
    assert live.keeper.now.error == ""


def test_a_failure_is_told_once_and_orders_go_on(live: Live, monkeypatch: pytest.MonkeyPatch) -> None:
    """The planner breaks: the plan in force stays, a person is told, orders are taken."""
    assert live.keeper.wait_for(lambda now: now.made >= 1, PATIENCE_S)

    def broken(*_: object) -> None:
        raise ArithmeticError("planted")

    monkeypatch.setattr(leak_keeper, "made", broken)
    live.clock.at += MICROS_PER_WEEK
    end = time.monotonic() + PATIENCE_S
    while not live.keeper.now.failed and time.monotonic() < end:
        live.writer.call(lambda shard: shard.seq)
    assert "planted" in live.keeper.now.error
    assert live.plan() == (1, week_of(MONDAY))
    answer = live.writer.submit(placing(order("later", ("MUG", 1), placed_at=live.clock.at)))
    assert answer.error is None
    told = [event for event in live.run.events() if getattr(event, "kind", "") == "no_leak_plan"]
    assert len(told) <= 1
    assert live.keeper.now.failed == 1
