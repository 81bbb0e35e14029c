"""`decide(state, command) -> events`: deterministic, changes nothing. What follows from a fact is a further decision.

`execute` runs a command and its consequences to the end: it decides, evolves, and asks again for parked parts that the
change may have freed. The same commands in the same order give the same events, however they were batched.
"""

import hashlib
from collections.abc import Iterable, Iterator

from tranship.connectors.netfile import from_document
from tranship.core.errors import InputError
from tranship.core.ledger import Bucket
from tranship.core.network import Channel
from tranship.core.order import Order
from tranship.core.states import zone_of_state
from tranship.core.time import date_to_day
from tranship.engine import commands as cmd
from tranship.engine import events as ev
from tranship.engine.asking import MICROS_PER_DAY, available_anywhere, build_ask, expanded, situation
from tranship.engine.displace import placed_again
from tranship.engine.due import is_handed_over
from tranship.engine.evolve import evolve
from tranship.engine.gating import with_gates
from tranship.engine.handover import decide_network, tick_networks
from tranship.engine.leak_plans import set_leak_plan
from tranship.engine.leaks import notices
from tranship.engine.moving import look_at_all, look_at_node, look_at_wanting
from tranship.engine.readdress import change_address
from tranship.engine.returning import units_returned
from tranship.engine.rhythm import is_time_to_look, last_ship_day
from tranship.engine.state import CANCELLED, OrderState, RestKey, State
from tranship.engine.takeback import cancel_units, take_back
from tranship.routing.computed import computed_promise
from tranship.routing.decide import decide as route
from tranship.routing.model import Decision, Rest
from tranship.routing.prices.model import decode as decode_prices
from tranship.routing.promise import promise_day

MOST_LINES = 2_000
"""Lines one order may have; above, it is refused with a clear error."""
MOST_QUANTITY = 1_000_000
"""Units one line may ask for."""


HEARD = (cmd.Answered, cmd.Reported, cmd.Settle)
"""What networks and people say of dispatches: units that it brings back to a shelf may serve what waits for them."""


def execute(state: State, command: cmd.Command) -> Iterator[ev.Event]:
    """Carry a command out: yield each event after it was applied. Raises InputError before the first event, or not at all."""
    freed: dict[int, None] = {}
    heard = isinstance(command, HEARD)
    for event in _carried_out(state, decide(state, command)):
        if heard:
            freed.update((sku, None) for move in state.moves if move[1] == Bucket.FULFILLABLE for sku in move[3])
        yield event
    if isinstance(command, cmd.PlaceOrder) and not state.rests_on_cap:
        return  # an order frees nothing but room under a cap
    if isinstance(command, cmd.SwitchNode) and command.closed:
        yield from _carried_out(state, look_at_node(state, state.nodes[command.node], command.at))
    for key in _with_units(state, _waiting_for(state, freed)) if heard else _candidates(state, command):
        yield from _carried_out(state, _redecide(state, key, command.at))
    if isinstance(command, cmd.ReceiveStock):
        yield from _carried_out(state, look_at_wanting(state, command.node, command.skus, command.at))
    elif isinstance(command, cmd.SetPrices):
        yield from _carried_out(state, look_at_all(state, command.at))


def _carried_out(state: State, events: Iterable[ev.Event]) -> Iterator[ev.Event]:
    """Apply each event before the next one is asked for; what a leak budget makes of it is told after it."""
    for event in events:
        evolve(state, event)
        yield event
        for notice in notices(state, event) if state.leaks is not None else ():
            evolve(state, notice)
            yield notice


def decide(state: State, command: cmd.Command) -> Iterable[ev.Event]:
    """Events of a command, without what parked parts make of it."""
    if isinstance(command, cmd.PlaceOrder):
        return _place(state, command)
    if isinstance(command, cmd.ReceiveStock):
        return _receive(state, command)
    if isinstance(command, cmd.Tick):
        return _tick(state, command)
    if isinstance(command, cmd.TakeBack):
        return take_back(state, command)
    if isinstance(command, cmd.CancelUnits):
        return cancel_units(state, command)
    if isinstance(command, cmd.Returned):
        return units_returned(state, command)
    if isinstance(command, cmd.ChangeAddress):
        return change_address(state, command)
    if isinstance(command, cmd.LoadNetwork):
        return _load(state, command)
    if isinstance(command, cmd.SetPrices):
        return _set_prices(state, command)
    if isinstance(command, cmd.SetLeakPlan):
        return set_leak_plan(state, command)
    if isinstance(command, cmd.SwitchNode):
        return _switch(state, command)
    if isinstance(command, cmd.ErasePerson):
        return [ev.PersonErased(command.person_id, command.at)]
    if isinstance(command, cmd.TakeFile):
        return [command.taken]
    if not isinstance(command, cmd.ReportException):
        return decide_network(state, command)
    return [ev.Excepted(command.kind, command.subject, command.detail, command.at)]


