"""`evolve(state, event)`: the only code that changes balances, orders and counters. Deterministic; reads no clock and no rates."""

from collections.abc import Callable, Sequence
from typing import Any

from tranship.connectors.netfile import from_document
from tranship.core.errors import InvariantError
from tranship.core.ledger import Bucket
from tranship.core.network import NetworkFile, ShareCap
from tranship.engine import events as ev
from tranship.engine import evolve_network as net
from tranship.engine import leaks
from tranship.engine.entries import goods, recounts, size_of, together
from tranship.engine.rhythm import is_time_to_look
from tranship.engine.state import (
    CANCELLED,
    DELIVERED,
    PROCESSING,
    SHIPPED,
    OrderState,
    PartState,
    RestKey,
    RestState,
    State,
)
from tranship.routing.facts import counts_for, is_bundle
from tranship.routing.model import Decision, Part, Reason, Rest
from tranship.routing.prices.model import PriceTables, decode
from tranship.routing.promise import book
from tranship.routing.share import CapState

CLOCK_REASONS = frozenset(
    {"cap", "larger_than_window", "node_shut", "no_node", "max_parts", "no_split", "bundle", "short"}
)
"""Reasons for which a parked part is decided again on clock ticks; `no_stock` waits for units."""

UNTOLD_DAYS = 30
"""Days after the planned arrival at which a handed-over parcel without news counts as arrived."""

NO_STOCK = int(Reason.STOCK)


def evolve(state: State, event: ev.Event) -> None:
    """Apply one fact. Raises InvariantError, before anything is half done, where the fact cannot be true."""
    state.moves.clear()
    _HANDLERS[type(event)](state, event)
    kind = ev.kind_of(event)
    state.counts[kind] = state.counts.get(kind, 0) + 1
    state.last_at = event.at


def _network(state: State, event: ev.NetworkLoaded) -> None:
    network = from_document(state.documents(event.sha256))
    _check_positions(state.network, network)
    state.network, state.network_version, state.network_sha = network, event.version, event.sha256
    state.skus, state.nodes = network.sku_index(), network.node_index()
    state.channels = {channel.code: channel for channel in network.channels}
    state.ledger.grow(len(network.skus), len(network.nodes))
    state.bundles = {
        i: [(state.skus[code], count) for code, count in sku.parts]
        for i, sku in enumerate(network.skus)
        if is_bundle(sku)
    }
    accounts = {connection.code: connection for connection in network.connections}
    state.connected = {i: accounts[node.connection] for i, node in enumerate(network.nodes) if node.connection}
    while len(state.used) < len(network.nodes):
        state.used.append({})
        state.due.append({})
    known = {_counter(cap.cap): cap for cap in state.caps}
    caps = []
    for cap in network.caps:
        fresh = CapState(cap, frozenset(network.capped_nodes(cap)))
        kept = known.get(_counter(cap))
        if kept is not None:  # the same counter under a new limit: its entries stay
            fresh.take_over(kept)
        caps.append(fresh)
    state.caps = caps
    state.prices = None
    if (
        state.price_sha and network.policy.prices == "on"
    ):  # positions stay: the same prices, and none yet for what is new
        state.prices = _tables(state, state.price_sha, state.price_version)
    state.changed_at, state.price_rise = event.at, None
    state.forget_facts()
    leaks.network_changed(state)
    net.lift_all(state)


def _counter(cap: ShareCap) -> tuple[str, str, int, str]:
    """What makes a cap of another document the same counter."""
    return cap.network, cap.measure, cap.window, cap.counts


def _check_positions(old: NetworkFile | None, new: NetworkFile) -> None:
    if old is None:
        return
    _same_positions("SKU", [sku.code for sku in old.skus], [sku.code for sku in new.skus])
    _same_positions("node", [node.code for node in old.nodes], [node.code for node in new.nodes])


def _same_positions(name: str, before: list[str], after: list[str]) -> None:
    if after[: len(before)] != before:
        lost = next(i for i, code in enumerate(before) if i >= len(after) or after[i] != code)
        raise InvariantError(f"{name} #{lost} {before[lost]} lost its position in the new network document")


