"""The exact cost of parts, compiled: the formulas of `tranship.rates.tables` in integers.

Axes: L lines, N nodes, U per-unit cards, B weight bands. Money micros, weight grams, volume cubic centimeters.

A *pool* is a set of nodes whose units are counted together by a per-unit card (`unit_scope` 1); every other node is a pool of its own.
A pool is named by its lowest node. What a node pays is additive over lines (`base`), plus `opened` once, plus the variable cost of its
pool: cartons for a parcel card, units at the class's price for a per-unit card. Only that variable cost is not additive.
"""

# mypy: disable-error-code="no-any-return"
# Arrays are Any here: their types are the entry's compiled signature, which refuses any other.

from typing import Any, NamedTuple

import numpy as np

from tranship.routing.kernel_jit import inner
from tranship.routing.kernel_limits import (
    DIM_DEN,
    DIM_NUM,
    DIM_OVER,
    KIND,
    MAX_G,
    ORDER_FEE,
    PARCEL_ROW,
    POOL,
    RESIDENTIAL,
    TOP_BAND,
    UNIT_FEE,
    UNIT_ROW,
    VOLUME,
    WEIGHT,
)

Array = Any  # numpy arrays as numba sees them: the entry's signature fixes types and layout
ZERO: Any = np.int64(0)
NONE: Any = np.int64(-1)
"""Numbers of a type: for a plain constant numba would compile each function that gets it once more."""


class Cards(NamedTuple):
    """Rate tables as the kernel reads them (made by `tranship.routing.pack`)."""

    node: Array  # [N, 12] columns named in kernel_limits
    parcel: Array  # [P, 10, B] micros a carton
    band_of: Array  # [P, G + 1] band of a weight
    unit_price: Array  # [U, S, 5] micros a unit
    goods: Array  # [S, 2] weight and volume of a unit
    fits: Array  # [S, N]


class Priced(NamedTuple):
    """One order priced for every node it could go to."""

    q: Array  # [L] units
    w: Array  # [L] weight of the whole line
    v: Array  # [L] volume of the whole line
    feasible: Array  # [L, N] the caller, the card and, for a parcel card, the zone allow it
    base: Array  # [L, N] the additive cost: price `mu` and fees per unit
    unit: Array  # [L, U, 5] the line on each per-unit card in each class
    opened: Array  # [N] order fee and the price of opening a part
    rate: Array  # [N, B] a carton by band to this destination
    node: Array  # [N, 12]
    band_of: Array  # [P, G + 1]


class State(NamedTuple):
    """What nodes and pools hold under an assignment."""

    lines: Array  # [N]
    weight: Array  # [N]
    volume: Array  # [N]
    units: Array  # [N] by pool
    sums: Array  # [N, 5] by pool: all its units at each class's price
    var: Array  # [N] by pool: variable cost


@inner
def units_class(units: int) -> int:
    """Index of the price class for `units` (5 and more share the last)."""
    return min(max(units, 1), 5) - 1


@inner
def dim_grams(node: Array, n: int, volume: int) -> int:
    """Dim weight of `volume` at node n, rounded up to grams, whatever the part's size."""
    return -(-volume * node[n, DIM_NUM] // node[n, DIM_DEN])


@inner
def carton_cost(node: Array, rate: Array, band_of: Array, n: int, weight: int, volume: int) -> int:
    """Cartons of one parcel part at node n: full cartons at the top band, the rest at its own; never less than one carton."""
    if volume > node[n, DIM_OVER]:
        weight = max(weight, dim_grams(node, n, volume))
    row, most = node[n, PARCEL_ROW], node[n, MAX_G]
    if weight <= most:
        return rate[n, band_of[row, weight]]
    full = weight // most
    cost = full * rate[n, node[n, TOP_BAND]]
    rest = weight - full * most
    if rest > 0:
        cost += rate[n, band_of[row, rest]]
    return cost


@inner
def price_order(
    order: Priced, sku: Array, ok: Array, mu: Array, gamma: Array, zone: Array, residential: int, cards: Cards
) -> bool:
    """Price an order for all nodes; false where a line has no node at all (the rest is then unfinished)."""
    price_nodes(order, cards.parcel, gamma, zone, residential)
    for line in range(order.q.shape[0]):
        if not price_line(order, line, sku[line], ok, mu, zone, cards):
            return False
    return True


@inner
def price_nodes(order: Priced, parcel: Array, gamma: Array, zone: Array, residential: int) -> None:
    """Fill `opened` and `rate`."""
    node, opened, rate = order.node, order.opened, order.rate
    for n in range(node.shape[0]):
        opened[n] = node[n, ORDER_FEE] + gamma[n]
        if node[n, KIND] == 1:
            extra = node[n, RESIDENTIAL] if residential else 0
            row, z = node[n, PARCEL_ROW], zone[n]
            for b in range(rate.shape[1]):
                rate[n, b] = parcel[row, z, b] + extra


@inner
def price_line(order: Priced, line: int, s: int, ok: Array, mu: Array, zone: Array, cards: Cards) -> bool:
    """Fill one line of an order; false where no node takes it."""
    node, feasible, base, unit, fits = cards.node, order.feasible, order.base, order.unit, cards.fits
    qty = order.q[line]
    order.w[line] = qty * cards.goods[s, WEIGHT]
    order.v[line] = qty * cards.goods[s, VOLUME]
    found = False
    for n in range(node.shape[0]):
        parcel = node[n, KIND] == 1
        can = ok[line, n] != 0 and fits[s, n] != 0 and not (parcel and zone[n] == 0)
        feasible[line, n] = can
        found = found or can
        base[line, n] = mu[line, n] + (qty * node[n, UNIT_FEE] if parcel else 0)
    for r in range(cards.unit_price.shape[0]):
        for k in range(5):
            unit[line, r, k] = qty * cards.unit_price[r, s, k]
    return found


@inner
def load(order: Priced, assign: Array, state: State) -> int:
    """Exact cost of `assign`, leaving what each node and pool holds in `state`."""
    node, nodes = order.node, order.node.shape[0]
    for n in range(nodes):
        state.lines[n] = state.weight[n] = state.volume[n] = state.units[n] = state.var[n] = 0
        for k in range(5):
            state.sums[n, k] = 0
    total = 0
    for line in range(order.q.shape[0]):
        n = assign[line]
        total += order.base[line, n]
        state.lines[n] += 1
        state.weight[n] += order.w[line]
        state.volume[n] += order.v[line]
        if node[n, KIND] == 0:
            pool = node[n, POOL]
            state.units[pool] += order.q[line]
            for k in range(5):
                state.sums[pool, k] += order.unit[line, node[n, UNIT_ROW], k]
    for n in range(nodes):
        if state.lines[n] > 0:
            total += order.opened[n]
            if node[n, KIND] == 1:
                state.var[n] = carton_cost(node, order.rate, order.band_of, n, state.weight[n], state.volume[n])
        if state.units[n] > 0:
            state.var[n] = state.sums[n, units_class(state.units[n])]
        total += state.var[n]
    return total


@inner
def copy(source: Array, target: Array) -> None:
    """Copy a vector (numba's own slice assignment drags in code for error texts)."""
    for i in range(source.shape[0]):
        target[i] = source[i]


@inner
def same(assign: Array, other: Array) -> bool:
    """True where two assignments are equal."""
    for line in range(assign.shape[0]):
        if assign[line] != other[line]:
            return False
    return True
