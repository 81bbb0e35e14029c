"""Orders that have not left yet are decided again, together: passes over what is pending, each order with its own units back on the shelf.

An order moves where that pays more than `least_gain`, fills no less, and every window of the share cap that holds one of its
ticks still keeps the rule (ticks change side where they stand). Cap room is priced by the room around an order's own place in
the stream: where windows are slack a capped tick is cheap, where one is full it is dear. What waited for room may find it now.
"""

# mypy: disable-error-code="no-any-return"

import numpy as np

from tranship.routing.kernel_cost import Array
from tranship.routing.kernel_jit import entry, inner
from tranship.routing.prices.kernel_choose import Desk, choose
from tranship.routing.prices.kernel_dual import COSTS, DUALS, GOODS, ORDERS, longest, new_desk
from tranship.routing.prices.kernel_stream import (
    BY_PART,
    CAP,
    CAPPED,
    COST,
    FILL,
    GATED,
    MADE,
    MEASURE,
    OPEN,
    PACKAGES,
    Cap,
    Made,
    book,
    is_new,
    line_value,
    real_cost,
    size_of,
    value_lines,
)
from tranship.routing.prices.kernel_window import Window, admits, enter, limit, may_turn, slacks, turn
from tranship.routing.prices.problem import VALUE, Costs, Duals, Goods, Orders

REFRESH = 100
"""Orders after which the room around places is counted afresh."""


@inner
def _held(
    orders: Orders, t: int, lines: int, costs: Costs, duals: Duals, made: Made, cap: Cap, room: float, penalty: float
) -> tuple[float, int]:  # fmt: skip
    """Priced cost of what order t holds now, and its open units.

    Not from the desk: a node that has no work left for the whole order may hold a part of it.
    """
    first, nodes, total, open_ = orders.start[t], cap.side.shape[0], 0.0, 0
    dest, day, by_part, by_value = orders.dest[t], orders.day[t], cap.control[BY_PART], cap.control[MEASURE] == VALUE
    for line in range(lines):
        n = made.node[first + line]
        if n == nodes:
            open_ += orders.qty[first + line]
            total += penalty * orders.qty[first + line]
            continue
        tick = room if cap.side[n] else 0.0
        total += line_value(orders, first + line, n, 0.0 if by_part else tick, costs, duals, dest, day, by_value)
        if is_new(made.node, first, line):
            total += costs.fixed[dest, n] + (tick if by_part else 0.0)
    return total, open_


@inner
def _turn_all(orders: Orders, first: int, lines: int, node: Array, at: int, made: Made, cap: Cap) -> None:
    """Set the sides of a line's ticks as `node` says, without asking."""
    for line in range(lines):
        n, place = node[at + line], made.place[first + line]
        if place >= 0 and n < cap.side.shape[0]:
            for tick in range(size_of(orders, first + line, cap)):
                turn(cap.window, place + tick, cap.side[n])


@inner
def _may_move(orders: Orders, t: int, lines: int, made: Made, cap: Cap, out: Array) -> bool:
    """Turn the ticks to the new nodes if the rule allows; else leave all as it was. New units are only looked at."""
    first, nodes, allowed, independent, capped = orders.start[t], cap.side.shape[0], True, 0, 0
    for line in range(lines):  # those that leave the capped side make room for the others
        place, n = made.place[first + line], out[line]
        if place >= 0 and n < nodes and not cap.side[n]:
            for tick in range(size_of(orders, first + line, cap)):
                turn(cap.window, place + tick, 0)
    for line in range(lines):
        place, n = made.place[first + line], out[line]
        if n == nodes or not allowed:
            continue
        if place < 0:
            if cap.side[n]:
                capped += size_of(orders, first + line, cap)
            else:
                independent += size_of(orders, first + line, cap)
        elif cap.side[n]:
            for tick in range(size_of(orders, first + line, cap)):
                if allowed and not cap.window.side[place + tick]:
                    allowed = may_turn(cap.window, place + tick)
                    if allowed:
                        turn(cap.window, place + tick, 1)
    if allowed and capped:
        allowed = admits(cap.window, independent, capped)
    if not allowed:
        _turn_all(orders, first, lines, made.node, first, made, cap)
    return allowed


@inner
def _move(orders: Orders, t: int, lines: int, costs: Costs, goods: Goods, cap: Cap, made: Made, out: Array) -> None:
    """Carry out a move that was allowed; the old units are back on the shelf already."""
    first, nodes = orders.start[t], cap.side.shape[0]
    parts = made.tally[PACKAGES]
    made.tally[COST] -= real_cost(orders, t, lines, made.node, first, costs, made)
    old = made.tally[PACKAGES] - parts
    made.tally[PACKAGES] = parts - old
    for side in range(2):  # the independent ones first, as `admits` was asked
        for line in range(lines):
            n = out[line]
            if made.node[first + line] == nodes and n < nodes and cap.side[n] == side:
                made.place[first + line] = cap.window.count[0]
                for _ in range(size_of(orders, first + line, cap)):
                    enter(cap.window, side)
    for line in range(lines):
        was, n, q = made.node[first + line], out[line], orders.qty[first + line]
        if was == nodes and n < nodes:
            made.tally[OPEN] -= q
        made.tally[CAPPED] += size_of(orders, first + line, cap) * (
            (n < nodes and cap.side[n]) - (was < nodes and cap.side[was])
        )
        made.node[first + line] = n
    made.tally[COST] += real_cost(orders, t, lines, made.node, first, costs, made)
    book(orders, t, lines, made.node, first, goods, 1)
    for j in range(cap.waits[0] - 1, -1, -1):  # what waited and has a node now waits no more
        if made.node[orders.start[cap.waiting[j, 0]] + cap.waiting[j, 1]] < nodes:
            cap.waits[0] -= 1
            for i in range(j, cap.waits[0]):
                cap.waiting[i, 0], cap.waiting[i, 1] = cap.waiting[i + 1, 0], cap.waiting[i + 1, 1]