def _prices(state: State, event: ev.PricesSet) -> None:
    """The book replaces the one before; what it learned of a cap's room and what the cap's own price says meet halfway."""
    before = state.prices
    state.prices = _tables(state, event.sha256, event.version)
    same_days = state.prices.node_days == (before.node_days if before else {})
    state.price_rise = state.prices.stock - (before.stock if before else 0) if same_days else None
    state.price_version, state.price_sha = event.version, event.sha256
    state.changed_at = event.at
    for cap in state.caps:
        learned = state.prices.caps.get(cap.network)
        if learned is not None:
            cap.bucket.learn(learned)


def _refused(state: State, decision: Decision) -> None:
    """Tell the buckets whose gate turned an order away that had another way.

    What waits for room had none, so no price would have moved it; what the reserve sent elsewhere was turned away by no window.
    """
    if decision.rests or any(other.ruled_out == "reserve" for other in decision.why.alternatives):
        return
    for gate in decision.why.gates:
        if gate.closed:
            for cap in state.caps:
                if cap.cap.network == gate.network:
                    cap.bucket.refused()


def _tables(state: State, sha256: str, version: int) -> PriceTables:
    book = decode(state.documents(sha256))
    return PriceTables(book, version, len(state.skus), len(state.nodes))


def _received(state: State, event: ev.StockReceived) -> None:
    pairs = zip(event.skus, event.quantities, strict=True)
    net.back_to_shelf(state, Bucket(event.source), event.node, pairs, event.at)


def _accepted(state: State, event: ev.OrderAccepted) -> None:
    if event.order_id in state.orders:
        raise InvariantError(f"order {event.order_id} was accepted twice")
    order = event.order
    state.orders[event.order_id] = OrderState(order, [state.skus[line.sku] for line in order.lines], event.promise_day)
    if order.person_id[:1] == "P" and order.person_id[1:].isdigit():
        state.people = max(state.people, int(order.person_id[1:]))
    leaks.accepted(state, state.orders[event.order_id], event.at)


def _routed(state: State, event: ev.OrderRouted) -> None:
    order = state.orders[event.order_id]
    since = event.at
    if event.rest:
        since = order.rests[event.rest].since  # what is left of it has not waited any less
        _drop_rest(state, (event.order_id, event.rest), order)
    placed = [_add_part(state, event.order_id, order, part) for part in event.decision.parts]
    _decided(state, event.order_id, order, event.decision, event.at, again=event.rest > 0)
    _refused(state, event.decision)
    _enter_caps(state, order, placed)
    for rest in event.decision.rests:
        _add_rest(state, event.order_id, order, rest, since)
    leaks.decided(state, event.order_id, order, event.decision, event.at)


def _add_part(state: State, order_id: str, order: OrderState, part: Part) -> PartState:
    node, lines, quantities = part.node, part.lines, part.quantities
    skus = order.skus
    state.move(
        Bucket.FULFILLABLE, Bucket.RESERVED, node, [(skus[i], q) for i, q in zip(lines, quantities, strict=True)]
    )
    held = PartState(
        node,
        lines,
        list(quantities),
        part.ship_day,
        part.deliver_day,
        part.earliest,
        part.cost,
        part.late,
        part.breach,
    )
    order.parts[part.number] = held
    order.next_part = max(order.next_part, part.number + 1)
    _book(state, held)
    state.due[node].setdefault(part.ship_day, {})[order_id, part.number] = None
    return held


def _book(state: State, part: PartState) -> None:
    """Take capacity: on the days from `earliest` to the ship day."""
    node = state.require_network().nodes[part.node]
    if node.capacity_units > 0:
        part.booked = book(node, part.earliest, part.units(), state.used[part.node], part.ship_day)


def _unbook(state: State, part: PartState, units: int) -> None:
    """Give capacity back where it was taken, the last day first."""
    used, booked = state.used[part.node], part.booked or {}
    for day in sorted(booked, reverse=True):
        back = min(units, booked[day])
        booked[day] -= back
        units -= back
        if day in used:
            used[day] = max(0, used[day] - back)


