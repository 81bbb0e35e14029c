"""What shipping a period's units would have cost at least, had everything been known before: a lower bound, where there is one.

The question: *the units that the run shipped* (what stands at the end, order by order and line by line), at the least cost. The run's own
plan is one answer, so stock suffices. Each relaxation makes the answer cheaper, never dearer, and is told:

* stock that arrived in the period counts as there from its first day; what older orders took from the shelves stays taken;
* a node's capacity, cut-offs and promises are left out: hindsight may ship late and any number a day;
* the exact card is replaced by a line below it (`routing.prices.linear.envelope`, one for each class of order weight), several
  fulfillment orders of an order at one node by one;
* a cap by units or value holds over the whole period only, with one window to spare; a cap by fulfillment orders is left out, since
  how many there are is the plan's own choice and a plan of more would have more room;
* rules of the policy (must, prefer, max_parts) and a network's own limits are left out.

The bound is Lagrangian (`routing.prices.dual`), so it holds at any prices that the search ends with.
"""

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from tranship.core.network import NetworkFile
from tranship.core.order import Order
from tranship.engine.state import CANCELLED, State
from tranship.rates.compile import compile_tables, next_change
from tranship.rates.tables import PER_UNIT, RateTables
from tranship.routing.facts import counts_for
from tranship.routing.prices import linear
from tranship.routing.prices.problem import PARTS, UNITS, UNLIMITED, VALUE, Caps, Costs, Goods, Orders
from tranship.sim.trial.walk import MICROS_PER_DAY, Arm

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
CLASSES_G = (250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 31_000)
"""Greatest weights of the classes of orders; one more is above."""
NEVER = 1e6
"""Major units a gram or part that no plan would pay: a lane that the card does not serve."""
PASSES = 150
MOST_TABLES = 60
"""Price lists in one period above which the search for a line below all of them is given up."""


class Hindsight(msgspec.Struct):
    """The bound in micros (0 where there is none), what it is of, and what was relaxed to have it."""

    bound: int = 0
    orders: int = 0
    units: int = 0
    cost: int = 0  # micros that the run paid for the same units
    reasons: list[str] = []  # why there is no bound
    relaxed: list[str] = []


class Instance(NamedTuple):
    """The period as arrays, in major units."""

    costs: Costs
    goods: Goods
    orders: Orders
    caps: Caps


def hindsight(arm: Arm, passes: int = PASSES) -> Hindsight:
    """The bound for what an arm's orders of the period shipped."""
    found = Hindsight()
    state, ids = arm.state, arm.notes.ids
    found.reasons = _impossible(arm)
    if found.reasons:
        return found
    shipped = [_Shipped(state, order_id) for order_id in ids]
    shipped = [one for one in shipped if one.units]
    found.orders, found.units = len(shipped), sum(one.units for one in shipped)
    found.cost = sum(one.cost for one in shipped)
    if not shipped:
        found.reasons.append("nothing of the period was shipped")
        return found
    lists = _tables(arm)
    if len(lists) > MOST_TABLES:
        found.reasons.append(f"{len(lists)} price lists within the period: no line below all of them is worth having")
        return found
    if any((one.kind != lists[0].kind).any() or (one.zone3 != lists[0].zone3).any() for one in lists):
        found.reasons.append("a node's card changed its kind or its zones within the period")
        return found
    instance = build(arm, shipped, lists, found)
    if found.reasons:
        return found
    from tranship.routing.prices.dual import bound

    penalty = 10 * max(1.0, found.cost / 1e6)  # more than everything together: nothing is left unshipped
    value, _ = bound(instance.costs, instance.goods, instance.orders, instance.caps, penalty=penalty, passes=passes)
    found.bound = max(0, int(value * 1e6))
    if found.bound > found.cost:
        found.reasons.append("the search's value lies above what the run paid, so it is no bound (please report this)")
        found.bound = 0
    return found


def _impossible(arm: Arm) -> list[str]:
    """What no bound is known for."""
    reasons = []
    state = arm.state
    if any(sku in state.bundles for order_id in arm.notes.ids for sku in state.orders[order_id].skus):
        reasons.append("orders of bundles: their parts share shelves, and the bound counts each article alone")
    counts = {len(document.nodes) for document in arm.documents_in_force}
    if len(counts) > 1:
        reasons.append("nodes were added within the period")
    return reasons