def _load(state: State, command: cmd.LoadNetwork) -> list[ev.Event]:
    """Refuse a document that would leave open dispatches without the connection that they went out by."""
    if state.open_dispatches:
        document = from_document(command.document)
        accounts = {each.code: each.kind for each in document.connections}
        for remote_id in state.open_dispatches:
            n = state.dispatches[remote_id].node
            now = state.connected.get(n)
            code = document.nodes[n].connection if n < len(document.nodes) else ""
            if now is not None and (code != now.code or accounts.get(code) != now.kind):
                what = f"node {document.nodes[n].code} has orders at connection {now.code}; it cannot change to {code or 'none'} now"
                hint = "Close the node, let its orders leave or recall them, then change it."
                raise InputError(what, where="network file", hint=hint)
    return [ev.NetworkLoaded(state.network_version + 1, command.sha256, command.at)]


def order_id_of(order: Order) -> str:
    """The id of an order: its source and number, as people know it."""
    return f"{order.source}:{order.number}"


# -- orders -----------------------------------------------------------------------------------------------------------


def _place(state: State, command: cmd.PlaceOrder) -> Iterator[ev.Event]:
    order = command.order
    order_id = order_id_of(order)
    channel = check_order(state, order)
    promise = _promise(state, order, channel, command.at)
    yield ev.OrderAccepted(order_id, order, promise, command.at)
    held = state.orders[order_id]
    decision = _route(state, held, list(range(len(order.lines))), [line.qty for line in order.lines], command.at)
    yield ev.OrderRouted(order_id, 0, decision, command.at)
    if True in [part.breach for part in decision.parts]:
        yield _breach(state, order_id, decision, command.at)


def check_order(state: State, order: Order) -> Channel:
    """Refuse an order that cannot be taken, naming what, where and what is allowed; its channel where it can."""
    network = state.require_network()
    where = f"order {order.source}:{order.number}"
    channel = state.channels.get(order.channel)
    if channel is None:
        known = ", ".join(c.code for c in network.channels)
        raise InputError(f"unknown channel {order.channel!r}", where=where, hint=f"Known channels: {known}.")
    _check_names(order, where)
    if not 0 < len(order.lines) <= MOST_LINES:
        raise InputError(f"an order has 1 to {MOST_LINES} lines, found {len(order.lines)}", where=where)
    if len({line.key for line in order.lines}) != len(order.lines):
        raise InputError("two lines have the same key", where=where, hint="A line's key is unique in its order.")
    for line in order.lines:
        if line.sku not in state.skus:
            raise InputError(f"line {line.key}: unknown SKU {line.sku!r}", where=where, hint="Add it to the SKU file.")
        if not 0 < line.qty <= MOST_QUANTITY:
            raise InputError(f"line {line.key}: quantity {line.qty} is not between 1 and {MOST_QUANTITY}", where=where)
    if order.currency != network.currency:
        hint = f"This network counts in {network.currency}; convert before placing."
        raise InputError(f"currency {order.currency}", where=where, hint=hint)
    return channel


def _check_names(order: Order, where: str) -> None:
    """Ids are made of source and number and stand in keys, rows and logs: they must be plain and must not be an e-mail."""
    if not order.source or not order.number:
        raise InputError("an order needs a source and a number", where=where)
    if any(mark in order.source for mark in ":/@") or "@" in order.number:
        raise InputError("a source has no ':', '/' or '@', a number no '@': they stand in ids and logs", where="order")
    if any("@" in line.sku or "@" in line.key for line in order.lines):
        raise InputError(
            "a SKU or line key with '@' looks like an e-mail: it would stand in ids and logs", where="order"
        )


def _promise(state: State, order: Order, channel: Channel, at: int) -> int:
    if order.deliver_by:
        import datetime as dt

        try:
            return date_to_day(dt.date.fromisoformat(order.deliver_by))
        except ValueError as error:
            raise InputError(f"deliver_by {order.deliver_by!r} is not an ISO date", where=order_id_of(order)) from error
    if channel.promise == "computed" and (day := _computed(state, order, at)):
        return day
    days = channel.promise_working_days or state.require_network().policy.promise_working_days
    return promise_day(at, zone_of_state(order.to.state), days)


