"""The Lagrangian of stock, work and caps over a whole stream of orders, compiled: its value is a lower bound, its slope finds prices.

For any prices >= 0 the orders' cheapest ways at those prices, less what the prices would earn on everything there is, cost no more than the
best plan in hindsight. The subgradient (use less supply) is followed with shrinking steps, each price on its own scale;
prices are averaged over the second half of the steps, the bound is the best of all of them.
"""

# mypy: disable-error-code="no-any-return"

import numpy as np

from tranship.routing.kernel_cost import Array
from tranship.routing.kernel_jit import allocating, entry, inlined, inner
from tranship.routing.prices.kernel_choose import NEVER, Desk, relaxed
from tranship.routing.prices.problem import UNITS, UNLIMITED, Caps, Costs, Duals, Goods, Orders

_F2, _I2, _F1, _I1 = "float64[:,::1]", "int64[:,::1]", "float64[::1]", "int64[::1]"
COSTS = f"{_F2},{_F2},{_F2},{_F1}"
GOODS = f"{_I2},{_I2}"
ORDERS = f"{_I1},{_I1},{_I1},{_I1},{_I1},{_I1},{_F1}"
CAPS = f"uint8[:,::1],{_I1},uint8[:,::1],{_F1}"
DUALS = f"{_F2},{_F2},{_F1}"
_MOST_STEP = 1.0
"""Steepest relative slope that counts: more demand than twice the supply moves a price no faster."""
_CAP_STEP = 5.0
"""A cap's price moves this much faster than a unit's: one number answers for all orders."""


@allocating
def new_desk(lines: int, nodes: int) -> Desk:
    """Working memory for orders of up to `lines` lines (unfilled)."""
    f64, i64 = np.float64, np.int64
    return Desk(
        np.empty((nodes, lines), f64), np.empty(nodes, f64), np.empty(8, f64), np.empty(8, i64),
        np.empty(lines, i64), np.empty(nodes, np.uint8), np.empty(lines, i64), np.empty((nodes, lines), f64),
    )  # fmt: skip


@allocating
def longest(start: Array) -> int:
    """Lines of the longest order, at least 3."""
    most = 3
    for t in range(start.shape[0] - 1):
        most = max(most, start[t + 1] - start[t])
    return most


@inner
def spread_caps(caps: Caps, price: Array, by: Array) -> None:
    """Caps' prices as they fall on nodes: `by[measure, population, node]`."""
    for m in range(3):
        for p in range(by.shape[1]):
            for n in range(by.shape[2]):
                by[m, p, n] = 0.0
    for k in range(caps.side.shape[0]):
        if caps.budget[k] < 0:  # no cap: a price left over from when there was one would push the bound up
            continue
        for p in range(by.shape[1]):
            if caps.counts[p, k]:
                for n in range(by.shape[2]):
                    if caps.side[k, n]:
                        by[caps.measure[k], p, n] += price[k]


@inner
def unit_costs(costs: Costs, stock: Array, price: Array, unit: Array) -> None:
    """What a unit costs at each node before its way: NEVER where the node has none at all."""
    for s in range(unit.shape[0]):
        for n in range(unit.shape[1]):
            unit[s, n] = costs.per_unit[s, n] + price[s, n] if stock[s, n] > 0 else NEVER


