"""From a snapshot to a book: what is scarce gets a price, what is not gets none, and a book that saves nothing says so."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from tests.routing.prices.snapshots import (
    BOTH,
    CHEAP,
    COASTS,
    DEAR,
    EAST,
    MONDAY,
    MONTH,
    WEST,
    every_day,
    history,
    room,
    snapshot,
    tables,
)  # fmt: skip
from tranship.engine.pricesolver import solve
from tranship.routing.prices import futures
from tranship.routing.prices.futures import draw
from tranship.routing.prices.model import PriceBook, PriceTables, decode, encode
from tranship.routing.prices.problem import Duals, no_duals
from tranship.routing.prices.snapshot import Snapshot
from tranship.routing.prices.stream import Control, Stream
from tranship.routing.prices.world import orders_of, world_of

LAST_UNITS = snapshot(history(MONTH, zip3=BOTH), [[400, 60]])
"""Half of the orders of SKU 0 come from the west. The west is cheap for all, but has 60 of the 130 units that a week takes."""


def prices_of(book: PriceBook) -> np.ndarray:
    """[S, N] micros."""
    return PriceTables(decode(encode(book)), 1, book.skus, book.nodes).stock


def played(state: Snapshot, book: PriceBook | None, seed: int) -> float:
    """Money of a future the book has never seen, decided at its prices; unfilled units at the penalty."""
    world = world_of(state)
    orders = orders_of(world, *draw(world.rates, world.today, np.random.default_rng(seed)))
    skus, nodes = world.goods.stock.shape
    duals = no_duals(skus, nodes, len(world.goods.work), 0)
    if book is not None:
        work = duals.work.copy()
        for n, day, micros in book.node_days:
            work[day - world.today, n] = micros / 1e6
        duals = Duals(prices_of(book) / 1e6, work, duals.cap)
    stream = Stream(world.costs, world.goods, orders, np.zeros(nodes, np.uint8), Control(gated=False))
    stream.run(0, orders.length, duals)
    tally = stream.tally()
    return tally.cost + world.penalty * tally.open


def test_the_last_units_of_a_cheap_node_are_kept_for_those_who_live_far_from_the_other() -> None:
    """Planted scarcity is found: the west's units have a price, the east's none, and five futures cost less with it."""
    book = solve(LAST_UNITS)
    stock = prices_of(book)
    assert stock[0, 1] > 500_000
    assert stock[0, 0] == 0 and not stock[1:].any()
    assert book.making.tested_bp > 100 and not book.making.note
    with_book = sum(played(LAST_UNITS, book, seed) for seed in range(100, 105))
    without = sum(played(LAST_UNITS, None, seed) for seed in range(100, 105))
    assert with_book < 0.97 * without


def test_the_same_snapshot_gives_the_same_book_and_another_seed_another() -> None:
    """Also in another process: nothing but the snapshot goes in."""
    book = solve(LAST_UNITS)
    assert encode(solve(pickle.loads(pickle.dumps(LAST_UNITS)))) == encode(book)
    other = solve(replace(LAST_UNITS, seed=12))
    assert not np.array_equal(prices_of(other), prices_of(book))
    assert prices_of(other)[0, 1] == pytest.approx(prices_of(book)[0, 1], rel=0.5)


def test_a_book_says_what_it_was_made_from() -> None:
    """Network, moment, horizon, futures, orders seen and expected."""
    book = solve(LAST_UNITS)
    assert (book.network, book.made_at, book.until_day) == ("n" * 64, LAST_UNITS.at, MONDAY + 7)
    assert (book.skus, book.nodes) == (4, 2)
    making = book.making
    assert (making.reason, making.futures, making.seed, making.orders_seen) == ("schedule", 3, 11, len(MONTH))
    assert making.orders_ahead == pytest.approx(7.5 * 20, rel=0.2)


def test_plenty_of_stock_gives_an_empty_book_and_says_why() -> None:
    """Nothing to save: no stock prices, no day prices, and a note."""
    book = solve(snapshot(history(MONTH, zip3=BOTH), [[9_999, 9_999]]))
    assert not prices_of(book).any()
    assert (book.node_days, book.caps) == ((), ())
    assert "left out" in book.making.note and book.making.tested_bp == 0


def test_a_warm_start_finds_the_prices_again_with_fewer_passes() -> None:
    """From the book in force: about the same prices."""
    cold = solve(LAST_UNITS)
    warm = solve(replace(LAST_UNITS, before=prices_of(cold), before_caps=dict(cold.caps)))
    assert warm.making.passes < cold.making.passes
    assert prices_of(warm)[0, 1] == pytest.approx(prices_of(cold)[0, 1], rel=0.35)


def test_prices_of_a_smaller_network_are_a_warm_start_too() -> None:
    """SKUs that came since have no price yet."""
    warm = solve(replace(LAST_UNITS, before=np.array([[0, 2_000_000]])))
    assert prices_of(warm)[0, 1] > 500_000


def test_a_node_whose_days_are_full_gets_prices_on_them() -> None:
    """The cheap node takes in 10 units a day of 20: its days are priced, the other's are not, weekends have none."""
    state = snapshot(history(MONTH, zip3=BOTH), [[999, 999]], capacity=np.array([0, 10]))
    book = solve(state)
    days = {day for n, day, _ in book.node_days}
    assert {n for n, _, _ in book.node_days} == {1}
    assert {MONDAY + 1, MONDAY + 2, MONDAY + 3} <= days <= set(range(MONDAY, MONDAY + 8))
    assert not days & {MONDAY + 5, MONDAY + 6}


