"""Starting points for larger orders in plain Python: the twin of `kernel_screen`."""

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
from tranship.routing.twin_cost import Priced, carton_cost, dim_grams, units_class


def billed_line(order: Priced, n: int, line: int, dim: bool) -> int:
    """Weight of one line as a parcel node would bill it."""
    return max(order.w[line], dim_grams(order.node, n, order.v[line])) if dim else order.w[line]


def screen_costs(order: Priced) -> tuple[list[int], list[list[int]]]:
    """The linear screen: fixed cost by node, cost by line and node."""
    k, volume = units_class(sum(order.q)), sum(order.v)
    fixed, columns = [], []
    for n in order.nodes:
        if order.node[n][KIND] == 1:
            start, column = _screen_parcel(order, n, volume > order.node[n][DIM_OVER])
        else:
            start, column = _screen_units(order, n, k)
        fixed.append(start)
        columns.append([c if order.feasible[line][n] else BIG for line, c in enumerate(column)])
    return fixed, [list(row) for row in zip(*columns, strict=True)]


def _screen_parcel(order: Priced, n: int, dim: bool) -> tuple[int, list[int]]:
    billed = [billed_line(order, n, line, dim) for line in order.lines]
    weight = sum(billed)
    low, high = carton_cost(order, n, weight // len(billed), 0), carton_cost(order, n, weight, 0)
    slope = (max(0, high - low) << SLOPE_BITS) // weight if weight > 0 else 0
    return order.opened[n] + low, [
        order.base[line][n] + ((grams * slope) >> SLOPE_BITS) for line, grams in enumerate(billed)
    ]


def _screen_units(order: Priced, n: int, k: int) -> tuple[int, list[int]]:
    row, steps = order.node[n][UNIT_ROW], 0
    for line in order.lines:
        steps += (order.unit[line][row][0] - order.unit[line][row][4]) // order.q[line]
    return order.opened[n] + steps // len(order.q), [
        order.base[line][n] + order.unit[line][row][k] for line in order.lines
    ]


def choose_nodes(order: Priced, fixed: list[int], linear: list[list[int]]) -> tuple[list[int], list[int]]:
    """Which nodes the screen enumerates (free) and which are in every set (forced)."""
    usable = [n for n in order.nodes if any(order.feasible[line][n] for line in order.lines)]
    if len(usable) <= SCREEN_ALL:
        return usable, []
    free: list[int] = []
    forced: list[int] = []
    cover = [BIG] * len(order.q)
    while len(free) < SCREEN_KEEP or any(cost >= BIG for cost in cover):
        at = min(usable, key=lambda n: fixed[n] + sum(min(c, row[n]) for c, row in zip(cover, linear, strict=True)))
        usable.remove(at)
        (free if len(free) < SCREEN_KEEP else forced).append(at)
        cover = [min(c, row[at]) for c, row in zip(cover, linear, strict=True)]
    return sorted(free), sorted(forced)


def set_costs(fixed: list[int], linear: list[list[int]], free: list[int], forced: list[int]) -> list[int]:
    """Linear cost of every set of free nodes, every line at its cheapest node."""
    total = [0]
    for n in free:
        total += [cost + fixed[n] for cost in total]
    for row in linear:
        cheapest = [min([BIG, *(row[n] for n in forced)])]
        for n in free:
            cheapest += [min(cost, row[n]) for cost in cheapest]
        total = [a + b for a, b in zip(total, cheapest, strict=True)]
    return total


def assign_set(linear: list[list[int]], free: list[int], forced: list[int], chosen: int) -> tuple[list[int], bool]:
    """Every line at its cheapest node of the set; and whether every free node of the set is used."""
    picked = [n for b, n in enumerate(free) if (chosen >> b) & 1]
    nodes = picked + forced
    assign = [min(nodes, key=row.__getitem__) for row in linear]
    return assign, set(picked) <= set(assign)


def starts_for(nodes: int) -> int:
    """Default number of starts by number of nodes."""
    if nodes <= 5:
        return 8
    return 16 if nodes <= 8 else 32


def make_starts(order: Priced, fixed: list[int], linear: list[list[int]], starts: int) -> list[list[int]]:
    """Starting assignments from the cheapest node sets under a screen."""
    free, forced = choose_nodes(order, fixed, linear)
    total = set_costs(fixed, linear, free, forced)
    most = starts if starts > 0 else starts_for(len(free))
    looked = sorted((s for s, cost in enumerate(total) if cost < BIG), key=total.__getitem__)[: SPARE_SETS * most]
    made: list[list[int]] = []
    for chosen in looked:
        assign, used = assign_set(linear, free, forced, chosen)
        if used and len(made) < most:
            made.append(assign)
    return made or [assign_set(linear, free, forced, looked[0])[0]]