def _enter_caps(state: State, order: OrderState, parts: list[PartState]) -> None:
    """One entry per fulfillment order in every counter of every cap that counts the channel, the independent ones first."""
    if not state.caps or not parts:
        return
    channel = state.channels[order.order.channel]
    for cap in state.caps:
        if not counts_for(channel, cap.network):
            continue
        windows = cap.windows(channel.code)
        nodes = cap.nodes
        ordered = parts
        if len(parts) > 1:
            ordered = [part for part in parts if part.node not in nodes] + [
                part for part in parts if part.node in nodes
            ]
        for part in ordered:
            capped = part.node in nodes
            size = 1 if cap.by_count else size_of(cap, order, part)
            cap.bucket.enter(size, capped)
            for window in windows:
                part.entries.append((window, window.enter(size, capped)))
            if capped:
                cap.breaches += part.breach
            if part.breach and capped:  # booked: what `verify` holds the highest share against
                cap.highest_bp = max(cap.highest_bp, *(window.max_share_bp for window in windows))


def _decided(state: State, order_id: str, order: OrderState, decision: Decision, at: int, *, again: bool) -> None:
    """Remember what tells later whether another look may find a better place. `again`: a parked part of it was decided."""
    why, parts = decision.why, decision.parts
    if not again:
        order.decided_at = at
        order.room_price = sum([gate.price for gate in why.gates])
        if why.gates and True in [gate.closed for gate in why.gates]:
            order.room_price = -1
    if not parts or order.wants:
        return
    if again or len(parts) > 1 or NO_STOCK in why.nodes or True in [part.late for part in parts]:
        order.wants = True
        for sku in goods(state, order):
            state.wanting.setdefault(sku, {})[order_id] = None


def _unreleased(order: OrderState) -> bool:
    return any(part.status == PROCESSING for part in order.parts.values())


def _done_wanting(state: State, order_id: str, order: OrderState) -> None:
    """Nothing of the order can be moved any more."""
    order.wants = False
    for sku in goods(state, order):
        waiting = state.wanting.get(sku)
        if waiting is not None:
            waiting.pop(order_id, None)
            if not waiting:
                del state.wanting[sku]


def _moved(state: State, event: ev.OrdersMoved) -> None:
    """All that is given up goes back first, then everything is placed; entries keep their place in the counters, prices stay."""
    held = [(move, state.orders[move.order_id]) for move in event.moves]
    changes = [
        list(recounts(state, order, move.released, move.decision.parts)) if move.decision.parts else []
        for move, order in held
    ]
    since = []
    for move, order in held:
        for number in move.released:
            _release(state, move.order_id, order, number, event.at)
        since.append(min((order.rests[number].since for number in move.joined), default=event.at))
        for number in move.joined:
            _drop_rest(state, (move.order_id, number), order)
    for (move, order), waiting in zip(held, since, strict=True):
        for part in move.decision.parts:
            _add_part(state, move.order_id, order, part)
        for rest in move.decision.rests:
            _add_rest(state, move.order_id, order, rest, waiting)
        _decided(
            state, move.order_id, order, move.decision, event.at + 1, again=False
        )  # after all that it freed itself
        leaks.decided(state, move.order_id, order, move.decision, event.at)
    came_in: dict[int, list[int]] = {}
    for window, change in together(changes):
        came_in[id(window)] = window.change(*change)
    for (move, order), found in zip(held, changes, strict=True):
        for recount in found:
            for void in order.parts.values() if recount.reused else ():
                void.entries = [
                    (window, place)
                    for window, place in void.entries
                    if window is not recount.window or place not in recount.reused
                ]
            for number, slot in zip(recount.parts, recount.slots, strict=True):
                position = slot if slot >= 0 else came_in[id(recount.window)].pop(0)
                order.parts[number].entries.append((recount.window, position))
        for number in move.released:
            if move.decision.parts:
                order.parts[number].entries.clear()
                continue
            for window, position in order.parts[number].entries:  # all of it waits: a void until it is placed again
                window.uncap(position)


def _release(state: State, order_id: str, order: OrderState, number: int, at: int) -> None:
    """A fulfillment order is given up whole: its units go back to the shelf, its hours to the node."""
    part = order.parts[number]
    net.give_back(state, part, [(order.skus[line], q) for line, q in zip(part.lines, part.quantities, strict=True)], at)
    _unbook(state, part, part.units())
    part.quantities = [0] * len(part.lines)
    part.status = CANCELLED
    _not_due(state, part, (order_id, number))


