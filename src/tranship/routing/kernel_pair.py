"""Pair search, compiled: re-divide all lines of two nodes at once by a subset-sum program over billed weight.

Steps of a parcel card make dividing lines a knapsack ("get this node to 20.00 lb") that single moves cannot solve. The program finds, for
every weight (in buckets, rounded up) at parcel node b, the cheapest lines to put there; the card then picks the weight. It is a heuristic
(a per-unit node is priced at its last class, weights are rounded): a result is taken only if the exact card says that it is cheaper.
"""

from typing import NamedTuple

from tranship.routing.kernel_cost import (
    BIG,
    DIM_OVER,
    KIND,
    NO_VOLUME,
    UNIT_ROW,
    Array,
    Priced,
    State,
    carton_cost,
    copy,
    same,
)
from tranship.routing.kernel_jit import inner
from tranship.routing.kernel_screen import billed_line
from tranship.routing.kernel_search import improve, swap_lines

PAIR_ROUNDS = 4
PAIR_CELLS = 20_000_000
"""Cells of the program (lines x buckets) that one start may fill: bounds the work on orders of hundreds of lines."""


class PairRoom(NamedTuple):
    """Working memory of the pair search; W at least buckets + L + 1."""

    lines: Array  # [4, L] trial assignment; lines that both nodes can take, their grams at b, their steps in buckets
    values: Array  # [L + 1, W] least cost by bucket after each line
    grams: Array  # [2, W] true weight of what was chosen, before and after a line
    nodes: Array  # [2, N] number of the node's last change; lines it holds
    tried: Array  # [N, N] number of the last change when the pair was tried


class Division(NamedTuple):
    """Two nodes whose lines are divided anew."""

    a: int
    b: int  # a parcel node
    free: int  # lines that both can take
    bucket: int  # grams a bucket
    width: int  # buckets
    kept_a: int  # grams that stay at a, with all free lines
    kept_b: int  # grams that stay at b
    free_b: int  # grams of all free lines at b
    stay: int  # lines that stay at b


@inner
def pair_dim(order: Priced, assign: Array, a: int, b: int, n: int) -> bool:
    """True where all lines of a and b together would be large enough for dim weight at parcel node n."""
    if order.node[n, KIND] != 1:
        return False
    volume = 0
    for line in range(assign.shape[0]):
        if (assign[line] == a or assign[line] == b) and order.feasible[line, n]:
            volume += order.v[line]
    return volume > order.node[n, DIM_OVER]  # type: ignore[no-any-return]


@inner
def divide(order: Priced, assign: Array, a: int, b: int, buckets: int, room: PairRoom) -> Division:
    """Collect the lines of a and b that both could take, and the weights that stay."""
    lines, grams, steps = room.lines[1], room.lines[2], room.lines[3]
    dim_a, dim_b = pair_dim(order, assign, a, b, a), pair_dim(order, assign, a, b, b)
    free, kept_a, kept_b, free_b, stay = 0, 0, 0, 0, 0
    for line in range(assign.shape[0]):
        n = assign[line]
        if n != a and n != b:
            continue
        if order.feasible[line, a] and order.feasible[line, b]:
            lines[free] = line
            grams[free] = billed_line(order, b, line, dim_b)
            kept_a += billed_line(order, a, line, dim_a)
            free_b += grams[free]
            free += 1
        elif n == a:
            kept_a += billed_line(order, a, line, dim_a)
        else:
            kept_b += billed_line(order, b, line, dim_b)
            stay += 1
    bucket, width = max(1, -(-free_b // buckets)), 1
    for i in range(free):
        steps[i] = -(-grams[i] // bucket)
        width += steps[i]
    return Division(a, b, free, bucket, width, kept_a, kept_b, free_b, stay)


@inner
def fill_row(before: Array, after: Array, grams: Array, grams_after: Array, step: int, change: int, line_grams: int) -> None:
    """One line of the program: `after[s] = min(before[s], before[s - step] + change)`, with the true grams of what was chosen."""
    width = before.shape[0]
    for s in range(step):
        after[s], grams_after[s] = before[s], grams[s]
    stay, go, best = before[step:], before[: width - step], after[step:]
    stay_g, go_g, best_g = grams[step:], grams[: width - step], grams_after[step:]
    for s in range(best.shape[0]):
        moved, kept = go[s] + change, stay[s]
        taken = moved < kept
        best[s] = moved if taken else kept
        best_g[s] = go_g[s] + line_grams if taken else stay_g[s]


@inner
def fill_rows(order: Priced, d: Division, room: PairRoom) -> None:
    """Run the program over all free lines; bucket 0 is everything at a, with a cost of 0."""
    lines, grams, steps, width = room.lines[1], room.lines[2], room.lines[3], d.width
    for s in range(width):
        room.values[0, s], room.grams[0, s] = BIG, 0
    room.values[0, 0] = 0
    for i in range(d.free):
        line = lines[i]
        change = order.base[line, d.b] - order.base[line, d.a]
        if order.node[d.a, KIND] == 0:
            change -= order.unit[line, order.node[d.a, UNIT_ROW], 4]
        fill_row(
            room.values[i, :width], room.values[i + 1, :width], room.grams[i & 1, :width], room.grams[(i + 1) & 1, :width],
            steps[i], change, grams[i],
        )  # fmt: skip


@inner
def best_bucket(order: Priced, d: Division, values: Array, grams: Array) -> int:
    """The bucket whose division costs least with both nodes' cards on it (lowest on equal cost)."""
    node, least, best = order.node, BIG, 0
    for s in range(d.width):
        if values[s] >= BIG // 2:
            continue
        cost = values[s]
        if s > 0 or d.stay > 0:
            cost += order.opened[d.b] + carton_cost(node, order.rate, order.band_of, d.b, d.kept_b + grams[s], NO_VOLUME)
        left = max(0, d.kept_a - grams[s])
        if left > 0:
            cost += order.opened[d.a]
            if node[d.a, KIND] == 1:
                cost += carton_cost(node, order.rate, order.band_of, d.a, left, NO_VOLUME)
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
    at = best_bucket(order, d, room.values[d.free], room.grams[d.free & 1])
    trial = room.lines[0]
    copy(assign, trial)
    for i in range(d.free - 1, -1, -1):
        if room.values[i + 1, at] == room.values[i, at]:
            trial[room.lines[1, i]] = a
        else:
            trial[room.lines[1, i]] = b
            at -= room.lines[3, i]
    return d.free * d.width  # type: ignore[no-any-return]


@inner
def pair_useful(order: Priced, a: int, b: int, room: PairRoom) -> bool:
    """True for a pair with a parcel node b, each unordered pair once, where one node is used and one has changed since last tried."""
    node, changed, held = order.node, room.nodes[0], room.nodes[1]
    if node[b, KIND] != 1 or a == b or (node[a, KIND] == 1 and a > b) or held[a] + held[b] == 0:
        return False
    return room.tried[a, b] < max(changed[a], changed[b])  # type: ignore[no-any-return]


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