def test_a_peak_day_is_dearer_than_the_days_around_it() -> None:
    """Fridays bring four times as much: 40 units where the cheap node takes in 20."""
    days = [d for d in range(MONDAY - 28, MONDAY) for _ in range(40 if (d - MONDAY) % 7 == 4 else 10)]
    orders = history(days, zip3=BOTH)
    book = solve(snapshot(orders, [[999, 999]], capacity=np.array([0, 20]), until_day=MONDAY + 4))
    price = {day: micros for n, day, micros in book.node_days if n == 1}
    assert price.get(MONDAY + 4, 0) > 500_000
    assert max((micros for day, micros in price.items() if day < MONDAY + 4), default=0) < price[MONDAY + 4] / 2


@pytest.mark.parametrize("measure", ["fulfillment_orders", "units", "value"])
def test_a_cap_that_binds_is_priced_and_one_that_does_not_is_not(measure: str) -> None:
    """The cheap node would take all orders: at 30 % its room has a price per one of the measure, at 100 % none."""
    orders = history(MONTH, zip3=[WEST], qty=2)
    tight = dict(solve(snapshot(orders, [[999, 999]], caps=[room(1, 3_000, measure)])).caps)
    loose = dict(solve(snapshot(orders, [[999, 999]], caps=[room(1, 10_000, measure, 10**6)])).caps)
    saved = 16.0  # dollars a part
    each = {"fulfillment_orders": 1, "units": 2, "value": 2 * 2_500}[measure]
    assert 0 < tight["NET1"] <= 1.6e6 * saved / each
    assert loose.get("NET1", 0) <= tight["NET1"] / 50


def test_the_price_of_a_cap_stays_where_stock_prices_are_left_out() -> None:
    """The rehearsal judges stock and day prices; what was learned of the cap goes into the bucket."""
    book = solve(snapshot(history(MONTH, zip3=[WEST]), [[9_999, 9_999]], caps=[room(1, 3_000)]))
    assert dict(book.caps)["NET1"] > 0
    assert not prices_of(book).any()


