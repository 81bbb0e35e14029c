"""What facts about networks change: dispatches, breakers, counts of stock. Part of `evolve`; the invariants are checked here."""

from collections.abc import Iterable

import msgspec

from tranship.core.errors import InvariantError
from tranship.core.ledger import Bucket
from tranship.dispatch.health import worse
from tranship.dispatch.model import ABANDONED, CLOSED, FREE, GONE, REJECTED, RELEASING, VOID, Dispatch
from tranship.engine import events as ev
from tranship.engine.aliases import evolve_aliases
from tranship.engine.state import PROCESSING, Breaker, OrderState, PartState, State

BY_HAND = "by hand"
"""Beginning of a reason that a person gave: what a person called back does not go to the same node again by itself."""
CONNECTION, NODE, HAND = "connection", "node", "hand"
"""Whose verdict a breaker is: that of the interface, of one node behind it, or a person's, which goes before both until it ends."""


NOISY = frozenset({"unauthorized", "violation"})
"""Kinds that every dispatch of a connection would tell of at once: told once in a while for the connection."""


def told(state: State, event: ev.Excepted) -> None:
    """Remember what a person was told, so that it is not told again with each step."""
    order_id, _, number = event.subject.rpartition("/")
    order = state.orders.get(order_id)
    part = order.parts.get(int(number)) if order is not None and number.isdecimal() else None
    if part is None:
        return
    if event.kind == "dead_letter":
        part.undeliverable = True
    elif event.kind in {"overdue", "stalled"}:
        part.overdue = True
    elif event.kind in NOISY and part.node in state.connected:
        state.noted[event.kind, state.connected[part.node].code] = event.at


def took(state: State, event: ev.Took) -> None:
    """What it made of things follows."""


def dispatched(state: State, event: ev.Dispatched) -> None:
    """An attempt as it stands from now on."""
    d = event.dispatch
    old = state.dispatches.get(d.remote_id)
    order = state.orders[d.order_id]
    part = order.parts[d.number]
    if old is None:
        if part.status != PROCESSING or not state.is_free(part):
            raise InvariantError(f"{d.order_id}/{d.number} is handed over while another attempt may ship (I2)")
        part.remote_id = d.remote_id
    else:
        _same_attempt(old, d)
    if d.state == GONE and (old is None or old.state != GONE):
        state.went[d.node] = event.at
    state.dispatches[d.remote_id] = d
    state.touched[d.remote_id] = None
    if d.state == GONE and d.op:
        state.under_way[d.remote_id] = None
    else:
        state.under_way.pop(d.remote_id, None)
    if d.state in CLOSED:
        state.open_dispatches.pop(d.remote_id, None)
        _lay_ghosts(state, d, event.at)
    else:
        state.open_dispatches[d.remote_id] = None
    ended = d.state == VOID and (d.wish != "void" or d.remote in {"UNFULFILLABLE", "INVALID"})
    if d.state == REJECTED or ended or (d.state in FREE and d.why.startswith(BY_HAND)):
        order.refused = tuple(sorted({*order.refused, d.node}))


def unsendable(state: State, event: ev.FoundUnsendable) -> None:
    """The order keeps away from these nodes, until what stood against it there is put right."""
    order = state.orders[event.order_id]
    fresh = [node for node in event.nodes if node not in order.refused]
    order.refused = tuple(sorted({*order.refused, *fresh}))
    order.unsendable = {**order.unsendable, **dict.fromkeys(fresh, event.cause)}


def aliases(state: State, event: ev.AliasesSet) -> None:
    """What a network calls articles. Where one has its first active alias, orders may go there again that could not for want of it."""
    if not evolve_aliases(state, event):
        return
    nodes = [n for n, node in enumerate(state.require_network().nodes) if node.network == event.network]
    for order in state.orders.values():
        if order.unsendable:
            _lift(order, [node for node in nodes if order.unsendable.get(node) == "sku"])


def lift_all(state: State) -> None:
    """Another network document is in force: what a network may be told is asked anew."""
    for order in state.orders.values():
        if order.unsendable:
            _lift(order, list(order.unsendable))


def _lift(order: OrderState, nodes: Iterable[int]) -> None:
    """What stood against these nodes is put right."""
    gone = {node for node in nodes if node in order.unsendable}
    order.refused = tuple(node for node in order.refused if node not in gone)
    order.unsendable = {node: why for node, why in order.unsendable.items() if node not in gone}


def _same_attempt(old: Dispatch, new: Dispatch) -> None:
    if (old.order_id, old.number, old.node, old.sha256) != (new.order_id, new.number, new.node, new.sha256):
        raise InvariantError(f"dispatch {new.remote_id} would change what it is (I5)")
    if new.state == RELEASING and old.state in FREE | {"RESOLVING", "QUARANTINED"}:
        raise InvariantError(f"dispatch {new.remote_id} would be released after it was wanted back (I3)")
    if old.state in {VOID, REJECTED} and new.state not in {old.state, GONE}:
        raise InvariantError(f"dispatch {new.remote_id} was {old.state} and would be {new.state} (I8)")


def _lay_ghosts(state: State, d: Dispatch, at: int) -> None:
    """The network has said what became of units that it held for an order that had gone elsewhere."""
    if d.remote_id not in state.ghosts:
        return
    node, pairs = state.ghosts.pop(d.remote_id)
    if d.state == GONE:
        state.ledger_move(Bucket.RESEARCHING, Bucket.IN_TRANSIT, node, pairs)
        return
    back_to_shelf(state, Bucket.RESEARCHING, node, pairs, at)


