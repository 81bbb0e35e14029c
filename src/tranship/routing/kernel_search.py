"""Starting points and local search for orders above the exact size, compiled.

A *screen* prices every node linearly (a fixed part and a price a line), enumerates node sets under it and takes the cheapest sets
in which every node is used. From each, lines move (and swap) between nodes for as long as the exact card says it gets cheaper.
"""

import numpy as np

from tranship.routing.kernel_cost import (
    BIG,
    KIND,
    POOL,
    UNIT_ROW,
    DIM_OVER,
    Array,
    Priced,
    State,
    carton_cost,
    dim_grams,
    load,
    units_class,
)
from tranship.routing.kernel_jit import inner

SCREEN_KEEP = 10
"""Nodes that greedy addition keeps where there are more than SCREEN_ALL."""
SCREEN_ALL = 12
"""With at most this many nodes every set of them is tried."""
SLOPE_BITS = 10
"""Fraction bits of the screen's price of a gram."""
MOVE_PASSES = 20
SWAP_ROUNDS = 60
SWAP_LINES = 64
"""Swaps are tried up to this many lines: their number grows with its square."""


@inner
def billed_line(order: Priced, n: int, line: int, dim: bool) -> int:
    """Weight of one line as a parcel node would bill it: dim weight counts where the part is large enough for it."""
    weight = order.w[line]
    if dim:
        weight = max(weight, dim_grams(order.node, n, order.v[line]))
    return weight  # type: ignore[no-any-return]


