"""Starting points for orders above the exact size, compiled: node sets under a linear screen.

The screen prices every node linearly (a fixed part and a price a line), enumerates node sets under it and takes the cheapest
sets in which every node is used.
"""

# mypy: disable-error-code="no-any-return"
# Arrays are Any here: their types are the entry's compiled signature, which refuses any other.

from typing import NamedTuple

from tranship.routing.kernel_cost import ZERO, Array, Priced, carton_cost, dim_grams, units_class
from tranship.routing.kernel_jit import inner
from tranship.routing.kernel_limits import (
    BIG,
    DIM_OVER,
    KIND,
    SCREEN_ALL,
    SCREEN_KEEP,
    SLOPE_BITS,
    SPARE_SETS,
    UNIT_ROW,
)

NO_NODE = 1 << 62


class ScreenRoom(NamedTuple):
    """Working memory of the screen; F free nodes, at most SCREEN_ALL."""

    linear: Array  # [L, N] cost of a line
    nodes: Array  # [4, N] fixed cost, free nodes, forced nodes, usable
    sets: Array  # [2, 2^F] cost of a set, cheapest node of a line
    chosen: Array  # [2, SPARE_SETS * K] best sets and their costs
    cover: Array  # [L] cheapest node kept so far


@inner
def billed_line(order: Priced, n: int, line: int, dim: bool) -> int:
    """Weight of one line as a parcel node would bill it: dim weight counts where the part is large enough for it."""
    weight = order.w[line]
    if dim:
        weight = max(weight, dim_grams(order.node, n, order.v[line]))
    return weight


@inner
def screen_costs(order: Priced, room: ScreenRoom) -> None:
    """Fill the linear screen: fixed cost by node, cost by line and node (BIG where a node cannot take a line)."""
    units, volume = ZERO, ZERO
    for line in range(order.q.shape[0]):
        units += order.q[line]
        volume += order.v[line]
    for n in range(order.node.shape[0]):
        if order.node[n, KIND] == 1:
            screen_parcel(order, n, volume > order.node[n, DIM_OVER], room)
        else:
            screen_units(order, n, units_class(units), room)


