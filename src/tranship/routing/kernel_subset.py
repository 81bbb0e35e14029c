"""Exact routing of small orders, compiled: a dynamic program over sets of lines, pool after pool.

`best[T]` is the least cost of shipping line set T with the pools seen so far; a pool's cost of a set is its exact card cost, so any
card that is separable by pool is optimized exactly. Costs carry the number of parts in their low bits: ties go to fewer parts.
"""

# mypy: disable-error-code="no-any-return"
# Arrays are Any here: their types are the entry's compiled signature, which refuses any other.

from typing import NamedTuple

from tranship.routing.kernel_cost import NONE, Array, Priced, carton_cost, same, units_class
from tranship.routing.kernel_jit import inner
from tranship.routing.kernel_limits import KIND, NEVER, POOL, TIE, UNIT_ROW


class SubsetRoom(NamedTuple):
    """Working memory of the exact program; 2^L sets of lines T."""

    totals: Array  # [3, 2^L] units, weight, volume of T
    sets: Array  # [4, 2^L] best, values of a pool, additive part or a node's values, best inside a pool
    choice: Array  # [N, 2^L] uint8: lines of T that pool n ships
    pool_choice: Array  # [N, 2^L] uint8: the same inside a pool
    nodes: Array  # [6, N] lines a node can take; active nodes of its pool; first active node of a pool; ending; its lines; single


@inner
def line_mask(order: Priced, n: int) -> int:
    """The lines that node n can take, as bits."""
    mask = 0
    for line in range(order.q.shape[0]):
        if order.feasible[line, n]:
            mask |= 1 << line
    return mask


@inner
def lowest(bits: int) -> int:
    """Position of the lowest set bit."""
    position = 0
    while (bits >> position) & 1 == 0:
        position += 1
    return position


@inner
def node_values(order: Priced, n: int, mask: int, room: SubsetRoom) -> None:
    """Value of every T inside `mask`: exact cost of node n shipping T, counting its units alone."""
    node, base, unit, totals, values, additive = (
        order.node,
        order.base,
        order.unit,
        room.totals,
        room.sets[1],
        room.sets[2],
    )
    additive[0] = order.opened[n]
    row, parcel = node[n, UNIT_ROW], node[n, KIND] == 1
    for s in range(1, values.shape[0]):
        if s & ~mask:
            continue
        line = lowest(s)
        additive[s] = additive[s & (s - 1)] + base[line, n]
        cost = additive[s]
        if parcel:
            cost += carton_cost(node, order.rate, order.band_of, n, totals[1, s], totals[2, s])
        else:
            k = units_class(totals[0, s])
            for other in range(line, order.q.shape[0]):
                if (s >> other) & 1:
                    cost += unit[other, row, k]
        values[s] = cost * TIE + 1


@inner
def add_layer(best: Array, values: Array, mask: int, choice: Array) -> None:
    """Let one more pool (or node of a pool) ship any part of any set, in place: going down, smaller sets still hold the layer before."""
    for s in range(best.shape[0] - 1, 0, -1):
        inside = s & mask
        least, taken, t = best[s], 0, inside
        while t > 0:
            cost = best[s ^ t] + values[t]
            if cost < least:
                least, taken = cost, t
            t = (t - 1) & inside
        best[s] = least
        choice[s] = taken


@inner
def pool_layers(order: Priced, pool: int, k: int, room: SubsetRoom) -> None:
    """Least cost (`sets[3]`) of shipping each T from the pool's nodes if its units are priced in class k; `pool_choice` tells how."""
    node, values, best = order.node, room.sets[2], room.sets[3]
    row = node[pool, UNIT_ROW]
    for s in range(best.shape[0]):
        best[s] = NEVER if s else 0
    for n in range(pool, node.shape[0]):
        if node[n, KIND] != 0 or node[n, POOL] != pool:
            continue
        mask = line_mask(order, n)
        values[0] = order.opened[n] * TIE + 1
        for s in range(1, values.shape[0]):
            if s & ~mask == 0:
                line = lowest(s)
                values[s] = values[s & (s - 1)] + (order.base[line, n] + order.unit[line, row, k]) * TIE
        add_layer(best, values, mask, room.pool_choice[n])


@inner
def pool_values(order: Priced, pool: int, room: SubsetRoom) -> int:
    """Value of every T that the pool's nodes can ship together, units counted together; returns the lines they can take."""
    node, values, best = order.node, room.sets[1], room.sets[3]
    mask = 0
    for n in range(pool, node.shape[0]):
        if node[n, KIND] == 0 and node[n, POOL] == pool:
            mask |= line_mask(order, n)
    for k in range(5):
        pool_layers(order, pool, k, room)
        for s in range(1, values.shape[0]):
            if units_class(room.totals[0, s]) == k:
                values[s] = best[s]
    return mask


