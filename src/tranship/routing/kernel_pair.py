"""Pair search, compiled: re-divide all lines of two nodes at once by a subset-sum program over billed weight.

Steps of a parcel card make dividing lines a knapsack ("get this node to 20.00 lb") that single moves cannot solve. The program finds, for
every weight (in buckets) at parcel node b, the cheapest lines to put there; the card then picks the weight. It is a heuristic (a per-unit
node is priced at its last class, weights are rounded): a result is taken only if the exact card says that it is cheaper.
"""

import numpy as np

from tranship.routing.kernel_cost import (
    BIG,
    DIM_OVER,
    KIND,
    POOL,
    UNIT_ROW,
    Array,
    Priced,
    State,
    carton_cost,
    new_state,
)
from tranship.routing.kernel_jit import inner
from tranship.routing.kernel_search import billed_line, improve

PAIR_ROUNDS = 4
PAIR_CELLS = 20_000_000
"""Cells of the program (lines x buckets) one order may fill: bounds the work on orders of hundreds of lines."""


@inner
def movable_lines(order: Priced, assign: Array, a: int, b: int, lines: Array) -> tuple[int, int, int, int]:
    """Lines of a and b that both could take (written to `lines`): how many; and the weights at a and at b that must stay, lines at b that must stay."""
    found, at_a, at_b, stay = 0, 0, 0, 0
    dim_b = pair_dim(order, assign, a, b, b)
    dim_a = pair_dim(order, assign, a, b, a)
    for line in range(assign.shape[0]):
        n = assign[line]
        if n != a and n != b:
            continue
        if order.feasible[line, a] and order.feasible[line, b]:
            lines[found] = line
            found += 1
        elif n == a:
            at_a += billed_line(order, a, line, dim_a)
        else:
            at_b += billed_line(order, b, line, dim_b)
            stay += 1
    return found, at_a, at_b, stay


@inner
def pair_dim(order: Priced, assign: Array, a: int, b: int, n: int) -> bool:
    """True where all lines of a and b together would be large enough for dim weight at parcel node n."""
    if order.node[n, KIND] != 1:
        return False
    volume = 0
    for line in range(assign.shape[0]):
        if (assign[line] == a or assign[line] == b) and order.feasible[line, n]:
            volume += order.v[line]
    return volume > order.node[n, DIM_OVER]  # type: ignore[no-any-return]


@inner
def fill_row(before: Array, after: Array, weight: Array, weight_after: Array, step: int, change: int, grams: int) -> None:
    """One line of the program: `after[s] = min(before[s], before[s - step] + change)`, with the true grams of what was chosen."""
    width = before.shape[0]
    after[:step] = before[:step]
    weight_after[:step] = weight[:step]
    stay, go, best = before[step:], before[: width - step], after[step:]
    stay_w, go_w, best_w = weight[step:], weight[: width - step], weight_after[step:]
    for s in range(best.shape[0]):
        moved, kept = go[s] + change, stay[s]
        taken = moved < kept
        best[s] = moved if taken else kept
        best_w[s] = go_w[s] + grams if taken else stay_w[s]


@inner
def redivide(order: Priced, assign: Array, a: int, b: int, buckets: int, lines: Array, trial: Array) -> int:
    """Write to `trial` the division of a's and b's lines that the program finds best; returns the cells it filled (0: nothing to divide)."""
    node = order.node
    count, at_a, at_b, stay = movable_lines(order, assign, a, b, lines)
    if count == 0:
        return 0
    dim_a, dim_b = pair_dim(order, assign, a, b, a), pair_dim(order, assign, a, b, b)
    grams, all_a, all_b = np.empty(count, np.int64), 0, 0
    for i in range(count):
        grams[i] = billed_line(order, b, lines[i], dim_b)
        all_b += grams[i]
        all_a += billed_line(order, a, lines[i], dim_a)
    bucket = max(1, -(-all_b // buckets))
    steps, width = np.empty(count, np.int64), 1
    for i in range(count):
        steps[i] = -(-grams[i] // bucket)
        width += steps[i]
    rows = np.empty((count + 1, width), np.int64)
    weights = np.zeros((2, width), np.int64)
    rows[0, :] = BIG
    rows[0, 0] = 0
    for i in range(count):
        change = order.base[lines[i], b] - order.base[lines[i], a]
        if node[a, KIND] == 0:
            change -= order.unit[lines[i], node[a, UNIT_ROW], 4]
        fill_row(rows[i], rows[i + 1], weights[i & 1], weights[(i + 1) & 1], steps[i], change, grams[i])
    at = best_weight(order, a, b, rows[count], weights[count & 1], at_a + all_a, at_b, all_b, stay)
    trial[:] = assign
    for i in range(count - 1, -1, -1):
        if rows[i + 1, at] == rows[i, at]:
            trial[lines[i]] = a
        else:
            trial[lines[i]] = b
            at -= steps[i]
    return count * width


@inner
def best_weight(
    order: Priced, a: int, b: int, values: Array, weights: Array, most_a: int, at_b: int, all_b: int, stay: int
) -> int:
    """The bucket whose division costs least with both nodes' cards on it (lowest on equal cost)."""
    node, least, best = order.node, np.int64(BIG), 0
    for s in range(values.shape[0]):
        if values[s] >= BIG // 2:
            continue
        cost = values[s]
        if s > 0 or stay > 0:
            cost += order.opened[b] + carton_cost(node, order.rate, order.band_of, b, at_b + weights[s], 0)
        left = max(0, most_a - weights[s])
        if left > 0 or weights[s] < all_b:
            cost += order.opened[a]
            if node[a, KIND] == 1:
                cost += carton_cost(node, order.rate, order.band_of, a, left, 0)
        if cost < least:
            least, best = cost, s
    return best


@inner
def improve_pairs(order: Priced, assign: Array, total: int, buckets: int) -> int:
    """Pair search over all pairs with a parcel node, until none helps; `assign` and the returned cost are the best found.

    `stamp[n]` counts changes of node n: a pair is only tried again after one of its nodes has changed.
    """
    node, nodes, count = order.node, order.node.shape[0], assign.shape[0]
    state, trial, lines = new_state(nodes), np.empty(count, np.int64), np.empty(count, np.int64)
    stamp, tried, clock, cells = np.ones(nodes, np.int64), np.zeros((nodes, nodes), np.int64), 1, 0
    total = improve(order, assign, state, True)
    used = state.lines.copy()
    for _ in range(PAIR_ROUNDS):
        helped = False
        for b in range(nodes):
            for a in range(nodes):
                if node[b, KIND] != 1 or a == b or (node[a, KIND] == 1 and a > b) or used[a] + used[b] == 0:
                    continue
                if tried[a, b] >= max(stamp[a], stamp[b]) or cells > PAIR_CELLS:
                    continue
                tried[a, b] = clock
                cells += redivide(order, assign, a, b, buckets, lines, trial)
                if cells == 0 or unchanged(assign, trial, lines, count):
                    continue
                cost = improve(order, trial, state, False)
                if cost < total:
                    total, helped = cost, True
                    clock += 1
                    for line in range(count):
                        if assign[line] != trial[line]:
                            stamp[assign[line]] = stamp[trial[line]] = clock
                    assign[:] = trial
                    used[:] = state.lines
        if not helped:
            break
    return total


@inner
def unchanged(assign: Array, trial: Array, lines: Array, count: int) -> bool:
    """True where the program found the division there already is."""
    for line in range(count):
        if assign[line] != trial[line]:
            return False
    return True
