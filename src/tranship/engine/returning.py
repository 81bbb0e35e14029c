"""Units that came back at a network: booked once for each return, however often its list repeats it; what cannot be is told."""

from collections.abc import Iterator

from tranship.engine import commands as cmd
from tranship.engine import events as ev
from tranship.engine.rows import part_id
from tranship.engine.state import DELIVERED, SHIPPED, PartState, State


def units_returned(state: State, command: cmd.Returned) -> Iterator[ev.Event]:
    """Book what is new of a list of returns. Unknown ids, unknown lines and more than was sent are told; nothing else changes."""
    yield ev.Took(command, command.at)
    units: dict[tuple[str, str, str], int] = {}
    for row in command.rows:
        key = (row.ref, row.remote_id, row.line_id)
        units[key] = units.get(key, 0) + row.units
    for (ref, remote_id, line_id), count in units.items():
        d = state.dispatches.get(remote_id)
        if d is None:
            detail = f"{command.connection}: a return of an order that nobody sent there"
            yield ev.Excepted("foreign_id", remote_id[:64], detail, command.at)
            continue
        part = state.orders[d.order_id].parts[d.number]
        line = line_of(part, line_id)
        fresh = count - booked(part, ref, line_id)
        if fresh <= 0:
            continue
        objection = _objection(part, line, fresh)
        if objection:
            detail = f"{command.connection}: {count} units came back of line {line_id[:40]}: {objection}"
            yield ev.Excepted("violation", part_id(d.order_id, d.number), detail, command.at)
            continue
        yield ev.UnitsReturned(d.order_id, d.number, (line,), (fresh,), command.at, return_key(ref, line_id))


def line_of(part: PartState, line_id: str) -> int:
    """The place of the line in the order; below 0 where the fulfillment order has no such line."""
    place = int(line_id) - 1 if line_id.isascii() and line_id.isdigit() and len(line_id) < 8 else -1
    return place if place in part.lines else -1


def return_key(ref: str, line_id: str) -> str:
    """Under which the units of a return are booked at its fulfillment order."""
    return f"{ref}/{line_id}"


def booked(part: PartState, ref: str, line_id: str) -> int:
    """Units of a line that were booked for a return so far."""
    return (part.told_back or {}).get(return_key(ref, line_id), 0)


def room(part: PartState, line: int) -> int:
    """Units of a line that have left and did not come back yet."""
    return part.quantities[part.lines.index(line)] - part.back(line)


def _objection(part: PartState, line: int, units: int) -> str:
    if line < 0:
        return "it has no such line"
    if part.status not in {SHIPPED, DELIVERED}:
        return f"it is {part.status}, and has not left"
    if units > room(part, line):
        return f"only {room(part, line)} are still with the customer"
    return ""