@inlined
def lay_out(
    orders: Orders, t: int, costs: Costs, unit: Array, there: Array, work: Array, by: Array, desk: Desk
) -> int:  # fmt: skip
    """Fill the desk's values for order t at all nodes; returns how many lines it has. `there`: work of nodes' days, `work`: its price."""
    first, dest, p = orders.start[t], orders.dest[t], orders.population[t]
    lines = orders.start[t + 1] - first
    for n in range(unit.shape[1]):
        if there[orders.day[t], n] <= 0:  # no price would keep orders away from a node that is shut
            desk.fixed[n] = NEVER
            for line in range(lines):
                desk.value[n, line] = NEVER
            continue
        desk.fixed[n] = costs.fixed[dest, n] + by[0, p, n]
        limited = there[orders.day[t], n] < UNLIMITED  # what has no limit earns nothing, so it costs nothing
        each = by[1, p, n] + (work[orders.day[t], n] if limited else 0.0)
        way, worth = costs.per_weight[dest, n], by[2, p, n]
        for line in range(lines):
            i = first + line
            s = orders.sku[i]
            if unit[s, n] >= NEVER:
                desk.value[n, line] = NEVER
            else:
                desk.value[n, line] = (
                    orders.qty[i] * (unit[s, n] + each + way * costs.weight[s]) + orders.value[i] * worth
                )
    return lines


@inlined
def _count(orders: Orders, t: int, lines: int, caps: Caps, desk: Desk, use: Goods, taken: Array) -> None:
    """Add what order t uses at its cheapest way."""
    first, nodes = orders.start[t], use.stock.shape[1]
    for line in range(lines):
        n = desk.out[line]
        if n == nodes:
            continue
        i = first + line
        use.stock[orders.sku[i], n] += orders.qty[i]
        use.work[orders.day[t], n] += orders.qty[i]
        for k in range(caps.side.shape[0]):
            if not caps.side[k, n] or not caps.counts[orders.population[t], k]:
                continue
            if caps.measure[k] == 1:
                taken[k] += orders.qty[i]
            elif caps.measure[k] == 2:
                taken[k] += orders.value[i]
            else:
                fresh = 1
                for earlier in range(line):
                    if desk.out[earlier] == n:
                        fresh = 0
                taken[k] += fresh


@inner
def _pass(
    orders: Orders, costs: Costs, caps: Caps, duals: Duals, goods: Goods, penalty: float,
    unit: Array, by: Array, desk: Desk, lost: Array, use: Goods, taken: Array,
) -> float:  # fmt: skip
    """One look at all orders: the sum of their cheapest costs; fills use and taken."""
    unit_costs(costs, goods.stock, duals.stock, unit)
    spread_caps(caps, duals.cap, by)
    for s in range(unit.shape[0]):
        for n in range(unit.shape[1]):
            use.stock[s, n] = 0
    for d in range(use.work.shape[0]):
        for n in range(unit.shape[1]):
            use.work[d, n] = 0
    for k in range(taken.shape[0]):
        taken[k] = 0.0
    total, nodes = 0.0, unit.shape[1]
    for t in range(orders.day.shape[0]):
        lines = lay_out(orders, t, costs, unit, goods.work, duals.work, by, desk)
        for line in range(lines):
            lost[line] = penalty * orders.qty[orders.start[t] + line]
        total += relaxed(lines, nodes, lost, desk)
        _count(orders, t, lines, caps, desk, use, taken)
    return total


@inner
def _earned(goods: Goods, caps: Caps, duals: Duals) -> float:
    """What the prices would earn on everything there is."""
    total = 0.0
    for s in range(goods.stock.shape[0]):
        for n in range(goods.stock.shape[1]):
            total += duals.stock[s, n] * goods.stock[s, n]
    for d in range(goods.work.shape[0]):
        for n in range(goods.work.shape[1]):
            if goods.work[d, n] < UNLIMITED:
                total += duals.work[d, n] * goods.work[d, n]
    for k in range(caps.budget.shape[0]):
        if caps.budget[k] >= 0:
            total += duals.cap[k] * caps.budget[k]
    return total


