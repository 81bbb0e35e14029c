"""The router's compiled entry points: `solve` and `exact`. `tranship.routing.solve.Solver` calls them; `twin` is the same in Python.

Up to SUBSET_LINES lines the answer is the optimum. Above, starts from a linear screen are improved by moves, the best `rounds` of
them by the pair search and swaps as well. Equal costs go to fewer parts, then to lower node ids line by line (above SUBSET_LINES),
or to the lower last node (up to it).
"""

import numpy as np

from tranship.routing.kernel_cost import Array, Cards, Priced, count_parts, load, lower, new_state, price_order, same
from tranship.routing.kernel_jit import entry, inner
from tranship.routing.kernel_pair import improve_pairs
from tranship.routing.kernel_search import improve, make_starts
from tranship.routing.kernel_subset import SUBSET_LINES, solve_subset

_ORDER = "int64[::1],int64[::1],uint8[:,::1],int64[:,::1],int64[::1],int64[::1],int64"
_CARDS = "int64[:,::1],int64[:,:,::1],uint8[:,::1],int64[:,:,::1],int64[:,::1],uint8[:,::1]"


@inner
def comes_before(cost: int, assign: Array, other_cost: int, other: Array, nodes: int) -> bool:
    """The published order of solutions: cost, number of parts, node ids line by line."""
    if cost != other_cost:
        return cost < other_cost
    parts, other_parts = count_parts(assign, nodes), count_parts(other, nodes)
    if parts != other_parts:
        return parts < other_parts  # type: ignore[no-any-return]
    return lower(assign, other)  # type: ignore[no-any-return]


@inner
def sort_solutions(made: Array, costs: Array, nodes: int) -> int:
    """Sort solutions best first and drop repeated ones, in place; returns how many are left."""
    count = 0
    kept = np.empty(made.shape[1], np.int64)
    for i in range(made.shape[0]):
        kept[:] = made[i]
        cost, at = costs[i], count
        while at > 0 and comes_before(cost, kept, costs[at - 1], made[at - 1], nodes):
            at -= 1
        if at > 0 and same(kept, made[at - 1]):
            continue
        for j in range(count, at, -1):
            made[j] = made[j - 1]
            costs[j] = costs[j - 1]
        made[at] = kept
        costs[at] = cost
        count += 1
    return count


@inner
def solve_search(order: Priced, starts: int, rounds: int, buckets: int, out: Array) -> int:
    """Fill `out[3, 1 + L]` with the best solution found and up to two others; returns how many."""
    nodes = order.node.shape[0]
    made = make_starts(order, starts)
    costs, state = np.empty(made.shape[0], np.int64), new_state(nodes)
    for i in range(made.shape[0]):
        costs[i] = improve(order, made[i], state, False)
    count = sort_solutions(made, costs, nodes)
    deep = min(rounds, count)
    for i in range(deep):
        costs[i] = improve_pairs(order, made[i], costs[i], buckets)
    count = sort_solutions(made[:count], costs[:count], nodes)
    found = min(3, count)
    for i in range(found):
        out[i, 0] = costs[i]
        out[i, 1:] = made[i]
    return found


@entry(f"int64({_ORDER},{_CARDS},int64,int64,int64,int64[:,::1])")
def solve(
    q: Array, sku: Array, ok: Array, mu: Array, gamma: Array, zone: Array, residential: int,
    node: Array, parcel: Array, band_of: Array, unit_price: Array, goods: Array, fits: Array,
    starts: int, rounds: int, buckets: int, out: Array,
) -> int:  # fmt: skip
    """Fill `out[3, 1 + L]` (cost in micros, then the node of each line), best first; returns how many rows, 0 where infeasible."""
    cards = Cards(node, parcel, band_of, unit_price, goods, fits)
    order, feasible = price_order(q, sku, ok, mu, gamma, zone, residential, cards)
    if not feasible or q.shape[0] == 0:
        return 0
    if q.shape[0] <= SUBSET_LINES:
        return solve_subset(order, out)  # type: ignore[no-any-return]
    return solve_search(order, starts, rounds, buckets, out)  # type: ignore[no-any-return]


@entry(f"int64({_ORDER},{_CARDS},int64[::1])")
def exact(
    q: Array, sku: Array, ok: Array, mu: Array, gamma: Array, zone: Array, residential: int,
    node: Array, parcel: Array, band_of: Array, unit_price: Array, goods: Array, fits: Array, assign: Array,
) -> int:  # fmt: skip
    """Exact cost in micros of any assignment; -1 where it sends a line to a node that cannot take it."""
    cards = Cards(node, parcel, band_of, unit_price, goods, fits)
    order, feasible = price_order(q, sku, ok, mu, gamma, zone, residential, cards)
    if not feasible:
        return -1
    for line in range(q.shape[0]):
        if assign[line] < 0 or assign[line] >= node.shape[0] or not order.feasible[line, assign[line]]:
            return -1
    return load(order, assign, new_state(node.shape[0]))  # type: ignore[no-any-return]
