"""Fulfillment orders that cannot stay where they are go elsewhere: to another node, or, with the limit that binds named, to wait here.

The difference to a look (`moving`): what is displaced moves even where that costs more, and what no node takes is parked.
"""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from tranship.engine import events as ev
from tranship.engine.asking import MICROS_PER_DAY, build_ask, expanded
from tranship.engine.gating import with_gates
from tranship.engine.offers import Offer, World, allowed, joinable, offer, standing_of
from tranship.engine.state import OrderState, State
from tranship.routing.decide import decide as route
from tranship.routing.model import Decision, Part, Rest


def displaced(state: State, order_id: str, numbers: Sequence[int], at: int) -> Iterator[ev.Event]:
    """Give these parts up and place their units elsewhere, together; what finds no room is parked."""
    order = state.orders[order_id]
    numbers = [number for number in numbers if order.parts[number].units()]
    if not numbers:
        return
    decision = elsewhere(state, order_id, order, numbers, at)
    if any(part.breach for part in decision.parts):  # a breach of the cap is booked as a new entry
        for number in numbers:
            yield _void(order_id, order, number, at)
        yield ev.OrderRouted(order_id, 0, _renumbered(order, decision), at)
        return
    yield ev.OrdersMoved((moved(order_id, order, numbers, decision),), at)


def placed_again(state: State, order_id: str, number: int, at: int) -> Iterator[ev.Event]:
    """Place a parked part of an order that has void fulfillment orders: their entries in the caps' counters are used again (ADR 5)."""
    order = state.orders[order_id]
    if number not in joinable(state, order):
        return
    world = World(state, at, order_id)
    offered = offer(world, order_id, (), (number,))
    if offered is not None and allowed(state, [offered], at):
        yield ev.OrdersMoved((offered.move,), at)


def elsewhere(
    state: State, order_id: str, order: OrderState, numbers: Sequence[int], at: int, only: int = -1, without: int = -1
) -> Decision:
    """Where the units would go now (`only`: to this node or nowhere; `without`: not there); parked where the caps do not allow that."""
    world = World(state, at, order_id)
    if without >= 0:
        world.shut = world.shut | {without}
    if only >= 0:
        world.shut = set(range(len(state.nodes))) - {only} | (world.shut & {only})
    world.take_off(order, numbers)
    wanted: dict[int, int] = {}
    for number in numbers:
        part = order.parts[number]
        for line, quantity in zip(part.lines, part.quantities, strict=True):
            if quantity:
                wanted[line] = wanted.get(line, 0) + quantity
    ask, groups = build_ask(state, order, list(wanted), list(wanted.values()), at)
    ask.standing = standing_of(world, order, numbers)
    raw = route(ask, state.facts(at // MICROS_PER_DAY), with_gates(state, world.situation(), order, ask))
    decision = raw if groups is None else expanded(raw, groups)
    decision = Decision(decision.parts, tuple(_kept(rest) for rest in decision.rests), decision.why)
    if not decision.parts or any(part.breach for part in decision.parts):
        return decision
    offered = Offer(order, moved(order_id, order, numbers, decision), (), decision.parts, 0, 0, 0)
    if allowed(state, [offered], at):
        return decision
    until = max((rest.until_day for rest in decision.rests), default=order.promise_day)
    rest = Rest(order.next_rest, tuple(wanted), tuple(wanted.values()), "cap", "park", until)
    return Decision((), (rest,), decision.why)


def _kept(rest: Rest) -> Rest:
    """An order that was accepted is not cancelled because a network fails: it waits."""
    return replace(rest, action="park") if rest.action == "cancel" else rest


def moved(order_id: str, order: OrderState, numbers: Sequence[int], decision: Decision) -> ev.Move:
    """The step that gives these parts up for a decision."""
    units = tuple(order.parts[number].units() for number in numbers)
    saved = sum(order.parts[number].cost for number in numbers) - sum(part.cost for part in decision.parts)
    return ev.Move(order_id, tuple(numbers), units, (), _renumbered(order, decision), saved if decision.parts else 0)


def _renumbered(order: OrderState, decision: Decision) -> Decision:
    parts: tuple[Part, ...] = tuple(replace(part, number=order.next_part + i) for i, part in enumerate(decision.parts))
    rests = tuple(replace(rest, number=order.next_rest + i) for i, rest in enumerate(decision.rests))
    return Decision(parts, rests, decision.why)


def _void(order_id: str, order: OrderState, number: int, at: int) -> ev.PartVoided:
    part = order.parts[number]
    pairs = [(line, q) for line, q in zip(part.lines, part.quantities, strict=True) if q]
    return ev.PartVoided(order_id, number, tuple(line for line, _ in pairs), tuple(q for _, q in pairs), True, at)
