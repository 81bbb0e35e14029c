"""What an unreleased order would become if it were decided now: its own units back on the shelf, its own place in the caps."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, cast

import msgspec

from tranship.dispatch.model import ABANDONED
from tranship.engine import events as ev
from tranship.engine.asking import MICROS_PER_DAY, available_anywhere, build_ask, expanded, shut_for
from tranship.engine.entries import Recount, recounts, standing, together
from tranship.engine.gating import with_gates
from tranship.engine.state import PROCESSING, OrderState, PartState, State
from tranship.routing.decide import decide as route
from tranship.routing.facts import counts_for
from tranship.routing.held import Piece, ShelfWith, priced
from tranship.routing.model import Ask, Decision, Ints, Part, Rest
from tranship.routing.promise import book
from tranship.routing.share_change import Change, Standing
from tranship.routing.situation import Situation


def is_local(part: PartState) -> bool:
    """Whether a fulfillment order is still ours alone: no network has been told of it."""
    return part.status == PROCESSING and not part.remote_id


def is_movable(part: PartState) -> bool:
    """Whether it may be given up for another: not where a breach was booked for it, or the customer took a part of it back."""
    return is_local(part) and not part.breach and not part.cut


class World:
    """The state with some orders taken off and put down elsewhere, without changing it."""

    def __init__(self, state: State, at: int, order_id: str = "") -> None:
        self.state, self.at = state, at
        self.shut = shut_for(state, order_id)  # to the order that is asked about
        self.delta: dict[tuple[int, int], int] = {}  # (SKU, node) -> units more on the shelf
        self.used = state.used
        self.also: dict[int, Change] = {}  # counter (by identity) -> what other orders of the step change

    def take_off(self, order: OrderState, numbers: Iterable[int]) -> None:
        """Units and hours of these parts are free, but for units that a network may hold, or that come back to a closed shelf."""
        for number in numbers:
            part = order.parts[number]
            held = self.state.dispatch_of(part)
            if held is None or held.state != ABANDONED:
                self.lay(order, part.node, zip(part.lines, part.quantities, strict=True), 1)
            if part.booked:
                used = self._own(part.node)
                for day, units in part.booked.items():
                    used[day] = max(0, used.get(day, 0) - units)

    def put_down(self, order: OrderState, parts: Iterable[Part]) -> bool:
        """These parts are placed; False where a node has no hours for one by its ship day (it is placed all the same)."""
        fits = True
        for part in parts:
            self.lay(order, part.node, zip(part.lines, part.quantities, strict=True), -1)
            node = self.state.require_network().nodes[part.node]
            if node.capacity_units:
                used, units = self._own(part.node), sum(part.quantities)
                calendar = self.state.facts(self.at // MICROS_PER_DAY).calendar
                fits = fits and 0 <= calendar.ship_day(part.node, part.earliest, units, used) <= part.ship_day
                book(node, part.earliest, units, used, part.ship_day)
        return fits

    def lay(self, order: OrderState, node: int, pairs: Iterable[tuple[int, int]], sign: int) -> None:
        """Put units of lines on a node's shelf, or take them from it."""
        bundles = self.state.bundles
        for line, quantity in pairs:
            sku = order.skus[line]
            for part, count in bundles.get(sku, ((sku, 1),)):
                key = (part, node)
                if sign > 0 and key in self.state.shelves:
                    continue
                self.delta[key] = self.delta.get(key, 0) + sign * quantity * count

    def situation(self) -> Situation:
        """What routing sees of it."""
        state = self.state
        shelf = cast(Ints, ShelfWith(state.ledger.fulfillable, self.delta))
        return Situation(shelf, state.caps, self.used, self.shut, state.prices)

    def _own(self, node: int) -> dict[int, int]:
        if self.used is self.state.used:
            self.used = list(self.state.used)
        if self.used[node] is self.state.used[node]:
            self.used[node] = dict(self.used[node])
        return self.used[node]


class Offer(NamedTuple):
    """What would change for an order: the move, and what speaks for it."""

    order: OrderState
    move: ev.Move
    stays: tuple[int, ...]  # numbers of parts that were decided along and stay as they are
    parts: tuple[Part, ...]  # all parts of the new decision, those that stay too
    filled: int  # units placed that were parked, or brought away from a closed node
    in_time: int  # units in time that were late; below 0: the other way round
    gain: int

    @property
    def sound(self) -> bool:
        """Whether nothing in time would become late."""
        return self.in_time + self.filled >= 0


