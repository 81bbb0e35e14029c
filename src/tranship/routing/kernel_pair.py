"""Pair search, compiled: re-divide all lines of two nodes at once by a subset-sum program over billed weight.

Steps of a parcel card make dividing lines a knapsack ("get this node to 20.00 lb") that single moves cannot solve. The program finds, for
every weight (in buckets, rounded up) at parcel node b, the cheapest lines to put there; the cards then pick the weight. It is a heuristic
(a per-unit node's classes are corrected for on average, weights are rounded): a result counts only if the exact card says it is cheaper.
"""

# mypy: disable-error-code="no-any-return"
# Arrays are Any here: their types are the entry's compiled signature, which refuses any other.

from typing import NamedTuple

from tranship.routing.kernel_cost import ZERO, Array, Priced, State, carton_cost, copy, same, units_class
from tranship.routing.kernel_jit import inner
from tranship.routing.kernel_limits import (
    BIG,
    DIM_OVER,
    KIND,
    LOAD_BITS,
    PAIR_CELLS,
    PAIR_ROUNDS,
    POOL,
    UNIT_ROW,
)
from tranship.routing.kernel_screen import billed_line
from tranship.routing.kernel_search import improve, swap_lines


class PairRoom(NamedTuple):
    """Working memory of the pair search; W at least buckets + L + 1."""

    lines: Array  # [5, L] trial assignment; lines that both nodes can take, their grams at b, their steps in buckets; see kernel_nodes
    values: Array  # [L + 1, W] least cost by bucket after each line
    loads: Array  # [2, W] true grams and units of what was chosen, before and after a line
    nodes: Array  # [2, N] number of the node's last change; lines it holds
    tried: Array  # [N, N] number of the last change when the pair was tried
    steps: Array  # [5] what a unit at a per-unit node costs more in a class than in the last, on average


class Division(NamedTuple):
    """Two nodes whose lines are divided anew."""

    a: int
    b: int  # a parcel node
    free: int  # lines that both can take
    width: int  # buckets
    kept_a: int  # grams at a with all free lines
    kept_b: int  # grams at b without them
    stay: int  # lines that stay at b
    units_a: int  # units at a with all free lines
    units_else: int  # units of a's pool at other nodes


@inner
def pair_dim(order: Priced, assign: Array, a: int, b: int, n: int) -> bool:
    """True where all lines of a and b together would be large enough for dim weight at parcel node n."""
    if order.node[n, KIND] != 1:
        return False
    volume = 0
    for line in range(assign.shape[0]):
        if (assign[line] == a or assign[line] == b) and order.feasible[line, n]:
            volume += order.v[line]
    return volume > order.node[n, DIM_OVER]


