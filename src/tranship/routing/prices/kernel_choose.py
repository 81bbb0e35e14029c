"""The cheapest way to ship one order at additive costs and prices, compiled: exact up to SMALL lines and up to EXACT_NODES nodes.

What makes a node possible for a line is the caller's business: a value of NEVER rules it out. Lines that no node can ship, or
that cost more than `penalty` everywhere, stay unfilled at that price.
"""

# mypy: disable-error-code="no-any-return"

from typing import NamedTuple

from tranship.routing.kernel_cost import Array
from tranship.routing.kernel_jit import inlined, inner

SMALL = 3
"""Lines up to which all sets of lines are looked at."""
EXACT_NODES = 10
"""Nodes up to which, above SMALL lines, all sets of nodes are looked at; above, sets grow and shrink by one node."""
NEVER = 1e15
"""Value of a line at a node that cannot ship it."""


class Desk(NamedTuple):
    """Working memory of one order: at most L lines, N nodes."""

    value: Array  # [N, L] float64 what each line costs at each node, prices included, parts not
    fixed: Array  # [N] float64 what opening a part costs, prices included
    best: Array  # [8] float64
    at: Array  # [8] int64
    out: Array  # [L] int64 node of each line, N: unfilled
    used: Array  # [N] uint8
    trial: Array  # [L] int64
    low: Array  # [N, L] float64 of each node: what lines cost at their cheapest node of a set, from this one up


@inlined
def choose(lines: int, nodes: int, penalty: Array, desk: Desk) -> float:
    """Fill `desk.out` from `desk.value` and `desk.fixed`; returns the cost. `penalty[l]`: what leaving line l costs."""
    if lines == 0:
        return 0.0
    if lines <= SMALL:
        return _few_lines(lines, nodes, penalty, desk)
    return _many_lines(lines, nodes, penalty, desk)


@inlined
def _few_lines(lines: int, nodes: int, penalty: Array, desk: Desk) -> float:
    value, fixed, best, at, out = desk.value, desk.fixed, desk.best, desk.at, desk.out
    full = (1 << lines) - 1
    for m in range(1, full + 1):
        cost = 0.0
        for line in range(lines):
            if m >> line & 1:
                cost += penalty[line]
        best[m], at[m] = cost, nodes
    for n in range(nodes):
        f = fixed[n]
        if f >= NEVER:
            continue
        a = f + value[n, 0]
        if a < best[1]:
            best[1], at[1] = a, n
        if lines == 1:
            continue
        b = value[n, 1]
        if f + b < best[2]:
            best[2], at[2] = f + b, n
        if a + b < best[3]:
            best[3], at[3] = a + b, n
        if lines == 2:
            continue
        c = value[n, 2]
        if f + c < best[4]:
            best[4], at[4] = f + c, n
        if a + c < best[5]:
            best[5], at[5] = a + c, n
        if f + b + c < best[6]:
            best[6], at[6] = f + b + c, n
        if a + b + c < best[7]:
            best[7], at[7] = a + b + c, n
    return _partition(lines, best, at, out)


@inlined
def _partition(lines: int, best: Array, at: Array, out: Array) -> float:
    """The cheapest way to cut up to three lines into parts, each at its own best node."""
    if lines == 1:
        out[0] = at[1]
        return best[1]
    if lines == 2:
        out[0] = out[1] = at[3]
        if best[1] + best[2] < best[3]:
            out[0], out[1] = at[1], at[2]
            return best[1] + best[2]
        return best[3]
    cost = best[7]
    out[0] = out[1] = out[2] = at[7]
    if best[3] + best[4] < cost:
        cost = best[3] + best[4]
        out[0] = out[1] = at[3]
        out[2] = at[4]
    if best[5] + best[2] < cost:
        cost = best[5] + best[2]
        out[0] = out[2] = at[5]
        out[1] = at[2]
    if best[6] + best[1] < cost:
        cost = best[6] + best[1]
        out[1] = out[2] = at[6]
        out[0] = at[1]
    if best[1] + best[2] + best[4] < cost:
        cost = best[1] + best[2] + best[4]
        out[0], out[1], out[2] = at[1], at[2], at[4]
    return cost


@inner
def _assigned(lines: int, nodes: int, penalty: Array, desk: Desk, out: Array) -> float:
    """Cost of sending each line to its cheapest node of `desk.used`, every node of the set paid for; fills `out`."""
    value, fixed, used = desk.value, desk.fixed, desk.used
    cost = 0.0
    for n in range(nodes):
        if used[n]:
            cost += fixed[n]
    for line in range(lines):
        least, where = penalty[line], nodes
        for n in range(nodes):
            if used[n] and value[n, line] < least:
                least, where = value[n, line], n
        out[line] = where
        cost += least
    return cost


