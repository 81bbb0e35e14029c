"""The short way to a decision, for most orders: few unrestricted lines that one node ships whole, in time, under open caps.

It gives exactly what `routing.decide.decide` gives by the long way (tests/routing/test_quick.py compares the two), in a third of the
time: arrays are kept between orders, lanes are remembered, and nothing is built that such an order does not need. None: take
the long way.
"""

import numpy as np

from tranship.core.time import add_working_days
from tranship.routing.facts import Facts
from tranship.routing.kernel_limits import SUBSET_LINES
from tranship.routing.model import Alternative, Ask, Decision, Gate, Ints, Part, Why
from tranship.routing.prices.charges import CEILING, book_at, day_prices
from tranship.routing.prices.model import PriceTables
from tranship.routing.promise import NOT_SERVED
from tranship.routing.rooms import MOST_LANES, Lane, Room
from tranship.routing.share import CapState, is_tight
from tranship.routing.situation import Situation

MICROS_PER_DAY = 86_400_000_000
LANE, STOCK, LATE, LEAK = 3, 7, 8, 11  # of model.Reason, as plain numbers: they are compared for every order
NOWHERE: frozenset[int] = frozenset()


def quick(ask: Ask, facts: Facts, now: Situation, *, counted: bool = True) -> Decision | None:
    """The decision where the order is of the common kind, else None. Changes nothing but the working arrays in `facts`."""
    skus, quantities, count, units = ask.skus, ask.quantities, len(ask.skus), sum(ask.quantities)
    if not 0 < count <= SUBSET_LINES or now.closed or ask.parts_left < 1 or not facts.quick:
        return None
    for sku in skus:
        if not facts.free[sku]:
            return None
    if (kept := _kept(ask, now) if now.kept else NOWHERE) is None:
        return None
    lane = _lane(ask, facts, kept)
    if facts.limited and _crowded(facts, now, lane, units):
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
    sized: list[tuple[CapState, int]] = []
    if counted:
        own = facts.channels[ask.channel].on_platform_for
        for cap in now.caps:
            if cap.network not in own:
                price = cap.bucket.price
                gates.append((cap, price))
                if not cap.by_count:
                    sized.append((cap, price))
                    continue
                for n in cap.nodes:
                    prices[n] += price
    facts.gamma[:] = prices
    book = now.prices and book_at(now.prices, ask.at)
    mu = _charged(ask, facts, room, lane, book, sized, units)
    if mu is None:
        return None
    found = facts.solver.solve_small(room.q, room.sku, ok, mu, facts.gamma, lane.zone, int(ask.residential), room.out)
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
        if node in cap.nodes and not _admitted(ask, now, gates, node, units):
            return None
    charges: list[list[int]] = [] if mu is room.mu else mu.tolist()
    part = Part(
        ask.first_part, node, tuple(ask.lines), tuple(quantities), lane.earliest[node], lane.deliver[node],
        facts.lateness.late(lane.on_time[node]), priced - prices[node] - sum([row[node] for row in charges]),
        lane.earliest[node], False, lane.on_time[node],
    )  # fmt: skip
    why = Why(
        facts.version,
        ask.at // MICROS_PER_DAY,
        reasons,
        tuple([_gate(cap, price) for cap, price in gates]),
        tuple([_dearer(row, prices, charges) for row in rows[1:found]]),
        priced,
        book.version if book is not None else 0,
    )
    return Decision((part,), (), why)


def _kept(ask: Ask, now: Situation) -> frozenset[int] | None:
    """Nodes that a leak budget keeps the whole order off; None where it keeps off some of its SKUs only."""
    nodes = now.kept.get(ask.skus[0], NOWHERE)
    for sku in ask.skus:
        if now.kept.get(sku, NOWHERE) != nodes:
            return None
    return nodes


def _crowded(facts: Facts, now: Situation, lane: Lane, units: int) -> bool:
    """Whether some node has no room for the units on its earliest day."""
    return any(now.used[n].get(lane.earliest[n], 0) + units > facts.capacity[n] for n in facts.limited)


