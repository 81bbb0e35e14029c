"""The router's compiled entry points: `solve` and `exact`. `tranship.routing.solve.Solver` calls them; `twin` is the same in Python.

Up to SUBSET_LINES lines the answer is the optimum. Above, starts from a linear screen are improved by moves, the best `rounds` of
them by swaps and the pair search as well, and the best of all by merging nodes. Equal costs go to fewer parts, then to lower node ids line
by line (above SUBSET_LINES) or to the lower last node (up to it). Only these entries allocate (see `kernel_jit.inner`).
"""

# mypy: disable-error-code="no-any-return"
# Arrays are Any here: their types are the entry's compiled signature, which refuses any other.

import numpy as np

from tranship.routing.kernel_cost import Array, Cards, Priced, State, copy, load, price_order, same
from tranship.routing.kernel_jit import entry, inner
from tranship.routing.kernel_limits import MERGE_ROUNDS, SCREEN_ALL, SLACK, SPARE_SETS, SUBSET_LINES
from tranship.routing.kernel_pair import PairRoom, improve_pairs, merge_nodes, toggle_nodes
from tranship.routing.kernel_screen import ScreenRoom, make_starts, starts_for
from tranship.routing.kernel_search import improve
from tranship.routing.kernel_subset import SubsetRoom, solve_subset

_ORDER = "int64[::1],int64[::1],uint8[:,::1],int64[:,::1],int64[::1],int64[::1],int64"
_CARDS = "int64[:,::1],int64[:,:,::1],uint8[:,::1],int64[:,:,::1],int64[:,::1],uint8[:,::1]"


@inner
def count_parts(assign: Array, mark: Array) -> int:
    """Number of different nodes in `assign`; `mark[N]` is scratch."""
    parts = 0
    for n in range(mark.shape[0]):
        mark[n] = 0
    for line in range(assign.shape[0]):
        parts += 1 - mark[assign[line]]
        mark[assign[line]] = 1
    return parts


@inner
def comes_before(cost: int, assign: Array, other_cost: int, other: Array, mark: Array) -> bool:
    """The published order of solutions: cost, number of parts, node ids line by line."""
    if cost != other_cost:
        return cost < other_cost
    parts, other_parts = count_parts(assign, mark), count_parts(other, mark)
    if parts != other_parts:
        return parts < other_parts
    for line in range(assign.shape[0]):
        if assign[line] != other[line]:
            return assign[line] < other[line]
    return False


@inner
def sort_solutions(made: Array, costs: Array, count: int, kept: Array, mark: Array) -> int:
    """Sort `count` solutions best first and drop repeated ones, in place; returns how many are left."""
    left = 0
    for i in range(count):
        copy(made[i], kept)
        cost, at = costs[i], left
        while at > 0 and comes_before(cost, kept, costs[at - 1], made[at - 1], mark):
            at -= 1
        if at > 0 and same(kept, made[at - 1]):
            continue
        for j in range(left, at, -1):
            copy(made[j - 1], made[j])
            costs[j] = costs[j - 1]
        copy(kept, made[at])
        costs[at] = cost
        left += 1
    return left


@inner
def solve_search(
    order: Priced, starts: int, rounds: int, buckets: int, state: State, screen: ScreenRoom, pair: PairRoom, made: Array, costs: Array,
    out: Array,
) -> int:  # fmt: skip
    """Fill `out[3, 1 + L]` with the best solution found and up to two others; returns how many."""
    mark, kept = pair.nodes[0], pair.lines[1]
    count = make_starts(order, starts, screen, made)
    for i in range(count):
        costs[i] = improve(order, made[i], state)
    count = sort_solutions(made, costs, count, kept, mark)
    for i in range(min(rounds, count)):
        costs[i] = improve_pairs(order, made[i], state, buckets, pair)
    count = sort_solutions(made, costs, count, kept, mark)
    for _ in range(MERGE_ROUNDS if rounds > 0 else 0):
        if merge_nodes(order, made[0], costs[0], state, pair) == costs[0]:
            break
        costs[0] = improve_pairs(order, made[0], state, buckets, pair)
    if rounds > 0:
        for _ in range(2):
            cost = toggle_nodes(order, made[0], costs[0], state, buckets, pair, screen, SLACK, screen.cover)
            if cost == costs[0]:
                break
            costs[0] = cost
    count = min(3, sort_solutions(made, costs, count, kept, mark))
    for i in range(count):
        out[i, 0] = costs[i]
        copy(made[i], out[i, 1:])
    return count


