"""Futures are the brand's own orders drawn again: whole, newer ones more often, as many as each weekday brings."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.routing.prices.snapshots import (
    BOTH,
    COASTS,
    DAY,
    EAST,
    MONDAY,
    MONTH,
    NOON,
    every_day,
    history,
    room,
    snapshot,
)
from tranship.routing.prices import futures
from tranship.routing.prices.futures import LOOK_BACK_DAYS, MOST_LINES, draw, expected, rates_of
from tranship.routing.prices.kernel_choose import NEVER
from tranship.routing.prices.problem import PARTS, UNITS, UNLIMITED, VALUE
from tranship.routing.prices.snapshot import History
from tranship.routing.prices.world import caps_of, orders_of, world_of


def test_each_weekday_brings_what_it_brought() -> None:
    """Ten orders on Mondays, forty on Fridays, none else: the rates say so, drawn a little towards the mean."""
    days = [d for d in range(MONDAY - 56, MONDAY) for _ in range({0: 10, 4: 40}.get((d - MONDAY) % 7, 0))]
    rates = rates_of(history(days, zip3=BOTH), NOON, MONDAY + 6)
    assert rates.weekday[0] == pytest.approx(10, abs=1.5) and rates.weekday[4] == pytest.approx(40, abs=5)
    assert max(rates.weekday[[1, 2, 3, 5, 6]]) < 2
    ahead = expected(rates, MONDAY)
    assert len(ahead) == 7
    assert ahead[0] == pytest.approx(rates.weekday[0] / 2)  # half of Monday is over
    assert ahead[4] == rates.weekday[4]


def test_recent_weeks_count_for_more() -> None:
    """Sales doubled two weeks ago: the rate is nearer to today's."""
    days = every_day(MONDAY - 56, MONDAY - 14, 10) + every_day(MONDAY - 14, MONDAY, 20)
    found = rates_of(history(days, zip3=BOTH), NOON, MONDAY + 6)
    assert 13.0 < found.weekday.mean() < 18.0
    assert (np.diff(found.weight) <= 1e-12).all()  # newest first
    assert found.weight.sum() == pytest.approx(1)


def test_orders_from_before_the_look_back_do_not_make_its_first_day_busy() -> None:
    """A year at five a day brings five a day, whatever lies before the days that are looked at."""
    rates = rates_of(history(every_day(MONDAY - 365, MONDAY, 5), zip3=BOTH), NOON, MONDAY + 6)
    assert rates.weekday == pytest.approx(5)
    assert LOOK_BACK_DAYS < 365


def test_days_without_orders_count_as_such() -> None:
    """Sales that ended four weeks ago fade."""
    fading = rates_of(history(every_day(MONDAY - 56, MONDAY - 28, 20), zip3=BOTH), NOON, MONDAY + 6)
    assert 0 < fading.weekday.mean() < 10


def test_of_a_large_shop_only_a_share_of_the_orders_is_drawn() -> None:
    """About MOST_LINES lines over all days; never less than the rest of today."""
    orders = history(every_day(MONDAY - 14, MONDAY, 6_000), zip3=BOTH)
    rates = rates_of(orders, NOON, MONDAY + 27)
    assert rates.days == 28
    assert rates.share == pytest.approx(MOST_LINES / (28 * 6_000), rel=0.01)
    assert len(draw(rates, MONDAY, np.random.default_rng(1))[0]) == pytest.approx(MOST_LINES * 27.5 / 28, rel=0.02)
    for until in (MONDAY, MONDAY - 1, MONDAY - 30):
        assert rates_of(orders, NOON, until).days == 1
        assert rates_of(orders, NOON, until).share == 1.0


def test_the_same_seed_draws_the_same_future_and_another_another() -> None:
    """Drawn in order of days, from all of the history."""
    rates = rates_of(history(MONTH, zip3=BOTH), NOON, MONDAY + 6)
    day, picked = draw(rates, MONDAY, np.random.default_rng(1))
    again = draw(rates, MONDAY, np.random.default_rng(1))
    other = draw(rates, MONDAY, np.random.default_rng(2))
    assert np.array_equal(day, again[0]) and np.array_equal(picked, again[1])
    assert not np.array_equal(picked, other[1])
    assert (np.diff(day) >= 0).all() and day.max() < rates.days
    assert picked.min() >= 0 and picked.max() < len(MONTH)
    assert len(day) == pytest.approx(6.5 * 20, rel=0.4)


@st.composite
def baskets(draw_: st.DrawFn) -> tuple[History, list[dict[int, int]]]:
    """A history of baskets that may name a SKU twice or a bundle, and what each is in parts. SKU 3 is two 0 and a 1."""
    made = draw_(st.lists(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 4)), min_size=1, max_size=4), min_size=1,
                          max_size=8))  # fmt: skip
    parts: list[dict[int, int]] = []
    for basket in made:
        held: dict[int, int] = {}
        for sku, qty in basket:
            for part, each in [(0, 2), (1, 1)] if sku == 3 else [(sku, 1)]:
                held[part] = held.get(part, 0) + qty * each
        parts.append(held)
    flat = [line for basket in made for line in basket]
    plain = history([MONDAY - 1] * len(made), zip3=BOTH)
    plain.start = np.cumsum([0, *map(len, made)])
    plain.sku, plain.qty = (np.array([line[i] for line in flat], np.int64) for i in (0, 1))
    plain.value_minor = np.full(len(flat), 300, np.int64)
    return plain, parts


