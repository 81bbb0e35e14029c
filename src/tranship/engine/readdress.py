"""A new address for an order that no network can ship yet: what is on hold comes back, what is ours alone is decided again."""

from collections.abc import Iterator, Sequence

import msgspec

from tranship.core.errors import ConflictError, InputError
from tranship.dispatch.model import CLOSED, DOUBT_CREATE, FREE, HELD, SENDING
from tranship.engine import commands as cmd
from tranship.engine import events as ev
from tranship.engine.displace import displaced
from tranship.engine.handover import recall_parts
from tranship.engine.rows import part_id
from tranship.engine.state import CANCELLED, PROCESSING, PartState, State


class Readdressed(msgspec.Struct, frozen=True):
    """What became of an order with a new address: fulfillment orders that its networks give back, and that were decided again."""

    order: str
    ref: str
    status: str
    zip: str
    state: str
    called_back: tuple[str, ...]
    moved: tuple[str, ...]


def readdressed(state: State, command: cmd.ChangeAddress, events: Sequence[ev.Event]) -> Readdressed:
    """The answer, from the events that it made."""
    mine = command.order_id
    back, moved = [], []
    for event in events:
        if isinstance(event, ev.Dispatched) and event.cause == "recall" and event.dispatch.order_id == mine:
            back.append(part_id(mine, event.dispatch.number))
        elif isinstance(event, ev.OrdersMoved):
            moved += [part_id(mine, n) for move in event.moves if move.order_id == mine for n in move.released]
    to = state.orders[mine].order.to
    status = state.orders[mine].status()
    return Readdressed(
        mine, command.ref, status, to.zip, to.state, tuple(dict.fromkeys(back)), tuple(dict.fromkeys(moved))
    )


def change_address(state: State, command: cmd.ChangeAddress) -> Iterator[ev.Event]:
    """Where an order goes from now on. ConflictError, before anything happens, once a part of it may ship or has left.

    What is on hold cannot ship before it is released, so it is called back, and handed over anew with new bytes once its network
    has let it go. Where the new place is another one for routing, all that has not left is decided again, under the same caps.
    """
    order = state.orders.get(command.order_id)
    if order is None:
        raise InputError(f"no order {command.order_id!r}", where=f"address {command.ref}")
    open_parts = {n: part for n, part in order.parts.items() if part.status != CANCELLED and part.units()}
    if not open_parts and not order.rests:
        raise ConflictError(f"order {command.order_id} is {order.status()}: nothing of it is still to be sent")
    for number, part in open_parts.items():
        objection = _objection(state, part)
        if objection:
            raise ConflictError(f"{command.order_id}/{number} {objection}")
    elsewhere = command.to != order.order.to
    yield ev.Took(command, command.at)
    yield ev.AddressChanged(command.order_id, command.to, command.ref, command.at)
    numbers = [n for n, part in open_parts.items() if not state.is_free(part)]
    yield from recall_parts(state, command.order_id, tuple(numbers), f"a new address: {command.ref}", command.at)
    if elsewhere:
        free = [n for n, part in open_parts.items() if part.status == PROCESSING and part.units()]
        yield from displaced(state, command.order_id, free, command.at)


def _objection(state: State, part: PartState) -> str:
    """Why the address of this part can no longer be changed; "" where it can."""
    if part.status != PROCESSING:
        return "has left"
    d = state.dispatch_of(part)
    if d is None or d.state in CLOSED or d.state in FREE:
        return ""
    if part.recalled:
        return "was asked back by the customer, and its network has not answered yet"
    if d.hold and d.state in {SENDING, DOUBT_CREATE, HELD}:
        return ""
    node = state.require_network().nodes[d.node].code
    return f"was released to {node} ({d.state}) and may ship to the old address: recall it first"
