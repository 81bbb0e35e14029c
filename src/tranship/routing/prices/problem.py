"""Routing as arrays with additive costs: what prices and bounds are computed on. N nodes, S SKUs, C destinations, D days, K caps.

An order's cost here is, over the nodes it uses, `fixed` once per part, and over its lines `per_unit` a unit plus `per_weight` by weight.
Real cards are not additive; `linear.fit` draws the line that is nearest, `linear.envelope` one that is never above. Money is in major
units of the currency, as floating point: nothing here is booked.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]
PARTS, UNITS, VALUE = 0, 1, 2
"""Measures of a cap: an entry counts 1, its units, or its value."""


class Costs(NamedTuple):
    """What shipping costs."""

    fixed: Any  # [C, N] a part
    per_weight: Any  # [C, N] a unit of weight
    per_unit: Any  # [S, N] a unit
    weight: Any  # [S] of a unit


class Goods(NamedTuple):
    """What there is."""

    stock: Any  # [S, N] int64 units
    work: Any  # [D, N] int64 units a node can still take in for each day; UNLIMITED where it has no limit


class Orders(NamedTuple):
    """Orders in the order they come; lines of order t are `start[t]` to `start[t + 1]`."""

    day: Any  # [T] int64 position of the day it ships
    dest: Any  # [T] int64
    population: Any  # [T] int64 row of `Caps.counts`
    start: Any  # [T + 1] int64
    sku: Any  # [L] int64
    qty: Any  # [L] int64
    value: Any  # [L] float64 worth of the whole line

    @property
    def length(self) -> int:
        """How many orders."""
        return len(self.day)


class Caps(NamedTuple):
    """Share caps as the prices see them: at most `budget[k]` of the measure may be placed on the nodes of `side[k]`."""

    side: Any  # [K, N] uint8: 1 where the node counts
    measure: Any  # [K] int64: PARTS, UNITS or VALUE
    counts: Any  # [P, K] uint8: whether orders of population p are counted
    budget: Any  # [K] float64; below 0: no such cap


class Duals(NamedTuple):
    """Prices: of a unit of stock, of a unit of work, of one of a cap's measure."""

    stock: Any  # [S, N] float64
    work: Any  # [D, N] float64
    cap: Any  # [K] float64


UNLIMITED = 1 << 40
"""Units of work of a node without a limit."""


def no_duals(skus: int, nodes: int, days: int, caps: int) -> Duals:
    """Prices of nothing: myopic."""
    return Duals(np.zeros((skus, nodes)), np.zeros((days, nodes)), np.zeros(caps))


def no_caps(nodes: int) -> Caps:
    """No cap, one population."""
    return Caps(np.zeros((0, nodes), np.uint8), np.zeros(0, np.int64), np.zeros((1, 0), np.uint8), np.zeros(0))


def joined(first: Orders, then: Orders) -> Orders:
    """Orders of `first` followed by those of `then`."""
    start = np.concatenate([first.start, then.start[1:] + first.start[-1]])
    rest = [np.concatenate([a, b]) for a, b in zip(first, then, strict=True)]
    return Orders(rest[0], rest[1], rest[2], start, rest[4], rest[5], rest[6])


def part_of(orders: Orders, begin: int, end: int) -> Orders:
    """Orders `begin` to `end` of a stream, as a stream of their own."""
    low, high = int(orders.start[begin]), int(orders.start[end])
    return Orders(
        orders.day[begin:end], orders.dest[begin:end], orders.population[begin:end], orders.start[begin : end + 1] - low,
        orders.sku[low:high], orders.qty[low:high], orders.value[low:high],
    )  # fmt: skip
