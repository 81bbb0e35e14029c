"""Exact routing of small orders, compiled: a dynamic program over sets of lines, pool after pool.

`best[T]` is the least cost of shipping line set T with the pools seen so far; a pool's cost of a set is its exact card cost, so any
card that is separable by pool is optimized exactly. Costs carry the number of parts in their low bits: ties go to fewer parts.
"""

import numpy as np

from tranship.routing.kernel_cost import (
    KIND,
    POOL,
    UNIT_ROW,
    Array,
    Priced,
    carton_cost,
    same,
    units_class,
)
from tranship.routing.kernel_jit import inner

SUBSET_LINES = 8
"""Orders of at most this many lines are solved exactly."""
TIE = 16
"""Factor that makes room for the number of parts (at most 8) below the cost."""
NEVER = 1 << 60


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
def node_values(order: Priced, n: int, mask: int, totals: Array, values: Array) -> None:
    """`values[T]` for every T inside `mask`: exact cost of node n shipping T, counting its units alone."""
    node, base, unit = order.node, order.base, order.unit
    additive = np.empty(values.shape[0], np.int64)
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
    """Let one more pool ship any part of any set, in place: going down, the smaller sets still hold the layer before."""
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
def pool_layers(order: Priced, pool: int, k: int, totals: Array, best: Array, choice: Array) -> None:
    """`best[T]`: least cost of shipping T from the pool's nodes if its units are priced in class k; `choice[N, T]` tells how.

    Only sets that class k can hold are filled in.
    """
    node, size = order.node, best.shape[0]
    values = np.empty(size, np.int64)
    best[:] = NEVER
    best[0] = 0
    row = node[pool, UNIT_ROW]
    for n in range(pool, node.shape[0]):
        if node[n, KIND] != 0 or node[n, POOL] != pool:
            continue
        mask = line_mask(order, n)
        values[0] = order.opened[n] * TIE + 1
        for s in range(1, size):
            if s & ~mask == 0:
                line = lowest(s)
                values[s] = values[s & (s - 1)] + (order.base[line, n] + order.unit[line, row, k]) * TIE
        for s in range(size - 1, 0, -1):
            choice[n, s] = 0
            if k < 4 and totals[0, s] > k + 1:
                continue
            inside, least = s & mask, best[s]
            t = inside
            while t > 0:
                cost = best[s ^ t] + values[t]
                if cost < least:
                    least = cost
                    choice[n, s] = t
                t = (t - 1) & inside
            best[s] = least


@inner
def pool_values(order: Priced, pool: int, totals: Array, values: Array) -> int:
    """`values[T]` for every T that the pool's nodes can ship together, units counted together; returns the lines it can take."""
    node, size = order.node, values.shape[0]
    mask = 0
    for n in range(pool, node.shape[0]):
        if node[n, KIND] == 0 and node[n, POOL] == pool:
            mask |= line_mask(order, n)
    best, choice = np.empty(size, np.int64), np.empty((node.shape[0], size), np.uint8)
    for k in range(5):
        pool_layers(order, pool, k, totals, best, choice)
        for s in range(1, size):
            if units_class(totals[0, s]) == k:
                values[s] = best[s]
    return mask


@inner
def assign_pool(order: Priced, pool: int, bits: int, totals: Array, assign: Array) -> None:
    """Write which node of the pool ships each line of `bits`."""
    node, left, size = order.node, bits, totals.shape[1]
    best, choice = np.empty(size, np.int64), np.empty((node.shape[0], size), np.uint8)
    pool_layers(order, pool, units_class(totals[0, bits]), totals, best, choice)
    for n in range(node.shape[0] - 1, pool - 1, -1):
        if left and node[n, KIND] == 0 and node[n, POOL] == pool:
            taken = np.int64(choice[n, left])
            for line in range(order.q.shape[0]):
                if (taken >> line) & 1:
                    assign[line] = n
            left ^= taken


