"""The exact cost of parts in plain Python: the twin of `kernel_cost`, with the same integers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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

Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Priced:
    """One order priced for every node; the fields of `kernel_cost.Priced` as lists."""

    q: list[int]
    w: list[int]
    v: list[int]
    feasible: list[list[bool]]
    base: list[list[int]]
    unit: list[list[list[int]]]
    opened: list[int]
    rate: list[list[int]]
    node: list[list[int]]
    band_of: Bytes

    @property
    def lines(self) -> range:
        """Positions of the lines."""
        return range(len(self.q))

    @property
    def nodes(self) -> range:
        """Positions of the nodes."""
        return range(len(self.node))


class State:
    """What nodes and pools hold under an assignment; see `kernel_cost.State`."""

    def __init__(self, nodes: int) -> None:
        self.lines, self.weight, self.volume = [0] * nodes, [0] * nodes, [0] * nodes
        self.units, self.var = [0] * nodes, [0] * nodes
        self.sums = [[0] * 5 for _ in range(nodes)]


def units_class(units: int) -> int:
    """Index of the price class for `units`."""
    return min(max(units, 1), 5) - 1


def dim_grams(node: list[list[int]], n: int, volume: int) -> int:
    """Dim weight of `volume` at node n, rounded up to grams."""
    return -(-volume * node[n][DIM_NUM] // node[n][DIM_DEN])


def carton_cost(order: Priced, n: int, weight: int, volume: int) -> int:
    """Cartons of one parcel part at node n."""
    settings = order.node[n]
    if volume > settings[DIM_OVER]:
        weight = max(weight, dim_grams(order.node, n, volume))
    bands, most = order.band_of[settings[PARCEL_ROW]], settings[MAX_G]
    if weight <= most:
        return order.rate[n][int(bands[weight])]
    full, rest = divmod(weight, most)
    cost = full * order.rate[n][settings[TOP_BAND]]
    return cost + order.rate[n][int(bands[rest])] if rest else cost


def price_order(
    q: Ints, sku: Ints, ok: Bytes, mu: Ints, gamma: Ints, zone: Ints, residential: int,
    node: Ints, parcel: Ints, band_of: Bytes, unit_price: Ints, goods: Ints, fits: Bytes,
) -> Priced | None:  # fmt: skip
    """Price an order for all nodes; None where a line has no node at all."""
    settings = node.tolist()
    parcels = node[:, KIND] == 1
    feasible = (ok != 0) & (fits[sku] != 0) & ~(parcels & (zone == 0))
    if not feasible.any(axis=1).all():
        return None
    rate = []
    for n, row in enumerate(settings):
        prices = parcel[row[PARCEL_ROW], zone[n]] + (row[RESIDENTIAL] if residential else 0)
        rate.append(prices.tolist() if row[KIND] == 1 else [])
    return Priced(
        q=q.tolist(),
        w=(q * goods[sku, WEIGHT]).tolist(),
        v=(q * goods[sku, VOLUME]).tolist(),
        feasible=feasible.tolist(),
        base=(mu + np.where(parcels, q[:, None] * node[:, UNIT_FEE], 0)).tolist(),
        unit=(q[:, None, None] * unit_price[:, sku].transpose(1, 0, 2)).tolist(),
        opened=(node[:, ORDER_FEE] + gamma).tolist(),
        rate=rate,
        node=settings,
        band_of=band_of,
    )


def load(order: Priced, assign: Sequence[int], state: State) -> int:
    """Exact cost of `assign`, leaving what each node and pool holds in `state`."""
    State.__init__(state, len(order.node))
    total = 0
    for line, n in enumerate(assign):
        total += order.base[line][n]
        state.lines[n] += 1
        state.weight[n] += order.w[line]
        state.volume[n] += order.v[line]
        if order.node[n][KIND] == 0:
            add_units(order, state, line, n, 1)
    for n in order.nodes:
        if state.lines[n] > 0:
            total += order.opened[n]
            if order.node[n][KIND] == 1:
                state.var[n] = carton_cost(order, n, state.weight[n], state.volume[n])
        if state.units[n] > 0:
            state.var[n] = state.sums[n][units_class(state.units[n])]
        total += state.var[n]
    return total


def add_units(order: Priced, state: State, line: int, n: int, sign: int) -> None:
    """Add or remove a line in n's pool."""
    pool = order.node[n][POOL]
    state.units[pool] += sign * order.q[line]
    prices, sums = order.unit[line][order.node[n][UNIT_ROW]], state.sums[pool]
    for k in range(5):
        sums[k] += sign * prices[k]
