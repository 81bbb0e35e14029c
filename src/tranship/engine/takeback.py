"""What customers no longer want: taken from what waits first, then from what has not shipped; what a network has is asked back."""

from collections.abc import Iterator, Sequence

import msgspec

from tranship.core.errors import InputError
from tranship.engine import commands as cmd
from tranship.engine import events as ev
from tranship.engine.handover import recall_parts
from tranship.engine.state import CANCELLED, DELIVERED, PROCESSING, SHIPPED, OrderState, PartState, State


class LineCancelled(msgspec.Struct, frozen=True):
    """Units of a line that were asked for: void now, asked back from a network, too late (they left), not open any more."""

    line: str
    asked: int
    void: int
    asked_back: int
    too_late: int
    gone_before: int


class Cancelled(msgspec.Struct, frozen=True):
    """What a cancellation came to."""

    order: str
    ref: str
    status: str
    lines: tuple[LineCancelled, ...]


def take_back(state: State, command: cmd.TakeBack) -> Iterator[ev.Event]:
    """A recorded cancellation of one line: what has left comes back as a return. What cannot be is told, nothing is refused."""
    if command.quantity < 1:
        raise InputError(f"quantity {command.quantity} is not at least 1", where=f"cancellation {command.ref}")
    held = state.orders.get(command.order_id)
    if held is None:
        yield ev.Excepted("cancel_unknown", command.order_id, f"{command.ref}: no such open order", command.at)
        return
    line = next((i for i, x in enumerate(held.order.lines) if x.key == command.line_key), -1)
    if line < 0:
        yield ev.Excepted("cancel_unknown", command.order_id, f"{command.ref}: no line {command.line_key}", command.at)
        return
    yield ev.CancelTaken(command.order_id, line, command.quantity, command.ref, command.at)
    left = command.quantity
    for event, taken in _taken(state, command.order_id, line, left, command.ref, command.at):
        left -= taken
        yield event
        yield from _recalled(state, command.order_id, event, command.ref, command.at)
    for event, taken in _sent_back(held, command.order_id, line, left, command.at):
        left -= taken
        yield event
    if left:
        detail = f"{command.ref}: {left} of {command.quantity} units were never placed or are already back"
        yield ev.Excepted("cancel_beyond", command.order_id, detail, command.at)


def cancel_units(state: State, command: cmd.CancelUnits) -> Iterator[ev.Event]:
    """A cancellation before release: what has left stays with the customer, and the answer says so (`cancelled`)."""
    where = f"cancel {command.ref}"
    held = state.orders.get(command.order_id)
    if held is None:
        raise InputError(f"no order {command.order_id!r}", where=where)
    wanted = _wanted(held, command, where)
    yield ev.Took(command, command.at)
    for line, units in wanted.items():
        for event, _ in _taken(state, command.order_id, line, units, command.ref, command.at):
            yield event
            yield from _recalled(state, command.order_id, event, command.ref, command.at)


def cancelled(state: State, command: cmd.CancelUnits, events: Sequence[ev.Event]) -> Cancelled:
    """What the customer is told: line by line, from the events that it made."""
    held = state.orders[command.order_id]
    void: dict[int, int] = {}
    asked: dict[tuple[int, int], int] = {}
    for event in events:
        if getattr(event, "order_id", "") != command.order_id:
            continue
        if isinstance(event, ev.CancelAsked):
            for line, units in zip(event.lines, event.quantities, strict=True):
                asked[event.number, line] = asked.get((event.number, line), 0) + units
        elif isinstance(event, ev.PartVoided | ev.RestReduced):
            for line, units in zip(event.lines, event.quantities, strict=True):
                void[line] = void.get(line, 0) + units
                key = (event.number, line)
                if isinstance(event, ev.PartVoided) and key in asked:  # it was on hold: free at once
                    asked[key] -= min(asked[key], units)
    found = []
    for line, units in _wanted(held, command, "").items():
        back = sum(q for (_, at), q in asked.items() if at == line)
        done = min(units, void.get(line, 0))
        rest = units - done - back
        late = min(rest, sum(_left(part, line) for part in held.parts.values()))
        found.append(LineCancelled(held.order.lines[line].key, units, done, back, late, rest - late))
    return Cancelled(command.order_id, command.ref, held.status(), tuple(found))


def _wanted(held: OrderState, command: cmd.CancelUnits, where: str) -> dict[int, int]:
    """Units of each line, by its place; InputError where a line is none of the order's or has not so many."""
    lines = held.order.lines
    if not command.lines:
        return {i: line.qty for i, line in enumerate(lines)}
    places = {line.key: i for i, line in enumerate(lines)}
    found: dict[int, int] = {}
    for key, units in command.lines:
        if key not in places:
            raise InputError(f"the order has no line {key!r}", where=where, hint=f"It has {', '.join(places)}.")
        line = places[key]
        if line in found:
            raise InputError(f"line {key} is there twice", where=where)
        if not 1 <= units <= lines[line].qty:
            raise InputError(f"{units} units of line {key}", where=where, hint=f"1 to {lines[line].qty}.")
        found[line] = units
    return found


def _recalled(state: State, order_id: str, event: ev.Event, ref: str, at: int) -> Iterator[ev.Event]:
    if isinstance(event, ev.CancelAsked):
        yield from recall_parts(state, order_id, (event.number,), f"the customer took it back: {ref}", at)


def _taken(state: State, order_id: str, line: int, left: int, ref: str, at: int) -> Iterator[tuple[ev.Event, int]]:
    """Take from what waits first, then from what has not shipped, the newest first. What a network has is void once it gives it back."""
    held = state.orders[order_id]
    for number in sorted(held.rests, reverse=True):
        rest = held.rests[number]
        take = min(left, _of_line(rest.lines, rest.quantities, line))
        if take:
            left -= take
            yield ev.RestReduced(order_id, number, (line,), (take,), "cancelled", at), take
    for number in sorted(held.parts, reverse=True):
        part = held.parts[number]
        if part.status != PROCESSING:
            continue
        asked = (part.recalled or {}).get(line, 0)
        take = min(left, _of_line(part.lines, part.quantities, line) - part.back(line) - asked)
        if take <= 0:
            continue
        left -= take
        if state.is_free(part):
            yield ev.PartVoided(order_id, number, (line,), (take,), part.units() == take, at), take
        else:
            yield ev.CancelAsked(order_id, number, (line,), (take,), ref, at), take


def _sent_back(held: OrderState, order_id: str, line: int, left: int, at: int) -> Iterator[tuple[ev.Event, int]]:
    """What has left comes back, the newest first."""
    for number in sorted(held.parts, reverse=True):
        part = held.parts[number]
        take = min(left, _left(part, line) - (part.recalled or {}).get(line, 0))
        if part.status != CANCELLED and take > 0:
            left -= take
            yield ev.UnitsReturned(order_id, number, (line,), (take,), at), take


def _left(part: PartState, line: int) -> int:
    """Units of a line that are with the customer, or on their way."""
    if part.status not in {SHIPPED, DELIVERED}:
        return 0
    return _of_line(part.lines, part.quantities, line) - part.back(line)


def _of_line(lines: Sequence[int], quantities: list[int], line: int) -> int:
    return quantities[lines.index(line)] if line in lines else 0