@given(baskets(), st.integers(0, 2**32))
def test_a_drawn_order_is_a_whole_basket_with_bundles_as_their_parts(
    made: tuple[History, list[dict[int, int]]], seed: int
) -> None:
    """SKUs once each, quantities added up, worth what the lines were worth, to where the order went."""
    orders, parts = made
    world = world_of(snapshot(orders, [[9, 9]] * 4, bundles={3: [(0, 2), (1, 1)]}))
    picked = np.random.default_rng(seed).integers(0, len(parts), 12)
    drawn = orders_of(world, np.zeros(12, np.int64), picked)
    worth = np.add.reduceat(orders.qty * orders.value_minor, orders.start[:-1])
    for t, p in enumerate(picked.tolist()):
        at = slice(int(drawn.start[t]), int(drawn.start[t + 1]))
        assert dict(zip(drawn.sku[at].tolist(), drawn.qty[at].tolist(), strict=True)) == parts[p]
        assert drawn.value[at].sum() == pytest.approx(worth[p])
        assert drawn.dest[t] == world.dest[p]


def test_a_destination_is_what_is_alike_about_orders() -> None:
    """Two coasts are two destinations; the near node is cheaper; an unknown ZIP is served by none."""
    world = world_of(snapshot(history(MONTH, zip3=[EAST, 900, -1]), [[9, 9]]))
    fixed = world.costs.fixed[world.dest[:3]]
    assert fixed.shape == (3, 2)
    assert fixed[1, 1] < fixed[0, 1] < fixed[0, 0] < fixed[1, 0]
    assert (fixed[2] >= NEVER).all()
    assert world.penalty > fixed[:2].max() / 2


def test_nodes_that_may_not_serve_or_are_too_slow_are_left_out() -> None:
    """A must-rule shuts a node; a promise of three days leaves the near one, and one that nobody keeps leaves both."""
    orders = history(MONTH, zip3=[EAST])
    ruled = world_of(snapshot(orders, [[9, 9]], may_serve=np.array([[0, 1]], np.uint8)))
    assert (ruled.costs.fixed >= NEVER).tolist() == [[True, False]]
    near = world_of(snapshot(orders, [[9, 9]], promise_days=(int(COASTS.transit_days[0, 0, 1]) + 1,)))
    assert (near.costs.fixed >= NEVER).tolist() == [[False, True]]
    hopeless = world_of(snapshot(orders, [[9, 9]], promise_days=(0,)))
    assert (hopeless.costs.fixed < NEVER).all()


def test_stock_that_may_not_be_sold_or_is_oversold_is_none() -> None:
    """Closed cells and negative counts are 0."""
    allowed = np.ones((4, 2), np.uint8)
    allowed[0, 0] = 0
    world = world_of(snapshot(history(MONTH, zip3=BOTH), [[9, 9], [-3, 5]], allowed=allowed))
    assert world.goods.stock[:2].tolist() == [[0, 9], [0, 5]]


def test_work_is_what_is_left_of_each_day_and_weekends_ship_on_monday() -> None:
    """A limit of 10 with 4 taken leaves 6; no limit is none; orders of Saturday and Sunday are Monday's."""
    used = [{MONDAY: 4, MONDAY + 1: 99}, {}]
    world = world_of(snapshot(history(MONTH, zip3=BOTH), [[9, 9]], capacity=np.array([10, 0]), used=used))
    assert world.goods.work[:3, 0].tolist() == [6, 0, 10]
    assert (world.goods.work[:, 1] == UNLIMITED).all()
    day = np.array([3, 4, 5, 6, 7], np.int64)  # Thursday to Monday
    assert orders_of(world, day, np.zeros(5, np.int64)).day.tolist() == [3, 4, 7, 7, 7]


@pytest.mark.parametrize(("measure", "code", "size"), [
    ("fulfillment_orders", PARTS, 10), ("units", UNITS, 20), ("value", VALUE, 50_000),
])  # fmt: skip
def test_a_caps_budget_is_its_share_of_the_orders_and_the_room_left(measure: str, code: int, size: int) -> None:
    """Ten orders of two units worth 25 dollars each; a channel that it does not count adds nothing."""
    state = snapshot(
        history(MONTH, zip3=BOTH, qty=2), [[99, 99]], caps=[room(1, 6_000, measure, 7)], channels=("web", "own"),
        services=(0, 0), promise_days=(30, 30), may_serve=np.ones((2, 2), np.uint8),
    )  # fmt: skip
    state.history.channel[::2] = 1
    world = world_of(state)
    orders = orders_of(world, np.zeros(20, np.int64), np.arange(20))
    caps = caps_of(state, orders, 1.0)
    assert (caps.measure.tolist(), caps.side.tolist()) == ([code], [[0, 1]])
    assert caps.counts[:, 0].tolist() == [1, 0]
    assert caps.budget[0] == pytest.approx(0.6 * size + 7)
    overdrawn = [room(1, 6_000, measure, -(10**9))]
    state.caps[:] = overdrawn
    assert caps_of(state, orders, 1.0).budget[0] == 0  # below 0 would mean that there is no cap


def test_ages_are_in_days() -> None:
    """An order of four weeks ago is drawn half as often as one of now."""
    orders = history([MONDAY - 28, MONDAY], zip3=BOTH)
    orders.at[:] = [NOON, NOON - 28 * DAY]
    weight = rates_of(orders, NOON, MONDAY + 6).weight
    assert weight[1] / weight[0] == pytest.approx(0.5)
    assert futures.HALF_LIFE_DAYS == 28
