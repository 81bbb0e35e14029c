"""What prices are made from: a state's stock, capacity, cap room and history as plain arrays, cut loose from the engine.

A snapshot is taken on the writer's thread, and pickled to the process that solves. Nothing in it is personal data: a
destination is three digits of a ZIP. Money is micros or minor units as named, times UTC microseconds, days day numbers.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tranship.core.network import Node
from tranship.rates.tables import RateTables
from tranship.routing.model import Ints

Bytes = NDArray[np.uint8]

MOST_ORDERS = 200_000
"""Own orders that a snapshot looks back at: the newest ones."""
FEWEST_ORDERS = 200
"""Own orders below which no prices are made: decisions stay as they are without."""


class CapRoom(NamedTuple):
    """A share cap as it stands."""

    network: str
    nodes: tuple[int, ...]  # positions of the nodes that count against it
    cap_bp: int
    measure: str  # fulfillment_orders | units | value (minor units)
    window: int  # in the measure
    room: int  # capped size that may enter now, before anything else does
    channels: tuple[str, ...]  # codes of the channels that it counts


@dataclass(slots=True)
class History:
    """The brand's own orders, newest first: T orders with L lines; lines of order t are `start[t]` to `start[t + 1]`."""

    at: Ints  # [T] when it was placed
    zip3: Ints  # [T] destination, 0..999; -1: unknown
    residential: Bytes  # [T] 1: a residence
    channel: Ints  # [T] position in `Snapshot.channels`
    service: Ints  # [T] position in `tables.services`; -1: none of them
    start: Ints  # [T + 1]
    sku: Ints  # [L] position; may be a bundle
    qty: Ints  # [L] units as ordered, whatever became of them
    value_minor: Ints  # [L] price of one unit in minor units

    def __len__(self) -> int:
        """Orders."""
        return len(self.at)


@dataclass(slots=True)
class Snapshot:
    """A state of a run: S SKUs, N nodes, C channels. The solver's whole input, so that the same snapshot gives the same book."""

    network_sha: str  # of the network document whose positions these are
    at: int  # time of the state
    until_day: int  # the futures end here, and so does the book
    tables: RateTables  # at the price date of `at`; without what only quotes need
    stock: Ints  # [S, N] units that may be promised now; what is reserved for open orders is not in it
    allowed: Bytes  # [S, N] 1: the node may ship the SKU and is open
    capacity: Ints  # [N] units a working day; 0: unlimited
    used: list[dict[int, int]]  # [N] local day -> units of capacity that are taken; days before today are left out
    caps: list[CapRoom]
    history: History
    futures: int  # how many to sample
    seed: int  # of everything drawn: from the run's position
    reason: str  # schedule | stock | node | cap | network | by hand
    channels: tuple[str, ...] = ()  # [C] codes
    services: tuple[int, ...] = ()  # [C] position in `tables.services` of what its orders ask for; -1: none of them
    promise_days: tuple[int, ...] = ()  # [C] working days to the door that it promises
    may_serve: Bytes = field(
        default_factory=lambda: np.zeros((0, 0), np.uint8)
    )  # [C, N] 1: the policy's must-rules allow it
    nodes: tuple[Node, ...] = ()  # [N] cut-offs, zones, days off
    bundles: dict[int, list[tuple[int, int]]] = field(default_factory=dict)  # SKU -> (SKU, units) of its parts
    before: Ints | None = None  # [S, N] stock prices of the book in force, micros: where the search begins
    before_caps: dict[str, int] = field(default_factory=dict)  # network -> micros of one of the cap's measure
