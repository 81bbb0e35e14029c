"""One assignment problem: given which nodes may be used, what can be filled from where at least cost?

Splits a short line by quantity (what is there ships, the rest stays open), prefers what arrives in time, and asks the solver.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from tranship.routing.facts import Facts
from tranship.routing.model import Ask, Ints
from tranship.routing.prices.charges import Charges
from tranship.routing.situation import Kept


class Lanes:
    """What an order meets at each node: zone, ship day, arrival; computed once per decision."""

    __slots__ = (
        "charges", "deliver", "earliest", "kept_nodes", "kept_units", "late", "mask", "on_time", "ship", "shut", "strict", "zone",
    )  # fmt: skip

    def __init__(self, zone: Ints, earliest: list[int], ship: list[int], deliver: list[int], late: list[bool]) -> None:
        self.zone, self.earliest, self.ship, self.deliver, self.late = zone, earliest, ship, deliver, late
        self.mask: list[bool] = [False] * len(ship)
        self.shut: list[bool] = [False] * len(ship)  # closed or full: may open again
        self.on_time: list[int] = [0] * len(ship)  # basis points of arriving by the promise
        self.strict = True  # late nodes come last; else lateness is only a price among the charges
        self.charges: Charges | None = None  # prices of its lines at each node; None: nothing has one
        self.kept_units: list[int] = []  # per position: units that a leak budget hides; empty: none is in force
        self.kept_nodes: set[int] = set()  # where it hides units


class Placement:
    """A solved attempt: pieces (line position, quantity, node), what stayed open, and what it costs."""

    __slots__ = ("alternatives", "cost", "dropped", "late", "mu", "open", "overlap", "pieces", "priced")

    def __init__(self) -> None:
        self.pieces: list[tuple[int, int, int]] = []  # (position in ask, quantity, node)
        self.open: list[int] = []  # open quantity per position
        self.dropped: dict[int, int] = {}  # of that, what was placed but exceeds the number of parts
        self.overlap: dict[int, int] = {}  # of that, what a bundle and its parts both wanted
        self.priced = 0
        self.cost = 0  # without prices; -1: parts must be priced one by one
        self.late = 0  # of units at nodes that are not sure enough: basis points of arriving late
        self.alternatives: list[tuple[int, tuple[int, ...]]] = []  # (priced, node per piece as solved)
        self.mu: list[list[int]] = []  # prices of each piece as solved, at each node; empty: nothing has one

    @property
    def rank(self) -> tuple[int, int, int]:
        """Fill first, then promise, then cost: the published order."""
        return (sum(self.open), self.late, self.priced)

    def used(self) -> list[int]:
        """Nodes used, ascending."""
        return sorted({node for _, _, node in self.pieces})


def available(ask: Ask, facts: Facts, shelf: Ints) -> list[list[int]]:
    """Units each node could give per line `[line][node]`; a bundle has as many as its scarcest part allows."""
    rows: list[list[int]] = shelf[ask.skus].tolist()
    if facts.bundles:
        for i, sku in enumerate(ask.skus):
            parts = facts.bundles.get(sku)
            if parts:
                rows[i] = np.min([shelf[part] // count for part, count in parts], axis=0).tolist()
    return rows


def keep_off(ask: Ask, facts: Facts, lanes: Lanes, stock: list[list[int]], reasons: list[int], kept: Kept) -> None:
    """Hide what a leak budget keeps off: of a SKU that is not to be seen at a node, the node has none.

    A node that is to see nothing of the order is no candidate (Reason.LEAK).
    """
    lanes.kept_units = [0] * len(stock)
    whole: frozenset[int] | None = None
    for i, sku in enumerate(ask.skus):
        nodes = kept.get(sku, frozenset())
        whole = nodes if whole is None else whole & nodes
        for n in nodes:
            if lanes.mask[n] and stock[i][n] > 0 and facts.item_rows[sku][n]:
                lanes.kept_units[i] += stock[i][n]
                lanes.kept_nodes.add(n)
            stock[i][n] = 0
    for n in whole or ():
        if lanes.mask[n]:
            lanes.mask[n], lanes.late[n], reasons[n] = False, False, 11  # Reason.LEAK


def attempt(
    ask: Ask, facts: Facts, lanes: Lanes, stock: list[list[int]], allowed: Sequence[bool], gamma: Ints, *, whole: bool
) -> Placement:
    """Fill as much as the allowed nodes can, at least cost. `whole`: one node for everything, or nothing."""
    cover: list[list[bool]] = []
    short = False
    any_late = lanes.strict and True in lanes.late
    for sku, wanted, there in zip(ask.skus, ask.quantities, stock, strict=True):
        row = [
            may and ok and have >= wanted for may, ok, have in zip(facts.item_rows[sku], allowed, there, strict=True)
        ]
        if True not in row:
            short = True
        elif any_late:
            in_time = [ok and not late for ok, late in zip(row, lanes.late, strict=True)]
            if whole:
                pass  # one node for everything: the rank decides
            elif True in in_time:
                row = in_time
            else:
                most = max(sure for ok, sure in zip(row, lanes.on_time, strict=True) if ok)
                row = [ok and sure == most for ok, sure in zip(row, lanes.on_time, strict=True)]
        cover.append(row)
    if whole:
        return _whole(ask, facts, lanes, cover, gamma)
    if short:
        return _with_short(ask, facts, lanes, stock, allowed, cover, gamma)
    count = len(ask.skus)
    return _solved(ask, facts, lanes, range(count), ask.quantities, cover, gamma, [0] * count)


def _with_short(
    ask: Ask,
    facts: Facts,
    lanes: Lanes,
    stock: list[list[int]],
    allowed: Sequence[bool],
    cover: list[list[bool]],
    gamma: Ints,
) -> Placement:
    """Split short lines by quantity: each piece is pinned to a node that has it, the most first, in time before late."""
    positions: list[int] = []
    quantities: list[int] = []
    rows: list[list[bool]] = []
    still_open = [0] * len(ask.skus)
    for i, wanted in enumerate(ask.quantities):
        if True in cover[i]:
            positions.append(i)
            quantities.append(wanted)
            rows.append(cover[i])
            continue
        left, may, have = wanted, facts.item_rows[ask.skus[i]], stock[i]
        there = [n for n in range(facts.count) if may[n] and allowed[n] and have[n] > 0]
        late = [(10_000 - p) * (out and lanes.strict) for out, p in zip(lanes.late, lanes.on_time, strict=True)]
        there.sort(key=lambda n, have=have, late=late: (late[n], -have[n], n))  # type: ignore[misc]
        for node in there:
            take = min(left, have[node])
            positions.append(i)
            quantities.append(take)
            rows.append([n == node for n in range(facts.count)])
            left -= take
            if left == 0:
                break
        still_open[i] = left
    if not positions:
        return _nothing(still_open)
    return _solved(ask, facts, lanes, positions, quantities, rows, gamma, still_open)


def _nothing(still_open: Sequence[int]) -> Placement:
    placement = Placement()
    placement.open = list(still_open)
    return placement


def _whole(ask: Ask, facts: Facts, lanes: Lanes, cover: list[list[bool]], gamma: Ints) -> Placement:
    best: Placement | None = None
    count = len(cover)
    for node in range(facts.count):
        if all(row[node] for row in cover):
            only = [[n == node for n in range(facts.count)]] * count
            found = _solved(ask, facts, lanes, range(count), ask.quantities, only, gamma, [0] * count)
            if best is None or found.rank < best.rank:
                best = found
    return best or _nothing(ask.quantities)


def _solved(
    ask: Ask,
    facts: Facts,
    lanes: Lanes,
    positions: Sequence[int],
    quantities: Sequence[int],
    cover: list[list[bool]],
    gamma: Ints,
    still_open: list[int],
) -> Placement:
    count = len(positions)
    skus = ask.skus
    sku = np.array(
        skus if count == len(skus) and isinstance(positions, range) else [skus[p] for p in positions], np.int64
    )
    mu = _no_price(count, facts.count) if lanes.charges is None else lanes.charges.mu(positions, quantities)
    ok = np.frombuffer(bytearray().join([bytes(row) for row in cover]), np.uint8).reshape(count, facts.count)
    solution = facts.solver.solve(np.array(quantities, np.int64), sku, ok, mu, gamma, lanes.zone, int(ask.residential))
    placement = Placement()
    placement.open = still_open
    placement.priced = solution.cost
    nodes: list[int] = solution.assign.tolist()
    placement.pieces = list(zip(positions, quantities, nodes, strict=True))
    opened = set(nodes)
    price = 0
    for n in opened:
        price += int(gamma[n])
        if lanes.late[n] and lanes.strict:
            units = sum(q for q, node in zip(quantities, nodes, strict=True) if node == n)
            placement.late += units * (10_000 - lanes.on_time[n])
    if lanes.charges is not None:
        placement.mu = mu.tolist()
        price += sum([row[n] for row, n in zip(placement.mu, nodes, strict=True)])
    placement.cost = solution.cost - price
    placement.alternatives = solution.others()
    return placement


@lru_cache(maxsize=4096)
def _no_price(lines: int, nodes: int) -> Ints:
    """Charges where nothing has a price: no book is in use, and no cap charges by units or value."""
    return np.zeros((lines, nodes), np.int64)