class _Shipped:
    """What stands of one order: units by line, and what was paid."""

    def __init__(self, state: State, order_id: str) -> None:
        held = state.orders[order_id]
        self.order: Order = held.order
        self.skus = held.skus
        self.by_sku: dict[int, int] = {}
        self.value: dict[int, int] = {}
        self.parts: list[tuple[int, list[tuple[int, int]], int]] = []  # node, (sku, quantity), cost
        self.cost = self.units = 0
        for part in held.parts.values():
            if part.status == CANCELLED or not part.units():
                continue
            lines: dict[int, int] = {}
            for line, quantity in zip(part.lines, part.quantities, strict=True):
                if quantity:
                    sku = held.skus[line]
                    lines[sku] = lines.get(sku, 0) + quantity
                    self.by_sku[sku] = self.by_sku.get(sku, 0) + quantity
                    price = held.order.lines[line].unit_price_minor
                    self.value[sku] = self.value.get(sku, 0) + quantity * price
            self.parts.append((part.node, list(lines.items()), part.cost))
            self.cost += part.cost
            self.units += part.units()


def _tables(arm: Arm) -> list[RateTables]:
    """Every price list that a decision of the period may have been taken with."""
    first, last = arm.first_at // MICROS_PER_DAY, arm.last_at // MICROS_PER_DAY
    found: dict[str, RateTables] = {}
    for document in arm.documents_in_force:
        day: int | None = first
        while day is not None and day <= last and len(found) <= MOST_TABLES:
            tables = compile_tables(document, day)
            found.setdefault(tables.version, tables)
            day = next_change(document, day)
    return list(found.values())


# -- the instance -----------------------------------------------------------------------------------------------------


def build(arm: Arm, shipped: Sequence[_Shipped], lists: Sequence[RateTables], found: Hindsight) -> Instance:
    """Arrays of the period; what is relaxed, or in the way, goes to `found`."""
    state = arm.state
    network = state.require_network()
    tables = lists[-1]
    skus, nodes = len(network.skus), len(network.nodes)
    grams = [sum(q * int(tables.weight_g[s]) for s, q in one.by_sku.items()) for one in shipped]
    classes = np.searchsorted(CLASSES_G, grams, side="left")
    lines = _lines(shipped, classes, lists)
    fixed, per_gram, dest = _ways(shipped, classes, lines, tables)
    per_unit = np.ascontiguousarray(next(iter(lines.values())).per_unit.T / 1e6)
    per_unit[np.logical_and.reduce([one.fits == 0 for one in lists])] = NEVER
    _held_against_parts(shipped, classes, lines, tables, found)
    stock = state.ledger.fulfillable.astype(np.int64).copy()
    for one in shipped:
        for node, pairs, _ in one.parts:
            for sku, quantity in pairs:
                stock[sku, node] += quantity
    start = np.cumsum([0, *(len(one.by_sku) for one in shipped)])
    populations = {channel.code: i for i, channel in enumerate(network.channels)}
    orders = Orders(
        np.zeros(len(shipped), np.int64), dest,
        np.array([populations[one.order.channel] for one in shipped], np.int64), start.astype(np.int64),
        np.array([sku for one in shipped for sku in one.by_sku], np.int64),
        np.array([q for one in shipped for q in one.by_sku.values()], np.int64),
        np.array([one.value[sku] for one in shipped for sku in one.by_sku], np.float64),
    )  # fmt: skip
    assert per_unit.shape == (skus, nodes)
    costs = Costs(fixed, per_gram, per_unit, tables.weight_g.astype(np.float64))
    goods = Goods(stock, np.full((1, nodes), UNLIMITED, np.int64))
    return Instance(costs, goods, orders, _caps(arm, network, found))


Lines = dict[tuple[int, bool], linear.Linear]


def _lines(shipped: Sequence[_Shipped], classes: Ints, lists: Sequence[RateTables]) -> Lines:
    """A line below every price list for each class of order weight, to homes and to businesses; a unit costs the same in all."""
    whole = linear.lowest([linear.envelope(one, _samples(shipped, one)) for one in lists])
    counted = lists[-1].kind == PER_UNIT  # nothing of such a card depends on weight: one line for all classes
    found: Lines = {}
    for kind in range(len(CLASSES_G) + 1):
        for home in (False, True):
            chosen = [
                one for one, c in zip(shipped, classes.tolist(), strict=True) if c == kind and one.order.to.residential == home
            ]  # fmt: skip
            if not chosen:
                continue
            most = CLASSES_G[kind] if kind < len(CLASSES_G) else None
            samples = _samples(chosen, lists[-1])
            line = linear.lowest([linear.envelope(one, samples, residential=home, most_g=most) for one in lists])
            line.fixed[counted], line.per_gram[counted] = whole.fixed[counted], whole.per_gram[counted]
            line = line._replace(per_unit=whole.per_unit)
            for prices in lists:
                problems = linear.exceeds(line, prices, residential=home, most_g=most)
                assert not problems, problems
            found[kind, home] = line
    return found


