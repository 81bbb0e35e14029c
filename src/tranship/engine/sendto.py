"""A person sends a fulfillment order to a node, under the same rules as the router: stock, capacity, share caps, goods."""

from collections.abc import Iterator

from tranship.core.errors import ConflictError, InputError
from tranship.engine import commands as cmd
from tranship.engine import events as ev
from tranship.engine.displace import elsewhere, moved
from tranship.engine.state import PROCESSING, State


def send_to(state: State, command: cmd.SendTo) -> Iterator[ev.Event]:
    """Move one fulfillment order, or refuse with the limit that binds. What a network has must be recalled first."""
    order = state.orders.get(command.order_id)
    part = order.parts.get(command.number) if order is not None else None
    where = f"{command.order_id}/{command.number}"
    if order is None or part is None or part.status != PROCESSING:
        raise InputError(f"no open fulfillment order {where}", where="send")
    if command.node not in state.nodes:
        raise InputError(f"unknown node {command.node!r}", where="send", hint=f"Known: {', '.join(state.nodes)}.")
    if not state.is_free(part):
        hint = "Recall it; it can be sent elsewhere once the network has let it go."
        raise ConflictError(f"{where} was handed over, and may ship from there. {hint}")
    target = state.nodes[command.node]
    if part.node == target:
        raise InputError(f"{where} is at {command.node} already", where="send")
    decision = elsewhere(state, command.order_id, order, [command.number], command.at, only=target)
    if not decision.parts or decision.rests or any(each.breach for each in decision.parts):
        why = decision.rests[0].reason if decision.rests else "cap"
        raise InputError(f"{command.node} cannot take {where}: {why}", where="send")
    yield ev.Took(command, command.at)
    yield ev.OrdersMoved((moved(command.order_id, order, [command.number], decision),), command.at)