@inner
def set_totals(order: Priced, size: int) -> Array:
    """Units, weight and volume of every set of lines: [3, 2^L]."""
    totals = np.zeros((3, size), np.int64)
    for s in range(1, size):
        line, rest = lowest(s), s & (s - 1)
        totals[0, s] = totals[0, rest] + order.q[line]
        totals[1, s] = totals[1, rest] + order.w[line]
        totals[2, s] = totals[2, rest] + order.v[line]
    return totals


@inner
def pool_sizes(order: Priced, active: Array) -> tuple[Array, int]:
    """By node: how many nodes of its pool can take a line, told at the pool's lowest such node only; and the last such node.

    `active[N]` is filled with the lines each node can take.
    """
    node, nodes = order.node, order.node.shape[0]
    sizes, first, last = np.zeros(nodes, np.int64), np.full(nodes, -1), -1
    for n in range(nodes):
        active[n] = line_mask(order, n)
        if active[n]:
            pool = node[n, POOL]
            if first[pool] < 0:
                first[pool] = last = n
            sizes[first[pool]] += 1
    return sizes, last


@inner
def solve_subset(order: Priced, out: Array) -> int:
    """Fill `out[3, 1 + L]` (cost, node by line) with the optimum and up to two other good solutions; returns how many.

    A pool of several nodes takes part once, at its lowest node that can take a line.
    """
    node, nodes, size = order.node, order.node.shape[0], 1 << order.q.shape[0]
    totals, active = set_totals(order, size), np.empty(nodes, np.int64)
    sizes, last = pool_sizes(order, active)
    best, values, choice = np.full(size, NEVER), np.empty(size, np.int64), np.zeros((nodes, size), np.uint8)
    best[0] = 0
    # Candidates: by n, the best of those whose last pool is n's; and everything at the one node n.
    ending, ending_bits, single = np.full(nodes, NEVER), np.zeros(nodes, np.int64), np.full(nodes, NEVER)
    for n in range(nodes):
        if sizes[n] == 0:
            continue
        if sizes[n] == 1:
            mask = active[n]
            node_values(order, n, mask, totals, values)
            if mask == size - 1:
                single[n] = values[mask]
        else:
            mask = pool_values(order, node[n, POOL], totals, values)
        ending[n], ending_bits[n] = best_ending(best, values, mask)
        if n < last:
            add_layer(best, values, mask, choice[n])
    return collect(order, sizes, totals, choice, ending, ending_bits, single, out)


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
def collect(
    order: Priced, sizes: Array, totals: Array, choice: Array, ending: Array, ending_bits: Array, single: Array, out: Array
) -> int:
    """Write the best three distinct candidates, best first; equal ones go to the lower last node."""
    found = 0
    while found < 3:
        least, at, whole = NEVER, -1, False
        for n in range(ending.shape[0]):
            if ending[n] < least:
                least, at, whole = ending[n], n, False
        for n in range(ending.shape[0]):
            if single[n] < least:
                least, at, whole = single[n], n, True
        if at < 0:
            break
        row = out[found]
        row[0] = least // TIE
        if whole:
            single[at] = NEVER
            row[1:] = at
        else:
            ending[at] = NEVER
            write_layers(order, sizes, totals, choice, at, ending_bits[at], row[1:])
        fresh = True
        for earlier in range(found):
            fresh = fresh and not same(row[1:], out[earlier, 1:])
        if fresh:
            found += 1
    return found


@inner
def write_layers(order: Priced, sizes: Array, totals: Array, choice: Array, last: int, bits: int, assign: Array) -> None:
    """Write the assignment that ends with pool `last` shipping `bits`, the rest as the earlier layers chose."""
    left = choice.shape[1] - 1
    for n in range(last, -1, -1):
        if n < last:
            bits = np.int64(choice[n, left])  # type: ignore[assignment]
        if bits and sizes[n] == 1:
            for line in range(assign.shape[0]):
                if (bits >> line) & 1:
                    assign[line] = n
        elif bits:
            assign_pool(order, order.node[n, POOL], bits, totals, assign)
        left ^= bits