def _not_due(state: State, part: PartState, key: RestKey) -> None:
    due = state.due[part.node]
    del due[part.ship_day][key]
    if not due[part.ship_day]:
        del due[part.ship_day]


def _reviewed(state: State, event: ev.OrdersReviewed) -> None:
    """From here on only what changes later makes an order worth another look."""
    if event.complete:
        state.reviewed_at = event.at
        state.reviewed_price = sum(cap.bucket.price for cap in state.caps)


def _add_rest(state: State, order_id: str, order: OrderState, rest: Rest, since: int) -> None:
    order.next_rest = max(order.next_rest, rest.number + 1)
    if rest.action == "cancel":
        order.unplaced += sum(rest.quantities)
        return
    held = RestState(list(rest.lines), list(rest.quantities), rest.reason, rest.action, rest.until_day, since)
    order.rests[rest.number] = held
    key = (order_id, rest.number)
    for line in rest.lines:
        sku = order.skus[line]
        for part, _ in state.bundles.get(sku, [(sku, 1)]):
            state.rests_of_sku.setdefault(part, {})[key] = None
    if rest.reason in CLOCK_REASONS:
        state.rests_on_clock[key] = None
        if rest.reason == "cap":
            state.rests_on_cap[key] = None
    if rest.until_day:
        state.expiring.setdefault(rest.until_day, {})[key] = None


def _drop_rest(state: State, key: RestKey, order: OrderState) -> None:
    rest = order.rests.pop(key[1])
    for line in rest.lines:
        sku = order.skus[line]
        for part, _ in state.bundles.get(sku, [(sku, 1)]):
            waiting = state.rests_of_sku.get(part)
            if waiting is not None:
                waiting.pop(key, None)
                if not waiting:
                    del state.rests_of_sku[part]
    state.rests_on_clock.pop(key, None)
    state.rests_on_cap.pop(key, None)
    if rest.until_day:
        group = state.expiring.get(rest.until_day)
        if group is not None:
            group.pop(key, None)
            if not group:
                del state.expiring[rest.until_day]


def _cancel(state: State, event: ev.CancelTaken) -> None:
    """What it became follows in its own events."""


def _voided(state: State, event: ev.PartVoided) -> None:
    order = state.orders[event.order_id]
    part = order.parts[event.number]
    pairs = list(zip(event.lines, event.quantities, strict=True))
    net.give_back(state, part, [(order.skus[line], q) for line, q in pairs], event.at)
    _reduce(part.lines, part.quantities, pairs)
    _unbook(state, part, sum(event.quantities))
    if event.whole:
        part.status = CANCELLED
        _not_due(state, part, (event.order_id, event.number))
        for window, position in part.entries:
            window.uncap(position)
        if order.wants and not _unreleased(order):
            _done_wanting(state, event.order_id, order)
    else:
        part.cut = True
    part.recalled = None
    leaks.recount(state, order, event.at)


def _reduce(lines: Sequence[int], quantities: list[int], pairs: list[tuple[int, int]]) -> None:
    for line, quantity in pairs:
        i = lines.index(line)
        if quantities[i] < quantity:
            raise InvariantError(f"line {line} holds {quantities[i]} units, cannot give {quantity}")
        quantities[i] -= quantity


def _reduced(state: State, event: ev.RestReduced) -> None:
    order = state.orders[event.order_id]
    rest = order.rests[event.number]
    _reduce(rest.lines, rest.quantities, list(zip(event.lines, event.quantities, strict=True)))
    if event.reason != "cancelled":
        order.unplaced += sum(event.quantities)
    if not any(rest.quantities):
        _drop_rest(state, (event.order_id, event.number), order)


def _returned(state: State, event: ev.UnitsReturned) -> None:
    order = state.orders[event.order_id]
    part = order.parts[event.number]
    source = Bucket.DELIVERED if part.status == DELIVERED else Bucket.IN_TRANSIT
    pairs = list(zip(event.lines, event.quantities, strict=True))
    state.move(source, Bucket.RETURNED, part.node, [(order.skus[line], q) for line, q in pairs])
    for line, quantity in pairs:
        part.returned = {**(part.returned or {}), line: part.back(line) + quantity}
    if event.ref:
        booked = part.told_back or {}
        part.told_back = {**booked, event.ref: booked.get(event.ref, 0) + sum(event.quantities)}