def give_back(state: State, part: PartState, pairs: Iterable[tuple[int, int]], at: int) -> None:
    """Reserved units of a fulfillment order are free: on the shelf, or, while the network may hold them, in research."""
    pairs = list(pairs)
    d = state.dispatch_of(part)
    if d is not None and d.state == GONE:  # the network sent less than it was asked for: it does not have them
        state.move(Bucket.RESERVED, Bucket.UNACCOUNTED, part.node, pairs)
        return
    if d is not None and d.state not in FREE:
        raise InvariantError(f"{d.order_id}/{d.number} may still ship from where it is ({d.state}): I1")
    if d is not None and d.state == ABANDONED:
        state.move(Bucket.RESERVED, Bucket.RESEARCHING, part.node, pairs)
        held = state.ghosts.setdefault(d.remote_id, (part.node, []))
        _, _, _, skus, quantities = state.moves[-1]
        held[1].extend(zip(skus, quantities, strict=True))
        return
    back_to_shelf(state, Bucket.RESERVED, part.node, pairs, at)


def back_to_shelf(state: State, source: Bucket, node: int, pairs: Iterable[tuple[int, int]], at: int) -> None:
    """Units come (back) to a shelf, and may be sold unless the SKU is closed there."""
    state.move(source, Bucket.FULFILLABLE, node, pairs)
    _, _, _, skus, quantities = state.moves[-1]
    for sku in skus:
        state.freed[sku] = at
    shut = [(sku, q) for sku, q in zip(skus, quantities, strict=True) if (sku, node) in state.shelves]
    if shut:
        state.ledger_move(Bucket.FULFILLABLE, Bucket.RESEARCHING, node, shut)


def cancel_asked(state: State, event: ev.CancelAsked) -> None:
    """Units of it are void as soon as the network gives it back."""
    part = state.orders[event.order_id].parts[event.number]
    wanted = dict(part.recalled or {})
    for line, quantity in zip(event.lines, event.quantities, strict=True):
        wanted[line] = wanted.get(line, 0) + quantity
    part.recalled = wanted


def readdressed(state: State, event: ev.AddressChanged) -> None:
    """Where the order goes from now on; what had been promised stays promised."""
    order = state.orders[event.order_id]
    order.order = msgspec.structs.replace(order.order, to=event.to)
    order.readdressed += 1
    _lift(order, [node for node, cause in order.unsendable.items() if cause != "sku"])
    for part in order.parts.values():
        part.undeliverable = False  # what could not be handed over as it was may go now


def breaker(state: State, event: ev.BreakerChanged) -> None:
    """Where new work may go. Each verdict stands for itself: a connection that is well again opens no node that stands still."""
    for node in event.nodes:
        held = state.verdicts.setdefault(node, {})
        if event.state == "closed" and not event.until:
            held.pop(event.level, None)
        else:
            old = held.get(event.level)
            since = old.since if old is not None and old.state == event.state else event.at
            held[event.level] = Breaker(event.state, event.share_bp, event.why, since, event.until)
        if held:
            state.breakers[node] = _in_force(held)
        else:
            state.breakers.pop(node, None)
            del state.verdicts[node]
    shut(state)
    if event.state != "open":
        state.changed_at, state.price_rise = event.at, None


def _in_force(held: dict[str, Breaker]) -> Breaker:
    """A person's word where there is one, else the worse of the connection's verdict and the node's own."""
    if HAND in held:
        return held[HAND]
    if CONNECTION in held and NODE in held:
        return worse(held[CONNECTION], held[NODE])
    return next(iter(held.values()))


def shut(state: State) -> None:
    """Which nodes take no new work: on trial without a share is as closed as open, only that it is asked how it is."""
    none = {node for node, held in state.breakers.items() if held.state == "open" or not held.share_bp}
    state.closed = state.switched | none


def drained(state: State, event: ev.Drained) -> None:
    """What moved has its own events."""


def counted(state: State, event: ev.StockCounted) -> None:
    """The difference is posted, never the count."""
    node = event.node
    rows = list(zip(event.skus, event.counted, event.low, event.high, event.missing, event.found, strict=True))
    missing = [(sku, lost) for sku, _, _, _, lost, _ in rows if lost]
    if missing:
        state.ledger_move(Bucket.FULFILLABLE, Bucket.UNACCOUNTED, node, missing)
    back = [(sku, found) for sku, _, _, _, _, found in rows if found]
    if back:
        state.ledger_move(Bucket.UNACCOUNTED, Bucket.FULFILLABLE, node, back)
        for sku, _ in back:
            state.freed[sku] = event.at
    for sku, count, low, high, _, found in rows:
        differs = min(0, count - low) + max(0, count - high)
        state.counts_seen[sku, node] = (max(0, count - high - found), event.at)
        if differs:
            state.drifts[sku, node] = differs
        else:
            state.drifts.pop((sku, node), None)


def shelf(state: State, event: ev.ShelfSwitched) -> None:
    """Its units stay in the books, but are not sold while it is closed."""
    key = (event.sku, event.node)
    if event.closed:
        state.shelves[key] = event.reason
        if event.units:
            state.ledger_move(Bucket.FULFILLABLE, Bucket.RESEARCHING, event.node, [(event.sku, event.units)])
        return
    state.shelves.pop(key, None)
    if event.units:
        state.ledger_move(Bucket.RESEARCHING, Bucket.FULFILLABLE, event.node, [(event.sku, event.units)])
        state.freed[event.sku] = event.at
