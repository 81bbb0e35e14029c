"""The router's compiled entry points `solve_small`, `solve_large` and `exact`. `tranship.routing.solve.Solver` calls them.

`tranship.routing.twin` is the same in Python.

Up to SUBSET_LINES lines the answer is the optimum. Above, starts from a linear screen are improved by moves, the best `rounds` of
them by swaps and the pair search as well, and the best of all by moves of whole nodes. Equal costs go to fewer parts, then to lower
node ids line by line (above SUBSET_LINES) or to the lower last node (up to it). Only what runs once an order allocates.
"""

# mypy: disable-error-code="no-any-return"
# Arrays are Any here: their types are the entry's compiled signature, which refuses any other.

import numpy as np

from tranship.routing.kernel_cost import Array, Cards, Priced, State, copy, load, price_order, same
from tranship.routing.kernel_jit import allocating, entry, inner
from tranship.routing.kernel_limits import (
    MERGE_ROUNDS,
    SCREEN_ALL,
    SPARE_SETS,
    TOGGLE_FROM,
    TOGGLE_ROUNDS,
    TOGGLE_WORK,
)
from tranship.routing.kernel_nodes import merge_nodes, toggled
from tranship.routing.kernel_pair import PairRoom, improve_pairs
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


@allocating
def new_order(q: Array, node: Array, parcel: Array, band_of: Array, unit_price: Array) -> Priced:
    """Room for an order's prices (unfilled)."""
    count, nodes, i64 = q.shape[0], node.shape[0], np.int64
    wv, feasible, base = np.empty((2, count), i64), np.empty((count, nodes), np.bool_), np.empty((count, nodes), i64)
    unit, opened = np.empty((count, unit_price.shape[0], 5), i64), np.empty(nodes, i64)
    rate = np.empty((nodes, parcel.shape[2]), i64)
    return Priced(q, wv[0], wv[1], feasible, base, unit, opened, rate, node, band_of)


@allocating
def new_state(nodes: int) -> State:
    """Room for the state of an assignment (unfilled)."""
    rows = np.empty((5, nodes), np.int64)
    return State(rows[0], rows[1], rows[2], rows[3], np.empty((nodes, 5), np.int64), rows[4])


@entry(f"int64({_ORDER},{_CARDS},int64[:,::1])")
def solve_small(
    q: Array, sku: Array, ok: Array, mu: Array, gamma: Array, zone: Array, residential: int,
    node: Array, parcel: Array, band_of: Array, unit_price: Array, goods: Array, fits: Array, out: Array,
) -> int:  # fmt: skip
    """An order of 1 to SUBSET_LINES lines: fill `out[3, 1 + L]` (cost in micros, then the node of each line), best first.

    Returns how many rows, 0 where infeasible.
    """
    order = new_order(q, node, parcel, band_of, unit_price)
    if not price_order(
        order, sku, ok, mu, gamma, zone, residential, Cards(node, parcel, band_of, unit_price, goods, fits)
    ):
        return 0
    size, nodes = 1 << q.shape[0], node.shape[0]
    ints, bits = np.empty((7, size), np.int64), np.empty((2, nodes, size), np.uint8)
    room = SubsetRoom(ints[:3], ints[3:], bits[0], bits[1], np.empty((6, nodes), np.int64))
    return solve_subset(order, room, out)


@allocating
def new_rooms(count: int, nodes: int, most: int, buckets: int) -> tuple[State, ScreenRoom, PairRoom]:
    """Working memory of the search (unfilled)."""
    i64, free, width = np.int64, min(nodes, SCREEN_ALL), buckets + count + 1
    screen = ScreenRoom(
        np.empty((count, nodes), i64), np.empty((4, nodes), i64), np.empty((2, 1 << free), i64),
        np.empty((2, SPARE_SETS * most), i64), np.empty(count, i64),
    )  # fmt: skip
    pair = PairRoom(
        np.empty((5, count), i64), np.empty((count + 1, width), i64), np.empty((2, width), i64),
        np.empty((2, nodes), i64), np.empty((nodes, nodes), i64), np.empty(5, i64),
    )  # fmt: skip
    return new_state(nodes), screen, pair


@entry(f"int64({_ORDER},{_CARDS},int64[:,::1],int64,int64,int64)")
def solve_large(
    q: Array, sku: Array, ok: Array, mu: Array, gamma: Array, zone: Array, residential: int,
    node: Array, parcel: Array, band_of: Array, unit_price: Array, goods: Array, fits: Array, out: Array,
    starts: int, rounds: int, buckets: int,
) -> int:  # fmt: skip
    """An order of any size by search; as `solve_small`."""
    order = new_order(q, node, parcel, band_of, unit_price)
    if not price_order(
        order, sku, ok, mu, gamma, zone, residential, Cards(node, parcel, band_of, unit_price, goods, fits)
    ):
        return 0
    count, nodes = q.shape[0], node.shape[0]
    most = starts if starts > 0 else starts_for(min(nodes, SCREEN_ALL))
    state, screen, pair = new_rooms(count, nodes, most, buckets)
    made, costs = np.empty((most, count), np.int64), np.empty(most, np.int64)
    mark, kept, trial = pair.nodes[0], pair.lines[1], pair.lines[4]
    found = make_starts(order, starts, screen, made)
    for i in range(found):
        costs[i] = improve(order, made[i], state)
    found = sort_solutions(made, costs, found, kept, mark)
    for i in range(min(rounds, found)):
        costs[i] = improve_pairs(order, made[i], state, buckets, pair)
    found = sort_solutions(made, costs, found, kept, mark)
    for _ in range(MERGE_ROUNDS if rounds > 0 else 0):
        if merge_nodes(order, made[0], costs[0], state, pair) == costs[0]:
            break
        costs[0] = improve_pairs(order, made[0], state, buckets, pair)
    for _ in range(TOGGLE_ROUNDS if rounds >= TOGGLE_FROM and count * nodes <= TOGGLE_WORK else 0):
        before = costs[0]
        for c in range(nodes):
            if toggled(order, made[0], costs[0], c, state, pair, screen):
                cost = improve_pairs(order, trial, state, buckets, pair)
                if cost < costs[0]:
                    costs[0] = cost
                    copy(trial, made[0])
        if costs[0] == before:
            break
    found = min(3, sort_solutions(made, costs, found, kept, mark))
    for i in range(found):
        out[i, 0] = costs[i]
        copy(made[i], out[i, 1:])
    return found


@entry(f"int64({_ORDER},{_CARDS},int64[::1])")
def exact(
    q: Array, sku: Array, ok: Array, mu: Array, gamma: Array, zone: Array, residential: int,
    node: Array, parcel: Array, band_of: Array, unit_price: Array, goods: Array, fits: Array, assign: Array,
) -> int:  # fmt: skip
    """Exact cost in micros of any assignment; -1 where it sends a line to a node that cannot take it."""
    order = new_order(q, node, parcel, band_of, unit_price)
    if not price_order(
        order, sku, ok, mu, gamma, zone, residential, Cards(node, parcel, band_of, unit_price, goods, fits)
    ):
        return -1
    for line in range(q.shape[0]):
        if assign[line] < 0 or assign[line] >= node.shape[0] or not order.feasible[line, assign[line]]:
            return -1
    return load(order, assign, new_state(node.shape[0]))