def movable_parts(order: OrderState) -> list[int]:
    """Numbers of the parts that may be given up."""
    return [number for number, part in order.parts.items() if is_movable(part)]


def offer(world: World, order_id: str, numbers: Sequence[int], joined: Sequence[int] = ()) -> Offer | None:
    """Decide these parts of an order (taken off in `world`) and these parked ones again; None where nothing would change."""
    state, at = world.state, world.at
    order = state.orders[order_id]
    world.shut = shut_for(state, order_id)  # a look must not bring it back to a node that refused it
    lines, waiting = _lines(order, numbers, joined)
    ask, groups = build_ask(state, order, list(lines), list(lines.values()), at)
    ask.standing = standing_of(world, order, numbers)
    facts, now = state.facts(at // MICROS_PER_DAY), with_gates(state, world.situation(), order, ask)
    raw = route(ask, facts, now)
    if not raw.parts or any(part.breach for part in raw.parts):
        return None
    if not waiting and not raw.rests and _same_places(order, numbers, ask, raw, groups):
        return None
    decision = raw if groups is None else expanded(raw, groups)
    still_open = _open(decision.rests)
    if any(units > waiting.get(line, 0) for line, units in still_open.items()):
        return None
    placed = sum(waiting.values()) - sum(still_open.values())
    pooled = bool(facts.tables.unit_scope.any())
    stays = {} if pooled else _stays(order, numbers, decision.parts)
    if len(stays) == len(numbers) == len(decision.parts) and not placed:
        return None
    released = tuple(number for number in numbers if number not in stays)
    fresh = _numbered(order, [part for i, part in enumerate(decision.parts) if i not in stays.values()])
    rests = _again(order, joined, decision.rests) if placed else ()
    gain = _gain(ask, order, numbers, raw, now, groups, list(lines), state, at)
    if gain is None:
        return None
    shut = sum(order.parts[number].units() for number in released if _closed(state, order.parts[number].node))
    late = sum(order.parts[number].units() for number in numbers if order.parts[number].late)
    late -= sum(sum(part.quantities) for part in decision.parts if part.late)
    units = tuple(order.parts[number].units() for number in released)
    move = ev.Move(
        order_id, released, units, tuple(joined) if placed else (), Decision(fresh, rests, decision.why), gain
    )
    return Offer(order, move, tuple(stays), decision.parts, placed + shut, late, gain)


def joinable(state: State, order: OrderState) -> list[int]:
    """Parked parts of the order that could be placed along: some of their units lie somewhere."""
    found = []
    for number, rest in order.rests.items():
        skus = [order.skus[line] for line, q in zip(rest.lines, rest.quantities, strict=True) if q]
        if any(available_anywhere(state, skus)):
            found.append(number)
    return found


def allowed(state: State, offers: Sequence[Offer], at: int) -> bool:
    """Whether the moves may be carried out together, exactly as they would be: units, hours, and every counter of every cap."""
    world = World(state, at)
    for each in offers:
        world.take_off(each.order, each.move.released)
    if not all(world.put_down(each.order, each.move.decision.parts) for each in offers):
        return False
    shelf = state.ledger.fulfillable
    if any(units < 0 and shelf[cell] + units < 0 for cell, units in world.delta.items()):
        return False
    changes = together([changes_of(state, each) for each in offers])
    return all(window.admits_change(*change) for window, change in changes)


def changes_of(state: State, offered: Offer) -> list[Recount]:
    """What an offer changes in the counters of the caps."""
    if not state.caps:
        return []
    return list(recounts(state, offered.order, offered.move.released, offered.move.decision.parts))


# -- inner ------------------------------------------------------------------------------------------------------------


def _lines(order: OrderState, numbers: Sequence[int], joined: Sequence[int]) -> tuple[dict[int, int], dict[int, int]]:
    """Units asked of each line, and those of them that wait."""
    lines: dict[int, int] = {}
    waiting: dict[int, int] = {}
    for number in numbers:
        part = order.parts[number]
        for line, quantity in zip(part.lines, part.quantities, strict=True):
            lines[line] = lines.get(line, 0) + quantity
    for number in joined:
        rest = order.rests[number]
        for line, quantity in zip(rest.lines, rest.quantities, strict=True):
            if quantity:
                lines[line] = lines.get(line, 0) + quantity
                waiting[line] = waiting.get(line, 0) + quantity
    return lines, waiting


def standing_of(world: World, order: OrderState, numbers: Sequence[int]) -> dict[int, list[Standing]]:
    """What the order has in the counters of each cap that counts its channel."""
    state = world.state
    channel = state.channels[order.order.channel]
    found: dict[int, list[Standing]] = {}
    for i, cap in enumerate(state.caps):
        if counts_for(channel, cap.network):
            found[i] = [
                standing(cap, window, order, numbers)._replace(also=world.also.get(id(window), Change()))
                for window in cap.windows(channel.code)
            ]
    return found


def _same_places(
    order: OrderState, numbers: Sequence[int], ask: Ask, raw: Decision, groups: list[list[tuple[int, int]]] | None
) -> bool:
    """Whether an order that is one part at one node would be just that again: the common answer, known without more work."""
    if len(numbers) != 1 or len(raw.parts) != 1 or groups is not None:
        return False
    part, again = order.parts[numbers[0]], raw.parts[0]
    return part.node == again.node and part.late == again.late


def _open(rests: Iterable[Rest]) -> dict[int, int]:
    found: dict[int, int] = {}
    for rest in rests:
        for line, quantity in zip(rest.lines, rest.quantities, strict=True):
            found[line] = found.get(line, 0) + quantity
    return found


def _stays(order: OrderState, numbers: Sequence[int], parts: Sequence[Part]) -> dict[int, int]:
    """Parts that the new decision has just as they are: old number -> position in the decision."""
    found: dict[int, int] = {}
    for i, part in enumerate(parts):
        pairs = sorted(zip(part.lines, part.quantities, strict=True))
        for number in numbers:
            held = order.parts[number]
            if number in found or held.node != part.node or held.late != part.late or held.cost != part.cost:
                continue
            if held.ship_day <= part.ship_day and sorted(zip(held.lines, held.quantities, strict=True)) == pairs:
                found[number] = i
                break
    return found


def _numbered(order: OrderState, parts: Sequence[Part]) -> tuple[Part, ...]:
    return tuple(msgspec.structs.replace(part, number=order.next_part + i) for i, part in enumerate(parts))


def _again(order: OrderState, joined: Sequence[int], rests: Sequence[Rest]) -> tuple[Rest, ...]:
    """What stays parked of the parts that joined: under the terms of the first of them."""
    first = order.rests[joined[0]]
    return tuple(
        Rest(order.next_rest + i, rest.lines, rest.quantities, rest.reason, first.action, first.until_day)
        for i, rest in enumerate(rests)
    )


def _closed(state: State, node: int) -> bool:
    return node in state.closed or state.require_network().nodes[node].closed


def _gain(
    ask: Ask,
    order: OrderState,
    numbers: Sequence[int],
    raw: Decision,
    now: Situation,
    groups: list[list[tuple[int, int]]] | None,
    lines: list[int],
    state: State,
    at: int,
) -> int | None:
    """Micros by which the new placement is cheaper than what the order holds, both at today's prices; None: it has no price."""
    facts = state.facts(at // MICROS_PER_DAY)
    position_of = {line: i for i, line in enumerate(lines)}
    if groups is not None:
        position_of = {line: i for i, group in enumerate(groups) for line, _ in group}
    before: dict[tuple[int, int], int] = {}
    ship: dict[int, int] = {}
    for number in numbers:
        part = order.parts[number]
        ship[part.node] = max(ship.get(part.node, 0), part.ship_day)
        for line, quantity in zip(part.lines, part.quantities, strict=True):
            key = (position_of[line], part.node)
            before[key] = before.get(key, 0) + quantity
    after: dict[tuple[int, int], int] = {}
    for placed in raw.parts:
        for line, quantity in zip(placed.lines, placed.quantities, strict=True):
            key = (line if groups is not None else position_of[line], placed.node)
            after[key] = after.get(key, 0) + quantity
    old = priced(ask, facts, now, _pieces(before), ship) if before else 0
    new = priced(ask, facts, now, _pieces(after), {part.node: part.ship_day for part in raw.parts})
    if new < 0:
        return None
    return old - new if old >= 0 else 0


def _pieces(units: dict[tuple[int, int], int]) -> list[Piece]:
    return [(position, quantity, node) for (position, node), quantity in units.items() if quantity]
