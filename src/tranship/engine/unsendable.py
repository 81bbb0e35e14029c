"""What cannot be written so that a network may have it goes back to routing: elsewhere, or, where nothing is left, before a person.

It is never sent as it is, and never lost: the order keeps away from the nodes behind that connection until the address or the alias that
stood against it is put right, and its story says which part of the message it was.
"""

from collections.abc import Iterator

from tranship.core.errors import InputError
from tranship.engine import commands as cmd
from tranship.engine import events as ev
from tranship.engine.displace import displaced
from tranship.engine.due import may_hand_over
from tranship.engine.state import OrderState, State
from tranship.routing.model import Rest

ON_CAP = frozenset({"cap", "larger_than_window"})
"""Reasons of a parked part that end by themselves: there is another way, and it waits for its turn."""


def not_sendable(state: State, command: cmd.NotSendable) -> Iterator[ev.Event]:
    """Give up each of these where it is and decide it again without the nodes that it cannot be told to. InputError for an unknown node."""
    unknown = [each.node for each in command.found if each.node not in state.nodes]
    if unknown:
        raise InputError(f"unknown node {unknown[0]!r}", where="not sendable")
    yield ev.Took(command, command.at)
    for each in command.found:
        order = state.orders.get(each.order_id)
        if order is not None and _still(state, order, each):
            yield from _back(state, each, command.at)


def _still(state: State, order: OrderState, each: cmd.Unsendable) -> bool:
    """Whether it stands as it was found: ours alone, at that node, with the address that could not be written."""
    part = order.parts.get(each.number)
    if part is None or part.node != state.nodes[each.node] or not part.units():
        return False
    return may_hand_over(state, part) and each.readdressed == order.readdressed


def _back(state: State, each: cmd.Unsendable, at: int) -> Iterator[ev.Event]:
    node = state.nodes[each.node]
    yield ev.FoundUnsendable(each.order_id, each.number, _same_way(state, node), each.cause, each.leaf, each.why, at)
    for event in displaced(state, each.order_id, [each.number], at):
        yield event
        rests = _rests(event)
        waiting = [rest for rest in rests if rest.reason not in ON_CAP]
        if waiting:
            units = sum(sum(rest.quantities) for rest in waiting)
            detail = (
                f"not sendable at {each.node}: {each.leaf} {each.why}; nobody else can ship {units} units of it now"
            )
            yield ev.Excepted("not_sendable", f"{each.order_id}/{each.number}", f"{detail} ({waiting[0].reason})", at)


def _rests(event: ev.Event) -> tuple[Rest, ...]:
    if isinstance(event, ev.OrdersMoved):
        return event.moves[0].decision.rests
    return event.decision.rests if isinstance(event, ev.OrderRouted) else ()


def _same_way(state: State, node: int) -> tuple[int, ...]:
    """All nodes that would be told by the same connection: what cannot be told to one cannot be told to the others."""
    connection = state.connected.get(node)
    if connection is None:
        return (node,)
    return tuple(sorted(n for n, each in state.connected.items() if each.code == connection.code))