def test_a_thinned_future_finds_the_same_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where each order drawn stands for two, stock, caps and work are as scarce as before."""
    capped = snapshot(history(MONTH, zip3=BOTH), [[999, 999]], caps=[room(1, 3_000)])
    whole, room_whole = solve(LAST_UNITS), dict(solve(capped).caps)
    monkeypatch.setattr(futures, "MOST_LINES", 80)  # of about 160
    thin, room_thin = solve(LAST_UNITS), dict(solve(capped).caps)
    assert futures.rates_of(capped.history, capped.at, capped.until_day).share == pytest.approx(0.5)
    assert thin.making.orders_ahead == pytest.approx(whole.making.orders_ahead, rel=0.2)
    assert prices_of(thin)[0, 1] == pytest.approx(prices_of(whole)[0, 1], rel=0.3)
    assert room_thin["NET1"] == pytest.approx(room_whole["NET1"], rel=0.3)


ALL_CLOSED = np.zeros((4, 2), np.uint8)
ONE_NODE = tables(("07001", CHEAP))
PLAIN = history(MONTH, zip3=BOTH, sku=[0, 1, 2, 3], qty=[1, 2])
HOSTILE = {
    "nothing sold for two years": snapshot(history(every_day(MONDAY - 730, MONDAY - 700, 9), zip3=BOTH), [[5, 5]]),
    "all nodes closed": snapshot(PLAIN, [[9, 9]] * 4, allowed=ALL_CLOSED),
    "no stock at all": snapshot(PLAIN, []),
    "oversold everywhere": snapshot(PLAIN, [[-4, -4]] * 4),
    "destinations unknown": snapshot(history(MONTH, zip3=[-1]), [[5, 5]]),
    "destinations beyond ZIPs": snapshot(history(MONTH, zip3=[1000]), [[5, 5]]),
    "one node": snapshot(PLAIN, [[20]] * 4, rates=ONE_NODE, caps=[room(0, 0)]),
    "no day has work left": snapshot(PLAIN, [[9, 9]] * 4, capacity=np.array([3, 3]),
                                     used=[{MONDAY + d: 9 for d in range(9)}] * 2),
    "history of today": snapshot(history([MONDAY] * 300, zip3=BOTH), [[5, 5]]),
    "history of yesterday": snapshot(history([MONDAY - 1] * 300, zip3=BOTH), [[5, 5]]),
    "history in the future": snapshot(history([MONDAY + 3] * 300, zip3=BOTH), [[5, 5]]),
    "one order": snapshot(history([MONDAY - 1], zip3=[EAST]), [[1, 1]]),
    "no futures": snapshot(PLAIN, [[9, 9]] * 4, futures=0),
    "horizon passed": snapshot(PLAIN, [[9, 9]] * 4, until_day=MONDAY - 3),
    "no services": snapshot(PLAIN, [[9, 9]] * 4, services=(-1,)),
    "channel gone": snapshot(replace(PLAIN, channel=np.full(len(PLAIN), -1), service=np.full(len(PLAIN), -1)), [[9, 9]]),
    "no channels": snapshot(PLAIN, [[9, 9]] * 4, channels=(), services=(), promise_days=(), may_serve=np.zeros((0, 0), np.uint8),
                            caps=[room(1, 5_000)]),
    "cap of nothing, overdrawn": snapshot(PLAIN, [[9, 9]] * 4, caps=[room(1, 0, "value", -9_999)]),
    "caps on top of each other": snapshot(PLAIN, [[9, 9]] * 4, caps=[room(1, 5_000), room(1, 2_000, "value"), room(0, 100)]),
    "free goods": snapshot(replace(PLAIN, value_minor=np.zeros(len(PLAIN.sku), np.int64)), [[9, 9]], caps=[room(1, 1, "value")]),
    "huge quantities": snapshot(replace(PLAIN, qty=np.full(len(PLAIN.sku), 4_000)), [[90_000, 90_000]] * 4),
}  # fmt: skip


@pytest.mark.parametrize("name", list(HOSTILE))
def test_hostile_snapshots_give_a_valid_book(name: str) -> None:
    """It comes out, decodes, has no price for what is not there, and is never worse than myopic by its own rehearsal."""
    state = HOSTILE[name]
    book = solve(state)
    stock = prices_of(book)
    assert stock.shape == state.stock.shape
    assert not stock[(state.stock <= 0) | (state.allowed == 0)].any()
    assert book.making.note or book.making.tested_bp > 0 or not stock.any()
    assert all(np.isfinite(micros) and micros >= 0 for _, micros in book.caps)


def test_a_node_that_costs_the_same_has_no_price_for_its_last_units() -> None:
    """Two equal nodes side by side, one nearly empty: nobody needs just that one."""
    rates = tables(("07001", DEAR), ("07001", DEAR))
    book = solve(snapshot(history(MONTH, zip3=[EAST]), [[9_999, 5]], rates=rates))
    assert prices_of(book).max() <= 100_000


def test_coasts_are_as_far_as_they_should_be() -> None:
    """What these tests lean on: each node is nearest to its own coast."""
    zones = COASTS.zone3[:, BOTH]
    assert zones[0, 0] <= 2 and zones[1, 1] <= 2
    assert zones[0, 1] == zones[1, 0] == 8
