"""The short way to a decision, for most orders: few unrestricted lines that one node ships whole, in time, under open caps.

It gives exactly what `routing.decide.decide` gives by the long way (tests/routing/test_quick.py compares the two), in a third of the
time: arrays are kept between orders, lanes are remembered, and nothing is built that such an order does not need. None: take
the long way.
"""

import numpy as np

from tranship.core.time import add_working_days
from tranship.routing.facts import Facts
from tranship.routing.kernel_limits import SUBSET_LINES
from tranship.routing.model import Alternative, Ask, Decision, Gate, Part, Why
from tranship.routing.promise import NOT_SERVED
from tranship.routing.rooms import MOST_LANES, Lane, Room
from tranship.routing.share import CapState, is_tight
from tranship.routing.situation import Situation

MICROS_PER_DAY = 86_400_000_000
LANE, STOCK, LATE = 3, 7, 8  # of model.Reason, as plain numbers: they are compared for every order


def quick(ask: Ask, facts: Facts, now: Situation, *, counted: bool = True) -> Decision | None:
    """The decision where the order is of the common kind, else None. Changes nothing but the working arrays in `facts`."""
    skus, quantities = ask.skus, ask.quantities
    count, units = len(skus), sum(quantities)
    if not 0 < count <= SUBSET_LINES or now.closed or ask.leaving or ask.parts_left < 1 or not facts.quick:
        return None
    for sku in skus:
        if not facts.free[sku]:
            return None
    lane = _lane(ask, facts)
    for n in facts.limited:
        if now.used[n].get(lane.earliest[n], 0) + units > facts.capacity[n]:
            return None
    room = facts.rooms[count]
    room.sku[:] = skus
    room.q[:] = quantities
    if lane.any_open and _plenty(ask, now):
        ok, reasons = lane.ok[count], lane.reasons
    elif (seen := _cover(room, lane, now)) is not None:
        ok, reasons = room.ok, seen
    else:
        return None
    gates: list[tuple[CapState, int]] = []
    prices = [0] * facts.count
    if counted:
        own = facts.channels[ask.channel].on_platform_for
        for cap in now.caps:
            if cap.network not in own:
                price = cap.bucket.price
                gates.append((cap, price))
                for n in cap.nodes:
                    prices[n] += price
    facts.gamma[:] = prices
    found = facts.solver.solve_small(
        room.q, room.sku, ok, room.mu, facts.gamma, lane.zone, int(ask.residential), room.out
    )
    if not found:
        return None
    rows: list[list[int]] = room.out.tolist()
    priced, node, *others = rows[0]
    for other in others:
        if other != node:
            return None
    if (most := facts.part_limits[node]) is not None and (count > most[0] or units > most[1]):
        return None
    for cap, _ in gates:
        if node in cap.nodes and not _open(ask, gates, node, units):
            return None
    part = Part(
        ask.first_part, node, tuple(ask.lines), tuple(quantities), lane.earliest[node], lane.deliver[node], False,
        priced - prices[node], lane.earliest[node],
    )  # fmt: skip
    why = Why(
        facts.version,
        ask.at // MICROS_PER_DAY,
        reasons,
        tuple([_gate(cap, price) for cap, price in gates]),
        tuple([_dearer(row, prices) for row in rows[1:found]]),
        priced,
    )
    return Decision((part,), (), why)


def _lane(ask: Ask, facts: Facts) -> Lane:
    earliest = facts.calendar.earliest_ship_days(ask.at)
    key = (ask.zip3, ask.service, ask.country, ask.channel, ask.promise_day)
    lane = facts.lanes.get(key)
    if lane is not None and lane.earliest is earliest:
        return lane
    zone, _ = facts.zones(ask.zip3)
    transit = facts.transit(ask.service, ask.zip3)
    reasons = list(facts.static_reasons(ask.country, ask.channel))
    deliver = [0] * facts.count
    for n in range(facts.count):
        if reasons[n]:
            continue
        if transit[n] == NOT_SERVED:
            reasons[n] = LANE
            continue
        deliver[n] = add_working_days(earliest[n], transit[n])
        if deliver[n] > ask.promise_day:
            reasons[n] = LATE  # not used while another node is in time, and where none is this is not the way
    if len(facts.lanes) >= MOST_LANES:
        facts.lanes.clear()
    lane = facts.lanes[key] = Lane(zone, earliest, deliver, reasons)
    return lane


def _plenty(ask: Ask, now: Situation) -> bool:
    """Whether every node, the closed ones too, has all of every line."""
    shelf = now.shelf
    return not [sku for sku, asked in zip(ask.skus, ask.quantities, strict=True) if min(shelf[sku].tolist()) < asked]


def _cover(room: Room, lane: Lane, now: Situation) -> tuple[int, ...] | None:
    """Mark in `room` which node can ship which line whole and in time; the nodes' reasons, or None where a line has no node."""
    now.shelf.take(room.sku, 0, room.stock, "clip")  # "raise" would copy once more; positions were checked by the state
    np.greater_equal(room.stock, room.asked, room.covered)
    np.logical_and(room.covered, lane.open, room.covered)
    for row in room.ok.tolist():
        if 1 not in row:
            return None
    reasons = list(lane.reasons)
    for n, there in enumerate(room.stock.T.tolist()):
        if reasons[n] in (0, LATE) and not any(there):
            reasons[n] = STOCK
    return tuple(reasons)


def _open(ask: Ask, gates: list[tuple[CapState, int]], node: int, units: int) -> bool:
    """Whether every cap admits the whole order at `node` without touching its reserve (False also where that takes a closer look)."""
    for cap, _ in gates:
        windows = cap.windows(ask.channel)
        if cap.by_count:  # nearly always: entries of one, and a window that has been full for long
            reserve = cap.cap.reserve
            for window in windows:
                if window.entered < window.window:
                    if node in cap.nodes and not window.admits_one(1, True):
                        return False
                elif window.most - window.inside_capped <= reserve:
                    return False
            continue
        if node in cap.nodes:
            value = sum(n * price for line in ask.prices for n, price in line)
            size = cap.size_of(units, value)
            for window in windows:
                if not window.admits_one(size, True):
                    return False
        if cap.cap.reserve and is_tight(cap, windows):
            return False
    return True


def _gate(cap: CapState, price: int) -> Gate:
    total = cap.total
    limit = total.most if total.entered >= total.window else total.limit(total.entered + 1)
    return Gate(cap.network, total.inside, total.inside_capped, limit, price, False)


def _dearer(row: list[int], prices: list[int]) -> Alternative:
    cost, *assigned = row
    nodes = sorted(set(assigned))
    for n in nodes:
        cost -= prices[n]
    return Alternative(tuple(nodes), cost, "dearer")