@inner
def _first_place(orders: Orders, begin: int, end: int, made: Made) -> int:
    """The earliest place of these orders' ticks; -1 where they have none."""
    least = -1
    for i in range(orders.start[begin], orders.start[end]):
        if made.place[i] >= 0 and (least < 0 or made.place[i] < least):
            least = made.place[i]
    return least


@inner
def _place_of(orders: Orders, t: int, made: Made, count: int) -> int:
    place = count - 1
    for i in range(orders.start[t], orders.start[t + 1]):
        if 0 <= made.place[i] < place:
            place = made.place[i]
    return place


@inner
def _again(
    orders: Orders, t: int, costs: Costs, duals: Duals, goods: Goods, cap: Cap, made: Made, room: float,
    penalty: float, least_gain: float, lost: Array, desk: Desk,
) -> int:  # fmt: skip
    """Decide order t again; 1: moved, 0: stays."""
    first, nodes = orders.start[t], cap.side.shape[0]
    lines = orders.start[t + 1] - first
    book(orders, t, lines, made.node, first, goods, -1)
    held_capped = 0
    for line in range(lines):
        n = made.node[first + line]
        held_capped += n < nodes and cap.side[n]
        lost[line] = FILL * orders.qty[first + line]
    held, open_before = _held(orders, t, lines, costs, duals, made, cap, room, penalty)
    for shut in (-1, nodes):
        if shut == nodes and held_capped:
            break
        value_lines(orders, t, costs, duals, goods, cap, room, shut, desk)
        found, open_after, dropped = choose(lines, nodes, lost, desk), 0, False
        for line in range(lines):
            if desk.out[line] == nodes:
                open_after += orders.qty[first + line]
                dropped = dropped or made.node[first + line] < nodes  # its ticks would stay behind
        found += open_after * (penalty - FILL)
        if dropped or open_after > open_before or found > held - least_gain:
            break
        if not cap.control[GATED] or _may_move(orders, t, lines, made, cap, desk.out):
            if not cap.control[GATED]:
                _turn_all(orders, first, lines, desk.out, 0, made, cap)
            _move(orders, t, lines, costs, goods, cap, made, desk.out)
            return 1
    book(orders, t, lines, made.node, first, goods, 1)
    return 0


@entry(f"int64({COSTS},{GOODS},{ORDERS},{DUALS},{CAP},{MADE},int64,int64,float64,float64,float64,float64,float64)")
def revise(
    fixed: Array, per_weight: Array, per_unit: Array, weight: Array, stock: Array, work: Array,
    day: Array, dest: Array, population: Array, start: Array, sku: Array, qty: Array, value: Array,
    stock_price: Array, work_price: Array, cap_price: Array,
    sides: Array, inside: Array, count: Array, rule: Array, side: Array, bucket: Array, control: Array, waiting: Array,
    waits: Array, node: Array, place: Array, tally: Array, begin: int, end: int,
    penalty: float, least_gain: float, base: float, swing: float, aim: float,
) -> int:  # fmt: skip
    """One pass over pending orders `begin` to `end`, in place; returns how many moved.

    A capped tick costs `base + swing * (aim - room / burst)`, never below 0; `room` (at most `burst`) is what is left around its place.
    """
    costs, goods, duals = (
        Costs(fixed, per_weight, per_unit, weight),
        Goods(stock, work),
        Duals(stock_price, work_price, cap_price),
    )
    orders = Orders(day, dest, population, start, sku, qty, value)
    cap = Cap(Window(sides, inside, count, rule), side, bucket, control, waiting, waits)
    made, desk = Made(node, place, tally), new_desk(longest(start), fixed.shape[1])
    lost, origin = np.empty(desk.out.shape[0]), _first_place(orders, begin, end, made)
    if origin < 0:  # all of them are open
        origin = count[0]
    around, queue = np.empty(sides.shape[0] - origin, np.int64), np.empty(sides.shape[0] - origin, np.int64)
    moved, known, burst = 0, 0, control[1] / 10_000.0
    for t in range(begin, end):
        room_price = 0.0
        if control[GATED]:
            if (t - begin) % REFRESH == 0:
                slacks(cap.window, origin, around, queue)
                known = count[0]
            place_now = _place_of(orders, t, made, known)
            if place_now >= origin:
                room = around[place_now - origin]
            else:
                room = limit(cap.window, known) - (inside[known - 1] if known else 0)
            room_price = max(0.0, base + swing * (aim - min(room / burst, 1.0)))
        moved += _again(orders, t, costs, duals, goods, cap, made, room_price, penalty, least_gain, lost, desk)
    return moved