@inner
def screen_costs(order: Priced, fixed: Array, linear: Array) -> None:
    """Fill the linear screen: `fixed[N]` and `linear[L, N]` (BIG where a node cannot take a line).

    A parcel node is priced along the straight line from the mean line's cartons to the whole order's; a per-unit node at the order's
    class, with a charge for the units that will pay the first class instead of the last when the order is split.
    """
    count, node = order.q.shape[0], order.node
    total_units, volume = np.sum(order.q), np.sum(order.v)
    k = units_class(total_units)
    for n in range(node.shape[0]):
        parcel, slope, row = node[n, KIND] == 1, 0, node[n, UNIT_ROW]
        fixed[n] = order.opened[n]
        dim = parcel and volume > node[n, DIM_OVER]
        if parcel:
            weight = 0
            for line in range(count):
                weight += billed_line(order, n, line, dim)
            low = carton_cost(node, order.rate, order.band_of, n, weight // count, 0)
            high = carton_cost(node, order.rate, order.band_of, n, weight, 0)
            fixed[n] += low
            if weight > 0:
                slope = (max(0, high - low) << SLOPE_BITS) // weight
        else:
            steps = 0
            for line in range(count):
                steps += (order.unit[line, row, 0] - order.unit[line, row, 4]) // order.q[line]
            fixed[n] += steps // count
        for line in range(count):
            if not order.feasible[line, n]:
                linear[line, n] = BIG
            elif parcel:
                linear[line, n] = order.base[line, n] + ((billed_line(order, n, line, dim) * slope) >> SLOPE_BITS)
            else:
                linear[line, n] = order.base[line, n] + order.unit[line, row, k]


@inner
def choose_nodes(order: Priced, fixed: Array, linear: Array, free: Array, forced: Array) -> tuple[int, int]:
    """Which nodes the screen enumerates (`free`) and which are in every set (`forced`); returns how many of each.

    Up to SCREEN_ALL nodes that can take a line are all free. Of more, the SCREEN_KEEP that greedy addition by linear cost takes first are
    free, and those it then needs until every line is covered are forced.
    """
    count, nodes = order.q.shape[0], order.node.shape[0]
    usable = np.zeros(nodes, np.bool_)
    found = 0
    for n in range(nodes):
        for line in range(count):
            usable[n] = usable[n] or order.feasible[line, n]
        if usable[n]:
            if found < SCREEN_ALL:
                free[found] = n
            found += 1
    if found <= SCREEN_ALL:
        return found, 0
    cover = np.full(count, BIG)
    kept, must, uncovered = 0, 0, True
    while kept < SCREEN_KEEP or uncovered:
        least, at = np.int64(1 << 62), -1
        for n in range(nodes):
            if usable[n]:
                cost = fixed[n]
                for line in range(count):
                    cost += min(cover[line], linear[line, n])
                if cost < least:
                    least, at = cost, n
        usable[at] = False
        if kept < SCREEN_KEEP:
            free[kept] = at
            kept += 1
        else:
            forced[must] = at
            must += 1
        uncovered = False
        for line in range(count):
            cover[line] = min(cover[line], linear[line, at])
            uncovered = uncovered or cover[line] >= BIG
    free[:kept] = np.sort(free[:kept])
    return kept, must


@inner
def set_costs(fixed: Array, linear: Array, free: Array, forced: Array) -> Array:
    """Linear cost of every set of free nodes (with all forced ones), every line at its cheapest node: [2^F]."""
    bits = free.shape[0]
    size = 1 << bits
    total, cheapest = np.zeros(size, np.int64), np.empty(size, np.int64)
    for b in range(bits):
        for s in range(1 << b):
            total[(1 << b) + s] = total[s] + fixed[free[b]]
    for line in range(linear.shape[0]):
        cheapest[0] = BIG
        for i in range(forced.shape[0]):
            cheapest[0] = min(cheapest[0], linear[line, forced[i]])
        for b in range(bits):
            cost = linear[line, free[b]]
            half = cheapest[1 << b : 2 << b]
            for s in range(1 << b):
                half[s] = min(cheapest[s], cost)
        for s in range(size):
            total[s] += cheapest[s]
    return total


@inner
def cheapest_sets(total: Array, most: int) -> Array:
    """The `most` feasible sets of least cost, ascending; equal ones by their number."""
    chosen, costs, found = np.empty(most, np.int64), np.empty(most, np.int64), 0
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
    return chosen[:found]


@inner
def assign_set(linear: Array, free: Array, forced: Array, chosen: int, assign: Array) -> bool:
    """Send every line to its cheapest node of the set (lowest on equal cost); true where every free node of the set is used."""
    used = 0
    for line in range(linear.shape[0]):
        least, at, bit = np.int64(BIG), -1, 0
        for b in range(free.shape[0]):
            if (chosen >> b) & 1 and linear[line, free[b]] < least:
                least, at, bit = linear[line, free[b]], free[b], 1 << b
        for i in range(forced.shape[0]):
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
def make_starts(order: Priced, starts: int) -> Array:
    """Starting assignments [K, L] from the cheapest node sets (K at most `starts`, by number of nodes where that is 0)."""
    count, nodes = order.q.shape[0], order.node.shape[0]
    fixed, linear = np.empty(nodes, np.int64), np.empty((count, nodes), np.int64)
    screen_costs(order, fixed, linear)
    free, forced = np.empty(SCREEN_ALL, np.int64), np.empty(nodes, np.int64)
    bits, must = choose_nodes(order, fixed, linear, free, forced)
    free, forced = free[:bits], forced[:must]
    most = starts if starts > 0 else starts_for(bits)
    chosen = cheapest_sets(set_costs(fixed, linear, free, forced), 4 * most)
    made = np.empty((most, count), np.int64)
    found = 0
    for i in range(chosen.shape[0]):
        if found == most:
            break
        if assign_set(linear, free, forced, chosen[i], made[found]):
            found += 1
    if found == 0:  # only where opening prices are negative: a set with an idle node is cheapest
        assign_set(linear, free, forced, chosen[0], made[0])
        found = 1
    return made[:found]


@inner
def var_without(order: Priced, state: State, line: int, n: int) -> int:
    """Variable cost of n's pool after `line` leaves node n."""
    node = order.node
    if node[n, KIND] == 1:
        if state.lines[n] == 1:
            return 0
        weight, volume = state.weight[n] - order.w[line], state.volume[n] - order.v[line]
        return carton_cost(node, order.rate, order.band_of, n, weight, volume)  # type: ignore[no-any-return]
    pool = node[n, POOL]
    units = state.units[pool] - order.q[line]
    if units == 0:
        return 0
    k = units_class(units)
    return state.sums[pool, k] - order.unit[line, node[n, UNIT_ROW], k]  # type: ignore[no-any-return]


@inner
def var_with(order: Priced, state: State, line: int, n: int) -> int:
    """Variable cost of n's pool after `line` joins node n."""
    node = order.node
    if node[n, KIND] == 1:
        weight, volume = state.weight[n] + order.w[line], state.volume[n] + order.v[line]
        return carton_cost(node, order.rate, order.band_of, n, weight, volume)  # type: ignore[no-any-return]
    pool = node[n, POOL]
    k = units_class(state.units[pool] + order.q[line])
    return state.sums[pool, k] + order.unit[line, node[n, UNIT_ROW], k]  # type: ignore[no-any-return]


@inner
def var_swapped(order: Priced, state: State, gone: int, come: int, n: int) -> int:
    """Variable cost of n's pool after line `gone` leaves node n and line `come` joins it."""
    node = order.node
    if node[n, KIND] == 1:
        weight = state.weight[n] - order.w[gone] + order.w[come]
        volume = state.volume[n] - order.v[gone] + order.v[come]
        return carton_cost(node, order.rate, order.band_of, n, weight, volume)  # type: ignore[no-any-return]
    pool, row = node[n, POOL], node[n, UNIT_ROW]
    k = units_class(state.units[pool] - order.q[gone] + order.q[come])
    return state.sums[pool, k] - order.unit[gone, row, k] + order.unit[come, row, k]  # type: ignore[no-any-return]


@inner
def take(order: Priced, state: State, line: int, n: int, sign: int) -> None:
    """Add (`sign` 1) or remove (-1) a line in what node n and its pool hold; `var` is left to the caller."""
    node = order.node
    state.lines[n] += sign
    state.weight[n] += sign * order.w[line]
    state.volume[n] += sign * order.v[line]
    if node[n, KIND] == 0:
        pool, row = node[n, POOL], node[n, UNIT_ROW]
        state.units[pool] += sign * order.q[line]
        for k in range(5):
            state.sums[pool, k] += sign * order.unit[line, row, k]


@inner
def best_move(order: Priced, state: State, line: int, here: int) -> tuple[int, int]:
    """The move of `line` away from `here` that saves most: (change of cost, node), (0, -1) where none saves."""
    node, base, feasible = order.node, order.base, order.feasible
    pool = node[here, POOL]
    left = var_without(order, state, line, here) - state.var[pool]
    leaving = -base[line, here] - (order.opened[here] if state.lines[here] == 1 else 0)
    best, to = 0, -1
    for n in range(node.shape[0]):
        if n == here or not feasible[line, n]:
            continue
        change = leaving + base[line, n] + (order.opened[n] if state.lines[n] == 0 else 0)
        if node[n, POOL] != pool:
            change += left + var_with(order, state, line, n) - state.var[node[n, POOL]]
        if change < best:
            best, to = change, n
    return best, to


@inner
def move_lines(order: Priced, assign: Array, state: State, total: int, passes: int) -> int:
    """Move single lines while the exact cost falls, for at most `passes` passes; returns the new cost."""
    node = order.node
    for _ in range(passes):
        moved = False
        for line in range(order.q.shape[0]):
            here = assign[line]
            change, n = best_move(order, state, line, here)
            if n < 0:
                continue
            if node[n, POOL] != node[here, POOL]:
                state.var[node[here, POOL]] = var_without(order, state, line, here)
                state.var[node[n, POOL]] = var_with(order, state, line, n)
            take(order, state, line, here, -1)
            take(order, state, line, n, 1)
            assign[line] = n
            total += change
            moved = True
        if not moved:
            break
    return total


@inner
def swap_lines(order: Priced, assign: Array, state: State, total: int) -> int:
    """Swap the nodes of two lines wherever that lowers the exact cost, once over all pairs; returns the new cost."""
    node, base, feasible, count = order.node, order.base, order.feasible, order.q.shape[0]
    for one in range(count):
        for two in range(one + 1, count):
            a, b = assign[one], assign[two]
            if a == b or not feasible[one, b] or not feasible[two, a]:
                continue
            change = base[one, b] + base[two, a] - base[one, a] - base[two, b]
            apart = node[a, POOL] != node[b, POOL]
            if apart:
                at_a, at_b = var_swapped(order, state, one, two, a), var_swapped(order, state, two, one, b)
                change += at_a + at_b - state.var[node[a, POOL]] - state.var[node[b, POOL]]
                if change < 0:
                    state.var[node[a, POOL]], state.var[node[b, POOL]] = at_a, at_b
            if change < 0:
                take(order, state, one, a, -1)
                take(order, state, two, a, 1)
                take(order, state, two, b, -1)
                take(order, state, one, b, 1)
                assign[one], assign[two] = b, a
                total += change
    return total


@inner
def improve(order: Priced, assign: Array, state: State, swap: bool) -> int:
    """Local search from `assign` under the exact card; returns its cost, with `state` loaded for it."""
    total = move_lines(order, assign, state, load(order, assign, state), MOVE_PASSES)
    if swap and order.q.shape[0] <= SWAP_LINES:
        for _ in range(SWAP_ROUNDS):
            swapped = swap_lines(order, assign, state, total)
            if swapped == total:
                break
            total = move_lines(order, assign, state, swapped, MOVE_PASSES)
    return total
