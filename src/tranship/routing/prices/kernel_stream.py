"""A stream of orders decided one after another at additive costs and prices, compiled: stock, work and one share cap by ticks.

The rules are those of the engine (`routing.decide`, `routing.share`), over additive costs: fill first, then cost; the gate with
its reserve; the bucket that drives the price of cap room; what only the capped side could fill waits for room. Prices are rehearsed on it
before they come into force, and what benchmarks.route measures. Money is floating point, the bucket counts in integers as the engine's.
"""

# mypy: disable-error-code="no-any-return"

from typing import NamedTuple

import numpy as np

from tranship.routing.kernel_cost import Array
from tranship.routing.kernel_jit import entry, inlined, inner
from tranship.routing.prices.kernel_choose import NEVER, Desk, choose
from tranship.routing.prices.kernel_dual import COSTS, DUALS, GOODS, ORDERS, longest, new_desk
from tranship.routing.prices.kernel_window import FULL, Window, admits, enter, limit
from tranship.routing.prices.problem import PARTS, VALUE, Costs, Duals, Goods, Orders

FILL = 1e5
"""What leaving a unit unfilled counts while deciding: filling comes before cost, as in the engine."""
MICROS = 1_000_000
COST, OPEN, REFUSED, TIGHT, PACKAGES, CAPPED, WAITED, LOST, LATE = 0, 1, 2, 3, 4, 5, 6, 7, 8
TALLY = 9
"""Positions of a tally: money of what is placed, units open, orders that the gate sent elsewhere or held back, orders that the reserve did,
parts, capped ticks, units that waited for room, of those the ones that left for good, units that found room only on a later day."""
RATE, BURST, GAIN, SLOWNESS, FORGETTING, MOST, RESERVE, GATED, BY_PART, QUEUE, MEASURE = (
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
    10,
)
CONTROL = 11
"""Positions of the control: tokens a tick in basis points; size in basis points of a tick; micros; the bucket's constants
(share.TokenBucket); ticks kept; whether there is a cap at all; whether its price is per part (once so) or per tick; places to
wait; what a tick is (problem.PARTS, UNITS, VALUE)."""


class Cap(NamedTuple):
    """The cap: window, bucket and who counts."""

    window: Window
    side: Array  # [N] uint8
    bucket: Array  # [2] int64 tokens, base
    control: Array  # [CONTROL] int64
    waiting: Array  # [Q, 2] int64 lines that wait for room (order, line), oldest first
    waits: Array  # [1] int64 how many


class Made(NamedTuple):
    """What was decided."""

    node: Array  # [L] int64 node of each line; N: unfilled
    place: Array  # [L] int64 first tick of the line; -1: none
    tally: Array  # [TALLY] float64


