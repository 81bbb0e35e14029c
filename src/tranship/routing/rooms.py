"""What the short way of deciding (`routing.quick`) keeps between orders: working arrays, and lanes that many orders share."""

import numpy as np
from numpy.typing import NDArray

from tranship.routing.kernel_limits import SUBSET_LINES
from tranship.routing.model import Ints

MOST_LANES = 20_000
"""Remembered lanes; above, all are forgotten (a limit on memory, reached in no run that was measured)."""
LaneKey = tuple[int, int, str, str, int, frozenset[int]]
"""ZIP3, service, country, channel, promise day, nodes that a leak budget keeps the order off."""


class Lane:
    """What orders of one kind meet while the nodes' earliest ship days stay as they are, capacity and stock aside."""

    __slots__ = ("any_open", "deliver", "earliest", "lateness", "ok", "on_time", "open", "reasons", "zone")

    def __init__(
        self,
        zone: Ints,
        earliest: list[int],
        deliver: list[int],
        reasons: list[int],
        on_time: list[int],
        lateness: Ints | None,
    ) -> None:
        self.zone, self.earliest, self.deliver, self.reasons = zone, earliest, deliver, tuple(reasons)
        self.on_time = on_time  # basis points
        self.lateness = lateness  # what being late is expected to cost, micros a unit; None: it is a filter
        self.open: NDArray[np.bool_] = np.array([reason == 0 for reason in reasons])  # may ship, and in time
        self.any_open = 0 in reasons
        rows = np.tile(self.open.view(np.uint8), (SUBSET_LINES, 1))
        self.ok = [np.ascontiguousarray(rows[:lines]) for lines in range(SUBSET_LINES + 1)]  # per number of lines


class Room:
    """Arrays of one decision of `lines` lines: filled anew for each order, because making arrays costs more than filling them."""

    __slots__ = ("asked", "covered", "mu", "ok", "out", "priced", "q", "sku", "stock")

    def __init__(self, lines: int, nodes: int) -> None:
        self.q, self.sku = np.zeros(lines, np.int64), np.zeros(lines, np.int64)
        self.asked = self.q.reshape(lines, 1)  # the same numbers, as a column
        self.stock: Ints = np.zeros((lines, nodes), np.int64)
        self.ok: NDArray[np.uint8] = np.zeros((lines, nodes), np.uint8)
        self.covered: NDArray[np.bool_] = self.ok.view(np.bool_)  # the same bytes
        self.mu: Ints = np.zeros((lines, nodes), np.int64)  # stays 0: charges of an order without prices
        self.priced: Ints = np.zeros((lines, nodes), np.int64)  # charges of an order with prices
        self.out: Ints = np.zeros((3, 1 + lines), np.int64)