def _computed(state: State, order: Order, at: int) -> int:
    """The day that the way the order would go now can keep; 0 where it can go no way."""
    wanted = OrderState(order, [state.skus[line.sku] for line in order.lines], 0)
    ask, _ = build_ask(state, wanted, list(range(len(order.lines))), [line.qty for line in order.lines], at)
    return computed_promise(ask, state.facts(at // MICROS_PER_DAY), with_gates(state, situation(state), wanted, ask))


def _route(state: State, held: OrderState, lines: list[int], quantities: list[int], at: int) -> Decision:
    ask, groups = build_ask(state, held, lines, quantities, at)
    now = with_gates(state, situation(state, order_id_of(held.order)), held, ask)
    decision = route(ask, state.facts(at // MICROS_PER_DAY), now)
    return decision if groups is None else expanded(decision, groups)


def _breach(state: State, order_id: str, decision: Decision, at: int) -> ev.Excepted:
    nodes = state.require_network().nodes
    where = ", ".join(nodes[part.node].code for part in decision.parts if part.breach)
    return ev.Excepted("cap_breach", order_id, f"placed beyond the share cap at {where}: on_conflict is breach", at)


# -- parked parts -----------------------------------------------------------------------------------------------------


def _candidates(state: State, command: cmd.Command) -> list[RestKey]:
    """Parked parts that this command may have freed, oldest first, at most the policy's `retry_limit`."""
    if isinstance(command, cmd.ReceiveStock):
        found: dict[RestKey, None] = {}
        for sku in command.skus:
            found.update(state.rests_of_sku.get(sku, {}))
        keys = list(found)
    elif isinstance(command, cmd.Tick):
        keys = list(state.rests_on_clock)
    elif isinstance(
        command, cmd.SwitchNode | cmd.LoadNetwork | cmd.SetBreaker | cmd.SwitchShelf | cmd.CountStock | cmd.SetAliases
    ):
        keys = [(order_id, n) for order_id, held in state.orders.items() for n in held.rests]
    elif isinstance(command, cmd.TakeBack | cmd.CancelUnits | cmd.ChangeAddress):
        held = state.orders.get(command.order_id)
        named = {command.line_key} if isinstance(command, cmd.TakeBack) else set()
        lines = [i for i, x in enumerate(held.order.lines) if not named or x.key in named] if held else []
        if not lines:
            return []  # nothing was taken: the journal has only a note of it
        skus = [part for i in lines for part, _ in state.bundles.get(held.skus[i], [(held.skus[i], 1)])] if held else []
        keys = _waiting_for(state, skus) + _next_on_cap(state)
    elif isinstance(command, cmd.PlaceOrder):
        return _next_on_cap(state)
    else:
        return []
    return _with_units(state, keys)


def _waiting_for(state: State, skus: Iterable[int]) -> list[RestKey]:
    """Parked parts that want one of these SKUs."""
    return [key for sku in skus for key in state.rests_of_sku.get(sku, {})]


def _next_on_cap(state: State) -> list[RestKey]:
    """The part that has waited longest for room under a cap, where some cap would take an entry now."""
    for key in state.rests_on_cap:
        channel = state.orders[key[0]].order.channel
        if any(all(w.admits_one(1, True) for w in cap.windows(channel)) for cap in state.caps):
            return [key]
        return []
    return []


def _with_units(state: State, keys: list[RestKey]) -> list[RestKey]:
    """The first `retry_limit` of these parts of which some node has a unit: the others would only crowd them out."""
    limit, found = state.require_network().policy.retry_limit, []
    for key in sorted(dict.fromkeys(keys), key=lambda key: (state.orders[key[0]].rests[key[1]].since, key)):
        held = state.orders[key[0]]
        rest = held.rests[key[1]]
        skus = [held.skus[line] for line, q in zip(rest.lines, rest.quantities, strict=True) if q]
        if any(available_anywhere(state, skus)):
            found.append(key)
            if len(found) >= limit:
                break
    return found


def _redecide(state: State, key: RestKey, at: int) -> Iterator[ev.Event]:
    """Decide a parked part again; silence where nothing of it can be placed now and it waits for the same reason as before.

    Only lines of which some node has a unit are asked about; the others stay parked as they are.
    """
    held = state.orders[key[0]]
    rest = held.rests.get(key[1])
    if rest is None:
        return
    if any(part.status == CANCELLED and part.entries for part in held.parts.values()):
        yield from placed_again(state, key[0], key[1], at)  # under the caps it takes the place that it had
        return
    tried: list[tuple[int, int]] = []
    waiting: list[tuple[int, int]] = []
    there = available_anywhere(state, [held.skus[line] for line in rest.lines])
    for line, quantity, units in zip(rest.lines, rest.quantities, there, strict=True):
        if quantity:
            (tried if units else waiting).append((line, quantity))
    if not tried:
        return
    decision = _route(state, held, [line for line, _ in tried], [q for _, q in tried], at)
    if not decision.parts and all(other.reason == rest.reason for other in decision.rests):
        return
    left: dict[str, dict[int, int]] = {rest.reason: dict(waiting)} if waiting else {}
    for other in decision.rests:
        left.setdefault(other.reason, {}).update(zip(other.lines, other.quantities, strict=True))
    kept = tuple(
        Rest(held.next_rest + i, tuple(group), tuple(group.values()), reason, rest.action, rest.until_day)
        for i, (reason, group) in enumerate(left.items())
    )
    decision = Decision(decision.parts, kept, decision.why)
    yield ev.OrderRouted(key[0], key[1], decision, at)
    if any(part.breach for part in decision.parts):
        yield _breach(state, key[0], decision, at)


# -- clock ------------------------------------------------------------------------------------------------------------


def _tick(state: State, command: cmd.Tick) -> Iterator[ev.Event]:
    nodes = state.require_network().nodes
    last = [last_ship_day(node, command.at) for node in nodes]
    look = is_time_to_look(state, command.at)
    yield ev.Ticked(command.at)
    if look:
        yield from look_at_all(state, command.at)
    for n in range(len(nodes)):
        due = [key for ship_day in sorted(state.due[n]) if ship_day <= last[n] for key in state.due[n][ship_day]]
        if n in state.connected:  # its network says when something left
            due = [key for key in due if _is_projected(state, n, key)]
        elif state.open_dispatches:
            due = [key for key in due if state.is_free(state.orders[key[0]].parts[key[1]])]
        if due:
            yield ev.PartsShipped(n, tuple(due), command.at)
    if state.connected:
        yield from tick_networks(state, command.at)
    today = command.at // MICROS_PER_DAY
    arrived = [key for day in sorted(state.arriving) if day < today for key in state.arriving[day]]
    if arrived:
        yield ev.PartsDelivered(tuple(arrived), command.at)
    expired = [key for day in sorted(state.expiring) if day < today for key in state.expiring[day]]
    for order_id, number in expired:
        rest = state.orders[order_id].rests[number]
        pairs = [(line, q) for line, q in zip(rest.lines, rest.quantities, strict=True) if q]
        lines, quantities = tuple(line for line, _ in pairs), tuple(q for _, q in pairs)
        yield ev.RestReduced(order_id, number, lines, quantities, "expired", command.at)
        detail = f"{sum(quantities)} units of {len(lines)} lines stayed parked ({rest.reason}) past the promise"
        yield ev.Excepted("expired", order_id, detail, command.at)


def _is_projected(state: State, node: int, key: RestKey) -> bool:
    """Whether a fulfillment order at a connected node goes the projected way: it is outside the pilot, and nobody was told of it."""
    handed_over = is_handed_over(state.require_network(), state.connected[node], key[0])
    return not state.orders[key[0]].parts[key[1]].remote_id and not handed_over


# -- stock, cancellations, nodes --------------------------------------------------------------------------------------


def _receive(state: State, command: cmd.ReceiveStock) -> list[ev.Event]:
    nodes = len(state.require_network().nodes)
    if not 0 <= command.node < nodes:
        raise InputError(f"node #{command.node} does not exist", where=f"receipt {command.ref}")
    if any(not 0 <= sku < len(state.skus) or sku in state.bundles for sku in command.skus):
        raise InputError("a SKU that does not exist or is a bundle", where=f"receipt {command.ref}")
    if any(q < 0 for q in command.quantities):
        raise InputError("a negative quantity", where=f"receipt {command.ref}")
    return [ev.StockReceived(command.ref, command.node, command.source, command.skus, command.quantities, command.at)]


def _set_prices(state: State, command: cmd.SetPrices) -> list[ev.Event]:
    """Refuse a book that is damaged, or that was made for other positions than those in force."""
    if hashlib.sha256(command.document).hexdigest() != command.sha256:
        raise InputError("the document is not the one that its hash names", where="prices")
    if state.require_network().policy.prices != "on":
        raise InputError(
            "the network file switches prices off", where="prices", hint='[policy] prices = "on" takes them.'
        )
    book = decode_prices(command.document)
    if book.network != state.network_sha:
        hint = "The network changed while it was made; the next one will fit."
        raise InputError("a price book made for another network document", where="prices", hint=hint)
    if (book.skus, book.nodes) != (len(state.skus), len(state.nodes)):
        raise InputError("a price book of other SKUs or nodes than the network's", where="prices")
    known = {cap.network for cap in state.caps}
    if unknown := [name for name, _ in book.caps if name not in known]:
        raise InputError(f"a price of room at {unknown[0]}, which has no cap", where="prices")
    return [ev.PricesSet(state.price_version + 1, command.sha256, book.network, command.reason, command.at)]


def _switch(state: State, command: cmd.SwitchNode) -> list[ev.Event]:
    if command.node not in state.nodes:
        known = ", ".join(state.nodes)
        raise InputError(f"unknown node {command.node!r}", where="switch", hint=f"Known nodes: {known}.")
    return [ev.NodeSwitched(state.nodes[command.node], command.closed, command.reason, command.at)]