@inlined
def price(cap: Cap) -> float:
    """What a tick of cap room costs now, as share.TokenBucket.price."""
    if not cap.control[GATED]:
        return 0.0
    burst = cap.control[BURST]
    return max(0, cap.bucket[1] + cap.control[GAIN] * (burst - 2 * cap.bucket[0]) // (2 * burst)) / MICROS


@inlined
def size_of(orders: Orders, i: int, cap: Cap) -> int:
    """Ticks of line i where ticks are units or value; where they are parts, lines of a part share one."""
    return int(orders.value[i]) if cap.control[MEASURE] == VALUE else orders.qty[i]


@inlined
def is_new(out: Array, at: int, line: int) -> bool:
    """Whether no earlier line goes to the node of this one."""
    for earlier in range(line):  # noqa: SIM110 - compiled
        if out[at + earlier] == out[at + line]:
            return False
    return True


@inlined
def drip(cap: Cap, size: int, capped: int) -> None:
    """Account one entry, as share.TokenBucket.enter."""
    control, burst, gain = cap.control, cap.control[BURST], cap.control[GAIN]
    tokens = cap.bucket[0] + (control[RATE] - FULL * capped) * size
    tokens = min(burst, max(-burst, tokens))
    base = cap.bucket[1] + gain * (burst - 2 * tokens) // (control[SLOWNESS] * burst)
    if tokens == burst and control[FORGETTING]:
        base -= cap.bucket[1] // control[FORGETTING]
    cap.bucket[0], cap.bucket[1] = tokens, min(max(base, 0), control[MOST] * gain)


@inlined
def line_value(
    orders: Orders, i: int, n: int, room: float, costs: Costs, duals: Duals, dest: int, day: int, by_value: bool
) -> float:  # fmt: skip
    """What line i costs at node n, prices included; `room`: of a tick there."""
    s, q = orders.sku[i], orders.qty[i]
    each = duals.work[day, n] + (0.0 if by_value else room)
    unit = costs.per_unit[s, n] + duals.stock[s, n] + each + costs.per_weight[dest, n] * costs.weight[s]
    return q * unit + (orders.value[i] * room if by_value else 0.0)


@inlined
def value_lines(
    orders: Orders, t: int, costs: Costs, duals: Duals, goods: Goods, cap: Cap, room: float, shut: int, desk: Desk
) -> int:
    """Fill the desk for order t from what is there now; `shut`: -1 no node, N all capped nodes, n all capped ones but n."""
    first, dest, day = orders.start[t], orders.dest[t], orders.day[t]
    lines, nodes, units = orders.start[t + 1] - first, goods.stock.shape[1], 0
    for line in range(lines):
        units += orders.qty[first + line]
    by_part, by_value = cap.control[BY_PART], cap.control[MEASURE] == VALUE
    for n in range(nodes):
        capped = cap.side[n]
        if goods.work[day, n] < units or (capped and shut >= 0 and shut != n):
            desk.fixed[n] = NEVER
            for line in range(lines):
                desk.value[n, line] = NEVER
            continue
        desk.fixed[n] = costs.fixed[dest, n] + (room if capped and by_part else 0.0)
        tick = room if capped and not by_part else 0.0
        for line in range(lines):
            if goods.stock[orders.sku[first + line], n] < orders.qty[first + line]:
                desk.value[n, line] = NEVER
            else:
                desk.value[n, line] = line_value(orders, first + line, n, tick, costs, duals, dest, day, by_value)
    return lines


@inlined
def real_cost(orders: Orders, t: int, lines: int, node: Array, at: int, costs: Costs, made: Made) -> float:
    """Money of lines at `node[at + line]`, without prices; counts parts in the tally."""
    first, dest, nodes, total = orders.start[t], orders.dest[t], costs.fixed.shape[1], 0.0
    for line in range(lines):
        n = node[at + line]
        if n == nodes:
            continue
        s = orders.sku[first + line]
        total += orders.qty[first + line] * (costs.per_unit[s, n] + costs.per_weight[dest, n] * costs.weight[s])
        if is_new(node, at, line):
            total += costs.fixed[dest, n]
            made.tally[PACKAGES] += 1
    return total


@inlined
def _open(orders: Orders, t: int, lines: int, out: Array, nodes: int) -> int:
    units = 0
    for line in range(lines):
        if out[line] == nodes:
            units += orders.qty[orders.start[t] + line]
    return units


@inlined
def _fits(orders: Orders, t: int, lines: int, out: Array, cap: Cap) -> tuple[bool, int]:
    """Whether the window admits these parts, the independent ones first; and how many capped ticks they have."""
    independent = capped = 0
    for line in range(lines):
        n = out[line]
        if n < cap.side.shape[0]:
            size = size_of(orders, orders.start[t] + line, cap)
            if cap.control[MEASURE] == PARTS:
                size = int(is_new(out, 0, line))
            if cap.side[n]:
                capped += size
            else:
                independent += size
    return capped == 0 or admits(cap.window, independent, capped), capped


@inlined
def book(orders: Orders, t: int, lines: int, node: Array, at: int, goods: Goods, units: int) -> None:
    """Take (`units` 1) or give back (-1) what the lines use."""
    first, day = orders.start[t], orders.day[t]
    for line in range(lines):
        n = node[at + line]
        if n < goods.stock.shape[1]:
            q = orders.qty[first + line]
            goods.stock[orders.sku[first + line], n] -= units * q
            goods.work[day, n] -= units * q


@inlined
def _enter_parts(orders: Orders, t: int, lines: int, cap: Cap, made: Made) -> None:
    """Enter the order's parts, the independent ones first, each whole; lines of a part lie side by side."""
    first, nodes = orders.start[t], cap.side.shape[0]
    for side in range(2):
        for n in range(nodes):
            if cap.side[n] != side:
                continue
            size = 0
            for line in range(lines):
                if made.node[first + line] == n:
                    ticks = size_of(orders, first + line, cap)
                    if cap.control[MEASURE] == PARTS:
                        ticks = int(size == 0)
                    made.place[first + line] = cap.window.count[0] - (ticks == 0)
                    for _ in range(ticks):
                        enter(cap.window, side)
                    size += ticks
            if size:
                drip(cap, size, side)
                made.tally[CAPPED] += size * side


@inner
def _under_gate(
    orders: Orders, t: int, costs: Costs, duals: Duals, goods: Goods, cap: Cap, room: float, lost: Array, desk: Desk,
    kept: Array,
) -> int:  # fmt: skip
    """The gate is shut for the free choice: independent nodes only, or with one capped node that has room. Fills `kept`; its open units."""
    nodes, least, cost = goods.stock.shape[1], -1, 0.0
    for shut in range(nodes, -1, -1):
        if shut < nodes and not cap.side[shut]:
            continue
        lines = value_lines(orders, t, costs, duals, goods, cap, room, shut, desk)
        if shut < nodes and desk.fixed[shut] >= NEVER:
            continue
        found = choose(lines, nodes, lost, desk)
        units = _open(orders, t, lines, desk.out, nodes)
        better = least < 0 or units < least or (units == least and found < cost - 1e-9)
        if better and (shut == nodes or _fits(orders, t, lines, desk.out, cap)[0]):
            least, cost = units, found
            for line in range(lines):
                kept[line] = desk.out[line]
    return least


@inlined
def decide(
    orders: Orders, t: int, costs: Costs, duals: Duals, goods: Goods, cap: Cap, made: Made, lost: Array, desk: Desk,
    kept: Array,
) -> None:  # fmt: skip
    """Decide order t, book it, enter it."""
    first, nodes, room = orders.start[t], goods.stock.shape[1], price(cap)
    lines = orders.start[t + 1] - first
    for line in range(lines):
        lost[line] = FILL * orders.qty[first + line]
    value_lines(orders, t, costs, duals, goods, cap, room, -1, desk)
    choose(lines, nodes, lost, desk)
    for line in range(lines):
        kept[line] = desk.out[line]
    if cap.control[GATED]:
        fits, capped = _fits(orders, t, lines, kept, cap)
        window = cap.window
        if not fits:
            made.tally[REFUSED] += 1
            free = _open(orders, t, lines, kept, nodes)
            still = _under_gate(orders, t, costs, duals, goods, cap, room, lost, desk, kept)
            if still == 0:
                cap.bucket[0] = min(cap.bucket[0], 0)
            if still > free:
                _wait(orders, t, lines, goods, cap, made, kept)
        elif (
            capped and window.count[0] >= window.rule[0]
            and limit(window, window.count[0]) - window.inside[window.count[0] - 1] <= cap.control[RESERVE]
        ):  # fmt: skip
            value_lines(orders, t, costs, duals, goods, cap, room, nodes, desk)
            choose(lines, nodes, lost, desk)
            if _open(orders, t, lines, desk.out, nodes) <= _open(orders, t, lines, kept, nodes):
                made.tally[TIGHT] += 1
                for line in range(lines):
                    kept[line] = desk.out[line]
    for line in range(lines):
        made.node[first + line] = kept[line]
    made.tally[COST] += real_cost(orders, t, lines, made.node, first, costs, made)
    made.tally[OPEN] += _open(orders, t, lines, kept, nodes)
    book(orders, t, lines, made.node, first, goods, 1)
    _enter_parts(orders, t, lines, cap, made)


@inner
def _somewhere(orders: Orders, t: int, line: int, units: int, goods: Goods) -> bool:
    """Whether any node has this line, and work left for so many units."""
    i = orders.start[t] + line
    for n in range(goods.stock.shape[1]):
        if goods.stock[orders.sku[i], n] >= orders.qty[i] and goods.work[orders.day[t], n] >= units:
            return True
    return False


@inner
def _wait(orders: Orders, t: int, lines: int, goods: Goods, cap: Cap, made: Made, kept: Array) -> None:
    """Lines that stay open because of the gate (not for want of stock) wait for room; where no place is left they are lost."""
    units = 0
    for line in range(lines):
        units += orders.qty[orders.start[t] + line]
    for line in range(lines):
        if kept[line] == cap.side.shape[0] and _somewhere(orders, t, line, units, goods):
            made.tally[WAITED] += orders.qty[orders.start[t] + line]
            if cap.waits[0] < cap.control[QUEUE]:
                cap.waiting[cap.waits[0], 0], cap.waiting[cap.waits[0], 1] = t, line
                cap.waits[0] += 1
            else:
                made.tally[LOST] += orders.qty[orders.start[t] + line]


@inner
def _admit_waiting(orders: Orders, day: int, costs: Costs, duals: Duals, goods: Goods, cap: Cap, made: Made) -> None:
    """Place the line that has waited longest, as a part of its own, if there is room and stock for it now.

    One that no node has any more goes to the end of those who wait: it does not stand in the others' way.
    """
    t, line = cap.waiting[0, 0], cap.waiting[0, 1]
    i, dest, nodes = orders.start[t] + line, orders.dest[t], goods.stock.shape[1]
    q, s = orders.qty[i], orders.sku[i]
    ticks = 1 if cap.control[MEASURE] == PARTS else size_of(orders, i, cap)
    open_to_capped = admits(cap.window, 0, ticks)
    least, where, has = NEVER, -1, False
    for n in range(nodes):
        has = has or goods.stock[s, n] >= q
        if goods.stock[s, n] < q or goods.work[day, n] < q or (cap.side[n] and not open_to_capped):
            continue
        cost = costs.fixed[dest, n] + q * (
            costs.per_unit[s, n] + duals.stock[s, n] + costs.per_weight[dest, n] * costs.weight[s]
        )
        if cost < least:
            least, where = cost, n
    if where < 0 and has:
        return
    for j in range(cap.waits[0] - 1):
        cap.waiting[j, 0], cap.waiting[j, 1] = cap.waiting[j + 1, 0], cap.waiting[j + 1, 1]
    if where < 0:
        cap.waiting[cap.waits[0] - 1, 0], cap.waiting[cap.waits[0] - 1, 1] = t, line
        return
    cap.waits[0] -= 1
    made.node[i] = where
    goods.stock[s, where] -= q
    goods.work[day, where] -= q
    made.tally[COST] += costs.fixed[dest, where] + q * (
        costs.per_unit[s, where] + costs.per_weight[dest, where] * costs.weight[s]
    )
    made.tally[PACKAGES] += 1
    made.tally[OPEN] -= q
    if day > orders.day[t]:
        made.tally[LATE] += q
    made.place[i] = cap.window.count[0]
    for _ in range(ticks):
        enter(cap.window, cap.side[where])
    drip(cap, ticks, cap.side[where])
    made.tally[CAPPED] += ticks * cap.side[where]


CAP = "int8[::1],int64[::1],int64[::1],int64[::1],uint8[::1],int64[::1],int64[::1],int64[:,::1],int64[::1]"
MADE = "int64[::1],int64[::1],float64[::1]"


@entry(f"void({COSTS},{GOODS},{ORDERS},{DUALS},{CAP},{MADE},int64,int64)")
def run(
    fixed: Array, per_weight: Array, per_unit: Array, weight: Array, stock: Array, work: Array,
    day: Array, dest: Array, population: Array, start: Array, sku: Array, qty: Array, value: Array,
    stock_price: Array, work_price: Array, cap_price: Array,
    sides: Array, inside: Array, count: Array, rule: Array, side: Array, bucket: Array, control: Array, waiting: Array,
    waits: Array, node: Array, place: Array, tally: Array, begin: int, end: int,
) -> None:  # fmt: skip
    """Decide orders `begin` to `end`, in place."""
    costs, goods, duals = (
        Costs(fixed, per_weight, per_unit, weight),
        Goods(stock, work),
        Duals(stock_price, work_price, cap_price),
    )
    orders = Orders(day, dest, population, start, sku, qty, value)
    cap = Cap(Window(sides, inside, count, rule), side, bucket, control, waiting, waits)
    made, desk = Made(node, place, tally), new_desk(longest(start), fixed.shape[1])
    lost, kept = np.empty(desk.out.shape[0]), np.empty(desk.out.shape[0], np.int64)
    for t in range(begin, end):
        decide(orders, t, costs, duals, goods, cap, made, lost, desk, kept)
        if waits[0] and control[GATED]:
            _admit_waiting(orders, day[t], costs, duals, goods, cap, made)
