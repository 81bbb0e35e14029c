"""Small problems with additive costs for tests of prices, and what is best in hindsight: by enumeration and by HiGHS."""

import itertools
from typing import NamedTuple

import highspy
import numpy as np

from tranship.routing.prices.problem import PARTS, UNITS, UNLIMITED, VALUE, Caps, Costs, Duals, Goods, Orders

Floats = np.ndarray
NOWHERE = 1e12


class Problem(NamedTuple):
    """Everything a bound is asked about."""

    costs: Costs
    goods: Goods
    orders: Orders
    caps: Caps
    penalty: float


def orders_of(
    baskets: list[list[tuple[int, int]]], *, dest: list[int] | None = None, day: list[int] | None = None,
    population: list[int] | None = None, value: list[float] | None = None,
) -> Orders:  # fmt: skip
    """Orders of (SKU, quantity) baskets; value: of each line, else its units."""
    count, flat = len(baskets), [line for basket in baskets for line in basket]
    sku, qty = (np.array([line[i] for line in flat], np.int64) for i in (0, 1))
    start = np.cumsum([0, *map(len, baskets)]).astype(np.int64)
    plain = [0] * count
    columns = [np.array(column or plain, np.int64) for column in (day, dest, population)]
    return Orders(*columns, start, sku, qty, qty.astype(float) if value is None else np.array(value, np.float64))


def random_orders(rng: np.random.Generator, count: int, skus: int, *, most_lines: int = 3, most_qty: int = 3,
                  dests: int = 2, days: int = 2, populations: int = 1) -> Orders:  # fmt: skip
    """Random baskets; days ascend; lines are worth a whole number."""
    baskets = [
        [(int(s), int(rng.integers(1, most_qty + 1))) for s in rng.permutation(skus)[: rng.integers(1, most_lines + 1)]]
        for _ in range(count)
    ]
    lines = sum(map(len, baskets))
    return orders_of(
        baskets, dest=rng.integers(0, dests, count).tolist(), day=np.sort(rng.integers(0, days, count)).tolist(),
        population=rng.integers(0, populations, count).tolist(), value=rng.integers(1, 8, lines).tolist(),
    )  # fmt: skip


def random_costs(rng: np.random.Generator, dests: int, nodes: int, skus: int) -> Costs:
    """Random tariffs: no two ways to ship an order cost the same."""
    return Costs(
        rng.uniform(2, 12, (dests, nodes)), rng.uniform(0, 2, (dests, nodes)), rng.uniform(0, 3, (skus, nodes)),
        rng.uniform(0.1, 3, skus),
    )  # fmt: skip


def random_problem(seed: int, *, orders: int = 4, nodes: int = 3, skus: int = 3, most_lines: int = 2) -> Problem:
    """A tiny problem in which stock, work and caps may all bind."""
    rng = np.random.default_rng(seed)
    stock = rng.integers(0, 5, (skus, nodes))
    work = np.where(rng.random((2, nodes)) < 0.4, UNLIMITED, rng.integers(0, 7, (2, nodes)))
    asked = random_orders(rng, orders, skus, most_lines=most_lines, populations=2)
    count = int(rng.integers(0, 3))
    measure = rng.integers(PARTS, VALUE + 1, count)
    size = np.array([len(asked.day), asked.qty.sum(), asked.value.sum()])[measure]
    budget = np.where(rng.random(count) < 0.15, -1.0, np.floor(rng.uniform(0, 0.8, count) * size))
    caps = Caps(
        rng.integers(0, 2, (count, nodes)).astype(np.uint8), measure.astype(np.int64),
        rng.integers(0, 2, (2, count)).astype(np.uint8), budget.astype(np.float64),
    )  # fmt: skip
    return Problem(random_costs(rng, 2, nodes, skus), Goods(stock, work), asked, caps, float(rng.uniform(5, 40)))


def orders_lines(orders: Orders) -> Floats:
    """The order of each line."""
    return np.repeat(np.arange(len(orders.day)), np.diff(orders.start))


def line_costs(problem: Problem) -> Floats:
    """[L, N] money of each whole line at each node, without its part."""
    costs, goods, orders = problem.costs, problem.goods, problem.orders
    dest = orders.dest[orders_lines(orders)]
    each = costs.per_unit[orders.sku] + costs.per_weight[dest] * costs.weight[orders.sku][:, None]
    return np.where(goods.stock[orders.sku] > 0, each * orders.qty[:, None], NOWHERE)