def _shipped(state: State, event: ev.PartsShipped) -> None:
    for order_id, number in event.parts:
        order = state.orders[order_id]
        part = order.parts[number]
        state.move(
            Bucket.RESERVED,
            Bucket.IN_TRANSIT,
            part.node,
            [(order.skus[line], q) for line, q in zip(part.lines, part.quantities, strict=True) if q],
        )
        if part.node in state.connected:
            for sku in state.moves[-1][3]:
                state.left_at[sku, part.node] = event.at
        part.status = SHIPPED
        part.entries = []  # nothing moves or voids it any more
        _not_due(state, part, (order_id, number))
        if order.wants and not _unreleased(order):
            _done_wanting(state, order_id, order)
        state.used[part.node].pop(part.ship_day - 1, None)
        state.arriving.setdefault(_told_by(state, part), {})[order_id, number] = None


def _told_by(state: State, part: PartState) -> int:
    """Until which day its arrival is waited for: a network tells of it; only what it never tells of is taken for arrived."""
    return part.deliver_day + (UNTOLD_DAYS if part.remote_id else 0)


def _delivered(state: State, event: ev.PartsDelivered) -> None:
    for order_id, number in event.parts:
        order = state.orders[order_id]
        part = order.parts[number]
        pairs = [
            (order.skus[line], q - part.back(line))
            for line, q in zip(part.lines, part.quantities, strict=True)
            if q > part.back(line)
        ]
        state.move(Bucket.IN_TRANSIT, Bucket.DELIVERED, part.node, pairs)
        part.status = DELIVERED
        for day in (_told_by(state, part), part.deliver_day):
            if (order_id, number) in state.arriving.get(day, ()):
                del state.arriving[day][order_id, number]
                if not state.arriving[day]:
                    del state.arriving[day]


def _ticked(state: State, event: ev.Ticked) -> None:
    """The clock moved; what is due follows in its own events."""
    if state.network is not None and is_time_to_look(state, event.at):
        state.looked_at = event.at


def _switched(state: State, event: ev.NodeSwitched) -> None:
    if event.closed:
        state.switched.add(event.node)
    else:
        state.switched.discard(event.node)
        state.changed_at, state.price_rise = event.at, None
    net.shut(state)


def _erased(state: State, event: ev.PersonErased) -> None:
    """The key is gone from the person table; the books name a stump."""


def _file(state: State, event: ev.FileTaken) -> None:
    """A file was read; its orders follow as their own commands."""
    state.files[event.sha256] = event


def _excepted(state: State, event: ev.Excepted) -> None:
    """A note for a person: books and orders stay as they are; what was told once is remembered where it would be told again."""
    if state.connected:
        net.told(state, event)
    leaks.excepted(state, event)


_HANDLERS: dict[type, Callable[[State, Any], None]] = {
    ev.NetworkLoaded: _network,
    ev.PricesSet: _prices,
    ev.LeakPlanSet: leaks.plan_set,
    ev.StockReceived: _received,
    ev.OrderAccepted: _accepted,
    ev.OrderRouted: _routed,
    ev.OrdersMoved: _moved,
    ev.OrdersReviewed: _reviewed,
    ev.CancelTaken: _cancel,
    ev.PartVoided: _voided,
    ev.RestReduced: _reduced,
    ev.UnitsReturned: _returned,
    ev.PartsShipped: _shipped,
    ev.PartsDelivered: _delivered,
    ev.Ticked: _ticked,
    ev.NodeSwitched: _switched,
    ev.PersonErased: _erased,
    ev.Excepted: _excepted,
    ev.FileTaken: _file,
    ev.Took: net.took,
    ev.Dispatched: net.dispatched,
    ev.FoundUnsendable: net.unsendable,
    ev.AliasesSet: net.aliases,
    ev.CancelAsked: net.cancel_asked,
    ev.AddressChanged: net.readdressed,
    ev.BreakerChanged: net.breaker,
    ev.Drained: net.drained,
    ev.StockCounted: net.counted,
    ev.ShelfSwitched: net.shelf,
}
