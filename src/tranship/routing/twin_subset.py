"""Exact routing of small orders in plain Python: the twin of `kernel_subset`, choice by choice."""

from tranship.routing.kernel_limits import KIND, NEVER, POOL, TIE, UNIT_ROW
from tranship.routing.twin_cost import Priced, carton_cost, units_class

Rows = list[tuple[int, list[int]]]


class Subsets:
    """The program for one order: totals of every set of lines, the layers, and how to read an assignment back."""

    def __init__(self, order: Priced) -> None:
        self.order = order
        self.size = 1 << len(order.q)
        self.units, self.weight, self.volume = ([0] * self.size for _ in range(3))
        for s in range(1, self.size):
            line, rest = _lowest(s), s & (s - 1)
            self.units[s] = self.units[rest] + order.q[line]
            self.weight[s] = self.weight[rest] + order.w[line]
            self.volume[s] = self.volume[rest] + order.v[line]
        self.active = [sum(1 << line for line in order.lines if order.feasible[line][n]) for n in order.nodes]
        self.members: dict[int, list[int]] = {}  # first active node of a pool -> its active nodes
        first: dict[int, int] = {}
        for n in order.nodes:
            if self.active[n]:
                at = first.setdefault(order.node[n][POOL], n)
                self.members.setdefault(at, []).append(n)
        self.choice: dict[int, list[int]] = {}

    def node_values(self, n: int) -> list[int]:
        """Exact cost of node n shipping each set of lines it can take, counting its units alone."""
        order, mask, row = self.order, self.active[n], self.order.node[n][UNIT_ROW]
        additive, values = [0] * self.size, [0] * self.size
        additive[0] = order.opened[n]
        for s in range(1, self.size):
            if s & ~mask:
                continue
            additive[s] = additive[s & (s - 1)] + order.base[_lowest(s)][n]
            if order.node[n][KIND] == 1:
                cost = carton_cost(order, n, self.weight[s], self.volume[s])
            else:
                k = units_class(self.units[s])
                cost = sum(order.unit[line][row][k] for line in order.lines if (s >> line) & 1)
            values[s] = (additive[s] + cost) * TIE + 1
        return values

    def pool_layers(self, members: list[int], k: int) -> tuple[list[int], dict[int, list[int]]]:
        """Least cost of shipping each set from the pool's nodes with units priced in class k, and what each node ships."""
        order, row = self.order, self.order.node[members[0]][UNIT_ROW]
        best, choice = [0] + [NEVER] * (self.size - 1), {}
        for n in members:
            values = [order.opened[n] * TIE + 1] + [0] * (self.size - 1)
            for s in range(1, self.size):
                if not s & ~self.active[n]:
                    line = _lowest(s)
                    values[s] = values[s & (s - 1)] + (order.base[line][n] + order.unit[line][row][k]) * TIE
            choice[n] = _add_layer(best, values, self.active[n])
        return best, choice

    def pool_values(self, members: list[int]) -> list[int]:
        """Cost of each set that the pool's nodes can ship together, units counted together."""
        classes = [self.pool_layers(members, k)[0] for k in range(5)]
        return [classes[units_class(self.units[s])][s] for s in range(self.size)]

    def write(self, last: int, bits: int) -> list[int]:
        """The assignment that ends with pool `last` shipping `bits`, the rest as the earlier layers chose."""
        assign, left = [0] * len(self.order.q), self.size - 1
        for n in sorted((n for n in self.members if n <= last), reverse=True):
            taken = bits if n == last else self.choice[n][left]
            if taken and len(self.members[n]) == 1:
                _send(taken, n, assign)
            elif taken:
                self._write_pool(self.members[n], taken, assign)
            left ^= taken
        return assign

    def _write_pool(self, members: list[int], bits: int, assign: list[int]) -> None:
        choice, left = self.pool_layers(members, units_class(self.units[bits]))[1], bits
        for n in reversed(members):
            taken = choice[n][left]
            _send(taken, n, assign)
            left ^= taken


def _lowest(bits: int) -> int:
    return (bits & -bits).bit_length() - 1


def _send(bits: int, n: int, assign: list[int]) -> None:
    for line in range(len(assign)):
        if (bits >> line) & 1:
            assign[line] = n


def _add_layer(best: list[int], values: list[int], mask: int) -> list[int]:
    """Let one more pool ship any part of any set, in place; returns what it ships of each."""
    choice = [0] * len(best)
    for s in range(len(best) - 1, 0, -1):
        inside = s & mask
        least, taken, t = best[s], 0, inside
        while t > 0:
            cost = best[s ^ t] + values[t]
            if cost < least:
                least, taken = cost, t
            t = (t - 1) & inside
        best[s], choice[s] = least, taken
    return choice


def solve_subset(order: Priced) -> Rows:
    """The optimum and up to two other good solutions, best first: (cost, assignment)."""
    subsets = Subsets(order)
    full = subsets.size - 1
    best = [0] + [NEVER] * full
    ending, single = {}, {}
    for n, members in sorted(subsets.members.items()):
        if len(members) == 1:
            mask, values = subsets.active[n], subsets.node_values(n)
            if mask == full:
                single[n] = values[full]
        else:
            mask, values = 0, subsets.pool_values(members)
            for member in members:
                mask |= subsets.active[member]
        least, taken, t = NEVER, 0, mask
        while t > 0:
            cost = best[full ^ t] + values[t]
            if cost < least:
                least, taken = cost, t
            t = (t - 1) & mask
        if taken:
            ending[n] = (least, taken)
        subsets.choice[n] = _add_layer(best, values, mask)
    # Equal costs: endings before single nodes, then the lower node.
    candidates = [(cost, 0, n, bits) for n, (cost, bits) in ending.items()]
    candidates += [(cost, 1, n, full) for n, cost in single.items()]
    found: Rows = []
    for cost, whole, n, bits in sorted(candidates):
        assign = [n] * len(order.q) if whole else subsets.write(n, bits)
        if len(found) < 3 and all(assign != other for _, other in found):
            found.append((cost // TIE, assign))
    return found
