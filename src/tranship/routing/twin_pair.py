"""Pair search in Python: the twin of `kernel_pair`. Rows of the program are whole numpy vectors of integers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

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
from tranship.routing.twin_cost import Priced, State, carton_cost, units_class
from tranship.routing.twin_screen import billed_line
from tranship.routing.twin_search import improve, swap_lines

Ints = NDArray[np.int64]


@dataclass
class Division:
    """Two nodes whose lines are divided anew; see `kernel_pair.Division`."""

    a: int
    b: int
    lines: list[int]
    grams: list[int]
    steps: list[int]
    width: int
    kept_a: int
    kept_b: int
    stay: int
    units_a: int
    units_else: int


def pair_dim(order: Priced, assign: list[int], a: int, b: int, n: int) -> bool:
    """True where all lines of a and b together would be large enough for dim weight at parcel node n."""
    if order.node[n][KIND] != 1:
        return False
    volume = sum(order.v[line] for line, at in enumerate(assign) if at in (a, b) and order.feasible[line][n])
    return volume > order.node[n][DIM_OVER]


def divide(order: Priced, assign: list[int], a: int, b: int, buckets: int) -> Division:
    """Collect the lines of a and b that both could take, and what stays."""
    dim_a, dim_b = pair_dim(order, assign, a, b, a), pair_dim(order, assign, a, b, b)
    d = Division(a, b, [], [], [], 1, 0, 0, 0, 0, 0)
    for line, n in enumerate(assign):
        if n not in (a, b):
            d.units_else += order.q[line] if order.node[n][POOL] == order.node[a][POOL] else 0
            continue
        both = order.feasible[line][a] and order.feasible[line][b]
        if both:
            d.lines.append(line)
            d.grams.append(billed_line(order, b, line, dim_b))
        if both or n == a:
            d.kept_a += billed_line(order, a, line, dim_a)
            d.units_a += order.q[line]
        else:
            d.kept_b += billed_line(order, b, line, dim_b)
            d.stay += 1
    bucket = max(1, -(-sum(d.grams) // buckets))
    d.steps = [-(-grams // bucket) for grams in d.grams]
    d.width += sum(d.steps)
    return d


def fill_rows(order: Priced, d: Division) -> tuple[list[Ints], Ints]:
    """Run the program over all free lines: least cost by bucket after each line, and the load chosen after the last."""
    first = np.full(d.width, BIG, np.int64)
    first[0] = 0
    rows, loads = [first], np.zeros(d.width, np.int64)
    for line, grams, step in zip(d.lines, d.grams, d.steps, strict=True):
        change = order.base[line][d.b] - order.base[line][d.a]
        if order.node[d.a][KIND] == 0:
            change -= order.unit[line][order.node[d.a][UNIT_ROW]][4]
        before, after, chosen = rows[-1], rows[-1].copy(), loads.copy()
        moved = before[: d.width - step] + change
        taken = moved < before[step:]
        after[step:][taken] = moved[taken]
        chosen[step:][taken] = (loads[: d.width - step] + ((grams << LOAD_BITS) + order.q[line]))[taken]
        rows.append(after)
        loads = chosen
    return rows, loads


def class_steps(order: Priced, d: Division) -> list[int]:
    """What a unit at per-unit node a costs more in a class than in the last, on average (zero for a parcel node)."""
    if order.node[d.a][KIND] != 0:
        return [0] * 5
    row, units = order.node[d.a][UNIT_ROW], sum(order.q[line] for line in d.lines)
    return [
        sum(order.unit[line][row][k] - order.unit[line][row][4] for line in d.lines) // max(1, units) for k in range(5)
    ]


def best_bucket(order: Priced, d: Division, values: list[int], loads: list[int], steps: list[int]) -> int:
    """The bucket whose division costs least with both nodes' cards on it."""
    least, best = BIG, 0
    for s in range(d.width):
        cost = values[s]
        if cost >= BIG // 2:
            continue
        grams, units = loads[s] >> LOAD_BITS, loads[s] & ((1 << LOAD_BITS) - 1)
        if units > 0 or d.stay > 0:
            cost += order.opened[d.b] + carton_cost(order, d.b, d.kept_b + grams, 0)
        left = d.units_a - units
        if left > 0:
            cost += order.opened[d.a] + left * steps[units_class(left + d.units_else)]
            if order.node[d.a][KIND] == 1:
                cost += carton_cost(order, d.a, max(0, d.kept_a - grams), 0)
        if cost < least:
            least, best = cost, s
    return best


def redivide(order: Priced, assign: list[int], a: int, b: int, buckets: int) -> tuple[list[int], int]:
    """The best division found, as an assignment, and the cells filled (0: nothing to divide)."""
    d = divide(order, assign, a, b, buckets)
    if not d.lines:
        return assign, 0
    rows, loads = fill_rows(order, d)
    at = best_bucket(order, d, rows[-1].tolist(), loads.tolist(), class_steps(order, d))
    trial = list(assign)
    for i in range(len(d.lines) - 1, -1, -1):
        stays = rows[i + 1][at] == rows[i][at]
        trial[d.lines[i]] = a if stays else b
        at -= 0 if stays else d.steps[i]
    return trial, len(d.lines) * d.width


def improve_pairs(order: Priced, assign: list[int], state: State, buckets: int) -> int:
    """Swaps, then pair search over all pairs with a parcel node until none helps; `assign` and the returned cost are the best found."""
    node, nodes = order.node, len(order.node)
    total = swap_lines(order, assign, state, improve(order, assign, state))
    changed, held = [1] * nodes, list(state.lines)
    tried = [[0] * nodes for _ in range(nodes)]
    clock, cells = 1, 0
    for _ in range(PAIR_ROUNDS):
        before = clock
        for b in (n for n in order.nodes if node[n][KIND] == 1):
            for a in order.nodes:
                once = a != b and not (node[a][KIND] == 1 and a > b)
                fresh = tried[a][b] < max(changed[a], changed[b])
                if cells > PAIR_CELLS or not once or not fresh or held[a] + held[b] == 0:
                    continue
                tried[a][b] = clock
                trial, filled = redivide(order, assign, a, b, buckets)
                cells += filled
                if trial == assign:
                    continue
                cost = improve(order, trial, state)
                if cost < total:
                    total = cost
                    clock += 1
                    for old, new in zip(assign, trial, strict=True):
                        if old != new:
                            changed[old] = changed[new] = clock
                    assign[:], held = trial, list(state.lines)
        if clock == before:
            break
    return total