@inner
def divide(order: Priced, assign: Array, a: int, b: int, buckets: int, room: PairRoom) -> Division:
    """Collect the lines of a and b that both could take, and what stays."""
    lines, grams, steps = room.lines[1], room.lines[2], room.lines[3]
    dim_a, dim_b = pair_dim(order, assign, a, b, a), pair_dim(order, assign, a, b, b)
    free, kept_a, kept_b, free_b, stay, units_a, units_else = 0, 0, 0, 0, 0, 0, 0
    for line in range(assign.shape[0]):
        n = assign[line]
        if n != a and n != b:
            if order.node[n, POOL] == order.node[a, POOL]:
                units_else += order.q[line]
            continue
        both = order.feasible[line, a] and order.feasible[line, b]
        if both:
            lines[free] = line
            grams[free] = billed_line(order, b, line, dim_b)
            free_b += grams[free]
            free += 1
        if both or n == a:
            kept_a += billed_line(order, a, line, dim_a)
            units_a += order.q[line]
        else:
            kept_b += billed_line(order, b, line, dim_b)
            stay += 1
    bucket, width = max(1, -(-free_b // buckets)), 1
    for i in range(free):
        steps[i] = -(-grams[i] // bucket)
        width += steps[i]
    return Division(a, b, free, width, kept_a, kept_b, stay, units_a, units_else)


@inner
def fill_row(before: Array, after: Array, loads: Array, loads_after: Array, step: int, change: int, load: int) -> None:
    """One line of the program: `after[s] = min(before[s], before[s - step] + change)`, with the true load of what was chosen."""
    width = before.shape[0]
    for s in range(step):
        after[s], loads_after[s] = before[s], loads[s]
    stay, go, best = before[step:], before[: width - step], after[step:]
    stay_load, go_load, best_load = loads[step:], loads[: width - step], loads_after[step:]
    for s in range(best.shape[0]):
        moved, kept = go[s] + change, stay[s]
        taken = moved < kept
        best[s] = moved if taken else kept
        best_load[s] = go_load[s] + load if taken else stay_load[s]


@inner
def fill_rows(order: Priced, d: Division, room: PairRoom) -> None:
    """Run the program over all free lines; bucket 0 is everything at a, with a cost of 0."""
    lines, grams, steps, width = room.lines[1], room.lines[2], room.lines[3], d.width
    for s in range(width):
        room.values[0, s], room.loads[0, s] = BIG, 0
    room.values[0, 0] = 0
    for i in range(d.free):
        line = lines[i]
        change = order.base[line, d.b] - order.base[line, d.a]
        if order.node[d.a, KIND] == 0:
            change -= order.unit[line, order.node[d.a, UNIT_ROW], 4]
        fill_row(
            room.values[i, :width], room.values[i + 1, :width], room.loads[i & 1, :width], room.loads[(i + 1) & 1, :width],
            steps[i], change, (grams[i] << LOAD_BITS) + order.q[line],
        )  # fmt: skip


@inner
def class_steps(order: Priced, d: Division, room: PairRoom) -> None:
    """Fill `steps` from the free lines (zero where a is a parcel node)."""
    row = order.node[d.a, UNIT_ROW]
    for k in range(5):
        more, units = 0, 0
        if order.node[d.a, KIND] == 0:
            for i in range(d.free):
                line = room.lines[1, i]
                more += order.unit[line, row, k] - order.unit[line, row, 4]
                units += order.q[line]
        room.steps[k] = more // max(1, units)


@inner
def best_bucket(order: Priced, d: Division, values: Array, loads: Array, steps: Array) -> int:
    """The bucket whose division costs least with both nodes' cards on it (lowest on equal cost)."""
    node, least, best = order.node, BIG, 0
    for s in range(d.width):
        if values[s] >= BIG // 2:
            continue
        cost, grams, units = values[s], loads[s] >> LOAD_BITS, loads[s] & ((1 << LOAD_BITS) - 1)
        if units > 0 or d.stay > 0:
            cost += order.opened[d.b] + carton_cost(node, order.rate, order.band_of, d.b, d.kept_b + grams, ZERO)
        left = d.units_a - units
        if left > 0:
            cost += order.opened[d.a] + left * steps[units_class(left + d.units_else)]
            if node[d.a, KIND] == 1:
                cost += carton_cost(node, order.rate, order.band_of, d.a, max(0, d.kept_a - grams), ZERO)
        if cost < least:
            least, best = cost, s
    return best


@inner
def redivide(order: Priced, assign: Array, a: int, b: int, buckets: int, room: PairRoom) -> int:
    """Write the best division found to the trial assignment; returns the cells filled (0: nothing to divide)."""
    d = divide(order, assign, a, b, buckets, room)
    if d.free == 0:
        return 0
    fill_rows(order, d, room)
    class_steps(order, d, room)
    at = best_bucket(order, d, room.values[d.free], room.loads[d.free & 1], room.steps)
    trial = room.lines[0]
    copy(assign, trial)
    for i in range(d.free - 1, -1, -1):
        if room.values[i + 1, at] == room.values[i, at]:
            trial[room.lines[1, i]] = a
        else:
            trial[room.lines[1, i]] = b
            at -= room.lines[3, i]
    return d.free * d.width


@inner
def pair_useful(order: Priced, a: int, b: int, room: PairRoom) -> bool:
    """True for a pair with a parcel node b, each unordered pair once, where one node is used and one has changed since last tried."""
    node, changed, held = order.node, room.nodes[0], room.nodes[1]
    if node[b, KIND] != 1 or a == b or (node[a, KIND] == 1 and a > b) or held[a] + held[b] == 0:
        return False
    return room.tried[a, b] < max(changed[a], changed[b])


@inner
def improve_pairs(order: Priced, assign: Array, state: State, buckets: int, room: PairRoom) -> int:
    """Swaps, then pair search over all pairs with a parcel node until none helps; `assign` and the returned cost are the best found."""
    nodes, trial, changed, held = order.node.shape[0], room.lines[0], room.nodes[0], room.nodes[1]
    total = swap_lines(order, assign, state, improve(order, assign, state))
    for n in range(nodes):
        changed[n], held[n] = 1, state.lines[n]
        for other in range(nodes):
            room.tried[n, other] = 0
    clock, cells = 1, 0
    for _ in range(PAIR_ROUNDS):
        before = clock
        for b in range(nodes):
            for a in range(nodes):
                if cells > PAIR_CELLS or not pair_useful(order, a, b, room):
                    continue
                room.tried[a, b] = clock
                cells += redivide(order, assign, a, b, buckets, room)
                if cells == 0 or same(assign, trial):
                    continue
                cost = improve(order, trial, state)
                if cost < total:
                    total = cost
                    clock += 1
                    mark_changes(assign, trial, changed, clock)
                    copy(trial, assign)
                    copy(state.lines, held)
        if clock == before:
            break
    return total


@inner
def mark_changes(assign: Array, trial: Array, changed: Array, clock: int) -> None:
    """Note which nodes gained or lost lines."""
    for line in range(assign.shape[0]):
        if assign[line] != trial[line]:
            changed[assign[line]] = changed[trial[line]] = clock