@inner
def screen_parcel(order: Priced, n: int, dim: bool, room: ScreenRoom) -> None:
    """A parcel node costs along the straight line from the mean line's cartons to the whole order's."""
    count, weight, slope = order.q.shape[0], ZERO, ZERO
    for line in range(count):
        weight += billed_line(order, n, line, dim)
    low = carton_cost(order.node, order.rate, order.band_of, n, weight // count, ZERO)
    high = carton_cost(order.node, order.rate, order.band_of, n, weight, ZERO)
    room.nodes[0, n] = order.opened[n] + low
    if weight > 0:
        slope = (max(0, high - low) << SLOPE_BITS) // weight
    for line in range(count):
        cost = order.base[line, n] + ((billed_line(order, n, line, dim) * slope) >> SLOPE_BITS)
        room.linear[line, n] = cost if order.feasible[line, n] else BIG


@inner
def screen_units(order: Priced, n: int, k: int, room: ScreenRoom) -> None:
    """A per-unit node costs the order's class; a part of its own will pay the first class on some unit: that is charged as fixed."""
    count, row, steps = order.q.shape[0], order.node[n, UNIT_ROW], 0
    for line in range(count):
        steps += (order.unit[line, row, 0] - order.unit[line, row, 4]) // order.q[line]
        cost = order.base[line, n] + order.unit[line, row, k]
        room.linear[line, n] = cost if order.feasible[line, n] else BIG
    room.nodes[0, n] = order.opened[n] + steps // count


@inner
def choose_nodes(order: Priced, room: ScreenRoom) -> tuple[int, int]:
    """Which nodes the screen enumerates (free) and which are in every set (forced); returns how many of each.

    Up to SCREEN_ALL nodes that can take a line are all free. Of more, the SCREEN_KEEP that greedy addition by linear cost takes first are
    free, and those it then needs until every line is covered are forced.
    """
    count, nodes, free, usable = order.q.shape[0], order.node.shape[0], room.nodes[1], room.nodes[3]
    found = 0
    for n in range(nodes):
        usable[n] = 0
        for line in range(count):
            if order.feasible[line, n]:
                usable[n] = 1
        if usable[n]:
            if found < SCREEN_ALL:
                free[found] = n
            found += 1
    if found <= SCREEN_ALL:
        return found, 0
    for line in range(count):
        room.cover[line] = BIG
    kept, must, uncovered = ZERO, ZERO, True
    while kept < SCREEN_KEEP or uncovered:
        at = best_addition(room)
        usable[at] = 0
        if kept < SCREEN_KEEP:
            kept = insert_sorted(free, kept, at)
        else:
            must = insert_sorted(room.nodes[2], must, at)
        uncovered = False
        for line in range(count):
            room.cover[line] = min(room.cover[line], room.linear[line, at])
            uncovered = uncovered or room.cover[line] >= BIG
    return kept, must


@inner
def best_addition(room: ScreenRoom) -> int:
    """The usable node whose addition leaves the least linear cost (lowest on equal cost)."""
    least, at = NO_NODE, -1
    for n in range(room.nodes.shape[1]):
        if room.nodes[3, n]:
            cost = room.nodes[0, n]
            for line in range(room.cover.shape[0]):
                cost += min(room.cover[line], room.linear[line, n])
            if cost < least:
                least, at = cost, n
    return at


@inner
def insert_sorted(values: Array, count: int, value: int) -> int:
    """Insert into the first `count` ascending values; returns the new count."""
    at = count
    while at > 0 and values[at - 1] > value:
        values[at] = values[at - 1]
        at -= 1
    values[at] = value
    return count + 1


@inner
def set_costs(room: ScreenRoom, bits: int, must: int) -> None:
    """Linear cost of every set of the free nodes (with all forced ones), every line at its cheapest node."""
    size, linear, fixed, free, forced = 1 << bits, room.linear, room.nodes[0], room.nodes[1], room.nodes[2]
    total, cheapest = room.sets[0, :size], room.sets[1, :size]
    total[0] = 0
    for b in range(bits):
        for s in range(1 << b):
            total[(1 << b) + s] = total[s] + fixed[free[b]]
    for line in range(linear.shape[0]):
        cheapest[0] = BIG
        for i in range(must):
            cheapest[0] = min(cheapest[0], linear[line, forced[i]])
        for b in range(bits):
            cost, half = linear[line, free[b]], cheapest[1 << b : 2 << b]
            for s in range(half.shape[0]):
                half[s] = min(cheapest[s], cost)
        for s in range(size):
            total[s] += cheapest[s]


@inner
def cheapest_sets(total: Array, chosen: Array, costs: Array) -> int:
    """The feasible sets of least cost, ascending, as many as `chosen` holds; equal ones by their number; returns how many."""
    most, found = chosen.shape[0], 0
    for s in range(total.shape[0]):
        cost = total[s]
        if cost >= BIG or (found == most and cost >= costs[most - 1]):
            continue
        found = min(found + 1, most)
        at = found - 1
        while at > 0 and costs[at - 1] > cost:
            costs[at], chosen[at] = costs[at - 1], chosen[at - 1]
            at -= 1
        costs[at], chosen[at] = cost, s
    return found


@inner
def assign_set(room: ScreenRoom, bits: int, must: int, chosen: int, assign: Array) -> bool:
    """Send every line to its cheapest node of the set (first on equal cost); true where every free node of the set is used."""
    linear, free, forced, used = room.linear, room.nodes[1], room.nodes[2], 0
    for line in range(linear.shape[0]):
        least, at, bit = BIG, 0, 0
        for b in range(bits):
            if (chosen >> b) & 1 and linear[line, free[b]] < least:
                least, at, bit = linear[line, free[b]], free[b], 1 << b
        for i in range(must):
            if linear[line, forced[i]] < least:
                least, at, bit = linear[line, forced[i]], forced[i], 0
        assign[line] = at
        used |= bit
    return used == chosen


@inner
def starts_for(nodes: int) -> int:
    """Default number of starts by number of nodes."""
    if nodes <= 5:
        return 8
    return 16 if nodes <= 8 else 32


@inner
def make_starts(order: Priced, starts: int, room: ScreenRoom, made: Array) -> int:
    """Write starting assignments from the cheapest node sets to `made[K, L]`; returns how many.

    At most `starts`, or by number of nodes where that is 0.
    """
    screen_costs(order, room)
    bits, must = choose_nodes(order, room)
    set_costs(room, bits, must)
    most = starts if starts > 0 else starts_for(bits)
    looked = cheapest_sets(room.sets[0, : 1 << bits], room.chosen[0, : SPARE_SETS * most], room.chosen[1])
    found = 0
    for i in range(looked):
        if found < most and assign_set(room, bits, must, room.chosen[0, i], made[found]):
            found += 1
    if found == 0:  # only where opening prices are negative: a set with an idle node is cheapest
        assign_set(room, bits, must, room.chosen[0, 0], made[0])
        found = 1
    return found