@entry(f"int64({_ORDER},{_CARDS},int64,int64,int64,int64[:,::1])")
def solve(
    q: Array, sku: Array, ok: Array, mu: Array, gamma: Array, zone: Array, residential: int,
    node: Array, parcel: Array, band_of: Array, unit_price: Array, goods: Array, fits: Array,
    starts: int, rounds: int, buckets: int, out: Array,
) -> int:  # fmt: skip
    """Fill `out[3, 1 + L]` (cost in micros, then the node of each line), best first; returns how many rows, 0 where infeasible."""
    count, nodes, i64 = q.shape[0], node.shape[0], np.int64
    if count == 0:
        return 0
    wv, feasible, base = np.empty((2, count), i64), np.empty((count, nodes), np.bool_), np.empty((count, nodes), i64)
    unit, opened = np.empty((count, unit_price.shape[0], 5), i64), np.empty(nodes, i64)
    rate = np.empty((nodes, parcel.shape[2]), i64)
    order = Priced(q, wv[0], wv[1], feasible, base, unit, opened, rate, node, band_of)
    cards = Cards(node, parcel, band_of, unit_price, goods, fits)
    if not price_order(order, sku, ok, mu, gamma, zone, residential, cards):
        return 0
    if count <= SUBSET_LINES:
        size = 1 << count
        ints, bits = np.empty((7, size), i64), np.empty((2, nodes, size), np.uint8)
        return solve_subset(order, SubsetRoom(ints[:3], ints[3:], bits[0], bits[1], np.empty((6, nodes), i64)), out)
    free = min(nodes, SCREEN_ALL)
    most = starts if starts > 0 else starts_for(free)
    rows = np.empty((5, nodes), i64)
    state = State(rows[0], rows[1], rows[2], rows[3], np.empty((nodes, 5), i64), rows[4])
    screen = ScreenRoom(
        np.empty((count, nodes), i64), np.empty((4, nodes), i64), np.empty((2, 1 << free), i64),
        np.empty((2, SPARE_SETS * most), i64), np.empty(count, i64),
    )  # fmt: skip
    width = buckets + count + 1
    pair = PairRoom(
        np.empty((4, count), i64), np.empty((count + 1, width), i64), np.empty((2, width), i64),
        np.empty((2, nodes), i64), np.empty((nodes, nodes), i64), np.empty(5, i64),
    )  # fmt: skip
    made, costs = np.empty((most, count), i64), np.empty(most, i64)
    return solve_search(order, starts, rounds, buckets, state, screen, pair, made, costs, out)


@entry(f"int64({_ORDER},{_CARDS},int64[::1])")
def exact(
    q: Array, sku: Array, ok: Array, mu: Array, gamma: Array, zone: Array, residential: int,
    node: Array, parcel: Array, band_of: Array, unit_price: Array, goods: Array, fits: Array, assign: Array,
) -> int:  # fmt: skip
    """Exact cost in micros of any assignment; -1 where it sends a line to a node that cannot take it."""
    count, nodes, i64 = q.shape[0], node.shape[0], np.int64
    wv, feasible, base = np.empty((2, count), i64), np.empty((count, nodes), np.bool_), np.empty((count, nodes), i64)
    unit, opened = np.empty((count, unit_price.shape[0], 5), i64), np.empty(nodes, i64)
    rate = np.empty((nodes, parcel.shape[2]), i64)
    order = Priced(q, wv[0], wv[1], feasible, base, unit, opened, rate, node, band_of)
    cards = Cards(node, parcel, band_of, unit_price, goods, fits)
    if not price_order(order, sku, ok, mu, gamma, zone, residential, cards):
        return -1
    for line in range(count):
        if assign[line] < 0 or assign[line] >= nodes or not feasible[line, assign[line]]:
            return -1
    rows = np.empty((5, nodes), i64)
    return load(order, assign, State(rows[0], rows[1], rows[2], rows[3], np.empty((nodes, 5), i64), rows[4]))
