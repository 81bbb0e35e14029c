"""A stream of common orders decided one after another, compiled: the short way of `routing.quick` without Python between the orders.

Each order sees the shelves, the nodes' work and the caps as the orders before it left them. The kernel stops at the first order that
needs the long way. What it changed on the shelves is put back before it returns: only `evolve` changes balances.
"""

# mypy: disable-error-code="no-any-return"
# Arrays are Any here: their types are the entry's compiled signature, which refuses any other.

from typing import NamedTuple

import numpy as np

from tranship.routing.kernel_cost import Array, Cards, Priced, price_line
from tranship.routing.kernel_jit import allocating, entry, inlined
from tranship.routing.kernel_layout import (
    ALT_COST,
    ALT_NODES,
    CAPACITY,
    CEILING,
    CHANNEL,
    COST,
    COUNT,
    DAY_PRICE,
    FIRST,
    FOUND,
    GATES,
    LANE,
    MEASURE,
    MOST_LINES,
    MOST_PRICE,
    MOST_UNITS,
    MOST_UNITS_A_LINE,
    NODE,
    NOT_COUNTED,
    PRICED,
    QTY,
    SKU,
    STOCKLESS,
    UNITS,
    USED,
    VALUE,
    W_CAPPED,
    W_ENTERED,
    W_INSIDE,
    WORTH,
    ZONES,
)
from tranship.routing.kernel_limits import ORDER_FEE, SUBSET_LINES
from tranship.routing.kernel_subset import SubsetRoom, solve_subset
from tranship.routing.kernel_window import Caps, caps_enter, caps_take, limit, price_now


class Stream(NamedTuple):
    """What is asked, and where."""

    orders: Array  # [B, 7]
    lines: Array  # [T, 3]
    lane_open: Array  # [K, N] uint8: may ship, and in time
    lane_free: Array  # [K] bits of nodes that are out for lateness at most
    lane_price: Array  # [K, N] what being late is expected to cost, a unit
    zones: Array  # [Z, N]
    rates: Array  # [2 Z, N, W] price of a carton by band
    shelf: Array  # [S, N]
    stock: Array  # [S, N] price of a unit; no rows: nothing has a price
    work: Array  # [5, N]


class Desk(NamedTuple):
    """Working memory of one decision."""

    ints: Array  # [3, 8] q, w, v
    feasible: Array  # [8, N]
    base: Array  # [8, N]
    unit: Array  # [8, U, 5]
    opened: Array  # [N]
    totals: Array  # [3 * 256]
    sets: Array  # [4 * 256]
    choice: Array  # [N * 256]
    pool_choice: Array  # [N * 256]
    nodes: Array  # [6, N]
    ok: Array  # [8, N]
    mu: Array  # [8, N]
    node_rows: Array  # [3, N] gamma, price of a unit, price of a minor unit
    answer: Array  # [3, 9]


@allocating
def new_desk(nodes: int, cards: int) -> Desk:
    """Room for decisions."""
    i64, most, sets = np.int64, SUBSET_LINES, 1 << SUBSET_LINES
    return Desk(
        np.empty((3, most), i64), np.empty((most, nodes), np.bool_), np.empty((most, nodes), i64),
        np.empty((most, cards, 5), i64), np.empty(nodes, i64), np.empty(3 * sets, i64), np.empty(4 * sets, i64),
        np.empty(nodes * sets, np.uint8), np.empty(nodes * sets, np.uint8), np.empty((6, nodes), i64),
        np.empty((most, nodes), np.uint8), np.empty((most, nodes), i64), np.empty((3, nodes), i64),
        np.zeros((3, most + 1), i64),
    )  # fmt: skip


@inlined
def covered(stream: Stream, i: int, desk: Desk) -> int:
    """Mark which node can ship which line whole and in time; the nodes without stock of any line as bits, -1 where a line has no node."""
    nodes, shelf, orders, lines = stream.shelf.shape[1], stream.shelf, stream.orders, stream.lines
    lane, first, there = orders[i, LANE], orders[i, FIRST], 0
    for line in range(orders[i, COUNT]):
        sku, asked, found = lines[first + line, SKU], lines[first + line, QTY], False
        desk.ints[0, line] = asked
        for n in range(nodes):
            units = shelf[sku, n]
            can = units >= asked and stream.lane_open[lane, n] != 0
            desk.ok[line, n] = can
            found = found or can
            if units != 0:
                there |= 1 << n
        if not found:
            return -1
    return stream.lane_free[lane] & ~there