@inner
def assign_pool(order: Priced, pool: int, bits: int, room: SubsetRoom, assign: Array) -> None:
    """Write which node of the pool ships each line of `bits`."""
    node, left = order.node, bits
    pool_layers(order, pool, units_class(room.totals[0, bits]), room)
    for n in range(node.shape[0] - 1, pool - 1, -1):
        if left and node[n, KIND] == 0 and node[n, POOL] == pool:
            taken = room.pool_choice[n, left] | 0
            assign_lines(taken, n, assign)
            left ^= taken


@inner
def assign_lines(bits: int, n: int, assign: Array) -> None:
    """Send the lines of `bits` to node n."""
    for line in range(assign.shape[0]):
        if (bits >> line) & 1:
            assign[line] = n


@inner
def prepare(order: Priced, room: SubsetRoom) -> int:
    """Fill totals of all sets and, by node, the lines it can take and (at its pool's first active node) how many nodes are active.

    Returns the last node that stands for a pool.
    """
    totals, active, sizes, first = room.totals, room.nodes[0], room.nodes[1], room.nodes[2]
    totals[0, 0] = totals[1, 0] = totals[2, 0] = 0
    for s in range(1, totals.shape[1]):
        line, rest = lowest(s), s & (s - 1)
        totals[0, s] = totals[0, rest] + order.q[line]
        totals[1, s] = totals[1, rest] + order.w[line]
        totals[2, s] = totals[2, rest] + order.v[line]
    last = 0
    for n in range(order.node.shape[0]):
        sizes[n], first[n] = 0, -1
    for n in range(order.node.shape[0]):
        active[n] = line_mask(order, n)
        if active[n]:
            pool = order.node[n, POOL]
            if first[pool] < 0:
                first[pool] = last = n
            sizes[first[pool]] += 1
    return last


@inner
def solve_subset(order: Priced, room: SubsetRoom, out: Array) -> int:
    """Fill `out[3, 1 + L]` (cost, node by line) with the optimum and up to two other good solutions; returns how many.

    A pool of several nodes takes part once, at its first node that can take a line. Candidates are, for each pool, the best solution whose
    last pool it is, and everything at one node.
    """
    best, values = room.sets[0], room.sets[1]
    active, sizes, ending, bits, single = room.nodes[0], room.nodes[1], room.nodes[3], room.nodes[4], room.nodes[5]
    last = prepare(order, room)
    for s in range(best.shape[0]):
        best[s] = NEVER if s else 0
    for n in range(order.node.shape[0]):
        ending[n] = single[n] = NEVER
        for s in range(best.shape[0]):
            room.choice[n, s] = 0
        if sizes[n] == 0:
            continue
        if sizes[n] == 1:
            mask = active[n]
            node_values(order, n, mask, room)
            if mask == best.shape[0] - 1:
                single[n] = values[mask]
        else:
            mask = pool_values(order, order.node[n, POOL], room)
        ending[n], bits[n] = best_ending(best, values, mask)
        if n < last:
            add_layer(best, values, mask, room.choice[n])
    return collect(order, room, out)


@inner
def best_ending(best: Array, values: Array, mask: int) -> tuple[int, int]:
    """Least cost of all lines where this pool ships some of them, and which."""
    full = best.shape[0] - 1
    least, taken, t = NEVER, 0, mask
    while t > 0:
        cost = best[full ^ t] + values[t]
        if cost < least:
            least, taken = cost, t
        t = (t - 1) & mask
    return least, taken


@inner
def collect(order: Priced, room: SubsetRoom, out: Array) -> int:
    """Write the best three distinct candidates, best first; equal ones go to the lower last node."""
    ending, bits, single = room.nodes[3], room.nodes[4], room.nodes[5]
    found = 0
    while found < 3:
        least, at, whole = NEVER, NONE, False
        for n in range(ending.shape[0]):
            if ending[n] < least:
                least, at = ending[n], n
        for n in range(single.shape[0]):
            if single[n] < least:
                least, at, whole = single[n], n, True
        if at < 0:
            break
        row = out[found]
        assign = row[1:]
        row[0] = least // TIE
        if whole:
            single[at] = NEVER
            assign_lines(room.totals.shape[1] - 1, at, assign)
        else:
            ending[at] = NEVER
            write_layers(order, room, at, bits[at], assign)
        fresh = True
        for earlier in range(found):
            fresh = fresh and not same(assign, out[earlier, 1:])
        if fresh:
            found += 1
    return found


@inner
def write_layers(order: Priced, room: SubsetRoom, last: int, bits: int, assign: Array) -> None:
    """Write the assignment that ends with pool `last` shipping `bits`, the rest as the earlier layers chose."""
    sizes, left, n, taken = room.nodes[1], room.choice.shape[1] - 1, last, bits
    while True:
        if taken and sizes[n] == 1:
            assign_lines(taken, n, assign)
        elif taken:
            assign_pool(order, order.node[n, POOL], taken, room, assign)
        left ^= taken
        n -= 1
        if n < 0:
            break
        taken = room.choice[n, left] | 0  # as a wide integer
