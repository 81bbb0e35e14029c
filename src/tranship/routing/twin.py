"""The router in plain Python: the same answers as the compiled `kernel`, to the last micro and the last tie, a hundred times slower.

It is what runs where numba cannot be had, and what the kernel is tested against.
"""

from tranship.routing.kernel_limits import MERGE_ROUNDS, SUBSET_LINES
from tranship.routing.twin_cost import Bytes, Ints, Priced, State, load, price_order
from tranship.routing.twin_pair import improve_pairs, merge_nodes
from tranship.routing.twin_screen import make_starts
from tranship.routing.twin_search import improve
from tranship.routing.twin_subset import Rows, solve_subset


def _sorted(rows: Rows) -> Rows:
    """Best first by the published order (cost, number of parts, node ids line by line), without repeated ones."""
    kept: Rows = []
    for cost, assign in sorted(rows, key=lambda row: (row[0], len(set(row[1])), row[1])):
        if not kept or kept[-1][1] != assign:
            kept.append((cost, assign))
    return kept


def solve_search(order: Priced, starts: int, rounds: int, buckets: int) -> Rows:
    """The best solution found and up to two others."""
    state = State(len(order.node))
    rows = _sorted([(improve(order, assign, state), assign) for assign in make_starts(order, starts)])
    deep = [(improve_pairs(order, assign, state, buckets), assign) for _, assign in rows[:rounds]]
    rows = _sorted(deep + rows[rounds:])
    for _ in range(MERGE_ROUNDS if rounds > 0 else 0):
        cost, assign = rows[0]
        if merge_nodes(order, assign, cost, state) == cost:
            break
        rows[0] = (improve_pairs(order, assign, state, buckets), assign)
    return _sorted(rows)[:3]


def solve(
    q: Ints, sku: Ints, ok: Bytes, mu: Ints, gamma: Ints, zone: Ints, residential: int,
    node: Ints, parcel: Ints, band_of: Bytes, unit_price: Ints, goods: Ints, fits: Bytes,
    starts: int, rounds: int, buckets: int, out: Ints,
) -> int:  # fmt: skip
    """Fill `out[3, 1 + L]` (cost in micros, then the node of each line), best first; returns how many rows, 0 where infeasible."""
    if len(q) == 0:
        return 0
    order = price_order(q, sku, ok, mu, gamma, zone, residential, node, parcel, band_of, unit_price, goods, fits)
    if order is None:
        return 0
    rows = solve_subset(order) if len(q) <= SUBSET_LINES else solve_search(order, starts, rounds, buckets)
    for i, (cost, assign) in enumerate(rows):
        out[i, 0], out[i, 1:] = cost, assign
    return len(rows)


def exact(
    q: Ints, sku: Ints, ok: Bytes, mu: Ints, gamma: Ints, zone: Ints, residential: int,
    node: Ints, parcel: Ints, band_of: Bytes, unit_price: Ints, goods: Ints, fits: Bytes, assign: Ints,
) -> int:  # fmt: skip
    """Exact cost in micros of any assignment; -1 where it sends a line to a node that cannot take it."""
    order = price_order(q, sku, ok, mu, gamma, zone, residential, node, parcel, band_of, unit_price, goods, fits)
    where = assign.tolist()
    if order is None or not all(0 <= n < len(order.node) and order.feasible[line][n] for line, n in enumerate(where)):
        return -1
    return load(order, where, State(len(order.node)))