@inner
def _step(
    goods: Goods, use: Goods, caps: Caps, taken: Array, duals: Duals, step: float, most: float, sizes: Array, scale: float
) -> None:  # fmt: skip
    """Move every price along its slope, never below 0 nor above `most`.

    `sizes[measure]` of a usual line: the price of a unit moves that much slower than a line's. Each order stands for `scale` of them.
    """
    each = step / sizes[UNITS]
    for s in range(use.stock.shape[0]):
        for n in range(use.stock.shape[1]):
            there = goods.stock[s, n]
            if there > 0:
                slope = (use.stock[s, n] * scale - there) / there
                price = duals.stock[s, n] + each * min(max(slope, -_MOST_STEP), _MOST_STEP)
                duals.stock[s, n] = min(max(price, 0.0), most)
    for d in range(use.work.shape[0]):
        for n in range(use.work.shape[1]):
            there = goods.work[d, n]
            if 0 < there < UNLIMITED:
                slope = (use.work[d, n] * scale - there) / there
                duals.work[d, n] = max(0.0, duals.work[d, n] + each * min(slope, _MOST_STEP))
    for k in range(taken.shape[0]):
        if caps.budget[k] >= 0:
            slope = (taken[k] * scale - caps.budget[k]) / max(caps.budget[k], 1.0)
            own = _CAP_STEP * step / sizes[caps.measure[k]]
            duals.cap[k] = max(0.0, duals.cap[k] + own * min(slope, _MOST_STEP))


@inner
def _add(total: Duals, duals: Duals, share: float) -> None:
    for s in range(duals.stock.shape[0]):
        for n in range(duals.stock.shape[1]):
            total.stock[s, n] += share * duals.stock[s, n]
    for d in range(duals.work.shape[0]):
        for n in range(duals.work.shape[1]):
            total.work[d, n] += share * duals.work[d, n]
    for k in range(duals.cap.shape[0]):
        total.cap[k] += share * duals.cap[k]


@entry(f"float64({COSTS},{GOODS},{ORDERS},{CAPS},{DUALS},{DUALS},float64,int64,float64,float64,float64)")
def follow(
    fixed: Array, per_weight: Array, per_unit: Array, weight: Array, stock: Array, work: Array,
    day: Array, dest: Array, population: Array, start: Array, sku: Array, qty: Array, value: Array,
    side: Array, measure: Array, counts: Array, budget: Array,
    last_stock: Array, last_work: Array, last_cap: Array, mean_stock: Array, mean_work: Array, mean_cap: Array,
    penalty: float, passes: int, first_step: float, last_step: float, scale: float,
) -> float:  # fmt: skip
    """Follow the slope from the `last_` prices for `passes` steps, in place; `mean_` gets the average of the second half.

    Each order stands for `scale` orders. Returns the best bound seen. `penalty`: what an unfilled unit costs; no stock price goes above it.
    """
    costs, goods, caps = (
        Costs(fixed, per_weight, per_unit, weight),
        Goods(stock, work),
        Caps(side, measure, counts, budget),
    )
    orders, duals = Orders(day, dest, population, start, sku, qty, value), Duals(last_stock, last_work, last_cap)
    mean = Duals(mean_stock, mean_work, mean_cap)
    lines, nodes = longest(start), fixed.shape[1]
    desk, unit, by = new_desk(lines, nodes), np.empty_like(per_unit), np.empty((3, counts.shape[0], nodes))
    use, taken, lost = Goods(np.empty_like(stock), np.empty_like(work)), np.empty(side.shape[0]), np.empty(lines)
    best, kept = -1e300, passes - passes // 2
    mean_stock[:], mean_work[:], mean_cap[:] = 0.0, 0.0, 0.0
    sizes = np.array([1.0, qty.sum() / max(len(qty), 1), value.sum() / max(len(qty), 1)])
    sizes[1], sizes[2] = max(sizes[1], 1.0), sizes[2] if sizes[2] > 0 else 1.0
    for i in range(passes):
        found = _pass(orders, costs, caps, duals, goods, penalty, unit, by, desk, lost, use, taken)
        best = max(best, found * scale - _earned(goods, caps, duals))
        step = first_step * (last_step / first_step) ** (i / max(passes - 1, 1))
        _step(goods, use, caps, taken, duals, step, penalty, sizes, scale)
        if i >= passes // 2:
            _add(mean, duals, 1.0 / kept)
    return best