@inner
def _many_lines(lines: int, nodes: int, penalty: Array, desk: Desk) -> float:
    active = 0
    for n in range(nodes):
        desk.used[n] = 0
        if desk.fixed[n] < NEVER:
            active += 1
    if active <= EXACT_NODES:
        return _all_sets(lines, nodes, penalty, desk)
    return _grown_set(lines, nodes, penalty, desk)


@inner
def _all_sets(lines: int, nodes: int, penalty: Array, desk: Desk) -> float:
    """Every set of nodes, counted up; the set's bits are carried in `desk.used` like an odometer.

    A set is the one without its lowest node, and that node: `desk.low[n]` keeps what each line costs at its cheapest node of the
    set from n up.
    A set whose parts alone cost too much beside each line's cheapest node of all is passed over, and so are those it grows into.
    """
    used, fixed, value, low = desk.used, desk.fixed, desk.value, desk.low
    least, kept, seen = _nothing(lines, penalty), 0, 0
    floor = _floor(lines, nodes, penalty, desk)
    floor -= 1e-9 * (abs(floor) + 1.0)  # sums in another order differ in their last digits
    while True:
        n = 0
        while n < nodes:
            if fixed[n] < NEVER:
                if used[n] == 0:
                    used[n] = 1
                    break
                used[n] = 0
            n += 1
        if n == nodes:
            break
        seen += 1
        cost, above = 0.0, nodes
        for m in range(nodes):
            if used[m]:
                cost += fixed[m]
                if m > n and above == nodes:
                    above = m
        if cost + floor > least:
            continue  # nothing is lost: with more nodes it costs no less
        rest = penalty if above == nodes else low[above]
        for line in range(lines):
            at = min(rest[line], value[n, line])
            low[n, line] = at
            cost += at
        if cost < least:
            least, kept = cost, seen
    _set_of(kept, nodes, desk)
    return _assigned(lines, nodes, penalty, desk, desk.out)


@inner
def _nothing(lines: int, penalty: Array) -> float:
    cost = 0.0
    for line in range(lines):
        cost += penalty[line]
    return cost


@inner
def _floor(lines: int, nodes: int, penalty: Array, desk: Desk) -> float:
    """What the lines cost at the least, parts left aside."""
    total = 0.0
    for line in range(lines):
        least = penalty[line]
        for n in range(nodes):
            if desk.fixed[n] < NEVER:
                least = min(least, desk.value[n, line])
        total += least
    return total


@inner
def _set_of(number: int, nodes: int, desk: Desk) -> None:
    """The set that the odometer shows at its step `number`."""
    for n in range(nodes):
        desk.used[n] = 0
        if desk.fixed[n] < NEVER:
            desk.used[n] = number & 1
            number >>= 1


@inner
def _grown_set(lines: int, nodes: int, penalty: Array, desk: Desk) -> float:
    """Local search: open or close the one node that saves most, from nothing, until none saves. An upper estimate."""
    used, fixed, out, trial = desk.used, desk.fixed, desk.out, desk.trial
    least = _assigned(lines, nodes, penalty, desk, out)
    for _ in range(2 * nodes):
        change, which = least, -1
        for n in range(nodes):
            if fixed[n] < NEVER:
                used[n] = 1 - used[n]
                cost = _assigned(lines, nodes, penalty, desk, trial)
                used[n] = 1 - used[n]
                if cost < change - 1e-9:
                    change, which = cost, n
        if which < 0:
            break
        used[which] = 1 - used[which]
        least = _assigned(lines, nodes, penalty, desk, out)
    return least


@inlined
def relaxed(lines: int, nodes: int, penalty: Array, desk: Desk) -> float:
    """A cost that no way to ship the order is below: `choose` where that is exact, else each line carries its share of a part."""
    active = 0
    for n in range(nodes):
        if desk.fixed[n] < NEVER:
            active += 1
    if lines <= SMALL or active <= EXACT_NODES:
        return choose(lines, nodes, penalty, desk)
    choose(lines, nodes, penalty, desk)  # for what it uses, which only steers the search of prices
    total = 0.0
    for line in range(lines):
        least = penalty[line]
        for n in range(nodes):
            least = min(least, desk.value[n, line] + desk.fixed[n] / lines)
        total += least
    return total
