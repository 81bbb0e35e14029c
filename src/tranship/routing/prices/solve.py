"""The price solver: from a snapshot to a book. Pure: the same snapshot and seed give the same book.

Futures are sampled from the brand's own history; under each, the dual prices of stock, of nodes' days and of the caps are followed by
subgradient; their mean is the book. Then the book is rehearsed on futures it was not made from, against no stock and day prices at all:
where it does not save, those prices are left out, so that a poor forecast costs nothing.
"""

import numpy as np

from tranship.routing.prices.dual import COLD, WARM, follow, mean_of
from tranship.routing.prices.futures import draw
from tranship.routing.prices.model import PriceBook, PriceMaking, book_of
from tranship.routing.prices.problem import PARTS, UNITS, UNLIMITED, Caps, Costs, Duals, Goods, Orders, no_duals
from tranship.routing.prices.snapshot import Snapshot
from tranship.routing.prices.stream import Control, Stream
from tranship.routing.prices.world import USUAL, World, caps_of, orders_of, world_of

COLD_PASSES, WARM_PASSES = 40, 12
HELD_OUT = 2
"""Futures that a book is rehearsed on."""
REFILL = 0.99
"""Of the caps' share of the orders to come, what futures may use: the rest is what the bucket keeps free."""
LEAST = 1e-4
"""Prices below this part of a usual part's money are none."""


def solve(snapshot: Snapshot, chance: np.random.Generator) -> PriceBook:
    """Prices for the orders to come after this snapshot; futures are drawn from `chance` (seed it with `snapshot.seed`)."""
    world = world_of(snapshot)
    scale = 1.0 / world.rates.share
    ahead = [orders_of(world, *draw(world.rates, world.today, chance)) for _ in range(snapshot.futures + HELD_OUT)]
    made, tests = ahead[: snapshot.futures], ahead[snapshot.futures :]
    warm = snapshot.before is not None
    passes = WARM_PASSES if warm else COLD_PASSES
    found: list[Duals] = []
    for orders in made:
        if orders.length:
            _, duals = follow(
                world.costs, world.goods, orders, caps_of(snapshot, orders, REFILL, scale), _start(snapshot, world),
                penalty=world.penalty, passes=passes, steps=WARM if warm else COLD, scale=scale,
            )  # fmt: skip
            found.append(duals)
    duals = mean_of(found) if found else _start(snapshot, world, cold=True)
    saved, note = _rehearsed(snapshot, world, tests, duals, chance), ""
    if saved <= 0:
        note = "stock and day prices did not save on held-out futures: left out"
        duals = Duals(np.zeros_like(duals.stock), np.zeros_like(duals.work), duals.cap)
    making = PriceMaking(
        snapshot.reason, snapshot.futures, passes, snapshot.seed, len(snapshot.history),
        round(scale * sum(o.length for o in made) / max(1, len(made))), int(max(0.0, saved) * 10_000), note,
    )  # fmt: skip
    return _book(snapshot, world, duals, making)


def _start(snapshot: Snapshot, world: World, *, cold: bool = False) -> Duals:
    """Where the search begins: the book in force, else nothing."""
    skus, nodes = world.goods.stock.shape
    start = no_duals(skus, nodes, len(world.goods.work), len(snapshot.caps))
    if snapshot.before is not None and not cold:
        start.stock[: len(snapshot.before)] = np.minimum(snapshot.before / world.micros, world.penalty)
        start.cap[:] = [snapshot.before_caps.get(cap.network, 0) / world.micros for cap in snapshot.caps]
    return start


def _rehearsed(
    snapshot: Snapshot, world: World, tests: list[Orders], duals: Duals, chance: np.random.Generator
) -> float:  # fmt: skip
    """Share of cost that stock and day prices save on futures they were not made from, room under caps charged in both arms."""
    skus, nodes = world.goods.stock.shape
    nothing = no_duals(skus, nodes, len(world.goods.work), 0)
    costs = _with_room(world, caps_of(snapshot, tests[0], REFILL), duals)
    goods = _thinned(world, chance)
    side, control = np.zeros(nodes, np.uint8), Control(gated=False)
    with_prices = without = 0.0
    for orders in tests:
        for prices in (duals, nothing):
            stream = Stream(costs, goods, orders, side, control)
            stream.run(0, orders.length, Duals(prices.stock, prices.work, nothing.cap))
            tally = stream.tally()
            total = tally.cost + world.penalty * tally.open
            with_prices, without = (with_prices + total, without) if prices is duals else (with_prices, without + total)
    return (without - with_prices) / without if without else 0.0


def _thinned(world: World, chance: np.random.Generator) -> Goods:
    """Goods for a future of which only a share is drawn: as much smaller, odd units by chance."""
    share = world.rates.share
    if share >= 1.0:
        return world.goods
    stock = np.floor(world.goods.stock * share + chance.uniform(size=world.goods.stock.shape)).astype(np.int64)
    work = np.where(world.goods.work < UNLIMITED, np.rint(world.goods.work * share), UNLIMITED).astype(np.int64)
    return Goods(stock, work)


def _with_room(world: World, caps: Caps, duals: Duals) -> Costs:
    """Costs with the caps' prices in them; by value, a unit of a SKU is charged for what it is usually worth."""
    costs, lines = world.costs, world.lines
    fixed, per_unit = costs.fixed.copy(), costs.per_unit.copy()
    skus = len(costs.weight)
    worth = np.bincount(lines.sku, lines.value, skus) / np.maximum(1, np.bincount(lines.sku, lines.qty, skus))
    for k in range(len(caps.measure)):
        at = np.flatnonzero(caps.side[k])
        if caps.measure[k] == PARTS:
            fixed[:, at] += duals.cap[k]
        else:
            each = np.ones(skus) if caps.measure[k] == UNITS else worth
            per_unit[:, at] += each[:, None] * duals.cap[k]
    return Costs(fixed, costs.per_weight, per_unit, costs.weight)


def _book(snapshot: Snapshot, world: World, duals: Duals, making: PriceMaking) -> PriceBook:
    stock = np.where(world.goods.stock > 0, np.rint(duals.stock * world.micros), 0).astype(np.int64)
    stock[duals.stock < LEAST * USUAL] = 0
    days: dict[tuple[int, int], int] = {}
    if world.limited:
        micros = np.rint(duals.work * world.micros).astype(np.int64)
        days = {(int(n), world.today + int(d)): int(micros[d, n]) for d, n in np.argwhere(duals.work >= LEAST * USUAL)}
    prices = zip(snapshot.caps, duals.cap.tolist(), strict=True)
    caps = {cap.network: round(price * world.micros) for cap, price in prices}
    return book_of(snapshot.network_sha, snapshot.at, snapshot.until_day, stock, days, caps, making)