@inlined
def add_up(stream: Stream, i: int) -> bool:
    """Fill the order's units and worth; false where its lines need a closer look."""
    orders, lines, first = stream.orders, stream.lines, stream.orders[i, FIRST]
    units, worth, count = 0, 0, orders[i, COUNT]
    if count < 1 or count > SUBSET_LINES:
        return False
    for line in range(first, first + count):
        sku, qty, value = lines[line, SKU], lines[line, QTY], lines[line, VALUE]
        if sku < 0 or qty < 1 or qty > MOST_UNITS_A_LINE or value < 0 or value > MOST_PRICE:
            return False
        for other in range(first, line):
            if lines[other, SKU] == sku:
                return False
        units += qty
        worth += qty * value
    orders[i, UNITS], orders[i, WORTH] = units, worth
    return True


@inlined
def fits_today(stream: Stream, units: int) -> bool:
    """Whether each node with a limit has room for the order on its first day."""
    work = stream.work
    for n in range(work.shape[1]):
        if work[CAPACITY, n] and work[USED, n] + units > work[CAPACITY, n]:
            return False
    return True


@inlined
def charge(stream: Stream, caps: Caps, i: int, desk: Desk) -> bool:
    """Fill what parts, units and value are charged at each node; false where the sums might be too large."""
    rows, channel = desk.node_rows, stream.orders[i, CHANNEL]
    most = 0
    for n in range(rows.shape[1]):
        rows[0, n] = rows[2, n] = 0
        rows[1, n] = stream.work[DAY_PRICE, n] + stream.lane_price[stream.orders[i, LANE], n]
        most = max(most, rows[1, n])
    by_value = 0
    for k in range(caps.caps.shape[0]):
        if caps.gates[channel, k] == NOT_COUNTED:
            continue
        price, measure = price_now(caps, k), caps.caps[k, MEASURE]
        if measure == 1:
            most += price
        elif measure == 2:
            by_value += price
        for n in range(rows.shape[1]):
            if caps.nodes[k, n]:
                rows[measure if measure != 0 else 0, n] += price
    worth, units = stream.orders[i, WORTH], stream.orders[i, UNITS]
    ceiling = CEILING // SUBSET_LINES
    return most <= ceiling // units and (by_value == 0 or worth <= ceiling // by_value)


