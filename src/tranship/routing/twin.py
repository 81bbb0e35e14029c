"""The router in plain Python: the same answers as the compiled `kernel`, to the last micro and the last tie, a hundred times slower.

It is what runs where numba cannot be had, and what the kernel is tested against.
"""

from tranship.routing.twin_cost import Bytes, Ints, Priced, State, load, price_order
from tranship.routing.twin_nodes import move_nodes
from tranship.routing.twin_pair import improve_pairs
from tranship.routing.twin_screen import make_starts, screen_costs
from tranship.routing.twin_search import improve
from tranship.routing.twin_subset import Rows, solve_subset


def _sorted(rows: Rows) -> Rows:
    """Best first by the published order (cost, number of parts, node ids line by line), without repeated ones."""
    kept: Rows = []
    for cost, assign in sorted(rows, key=lambda row: (row[0], len(set(row[1])), row[1])):
        if not kept or kept[-1][1] != assign:
            kept.append((cost, assign))
    return kept


def _search(order: Priced, starts: int, rounds: int, buckets: int) -> Rows:
    """The best solution found and up to two others."""
    state = State(len(order.node))
    fixed, linear = screen_costs(order)
    rows = _sorted([(improve(order, assign, state), assign) for assign in make_starts(order, fixed, linear, starts)])
    deep = [(improve_pairs(order, assign, state, buckets), assign) for _, assign in rows[:rounds]]
    rows = _sorted(deep + rows[rounds:])
    if rounds > 0:
        cost, assign = rows[0]
        rows[0] = (move_nodes(order, assign, cost, state, buckets, linear, rounds), assign)
    return _sorted(rows)[:3]


def _write(rows: Rows, out: Ints) -> int:
    for i, (cost, assign) in enumerate(rows):
        out[i, 0], out[i, 1:] = cost, assign
    return len(rows)


def solve_small(
    q: Ints, sku: Ints, ok: Bytes, mu: Ints, gamma: Ints, zone: Ints, residential: int,
    node: Ints, parcel: Ints, band_of: Bytes, unit_price: Ints, goods: Ints, fits: Bytes, out: Ints,
) -> int:  # fmt: skip
    """An order of 1 to SUBSET_LINES lines: fill `out[3, 1 + L]` (cost in micros, then the node of each line), best first.

    Returns how many rows, 0 where infeasible.
    """
    order = price_order(q, sku, ok, mu, gamma, zone, residential, node, parcel, band_of, unit_price, goods, fits)
    return _write(solve_subset(order), out) if order else 0


def solve_large(
    q: Ints, sku: Ints, ok: Bytes, mu: Ints, gamma: Ints, zone: Ints, residential: int,
    node: Ints, parcel: Ints, band_of: Bytes, unit_price: Ints, goods: Ints, fits: Bytes, out: Ints,
    starts: int, rounds: int, buckets: int,
) -> int:  # fmt: skip
    """An order of any size by search; as `solve_small`."""
    order = price_order(q, sku, ok, mu, gamma, zone, residential, node, parcel, band_of, unit_price, goods, fits)
    return _write(_search(order, starts, rounds, buckets), out) if order else 0


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
