"""Which nodes stock which SKU, and how units that arrive are split among them.

The split holds for running totals, not for each arrival: a node's share of all units that ever came is within a unit
of its weight, so arrivals of one or two units do not all go to one side. A running total never falls, whatever the
weights.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tranship.core.network import FULL_BP, NetworkFile, Sku
from tranship.routing.leak.policy import NO_BUDGET, expected_bp
from tranship.sim.world import keyed
from tranship.sim.world.keyed import Ints

Flags = NDArray[np.bool_]

FAST_PERCENT, MIDDLE_PERCENT = 50, 80
"""SKUs that make up the first 50 % of all units are stocked at every node that may hold them; the next, up to 80 %,
at two nodes of each side; the rest at one node of each side. Settings of the derived world, not facts."""
_MIDDLE_NODES, _SLOW_NODES = 2, 1


@dataclass(frozen=True)
class Side:
    """Nodes that one cap counts together (or the independent rest), and the share of units that goes there."""

    name: str  # network of the cap; empty: the independent side
    weight_bp: int
    nodes: tuple[int, ...]


@dataclass(frozen=True)
class Placement:
    """`weight[s, n]` is node n's weight among its side's nodes for SKU s; 0: not stocked there."""

    sides: tuple[Side, ...]
    weight: Ints  # [S, N]
    offset: keyed.Words  # [S] where the odd unit falls inside a side, drawn by SKU

    @property
    def stocked(self) -> Flags:
        """Nodes that stock each SKU, `[S, N]`."""
        return self.weight > 0

    def split(self, total: Ints) -> Iterator[tuple[int, Ints]]:
        """Yield (node, its running totals `[S, T]`); over the nodes they sum to `total` wherever a SKU is stocked.

        A capped side has the whole part of its share (so the first unit is independent), the independent side the
        rest.
        """
        here = {side: self.weight[:, list(side.nodes)].sum(axis=1) > 0 for side in self.sides}
        left = total
        for k, side in enumerate(self.sides):
            mine = np.where(here[side], side.weight_bp, 0)[:, None]
            rest = sum((np.where(here[other], other.weight_bp, 0) for other in self.sides[k + 1 :]), np.int64(0))
            all_left = mine + np.reshape(rest, (-1, 1))
            part = left * mine // np.maximum(all_left, 1)
            left = left - part
            yield from self._inside(side, part)

    def _inside(self, side: Side, part: Ints) -> Iterator[tuple[int, Ints]]:
        weights = self.weight[:, list(side.nodes)]
        for j, node in enumerate(side.nodes):
            mine = weights[:, j][:, None]
            whole = weights[:, j:].sum(axis=1)[:, None]
            some = np.maximum(whole, 1)
            odd = keyed.below(keyed.spread(self.offset[:, None], np.array([j])), some)
            taken = (part * mine + odd) // some
            taken = np.where(mine > 0, taken, 0)
            part = part - taken
            yield node, taken


def sides_of(network: NetworkFile) -> tuple[Side, ...]:
    """One side for each limited network, weighted by its limit, and the independent side with what is left, last.

    A limit is the network's cap, or what its leak budget is expected to let through, whichever is less. Where limits add up to 100 %
    or more, the independent side has what the largest of them leaves; weights are relative.
    """
    taken: set[int] = set()
    sides = []
    caps: dict[str, int] = {}
    for cap in network.caps:
        caps[cap.network] = min(cap.cap_bp, caps.get(cap.network, FULL_BP))
    budgets = [budget for budget in network.leaks if budget.budget < NO_BUDGET]
    budgeted = {budget.network for budget in budgets}
    for budget in budgets:
        expected = expected_bp(budget.budget, len(budgets))
        caps[budget.network] = min(expected, caps.get(budget.network, FULL_BP))
    for name, share in caps.items():
        counted = {i for cap in network.caps if cap.network == name for i in network.capped_nodes(cap)}
        if name in budgeted:
            counted |= {i for i, node in enumerate(network.nodes) if node.network == name}
        nodes = tuple(i for i in sorted(counted - taken) if not network.nodes[i].closed)
        if share < FULL_BP and nodes:  # a cap of 100 % limits nothing
            taken.update(nodes)
            sides.append(Side(name, share, nodes))
    free = tuple(i for i, node in enumerate(network.nodes) if i not in taken and not node.closed)
    shares = [side.weight_bp for side in sides]
    rest = FULL_BP - (sum(shares) if sum(shares) < FULL_BP else max(shares))
    if free:
        sides.append(Side("", rest, free))
    return tuple(sides)


def eligible(network: NetworkFile, skus: Sequence[Sku]) -> Flags:
    """Nodes that may stock each SKU, `[S, N]`: its own list, hazmat, fragile, sensitive, closed nodes; never a bundle."""
    allowed = np.zeros((len(skus), len(network.nodes)), np.bool_)
    kinds: dict[tuple[object, ...], list[bool]] = {}
    for s, sku in enumerate(skus):
        kind = (sku.nodes, sku.hazmat, sku.fragile, sku.sensitivity, bool(sku.parts))
        if kind not in kinds:
            kinds[kind] = [_may_stock(network, n, sku) for n in range(len(network.nodes))]
        allowed[s] = kinds[kind]
    return allowed


def _may_stock(network: NetworkFile, n: int, sku: Sku) -> bool:
    node = network.nodes[n]
    if node.closed or sku.parts or (sku.nodes and node.code not in sku.nodes):
        return False
    if (sku.hazmat and not node.hazmat) or (sku.fragile and not node.fragile):
        return False
    return sku.sensitivity == "normal" or not network.network_of(node).competitor


def place(network: NetworkFile, skus: Sequence[Sku], units: Ints, seed: int) -> Placement:
    """Choose nodes for each SKU by the units it sells (`units[s]`).

    Nodes of a side are chosen, and get units, in proportion to their capacity where all of them have one.
    """
    sides = sides_of(network)
    allowed = eligible(network, skus)
    weight = np.zeros(allowed.shape, np.int64)
    draws = keyed.words(seed, "placement", (sku.code for sku in skus), 2)
    wanted = _nodes_wanted([sku.code for sku in skus], units, len(network.nodes))
    for k, side in enumerate(sides):
        if side.weight_bp == 0:
            continue
        nodes = list(side.nodes)
        left = np.where(allowed[:, nodes], _node_weights(network, nodes), 0)
        for turn in range(min(len(nodes), int(wanted.max(initial=0)))):
            chosen = _choose(left, keyed.spread(draws[:, 0], np.full(len(skus), 64 * k + turn)))
            rows = np.flatnonzero((chosen >= 0) & (wanted > turn))
            weight[rows, np.array(nodes)[chosen[rows]]] = left[rows, chosen[rows]]
            left[rows, chosen[rows]] = 0
    return Placement(sides, weight, draws[:, 1])


def _nodes_wanted(codes: Sequence[str], units: Ints, nodes: int) -> Ints:
    order = sorted(range(len(codes)), key=lambda s: (-int(units[s]), codes[s]))
    wanted = np.full(len(codes), _SLOW_NODES, np.int64)
    whole, before = int(units.sum()), 0
    for s in order:
        if 100 * before < FAST_PERCENT * whole:
            wanted[s] = nodes
        elif 100 * before < MIDDLE_PERCENT * whole:
            wanted[s] = _MIDDLE_NODES
        before += int(units[s])
    return wanted


def _node_weights(network: NetworkFile, nodes: Sequence[int]) -> Ints:
    capacity = np.array([network.nodes[i].capacity_units for i in nodes], np.int64)
    if not (capacity > 0).all():
        return np.ones(len(nodes), np.int64)
    return np.maximum(capacity * 10_000 // int(capacity.max()), 1)


def _choose(left: Ints, draws: keyed.Words) -> Ints:
    """Column drawn by weight in each row; -1 where a row has no weight left."""
    running = left.cumsum(axis=1)
    drawn = keyed.below(draws, np.maximum(running[:, -1], 1))
    return np.where(running[:, -1] > 0, (running > drawn[:, None]).argmax(axis=1), -1)