def _lane(ask: Ask, facts: Facts, kept: frozenset[int] = NOWHERE) -> Lane:
    earliest = facts.calendar.earliest_ship_days(ask.at)
    key = (ask.zip3, ask.service, ask.country, ask.channel, ask.promise_day, kept)
    lane = facts.lanes.get(key)
    if lane is not None and lane.earliest is earliest:
        return lane
    zone, _ = facts.zones(ask.zip3)
    transit = facts.transit(ask.service, ask.zip3)
    reasons = list(facts.static_reasons(ask.country, ask.channel))
    deliver, on_time, lateness = [0] * facts.count, [0] * facts.count, facts.lateness
    for n in range(facts.count):
        if reasons[n]:
            continue
        if transit[n] == NOT_SERVED:
            reasons[n] = LANE
            continue
        if n in kept:
            reasons[n] = LEAK
            continue
        deliver[n] = add_working_days(earliest[n], transit[n])
        on_time[n] = lateness.on_time(n, ask.zip3, ask.service, transit[n], deliver[n], ask.promise_day)
        if lateness.strict and lateness.late(on_time[n]):
            reasons[n] = LATE  # not used while another node is in time, and where none is this is not the way
    if len(facts.lanes) >= MOST_LANES:
        facts.lanes.clear()
    price = None if lateness.strict else np.array([lateness.price(sure) for sure in on_time], np.int64)
    lane = facts.lanes[key] = Lane(zone, earliest, deliver, reasons, on_time, price)
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


def _admitted(ask: Ask, now: Situation, gates: list[tuple[CapState, int]], node: int, units: int) -> bool:
    """Whether the caps let the order be at `node`: a new one enters, one that stands already changes sides in its place."""
    return _keeps(ask, now, node, units) if ask.standing else _open(ask, gates, node, units)


def _keeps(ask: Ask, now: Situation, node: int, units: int) -> bool:
    """Whether an order that is decided again has at `node` the very entries that it has now: then no cap is asked anything."""
    value = sum(n * price for line in ask.prices for n, price in line)
    for i, cap in enumerate(now.caps):
        if node in cap.nodes and i in ask.standing:
            mine = (cap.size_of(units, value), True)
            for held in ask.standing[i]:
                if [entry[1:] for entry in held.own] != [mine] or any(held.also):
                    return False
    return True


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


def _charged(
    ask: Ask, facts: Facts, room: Room, lane: Lane, book: PriceTables | None,
    sized: list[tuple[CapState, int]], units: int,
) -> Ints | None:  # fmt: skip
    """Charges of the lines, as `routing.prices.charges` counts them: `room.mu` where all are 0, None where they might be too large."""
    if book is None and not sized and lane.lateness is None:
        return room.mu
    each, earliest = lane.lateness, lane.earliest  # `each`: micros a unit, whatever the SKU
    stock, most = False, 0 if each is None else int(each.max())
    if book is not None:
        most += book.highest
        stock = True in [book.priced[sku] for sku in ask.skus]
        if book.any_days:
            if facts.day_row[0] is not book or facts.day_row[1] is not earliest:
                row = day_prices(book, earliest)
                facts.day_row = (book, earliest, row if row.any() else None)
            if (days := facts.day_row[2]) is not None:
                each = days if each is None else each + days
    by_value = False
    for cap, price in sized:
        if cap.by_value:
            by_value = by_value or price > 0
        elif price:
            most += price
            each = np.zeros(facts.count, np.int64) if each is None else each.copy()
            each[list(cap.nodes)] += price
    if not stock and each is None and not by_value:
        return room.mu
    if most * units > CEILING // SUBSET_LINES:
        return None
    mu = room.priced
    if stock and book is not None:
        book.stock.take(room.sku, 0, mu, "clip")
        if each is not None:
            np.add(mu, each, mu)
        if units != len(ask.skus):  # else each line asks for one
            np.multiply(mu, room.asked, mu)
    elif each is not None:
        np.multiply(room.asked, each, mu)
    else:
        mu[:] = 0
    return mu if not by_value or _with_value(ask, mu, sized) else None


def _with_value(ask: Ask, mu: Ints, sized: list[tuple[CapState, int]]) -> bool:
    """Charge room that is counted in value; False where that might be too large."""
    worth = [sum([units * each for units, each in line]) for line in ask.prices]
    if max(worth) * sum([price for cap, price in sized if cap.by_value]) > CEILING // SUBSET_LINES:
        return False
    for cap, price in sized:
        if cap.by_value and price:
            nodes = list(cap.nodes)
            for row, value in zip(mu, worth, strict=True):
                row[nodes] += value * price
    return True


def _dearer(row: list[int], prices: list[int], charges: list[list[int]]) -> Alternative:
    cost, *assigned = row
    if charges:
        cost -= sum([charged[n] for charged, n in zip(charges, assigned, strict=True)])
    nodes = sorted(set(assigned))
    for n in nodes:
        cost -= prices[n]
    return Alternative(tuple(nodes), cost, "dearer")