@inlined
def price_lines(stream: Stream, i: int, desk: Desk, order: Priced, cards: Cards) -> bool:
    """Price the order's lines and parts for every node; false where a line has no node, or the charge might be too large."""
    zone, rows, mu = stream.zones[stream.orders[i, ZONES] // 2], desk.node_rows, desk.mu
    first, priced = stream.orders[i, FIRST], stream.stock.shape[0] > 0
    ceiling = CEILING // SUBSET_LINES // stream.orders[i, UNITS]
    for line in range(stream.orders[i, COUNT]):
        sku, qty = stream.lines[first + line, SKU], stream.lines[first + line, QTY]
        worth = qty * stream.lines[first + line, VALUE]
        for n in range(rows.shape[1]):
            each = rows[1, n]
            if priced:
                each += stream.stock[sku, n]
            if each > ceiling:
                return False
            mu[line, n] = each * qty + rows[2, n] * worth
        if not price_line(order, line, sku, desk.ok, mu, zone, cards):
            return False
    for n in range(rows.shape[1]):
        order.opened[n] = order.node[n, ORDER_FEE] + rows[0, n]
    return True


@inlined
def room_for(desk: Desk, count: int) -> SubsetRoom:
    """Working memory of the exact program, in the shape that orders of `count` lines need."""
    size, nodes = 1 << count, desk.nodes.shape[1]
    return SubsetRoom(
        desk.totals[: 3 * size].reshape((3, size)), desk.sets[: 4 * size].reshape((4, size)),
        desk.choice[: nodes * size].reshape((nodes, size)), desk.pool_choice[: nodes * size].reshape((nodes, size)),
        desk.nodes,
    )  # fmt: skip


@inlined
def solve(stream: Stream, i: int, desk: Desk, cards: Cards) -> int:
    """Fill `desk.answer` with the optimum and up to two other solutions of order i; how many."""
    count = stream.orders[i, COUNT]
    order = Priced(
        desk.ints[0][:count], desk.ints[1][:count], desk.ints[2][:count], desk.feasible[:count], desk.base[:count],
        desk.unit[:count], desk.opened, stream.rates[stream.orders[i, ZONES]], cards.node, cards.band_of,
    )  # fmt: skip
    if not price_lines(stream, i, desk, order, cards):
        return 0
    for row in range(3):
        for line in range(count, SUBSET_LINES):
            desk.answer[row, 1 + line] = 0  # solutions are compared over the whole row
    return solve_subset(order, room_for(desk, count), desk.answer)


@inlined
def price_of(desk: Desk, row: int, count: int) -> tuple[int, int]:
    """(prices inside the cost of a solution, its nodes as bits)."""
    total, used = 0, 0
    for line in range(count):
        n = desk.answer[row, 1 + line]
        total += desk.mu[line, n]
        if not (used >> n) & 1:
            used |= 1 << n
            total += desk.node_rows[0, n]
    return total, used


@inlined
def write(stream: Stream, caps: Caps, i: int, stockless: int, found: int, desk: Desk, row: Array) -> None:
    """The decision, as Python makes its events of it."""
    count, answer = stream.orders[i, COUNT], desk.answer
    row[NODE], row[PRICED], row[STOCKLESS], row[FOUND] = answer[0, 1], answer[0, 0], stockless, found
    row[COST] = answer[0, 0] - price_of(desk, 0, count)[0]
    for other in range(1, found):
        total, used = price_of(desk, other, count)
        row[ALT_COST + 2 * (other - 1)] = answer[other, 0] - total
        row[ALT_NODES + 2 * (other - 1)] = used
    for k in range(caps.caps.shape[0]):
        at, window = GATES + 4 * k, caps.windows[k]
        row[at] = -1
        if caps.gates[stream.orders[i, CHANNEL], k] != NOT_COUNTED:
            row[at], row[at + 1] = window[W_INSIDE], window[W_CAPPED]
            row[at + 2] = limit(window, window[W_ENTERED] + 1)
            row[at + 3] = price_now(caps, k)


@inlined
def decide(stream: Stream, caps: Caps, i: int, desk: Desk, cards: Cards, row: Array) -> int:
    """Decide order i; its node, or -1 where it needs the long way."""
    orders = stream.orders
    if orders[i, LANE] < 0 or not add_up(stream, i):
        return -1
    count, units = orders[i, COUNT], orders[i, UNITS]
    if not fits_today(stream, units):
        return -1
    stockless = covered(stream, i, desk)
    if stockless < 0 or not charge(stream, caps, i, desk):
        return -1
    found = solve(stream, i, desk, cards)
    if found == 0:
        return -1
    node = desk.answer[0, 1]
    for line in range(1, count):
        if desk.answer[0, 1 + line] != node:
            return -1
    if count > stream.work[MOST_LINES, node] or units > stream.work[MOST_UNITS, node]:
        return -1
    if not caps_take(caps, orders[i, CHANNEL], node, units, orders[i, WORTH]):
        return -1
    write(stream, caps, i, stockless, found, desk, row)
    return node


@inlined
def take(stream: Stream, i: int, node: int, sign: int) -> None:
    """Take the order's units from the shelf (`sign` 1), or put them back (-1)."""
    first = stream.orders[i, FIRST]
    for line in range(first, first + stream.orders[i, COUNT]):
        stream.shelf[stream.lines[line, SKU], node] -= sign * stream.lines[line, QTY]


@inlined
def run(stream: Stream, caps: Caps, begin: int, desk: Desk, cards: Cards, out: Array) -> int:
    """Decide from order `begin` on; the first that needs the long way, or how many orders there are."""
    end, count = begin, stream.orders.shape[0]
    while end < count:
        node = decide(stream, caps, end, desk, cards, out[end])
        if node < 0:
            break
        take(stream, end, node, 1)
        if stream.work[CAPACITY, node]:
            stream.work[USED, node] += stream.orders[end, UNITS]
        caps_enter(caps, stream.orders[end, CHANNEL], node, stream.orders[end, UNITS], stream.orders[end, WORTH])
        end += 1
    for i in range(begin, end):
        take(stream, i, out[i, NODE], -1)
    return end


_INTS, _BYTES, _CUBE = "int64[:,::1]", "uint8[:,::1]", "int64[:,:,::1]"


@entry(
    f"int64({_INTS},{_INTS},{_BYTES},int64[::1],{_INTS},{_INTS},{_CUBE},{_INTS},{_INTS},{_INTS},"
    f"{_INTS},{_BYTES},{_INTS},{_INTS},{_INTS},{_BYTES},"
    f"{_INTS},{_CUBE},{_BYTES},{_CUBE},{_INTS},{_BYTES},int64,{_INTS})"
)
def decide_stream(
    orders: Array, lines: Array, lane_open: Array, lane_free: Array, lane_price: Array, zones: Array, rates: Array,
    shelf: Array, stock: Array, work: Array, caps: Array, cap_nodes: Array, gates: Array, windows: Array, sizes: Array, flags: Array,
    node: Array, parcel: Array, band_of: Array, unit_price: Array, goods: Array, fits: Array, begin: int, out: Array,
) -> int:  # fmt: skip
    """Decide orders `begin`.. into `out`; where it stopped. `caps`, `windows`, `sizes`, `flags` and `work` are left as after the last."""
    desk = new_desk(node.shape[0], unit_price.shape[0])
    stream = Stream(orders, lines, lane_open, lane_free, lane_price, zones, rates, shelf, stock, work)
    return run(
        stream, Caps(caps, cap_nodes, gates, windows, sizes, flags), begin, desk,
        Cards(node, parcel, band_of, unit_price, goods, fits), out,
    )  # fmt: skip