def plan_cost(problem: Problem, node: Floats) -> float:
    """Money of an assignment (N: unfilled), unfilled units at the penalty, whether it is possible or not."""
    orders, nodes = problem.orders, problem.costs.fixed.shape[1]
    of, filled = orders_lines(orders), node < nodes
    parts = np.unique(of[filled] * nodes + node[filled])
    fixed = problem.costs.fixed[orders.dest[parts // nodes], parts % nodes].sum()
    ways = np.take_along_axis(line_costs(problem), np.minimum(node, nodes - 1)[:, None], 1)[:, 0]
    return float(fixed + ways[filled].sum() + problem.penalty * orders.qty[~filled].sum())


def is_possible(problem: Problem, node: Floats) -> bool:
    """Whether stock, work and caps allow an assignment."""
    _, goods, orders, caps, _ = problem
    nodes, of = goods.stock.shape[1], orders_lines(orders)
    stock, work, filled = goods.stock.copy(), goods.work.copy(), np.flatnonzero(node < nodes)
    np.subtract.at(stock, (orders.sku[filled], node[filled]), orders.qty[filled])
    np.subtract.at(work, (orders.day[of[filled]], node[filled]), orders.qty[filled])
    if stock.min() < 0 or work.min() < 0:
        return False
    parts = {(int(of[i]), int(node[i])) for i in filled}
    for k in range(len(caps.budget)):
        counted = [i for i in filled if caps.side[k, node[i]] and caps.counts[orders.population[of[i]], k]]
        taken = {
            PARTS: sum(caps.side[k, n] and caps.counts[orders.population[t], k] for t, n in parts),
            UNITS: orders.qty[counted].sum(),
            VALUE: orders.value[counted].sum(),
        }[int(caps.measure[k])]
        if 0 <= caps.budget[k] < taken:
            return False
    return True


def enumerated(problem: Problem) -> float:
    """The least cost in hindsight, by looking at every assignment of whole lines."""
    nodes, lines = problem.costs.fixed.shape[1], len(problem.orders.sku)
    plans = [np.array(plan) for plan in itertools.product(range(nodes + 1), repeat=lines)]
    plans.sort(key=lambda plan: plan_cost(problem, plan))
    return next(plan_cost(problem, plan) for plan in plans if is_possible(problem, plan))


def by_mip(problem: Problem) -> float:
    """The least cost in hindsight by HiGHS, lines split over nodes where that is cheaper: units are variables."""
    costs, goods, orders, caps, penalty = problem
    nodes, of, h = goods.stock.shape[1], orders_lines(orders), highspy.Highs()
    h.setOptionValue("output_flag", False)
    h.setOptionValue("threads", 1)
    h.setOptionValue("mip_rel_gap", 0.0)
    whole = highspy.HighsVarType.kInteger
    each = line_costs(problem) / orders.qty[:, None]
    y = {
        (t, n): h.addVariable(0, 1, float(costs.fixed[orders.dest[t], n]), whole)
        for t in range(len(orders.day)) for n in range(nodes)
    }  # fmt: skip
    x = {
        (i, n): h.addVariable(0, float(orders.qty[i]) if each[i, n] < NOWHERE / 100 else 0.0, float(min(each[i, n], 1e6)), whole)
        for i in range(len(of)) for n in range(nodes)
    }  # fmt: skip
    for i, t in enumerate(of):
        missed = h.addVariable(0, float(orders.qty[i]), penalty, whole)
        h.addConstr(sum(x[i, n] for n in range(nodes)) + missed == float(orders.qty[i]))
        for n in range(nodes):
            h.addConstr(x[i, n] <= float(orders.qty[i]) * y[t, n])
    for n in range(nodes):
        for s in range(len(goods.stock)):
            held = [x[i, n] for i in range(len(of)) if orders.sku[i] == s]
            if held:
                h.addConstr(sum(held) <= float(goods.stock[s, n]))
        for d in range(len(goods.work)):
            held = [x[i, n] for i in range(len(of)) if orders.day[of[i]] == d]
            if held and goods.work[d, n] < UNLIMITED:
                h.addConstr(sum(held) <= float(goods.work[d, n]))
    for k in range(len(caps.budget)):
        taken = _taken(problem, k, x, y)
        if caps.budget[k] >= 0 and taken:
            h.addConstr(sum(taken) <= float(caps.budget[k]))
    h.run()
    assert h.getModelStatus() == highspy.HighsModelStatus.kOptimal
    return float(h.getInfo().objective_function_value)


def _taken(problem: Problem, k: int, x: dict, y: dict) -> list:
    """Terms of what cap k counts."""
    _, _, orders, caps, _ = problem
    of = orders_lines(orders)
    if caps.measure[k] == PARTS:
        return [part for (t, n), part in y.items() if caps.side[k, n] and caps.counts[orders.population[t], k]]
    each = orders.value / orders.qty if caps.measure[k] == VALUE else np.ones(len(of))
    return [
        float(each[i]) * units for (i, n), units in x.items()
        if caps.side[k, n] and caps.counts[orders.population[of[i]], k]
    ]  # fmt: skip


def copied(duals: Duals) -> Duals:
    """Prices of their own: a search moves those it starts from."""
    return Duals(*(array.copy() for array in duals))