def _samples(shipped: Sequence[_Shipped], tables: RateTables) -> linear.Samples:
    """The fulfillment orders of these orders as the cards see them."""
    parts = [pairs for one in shipped for _, pairs, _ in one.parts]
    units = np.zeros(len(tables.weight_g), np.int64)
    rows = np.zeros((len(parts), 3), np.int64)
    for row, pairs in zip(rows, parts, strict=True):
        for sku, quantity in pairs:
            units[sku] += quantity
            row += (quantity * int(tables.weight_g[sku]), quantity * int(tables.volume_cm3[sku]), quantity)
    return linear.Samples(rows[:, 0].copy(), rows[:, 1].copy(), rows[:, 2].copy(), sku_units=units)


def _ways(shipped: Sequence[_Shipped], classes: Ints, lines: Lines, tables: RateTables) -> tuple[Floats, Floats, Ints]:
    """`(fixed [C, N], per gram [C, N], way of each order)`: one way for each destination, class of weight, home or not."""
    every = np.arange(len(tables.kind))
    ways: dict[tuple[bytes, int, bool], int] = {}
    rows: list[tuple[Floats, Floats]] = []
    dest = np.zeros(len(shipped), np.int64)
    for i, (one, kind) in enumerate(zip(shipped, classes.tolist(), strict=True)):
        zip3 = one.order.to.zip[:3]
        known = len(zip3) == 3 and zip3.isascii() and zip3.isdigit()
        zones = tables.zone3[:, int(zip3)].astype(np.int64) if known else np.zeros(len(every), np.int64)
        key = (zones.tobytes(), kind, one.order.to.residential)
        if key not in ways:
            line = lines[kind, one.order.to.residential]
            fixed = line.fixed[every, zones] / 1e6
            fixed = np.where((tables.kind != PER_UNIT) & (zones == 0), NEVER, fixed)
            ways[key] = len(rows)
            rows.append((fixed, line.per_gram[every, zones] / 1e6))
        dest[i] = ways[key]
    return np.array([row[0] for row in rows]), np.array([row[1] for row in rows]), dest


def _held_against_parts(
    shipped: Sequence[_Shipped], classes: Ints, lines: Lines, tables: RateTables, found: Hindsight
) -> None:
    """The lines against what the run paid for every fulfillment order: a second proof, on the period's own bills."""
    for one, kind in zip(shipped, classes.tolist(), strict=True):
        zip3 = one.order.to.zip[:3]
        line = lines[kind, one.order.to.residential]
        for node, pairs, cost in one.parts:
            zone = int(tables.zone3[node, int(zip3)]) if zip3.isdigit() and len(zip3) == 3 else 0
            weight = sum(quantity * int(tables.weight_g[sku]) for sku, quantity in pairs)
            if line.cost(node, zone, weight, pairs) > cost:
                found.reasons.append(
                    f"a fulfillment order of {one.order.source}:{one.order.number} cost less than its card says"
                )
                return


def _caps(arm: Arm, network: NetworkFile, found: Hindsight) -> Caps:
    """Caps by units and value over the whole period, with one window to spare; others are left out, and told."""
    chosen = []
    for watch in arm.watches:
        cap = watch.result()
        if cap.measure == "fulfillment_orders":
            found.relaxed.append(f"the cap on {cap.network} counts fulfillment orders and is left out")
        elif cap.breaches or cap.late_start:
            found.relaxed.append(f"the cap on {cap.network} is left out: the run was above it for a time")
        else:
            found.relaxed.append(f"the cap on {cap.network} holds over the period, with one window to spare")
            chosen.append((watch.cap, (cap.entered + cap.window) * cap.cap_bp / 10_000))
    side = np.zeros((len(chosen), len(network.nodes)), np.uint8)
    counts = np.zeros((len(network.channels), len(chosen)), np.uint8)
    for k, (held, _) in enumerate(chosen):
        side[k, sorted(held.nodes)] = 1
        for p, channel in enumerate(network.channels):
            counts[p, k] = counts_for(channel, held.network)
    measures = {"fulfillment_orders": PARTS, "units": UNITS, "value": VALUE}
    found.relaxed += [
        "stock of the period counts as there from its first day",
        "capacity, cut-offs, promises, rules and limits of the policy are left out",
        "the rate cards are replaced by lines below them",
    ]
    return Caps(
        side, np.array([measures[held.cap.measure] for held, _ in chosen], np.int64), counts,
        np.array([budget for _, budget in chosen], np.float64),
    )  # fmt: skip
