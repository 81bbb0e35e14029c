"""`evolve(state, event)`: the only code that changes balances, orders and counters. Deterministic; reads no clock and no rates."""

from collections.abc import Callable
from typing import Any

from tranship.connectors.netfile import from_document
from tranship.core.errors import InvariantError
from tranship.core.ledger import Bucket
from tranship.core.network import NetworkFile, ShareCap
from tranship.engine import events as ev
from tranship.engine.state import CANCELLED, DELIVERED, SHIPPED, OrderState, PartState, RestKey, RestState, State
from tranship.routing.facts import counts_for, is_bundle
from tranship.routing.model import Part, Rest
from tranship.routing.promise import book
from tranship.routing.share import CapState

CLOCK_REASONS = frozenset({"cap", "larger_than_window", "node_shut", "no_node", "max_parts", "no_split", "bundle"})
"""Reasons for which a parked part is decided again on clock ticks; `no_stock` waits for units."""


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
    state.forget_facts()


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


def _received(state: State, event: ev.StockReceived) -> None:
    pairs = zip(event.skus, event.quantities, strict=True)
    state.move(Bucket(event.source), Bucket.FULFILLABLE, event.node, pairs)


def _accepted(state: State, event: ev.OrderAccepted) -> None:
    if event.order_id in state.orders:
        raise InvariantError(f"order {event.order_id} was accepted twice")
    order = event.order
    state.orders[event.order_id] = OrderState(order, [state.skus[line.sku] for line in order.lines], event.promise_day)
    if order.person_id[:1] == "P" and order.person_id[1:].isdigit():
        state.people = max(state.people, int(order.person_id[1:]))


def _routed(state: State, event: ev.OrderRouted) -> None:
    order = state.orders[event.order_id]
    since = event.at
    if event.rest:
        since = order.rests[event.rest].since  # what is left of it has not waited any less
        _drop_rest(state, (event.order_id, event.rest), order)
    placed = [_add_part(state, event.order_id, order, part) for part in event.decision.parts]
    for gate in event.decision.why.gates:
        if (
            gate.closed and not event.decision.rests
        ):  # what waits for room had no other way: no price would have moved it
            for cap in state.caps:
                if cap.cap.network == gate.network:
                    cap.bucket.refused()
    _enter_caps(state, order, placed)
    for rest in event.decision.rests:
        _add_rest(state, event.order_id, order, rest, since)


def _add_part(state: State, order_id: str, order: OrderState, part: Part) -> PartState:
    node, lines, quantities = part.node, part.lines, part.quantities
    skus = order.skus
    state.move(
        Bucket.FULFILLABLE, Bucket.RESERVED, node, [(skus[i], q) for i, q in zip(lines, quantities, strict=True)]
    )
    held = PartState(
        node,
        list(lines),
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
    capacity = state.require_network().nodes[part.node].capacity_units
    if capacity > 0:
        part.booked = book(capacity, part.earliest, part.units(), state.used[part.node], part.ship_day)


def _unbook(state: State, part: PartState, units: int) -> None:
    """Give capacity back where it was taken, the last day first."""
    used = state.used[part.node]
    for day in sorted(part.booked, reverse=True):
        back = min(units, part.booked[day])
        part.booked[day] -= back
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
            size = 1 if cap.by_count else _size(cap, order, part)
            cap.bucket.enter(size, capped)
            for window in windows:
                position = window.enter(size, capped)
                if capped:
                    part.entries.append((window, position))
            if capped:
                cap.breaches += part.breach
            if part.breach and capped:  # booked: what `verify` holds the highest share against
                cap.highest_bp = max(cap.highest_bp, *(window.max_share_bp for window in windows))


def _size(cap: CapState, order: OrderState, part: PartState) -> int:
    lines = order.order.lines
    value = sum(lines[i].unit_price_minor * q for i, q in zip(part.lines, part.quantities, strict=True))
    return cap.size_of(part.units(), value)


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
    state.move(Bucket.RESERVED, Bucket.FULFILLABLE, part.node, [(order.skus[line], q) for line, q in pairs])
    _reduce(part.lines, part.quantities, pairs)
    _unbook(state, part, sum(event.quantities))
    if event.whole:
        part.status = CANCELLED
        del state.due[part.node][part.ship_day][event.order_id, event.number]
        if not state.due[part.node][part.ship_day]:
            del state.due[part.node][part.ship_day]
        for window, position in part.entries:
            window.uncap(position)


def _reduce(lines: list[int], quantities: list[int], pairs: list[tuple[int, int]]) -> None:
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
        part.returned[line] = part.returned.get(line, 0) + quantity


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
        part.status = SHIPPED
        del state.due[part.node][part.ship_day][order_id, number]
        if not state.due[part.node][part.ship_day]:
            del state.due[part.node][part.ship_day]
        state.used[part.node].pop(part.ship_day - 1, None)
        state.arriving.setdefault(part.deliver_day, {})[order_id, number] = None


def _delivered(state: State, event: ev.PartsDelivered) -> None:
    for order_id, number in event.parts:
        order = state.orders[order_id]
        part = order.parts[number]
        pairs = [
            (order.skus[line], q - part.returned.get(line, 0))
            for line, q in zip(part.lines, part.quantities, strict=True)
            if q > part.returned.get(line, 0)
        ]
        state.move(Bucket.IN_TRANSIT, Bucket.DELIVERED, part.node, pairs)
        part.status = DELIVERED
        del state.arriving[part.deliver_day][order_id, number]
        if not state.arriving[part.deliver_day]:
            del state.arriving[part.deliver_day]


def _ticked(state: State, event: ev.Ticked) -> None:
    """The clock moved; what is due follows in its own events."""


def _switched(state: State, event: ev.NodeSwitched) -> None:
    if event.closed:
        state.closed.add(event.node)
    else:
        state.closed.discard(event.node)


def _erased(state: State, event: ev.PersonErased) -> None:
    """The key is gone from the person table; the books name a stump."""


def _file(state: State, event: ev.FileTaken) -> None:
    """A file was read; its orders follow as their own commands."""
    state.files[event.sha256] = event


def _excepted(state: State, event: ev.Excepted) -> None:
    """A note for a person; nothing else changes."""


_HANDLERS: dict[type, Callable[[State, Any], None]] = {
    ev.NetworkLoaded: _network,
    ev.StockReceived: _received,
    ev.OrderAccepted: _accepted,
    ev.OrderRouted: _routed,
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
}
