"""What an order holds already, priced as a new decision would be: so that the two can be compared. Pure."""

from collections.abc import Mapping, Sequence

import numpy as np

from tranship.core.time import add_working_days
from tranship.routing.facts import Facts
from tranship.routing.model import Ask, Ints
from tranship.routing.prices.charges import book_at, charges_of
from tranship.routing.promise import NOT_SERVED
from tranship.routing.situation import Situation

NEVER = -(1 << 60)
"""What it saves to have something where it cannot be."""
Piece = tuple[int, int, int]
"""(position in the ask, quantity, node)."""


class ShelfWith:
    """A shelf with some rows changed: what a decision would see if these units lay there. The shelf itself is left alone."""

    def __init__(self, shelf: Ints, delta: Mapping[tuple[int, int], int]) -> None:
        """`delta`: (SKU, node) -> units more (or, below zero, fewer) than there are."""
        self._shelf = shelf
        self._rows: dict[int, Ints] = {}
        for (sku, node), units in delta.items():
            row = self._rows.get(sku)
            if row is None:
                row = self._rows[sku] = shelf[sku].copy()
            row[node] += units

    def __getitem__(self, key: int | tuple[int, int] | Sequence[int]) -> Ints:
        """A row, one cell, or the rows of a list, as of an array `[SKU, node]`."""
        if isinstance(key, tuple):
            found: Ints = self[key[0]][key[1]]
            return found
        if isinstance(key, Sequence):
            return np.array([self[sku] for sku in key])
        row = self._rows.get(key)
        return self._shelf[key] if row is None else row

    def take(self, skus: Ints, axis: int, out: Ints, mode: str) -> Ints:
        """Rows into `out`, as an array's `take` along its first axis."""
        assert (axis, mode) == (0, "clip"), "only rows are taken, at positions that are there"
        for i, sku in enumerate(skus.tolist()):
            out[i] = self[sku]
        return out


def priced(ask: Ask, facts: Facts, now: Situation, pieces: Sequence[Piece], ship: Mapping[int, int]) -> int:
    """What a placement costs by today's tables, prices of stock, of node days, of cap room and of lateness included; -1: cannot be.

    `ship`: the day on which each node used ships its part.
    """
    zone, _ = facts.zones(ask.zip3)
    positions, quantities = [piece[0] for piece in pieces], [piece[1] for piece in pieces]
    gamma, mu = _prices(ask, facts, now, ship, positions, quantities)
    return facts.solver.exact(
        np.array([piece[2] for piece in pieces], np.int64),
        np.array(quantities, np.int64),
        np.array([ask.skus[position] for position in positions], np.int64),
        np.ones((len(pieces), facts.count), np.uint8),
        mu,
        gamma,
        zone,
        int(ask.residential),
    )


def _prices(
    ask: Ask,
    facts: Facts,
    now: Situation,
    ship: Mapping[int, int],
    positions: Sequence[int],
    quantities: Sequence[int],
) -> tuple[Ints, Ints]:
    """(price of opening a part at each node, price of each piece at each node), as a decision counts them."""
    own = facts.channels[ask.channel].on_platform_for
    caps = [cap for cap in now.caps if cap.network not in own]
    gamma = np.zeros(facts.count, np.int64)
    for cap in caps:
        if cap.by_count and (price := cap.bucket.price):
            gamma[list(cap.nodes)] += price
    days = list(facts.calendar.earliest_ship_days(ask.at))
    for node, day in ship.items():
        days[node] = day
    lateness = None if facts.lateness.strict else _lateness(ask, facts, ship)
    charges = charges_of(ask, facts, book_at(now.prices, ask.at), days, caps, lateness)
    if charges is None:
        return gamma, np.zeros((len(positions), facts.count), np.int64)
    return gamma, charges.mu(positions, quantities)


def _lateness(ask: Ask, facts: Facts, ship: Mapping[int, int]) -> Ints:
    transit = facts.transit(ask.service, ask.zip3)
    found = np.zeros(facts.count, np.int64)
    for node, day in ship.items():
        if transit[node] != NOT_SERVED:
            arrival = add_working_days(day, transit[node])
            sure = facts.lateness.on_time(node, ask.zip3, ask.service, transit[node], arrival, ask.promise_day)
            found[node] = facts.lateness.price(sure)
    return found


class Sketch:
    """What an order holds, ready to be priced with one line elsewhere: tens of times as fast as deciding it again."""

    def __init__(self, ask: Ask, facts: Facts, now: Situation, nodes: Sequence[int], ship: Mapping[int, int]) -> None:
        """`ask`: pieces of lines as they are placed, one per SKU and node; `nodes`: where each is."""
        self._facts, self._ask = facts, ask
        self._zone, _ = facts.zones(ask.zip3)
        self._gamma, self._mu = _prices(ask, facts, now, ship, range(len(nodes)), ask.quantities)
        self._q, self._sku = np.array(ask.quantities, np.int64), np.array(ask.skus, np.int64)
        self._ok = np.ones((len(nodes), facts.count), np.uint8)
        self._nodes = np.array(nodes, np.int64)
        self.cost = self._exact()

    def gain(self, pieces: Sequence[int], node: int) -> int:
        """Micros saved by having these pieces at another node; far below 0 where they cannot be there."""
        before = [int(self._nodes[piece]) for piece in pieces]
        for piece in pieces:
            self._nodes[piece] = node
        cost = self._exact()
        for piece, here in zip(pieces, before, strict=True):
            self._nodes[piece] = here
        return self.cost - cost if cost >= 0 else NEVER

    def _exact(self) -> int:
        return self._facts.solver.exact(
            self._nodes, self._q, self._sku, self._ok, self._mu, self._gamma, self._zone, int(self._ask.residential)
        )
